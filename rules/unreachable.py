"""Calls that could not be delivered: the next person is called at once, not after the time that this one had."""

from dataclasses import replace

from rules.decision import Undelivered
from rules.draft import Draft
from rules.escalation import Call, Escalation, Progress
from rules.escalation_start import set_state
from rules.incident import Incident, Status


def take_undelivered(draft: Draft, failed: Undelivered) -> None:
    """Note it on the incident; where all who were called last cannot be reached, its next step is due now."""
    incident = draft.incident(failed.incident)
    if incident is None:
        return
    state = incident.escalation
    last = next((c for c in reversed(state.calls) if c.person == failed.person and failed.via in c.via), None)
    if last is None or failed.via in last.failed:
        return
    calls = tuple(replace(c, failed=(*c.failed, failed.via)) if c is last else c for c in state.calls)
    incident = set_state(draft, incident, calls=calls)
    name = draft.situation.policy.roster.name(failed.person)
    draft.note(incident.number, "escalation", f"{name} cannot be reached by {failed.via}: {failed.error}")
    if _is_waiting_in_vain(incident):
        draft.note(incident.number, "escalation", "nobody of those called last can be reached, so the next step is due")
        set_state(draft, incident, next_at=draft.now)


def _is_waiting_in_vain(incident: Incident) -> bool:
    state = incident.escalation
    is_waiting = incident.status is Status.OPEN and state.progress is Progress.RUNNING and state.next_at is not None
    return is_waiting and all(call.is_in_vain for call in _latest(state))


def _latest(state: Escalation) -> list[Call]:
    """The calls of the step taken last."""
    made = [c for c in state.calls if c.policy]
    return [c for c in made if (c.at, c.step) == (made[-1].at, made[-1].step)]
