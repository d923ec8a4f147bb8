"""Beginning an escalation for the group that has an incident, and going on where it was when a group gets it back."""

from dataclasses import replace
from typing import Any

from rules.draft import Draft
from rules.escalation import Escalation, Parked, Progress
from rules.incident import Incident


def must_begin(draft: Draft, incident: Incident) -> bool:
    """Whether nothing was begun for its group yet, or by a policy that the rules do not have any more."""
    state = incident.escalation
    if state.progress in (Progress.NONE, Progress.STOPPED) or state.group != incident.group:
        return True
    known = draft.situation.policy.roster.escalations
    return state.progress is Progress.RUNNING and state.policy not in known


def begin(draft: Draft, incident: Incident, *, anew: bool = False) -> Incident:
    """Start with the first step for the incident's group; not before its root had time to settle.

    Where nobody has acknowledged it since another group had it, what was begun for that group is kept: should it come
    back it goes on there, so that nobody is called anew because an incident goes to and fro. `anew` forgets all that.
    """
    state, is_running = incident.escalation, incident.escalation.progress is Progress.RUNNING
    is_begun = not anew and (is_running or state.progress is Progress.EXHAUSTED)
    if is_begun and state.group != incident.group and (back := _back(draft, incident)) is not None:
        return back
    if is_begun and is_running and not must_begin(draft, incident):
        return incident
    policy = draft.situation.policy.roster.escalation_of(incident.group)
    first = policy.next_timed(0) if policy is not None else 0
    fresh: dict[str, Any] = {"group": incident.group, "round": 0, "left": None}
    if policy is None or first >= len(policy.steps):
        return set_state(draft, incident, **fresh, policy="", progress=Progress.NONE, step=0, next_at=None, parked=())
    begins = max(draft.now, incident.opened_at + draft.situation.policy.settle) + policy.steps[first].after
    return set_state(
        draft,
        incident,
        **fresh,
        policy=policy.name,
        progress=Progress.RUNNING,
        step=first,
        next_at=begins,
        parked=_parked(state, incident.group) if is_begun else (),
        turn=state.turn if is_begun and is_running else state.turn + 1,
    )


def _back(draft: Draft, incident: Incident) -> Incident | None:
    """The incident with what was begun before for the group that has it again; None where nothing was."""
    state = incident.escalation
    known = next((p for p in state.parked if p.group == incident.group), None)
    policy = draft.situation.policy.roster.escalation_of(incident.group)
    if known is None or policy is None or policy.name != known.policy:
        return None
    draft.note(incident.number, "escalation", f"escalation {policy.name} goes on for {known.group} where it was")
    return set_state(
        draft,
        incident,
        group=known.group,
        policy=known.policy,
        progress=Progress.RUNNING,
        step=known.step,
        round=known.round,
        next_at=known.next_at,
        left=known.left,
        parked=_parked(state, incident.group),
    )


def _parked(state: Escalation, coming: str) -> tuple[Parked, ...]:
    """What to keep of the groups that do not have it, while the one that is `coming` gets it."""
    leaving = Parked(
        group=state.group,
        policy=state.policy,
        step=state.step,
        round=state.round,
        next_at=state.next_at,
        left=state.left,
    )
    others = tuple(p for p in state.parked if p.group not in (coming, state.group))
    has_more_to_do = state.progress is Progress.RUNNING and state.group != coming
    return (*others, leaving) if has_more_to_do else others


def set_state(draft: Draft, incident: Incident, **fields: Any) -> Incident:
    """The incident with some fields of its escalation changed; nothing is recorded where they are as they were."""
    changed = replace(incident.escalation, **fields)
    return incident if changed == incident.escalation else draft.change_incident(incident, escalation=changed)
