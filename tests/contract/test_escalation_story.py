"""Half an hour at night, minute by minute: three steps, nobody answers, a reply by mail ends it. Mail goes by real SMTP
both ways; only the clock is moved by hand."""

import smtplib
from collections.abc import Iterator
from datetime import timedelta
from email.message import EmailMessage
from email.policy import SMTP

import pytest

from daemon.clock import ManualClock
from daemon.config.inbound import SmtpSettings
from daemon.cycle import Cycle
from daemon.deliver import Deliverer
from daemon.inbound.matching import Surroundings
from daemon.inbound.smtp import MailDoor
from daemon.inbound.taking import Taker
from daemon.links import reply_token
from daemon.store.rows import NoticeRow
from daemon.store.store import Store
from notifiers.base import Extras
from notifiers.registry import build_channel
from rules.decision import Listing, Order, Reply
from rules.document import NoticeContent
from rules.escalation import EscalationPolicy, EscalationStep, Progress
from rules.incident import Status
from rules.policy import Policy
from rules.roster import Group, Roster
from rules.situation import Situation
from rules.subscriptions import Subscription, When
from rules.telling import MANAGER
from tests.builders import sighting
from tests.channels import email_settings
from tests.desk import rack_estate
from tests.fakes import WITHIN_S, PostOffice, post_office
from tests.mails import SETTINGS
from tests.rosters import MINUTE, person

STEPS = (
    EscalationStep(people=("nina",)),
    EscalationStep(after=10 * MINUTE, people=("ben",)),
    EscalationStep(after=10 * MINUTE, lead=True, manager=True),
)


class Night:
    """A daemon without its threads: it decides and delivers once a minute, and takes mail at its door."""

    def __init__(self, store: Store, clock: ManualClock, office: PostOffice) -> None:
        self.store, self.clock, self.office = store, clock, office
        people = [person("nina"), person("ben"), person("lea"), person("mia", audience=MANAGER)]
        self.roster = Roster(
            people={p.id: p for p in people},
            groups={"network": Group(name="network", members=("nina", "ben"), lead="lea", manager="mia")},
            escalations={"default": EscalationPolicy(name="default", steps=STEPS)},
        )
        policy = Policy(roster=self.roster, settle=timedelta(seconds=10), service_levels=())
        managers = Subscription(roles=frozenset({"manager"}), when=When(event=frozenset({"opened", "resolved"})))
        situation = Situation(rack_estate(), policy, (managers,))
        mailer = email_settings(office.port, name="mail")
        self.deliverer = Deliverer(store, {"mail": build_channel(mailer)}, clock, extras=self._extras)
        self.cycle = Cycle(store, situation, store.acquire("test", timedelta(days=1)), clock, sources=("main",))
        around = Surroundings(roster=lambda: self.roster, mailers=lambda: [mailer], notifiers=lambda: ["mail"])
        self.fates: list[str] = []
        taker = Taker(
            store, clock, SETTINGS, around, decide=self._decide, answer=lambda *_: None, note=self.fates.append
        )
        self.door = MailDoor(SmtpSettings(port=0), SETTINGS, taker.take)

    def _extras(self, row: NoticeRow, content: NoticeContent) -> Extras:
        reader = content.recipient.id if content.recipient is not None else row.to
        token = reply_token(self.store.links.key(), row.incident or 0, reader)
        return Extras(reply_to=SETTINGS.with_token(token))

    def _decide(self, order: Order, put: object) -> Reply:
        put()  # type: ignore[operator]
        self.cycle.run_once()
        reply = self.store.reply(order.id)
        assert reply is not None
        return reply

    def minute(self) -> list[tuple[str, str]]:
        """One minute in which the switch stays off; who got which mail at its end."""
        before = len(self.office.letters)
        down = sighting("SwitchDown", labels={"ci": "tor-3a", "severity": "critical"})
        self.cycle.offer(Listing(source="main", at=self.clock.now(), sightings=(down,)))
        self.cycle.run_once()
        assert self.deliverer.drain(timedelta(seconds=WITHIN_S))
        self.clock.advance(MINUTE)
        fresh = zip(self.office.recipients[before:], self.office.letters[before:], strict=True)
        return sorted((who[0].partition("@")[0], str(letter["X-Incidentd-Event"])) for who, letter in fresh)

    def reply(self, to: EmailMessage, sender: str, text: str) -> None:
        """Answer a mail as a person does: to the address it asks for, the mail quoted below."""
        answer = EmailMessage(policy=SMTP)
        answer["From"], answer["To"] = sender, str(to["Reply-To"])
        answer["Subject"] = f"Re: {to['Subject']}"
        answer["Message-ID"] = "<reply-1@x.net>"
        answer["In-Reply-To"] = str(to["Message-ID"])
        answer.set_content(f"{text}\n\nOn Tue, incidentd wrote:\n> resolve: everything\n")
        with smtplib.SMTP("127.0.0.1", self.door.port, "test", 30) as server:
            server.send_message(answer)


@pytest.fixture
def night(store: Store, clock: ManualClock) -> Iterator[Night]:
    with post_office() as office:
        opened = Night(store, clock, office)
        opened.door.start()
        yield opened
        opened.door.stop(5)


def test_half_an_hour_in_three_steps_ends_by_a_reply_to_the_mail(night: Night) -> None:
    story = {n: night.minute() for n in range(25)}
    assert {n: mails for n, mails in story.items() if mails} == {
        1: [("mia", "opened"), ("nina", "assigned")],
        11: [("ben", "escalated")],
        21: [("lea", "escalated"), ("mia", "escalated")],
    }
    (called,) = [letter for letter in night.office.letters if "lea@x.net" in str(letter["To"])]
    night.reply(called, "Lea <lea@x.net>", "ack, I am at the console")
    assert night.fates == ["accepted"]

    rest = {n: night.minute() for n in range(25, 45)}
    assert {n: mails for n, mails in rest.items() if mails} == {
        25: [("ben", "acknowledged"), ("mia", "acknowledged"), ("nina", "acknowledged")],
    }
    incident = night.store.incident(1)
    assert incident is not None
    assert (incident.status, incident.assignee) == (Status.ACKNOWLEDGED, "lea")
    assert incident.escalation.progress is Progress.STOPPED
    said = [e for e in night.store.timeline(1) if e.kind == "acknowledge"]
    assert [(e.actor, e.text) for e in said] == [("lea", "acknowledged: I am at the console")]


def test_where_nobody_replies_that_is_told_as_well(night: Night) -> None:
    night.cycle.situation.subscriptions += (
        Subscription(people=frozenset({"nina"}), when=When(event=frozenset({"nobody_reached"}))),
    )
    story = {n: night.minute() for n in range(40)}
    assert [(n, mails) for n, mails in story.items() if mails][-1] == (36, [("nina", "nobody_reached")])
