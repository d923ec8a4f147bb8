"""Service requests, problems and changes: read, made, changed, linked; each order is decided by the daemon."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from http import HTTPStatus
from typing import Annotated, Any

import anyio
import msgspec
from fastapi import APIRouter, Depends, Path, Query, Request, Response

from daemon.api.access import Caller, require
from daemon.api.documents import json_response, notice_document
from daemon.api.etags import UNCHANGED, IfMatch, IfNoneMatch, expected_version, tagged
from daemon.api.incidents import Filter, utc_of
from daemon.api.openapi import answers
from daemon.api.paging import Limit, Offset, page_of, page_response
from daemon.api.ports import Ports
from daemon.api.record_answers import (
    ChangeDetail,
    ChangeList,
    ProblemDetail,
    ProblemList,
    RecordDetail,
    RecordList,
    RecordOrderDocument,
)
from daemon.api.record_bodies import NEW
from daemon.api.record_orders import NEEDED, body_type, creation, known_record, needed_to_make, order_about, outcome_of
from daemon.store.rows import NoticeRow, RecordSearch, Search
from rules.change_risk import Risk, overlapping, risk_of
from rules.decision import RecordOrder, RecordVerb
from rules.incident import ACTIVE
from rules.record import Change, Kind, Record
from rules.record_document import RecordDocument, entry_document, record_document, risk_document
from rules.record_lifecycles import STATES

# Orders wait for a decision; more of them at once would only hold threads that others need.
_WAITING_ORDERS = 8
_MOST_INCIDENTS = 10_000

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
        group: Annotated[list[Filter] | None, Query(description="Any of these groups has it.")] = None,
        ci: Annotated[list[Filter] | None, Query(description="Any of these CIs is concerned.")] = None,
        service: Annotated[list[Filter] | None, Query(description="Any of these services is concerned.")] = None,
        text: Annotated[str, Query(max_length=200, description="Words, all of which must occur.")] = "",
        since: Annotated[datetime | None, Query(description="A change that ends then or later.")] = None,
        until: Annotated[datetime | None, Query(description="A change that begins before.")] = None,
        limit: Limit = 50,
        offset: Offset = 0,
    ) -> Response:
        begin, end = utc_of("since", since), utc_of("until", until)
        search = RecordSearch(
            kind=kind,
            statuses=status or (),
            groups=group or (),
            cis=ci or (),
            services=service or (),
            text=text,
            since=begin,
            until=end,
        )
        found = ports.store.records(search, limit=limit + 1, offset=offset)
        page, after = page_of(request, found, limit, offset)
        shown = {f"{kind}s": tuple(map(record_document, page))}
        return page_response(_LISTS[kind](**shown, next_offset=after.offset, next=after.address))

    # The states are those of the kind at hand.
    states: Any = STATES[kind]
    list_.__annotations__["status"] = Annotated[list[states] | None, Query(description="Any of these.")]
    return list_


def _add_orders(router: APIRouter, ports: Ports, kind: Kind, waiting: anyio.CapacityLimiter) -> None:
    refusals = HTTPStatus.ACCEPTED, HTTPStatus.CONFLICT

    def make(caller: Caller, body: Any) -> Response:
        return carried_out(ports, creation(ports, kind, caller, body))

    making = Depends(require(ports, needed_to_make(kind)))

    async def create(caller: Annotated[Caller, making], body: Any) -> Response:
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
    for word in NEEDED:
        router.add_api_route(
            f"/api/v1/{kind}s/{{number}}/{word}",
            _endpoint(ports, kind, word, waiting),
            methods=["POST"],
            summary=f"{word.capitalize()} a {kind.words}",
            operation_id=f"{word}_{kind}",
            responses=answers(RecordOrderDocument, *refusals, HTTPStatus.PRECONDITION_FAILED),
        )


def _endpoint(ports: Ports, kind: Kind, word: str, waiting: anyio.CapacityLimiter) -> Callable[..., Any]:
    def carry(number: str, caller: Caller, body: Any, if_match: str | None) -> Response:
        record = known_record(ports, kind, number)
        expects = expected_version(if_match, record.version)
        return carried_out(ports, order_about(ports, record, word, caller, body, expects))

    allowed = Depends(require(ports, NEEDED[word]))

    async def give(number: Key, caller: Annotated[Caller, allowed], body: Any, if_match: IfMatch = None) -> Response:
        return await anyio.to_thread.run_sync(carry, number, caller, body, if_match, limiter=waiting)

    give.__annotations__["body"] = body_type(kind, word)
    return give


def carried_out(ports: Ports, order: RecordOrder) -> Response:
    """Wait for the decision and answer with what came of it; a 409 or, where the asker had seen an older version, a
    412."""
    done = outcome_of(ports, order)
    if done.done is None:
        return json_response(done, HTTPStatus.ACCEPTED)
    is_new = order.verb is RecordVerb.CREATE
    headers = {"Location": f"/api/v1/{order.kind}s/{done.record}"} if is_new else {}
    return json_response(done, HTTPStatus.CREATED if is_new else HTTPStatus.OK, headers)


def _detail(ports: Ports, record: Record) -> RecordDocument:
    document = msgspec.structs.asdict(record_document(record))
    document["timeline"] = tuple(map(entry_document, ports.store.timeline_of_record(record.key)))
    if isinstance(record, Change):
        outlook = outlook_of(ports, record)
        document["risk"] = risk_document(outlook.risk)
        document["notices"] = tuple(map(notice_document, outlook.notices))
        document["overlapping"] = tuple(c.key for c in outlook.overlapping)
    shown: RecordDocument = _DETAILS[record.kind](**document)
    return shown


@dataclass(frozen=True, slots=True, kw_only=True)
class Outlook:
    """What a change would do now, which others are under way at its time, and its notices, newest first."""

    risk: Risk
    overlapping: tuple[Change, ...]
    notices: tuple[NoticeRow, ...]


def outlook_of(ports: Ports, change: Change) -> Outlook:
    """Worked out anew from the CMDB, what is down, and the changes planned for about the same time."""
    others = ports.store.records(RecordSearch(kind=Kind.CHANGE, since=change.starts_at, until=change.ends_at))
    incidents = ports.store.incidents(Search(statuses=ACTIVE), limit=_MOST_INCIDENTS)
    return Outlook(
        risk=risk_of(ports.estate(), change, incidents, others),
        overlapping=tuple(overlapping(change, others)),
        notices=tuple(ports.store.notices_of(change)),
    )
