"""Moving a record on by its lifecycle, as a person orders it."""

from typing import Any

from rules.conversion import to_incident
from rules.decision import RecordOrder
from rules.draft import Draft
from rules.record import Change, Problem, Record, ServiceRequest
from rules.record_deadlines import step_on
from rules.record_lifecycles import LIFECYCLES, STEPS
from rules.refused import Refused
from rules.transitions import words_of

ENDING = frozenset({"fulfil", "resolve", "complete", "fail"})
"""Steps with which the work is over."""

_GIVING_UP = frozenset({"reject", "cancel"})


def take_step(draft: Draft, record: Record, order: RecordOrder) -> str:
    """Move the record on as ordered; what came of it, in words. IllegalTransition where its table has no such step."""
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
    if order.step in ENDING:
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
    if order.step in ENDING and change.began_at is None:
        return {"began_at": min(change.starts_at, draft.now)}
    return {}
