"""Telling people through real servers: a storm on a virtual clock, from the alerts to what lies in each mailbox."""

import json
from collections import Counter
from collections.abc import Iterable, Iterator
from datetime import timedelta
from email.message import EmailMessage
from typing import Any

import pytest
from pytest_httpserver import HTTPServer
from werkzeug import Request, Response

from cmdb.graph import Estate
from cmdb.model import CI, Criticality
from daemon.clock import ManualClock
from daemon.cycle import Cycle
from daemon.deliver import Deliverer
from daemon.store.store import Store
from notifiers.registry import build_channel
from rules.alert import Sighting
from rules.decision import Listing
from rules.escalation import EscalationPolicy, EscalationStep
from rules.policy import Policy
from rules.roster import Contact, Group, Person, Roster
from rules.situation import Situation
from rules.subscriptions import Subscription
from rules.telling import MANAGER
from tests.builders import sighting
from tests.channels import email_settings, webhook_settings
from tests.desk import needs, service
from tests.fakes import WITHIN_S, PostOffice, post_office
from tests.rosters import BERLIN

Page = dict[str, Any]
INCIDENTS = 300
EVERY = 50
"""One in so many incidents hits a critical service."""
CRITICAL = range(1, INCIDENTS + 1, EVERY)
CYCLE_S = 2
PER_CYCLE = INCIDENTS // (60 // CYCLE_S)


@pytest.fixture
def office() -> Iterator[PostOffice]:
    with post_office() as opened:
        yield opened


def estate() -> Estate:
    """So many switches of the network group, each with a service of its own."""
    switches = [CI(id=f"tor-{n}", type="switch", owner="network") for n in range(1, INCIDENTS + 1)]
    services = [
        service(f"shop-{n}", f"Shop {n}", Criticality.CRITICAL if n in CRITICAL else Criticality.LOW, needs(f"tor-{n}"))
        for n in range(1, INCIDENTS + 1)
    ]
    return Estate.of([*switches, *services])


def policy() -> Policy:
    """Nina is on call for the network, by pager; Mia manages, by mail."""
    nina = Person(id="nina", name="Nina", zone=BERLIN, contacts=(Contact(via="pager", address="nina"),))
    by_mail = (Contact(via="mail", address="mia@example.net"),)
    mia = Person(id="mia", name="Mia", zone=BERLIN, contacts=by_mail, audience=MANAGER)
    steps = (EscalationStep(people=("nina",)),)
    roster = Roster(
        people={"nina": nina, "mia": mia},
        groups={"network": Group(name="network", members=("nina",))},
        escalations={"default": EscalationPolicy(name="default", steps=steps)},
    )
    return Policy(settle=timedelta(), roster=roster)


class House:
    """The decisions and deliveries of a daemon, through a mail server and a pager's web server."""

    def __init__(self, store: Store, clock: ManualClock, office: PostOffice, httpserver: HTTPServer) -> None:
        self.clock, self.office = clock, office
        self.pages: list[Page] = []
        httpserver.expect_request("/page").respond_with_handler(self._take)
        settings = (
            webhook_settings(httpserver.url_for("/page"), name="pager"),
            email_settings(office.port, name="mail"),
        )
        managers = Subscription(roles=frozenset({"manager"}), name="managers", batches=True)
        situation = Situation(estate(), policy(), (managers,))
        self._deliverer = Deliverer(store, {s.name: build_channel(s) for s in settings}, clock)
        self.cycle = Cycle(store, situation, store.acquire("test", timedelta(days=1)), clock, sources=("main",))
        self._firing: list[Sighting] = []

    def _take(self, request: Request) -> Response:
        self.pages.append(json.loads(request.data))
        return Response(status=202)

    def fail(self, racks: Iterable[int]) -> None:
        """One cycle in which these switches go off as well, and what came of it is delivered."""
        now = self.clock.now()
        labels = [{"ci": f"tor-{n}", "severity": "critical"} for n in racks]
        self._firing += [sighting("SwitchDown", labels=each, starts_at=now) for each in labels]
        self.cycle.offer(Listing(source="main", at=now, sightings=tuple(self._firing)))
        self.turn()

    def turn(self) -> None:
        """One cycle, and what came of it is delivered."""
        self.cycle.run_once()
        assert self._deliverer.drain(timedelta(seconds=WITHIN_S))


@pytest.fixture
def house(store: Store, clock: ManualClock, office: PostOffice, httpserver: HTTPServer) -> House:
    return House(store, clock, office, httpserver)


def test_a_storm_of_300_incidents_in_a_minute_is_a_handful_of_messages_and_every_p1_comes_within_a_cycle(
    store: Store, clock: ManualClock, house: House
) -> None:
    for first in range(1, INCIDENTS + 1, PER_CYCLE):
        fresh = range(first, first + PER_CYCLE)
        house.fail(fresh)
        # What is most urgent has arrived before the next cycle begins, at the manager's and the engineer's.
        urgent = {f"tor-{n}" for n in CRITICAL if n in fresh}
        assert urgent <= {root_of(letter) for letter in house.office.letters}
        assert urgent <= paged(house.pages)
        clock.advance(timedelta(seconds=CYCLE_S))
    assert len(house.cycle.situation.incidents) == INCIDENTS
    for _ in range(10):
        clock.advance(timedelta(seconds=15))
        house.turn()

    mails = Counter(letter["X-Incidentd-Event"] for letter in house.office.letters)
    assert mails == {"opened": len(CRITICAL), "summary": 1}
    assert {r for recipients in house.office.recipients for r in recipients} == {"mia@example.net"}
    (summary,) = [letter for letter in house.office.letters if letter["X-Incidentd-Event"] == "summary"]
    assert str(INCIDENTS - len(CRITICAL)) in words(summary)

    calls = Counter(page["event"] for page in house.pages)
    assert set(calls) == {"assigned", "summary"}
    beside = calls["assigned"] + calls["summary"] - len(CRITICAL)
    assert beside <= 5, calls
    assert len(paged(house.pages) | summed(house.pages)) >= 50 + len(CRITICAL)
    told = calls["assigned"] + sum(p["summary"]["total"] for p in house.pages if p["event"] == "summary")
    assert told == INCIDENTS
    assert {row.state for row in store.notices(limit=1000)} == {"delivered"}


def words(letter: EmailMessage) -> str:
    body = letter.get_body(("plain",))
    assert body is not None
    return str(body.get_content()) + str(letter["Subject"])


def root_of(letter: EmailMessage) -> str:
    """The switch whose shop the letter is about."""
    named = [n for n in CRITICAL if f"Shop {n}" in words(letter)]
    return f"tor-{named[-1]}" if named and letter["X-Incidentd-Event"] == "opened" else ""


def paged(pages: list[Page]) -> set[str]:
    """The failed CIs that were paged one by one."""
    return {p["incident"]["root_cause"]["ci"] for p in pages if p["incident"]}


def summed(pages: list[Page]) -> set[str]:
    """The failed CIs that stand in a summary."""
    summaries = (p["summary"] for p in pages if p["event"] == "summary")
    return {item["root"] for summary in summaries for item in summary["items"]}
