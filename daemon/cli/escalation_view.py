"""Who was called about an incident, and who is next."""

from collections.abc import Iterator

from rich.table import Table

from daemon.cli.out import instant, safe, table
from rules.escalation import Escalation, EscalationStep, Progress
from rules.incident import Incident
from rules.policy import Policy


def call_table(incident: Incident, policy: Policy) -> Table | None:
    """One line for each call, oldest first; None where nobody was called."""
    calls = incident.escalation.calls
    rows = [
        [instant(c.at), policy.roster.name(c.person), ", ".join(c.via), c.step or "", safe(c.why, 300)] for c in calls
    ]
    return table(["at", "who", "by", "step", "why"], rows, wide="why") if rows else None


def next_call(incident: Incident, policy: Policy) -> Iterator[str]:
    """What the escalation will do by itself, in sentences."""
    state = incident.escalation
    if state.snooze is not None:
        why = f": {safe(state.snooze.reason, 200)}" if state.snooze.reason else ""
        by, until = safe(state.snooze.by, 60), instant(state.snooze.until)
        yield f"Snoozed by {by} until {until}, or until it gets worse{why}."
    yield from _waiting(state, policy)
    known = policy.roster.escalations.get(state.policy)
    step = known.steps[state.step] if known is not None and state.step < len(known.steps) else None
    if step is not None and state.next_at is not None:
        label = f"step {state.step + 1} of {state.policy}"
        yield f"Unless it is acknowledged, {_whom(step, policy)} at {instant(state.next_at)} ({label})."
    elif step is not None and state.left is not None and state.snooze is None:
        yield "The escalation stands still while nothing fires that people may be called for."
    elif state.progress is Progress.EXHAUSTED:
        yield f"The escalation {safe(state.policy)} has come to its end: nobody else is called."


def _waiting(state: Escalation, policy: Policy) -> Iterator[str]:
    """The steps that what happened to a promised time has called for."""
    for each in state.waiting:
        known = policy.roster.escalations.get(each.policy)
        if known is None or each.step >= len(known.steps):
            continue
        when = "once it is no longer frozen" if each.due_at is None else f"at {instant(each.due_at)}"
        label = f"step {each.step + 1} of {each.policy}, on {each.event}"
        yield f"{_whom(known.steps[each.step], policy)} {when} ({label})."


def _whom(step: EscalationStep, policy: Policy) -> str:
    if step.hand_to:
        return f"{safe(step.hand_to, 60)} gets it"
    found = [
        *([policy.roster.names(step.people)] if step.people else []),
        *(f"the group {name}" for name in step.groups),
        *(f"who is on call in {name}" for name in step.schedules),
        *(["who is on call for its group"] if step.on_call else []),
        *(["the group's lead"] if step.lead else []),
        *(["the group's manager"] if step.manager else []),
    ]
    return f"{safe(', '.join(found), 300)} will be called"
