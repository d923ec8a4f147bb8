"""What a record may say, and changing that: each field with a line of its history."""

from dataclasses import fields, replace
from typing import Any

from rules.decision import RecordOrder
from rules.draft import Draft
from rules.record import MAX_CIS, MAX_WORDS, RECORDS, Change, Given, Kind, Problem, Record
from rules.record_deadlines import step_on
from rules.record_lifecycles import LIFECYCLES
from rules.refused import Refused
from rules.registering import known_category
from rules.transitions import words_of

_PLAN = ("cis", "starts_at", "ends_at")
_LISTS = {
    "cis": MAX_CIS,
    "services": MAX_CIS,
    "categories": MAX_WORDS,
    "alerts": MAX_WORDS,
    "words": MAX_WORDS,
}


def checked(draft: Draft, kind: Kind, given: Given) -> dict[str, Any]:
    """What was given, by field; Refused where the kind has no such field or a value makes no sense."""
    own = {field.name for field in fields(RECORDS[kind])}
    found = {f.name: getattr(given, f.name) for f in fields(given) if getattr(given, f.name) is not None}
    if foreign := sorted(found.keys() - own):
        raise Refused(f"{LIFECYCLES[kind].what} has no {foreign[0].replace('_', ' ')}")
    for name, most in _LISTS.items():
        if len(found.get(name, ())) > most:
            raise Refused(f"{name} has more than {most} members")
    for name in ("cis", "services"):
        if name in found:
            found[name] = tuple(dict.fromkeys(_known_ci(draft, ci) for ci in found[name]))
    if "categories" in found:
        found["categories"] = tuple(dict.fromkeys(known_category(draft, each) for each in found["categories"]))
    if "title" in found and not found["title"].strip():
        raise Refused(f"{LIFECYCLES[kind].what} needs a title")
    return found


def _known_ci(draft: Draft, name: str) -> str:
    ci = draft.situation.estate.find(name)
    if ci is None:
        raise Refused(f"the CMDB has no CI called {name!r}")
    return ci


def check_window(begin: Any, end: Any) -> None:
    """Refused where a change would have no time, or end before it begins."""
    if begin is None or end is None:
        raise Refused("a change needs a beginning and an end")
    if end <= begin:
        raise Refused("a change cannot end before it begins")


def edit(draft: Draft, record: Record, order: RecordOrder) -> str:
    """Take what is given into the record, each field with a line of its history; what came of it, in words."""
    given = checked(draft, order.kind, order.given)
    changed = {name: value for name, value in given.items() if getattr(record, name) != value}
    if not changed:
        return f"{record.key} is so already"
    if record.settled_at is not None:
        raise Refused(f"{record.key} is {words_of(record.status)}; allowed: notes and links")
    if isinstance(record, Change) and not changed.keys().isdisjoint(_PLAN):
        record = _replanned(draft, record, changed, order.actor)
    if isinstance(record, Problem) and "workaround" in changed:
        record = _documented(draft, record, changed.pop("workaround"), order.actor)
    for name, value in changed.items():
        old, new = _shown(getattr(record, name)), _shown(value)
        text = f"{name.replace('_', ' ')} is now {new or 'empty'}"
        draft.note_on(record.key, "changed", text, actor=order.actor, old=old, new=new)
    after: Any = replace(record, **changed)
    draft.put_record(after)
    return f"{record.key} is changed"


def _documented(draft: Draft, problem: Problem, workaround: str, actor: str) -> Record:
    if not workaround.strip():
        raise Refused(f"{problem.key}: withdraw the known error instead of taking its workaround away")
    return step_on(draft, problem, "document", f"known error: {workaround}", actor=actor, workaround=workaround)


def _replanned(draft: Draft, change: Change, changed: dict[str, Any], actor: str) -> Change:
    """A change whose plan is another: what was approved then is approved no more, and what is over is past planning."""
    check_window(changed.get("starts_at", change.starts_at), changed.get("ends_at", change.ends_at))
    if change.status == "approved":
        words = "planned anew; it needs approval again"
        after = step_on(draft, change, "revise", words, actor=actor, approved_at=None, approved_by="")
        assert isinstance(after, Change)  # noqa: S101  a step changes no kind
        return after
    if change.status != "planned" and not (
        change.status == "in_progress" and changed.keys() & set(_PLAN) == {"ends_at"}
    ):
        raise Refused(f"{change.key} is {words_of(change.status)}; allowed: to plan it anew before it begins")
    return change


def _shown(value: Any) -> str:
    if isinstance(value, tuple):
        return ", ".join(value)
    return value.isoformat() if hasattr(value, "isoformat") else str(value)
