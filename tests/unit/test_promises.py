"""Promised times from the opening to the end: who is told what, and what survives a restart."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from rules.calendar import Calendar
from rules.clock import Agreement, Clock, ClockState, Goal
from rules.decision import Verb
from rules.incident import Incident, Priority
from rules.policy import Policy
from rules.service_level import STANDARD, Scope, ServiceLevel, Target
from rules.subscriptions import Subscription, When
from tests.builders import T0, at
from tests.desk import Desk, down

MINUTES = timedelta(minutes=1)
OFFICE = Calendar(name="office", zone=ZoneInfo("Europe/Berlin"), hours=(((540, 1020),),) * 5 + ((), ()))
RACK = ("host-1", "host-2", "host-3", "host-4")


def level(name: str = "gold", **fields: object) -> ServiceLevel:
    """A response in ten minutes and a resolution in an hour for P1, six times that for P2 to P4."""
    fast = Target(response=10 * MINUTES, resolution=60 * MINUTES)
    slow = Target(response=60 * MINUTES, resolution=360 * MINUTES)
    targets = {Priority.P1: fast, **dict.fromkeys((Priority.P2, Priority.P3, Priority.P4), slow)}
    return ServiceLevel(**{"name": name, "targets": targets, **fields})  # type: ignore[arg-type]


def desk(*levels: ServiceLevel, **fields: object) -> Desk:
    """A desk with a P1 incident that has just been opened at the rack's switch."""
    policy = Policy(service_levels=levels or (level(),), calendars=(OFFICE,), **fields)  # type: ignore[arg-type]
    opened = Desk(policy=policy)
    opened.hear(*down(*RACK, "tor-3a"))
    assert opened.open()[0].priority is Priority.P1
    return opened


def live(story: Desk, minutes: float, *, firing: bool = True) -> Desk:
    """Live on, a cycle every minute."""
    for _ in range(int(minutes)):
        story.wait(60)
        story.hear(*(down(*RACK, "tor-3a") if firing else ()))
    return story


def clock(story: Desk, goal: Goal = Goal.RESOLUTION, agreement: Agreement = Agreement.SLA) -> Clock:
    """The promise of this kind that counts now."""
    return [c for c in story.incidents[1].clocks if c.goal is goal and c.agreement is agreement][-1]


def lines(story: Desk, *kinds: str) -> list[str]:
    """What the timeline says of this kind."""
    return [e.text for e in story.timeline if e.kind in kinds]


def test_an_incident_begins_with_its_due_times() -> None:
    story = desk()
    assert clock(story, Goal.RESPONSE).due_at == at(600)
    assert clock(story).due_at == at(3600)
    assert lines(story, "clock_started") == [
        "SLA gold, P1: respond within 10 min, by 2026-11-24 08:10 UTC, resolve within 1 h, by 2026-11-24 09:00 UTC"
    ]


def test_a_response_clock_warns_and_breaches_and_survives_restarts() -> None:
    story = desk()
    live(story, 4)
    assert story.told() == ["opened"]
    story.restart()
    live(story, 2)
    story.restart()
    live(story, 2)
    assert story.told() == ["opened", "response_warning", "response_warning"]
    story.restart()
    live(story, 2)
    assert clock(story, Goal.RESPONSE).state is ClockState.RUNNING, "it is in time up to the very instant"
    story.restart()
    live(story, 5)
    assert story.told() == ["opened", "response_warning", "response_warning", "response_breached"]
    assert lines(story, "response_warning", "response_breached") == [
        "50 % of the time to respond is used; due at 2026-11-24 08:10 UTC, in 5 min (SLA gold, P1: 10 min)",
        "80 % of the time to respond is used; due at 2026-11-24 08:10 UTC, in 2 min (SLA gold, P1: 10 min)",
        "nobody has acknowledged it within 10 min (SLA gold, P1); due at 2026-11-24 08:10 UTC, 1 min ago",
    ]
    story.ask(Verb.ACKNOWLEDGE, 1)
    late = clock(story, Goal.RESPONSE)
    assert (late.state, late.late, late.ended_at) == (ClockState.BREACHED, 5 * MINUTES, story.now)
    assert lines(story, "response_met") == ["responded 5 min too late: due at 2026-11-24 08:10 UTC (SLA gold, P1)"]


def test_what_fell_due_while_the_daemon_was_away_is_told_once_at_its_start() -> None:
    story = desk()
    live(story, 1)
    story.wait(3 * 3600)
    story.restart()
    live(story, 3)
    assert story.told() == ["opened", "response_breached", "resolution_breached"]
    assert clock(story).breached_at == at(3600)


@pytest.mark.parametrize("verb", [Verb.ACKNOWLEDGE, Verb.START, Verb.HOLD])
def test_a_person_s_first_step_is_the_response(verb: Verb) -> None:
    story = desk()
    live(story, 3)
    story.ask(verb, 1, "a word")
    assert clock(story, Goal.RESPONSE).state is ClockState.MET
    assert clock(story, Goal.RESPONSE).used == 3 * MINUTES
    live(story, 20)
    assert lines(story, "response_warning", "response_breached") == []


def test_on_hold_the_resolution_waits() -> None:
    story = desk()
    live(story, 10)
    assert story.ask(Verb.HOLD, 1) == "hold needs a reason: what is waited for"
    story.ask(Verb.HOLD, 1, "spare parts")
    live(story, 90)
    held = clock(story)
    assert (held.state, held.left, held.due_at) == (ClockState.PAUSED, 50 * MINUTES, None)
    assert story.incidents[1].hold_reason == "spare parts"
    story.restart()
    story.ask(Verb.RESUME, 1)
    assert story.incidents[1].hold_reason == ""
    assert clock(story).due_at == at(3600 + 90 * 60)
    assert lines(story, "resolution_warning") == []
    assert lines(story, "clock_paused", "clock_resumed") == [
        "the resolution clock (SLA gold, P1) stands still with 50 min left: spare parts",
        "the resolution clock (SLA gold, P1) runs on; it is due at 2026-11-24 10:30 UTC",
    ]


def test_a_level_may_let_the_clock_run_on_hold() -> None:
    story = desk(level(pauses_on_hold=False))
    story.ask(Verb.HOLD, 1, "spare parts")
    assert clock(story).due_at == at(3600)


def test_resolving_meets_the_clock() -> None:
    story = desk()
    live(story, 20)
    story.ask(Verb.RESOLVE, 1, "the switch was replaced")
    assert clock(story).state is ClockState.MET
    assert lines(story, "resolution_met") == ["resolved in time: 20 min of 1 h used (SLA gold, P1)"]


def test_an_incident_that_ends_by_itself_was_resolved_in_time() -> None:
    story = desk()
    live(story, 10, firing=False)
    assert story.open() == []
    assert {c.state for c in story.incidents[1].clocks} == {ClockState.MET}
    assert "response_warning" not in story.told()


def test_another_priority_counts_from_the_same_start() -> None:
    story = desk()
    live(story, 70)
    assert clock(story).state is ClockState.BREACHED
    story.ask(Verb.SET_PRIORITY, 1, "P3")
    assert (clock(story).state, clock(story).due_at) == (ClockState.RUNNING, at(360 * 60))
    assert clock(story).used == 70 * MINUTES
    changed = [e for e in story.timeline if e.kind == "targets_changed"]
    assert (changed[-1].old, changed[-1].new) == ("2026-11-24T09:00:00.000Z", "2026-11-24T14:00:00.000Z")
    assert changed[-1].text == (
        "SLA gold, P3: resolve within 6 h, by 2026-11-24 14:00 UTC, instead of within 1 h; "
        "counted from 2026-11-24 08:00 UTC as before"
    )
    story.ask(Verb.SET_PRIORITY, 1, "P1")
    assert clock(story).breached_at == at(3600)


def test_where_nothing_is_promised_for_a_priority_the_clock_has_no_meaning() -> None:
    story = desk()
    live(story, 5)
    story.ask(Verb.SET_PRIORITY, 1, "P5")
    assert clock(story).state is ClockState.STOPPED
    live(story, 5)
    story.ask(Verb.SET_PRIORITY, 1, "P1")
    assert clock(story).due_at == at(3600)


@pytest.mark.parametrize(
    ("restarts", "due"), [(False, at(3600 + 5 * 60)), (True, at(15 * 60 + 3600))], ids=["continue", "restart"]
)
def test_a_reopened_incident_goes_on_or_begins_anew(restarts: bool, due: datetime) -> None:
    story = desk(level(restarts_on_reopen=restarts))
    live(story, 9)
    story.ask(Verb.ACKNOWLEDGE, 1)
    live(story, 1)
    story.ask(Verb.RESOLVE, 1, "mended")
    live(story, 5)
    story.ask(Verb.REOPEN, 1, "it is not")
    assert clock(story).due_at == due
    response = clock(story, Goal.RESPONSE)
    assert response.state is (ClockState.RUNNING if restarts else ClockState.MET)
    assert len(story.incidents[1].clocks) == (4 if restarts else 2)


def test_a_merged_incident_stops_its_clocks() -> None:
    story = desk()
    story.hear(*down(*RACK, "tor-3a", "lonely"))
    live(story, 20)
    story.hear(*down(*RACK, "tor-3a", "lonely"))
    story.ask(Verb.MERGE, 2, "1")
    assert {c.state for c in story.incidents[2].clocks} == {ClockState.STOPPED}
    assert story.incidents[2].next_at is None


def test_an_incident_that_is_a_service_request_stops_its_clocks() -> None:
    story = live(desk(), 5)
    story.ask(Verb.CONVERT, 1, "planned by the tenant")
    assert {c.state for c in story.incidents[1].clocks} == {ClockState.STOPPED}
    live(story, 120, firing=False)
    assert story.incidents[1].next_at is None
    assert lines(story, "resolution_met", "resolution_breached", "response_breached") == []
    assert len(lines(story, "clock_stopped")) == 2


def test_a_clock_counts_working_hours_only() -> None:
    office = ServiceLevel(
        name="office", targets={Priority.P1: Target(response=2 * 60 * MINUTES, calendar=OFFICE)}, warn_at=(0.5,)
    )
    story = Desk(policy=Policy(service_levels=(office,), calendars=(OFFICE,)))
    story.now = datetime(2026, 11, 20, 15, 30, tzinfo=UTC)  # Friday, 16:30 in Berlin
    story.hear(*down(*RACK, "tor-3a", starts_at=story.now))
    monday = datetime(2026, 11, 23, 9, 30, tzinfo=UTC)
    assert clock(story, Goal.RESPONSE).due_at == monday
    assert story.incidents[1].next_at == monday - timedelta(hours=1)


def fits_service(_: Incident) -> Scope:
    return Scope(service=frozenset({"checkout"}))


def fits_type(_: Incident) -> Scope:
    return Scope(ci_type=frozenset({"switch", "router"}))


def fits_group(_: Incident) -> Scope:
    return Scope(group=frozenset({"network"}))


@pytest.mark.parametrize("scope", [fits_service, fits_type, fits_group])
def test_the_first_level_that_fits_counts(scope: Callable[[Incident], Scope]) -> None:
    other = level("other", when=Scope(service=frozenset({"search"}), group=frozenset({"network"})))
    mine = level("mine", when=scope(desk().incidents[1]))
    story = desk(other, mine, level("rest"))
    assert {c.terms.level for c in story.incidents[1].clocks} == {"mine"}


def test_a_group_s_own_promise_begins_when_it_gets_the_incident() -> None:
    story = desk(level("customers"), level("teams", agreement=Agreement.OLA))
    live(story, 6)
    assert clock(story, agreement=Agreement.OLA).terms.party == "network"
    assert story.told().count("response_warning") == 1, "two promises with the same news are one notice"
    story.ask(Verb.SET_ROOT, 1, "host-1")
    handed = clock(story, agreement=Agreement.OLA)
    assert (handed.terms.party, handed.started_at) == ("compute", at(360))
    assert clock(story).started_at == T0
    told_of = [c for c in story.incidents[1].clocks if c.terms.party == "network"]
    assert [(c.goal, c.state) for c in told_of] == [(Goal.RESPONSE, ClockState.STOPPED)]


def test_who_asks_only_for_breaches_hears_of_them_and_of_the_end() -> None:
    story = desk()
    story.situation.subscriptions = (Subscription(to="boss", when=When(event=frozenset({"resolution_breached"}))),)
    live(story, 61)
    assert story.told("boss") == ["resolution_breached"]
    live(story, 10, firing=False)
    assert story.told("boss") == ["resolution_breached", "resolved"]


def test_a_breach_of_what_is_silenced_calls_nobody_who_does_not_know() -> None:
    story = desk()
    story.silence('alertname="HostDown"', seconds=7200)
    live(story, 12)
    assert lines(story, "response_breached") != []
    assert story.told() == []


def test_without_levels_there_are_no_clocks() -> None:
    story = Desk(policy=Policy(service_levels=()))
    story.hear(*down(*RACK))
    assert story.incidents[1].clocks == ()


def test_the_built_in_level_is_tighter_the_higher_the_priority() -> None:
    targets = [STANDARD.targets[p] for p in Priority]
    responses = [t.response for t in targets]
    assert responses == sorted(responses, key=lambda r: r or timedelta.max)
    assert [t.resolution for t in targets][-1] is None


def test_a_cycle_looks_only_at_incidents_that_are_due() -> None:
    story = desk()
    live(story, 1)
    assert story.situation.agenda.due(at(299)) == []
    assert story.situation.agenda.due(at(300)) == [1]
