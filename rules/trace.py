"""Nothing about an incident changes without a line: what no step of a decision has told of is told of at its end.

Most fields follow from the alerts, the root cause and the CMDB, and change in many places; so they are compared here,
once, with what they were before the decision.
"""

from collections.abc import Callable, Collection
from dataclasses import fields
from datetime import datetime
from typing import Any

from rules.draft import Draft
from rules.incident import HitService, Incident, Link, RootCause

BOOKKEEPING = frozenset(
    {
        "version",
        "updated_at",
        "told",  # every notice has its line
        "known_told",  # likewise the one that says that the error is known
        "taught",  # what the daemon has learnt of it
        "pinned",  # follows from what people order
        "refired",  # the alerts that join again have a line
        "quiet_since",  # likewise those that clear
        "escalation",  # what it does has lines of its own
        "responders",  # likewise who is called
        "clocks",  # what is promised, warned of, kept and broken has lines of its own
        "group_reason",  # goes with the group
        "priority_until",  # only when to look again
    }
)
"""Fields that say nothing of the incident itself, or only what lines of other words say."""

SAID_BY: dict[str, frozenset[str]] = {
    "status": frozenset(
        {"acknowledge", "start", "hold", "resume", "resolved", "closed", "reopened", "merged", "converted"}
    ),
    "acknowledged_at": frozenset({"acknowledge", "start", "hold"}),
    "hold_reason": frozenset({"acknowledge", "start", "hold", "resume", "resolved"}),
    "assignee": frozenset({"assigned"}),
    "resolved_at": frozenset({"resolved", "reopened"}),
    "resolution": frozenset({"resolved", "reopened"}),
    "resolution_code": frozenset({"resolved", "reopened"}),
    "resolved_by": frozenset({"resolved", "reopened"}),
    "restored_at": frozenset({"resolved", "reopened"}),
    "restoration": frozenset({"resolved", "reopened"}),
    "closed_at": frozenset({"closed", "merged", "reopened", "converted"}),
    "merged_into": frozenset({"merged"}),
    "links": frozenset({"merged", "linked", "unlinked"}),
    "root": frozenset({"root_changed"}),
    "confirmed_root": frozenset({"root_changed", "root_confirmed"}),
    "priority": frozenset({"priority_changed"}),
    "priority_reason": frozenset({"priority_changed"}),
    "priority_rule": frozenset({"priority_changed"}),
    "impact": frozenset({"priority_changed"}),
    "urgency": frozenset({"priority_changed"}),
    "steps": frozenset({"template"}),
    "steps_required": frozenset({"template"}),
    "least_priority": frozenset({"template"}),
    "known_errors": frozenset({"known_error"}),
    "suspects": frozenset({"suspect"}),
    "watchers": frozenset({"watch"}),
    "is_waiting_for_steps": frozenset({"resolution_waits", "resolved", "reopened"}),
}
"""Which kinds of line tell of a change of which field, beside those that name it (`TimelineEntry.field`)."""

CHANGED = "field_changed"
_LONGEST = 400
_MOST_NAMED = 20
_FOLLOWS = "follows from its alerts, its root cause and the CMDB"


def trace(draft: Draft) -> None:
    """Add a line for every change of this decision that has none."""
    said: dict[int, set[str]] = {}
    for entry in draft.noted():
        known = said.setdefault(entry.incident, set())
        known.add(entry.field.partition(".")[0])
        known.update(field for field, kinds in SAID_BY.items() if entry.kind in kinds)
    for incident in draft.touched():
        before = draft.situation.incidents.get(incident.number)
        if before is None:
            continue
        for name in changes(before, incident):
            if name not in said.get(incident.number, ()):
                _add(draft, incident, name, getattr(before, name), getattr(incident, name))


def changes(before: Incident, after: Incident) -> list[str]:
    """The names of the fields that say something else now; of the root only the CI, the rest shows how it was found."""
    found = []
    for name in _NAMES:
        old, new = getattr(before, name), getattr(after, name)
        if old is not new and _essence(old) != _essence(new):
            found.append(name)
    return found


def _essence(value: Any) -> Any:
    return value.ci if isinstance(value, RootCause) else value


def _add(draft: Draft, incident: Incident, name: str, old: Any, new: Any) -> None:
    label, was, now = name.removeprefix("is_").replace("_", " "), in_words(old), in_words(new)
    text = f"{label}: {_difference(old, new)}" if _is_names(old, new) else f"{label} is now {now or 'empty'}"
    draft.note(incident.number, CHANGED, text[:_LONGEST], field=name, old=was, new=now, reason=_FOLLOWS)


def in_words(value: Any) -> str:
    """A field's value for the timeline, of bounded length; empty where there is none."""
    if value is None or value == ():
        return ""
    if isinstance(value, RootCause):
        return value.ci or ""
    if isinstance(value, datetime):
        return f"{value:%Y-%m-%dT%H:%M:%SZ}"
    if isinstance(value, tuple):
        more = f" and {len(value) - _MOST_NAMED} more" if len(value) > _MOST_NAMED else ""
        return (", ".join(in_words(one) for one in value[:_MOST_NAMED]) + more)[:_LONGEST]
    say = _WORDS.get(type(value))
    return (say(value) if say else str(getattr(value, "word", value)))[:_LONGEST]


def _is_names(*values: Any) -> bool:
    return all(isinstance(value, tuple) and all(isinstance(one, str) for one in value) for value in values)


def _difference(old: Collection[str], new: Collection[str]) -> str:
    """What came and went, which says more than two long lists."""
    before, after = frozenset(old), frozenset(new)
    came, went = in_words(tuple(n for n in new if n not in before)), in_words(tuple(n for n in old if n not in after))
    moves = [f"{sign}{names}" for sign, names in (("+ ", came), ("- ", went)) if names]
    return f"{len(new)} now, {len(old)} before; {'; '.join(moves) or 'in another order'}"


_WORDS: dict[type, Callable[[Any], str]] = {
    HitService: lambda service: f"{service.name} {service.state.word}",
    Link: lambda link: f"{link.kind} {link.key}",
}
_NAMES = tuple(f.name for f in fields(Incident) if f.name not in BOOKKEEPING)
