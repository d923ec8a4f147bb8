"""The same order about many incidents at once."""

from http import HTTPStatus
from typing import Annotated, Any, Literal

import anyio
from fastapi import APIRouter, Depends, Response
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from daemon.api.access import Caller, lacking, require
from daemon.api.documents import BulkDocument, BulkResult, json_response
from daemon.api.incidents import known_incident
from daemon.api.openapi import answers
from daemon.api.orders import KINDS, Kind, Order, carried_out, command_of
from daemon.api.ports import Ports
from daemon.api.problems import FieldError, Problem

MOST = 100
"""As many as one page of a console's list holds; each of them is a decision of its own."""
_AT_ONCE = 2
_BY_WORD = {kind.word: kind for kind in KINDS}

# fmt: off
Action = Literal[
    "acknowledge", "start", "hold", "resume", "assign", "note", "resolve", "close", "reopen", "merge", "split",
    "priority", "root", "route", "escalate", "snooze", "unsnooze", "set", "step", "duplicate", "child", "unlink",
    "convert",
]
# fmt: on


class Bulk(BaseModel):
    """One action for many incidents. `order` is what the action takes as its body for one of them."""

    model_config = ConfigDict(extra="forbid")
    action: Action
    numbers: Annotated[
        list[Annotated[str, Field(max_length=32)]],
        Field(min_length=1, max_length=MOST, description="As in `INC-42` or `42`."),
    ]
    order: dict[str, Any] = {}


def bulk_routes(ports: Ports) -> APIRouter:
    """/api/v1/incidents/bulk. Everybody who may add a note may ask; the action needs what it needs by itself."""
    router = APIRouter(tags=["orders"])
    working = anyio.CapacityLimiter(_AT_ONCE)

    @router.post(
        "/api/v1/incidents/bulk",
        summary="The same action on many incidents, each with its own result",
        responses=answers(BulkDocument, HTTPStatus.FORBIDDEN),
    )
    async def act(bulk: Bulk, caller: Annotated[Caller, Depends(require(ports, "report"))]) -> Response:
        return await anyio.to_thread.run_sync(_act, ports, bulk, caller, limiter=working)

    return router


def _act(ports: Ports, bulk: Bulk, caller: Caller) -> Response:
    kind = _BY_WORD[bulk.action]
    if kind.permission not in caller.permissions:
        raise lacking(caller, kind.permission)
    body = _body(kind, bulk.order)
    results: list[BulkResult] = []
    for number in dict.fromkeys(bulk.numbers):
        # Where one order got no decision in time none of the others will: they are not even given.
        is_stuck = any(result.done is None for result in results)
        results.append(_not_given(number) if is_stuck else _result(ports, kind, number, caller, body))
    return json_response(BulkDocument(results=tuple(results)))


def _body(kind: Kind, order: dict[str, Any]) -> Order:
    try:
        return kind.body.model_validate(order)
    except ValidationError as error:
        # What was sent is not repeated: it may hold secrets.
        found = error.errors(include_url=False, include_context=False, include_input=False)
        errors = tuple(FieldError(".".join(map(str, ("order", *e["loc"]))), e["msg"]) for e in found)
        detail = "; ".join(f"{e.field}: {e.message}" for e in errors)
        raise Problem(HTTPStatus.BAD_REQUEST, detail, errors=errors) from None


def _result(ports: Ports, kind: Kind, number: str, caller: Caller, body: Order) -> BulkResult:
    try:
        incident = known_incident(ports, number)
        done = carried_out(ports, incident, command_of(ports, kind, incident, caller, body))
    except Problem as problem:
        return BulkResult(incident=number, code=problem.status_code, done=False, message=str(problem.detail))
    code = HTTPStatus.ACCEPTED if done.done is None else HTTPStatus.OK
    return BulkResult(incident=done.incident, code=code, done=done.done, message=done.message)


def _not_given(number: str) -> BulkResult:
    message = "not tried, since the order before it got no decision in time"
    return BulkResult(incident=number, code=HTTPStatus.SERVICE_UNAVAILABLE, done=False, message=message)
