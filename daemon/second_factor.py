"""The second factor of a login: codes of an authenticator app (RFC 6238), and recovery codes for who has lost it.

Secrets are sealed before they are kept (Fernet: AES-128-CBC with an HMAC-SHA-256 over it), by a key of the
configuration where that has one, else by one that lies in the same database. Libraries are loaded when needed.
"""

import base64
import hashlib
import re
import secrets
from dataclasses import dataclass
from typing import TYPE_CHECKING

from daemon.clock import Clock
from daemon.store.rows import Doer
from daemon.store.store import Store
from notifiers.secret import Secret
from rules.errors import IncidentdError

if TYPE_CHECKING:
    from cryptography.fernet import MultiFernet
    from pyotp import TOTP

RECOVERY_CODES = 10
_RECOVERY_BYTES = 10
"""80 bits: nobody can try them all, so that a plain digest keeps them safe."""
_WINDOW = 1
"""RFC 6238 section 5.2 recommends one step at most for clocks that differ and codes on their way."""
_CODE = re.compile(r"[0-9]{6}", re.ASCII)
_BLANKS = re.compile(r"[\s-]+")


class FactorRefused(IncidentdError):
    """Why a second factor cannot be set up, used or changed, in words for people."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Setup:
    """What an authenticator app is given: the secret to type (base32, in groups of four), and the same as a picture."""

    secret: str
    svg: str


class SecondFactor:
    """The second factors of one database's users. `issuer` is what apps call this installation; `key` seals secrets,
    None where the configuration gives none."""

    def __init__(self, store: Store, clock: Clock, *, issuer: str = "incidentd", key: Secret | None = None) -> None:
        self._store = store.second_factors
        self._clock = clock
        self._issuer = issuer
        self._key = key

    def begin(self, user: str) -> Setup:
        """Make a secret, which counts once a code of it was given; FactorRefused where the user has one that counts."""
        from pyotp import random_base32

        text = random_base32()
        if not self._store.begin(user, self._seal().encrypt(text.encode())):
            raise FactorRefused("there is a second factor already; switch it off first")
        return self._setup(user, text)

    def begun(self, user: str) -> Setup | None:
        """What was begun, to be shown again; None where nothing was."""
        found = self._store.of(user)
        return None if found is None or found.is_confirmed else self._setup(user, self._opened(found.sealed))

    def confirm(self, user: str, code: str, *, keep: str, by: Doer) -> tuple[str, ...]:
        """Let the secret count by a code of it; recovery codes, to be shown this once. Sessions end but the one with
        the digest `keep`. FactorRefused where the code is wrong or nothing was begun."""
        text, sealed = self._secret(user, is_confirmed=False)
        step = self._step(text, code)
        if step is None:
            raise FactorRefused("that is not the code of now; look at the time of the device that shows it")
        codes = _recovery_codes()
        if not self._store.confirm(user, sealed, step, map(_digest, codes), keep=keep, by=by):
            raise FactorRefused("another one was begun meanwhile; scan that one")
        return codes

    def accepts(self, user: str, code: str) -> bool:
        """Whether a code of the app, or a recovery code, is right; never twice. FactorRefused where the secret cannot
        be opened."""
        if not _CODE.fullmatch(_plain(code)):
            return self._store.take_code(user, _digest(code))
        text, _ = self._secret(user, is_confirmed=True)
        step = self._step(text, code)
        # Sealed anew each time: a key that the configuration was given since takes over.
        return step is not None and self._store.take_step(user, step, self._seal().encrypt(text.encode()))

    def codes_left(self, user: str) -> int:
        """How many recovery codes a user has."""
        found = self._store.of(user)
        return 0 if found is None else found.codes_left

    def renew_codes(self, user: str, *, by: Doer) -> tuple[str, ...]:
        """Other recovery codes instead of those there were, to be shown this once."""
        codes = _recovery_codes()
        if not self._store.renew_codes(user, map(_digest, codes), by=by):
            raise FactorRefused("there is no second factor")
        return codes

    def _step(self, text: str, code: str) -> int | None:
        """The step of which this is the code, near now; None where it is of none."""
        from pyotp import OTPVerificationError

        try:
            return self._totp(text).verify_and_get_timecode(
                _plain(code), for_time=self._clock.now(), valid_window=_WINDOW
            )
        except OTPVerificationError:
            return None

    def _secret(self, user: str, *, is_confirmed: bool) -> tuple[str, bytes]:
        found = self._store.of(user)
        if found is None or found.is_confirmed is not is_confirmed:
            raise FactorRefused("there is no second factor" if is_confirmed else "no second factor is being set up")
        return self._opened(found.sealed), found.sealed

    def _opened(self, sealed: bytes) -> str:
        from cryptography.fernet import InvalidToken

        try:
            return self._seal().decrypt(sealed).decode()
        except InvalidToken:
            raise FactorRefused(
                "codes cannot be checked: the key of second factors has changed; use a recovery code, or ask an "
                "administrator to reset your second factor"
            ) from None

    def _seal(self) -> "MultiFernet":
        """Seals with the configuration's key where there is one, and opens what was sealed before there was."""
        from cryptography.fernet import Fernet, MultiFernet

        own = base64.urlsafe_b64encode(self._store.key())
        if self._key is None:
            return MultiFernet([Fernet(own)])
        given = hashlib.sha256(b"incidentd second factors\0" + self._key.reveal().encode()).digest()
        return MultiFernet([Fernet(base64.urlsafe_b64encode(given)), Fernet(own)])

    def _setup(self, user: str, text: str) -> Setup:
        import segno

        address = self._totp(text).provisioning_uri(name=user, issuer_name=self._issuer)
        drawn = segno.make(address, error="m", micro=False)
        svg = drawn.svg_inline(border=4, dark="#000", light="#fff", omitsize=True, svgclass="qr", lineclass=None)
        return Setup(secret=" ".join(re.findall(".{1,4}", text)), svg=svg)

    @staticmethod
    def _totp(text: str) -> "TOTP":
        from pyotp import TOTP

        return TOTP(text)


def _recovery_codes() -> tuple[str, ...]:
    made = (base64.b32encode(secrets.token_bytes(_RECOVERY_BYTES)).decode().lower() for _ in range(RECOVERY_CODES))
    return tuple("-".join(re.findall(".{4}", text)) for text in made)


def _digest(code: str) -> str:
    return hashlib.sha256(_plain(code).encode("utf-8", "replace")).hexdigest()


def _plain(code: str) -> str:
    """The code without the blanks and dashes that make it easy to read."""
    return _BLANKS.sub("", code).lower()
