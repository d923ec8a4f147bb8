"""What people ask for about service requests, problems and changes: each order is carried out whole or refused."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

from rules.decision import RecordOrder, RecordVerb, Reply
from rules.draft import Draft
from rules.errors import IncidentdError
from rules.incident import incident_key
from rules.linking import BY_HAND, USUAL, join, key_given, part
from rules.record import RECORDS, Change, Kind, ProblemStatus, Record
from rules.record_edits import check_window, checked, edit
from rules.record_lifecycles import LIFECYCLES, STATES
from rules.record_steps import ENDING, take_step
from rules.refused import Refused, Stale, refuse_stale
from rules.transitions import words_of

_STEP_TO = {"in_progress": "start", "done": "complete", "failed": "fail"}


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
    given = checked(draft, order.kind, order.given)
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
        check_window(given.get("starts_at"), given.get("ends_at"))
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
        return edit(draft, known, order)
    # The step comes first: it is what may be refused.
    message = take_step(draft, known, replace(order, step=step, text=""))
    after = draft.record(known.key)
    assert isinstance(after, Change)  # noqa: S101  it was found as one
    given = order.given
    began_at = min(given.starts_at, draft.now) if given.starts_at else after.began_at
    ended_at = min(given.ends_at, draft.now) if given.ends_at and step in ENDING else after.ended_at
    after = draft.put_record(replace(after, began_at=began_at, ended_at=ended_at))
    edit(draft, after, replace(order, given=replace(given, starts_at=None, ends_at=None, cis=None)))
    return message


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
    RecordVerb.EDIT: edit,
    RecordVerb.STEP: take_step,
    RecordVerb.NOTE: _note,
    RecordVerb.LINK: _link,
    RecordVerb.UNLINK: _unlink,
}
