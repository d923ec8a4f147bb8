"""What the owner says about one way of telling people."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta
from email.utils import getaddresses
from pathlib import Path
from typing import Literal
from urllib.parse import urlsplit

from notifiers.secret import Secret


@dataclass(frozen=True, slots=True, kw_only=True)
class WebhookSettings:
    """Where a webhook goes. With a `secret` every request is signed; header values may be secret.

    The address itself may hold a token, so it is a secret too; `url` is never shown, only its host. `ca_file` (PEM)
    replaces the usual certificate authorities. `timeout` bounds each wait for the server.
    """

    name: str
    url: Secret
    secret: Secret | None = None
    bearer_token: Secret | None = None
    headers: tuple[tuple[str, Secret], ...] = ()
    timeout: timedelta = timedelta(seconds=10)
    ca_file: Path | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class EmailSettings:
    """Which mail server takes the mail, from whom and to whom.

    `tls` is how the connection is protected; `none` is never chosen by itself. Addresses may carry a name, as in
    `NOC <noc@example.net>`. `ca_file` (PEM) replaces the usual certificate authorities. `timeout` bounds each wait
    for the server.
    """

    name: str
    host: str
    port: int
    sender: str
    recipients: tuple[str, ...]
    tls: Literal["starttls", "implicit", "none"] = "starttls"
    username: str = ""
    password: Secret | None = None
    timeout: timedelta = timedelta(seconds=20)
    ca_file: Path | None = None


NotifierSettings = WebhookSettings | EmailSettings

_ADDRESS = re.compile(r"[^\s@<>,;:\"()\\\[\]]{1,64}@[A-Za-z0-9.-]{1,255}", re.ASCII)
_HEADER_NAME = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")
_OWN_HEADERS = frozenset({"content-length", "content-type", "host", "idempotency-key", "transfer-encoding"})


def faults(settings: NotifierSettings) -> tuple[str, ...]:
    """What is wrong with these settings; empty where all is well.

    One clear sentence each, without any secret, beginning with the configuration's key; what is allowed stands
    after a semicolon.
    """
    found = _webhook_faults(settings) if isinstance(settings, WebhookSettings) else _email_faults(settings)
    return (*_timeout_faults(settings.timeout), *found)


def deadline_s(timeout: timedelta) -> float:
    """Seconds that one send may take as a whole: three waits, or 45 s where that is less and one wait is not more."""
    seconds = timeout.total_seconds()
    return min(3 * seconds, max(seconds, 45.0))


def _timeout_faults(timeout: timedelta) -> Iterator[str]:
    if timeout <= timedelta(0):
        yield "timeout must be more than 0"


def _webhook_faults(settings: WebhookSettings) -> Iterator[str]:
    url = settings.url.reveal()
    if not _is_web_address(url):
        yield "url must be a whole http:// or https:// address without spaces"
    for name, value in settings.headers:
        if not _HEADER_NAME.fullmatch(name) or name.lower() in _OWN_HEADERS:
            yield f"headers cannot set {name!r}; allowed are names of letters, digits and dashes that are not ours"
        if not _is_header_value(value.reveal()):
            yield f"headers must have printable ASCII on one line, and {name!r} has not"
    if settings.bearer_token and not _is_header_value(settings.bearer_token.reveal()):
        yield "bearer_token must be printable ASCII on one line"


def _is_web_address(url: str) -> bool:
    try:
        parts = urlsplit(url)
        is_whole = parts.scheme in ("http", "https") and bool(parts.hostname) and parts.port != 0
    except ValueError:
        return False
    return is_whole and not any(c.isspace() or not c.isprintable() for c in url)


def _is_header_value(value: str) -> bool:
    return value.isascii() and value.isprintable() and value == value.strip()


def _email_faults(settings: EmailSettings) -> Iterator[str]:
    if not settings.host or any(c.isspace() for c in settings.host):
        yield "host must be the name or address of a mail server"
    if not 0 < settings.port < 65536:
        yield "port must be between 1 and 65535"
    if not settings.recipients:
        yield "to must name at least one mail address"
    for key, value in (("from", settings.sender), *(("to", r) for r in settings.recipients)):
        if not is_mail_address(value):
            yield f"{key} holds {value!r}, not a mail address; allowed is name@example.net or Name <name@example.net>"
    if bool(settings.username) != bool(settings.password):
        yield "username and password belong together"
    if not _is_header_value(settings.username + (settings.password.reveal() if settings.password else "")):
        yield "username and password must be printable ASCII: nothing else is safe in an SMTP login"
    if settings.username and settings.tls == "none" and not _is_loopback(settings.host):
        yield "tls must not be none where there is a password; allowed are starttls and implicit"


def is_mail_address(value: str) -> bool:
    """Whether this is exactly one address, with or without a name, and fit for a header."""
    found = getaddresses([value])
    return value.isprintable() and len(found) == 1 and bool(_ADDRESS.fullmatch(found[0][1]))


def _is_loopback(host: str) -> bool:
    return host in ("localhost", "::1") or bool(re.fullmatch(r"127(\.\d{1,3}){3}", host))
