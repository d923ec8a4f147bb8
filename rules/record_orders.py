"""What people ask for about service requests, problems and changes: each order is carried out whole or refused."""

from collections.abc import Callable
from dataclasses import fields, replace
from typing import Any

from rules.conversion import to_incident
from rules.decision import RecordOrder, RecordVerb, Reply
from rules.draft import Draft
from rules.errors import IncidentdError
from rules.incident import incident_key
from rules.linking import BY_HAND, USUAL, join, key_given, part
from rules.record import (
    MAX_CIS,
    MAX_WORDS,
    RECORDS,
    Change,
    Given,
    Kind,
    Problem,
    ProblemStatus,
    Record,
    ServiceRequest,
)
from rules.record_deadlines import step_on
from rules.record_lifecycles import LIFECYCLES, STATES, STEPS
from rules.refused import Refused, Stale, refuse_stale
from rules.transitions import words_of

_PLAN = ("cis", "starts_at", "ends_at")
_LISTS = {"cis": MAX_CIS, "services": MAX_CIS, "alerts": MAX_WORDS, "words": MAX_WORDS}
_ENDING = frozenset({"fulfil", "resolve", "complete", "fail"})
_STEP_TO = {"in_progress": "start", "done": "complete", "failed": "fail"}
_GIVING_UP = frozenset({"reject", "cancel"})


def carry_out_record(draft: Draft, order: RecordOrder) -> None:
    """Do what is asked, or say why not; either way the asker gets a `Reply` with the key of the record."""
    draft.person = order.actor
    try:
        if order.verb is RecordVerb.CREATE:
            key, message = _create(draft, order)
        else:
            record = draft.record(f"{order.kind.series}-{order.number}")
            if record is None:
                raise Refused(f"there is no {order.kind.words} {order.kind.series}-{order.number}")
            refuse_stale(record.key, record.version, order.expects)
            key, message = record.key, _ORDERS[order.verb](draft, record, order)
    except IncidentdError as refusal:
        stale = isinstance(refusal, Stale)
        draft.replies.append(Reply(command=order.id, done=False, message=str(refusal), stale=stale))
    else:
        draft.replies.append(Reply(command=order.id, done=True, message=message, subject=key))
    finally:
        draft.person = ""


def _create(draft: Draft, order: RecordOrder) -> tuple[str, str]:
    given = _checked(draft, order.kind, order.given)
    status = _first_status(order, given)
    if order.relation and order.relation not in BY_HAND:
        raise Refused(f"{order.relation!r} is no relation; allowed: {', '.join(BY_HAND)}")
    known = _of_uid(draft, given.get("uid", ""))
    if known is not None:
        return known.key, _told_again(draft, known, order)
    for number in order.incidents:
        if draft.incident(number) is None:
            raise Refused(f"{incident_key(number)} is not known")
    record = draft.put_record(_new(draft, order, status, given))
    draft.note_on(record.key, "opened", f"{record.title}", actor=order.actor, new=str(record.status))
    for number in order.incidents:
        join(draft, record.key, order.relation or USUAL[order.kind], incident_key(number), actor=order.actor)
    return record.key, f"{record.key} is {words_of(record.status)}"


def _new(draft: Draft, order: RecordOrder, status: Any, given: dict[str, Any]) -> Record:
    first = draft.incident(order.incidents[0]) if order.incidents else None
    if first is not None:
        given.setdefault("title", first.title)
        given.setdefault("cis", () if first.root.ci is None else (first.root.ci,))
    title = given.pop("title", "")
    if not title:
        raise Refused(f"{LIFECYCLES[order.kind].what} needs a title")
    if order.kind is Kind.CHANGE:
        _check_window(given.get("starts_at"), given.get("ends_at"))
        # What has been cannot lie ahead, whatever another machine's clock says.
        if status != "planned":
            given["began_at"] = min(given["starts_at"], draft.now)
        if status in ("done", "failed"):
            given["ended_at"] = min(given["ends_at"], draft.now)
    made: Any = RECORDS[order.kind]
    record: Record = made(
        number=draft.new_record_number(order.kind),
        title=title,
        status=status,
        opened_at=draft.now,
        opened_by=order.actor,
        updated_at=draft.now,
        **given,
    )
    return record


def _first_status(order: RecordOrder, given: dict[str, Any]) -> Any:
    starts = LIFECYCLES[order.kind].starts
    if order.kind is Kind.PROBLEM and (bool(given.get("workaround")) or order.status == ProblemStatus.KNOWN_ERROR):
        if not given.get("workaround"):
            raise Refused("a known error needs a workaround")
        return ProblemStatus.KNOWN_ERROR
    if not order.status:
        return starts[0]
    if order.status not in starts:
        what = LIFECYCLES[order.kind].what
        raise Refused(f"{what} cannot begin as {order.status}; allowed: {', '.join(map(str, starts))}")
    return STATES[order.kind](order.status)


def _of_uid(draft: Draft, uid: str) -> Change | None:
    """The change that another system calls so, where it is still in mind: told of again it is the same one."""
    changes = (r for r in draft.all_records() if isinstance(r, Change)) if uid else ()
    return next((c for c in changes if c.uid == uid and c.settled_at is None), None)


def _told_again(draft: Draft, known: Change, order: RecordOrder) -> str:
    """Change the change that is told of again; where it has gone on meanwhile, the times are those that really were."""
    if not order.may_replace and known.opened_by != order.actor:
        allowed = "allowed: whoever made it, or may work on changes"
        raise Refused(f"{known.uid} is {known.key} already, which {known.opened_by} has made; {allowed}")
    step = _STEP_TO.get(order.status, "")
    if not step or known.status == order.status:
        return _edit(draft, known, order)
    # The step comes first: it is what may be refused.
    message = _step(draft, known, replace(order, step=step, text=""))
    after = draft.record(known.key)
    assert isinstance(after, Change)  # noqa: S101  it was found as one
    given = order.given
    began_at = min(given.starts_at, draft.now) if given.starts_at else after.began_at
    ended_at = min(given.ends_at, draft.now) if given.ends_at and step in _ENDING else after.ended_at
    after = draft.put_record(replace(after, began_at=began_at, ended_at=ended_at))
    _edit(draft, after, replace(order, given=replace(given, starts_at=None, ends_at=None, cis=None)))
    return message


def _checked(draft: Draft, kind: Kind, given: Given) -> dict[str, Any]:
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
    if "title" in found and not found["title"].strip():
        raise Refused(f"{LIFECYCLES[kind].what} needs a title")
    return found


def _known_ci(draft: Draft, name: str) -> str:
    ci = draft.situation.estate.find(name)
    if ci is None:
        raise Refused(f"the CMDB has no CI called {name!r}")
    return ci


def _check_window(begin: Any, end: Any) -> None:
    if begin is None or end is None:
        raise Refused("a change needs a beginning and an end")
    if end <= begin:
        raise Refused("a change cannot end before it begins")


def _edit(draft: Draft, record: Record, order: RecordOrder) -> str:
    given = _checked(draft, order.kind, order.given)
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
    _check_window(changed.get("starts_at", change.starts_at), changed.get("ends_at", change.ends_at))
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


def _step(draft: Draft, record: Record, order: RecordOrder) -> str:
    if order.step not in list(STEPS[record.kind]):
        raise Refused(f"{order.step!r} is no step of {LIFECYCLES[record.kind].what}; allowed: {_steps(record)}")
    if isinstance(record, ServiceRequest) and order.step == "convert":
        incident = to_incident(draft, record, actor=order.actor, reason=order.text)
        return f"{record.key} is now {incident.key}"
    if order.step == "revise":
        raise Refused("a change is revised by editing its window or CIs")
    extra = _extra(draft, record, order)
    status = LIFECYCLES[record.kind].next_status(record.status, STEPS[record.kind](order.step))
    words = f"{words_of(status)}{f': {order.text}' if order.text else ''}"
    after = step_on(draft, record, order.step, words, actor=order.actor, **extra)
    return f"{after.key} is {words_of(after.status)}"


def _steps(record: Record) -> str:
    return ", ".join(LIFECYCLES[record.kind].allowed_steps(record.status)) or "nothing more"


def _extra(draft: Draft, record: Record, order: RecordOrder) -> dict[str, Any]:
    """What a step changes beside the state."""
    found: dict[str, Any] = {}
    if order.step in _ENDING:
        found |= {"ended_at": draft.now, "outcome": order.text or record.outcome}
    elif order.step in _GIVING_UP:
        found["outcome"] = order.text or record.outcome
    elif order.step == "reopen":
        found |= {"ended_at": None, "outcome": ""}
    if order.step in ("start", "resume") and not record.assignee:
        found["assignee"] = order.actor
    if isinstance(record, Problem) and order.step == "document":
        found["workaround"] = order.text or record.workaround
        if not found["workaround"].strip():
            raise Refused(f"{record.key} becomes a known error by a workaround; none is given")
    if isinstance(record, Change):
        found |= _of_change(draft, record, order)
    return found


def _of_change(draft: Draft, change: Change, order: RecordOrder) -> dict[str, Any]:
    if order.step == "approve":
        return {"approved_at": draft.now, "approved_by": order.actor}
    if order.step == "start":
        return {"began_at": draft.now}
    if order.step in _ENDING and change.began_at is None:
        return {"began_at": min(change.starts_at, draft.now)}
    return {}


def _note(draft: Draft, record: Record, order: RecordOrder) -> str:
    if not order.text.strip():
        raise Refused("a note needs a text")
    draft.note_on(record.key, "note", order.text.strip(), actor=order.actor)
    draft.put_record(record)
    return f"noted on {record.key}"


def _link(draft: Draft, record: Record, order: RecordOrder) -> str:
    relation = order.relation or USUAL[record.kind]
    if relation not in BY_HAND:
        raise Refused(f"{relation!r} is no relation; allowed: {', '.join(BY_HAND)}")
    other = key_given(order.to, "the other record")
    join(draft, record.key, relation, other, actor=order.actor)
    return f"{record.key} is linked: {relation} {other}"


def _unlink(draft: Draft, record: Record, order: RecordOrder) -> str:
    other = key_given(order.to, "the other record")
    part(draft, record.key, other, actor=order.actor)
    return f"{record.key} and {other} are no longer linked"


_ORDERS: dict[RecordVerb, Callable[[Draft, Record, RecordOrder], str]] = {
    RecordVerb.EDIT: _edit,
    RecordVerb.STEP: _step,
    RecordVerb.NOTE: _note,
    RecordVerb.LINK: _link,
    RecordVerb.UNLINK: _unlink,
}
