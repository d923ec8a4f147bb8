"""How mail comes in: from where, at which addresses, from whom."""

from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Literal

from notifiers.secret import Secret


@dataclass(frozen=True, slots=True, kw_only=True)
class ImapSettings:
    """A mailbox that is read every `interval`; `timeout` bounds each wait for the server. `ca_file` (PEM) replaces the
    usual certificate authorities."""

    host: str
    port: int
    username: str
    password: Secret
    tls: Literal["implicit", "starttls", "none"] = "implicit"
    folder: str = "INBOX"
    interval: timedelta = timedelta(seconds=30)
    timeout: timedelta = timedelta(seconds=20)
    ca_file: Path | None = None

    @property
    def where(self) -> str:
        """The mailbox as people may see it."""
        return f"mailbox {self.username} on {self.host}:{self.port}"


@dataclass(frozen=True, slots=True, kw_only=True)
class SmtpSettings:
    """Where mail servers hand over mail; with a certificate (PEM) they may use STARTTLS, with `require_tls` they
    must."""

    host: str = "127.0.0.1"
    port: int = 2525
    cert_file: Path | None = None
    key_file: Path | None = None
    require_tls: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class InboundSettings:
    """What becomes of mail.

    Mail to `address` is about incidents, to `requests_address` about service requests; both in small letters. From
    people of the roster, users and those in `from_allowed` (addresses, or domains) it opens new ones, for `group`.
    Where `authserv_id` is set, a mail must have passed DMARC in the eyes of the mail server of that name. `answer_via`
    is the notifier by which it is said that something was refused; empty where nobody is told. More than `per_hour`
    mails of one sender are not taken.
    """

    address: str
    requests_address: str = ""
    from_allowed: frozenset[str] = frozenset()
    authserv_id: str = ""
    group: str = ""
    answer_via: str = ""
    per_hour: int = 30
    imap: ImapSettings | None = None
    smtp: SmtpSettings | None = None

    @property
    def addresses(self) -> tuple[str, ...]:
        """Every address at which mail comes in, without what may stand after a plus."""
        return tuple(filter(None, (self.address, self.requests_address)))

    def with_token(self, token: str) -> str:
        """The address for answers that carries a token."""
        local, _, domain = self.address.rpartition("@")
        return f"{local}+{token}@{domain}"

    def token_in(self, recipient: str) -> str:
        """The token in one of our addresses for answers, empty where it is none."""
        local, _, domain = recipient.lower().rpartition("@")
        name, plus, token = local.partition("+")
        return token if plus and f"{name}@{domain}" == self.address else ""

    def is_ours(self, recipient: str) -> bool:
        """Whether mail to this address comes in here."""
        return recipient.lower() in self.addresses or bool(self.token_in(recipient))

    def allows(self, sender: str) -> bool:
        """Whether somebody with this address may open incidents, without being known otherwise."""
        return sender in self.from_allowed or sender.rpartition("@")[2] in self.from_allowed
