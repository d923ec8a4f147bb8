"""Steps of escalations that wait for no silence but for what happens to a promised time: it is running out, or broken.

They are taken whether somebody has acknowledged or not, since it is the promise that is in danger. When one is due is
a time on the incident, as for all other steps.
"""

from dataclasses import replace
from datetime import timedelta

from rules.clock import Goal
from rules.draft import Draft
from rules.escalate import call_step, follow, hand_over, is_quiet
from rules.escalation import ClockEvent, WaitingStep
from rules.escalation_start import set_state
from rules.incident import Incident, Status

_NOW = timedelta()
_WORDS = {
    "response_warning": "the time to respond is running out",
    "response_breached": "nobody has responded in time",
    "resolution_warning": "the time to resolve it is running out",
    "resolution_breached": "it was not resolved in time",
}


def take_clock_steps(draft: Draft) -> None:
    """Note which steps this cycle's events call for, freeze and thaw those that wait, and take those that are due."""
    for event in draft.clock_events:
        _note(draft, event)
    numbers = {*draft.situation.agenda.due(draft.now), *(i.number for i in draft.touched())}
    numbers.update(a.incident for a in draft.changed_alerts() if a.incident is not None)
    for number in sorted(numbers):
        incident = draft.incident(number)
        if incident is not None and incident.escalation.waiting:
            _follow(draft, incident)


def _note(draft: Draft, event: ClockEvent) -> None:
    """Let the steps wait that this calls for, each once."""
    incident = draft.incident(event.incident)
    policy = draft.situation.policy.roster.escalation_of(incident.group) if incident is not None else None
    if incident is None or policy is None or not incident.is_active:
        return
    known = {(w.policy, w.step) for w in incident.escalation.waiting}
    found = tuple(
        WaitingStep(policy=policy.name, step=number, event=event.event, due_at=draft.now + step.after)
        for number, step in enumerate(policy.steps)
        if step.on == event.event and step.share in (0, event.share) and (policy.name, number) not in known
    )
    if found:
        set_state(draft, incident, waiting=(*incident.escalation.waiting, *found))


def _follow(draft: Draft, incident: Incident) -> None:
    waiting = tuple(_moved(draft, incident, w) for w in incident.escalation.waiting if _has_meaning(incident, w))
    due = [w for w in waiting if w.due_at is not None and w.due_at <= draft.now]
    incident = set_state(draft, incident, waiting=tuple(w for w in waiting if w not in due))
    for each in due:
        incident = _take(draft, incident, each)


def _has_meaning(incident: Incident, waiting: WaitingStep) -> bool:
    """Whether what the step is about can still be mended."""
    return incident.status is Status.OPEN if _goal(waiting) is Goal.RESPONSE else incident.is_active


def _moved(draft: Draft, incident: Incident, waiting: WaitingStep) -> WaitingStep:
    """The step frozen, or with what was left of its time."""
    is_frozen = _is_frozen(draft, incident, waiting)
    if is_frozen and waiting.due_at is not None:
        return replace(waiting, due_at=None, left=max(waiting.due_at - draft.now, _NOW))
    if not is_frozen and waiting.left is not None:
        return replace(waiting, due_at=draft.now + waiting.left, left=None)
    return waiting


def _is_frozen(draft: Draft, incident: Incident, waiting: WaitingStep) -> bool:
    """Whether nobody is to be called now: it is snoozed or quiet, or on hold so that its promise stands still."""
    if incident.escalation.snooze is not None or is_quiet(draft, incident):
        return True
    running = [c for c in incident.clocks if c.goal is _goal(waiting) and c.ended_at is None and c.pause is None]
    return incident.status is Status.ON_HOLD and not running


def _take(draft: Draft, incident: Incident, waiting: WaitingStep) -> Incident:
    policy = draft.situation.policy.roster.escalations.get(waiting.policy)
    if policy is None or waiting.step >= len(policy.steps) or policy.steps[waiting.step].on != waiting.event:
        return incident  # the rules have changed since
    step, words = policy.steps[waiting.step], _WORDS[waiting.event]
    if step.hand_to:
        if step.hand_to != incident.group:
            incident = hand_over(draft, incident, step, words)
            follow(draft, incident)
        return draft.incident(incident.number) or incident
    incident, called = call_step(draft, incident, policy, waiting.step, event="escalated", why=words)
    if called:
        names = draft.situation.policy.roster.names(called)
        draft.news.append((incident.number, "escalated", f"{names} called: {words}"))
    return incident


def _goal(waiting: WaitingStep) -> Goal:
    return Goal.RESPONSE if waiting.event.startswith(Goal.RESPONSE) else Goal.RESOLUTION
