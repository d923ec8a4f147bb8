"""What the owner says about one way of telling people."""

from dataclasses import dataclass
from datetime import timedelta
from typing import Literal

from notifiers.secret import Secret


@dataclass(frozen=True, slots=True, kw_only=True)
class WebhookSettings:
    """Where a webhook goes. With a `secret` every request is signed; header values may be secret.

    The address itself may hold a token, so it is a secret too; `url` is never shown, only its host.
    """

    name: str
    url: Secret
    secret: Secret | None = None
    bearer_token: Secret | None = None
    headers: tuple[tuple[str, Secret], ...] = ()
    timeout: timedelta = timedelta(seconds=10)


@dataclass(frozen=True, slots=True, kw_only=True)
class EmailSettings:
    """Which mail server takes the mail, from whom and to whom. `tls` is how the connection is protected."""

    name: str
    host: str
    port: int
    sender: str
    recipients: tuple[str, ...]
    tls: Literal["starttls", "implicit", "none"] = "starttls"
    username: str = ""
    password: Secret | None = None
    timeout: timedelta = timedelta(seconds=20)


NotifierSettings = WebhookSettings | EmailSettings
