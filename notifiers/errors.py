"""What goes wrong when people are told."""

from rules.errors import IncidentdError


class SendError(IncidentdError):
    """A notice was not delivered.

    `permanent` says that trying again is useless. `retry_after_s` is the channel's own wish, in seconds. The text
    never holds a secret, an address with credentials, or the answer's body beyond its first words.
    """

    def __init__(self, message: str, *, permanent: bool, retry_after_s: float | None = None) -> None:
        super().__init__(message)
        self.permanent = permanent
        self.retry_after_s = retry_after_s


class SettingsError(IncidentdError):
    """A notifier's settings describe a channel that could never send."""
