"""Who is told what and when: subscriptions of people, bursts, quiet hours, digests, limits and updates."""

from collections import Counter
from dataclasses import replace
from datetime import time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import msgspec
import pytest

from cmdb.graph import Estate
from cmdb.model import CI, Criticality
from rules.decision import Notice, Undelivered, Verb
from rules.document import NoticeContent
from rules.draft import Draft
from rules.escalation import EscalationPolicy, EscalationStep, Progress
from rules.explain import explain
from rules.policy import Policy
from rules.roster import Contact, Group, Kind, Person, Roster
from rules.subscriptions import Digest, Subscription, When
from rules.telling import CUSTOMER, MANAGER, Manners
from rules.wallclock import Hours
from tests.builders import sighting
from tests.desk import Desk, needs, service
from tests.rosters import BERLIN, MINUTE, person

P1, P3 = frozenset({"P1"}), frozenset({"P3"})
MINUTES = MINUTE.total_seconds()


def estate(racks: int) -> Estate:
    """So many switches of one group, each with a service of its own on it; the first is critical."""
    cis = [CI(id=f"tor-{n}", type="switch", owner="network") for n in range(1, racks + 1)]
    services = [
        service(f"shop-{n}", f"Shop {n}", Criticality.CRITICAL if n == 1 else Criticality.LOW, needs(f"tor-{n}"))
        for n in range(1, racks + 1)
    ]
    return Estate.of([*cis, *services])


def mia(**fields: Any) -> Person:
    """A manager in Berlin, reached by chat, else by mail."""
    contacts = (Contact(via="chat", address="@mia"), Contact(via="mail", address="mia@x.net"))
    return replace(person("mia", BERLIN, audience=MANAGER, contacts=contacts), **fields)


def house(
    *subscriptions: Subscription,
    people: tuple[Person, ...] = (),
    racks: int = 40,
    steps: tuple[EscalationStep, ...] = (),
    manners: Manners | None = None,
    cis: tuple[CI, ...] = (),
    **fields: Any,
) -> Desk:
    known = people or (mia(), person("anna"), person("ben"))
    roster = Roster(
        people={p.id: p for p in known},
        groups={"network": Group(name="network", members=("anna", "ben"), lead="anna", manager="mia")},
        escalations={"default": EscalationPolicy(name="default", steps=steps)} if steps else {},
    )
    lengths = {"settle": timedelta(), "update_every": timedelta(), "service_levels": (), **fields}
    desk = Desk(
        Estate.of(cis) if cis else estate(racks),
        Policy(roster=roster, manners=manners or Manners(), **lengths),
        told=(),
    )
    desk.situation.subscriptions = subscriptions
    return desk


def fail(desk: Desk, *racks: int) -> None:
    """So many switches are down now, and nothing else."""
    desk.hear(*(sighting("SwitchDown", labels={"ci": f"tor-{n}", "severity": "critical"}) for n in racks))


def to(desk: Desk, who: str) -> list[str]:
    """The events that a person was told of, by whichever notifier."""
    return [n.event for n in desk.notices if n.person == who]


def content(notice: Notice) -> NoticeContent:
    return msgspec.json.decode(notice.content, type=NoticeContent)


ALL = Subscription(roles=frozenset({"manager"}), name="managers", batches=True)
EAGER = Manners(gather={})


@pytest.mark.parametrize(
    ("sub", "hears"),
    [
        (Subscription(people=frozenset({"mia"})), True),
        (Subscription(groups=frozenset({"network"})), False),
        (Subscription(roles=frozenset({"group_manager"})), True),
        (Subscription(roles=frozenset({"operator"})), False),
        (Subscription(roles=frozenset({"manager"}), when=When(priority=P3)), False),
        (Subscription(roles=frozenset({"manager"}), when=When(service=frozenset({"shop-1"}))), True),
        (Subscription(roles=frozenset({"manager"}), when=When(ci=frozenset({"shop-1"}))), True),
        (Subscription(roles=frozenset({"manager"}), when=When(ci=frozenset({"shop-2"}))), False),
        (Subscription(roles=frozenset({"manager"}), when=When(under=frozenset({"tor-1"}))), True),
        (Subscription(roles=frozenset({"manager"}), when=When(under=frozenset({"tor-2", "gone"}))), False),
        (Subscription(roles=frozenset({"manager"}), when=When(category=frozenset({"network"}))), False),
        (Subscription(roles=frozenset({"manager"}), when=When(hours=(Hours(begin=time(8), end=time(18)),))), True),
        (Subscription(roles=frozenset({"manager"}), when=When(hours=(Hours(begin=time(18), end=time(8)),))), False),
    ],
)
def test_people_are_meant_by_name_group_or_role_and_every_condition_must_hold(sub: Subscription, hears: bool) -> None:
    desk = house(sub)
    fail(desk, 1)
    assert (to(desk, "mia") == ["opened"]) is hears


def test_roles_mean_people_of_a_service_only_where_it_is_hit() -> None:
    users = Subscription(roles=frozenset({"user"}))
    people = (mia(services=frozenset({"shop-2"})), person("anna", services=frozenset({"shop-1"})), person("ben"))
    desk = house(users, ALL, people=people, manners=EAGER)
    fail(desk, 1)
    assert (to(desk, "mia"), to(desk, "anna"), to(desk, "ben")) == ([], ["opened"], [])


def test_contractors_are_meant_by_their_kind() -> None:
    desk = house(Subscription(roles=frozenset({"contractor"})), people=(person("zoe", kind=Kind.CONTRACTOR), mia()))
    fail(desk, 1)
    assert {n.person for n in desk.notices} == {"zoe"}


def test_nobody_is_told_twice_by_two_subscriptions_and_hears_of_both() -> None:
    desk = house(ALL, Subscription(people=frozenset({"mia"}), name="mine"))
    fail(desk, 1)
    (notice,) = desk.notices
    assert content(notice).why == ("the subscription “managers” asks for it", "the subscription “mine” asks for it")


def test_whoever_is_called_is_not_told_the_same_by_a_subscription() -> None:
    desk = house(Subscription(people=frozenset({"anna"})), steps=(EscalationStep(people=("anna",)),))
    fail(desk, 1)
    assert to(desk, "anna") == ["assigned"]
    fail(desk)
    desk.wait(3 * MINUTES)
    fail(desk)
    assert to(desk, "anna") == ["assigned", "resolved"]


def test_other_word_goes_by_the_first_contact_and_keeps_the_rest_for_when_that_fails() -> None:
    desk = house(ALL)
    fail(desk, 1)
    (notice,) = desk.notices
    assert (notice.to, [(w.via, w.address) for w in notice.others]) == ("chat", [("mail", "mia@x.net")])
    chosen = house(replace(ALL, via=("mail",)))
    fail(chosen, 1)
    assert [(n.to, n.others) for n in chosen.notices] == [("mail", ())]


def test_managers_are_addressed_as_such_and_told_when_they_hear_again() -> None:
    desk = house(ALL)
    fail(desk, 1)
    said = content(desk.notices[0])
    assert (said.audience, said.next_word_at) == ("manager", "2026-11-24T08:30:00.000Z")


def test_customers_are_told_of_their_own_services_only() -> None:
    shared = CI(id="tor-1", type="switch", owner="network")
    shops = [service(f"shop-{n}", f"Shop {n}", Criticality.CRITICAL, needs("tor-1")) for n in (1, 2)]
    customer = mia(audience=CUSTOMER, services=frozenset({"shop-2"}))
    desk = house(Subscription(roles=frozenset({"customer"})), people=(customer,), manners=EAGER, cis=(shared, *shops))
    fail(desk, 1)
    (notice,) = desk.notices
    incident = content(notice).incident
    assert incident is not None
    assert [s.id for s in incident.services] == ["shop-2"]
    assert incident.impacted_services == ("shop-2",)


def test_a_notice_says_what_people_and_the_failed_ci_are_called() -> None:
    switch = CI(id="tor-1", type="tor-switch", name="Switch of rack 1", owner="network")
    shop = service("shop-1", "Shop 1", Criticality.CRITICAL, needs("tor-1"))
    desk = house(ALL, cis=(switch, shop))
    fail(desk, 1)
    desk.ask(Verb.ASSIGN, 1, "ben")
    said = content(desk.notices[-1])
    assert said.incident is not None
    assert (said.incident.assignee, said.called("ben"), said.called("zoe")) == ("ben", "Ben", "zoe")
    assert said.root_name == "Switch of rack 1, tor switch"


def test_what_is_not_urgent_is_gathered_for_managers() -> None:
    desk = house(ALL)
    fail(desk, 2)
    assert to(desk, "mia") == []
    assert "it waits until 2026-11-24 08:01:00 UTC, when more of a burst can be told with it" in str(desk.timeline)
    desk.wait(60)
    desk.decide()
    assert to(desk, "mia") == ["opened"]


def test_what_is_over_before_it_was_told_is_not_told() -> None:
    desk = house(ALL, manners=Manners(gather={MANAGER: timedelta(minutes=10)}))
    fail(desk, 2)
    fail(desk)
    for _ in range(15):
        desk.wait(60)
        fail(desk)
    assert not desk.open()
    assert to(desk, "mia") == []


def test_a_storm_is_one_summary_and_what_is_urgent_comes_by_itself_at_once() -> None:
    desk = house(ALL, racks=120)
    for last in range(1, 121, 3):
        fail(desk, *range(1, last + 3))
        desk.wait(1)
    assert to(desk, "mia") == ["opened"]
    assert desk.notices[0].is_urgent
    assert content(desk.notices[0]).incident.priority == "P1"  # type: ignore[union-attr]
    desk.wait(60)
    desk.decide()
    assert to(desk, "mia") == ["opened", "summary"]
    assert not desk.notices[-1].is_urgent
    summary = content(desk.notices[-1]).summary
    assert summary is not None
    assert (summary.kind, summary.total, summary.open) == ("burst", 119, 119)
    assert sum(summary.priorities.values()) == 119
    assert len(summary.items) == 50
    told = [e for e in desk.timeline if e.text.startswith("telling Mia in a summary of 119 incidents: opened")]
    assert len({e.incident for e in told}) == 119


def test_many_urgent_ones_at_once_are_one_message_at_once() -> None:
    desk = house(ALL, manners=Manners(urgent=frozenset({"P1", "P2", "P3", "P4", "P5"})), racks=10)
    fail(desk, *range(1, 11))
    assert to(desk, "mia") == ["summary"]
    summary = content(desk.notices[0]).summary
    assert summary is not None
    assert (summary.total, summary.items[0].priority) == (10, "P1")


def test_after_a_summary_the_next_word_waits_its_time() -> None:
    desk = house(ALL, manners=EAGER, racks=20)
    fail(desk, *range(2, 8))
    fail(desk, *range(2, 12))
    assert to(desk, "mia") == ["summary"]
    desk.wait(5 * MINUTES)
    desk.decide()
    assert to(desk, "mia") == ["summary", "summary"]


def test_calls_of_a_storm_are_a_handful_of_messages() -> None:
    desk = house(steps=(EscalationStep(people=("anna",)),), racks=120)
    for last in range(1, 121, 3):
        fail(desk, *range(1, last + 3))
        desk.wait(1.5)
    desk.wait(60)
    desk.decide()
    counts = Counter(to(desk, "anna"))
    assert counts["summary"] <= 3
    assert counts["assigned"] <= 5
    named = {e.incident for e in desk.timeline if e.kind == "called"}
    assert len(named) == 120
    summed = [content(n).summary for n in desk.notices if n.event == "summary"]
    assert sum(s.total for s in summed if s is not None) + counts["assigned"] == 120
    assert all(n.is_call for n in desk.notices)


def test_quiet_hours_keep_what_is_not_urgent_until_they_end() -> None:
    quiet = (Hours(begin=time(8), end=time(10)),)
    desk = house(ALL, people=(mia(quiet=quiet),), manners=EAGER)
    fail(desk, 1, 2, 3)
    assert to(desk, "mia") == ["opened"]
    fail(desk, 1, 2)
    for _ in range(61):
        desk.wait(60)
        fail(desk, 1, 2)
    assert to(desk, "mia") == ["opened", "update", "update", "summary"]
    summary = content(desk.notices[-1]).summary
    assert summary is not None
    assert (summary.kind, summary.total, summary.open) == ("quiet", 2, 1)
    assert [(i.number, i.event, i.status) for i in summary.items] == [
        ("INC-2", "opened", "open"),
        ("INC-3", "resolved", "resolved"),
    ]


def test_a_call_comes_in_quiet_hours_too() -> None:
    always = (Hours(),)
    desk = house(people=(person("anna", quiet=always),), steps=(EscalationStep(people=("anna",)),))
    fail(desk, 2)
    assert to(desk, "anna") == ["assigned"]


def test_a_digest_is_told_at_its_time_of_the_readers_day() -> None:
    desk = house(replace(ALL, digest=Digest(minutes=(9 * 60 + 30,))))
    fail(desk, 1, 2)
    assert to(desk, "mia") == ["opened"], "what is urgent does not wait for a digest"
    desk.wait(29 * MINUTES)
    desk.decide()
    assert to(desk, "mia") == ["opened"]
    desk.wait(1 * MINUTES)
    desk.decide()
    assert to(desk, "mia") == ["opened", "update", "opened"]


def test_a_person_gets_no_more_than_the_limit_and_the_rest_later() -> None:
    desk = house(ALL, manners=Manners(gather={}, limit=3, within=timedelta(minutes=10), updates={}), racks=9)
    for last in range(2, 8):
        fail(desk, *range(2, last + 1))
        desk.wait(30)
    assert to(desk, "mia") == ["opened"] * 3
    desk.wait(10 * MINUTES)
    desk.decide()
    assert to(desk, "mia") == ["opened", "opened", "opened", "summary"]
    fail(desk, *range(1, 8))
    assert to(desk, "mia")[-1] == "opened", "a P1 is never swallowed"


def test_updates_come_while_a_major_incident_is_open() -> None:
    desk = house(ALL)
    fail(desk, 1)
    for _ in range(61):
        desk.wait(60)
        fail(desk, 1)
    assert to(desk, "mia") == ["opened", "update", "update"]
    desk.ask(Verb.RESOLVE, 1, "mended")
    desk.wait(60 * MINUTES)
    desk.decide()
    assert to(desk, "mia") == ["opened", "update", "update", "resolved"]


def test_operators_get_no_updates_unless_they_ask() -> None:
    asks = Subscription(people=frozenset({"ben"}), when=When(event=frozenset({"opened", "update"})))
    desk = house(Subscription(people=frozenset({"anna"})), asks)
    fail(desk, 1)
    desk.wait(30 * MINUTES)
    fail(desk, 1)
    assert (to(desk, "anna"), to(desk, "ben")) == (["opened"], ["opened", "update"])


def test_customers_hear_nothing_of_how_the_house_works_unless_they_ask() -> None:
    asks = Subscription(people=frozenset({"zoe"}), when=When(event=frozenset({"opened", "acknowledged"})))
    people = (person("carla", audience=CUSTOMER), person("zoe", audience=CUSTOMER))
    desk = house(Subscription(people=frozenset({"carla"})), asks, people=people, manners=EAGER)
    fail(desk, 2)
    desk.ask(Verb.ACKNOWLEDGE, 1)
    desk.ask(Verb.RESOLVE, 1, "mended")
    assert to(desk, "carla") == ["opened", "resolved"]
    assert to(desk, "zoe") == ["opened", "acknowledged", "resolved"]


def test_what_changed_can_be_asked_for_by_kind() -> None:
    when = When(event=frozenset({"opened", "priority_changed"}))
    desk = house(Subscription(people=frozenset({"anna"}), when=when))
    fail(desk, 2)
    desk.ask(Verb.SET_ROOT, 1, "tor-3")
    assert to(desk, "anna") == ["opened"]
    desk.ask(Verb.SET_PRIORITY, 1, "P2")
    assert to(desk, "anna") == ["opened", "changed"]


def test_what_is_still_open_when_the_hours_begin_is_told_then() -> None:
    when = When(hours=(Hours(begin=time(10), end=time(18)),))
    desk = house(Subscription(people=frozenset({"anna"}), when=when))
    fail(desk, 1)
    assert to(desk, "anna") == []
    desk.wait(60 * MINUTES)
    desk.decide()
    assert to(desk, "anna") == ["opened"]


def test_whoever_watches_hears_everything_until_they_do_not() -> None:
    desk = house()
    fail(desk, 2)
    assert desk.ask(Verb.WATCH, 1, "mia") == "Mia is told of INC-1"
    desk.wait(60)
    desk.decide()
    assert content(desk.notices[0]).why == ("you watch it",)
    assert "already" in desk.ask(Verb.WATCH, 1, "mia")
    assert 'did you mean "mia"' in desk.ask(Verb.WATCH, 1, "miia")
    assert desk.ask(Verb.UNWATCH, 1, "mia") == "Mia is told of INC-1 no more"
    assert "does not watch" in desk.ask(Verb.UNWATCH, 1, "mia")
    desk.wait(60)
    desk.ask(Verb.ACKNOWLEDGE, 1)
    assert to(desk, "mia") == ["opened"]


def test_nothing_waiting_is_lost_or_said_twice_over_a_restart() -> None:
    desk = house(ALL, racks=20)
    fail(desk, *range(2, 12))
    desk.restart()
    desk.wait(60)
    desk.decide()
    desk.restart()
    desk.decide()
    assert to(desk, "mia") == ["summary"]


def test_a_call_that_cannot_be_delivered_makes_the_next_step_due_at_once() -> None:
    steps = (EscalationStep(people=("mia",)), EscalationStep(after=10 * MINUTE, people=("ben",)))
    desk = house(steps=steps)
    fail(desk, 1)
    assert [n.to for n in desk.notices] == ["chat", "mail"]

    def lost(via: str) -> None:
        desk.decide(Undelivered(at=desk.now, incident=1, person="mia", via=via, error="refused"))

    lost("chat")
    assert to(desk, "ben") == []
    lost("mail")
    lost("mail")
    assert to(desk, "ben") == ["escalated"]
    assert "Mia cannot be reached by mail: refused" in [e.text for e in desk.timeline]


def test_that_nobody_was_reached_is_an_alarm_which_nothing_holds_back() -> None:
    managers = replace(ALL, when=When(event=frozenset({"nobody_reached"})))
    people = (mia(quiet=(Hours(),)), person("anna"))
    desk = house(managers, people=people, steps=(EscalationStep(people=("anna",)),))
    fail(desk, 2)
    desk.wait(14 * MINUTES)
    fail(desk, 2)
    assert to(desk, "mia") == []
    desk.wait(1 * MINUTES)
    fail(desk, 2)
    assert to(desk, "mia") == ["nobody_reached"]
    assert desk.open()[0].escalation.progress is Progress.EXHAUSTED
    desk.wait(60 * MINUTES)
    fail(desk, 2)
    assert to(desk, "mia") == ["nobody_reached"]


def test_where_no_step_reaches_anybody_the_alarm_does_not_wait() -> None:
    watching = Subscription(to="noc", when=When(event=frozenset({"nobody_reached"})))
    desk = house(watching, steps=(EscalationStep(on_call=True), EscalationStep(after=5 * MINUTE, lead=True)))
    desk.situation.policy = replace(
        desk.situation.policy, roster=replace(desk.situation.policy.roster, groups={"network": Group(name="network")})
    )
    fail(desk, 2)
    assert [n.event for n in desk.notices] == ["nobody_reached"]


def explained(desk: Desk, key: str) -> list[tuple[bool, str]]:
    draft = Draft(desk.situation, desk.now)
    found = explain(draft, desk.situation.incidents[1], key)
    return [*((g.fits, g.words) for g in found.grounds), *((False, o) for o in found.obstacles)]


def test_it_can_be_explained_why_somebody_is_told_or_not() -> None:
    urgent = replace(ALL, name="urgent", when=When(priority=P1, event=frozenset({"opened"})))
    mine = Subscription(people=frozenset({"mia"}), name="mine", when=When(event=frozenset({"opened", "resolved"})))
    desk = house(urgent, mine, people=(mia(quiet=(Hours(begin=time(8), end=time(10)),)), person("anna", contacts=())))
    fail(desk, 2)
    (priority,) = {str(i.priority) for i in desk.open()}
    assert explained(desk, "@mia") == [
        (False, f"asks for P1, and INC-1 is {priority}"),
        (True, "asks for opened, resolved"),
        (False, "it is quiet for Mia until 2026-11-24 09:00 UTC; calls come all the same"),
    ]
    assert explained(desk, "@anna") == [
        (False, "means manager, and Anna is not of these for INC-1"),
        (False, "Anna has no contact, so no word can reach them"),
    ]


def test_maintenance_costs_nobody_anything_and_is_weighed_again_at_its_end() -> None:
    desk = house(ALL, manners=Manners(gather={}, limit=1), steps=(EscalationStep(people=("anna",)),))
    desk.silence("ci=~tor-[12]", seconds=600)
    for _ in range(9):
        fail(desk, 1, 2)
        desk.wait(60)
    assert desk.notices == []
    desk.wait(120)
    fail(desk, 1, 2)
    assert sorted(to(desk, "anna")) == ["assigned", "assigned"]
    assert to(desk, "mia")[0] == "opened"


def test_digests_keep_to_the_readers_clock_over_a_change_of_it() -> None:
    digest, before = Digest(minutes=(8 * 60,)), Desk().now.replace(month=3, day=28, hour=12)
    assert digest.next_at(before, ZoneInfo("Europe/Berlin")).hour == 6
