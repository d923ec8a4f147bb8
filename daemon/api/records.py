"""Service requests, problems and changes: read, made, changed, linked; each order is decided by the daemon."""

import uuid
from collections.abc import Callable
from datetime import datetime
from http import HTTPStatus
from typing import Annotated, Any

import anyio
import msgspec
from fastapi import APIRouter, Depends, Path, Query, Request, Response

from daemon.api.access import Caller, lacking, require
from daemon.api.documents import json_response, notice_document
from daemon.api.etags import UNCHANGED, IfMatch, IfNoneMatch, expected_version, tagged
from daemon.api.incidents import Filter, utc_of
from daemon.api.openapi import answers
from daemon.api.orders import Note, Order
from daemon.api.paging import Limit, Offset, page_of, page_response
from daemon.api.ports import Ports
from daemon.api.problems import Problem as HttpProblem
from daemon.api.record_answers import (
    ChangeDetail,
    ChangeList,
    ProblemDetail,
    ProblemList,
    RecordDetail,
    RecordList,
    RecordOrderDocument,
)
from daemon.api.record_bodies import EDITED, NEW, Link, Step, incidents_of
from daemon.store.rows import RecordSearch, Search
from rules.access import Permission
from rules.change_risk import overlapping, risk_of
from rules.decision import RecordOrder, RecordVerb
from rules.incident import ACTIVE
from rules.record import Change, Kind, Record, parse_key
from rules.record_document import RecordDocument, entry_document, record_document, risk_document
from rules.record_lifecycles import STATES

# Orders wait for a decision; more of them at once would only hold threads that others need.
_WAITING_ORDERS = 8
_MOST_INCIDENTS = 10_000
_MANAGED = frozenset({"approve", "reject"})

Key = Annotated[str, Path(max_length=32)]


_DETAILS: dict[Kind, Any] = {Kind.REQUEST: RecordDetail, Kind.PROBLEM: ProblemDetail, Kind.CHANGE: ChangeDetail}
_LISTS: dict[Kind, Any] = {Kind.REQUEST: RecordList, Kind.PROBLEM: ProblemList, Kind.CHANGE: ChangeList}


def record_routes(ports: Ports) -> APIRouter:
    """Everything under /api/v1/requests, /api/v1/problems and /api/v1/changes."""
    router = APIRouter(tags=["records"])
    waiting = anyio.CapacityLimiter(_WAITING_ORDERS)
    for kind in Kind:
        _add_reading(router, ports, kind)
        _add_orders(router, ports, kind, waiting)
    return router


def _add_reading(router: APIRouter, ports: Ports, kind: Kind) -> None:
    reading = [Depends(require(ports, "read"))]
    router.add_api_route(
        f"/api/v1/{kind}s",
        _lister(ports, kind),
        summary=f"{kind.words.capitalize()}s, newest first",
        operation_id=f"list_{kind}s",
        responses=answers(_LISTS[kind]),
        dependencies=reading,
    )

    def show(number: Key, if_none_match: IfNoneMatch = None) -> Response:
        record = known_record(ports, kind, number)
        return tagged(json_response(_detail(ports, record)), record.version, if_none_match)

    router.add_api_route(
        f"/api/v1/{kind}s/{{number}}",
        show,
        summary=f"One {kind.words}, whole",
        operation_id=f"show_{kind}",
        responses={**answers(_DETAILS[kind]), **UNCHANGED},
        dependencies=reading,
    )


def _lister(ports: Ports, kind: Kind) -> Callable[..., Response]:
    def list_(
        request: Request,
        status: Any = None,
        ci: Annotated[list[Filter] | None, Query(description="Any of these CIs is concerned.")] = None,
        text: Annotated[str, Query(max_length=200, description="Words, all of which must occur.")] = "",
        since: Annotated[datetime | None, Query(description="A change that ends then or later.")] = None,
        until: Annotated[datetime | None, Query(description="A change that begins before.")] = None,
        limit: Limit = 50,
        offset: Offset = 0,
    ) -> Response:
        begin, end = utc_of("since", since), utc_of("until", until)
        search = RecordSearch(kind=kind, statuses=status or (), cis=ci or (), text=text, since=begin, until=end)
        found = ports.store.records(search, limit=limit + 1, offset=offset)
        page, after = page_of(request, found, limit, offset)
        shown = {f"{kind}s": tuple(map(record_document, page))}
        return page_response(_LISTS[kind](**shown, next_offset=after.offset, next=after.address))

    # The states are those of the kind at hand.
    states: Any = STATES[kind]
    list_.__annotations__["status"] = Annotated[list[states] | None, Query(description="Any of these.")]
    return list_


def _add_orders(router: APIRouter, ports: Ports, kind: Kind, waiting: anyio.CapacityLimiter) -> None:
    making: Permission = "write" if kind is Kind.PROBLEM else "report"
    refusals = HTTPStatus.ACCEPTED, HTTPStatus.CONFLICT

    def make(caller: Caller, body: Any) -> Response:
        fields = {"given": body.given(), "incidents": incidents_of(body), "status": _status(body)}
        fields["may_replace"] = "write" in caller.permissions
        return carried_out(ports, order_of(ports, kind, RecordVerb.CREATE, caller, body, **fields))

    async def create(caller: Annotated[Caller, Depends(require(ports, making))], body: Any) -> Response:
        return await anyio.to_thread.run_sync(make, caller, body, limiter=waiting)

    create.__annotations__["body"] = NEW[kind]
    router.add_api_route(
        f"/api/v1/{kind}s",
        create,
        methods=["POST"],
        summary=f"Make a {kind.words}",
        operation_id=f"create_{kind}",
        responses=answers(RecordOrderDocument, *refusals, HTTPStatus.CREATED),
    )
    for word, (body_type, permission) in {
        "edit": (EDITED[kind], "write"),
        "step": (Step, "write"),
        "link": (Link, "write"),
        "note": (Note, "report"),
    }.items():
        router.add_api_route(
            f"/api/v1/{kind}s/{{number}}/{word}",
            _endpoint(ports, kind, word, body_type, permission, waiting),  # type: ignore[arg-type]
            methods=["POST"],
            summary=f"{word.capitalize()} a {kind.words}",
            operation_id=f"{word}_{kind}",
            responses=answers(RecordOrderDocument, *refusals, HTTPStatus.PRECONDITION_FAILED),
        )


def _endpoint(
    ports: Ports, kind: Kind, word: str, body_type: type[Order], permission: Permission, waiting: anyio.CapacityLimiter
) -> Callable[..., Any]:
    def carry(number: str, caller: Caller, body: Any, if_match: str | None) -> Response:
        record = known_record(ports, kind, number)
        if isinstance(body, Step) and body.step in _MANAGED and kind is Kind.CHANGE:
            _need(caller, "manage")
        verb, fields = _asked(word, body)
        expects = expected_version(if_match, record.version)
        order = order_of(ports, kind, verb, caller, body, number=record.number, expects=expects, **fields)
        return carried_out(ports, order)

    async def give(
        number: Key, caller: Annotated[Caller, Depends(require(ports, permission))], body: Any, if_match: IfMatch = None
    ) -> Response:
        return await anyio.to_thread.run_sync(carry, number, caller, body, if_match, limiter=waiting)

    give.__annotations__["body"] = body_type
    return give


def _asked(word: str, body: Any) -> tuple[RecordVerb, dict[str, Any]]:
    if word == "edit":
        return RecordVerb.EDIT, {"given": body.given()}
    if word == "step":
        return RecordVerb.STEP, {"step": body.step, "text": body.text}
    if word == "note":
        return RecordVerb.NOTE, {"text": body.text}
    return (RecordVerb.UNLINK if body.remove else RecordVerb.LINK), {"to": body.to, "relation": body.relation}


def _status(body: Any) -> str:
    status = getattr(body, "status", "")
    return "" if status == "planned" else status


def _need(caller: Caller, permission: Permission) -> None:
    if permission not in caller.permissions:
        raise lacking(caller, permission)


def order_of(ports: Ports, kind: Kind, verb: RecordVerb, caller: Caller, body: Order, **fields: Any) -> RecordOrder:
    """What the daemon is asked, in the name of whoever asks."""
    actor = caller.name if caller.is_known else body.actor or caller.name
    return RecordOrder(id=uuid.uuid4().hex, at=ports.clock.now(), actor=actor, kind=kind, verb=verb, **fields)


def carried_out(ports: Ports, order: RecordOrder) -> Response:
    """Wait for the decision and say what came of it; a 409 or, where the asker had seen an older version, a 412."""
    try:
        reply = ports.order(order)
    except TimeoutError:
        known = f"{order.kind.series}-{order.number}" if order.number else None
        message = "stored, but not decided on yet; it will be done as soon as it can"
        late = RecordOrderDocument(
            command=order.id, record=known, done=None, message=message, status=None, version=None
        )
        return json_response(late, HTTPStatus.ACCEPTED)
    if not reply.done:
        raise HttpProblem(HTTPStatus.PRECONDITION_FAILED if reply.stale else HTTPStatus.CONFLICT, reply.message)
    key = reply.subject or f"{order.kind.series}-{order.number}"
    record = ports.store.record(order.kind, parse_key(key)[1])
    done = RecordOrderDocument(
        command=order.id,
        record=key,
        done=True,
        message=reply.message,
        status=None if record is None else str(record.status),
        version=None if record is None else record.version,
    )
    is_new = order.verb is RecordVerb.CREATE
    headers = {"Location": f"/api/v1/{order.kind}s/{key}"} if is_new else {}
    return json_response(done, HTTPStatus.CREATED if is_new else HTTPStatus.OK, headers)


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


def _detail(ports: Ports, record: Record) -> RecordDocument:
    document = msgspec.structs.asdict(record_document(record))
    document["timeline"] = tuple(map(entry_document, ports.store.timeline_of_record(record.key)))
    if isinstance(record, Change):
        others = changes_around(ports, record)
        incidents = ports.store.incidents(Search(statuses=ACTIVE), limit=_MOST_INCIDENTS)
        document["risk"] = risk_document(risk_of(ports.estate(), record, incidents, others))
        document["notices"] = tuple(map(notice_document, ports.store.notices_of(record)))
        document["overlapping"] = tuple(c.key for c in overlapping(record, others))
    shown: RecordDocument = _DETAILS[record.kind](**document)
    return shown


def changes_around(ports: Ports, change: Change) -> list[Record]:
    """Changes that are planned for about the same time."""
    return ports.store.records(RecordSearch(kind=Kind.CHANGE, since=change.starts_at, until=change.ends_at))
