"""Problems that should be made of what recurs: shown, and made by one order."""

from http import HTTPStatus
from typing import Annotated

import anyio
import msgspec
from fastapi import APIRouter, Depends, Response

from daemon.api.access import Caller, require
from daemon.api.documents import json_response
from daemon.api.openapi import answers
from daemon.api.orders import Order, Word
from daemon.api.ports import Ports
from daemon.api.problems import Problem as HttpProblem
from daemon.api.record_answers import RecordOrderDocument
from daemon.api.record_orders import order_of
from daemon.api.records import carried_out
from rules.decision import RecordOrder, RecordVerb
from rules.record import Kind
from rules.record_document import SuggestionDocument, suggestion_document
from rules.recurrence import given_of

_AT_ONCE = 2


class SuggestionList(msgspec.Struct, frozen=True, kw_only=True):
    """Problems that should be made, what recurs most often first."""

    suggestions: tuple[SuggestionDocument, ...]


class Accept(Order):
    """The CI of a suggestion."""

    ci: Word


def problem_routes(ports: Ports) -> APIRouter:
    """/api/v1/problems/suggestions and /api/v1/problems/accept."""
    router = APIRouter(tags=["records"])
    working = anyio.CapacityLimiter(_AT_ONCE)

    @router.get(
        "/api/v1/problems/suggestions",
        summary="Problems that should be made of what recurs",
        responses=answers(SuggestionList),
        dependencies=[Depends(require(ports, "read"))],
    )
    def suggestions() -> Response:
        found = ports.store.suggestions(ports.policy().suggest, ports.clock.now())
        return json_response(SuggestionList(suggestions=tuple(map(suggestion_document, found))))

    @router.post(
        "/api/v1/problems/accept",
        summary="Make the problem that is suggested for a CI",
        responses=answers(RecordOrderDocument, HTTPStatus.CREATED, HTTPStatus.ACCEPTED, HTTPStatus.CONFLICT),
    )
    async def accept(body: Accept, caller: Annotated[Caller, Depends(require(ports, "write"))]) -> Response:
        return await anyio.to_thread.run_sync(_accept, ports, body, caller, limiter=working)

    return router


def _accept(ports: Ports, body: Accept, caller: Caller) -> Response:
    return carried_out(ports, acceptance(ports, body, caller))


def acceptance(ports: Ports, body: Accept, caller: Caller, order_id: str = "") -> RecordOrder:
    """The order that makes the problem which is suggested for a CI; a 404 where none is."""
    ci = ports.estate().find(body.ci) or body.ci
    found = ports.store.suggestions(ports.policy().suggest, ports.clock.now(), ci)
    if not found:
        raise HttpProblem(HTTPStatus.NOT_FOUND, f"no problem is suggested for {body.ci}")
    fields = {"given": given_of(found[0]), "incidents": found[0].incidents}
    return order_of(ports, Kind.PROBLEM, RecordVerb.CREATE, caller, body, order_id, **fields)
