"""Mails that come in, and a service desk that takes them: the daemon's own decisions over a real database."""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import timedelta
from email.message import EmailMessage
from email.policy import SMTP
from typing import Any

from cmdb.graph import Estate
from daemon.clock import ManualClock
from daemon.config.inbound import InboundSettings
from daemon.cycle import Cycle
from daemon.inbound.mail import Envelope, Mail
from daemon.inbound.matching import Surroundings
from daemon.inbound.taking import Taken, Taker
from daemon.links import reply_token
from daemon.store.store import Store
from rules.decision import Decision, Order, Reply
from rules.incident import Incident
from rules.policy import Policy
from rules.roster import Roster
from rules.situation import Situation
from tests.builders import T0, incident
from tests.channels import email_settings
from tests.rosters import person

ADDRESS = "incidents@example.net"
REQUESTS = "requests@example.net"
SETTINGS = InboundSettings(
    address=ADDRESS, requests_address=REQUESTS, from_allowed=frozenset({"example.com"}), group="desk"
)
MAILER = email_settings(25, name="mail")


def letter(text: str = "It is down.", sender: str = "anna@x.net", **headers: str) -> EmailMessage:
    """A mail as a person writes it; headers are named with `_` for `-`."""
    made = EmailMessage(policy=SMTP)
    known = {"From": sender, "To": ADDRESS, "Subject": "Nobody can pay", "Message-ID": f"<{abs(hash(text))}@x.net>"}
    for name, value in {**known, **{n.replace("_", "-"): v for n, v in headers.items()}}.items():
        if value:
            made[name] = value
    made.set_content(text)
    return made


@dataclass
class MailDesk:
    """A taker with everything around it. `answers` are refusals that were told, `fates` what became of each mail."""

    store: Store
    clock: ManualClock
    settings: InboundSettings = SETTINGS
    roster: Roster = field(default_factory=lambda: Roster(people={p: person(p) for p in ("anna", "ben")}))
    answers: list[tuple[str, str]] = field(default_factory=list)
    fates: list[str] = field(default_factory=list)
    deciding: bool = True

    def __post_init__(self) -> None:
        self.store.upgrade()
        self.epoch = self.store.acquire("test", timedelta(days=1))
        situation = Situation(Estate.of([]), Policy(roster=self.roster))
        self.cycle = Cycle(self.store, situation, self.epoch, self.clock, sources=("push",))
        self.taker = self.made()

    def made(self, **fields: Any) -> Taker:
        """Another taker of the same mails, as after a restart."""
        around = Surroundings(roster=lambda: self.roster, mailers=lambda: [MAILER], notifiers=lambda: ["mail"])
        known = {"decide": self.decide, "answer": self.answer, "note": self.fates.append, **fields}
        return Taker(self.store, self.clock, self.settings, around, **known)

    def decide(self, order: Order, put: Callable[[], object]) -> Reply:
        """As the daemon does; nothing is decided while `deciding` is off."""
        put()
        if not self.deciding:
            raise TimeoutError
        self.cycle.run_once()
        reply = self.store.reply(order.id)
        assert reply is not None
        return reply

    def answer(self, mail: Mail, why: str) -> None:
        """Keep whom something was told, and what."""
        self.answers.append((mail.sender, why))

    def keep(self, number: int = 42, **fields: Any) -> Incident:
        """An incident that is known before the first mail."""
        kept = incident(number, **fields)
        self.store.commit(Decision(at=T0, incidents=(kept,)), epoch=self.epoch)
        return kept

    def take(self, mail: EmailMessage | bytes, envelope: Envelope | None = None) -> Taken:
        """Hand one over."""
        return self.taker.take(mail if isinstance(mail, bytes) else mail.as_bytes(), envelope)

    def address(self, by: str = "anna", number: int = 42) -> str:
        """Where answers to a notice to that person go."""
        return self.settings.with_token(reply_token(self.store.links.key(), number, by))

    def opened(self) -> list[Incident]:
        """Every incident, in order."""
        return sorted(self.store.incidents(), key=lambda i: i.number)

    def history(self, number: int = 42) -> list[tuple[str, str, str]]:
        """Kind, actor and text of an incident's lines."""
        return [(e.kind, e.actor, e.text) for e in self.store.timeline(number)]
