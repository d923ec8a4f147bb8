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
from notifiers.wording import one_line

_ADDRESS = re.compile(r"[^\s@<>,;:\"()\\\[\]]{1,64}@[A-Za-z0-9.-]{1,255}", re.ASCII)
_HEADER_NAME = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")
_OWN_HEADERS = frozenset({"content-length", "content-type", "host", "idempotency-key", "transfer-encoding"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Rate:
    """At most so many notices in any time of length `within`."""

    notices: int
    within: timedelta


@dataclass(frozen=True, slots=True, kw_only=True)
class NotifierSettings:
    """What every way of telling people has.

    `timeout` bounds each wait for the other side. `ca_file` (PEM) replaces the usual certificate authorities. `rate`
    bounds what leaves through it, None leaves that unbounded; `concurrency` is how many notices are under way at a
    time, None as many as through any other.
    """

    name: str
    timeout: timedelta = timedelta(seconds=10)
    ca_file: Path | None = None
    rate: Rate | None = None
    concurrency: int | None = None

    def faults(self) -> Iterator[str]:
        """What is wrong with the settings of this kind of channel; see `faults`."""
        yield from ()

    def address_fault(self, address: str) -> str:
        """What is wrong with a person's address at this notifier, and what is allowed; empty where it will do."""
        return ""


@dataclass(frozen=True, slots=True, kw_only=True)
class WebhookSettings(NotifierSettings):
    """Where a webhook goes. With a `secret` every request is signed; header values may be secret.

    The address itself may hold a token, so it is a secret too; `url` is never shown, only its host.
    """

    url: Secret
    secret: Secret | None = None
    bearer_token: Secret | None = None
    headers: tuple[tuple[str, Secret], ...] = ()

    def faults(self) -> Iterator[str]:
        """As in `NotifierSettings`."""
        if not is_web_address(self.url.reveal()):
            yield "url must be a whole http:// or https:// address without spaces"
        for name, value in self.headers:
            if not _HEADER_NAME.fullmatch(name) or name.lower() in _OWN_HEADERS:
                yield f"headers cannot set {name!r}; allowed are names of letters, digits and dashes that are not ours"
            if not is_header_value(value.reveal()):
                yield f"headers must have printable ASCII on one line, and {name!r} has not"
        if self.bearer_token and not is_header_value(self.bearer_token.reveal()):
            yield "bearer_token must be printable ASCII on one line"


@dataclass(frozen=True, slots=True, kw_only=True)
class EmailSettings(NotifierSettings):
    """Which mail server takes the mail, from whom and to whom.

    `tls` is how the connection is protected; `none` is never chosen by itself. Addresses may carry a name, as in
    `NOC <noc@example.net>`. `pictures` says whether mails show what an incident hits.
    """

    host: str
    port: int
    sender: str
    recipients: tuple[str, ...]
    tls: Literal["starttls", "implicit", "none"] = "starttls"
    username: str = ""
    password: Secret | None = None
    pictures: bool = True
    timeout: timedelta = timedelta(seconds=20)

    def faults(self) -> Iterator[str]:
        """As in `NotifierSettings`."""
        if not self.host or any(c.isspace() for c in self.host):
            yield "host must be the name or address of a mail server"
        if not 0 < self.port < 65536:
            yield "port must be between 1 and 65535"
        if not self.recipients:
            yield "to must name at least one mail address"
        for key, value in (("from", self.sender), *(("to", r) for r in self.recipients)):
            if fault := self.address_fault(value):
                yield f"{key}: {fault}"
        if bool(self.username) != bool(self.password):
            yield "username and password belong together"
        if not is_header_value(self.username + (self.password.reveal() if self.password else "")):
            yield "username and password must be printable ASCII: nothing else is safe in an SMTP login"
        if self.username and self.tls == "none" and not _is_loopback(self.host):
            yield "tls must not be none where there is a password; allowed are starttls and implicit"

    def address_fault(self, address: str) -> str:
        """As in `NotifierSettings`."""
        if is_mail_address(address):
            return ""
        return f"{shown(address)} is not a mail address; allowed: name@example.net or Name <name@example.net>"


def faults(settings: NotifierSettings) -> tuple[str, ...]:
    """What is wrong with these settings; empty where all is well.

    One clear sentence each, without any secret, beginning with the configuration's key; what is allowed stands
    after a semicolon.
    """
    timeout = () if settings.timeout > timedelta(0) else ("timeout must be more than 0",)
    return (*timeout, *settings.faults())


def deadline_s(timeout: timedelta) -> float:
    """Seconds that one send may take as a whole: three waits, or 45 s where that is less and one wait is not more."""
    seconds = timeout.total_seconds()
    return min(3 * seconds, max(seconds, 45.0))


def is_web_address(url: str) -> bool:
    """Whether this is a whole http(s) address that can be asked."""
    try:
        parts = urlsplit(url)
        is_whole = parts.scheme in ("http", "https") and bool(parts.hostname) and parts.port != 0
    except ValueError:
        return False
    return is_whole and not any(c.isspace() or not c.isprintable() for c in url)


def is_header_value(value: str) -> bool:
    """Whether this can be the value of a header."""
    return value.isascii() and value.isprintable() and value == value.strip()


def shown(text: str) -> str:
    """A value as errors show it: quoted, on one line, bounded."""
    return f'"{one_line(text, 100)}"'


def is_mail_address(value: str) -> bool:
    """Whether this is exactly one address, with or without a name, and fit for a header."""
    found = getaddresses([value])
    return value.isprintable() and len(found) == 1 and bool(_ADDRESS.fullmatch(found[0][1]))


def _is_loopback(host: str) -> bool:
    return host in ("localhost", "::1") or bool(re.fullmatch(r"127(\.\d{1,3}){3}", host))
