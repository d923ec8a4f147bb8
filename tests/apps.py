"""An authenticator app, for the suites that log in with a second factor."""

import pyotp

from daemon.clock import Clock


class App:
    """Shows codes of a secret by the test's clock. `at_step` shows those of other moments, 30 seconds each."""

    def __init__(self, secret: str, clock: Clock) -> None:
        self._totp = pyotp.TOTP(secret.replace(" ", ""))
        self._clock = clock

    def code(self, at_step: int = 0) -> str:
        return self._totp.at(self._clock.now(), counter_offset=at_step)
