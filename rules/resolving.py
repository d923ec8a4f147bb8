"""Ending an incident: how, by whom, since when the service is back, and whether all that it required was done."""

from datetime import datetime

from rules.amend import known_code
from rules.deadlines import resolve_incident
from rules.decision import Command
from rules.draft import Draft
from rules.incident import Incident
from rules.refused import Refused
from rules.registering import past
from rules.resolution import usual_restoration
from rules.template import ticked


def check_resolving(draft: Draft, incident: Incident, command: Command) -> None:
    """Refuse what makes no sense before anything is changed: an unknown code, a time ahead, and steps that it requires
    and that are open where the person does not force it, with a reason."""
    if command.resolving.code:
        known_code(draft, command.resolving.code)
    past(draft, "restored_at", command.resolving.restored_at)
    if not _lacks_steps(incident):
        return
    if not command.resolving.force:
        raise Refused(
            f"{incident.key} is not done: {open_words(incident)}; allowed: check them off, or force it with a reason"
        )
    if not command.reason.strip():
        raise Refused("to resolve it although steps are not done needs a reason")


def resolve_by_hand(draft: Draft, incident: Incident, command: Command) -> None:
    """Resolve it as a person says, which has been checked; who forces it answers for the steps on the timeline."""
    said = command.resolving
    code = said.code or next(iter(draft.situation.policy.resolution_codes))
    if _lacks_steps(incident):
        text = f"resolved although not done: {open_words(incident)}: {command.reason}"
        draft.note(incident.number, "steps_skipped", text, actor=command.actor, field="steps", reason=command.reason)
    resolve_incident(
        draft,
        incident,
        reason=command.value or command.reason or "resolved by hand",
        actor=command.actor,
        code=code,
        restored_at=said.restored_at,
        restoration=said.restoration or usual_restoration(code),
    )


def _lacks_steps(incident: Incident) -> bool:
    return incident.steps_required and bool(incident.open_steps)


def open_words(incident: Incident) -> str:
    """The steps that are not done, with their numbers."""
    named = [f"step {n} ({incident.steps[n - 1].text[:80]})" for n in incident.open_steps]
    return ", ".join(named[:10]) + (f" and {len(named) - 10} more" if len(named) > 10 else "")


def check_step(draft: Draft, incident: Incident, command: Command) -> str:
    """Check a step off, or take that back; the name and the time are kept with it."""
    number = int(command.field) if command.field.isascii() and command.field.isdecimal() else 0
    if not 1 <= number <= len(incident.steps):
        allowed = f"allowed: 1 to {len(incident.steps)}" if incident.steps else "it has no steps"
        raise Refused(f'{incident.key} has no step "{command.field[:20]}"; {allowed}')
    if command.value not in ("done", "open"):
        raise Refused(f'a step is "done" or "open", not "{command.value[:20]}"')
    step = incident.steps[number - 1]
    if step.is_done == (command.value == "done"):
        return f"step {number} of {incident.key} is {command.value} already"
    changed = ticked(step, command.actor, draft.now) if command.value == "done" else ticked(step, "", None)
    steps = (*incident.steps[: number - 1], changed, *incident.steps[number:])
    draft.change_incident(incident, steps=steps)
    draft.note(
        incident.number,
        f"step_{command.value}",
        f"step {number} {command.value}: {step.text}",
        actor=command.actor,
        field=f"steps.{number}",
        old=_state(step.done_by, step.done_at),
        new=_state(changed.done_by, changed.done_at),
        reason=command.reason,
    )
    return f"step {number} of {incident.key} is {command.value}"


def _state(by: str, at: datetime | None) -> str:
    return "open" if at is None else f"done by {by} at {at:%Y-%m-%dT%H:%M:%SZ}"
