"""Calling people about open incidents, step by step, until somebody acknowledges.

When a step is due is a time on the incident, so a restart loses nothing; a cycle looks only at incidents that changed
and at those whose time has come.
"""

from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime, timedelta

from cmdb.model import State
from rules.call import call, tell_person
from rules.draft import Draft
from rules.escalation import Escalation, EscalationPolicy, EscalationStep, Progress
from rules.escalation_start import begin, must_begin, set_state
from rules.incident import Incident, Status
from rules.notices import may_call
from rules.registered import GROUP
from rules.responders import Responder, by_overrides, known_overrides, reached
from rules.words import span

_OVER = frozenset({"acknowledged", "resolved", "merged", "converted"})
_NOW = timedelta()


def escalate(draft: Draft) -> None:
    """Begin, go on with, freeze and end the escalations of this cycle."""
    if not draft.situation.policy.roster:
        return
    for number in sorted(_in_question(draft)):
        incident = draft.incident(number)
        if incident is not None:
            follow(draft, incident)
    for number, event, reason in tuple(draft.news):
        incident = draft.incident(number)
        if incident is not None and event in _OVER:
            _tell_called(draft, incident, event, reason)


def next_step_now(draft: Draft, incident: Incident) -> str:
    """Take the next step at once because a person asks for it, acknowledged or not; what came of it, empty where there
    is no further step."""
    if incident.status is Status.OPEN and must_begin(draft, incident):
        # Opened again in this very cycle: else the first step would be taken now, and once more when it is begun.
        incident = begin(draft, incident)
    policy = draft.situation.policy.roster.escalations.get(incident.escalation.policy)
    if policy is None or policy.next_timed(incident.escalation.step) >= len(policy.steps):
        return ""
    before = len(incident.escalation.calls)
    after = _take_step(draft, set_state(draft, incident, snooze=None, left=None), policy)
    names = draft.situation.policy.roster.names(c.person for c in after.escalation.calls[before:])
    return f"{after.key} is with {after.group} now" if after.group != incident.group else f"called: {names}"


def call_group(draft: Draft, incident: Incident) -> Incident:
    """Begin with the steps of the group that has just been given the incident; where somebody else has acknowledged it
    already, only the first of them is taken, at once."""
    begun = begin(draft, incident)
    policy = draft.situation.policy.roster.escalations.get(begun.escalation.policy)
    if begun.status is Status.OPEN or policy is None:
        return begun
    return _take_step(draft, begun, policy)


def _in_question(draft: Draft) -> Iterator[int]:
    yield from {
        *draft.situation.agenda.due(draft.now),
        *(i.number for i in draft.touched()),
        *(a.incident for a in draft.changed_alerts() if a.incident is not None),
    }


def follow(draft: Draft, incident: Incident) -> None:
    """Begin, go on with, freeze or end the escalation of one incident."""
    incident = _review_snooze(draft, incident)
    if incident.status is not Status.OPEN:
        _stop(draft, incident)
        return
    if must_begin(draft, incident):
        incident = begin(draft, incident)
    incident = _freeze_or_thaw(draft, incident)
    # A step that reaches nobody is no reason to wait; each turn goes one step on, and a new round always waits.
    while (due := incident.escalation.next_at) is not None and due <= draft.now:
        policy = draft.situation.policy.roster.escalations.get(incident.escalation.policy)
        if policy is None or policy.next_timed(incident.escalation.step) >= len(policy.steps):
            _give_up(draft, incident)
            return
        incident = _take_step(draft, incident, policy)


def _give_up(draft: Draft, incident: Incident) -> None:
    """Nobody else can be called, and nobody has acknowledged: that is itself an alarm."""
    state = incident.escalation
    called = draft.situation.policy.roster.names(state.called) if state.called else "nobody"
    words = f"escalation {state.policy} has come to its end and nobody has acknowledged; called: {called}"
    draft.note(incident.number, "nobody_reached", words)
    draft.news.append((incident.number, "nobody_reached", words))
    set_state(draft, incident, next_at=None, progress=Progress.EXHAUSTED)


def _stop(draft: Draft, incident: Incident) -> None:
    """Somebody has it, or it is over: no further step is due."""
    state = incident.escalation
    snooze = state.snooze if incident.is_active else None
    is_over = state.progress in (Progress.RUNNING, Progress.EXHAUSTED)
    progress = Progress.STOPPED if is_over else state.progress
    stopped = replace(state, next_at=None, left=None, snooze=snooze, progress=progress, parked=())
    if stopped != state:
        draft.change_incident(incident, escalation=stopped)


def _freeze_or_thaw(draft: Draft, incident: Incident) -> Incident:
    """Stop the clock while a snooze holds, or nothing fires that people may be called for; go on with what was left."""
    state = incident.escalation
    is_frozen = state.snooze is not None or is_quiet(draft, incident)
    if is_frozen and state.next_at is not None:
        return set_state(draft, incident, next_at=None, left=max(state.next_at - draft.now, _NOW))
    if not is_frozen and state.left is not None:
        return set_state(draft, incident, next_at=draft.now + state.left, left=None)
    return incident


def is_quiet(draft: Draft, incident: Incident) -> bool:
    """Whether all its alerts are covered or have cleared; one without alerts, or that a person opened again, is not."""
    return bool(draft.members(incident.number)) and "status" not in incident.pinned and not may_call(draft, incident)


def _take_step(draft: Draft, incident: Incident, policy: EscalationPolicy) -> Incident:
    state = incident.escalation
    number = policy.next_timed(state.step)
    step = policy.steps[number]
    if step.hand_to:
        return hand_over(draft, incident, step, f"nobody has acknowledged it for {span(step.after)}")
    is_first = number == policy.next_timed(0) and state.round == 0
    event = "assigned" if is_first else "escalated"
    incident, called = call_step(draft, incident, policy, number, event=event)
    if called and not is_first:
        names = draft.situation.policy.roster.names(called)
        draft.news.append((incident.number, "escalated", f"{names} called: nobody has acknowledged it"))
    return _plan_next(draft, incident, policy, number, has_reached=called is not None)


def call_step(
    draft: Draft, incident: Incident, policy: EscalationPolicy, number: int, *, event: str, why: str = ""
) -> tuple[Incident, tuple[str, ...] | None]:
    """Call whom a step (from 0) names, with `why` beside the reasons; the ids of those called, None where it reaches
    nobody.

    Whom the same step has called already in this round, for another group that had the incident, is not called again.
    """
    roster, step = draft.situation.policy.roster, policy.steps[number]
    on_duty = by_overrides(known_overrides(roster, draft.all_overrides()))
    before = incident.escalation.called
    found = reached(roster, on_duty, step, incident.group, str(incident.priority), draft.now, before)
    label = f"step {number + 1} of escalation {policy.name}" + (f", {why}" if why else "")
    spared = frozenset() if step.on else _called_already(incident.escalation, policy.name, number + 1)
    for responder in found.responders:
        if responder.person.id in spared:
            words = f"{label}: {responder.person.name} was called by it before the incident changed hands"
            draft.note(incident.number, "escalation", words)
        else:
            reason = f"{responder.why}; {label}"
            incident = call(draft, incident, responder, event, reason, policy.name, number + 1)
    if found.responders:
        ids = tuple(r.person.id for r in found.responders)
        return draft.change_incident(incident, responders=ids), tuple(i for i in ids if i not in spared)
    missed = "; ".join(found.missed) or "it names nobody"
    draft.note(incident.number, "escalation", f"{label} reached nobody: {missed}")
    return incident, None


def _called_already(state: Escalation, policy: str, step: int) -> frozenset[str]:
    """Ids of those whom this step (from 1) has called in the present round and turn."""
    here = (policy, step, state.round, state.turn)
    return frozenset(c.person for c in state.calls if (c.policy, c.step, c.round, c.turn) == here)


def _plan_next(
    draft: Draft, incident: Incident, policy: EscalationPolicy, taken: int, *, has_reached: bool
) -> Incident:
    number, turn = policy.next_timed(taken + 1), incident.escalation.round
    if number < len(policy.steps):
        step = policy.steps[number]
        wait = step.after if has_reached or step.hand_to else _NOW
        return set_state(draft, incident, step=number, next_at=_if_open(incident, draft.now + wait))
    if turn < policy.repeat:
        again = _if_open(incident, draft.now + policy.repeat_after)
        return set_state(draft, incident, step=policy.next_timed(0), round=turn + 1, next_at=again)
    # Who was called last gets the same time to answer before it is said that nobody did.
    wait = policy.repeat_after if has_reached else _NOW
    return set_state(draft, incident, step=number, next_at=_if_open(incident, draft.now + wait))


def _if_open(incident: Incident, at: datetime) -> datetime | None:
    return at if incident.status is Status.OPEN else None


def hand_over(draft: Draft, incident: Incident, step: EscalationStep, why: str) -> Incident:
    """Functional escalation: the other group has it from now on, by its own escalation."""
    draft.note(
        incident.number,
        "routed",
        f"handed to {step.hand_to}: {why}",
        old=incident.group,
        new=step.hand_to,
        field="group",
        reason=why,
    )
    draft.news.append((incident.number, "escalated", f"{step.hand_to} has it now: {why}"))
    draft.handed_over.add(incident.number)
    reason = f"handed to {step.hand_to} because {why}"
    handed = draft.change_incident(incident, group=step.hand_to, group_reason=reason, pinned=incident.pinned | {GROUP})
    return call_group(draft, handed)


def _review_snooze(draft: Draft, incident: Incident) -> Incident:
    """End a snooze whose time is over, or that new impact breaks; then people are called anew, from the first step."""
    snooze = incident.escalation.snooze
    if snooze is None or not incident.is_active:
        return incident
    worse = _worse_than(incident, snooze.priority, snooze.services)
    if worse:
        draft.note(incident.number, "snooze", f"the snooze by {snooze.by} is broken: {worse}")
        incident = set_state(draft, incident, snooze=None)
        return (
            begin(draft, incident, anew=True) if incident.status is Status.OPEN else _call_back(draft, incident, worse)
        )
    if draft.now >= snooze.until:
        draft.note(incident.number, "snooze", f"the snooze by {snooze.by} is over")
        return set_state(draft, incident, snooze=None)
    return incident


def _worse_than(incident: Incident, priority: str, services: frozenset[str]) -> str:
    """What is worse now, in words; empty where nothing is. Service ids are those that `hit_services` gives."""
    if str(incident.priority) < priority:
        return f"priority {priority} is now {incident.priority}"
    new = sorted(s.name for s in incident.services if s.state > State.AT_RISK and s.ci not in services)
    return f"{new[0]} is hit as well" if new else ""


def hit_services(incident: Incident) -> frozenset[str]:
    """Ids of the business services that are down or degraded."""
    return frozenset(s.ci for s in incident.services if s.state > State.AT_RISK)


def _call_back(draft: Draft, incident: Incident, worse: str) -> Incident:
    """Who has acknowledged it hears at once that it is worse."""
    return call_person(draft, incident, incident.assignee, "escalated", f"you have it, and {worse}")


def call_person(draft: Draft, incident: Incident, who: str, event: str, why: str) -> Incident:
    """Call one person by id, beside the escalation's steps; nothing happens where nobody is known by it."""
    person = draft.situation.policy.roster.people.get(who)
    if person is None or not person.contacts:
        return incident
    return call(draft, incident, Responder(person=person, why=why), event, why)


def _tell_called(draft: Draft, incident: Incident, event: str, reason: str) -> None:
    """Those who were called hear once that they need not do anything more, but not of what they did themselves."""
    for who in incident.escalation.called:
        person = draft.situation.policy.roster.people.get(who)
        if person is not None and not (event == "acknowledged" and incident.assignee in (person.id, person.name)):
            tell_person(draft, incident, person, event, f"you were called; {reason}")
