"""People are called step by step until somebody acknowledges; snoozes, windows and quiet freeze it."""

from dataclasses import replace
from datetime import UTC, datetime, time, timedelta

import pytest

from rules.clock import Agreement
from rules.decision import Command, OverrideOrder, Verb
from rules.escalation import EscalationStep, Progress
from rules.incident import Priority
from rules.policy import Policy
from rules.service_level import STANDARD, ServiceLevel, Target
from rules.wallclock import Hours
from tests.builders import T0, at
from tests.desk import Desk, down
from tests.rosters import MINUTE, STEPS, override, policy


def desk(*steps: EscalationStep, repeat: int = 0, levels: tuple[ServiceLevel, ...] = ()) -> Desk:
    """An estate with people to call, and nobody who subscribes; nothing is promised unless told otherwise."""
    return Desk(policy=policy(*steps, repeat=repeat, settle=timedelta(), service_levels=levels), told=())


def calls(desk: Desk) -> list[tuple[str, str, float]]:
    """Every notice to a person: to whom, the event, and the minutes since the beginning."""
    return [(n.person, n.event, (n.at - T0) / MINUTE) for n in desk.notices if n.person]


def pass_minutes(desk: Desk, count: int, *cis: str) -> None:
    """Let minutes pass, in each of which these CIs are heard to be down."""
    for _ in range(count):
        desk.wait(60)
        desk.hear(*down(*(cis or ("tor-3a",))))


def test_each_step_is_taken_when_nobody_has_acknowledged_for_its_time() -> None:
    there = desk()
    there.hear(*down("tor-3a"))
    pass_minutes(there, 40)
    assert calls(there) == [
        ("anna", "assigned", 0),
        ("anna", "escalated", 10),
        ("ben", "escalated", 10),
        ("olga", "escalated", 25),
    ]
    (incident,) = there.open()
    assert incident.responders == ("olga",)
    assert incident.escalation.progress is Progress.EXHAUSTED
    first = incident.escalation.calls[0]
    assert (first.person, first.step, first.why) == ("anna", 1, "on call in rota (weekly)")
    ended = "escalation default has come to its end and nobody has acknowledged; called: Anna, Ben and Olga"
    assert ended in there.history()


def test_the_reason_says_why_this_person() -> None:
    there = desk()
    there.hear(*down("tor-3a"))
    (notice,) = there.notices
    assert notice.reason == "on call in rota (weekly); step 1 of escalation default"
    assert (notice.to, notice.recipient) == ("mail", "anna by mail")
    assert b'"recipient":{"id":"anna","name":"Anna","address":"anna@x.net"}' in notice.content


def test_the_first_step_waits_for_the_root_to_settle() -> None:
    there = Desk(policy=policy(settle=timedelta(seconds=10)), told=())
    there.hear(*down("host-1"))
    there.wait(5)
    there.hear(*down("host-1", "host-2", "host-3", "host-4", "tor-3a"))
    assert not calls(there)
    there.wait(5)
    there.decide()
    assert [who for who, _, _ in calls(there)] == ["anna"]


@pytest.mark.parametrize("verb", [Verb.ACKNOWLEDGE, Verb.START, Verb.HOLD, Verb.RESOLVE])
def test_a_person_who_takes_it_stops_the_steps(verb: Verb) -> None:
    there = desk()
    there.hear(*down("tor-3a"))
    there.ask(verb, 1, "looks into it")
    pass_minutes(there, 60)
    assert [c for c in calls(there) if c[1] in ("assigned", "escalated")] == [("anna", "assigned", 0)]


def test_those_who_were_called_hear_once_that_somebody_has_it_but_not_of_themselves() -> None:
    there = desk()
    there.hear(*down("tor-3a"))
    pass_minutes(there, 10)
    there.ask(Verb.ACKNOWLEDGE, 1)  # the one who asks is anna
    there.ask(Verb.RESOLVE, 1)
    assert calls(there)[3:] == [("ben", "acknowledged", 10), ("anna", "resolved", 10), ("ben", "resolved", 10)]


def test_nobody_is_called_any_more_for_what_is_a_service_request_and_those_who_were_hear_it() -> None:
    there = desk()
    there.hear(*down("tor-3a"))
    there.ask(Verb.CONVERT, 1, "planned by the tenant")
    pass_minutes(there, 60)
    assert [call for call in calls(there) if call[0] == "anna"] == [("anna", "assigned", 0), ("anna", "converted", 0)]
    assert there.incidents[1].escalation.progress is Progress.STOPPED


def test_reopening_begins_anew() -> None:
    there = desk()
    there.hear(*down("tor-3a"))
    there.ask(Verb.RESOLVE, 1)
    there.wait(60)
    there.ask(Verb.REOPEN, 1)
    assert calls(there)[-1] == ("anna", "assigned", 1)


def test_the_steps_begin_anew_as_often_as_the_policy_says() -> None:
    there = desk(EscalationStep(on_call=True), repeat=2)
    there.hear(*down("tor-3a"))
    pass_minutes(there, 60)
    assert calls(there) == [("anna", "assigned", 0), ("anna", "escalated", 15), ("anna", "escalated", 30)]


def test_a_step_that_reaches_nobody_costs_no_time_and_says_why() -> None:
    lead = EscalationStep(lead=True)
    there = desk(lead, EscalationStep(after=10 * MINUTE, on_call=True))
    there.hear(*down("tor-3a"))
    assert calls(there) == [("anna", "escalated", 0)]
    assert "step 1 of escalation default reached nobody: the group network has no lead" in there.history()


def test_a_step_can_depend_on_the_priority_and_on_the_local_time_of_each_person() -> None:
    night = Hours(begin=time(20), end=time(6))
    asked = EscalationStep(people=("anna", "zoe"), hours=(night,))  # 09:00 in Berlin, 03:00 in New York
    there = desk(EscalationStep(on_call=True, priorities=frozenset({"P4"})), asked)
    there.hear(*down("tor-3a"))
    assert [who for who, _, _ in calls(there)] == ["zoe"]
    assert "step 1 of escalation default reached nobody: it is for P4 only" in there.history()


def test_weekdays_are_those_of_the_person() -> None:
    monday = EscalationStep(people=("anna", "zoe"), hours=(Hours(days=frozenset({0})),))
    there = desk(monday)
    there.now = datetime(2026, 11, 24, 3, tzinfo=UTC)  # Tuesday in Berlin, Monday in New York
    there.hear(*down("tor-3a"))
    assert [who for who, _, _ in calls(there)] == ["zoe"]


def test_a_functional_step_gives_it_to_the_other_group_by_whose_escalation_it_goes_on() -> None:
    there = desk(EscalationStep(on_call=True), EscalationStep(after=5 * MINUTE, hand_to="compute"))
    there.hear(*down("tor-3a"))
    pass_minutes(there, 6)
    assert calls(there) == [("anna", "assigned", 0), ("zoe", "assigned", 5)]
    (incident,) = there.open()
    assert (incident.group, incident.escalation.policy) == ("compute", "lead")
    assert incident.group_reason == "handed to compute because nobody has acknowledged it for 5 min"


def test_a_person_can_give_it_to_another_group_even_after_somebody_has_acknowledged() -> None:
    there = desk()
    there.hear(*down("tor-3a"))
    there.ask(Verb.ACKNOWLEDGE, 1)
    assert there.ask(Verb.ROUTE, 1, "compute") == "INC-1 is with compute"
    pass_minutes(there, 40)
    assert calls(there)[-1] == ("zoe", "assigned", 0)
    assert there.open()[0].group == "compute"
    assert "allowed: compute, network" in there.ask(Verb.ROUTE, 1, "nobody")


def test_a_person_can_ask_for_the_next_step_until_there_is_none() -> None:
    there = desk()
    there.hear(*down("tor-3a"))
    there.ask(Verb.ACKNOWLEDGE, 1)
    assert there.ask(Verb.ESCALATE, 1) == "called: Anna and Ben"
    assert there.ask(Verb.ESCALATE, 1) == "called: Olga"
    assert there.ask(Verb.ESCALATE, 1).startswith("there is no further step for INC-1")


def test_the_next_step_of_what_is_opened_again_in_the_same_cycle_is_its_first_and_taken_once() -> None:
    there = desk()
    there.hear(*down("tor-3a"))
    there.ask(Verb.RESOLVE, 1)
    there.wait(60)
    orders = [
        Command(id=str(verb), at=there.now, actor="olga", verb=verb, number=1) for verb in (Verb.REOPEN, Verb.ESCALATE)
    ]
    there.decide(*orders)
    assert calls(there)[-1] == ("anna", "assigned", 1)
    assert [event for _, event, _ in calls(there)].count("assigned") == 2


def test_another_root_brings_it_to_another_group_whose_people_are_called() -> None:
    there = desk()
    there.hear(*down("host-1"))
    assert [who for who, _, _ in calls(there)] == ["zoe"]
    there.ask(Verb.SET_ROOT, 1, "tor-3a")
    assert [who for who, _, _ in calls(there)] == ["zoe", "anna"]
    assert "routed to network because it owns tor-3a" in there.history()


def test_an_incident_that_comes_back_goes_on_where_it_was() -> None:
    there = desk()
    there.hear(*down("tor-3a"))
    pass_minutes(there, 3)
    there.ask(Verb.ROUTE, 1, "compute")
    pass_minutes(there, 2)
    there.restart()
    there.ask(Verb.ROUTE, 1, "network")
    there.ask(Verb.ROUTE, 1, "network")
    assert calls(there) == [("anna", "assigned", 0), ("zoe", "assigned", 3)]
    assert "escalation default goes on for network where it was" in there.history()
    pass_minutes(there, 5)
    assert calls(there)[2:] == [("anna", "escalated", 10), ("ben", "escalated", 10)]


def test_what_fell_due_while_it_was_elsewhere_is_taken_at_its_return() -> None:
    there = desk()
    there.hear(*down("tor-3a"))
    pass_minutes(there, 3)
    for minutes, group in ((17, "compute"), (5, "network")):
        there.ask(Verb.ROUTE, 1, group)
        pass_minutes(there, minutes)
    assert calls(there)[2:] == [("anna", "escalated", 20), ("ben", "escalated", 20)]


def test_a_step_calls_nobody_again_for_another_group_that_shares_it() -> None:
    base = policy(*STEPS, settle=timedelta(), service_levels=())
    twin = replace(base.roster.groups["network"], name="twin")
    there = Desk(
        policy=replace(base, roster=replace(base.roster, groups={**base.roster.groups, "twin": twin})), told=()
    )
    there.hear(*down("tor-3a"))
    pass_minutes(there, 3)
    there.ask(Verb.ROUTE, 1, "twin")
    assert calls(there) == [("anna", "assigned", 0)]
    assert "step 1 of escalation default: Anna was called by it before the incident changed hands" in there.history()
    pass_minutes(there, 10)
    assert calls(there)[1:] == [("anna", "escalated", 13), ("ben", "escalated", 13)]


def test_a_new_round_and_a_new_turn_call_everybody_again() -> None:
    there = desk(EscalationStep(on_call=True), repeat=1)
    there.hear(*down("tor-3a"))
    there.ask(Verb.ROUTE, 1, "compute")
    there.ask(Verb.ROUTE, 1, "network")
    pass_minutes(there, 15)
    assert calls(there) == [("anna", "assigned", 0), ("zoe", "assigned", 0), ("anna", "escalated", 15)]
    there.ask(Verb.ACKNOWLEDGE, 1)
    there.ask(Verb.ROUTE, 1, "compute")
    there.ask(Verb.ROUTE, 1, "network")
    assert [who for who, event, _ in calls(there)[3:] if event == "assigned"] == ["zoe", "anna"]


def test_who_is_given_an_incident_is_told() -> None:
    there = desk()
    there.hear(*down("tor-3a"))
    there.ask(Verb.ASSIGN, 1, "ben")
    assert calls(there)[-1] == ("ben", "assigned", 0)
    assert there.notices[-1].reason == "anna has given it to you"


def snooze(there: Desk, minutes: float) -> str:
    return there.ask(Verb.SNOOZE, 1, (there.now + minutes * MINUTE).isoformat())


def test_a_snooze_freezes_and_what_was_left_goes_on_afterwards() -> None:
    there = desk()
    there.hear(*down("tor-3a"))
    pass_minutes(there, 4)
    assert snooze(there, 30) == "INC-1 is snoozed until 2026-11-24 08:34:00 UTC, or until it gets worse"
    pass_minutes(there, 36)
    assert [c[2] for c in calls(there)][1:] == [40, 40]  # six minutes were left
    assert "the snooze by anna is over" in there.history()


def test_a_higher_priority_breaks_a_snooze_and_calls_anew() -> None:
    there = desk()
    there.hear(*down("tor-1a"))
    snooze(there, 60)
    pass_minutes(there, 2, "tor-1a")
    assert len(calls(there)) == 1
    there.ask(Verb.SET_PRIORITY, 1, "P1")
    assert calls(there)[-1] == ("anna", "assigned", 2)
    assert there.open()[0].escalation.snooze is None
    assert any("the snooze by anna is broken: priority P" in line for line in there.history())


def test_a_further_service_breaks_a_snooze() -> None:
    there = desk()
    there.hear(*down("host-1"))
    there.ask(Verb.SET_PRIORITY, 1, "P1")
    snooze(there, 60)
    there.ask(Verb.SET_ROOT, 1, "host-11")  # the one service is another now
    assert "the snooze by anna is broken: Search is hit as well" in there.history()


def test_new_impact_reaches_who_has_acknowledged_a_snoozed_incident() -> None:
    there = desk()
    there.hear(*down("tor-1a"))
    there.ask(Verb.ACKNOWLEDGE, 1)
    snooze(there, 60)
    there.ask(Verb.SET_PRIORITY, 1, "P1")
    assert there.notices[-1].person == "anna"
    assert there.notices[-1].reason.startswith("you have it, and priority P")


@pytest.mark.parametrize(
    ("value", "says"),
    [("", "needs"), ("tomorrow", "no moment"), ("2026-11-24T09:00:00", "no moment"), ("2020-01-01T00:00:00Z", "past")],
)
def test_a_snooze_without_a_sensible_end_is_refused(value: str, says: str) -> None:
    there = desk()
    there.hear(*down("tor-3a"))
    assert says in there.ask(Verb.SNOOZE, 1, value)


def test_a_snooze_is_refused_where_nobody_is_ever_called() -> None:
    there = Desk(policy=Policy())
    there.hear(*down("tor-3a"))
    assert "nobody is called about incidents" in snooze(there, 5)


def test_a_silence_over_all_of_it_freezes_until_it_ends() -> None:
    there = desk()
    there.hear(*down("tor-3a"))
    there.silence("ci=tor-3a", seconds=30 * 60)
    pass_minutes(there, 45)
    assert [c[2] for c in calls(there)][1:] == [40, 40]


def test_quiet_freezes_and_a_relapse_goes_on() -> None:
    there = desk()
    there.hear(*down("tor-3a"))
    pass_minutes(there, 9)
    there.hear()
    there.wait(100)
    there.hear()
    there.hear(*down("tor-3a"))
    assert len(calls(there)) == 1
    there.wait(60)
    there.hear(*down("tor-3a"))
    assert len(calls(there)) == 3


def test_an_override_is_called_in_place_of_the_rota() -> None:
    there = desk()
    order = OverrideOrder(id="o1", at=T0, actor="olga", schedule="rota", shifts=(override("ben"),))
    (reply,) = there.decide(order).replies
    assert reply.message == "rota: Ben from 2026-11-24 08:00 UTC to 2026-11-24 09:00 UTC"
    there.hear(*down("tor-3a"))
    assert [who for who, _, _ in calls(there)] == ["ben"]
    assert there.open()[0].escalation.calls[0].why == "on call in rota (override by olga)"


def test_a_restart_in_the_middle_changes_nothing_however_long_it_took() -> None:
    there = desk()
    there.hear(*down("tor-3a"))
    pass_minutes(there, 9)
    there.now = at(3600)
    there.restart()
    there.hear(*down("tor-3a"))
    assert calls(there)[1:] == [("anna", "escalated", 60), ("ben", "escalated", 60)]
    pass_minutes(there, 15)
    assert calls(there)[-1] == ("olga", "escalated", 75)


def test_rules_that_lose_the_policy_in_the_middle_begin_with_that_of_the_group() -> None:
    there = desk()
    there.hear(*down("tor-3a"))
    old = there.situation.policy
    renamed = replace(old.roster.escalations["default"], name="new")
    network = replace(old.roster.groups["network"], escalation="new")
    changed = replace(old.roster, groups={"network": network}, escalations={"new": renamed})
    there.situation.policy = replace(old, roster=changed)
    pass_minutes(there, 10)
    there.restart()
    assert [c[2] for c in calls(there)] == [0, 10]
    assert there.open()[0].escalation.policy == "new"


def test_a_snooze_freezes_the_steps_but_no_promise() -> None:
    there = desk(levels=(STANDARD,))
    there.hear(*down("tor-3a"))
    snooze(there, 60)
    pass_minutes(there, 40)
    assert calls(there) == [("anna", "assigned", 0)]
    assert [e.at for e in there.timeline if e.kind == "response_breached"] == [at(16 * 60)]
    assert all(c.pause is None for c in there.open()[0].clocks)


def test_what_a_step_hands_over_has_the_other_groups_promise_at_once() -> None:
    hour = Target(response=timedelta(hours=1))
    ola = ServiceLevel(name="teams", agreement=Agreement.OLA, targets=dict.fromkeys(Priority, hour))
    there = desk(STEPS[0], EscalationStep(after=10 * MINUTE, hand_to="compute"), levels=(ola,))
    there.hear(*down("tor-3a"))
    pass_minutes(there, 9)
    there.wait(60)
    there.decide()
    (clock,) = there.open()[0].clocks
    assert (clock.terms.party, clock.started_at) == ("compute", at(600))


def test_a_cycle_looks_only_at_incidents_whose_time_has_come() -> None:
    there = desk()
    there.hear(*down("tor-3a"))
    assert there.situation.agenda.due(at(599)) == []
    assert there.situation.agenda.due(at(600)) == [1]
    there.ask(Verb.ACKNOWLEDGE, 1)
    assert there.situation.agenda.due(at(1e6)) == []


def test_a_manager_stands_in_from_those_who_were_called_in_vain() -> None:
    base = policy(STEPS[0], EscalationStep(after=MINUTE, manager=True))
    people = {**base.roster.people}
    group = replace(base.roster.groups["network"], manager="")
    people["anna"] = replace(people["anna"], manager="zoe")
    changed = replace(base.roster, people=people, groups={**base.roster.groups, "network": group})
    there = Desk(policy=replace(base, roster=changed, settle=timedelta()), told=())
    there.hear(*down("tor-3a"))
    pass_minutes(there, 1)
    assert [who for who, _, _ in calls(there)] == ["anna", "zoe"]


def test_subscribers_hear_that_it_was_escalated() -> None:
    there = Desk(policy=policy(settle=timedelta(), service_levels=()), told=("noc",))
    there.hear(*down("tor-3a"))
    pass_minutes(there, 10)
    assert there.told("noc") == ["opened", "escalated"]
