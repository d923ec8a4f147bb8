"""Steps that are taken because a promised time is in danger or broken."""

from dataclasses import replace
from datetime import timedelta

import msgspec
import pytest

from rules.clock import Agreement
from rules.decision import Verb
from rules.document import NoticeContent, incident_document
from rules.escalation import EscalationStep, WaitingStep
from rules.incident import Priority
from rules.service_level import ServiceLevel, Target
from tests.builders import T0, at
from tests.desk import Desk, down
from tests.rosters import MINUTE, policy

HOURLY = Target(response=20 * MINUTE, resolution=60 * MINUTE)
LEVEL = ServiceLevel(name="usual", agreement=Agreement.SLA, targets=dict.fromkeys(Priority, HOURLY))
TEAMS = replace(LEVEL, name="teams", agreement=Agreement.OLA)
BREACH = EscalationStep(on="resolution_breached", manager=True)
FIRST = EscalationStep(on_call=True)


def desk(*steps: EscalationStep, levels: tuple[ServiceLevel, ...] = (LEVEL,)) -> Desk:
    """An incident that has just been opened; anna is called for it."""
    there = Desk(policy=policy(FIRST, *steps, settle=timedelta(), service_levels=levels), told=())
    there.hear(*down("tor-3a"))
    return there


def pass_minutes(desk: Desk, count: int) -> None:
    for _ in range(count):
        desk.wait(60)
        desk.hear(*down("tor-3a"))


def escalated(desk: Desk) -> list[tuple[str, float]]:
    """Whom steps after the first have called, and the minutes since the beginning."""
    return [(n.person, (n.at - T0) / MINUTE) for n in desk.notices if n.event == "escalated" and n.person]


@pytest.mark.parametrize("acknowledged", [False, True])
def test_a_breach_calls_the_manager_whether_somebody_has_it_or_not(acknowledged: bool) -> None:
    there = desk(BREACH)
    if acknowledged:
        there.ask(Verb.ACKNOWLEDGE, 1)
    pass_minutes(there, 90)
    # What happens at the very instant at which it is due is in time.
    assert escalated(there) == [("olga", 61)]
    (notice,) = [n for n in there.notices if n.person == "olga"]
    assert notice.reason == "manager responsible for network; step 2 of escalation default, it was not resolved in time"
    assert there.open()[0].escalation.calls[-1].step == 2


def test_the_other_steps_go_on_as_if_it_were_not_there() -> None:
    there = desk(BREACH, EscalationStep(after=5 * MINUTE, people=("ben",)))
    pass_minutes(there, 30)
    assert escalated(there) == [("ben", 5)]
    there.ask(Verb.ACKNOWLEDGE, 1)
    assert "there is no further step" in there.ask(Verb.ESCALATE, 1)
    pass_minutes(there, 40)
    assert escalated(there) == [("ben", 5), ("olga", 61)]


def test_a_policy_of_nothing_but_such_steps_calls_nobody_before() -> None:
    there = Desk(policy=policy(BREACH, settle=timedelta(), service_levels=(LEVEL,)), told=())
    there.hear(*down("tor-3a"))
    pass_minutes(there, 61)
    assert escalated(there) == [("olga", 61)]
    assert not [n for n in there.notices if n.event == "assigned"]


@pytest.mark.parametrize(("share", "expected"), [(0.0, [30, 48]), (0.5, [30]), (0.8, [48])])
def test_a_warning_calls_at_each_share_or_at_one(share: float, expected: list[float]) -> None:
    there = desk(EscalationStep(on="resolution_warning", share=share, people=("ben",)))
    pass_minutes(there, 90)
    assert escalated(there) == [("ben", minute) for minute in expected]


def test_two_agreements_that_are_broken_at_once_call_once() -> None:
    there = desk(BREACH, levels=(LEVEL, TEAMS))
    pass_minutes(there, 61)
    assert escalated(there) == [("olga", 61)]


def test_after_counts_from_the_breach_and_a_response_makes_it_needless() -> None:
    late = EscalationStep(on="response_breached", after=10 * MINUTE, people=("ben",))
    there = desk(late)
    pass_minutes(there, 25)
    assert there.open()[0].escalation.waiting == (
        WaitingStep(policy="default", step=1, event="response_breached", due_at=at(31 * 60)),
    )
    assert there.situation.agenda.due(at(31 * 60)) == [1]
    there.ask(Verb.ACKNOWLEDGE, 1)
    pass_minutes(there, 20)
    assert escalated(there) == []
    assert there.open()[0].escalation.waiting == ()


def test_a_resolution_makes_it_needless() -> None:
    there = desk(replace(BREACH, after=10 * MINUTE))
    pass_minutes(there, 65)
    there.ask(Verb.RESOLVE, 1, "mended")
    pass_minutes(there, 20)
    assert escalated(there) == []


def test_a_restart_loses_nothing_however_long_it_took() -> None:
    there = desk(replace(BREACH, after=10 * MINUTE))
    pass_minutes(there, 65)
    there.now = at(3 * 3600)
    there.restart()
    there.hear(*down("tor-3a"))
    assert escalated(there) == [("olga", 180)]


def test_a_snooze_freezes_it_and_it_goes_on_with_what_was_left() -> None:
    there = desk(replace(BREACH, after=10 * MINUTE))
    pass_minutes(there, 65)
    there.ask(Verb.SNOOZE, 1, (there.now + 30 * MINUTE).isoformat())
    pass_minutes(there, 29)
    assert escalated(there) == []
    (waiting,) = there.open()[0].escalation.waiting
    assert (waiting.due_at, waiting.left) == (None, 6 * MINUTE)
    there.restart()
    pass_minutes(there, 20)
    assert escalated(there) == [("olga", 101)]


def test_a_hold_stops_the_clock_and_freezes_what_waits() -> None:
    there = desk(replace(BREACH, after=10 * MINUTE))
    pass_minutes(there, 50)
    there.ask(Verb.HOLD, 1, "a spare part")
    pass_minutes(there, 60)
    there.ask(Verb.RESUME, 1)
    pass_minutes(there, 15)
    there.ask(Verb.HOLD, 1, "another part")
    assert there.open()[0].escalation.waiting[0].left == 6 * MINUTE
    pass_minutes(there, 30)
    assert escalated(there) == []
    there.ask(Verb.RESUME, 1)
    pass_minutes(there, 6)
    assert escalated(there) == [("olga", 161)]


def test_a_functional_step_hands_it_on_with_the_other_groups_promise_at_once() -> None:
    there = desk(EscalationStep(on="response_breached", hand_to="compute"), levels=(LEVEL, TEAMS))
    pass_minutes(there, 21)
    (incident,) = there.open()
    assert (incident.group, incident.group_reason) == (
        "compute",
        "handed to compute because nobody has responded in time",
    )
    assert [n.person for n in there.notices if n.at == there.now] == ["zoe"]
    started = [c for c in incident.clocks if c.terms.party == "compute"]
    assert [c.started_at for c in started] == [there.now, there.now]
    assert there.decide().is_empty


def test_a_notice_of_a_call_has_the_clocks_of_the_cycle_it_is_of() -> None:
    quick = ServiceLevel(
        name="usual",
        agreement=Agreement.SLA,
        targets={**dict.fromkeys(Priority, HOURLY), Priority.P1: Target(resolution=MINUTE)},
    )
    there = Desk(policy=policy(FIRST, settle=timedelta(), service_levels=(quick,)), told=())
    there.hear(*down("tor-1a"))
    there.ask(Verb.SNOOZE, 1, (there.now + 30 * MINUTE).isoformat())
    before = len(there.notices)
    there.ask(Verb.SET_PRIORITY, 1, "P1")
    (notice,) = there.notices[before:]
    content = msgspec.json.decode(notice.content, type=NoticeContent)
    assert content.incident is not None
    (clock,) = [c for c in content.incident.clocks if c.goal == "resolution"]
    assert (clock.priority, clock.due_at) == ("P1", "2026-11-24T08:01:00.000Z")
    assert content.incident == incident_document(there.incidents[1], ())
