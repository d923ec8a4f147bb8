"""Word of known errors and changes, from the order to the letter."""

from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest

from daemon.clock import ManualClock
from daemon.cycle import Cycle
from daemon.deliver import Deliverer
from daemon.inbox import put_order
from daemon.store.store import Store
from notifiers.registry import build_channel
from rules.decision import RecordOrder, RecordVerb, ReportOrder
from rules.policy import Policy
from rules.record import Change, Given, Kind
from rules.report import Contact, Report
from rules.resolution import Satisfaction
from rules.situation import Situation
from rules.subscriptions import Subscription, When
from tests.channels import email_settings
from tests.desk import rack_estate
from tests.fakes import WITHIN_S, PostOffice, post_office

CARLA = Contact(name="Carla", mail="carla@example.net")


@pytest.fixture
def office() -> Iterator[PostOffice]:
    with post_office() as opened:
        yield opened


class House:
    """A daemon's cycle and delivery over one store, with a mail server."""

    def __init__(self, store: Store, clock: ManualClock, office: PostOffice, situation: Situation) -> None:
        self.store, self.clock = store, clock
        channel = build_channel(email_settings(office.port))
        self.mail = channel.name
        self.deliverer = Deliverer(store, {channel.name: channel}, clock)
        self.cycle = Cycle(store, situation, store.acquire("test", timedelta(days=1)), clock, sources=())

    def order(self, order: RecordOrder | ReportOrder) -> None:
        put_order(self.store, order)
        self.turn(0)
        reply = self.store.reply(order.id)
        assert reply is not None
        assert reply.done, reply.message

    def turn(self, seconds: float) -> None:
        """Let time pass, decide, and deliver what came of it."""
        self.clock.advance(timedelta(seconds=seconds))
        self.cycle.run_once()
        assert self.deliverer.drain(timedelta(seconds=WITHIN_S))


def test_the_reporter_is_told_once_that_the_error_is_known(
    store: Store, clock: ManualClock, office: PostOffice
) -> None:
    policy = Policy(satisfaction=Satisfaction(via=email_settings(office.port).name))
    house = House(store, clock, office, Situation(rack_estate(), policy))
    report = Report(title="Nobody can pay", ci="tor-3a", contact=CARLA)
    house.order(ReportOrder(id="r1", at=clock.now(), actor="bert", report=report))
    given = Given(title="the switch reboots", workaround="power cycle it", cis=("tor-3a",))
    house.order(
        RecordOrder(id="p1", at=clock.now(), actor="anna", kind=Kind.PROBLEM, verb=RecordVerb.CREATE, given=given)
    )
    for _ in range(3):
        house.turn(15)
    assert office.recipients == [("carla@example.net",)]
    (letter,) = office.letters
    text = letter.get_body(("plain",))
    assert text is not None
    lines = text.get_content().splitlines()
    assert lines[:2] == ["Your report INC-1: The fault is known", "Nobody can pay"]
    assert "What helps:   power cycle it" in lines


def changed(house: House, verb: RecordVerb, **fields: Any) -> None:
    order_id = f"c{house.clock.now().timestamp()}{verb}{fields.get('step', '')}"
    house.order(RecordOrder(id=order_id, at=house.clock.now(), actor="anna", kind=Kind.CHANGE, verb=verb, **fields))


def planned(house: House) -> None:
    starts_at = house.clock.now() + timedelta(minutes=10)
    given = Given(title="new disks", cis=("host-1",), starts_at=starts_at, ends_at=starts_at + timedelta(minutes=5))
    changed(house, RecordVerb.CREATE, given=given)
    changed(house, RecordVerb.STEP, number=1, step="approve")


def test_a_change_is_told_by_mail_in_order_and_shown_with_it(
    store: Store, clock: ManualClock, office: PostOffice
) -> None:
    wants = (Subscription(to="noc", when=When(group=frozenset({"compute"}))),)
    house = House(store, clock, office, Situation(rack_estate(), Policy(), wants))
    planned(house)
    for _ in range(4):
        house.turn(300)
    assert [letter["Subject"] for letter in office.letters] == [
        "[change] CHG-1 new disks",
        "[change begins] CHG-1 new disks",
        "[change over] CHG-1 new disks",
    ]
    assert {letter["X-Incidentd-Change"] for letter in office.letters} == {"CHG-1"}
    assert len({letter["References"] for letter in office.letters}) == 1
    change = store.record(Kind.CHANGE, 1)
    assert isinstance(change, Change)
    rows = store.notices_of(change)
    assert [(r.subject, r.event, r.state) for r in rows] == [
        ("CHG-1", event, "delivered") for event in ("change_ended", "change_started", "change_scheduled")
    ]


def test_what_cannot_be_delivered_is_on_the_history_of_the_change(
    store: Store, clock: ManualClock, office: PostOffice
) -> None:
    office.answer = "550 no"
    house = House(store, clock, office, Situation(rack_estate(), Policy(), (Subscription(to="noc"),)))
    planned(house)
    (line,) = [e for e in store.timeline_of_record("CHG-1") if e.kind == "notice_failed"]
    assert line.text.startswith("noc could not be told of “change_scheduled”: mail server ")
    (row,) = store.notices(states=("dead",))
    assert (row.about, row.incident) == ("CHG-1", None)
