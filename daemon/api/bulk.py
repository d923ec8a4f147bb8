"""The same order about many incidents at once."""

from http import HTTPStatus
from typing import Annotated, Any, Literal

import anyio
from fastapi import APIRouter, Depends, Response
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from daemon.api.access import Caller, lacking, require
from daemon.api.documents import BulkDocument, BulkResult, json_response
from daemon.api.etags import expected_version
from daemon.api.incidents import key_of, known_incident
from daemon.api.openapi import answers
from daemon.api.orders import KINDS, Kind, Order, carried_out, command_of
from daemon.api.ports import Ports
from daemon.api.problems import FieldError, Problem, wrong_field

MOST = 100
"""As many as one page of a console's list holds; each of them is a decision of its own."""
_AT_ONCE = 2
_BY_WORD = {kind.word: kind for kind in KINDS}
Version = Annotated[int, Field(strict=True, ge=1, le=999_999_999_999)]

# fmt: off
Action = Literal[
    "acknowledge", "start", "hold", "resume", "assign", "note", "resolve", "close", "reopen", "merge", "split",
    "priority", "root", "route", "escalate", "snooze", "unsnooze", "set", "step", "duplicate", "child", "unlink",
    "convert", "watch", "unwatch",
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
    versions: Annotated[
        dict[Annotated[str, Field(max_length=32)], Annotated[str, Field(max_length=1000)] | Version],
        Field(
            max_length=MOST,
            description=(
                "The version of an incident that was read, by its number: its `ETag`, or its `version`. Where an "
                "incident was changed since, its order is refused with the code 412; one that is not named here is "
                "changed whatever its version."
            ),
            examples=[{"INC-1": 8, "INC-2": '"3-0123456789abcdef"'}],
        ),
    ] = {}


def bulk_routes(ports: Ports) -> APIRouter:
    """/api/v1/incidents/bulk. Everybody who may add a note may ask; the action needs what it needs by itself."""
    router = APIRouter(tags=["orders"])
    working = anyio.CapacityLimiter(_AT_ONCE)

    @router.post(
        "/api/v1/incidents/bulk",
        summary="The same action on many incidents, each with its own result",
        responses=answers(BulkDocument, HTTPStatus.FORBIDDEN),
    )
    async def act(
        bulk: Bulk, caller: Annotated[Caller, Depends(require(ports, "report", by_service=True))]
    ) -> Response:
        return await anyio.to_thread.run_sync(_act, ports, bulk, caller, limiter=working)

    return router


def _act(ports: Ports, bulk: Bulk, caller: Caller) -> Response:
    return json_response(BulkDocument(results=carried_out_on(ports, bulk, caller)))


def carried_out_on(ports: Ports, bulk: Bulk, caller: Caller) -> tuple[BulkResult, ...]:
    """What became of each; Problem where the caller may not do this at all, or nothing of it makes sense."""
    kind = _BY_WORD[bulk.action]
    if kind.permission not in caller.permissions:
        raise lacking(caller, kind.permission)
    body, expected = _body(kind, bulk.order), _expected(bulk)
    results: list[BulkResult] = []
    for number in dict.fromkeys(bulk.numbers):
        # Where one order got no decision in time none of the others will: they are not even given.
        is_stuck = any(result.done is None for result in results)
        expects = expected.get(key_of(number))
        results.append(_not_given(number) if is_stuck else _result(ports, kind, number, caller, body, expects))
    return tuple(results)


def _body(kind: Kind, order: dict[str, Any]) -> Order:
    try:
        return kind.body.model_validate(order)
    except ValidationError as error:
        # What was sent is not repeated: it may hold secrets.
        found = error.errors(include_url=False, include_context=False, include_input=False)
        errors = tuple(FieldError(".".join(map(str, ("order", *e["loc"]))), e["msg"]) for e in found)
        detail = "; ".join(f"{e.field}: {e.message}" for e in errors)
        raise Problem(HTTPStatus.BAD_REQUEST, detail, errors=errors) from None


def _expected(bulk: Bulk) -> dict[str, str]:
    """The entity tag that each order was given for, by the incident's key; 400 for one of no incident of these."""
    wanted = set(map(key_of, bulk.numbers))
    found = {}
    for number, tag in bulk.versions.items():
        place = f"versions.{number}"
        if key_of(number) not in wanted:
            raise wrong_field(place, "is not one of numbers")
        if key_of(number) in found:
            raise wrong_field(place, "names the same incident twice")
        text = f'"{tag}"' if isinstance(tag, int) else tag
        expected_version(text, 0, place)
        found[key_of(number)] = text
    return found


def _result(ports: Ports, kind: Kind, number: str, caller: Caller, body: Order, expects: str | None) -> BulkResult:
    try:
        incident = known_incident(ports, number, caller)
        version = expected_version(expects, incident.version)
        done = carried_out(ports, incident, command_of(ports, kind, incident, caller, body, version), caller)
    except Problem as problem:
        return BulkResult(incident=number, code=problem.status_code, done=False, message=str(problem.detail))
    code = HTTPStatus.ACCEPTED if done.done is None else HTTPStatus.OK
    return BulkResult(incident=done.incident, code=code, done=done.done, message=done.message)


def _not_given(number: str) -> BulkResult:
    message = "not tried, since the order before it got no decision in time"
    return BulkResult(incident=number, code=HTTPStatus.SERVICE_UNAVAILABLE, done=False, message=message)
