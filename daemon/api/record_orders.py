"""Orders about service requests, problems and changes: what each takes, who may give it, and what comes of it."""

import uuid
from http import HTTPStatus
from typing import Any

from daemon.api.access import Caller, lacking
from daemon.api.orders import Note, Order
from daemon.api.ports import Ports
from daemon.api.problems import Problem as HttpProblem
from daemon.api.record_answers import RecordOrderDocument
from daemon.api.record_bodies import EDITED, ChangeNew, Link, ProblemNew, RequestNew, Step, incidents_of
from rules.access import Permission
from rules.decision import RecordOrder, RecordVerb
from rules.record import Kind, Record, parse_key

NEEDED: dict[str, Permission] = {"edit": "write", "step": "write", "link": "write", "note": "report"}
"""What may be asked of a record, each with the permission that it needs."""
_MANAGED = frozenset({"approve", "reject"})


def needed_to_make(kind: Kind) -> Permission:
    """The permission that a new record of this kind needs."""
    return "write" if kind is Kind.PROBLEM else "report"


def needed_for_step(kind: Kind, step: str) -> Permission:
    """The permission that a step needs."""
    return "manage" if kind is Kind.CHANGE and step in _MANAGED else NEEDED["step"]


def body_type(kind: Kind, word: str) -> type[Order]:
    """What an order of this word takes."""
    others: dict[str, type[Order]] = {"step": Step, "link": Link, "note": Note}
    return EDITED[kind] if word == "edit" else others[word]


def creation(
    ports: Ports, kind: Kind, caller: Caller, body: RequestNew | ProblemNew | ChangeNew, order_id: str = ""
) -> RecordOrder:
    """The order that makes a record of what was sent; a 400 that names the field where it makes no sense."""
    status = getattr(body, "status", "")
    fields = {
        "given": body.given(),
        "incidents": incidents_of(body),
        "status": "" if status == "planned" else status,
        "may_replace": "write" in caller.permissions,
    }
    return order_of(ports, kind, RecordVerb.CREATE, caller, body, order_id, **fields)


def order_about(ports: Ports, record: Record, word: str, caller: Caller, body: Any, expects: int | None) -> RecordOrder:
    """The order of this word about a record; a 403 where the caller may not take that step, a 400 where it makes no
    sense."""
    if isinstance(body, Step) and (needed := needed_for_step(record.kind, body.step)) not in caller.permissions:
        raise lacking(caller, needed)
    verb, fields = _asked(word, body)
    return order_of(ports, record.kind, verb, caller, body, number=record.number, expects=expects, **fields)


def _asked(word: str, body: Any) -> tuple[RecordVerb, dict[str, Any]]:
    if word == "edit":
        return RecordVerb.EDIT, {"given": body.given()}
    if word == "step":
        return RecordVerb.STEP, {"step": body.step, "text": body.text}
    if word == "note":
        return RecordVerb.NOTE, {"text": body.text}
    return (RecordVerb.UNLINK if body.remove else RecordVerb.LINK), {"to": body.to, "relation": body.relation}


def order_of(
    ports: Ports, kind: Kind, verb: RecordVerb, caller: Caller, body: Order, order_id: str = "", **fields: Any
) -> RecordOrder:
    """What the daemon is asked, in the name of whoever asks."""
    actor = caller.name if caller.is_known else body.actor or caller.name
    return RecordOrder(
        id=order_id or uuid.uuid4().hex, at=ports.clock.now(), actor=actor, kind=kind, verb=verb, **fields
    )


def outcome_of(ports: Ports, order: RecordOrder) -> RecordOrderDocument:
    """Wait for the decision and say what came of it; a 409 or, where the asker had seen an older version, a 412."""
    try:
        reply = ports.order(order)
    except TimeoutError:
        known = f"{order.kind.series}-{order.number}" if order.number else None
        message = "stored, but not decided on yet; it will be done as soon as it can"
        return RecordOrderDocument(
            command=order.id, record=known, done=None, message=message, status=None, version=None
        )
    if not reply.done:
        raise HttpProblem(HTTPStatus.PRECONDITION_FAILED if reply.stale else HTTPStatus.CONFLICT, reply.message)
    key = reply.subject or f"{order.kind.series}-{order.number}"
    record = ports.store.record(order.kind, parse_key(key)[1])
    return RecordOrderDocument(
        command=order.id,
        record=key,
        done=True,
        message=reply.message,
        status=None if record is None else str(record.status),
        version=None if record is None else record.version,
    )


def known_record(ports: Ports, kind: Kind, key: str) -> Record:
    """The record of that number as people write it; 404 where there is none."""
    try:
        series, number = parse_key(key, kind.series)
    except ValueError:
        series, number = "", 0
    found = ports.store.record(kind, number) if series == kind.series else None
    if found is None:
        raise HttpProblem(HTTPStatus.NOT_FOUND, f"there is no {kind.words} {key}")
    return found
