"""Who is on call, by /api/v1/oncall: to read, to change, as a calendar, and checked ahead."""

import uuid
from datetime import datetime, timedelta
from http import HTTPStatus
from typing import Annotated

import anyio
from fastapi import APIRouter, Depends, Query, Response
from pydantic import AwareDatetime, BaseModel, ConfigDict, Field

from daemon.api.access import Caller, require
from daemon.api.alertmanager import Body
from daemon.api.documents import json_response
from daemon.api.openapi import answers
from daemon.api.orders import Prose, Word, decided
from daemon.api.ports import Ports
from daemon.api.problems import Problem, wrong_field
from daemon.calendar_file import HORIZON, read_calendar, write_calendar
from daemon.occurrences import BadCalendar
from rules.decision import OverrideOrder
from rules.imported_shifts import shifts_of
from rules.oncall_document import (
    DutyList,
    FindingList,
    OverrideDocument,
    OverrideList,
    ShiftList,
    duty_list,
    finding_list,
    override_document,
    override_list,
    shift_list,
)
from rules.overrides import wrong_with
from rules.preflight import preflight
from rules.responders import known_overrides
from rules.rotation import Override, Schedule, Shift, shifts

MOST_DAYS = 400
_WAITING_ORDERS = 4
_CALENDAR = {"content": {"text/calendar": {"schema": {"type": "string"}}}}
Days = Annotated[int, Query(ge=1, le=MOST_DAYS, description="How far ahead.")]
At = Annotated[AwareDatetime | None, Query(description="RFC 3339 with a zone; now where it is left out.")]


class PostableOverride(BaseModel):
    """Who takes a schedule over, and for how long."""

    model_config = ConfigDict(extra="forbid", str_strip_whitespace=True)
    schedule: Word
    people: Annotated[list[Word], Field(min_length=1, max_length=20)]
    starts_at: AwareDatetime | None = None
    ends_at: AwareDatetime
    reason: Prose = ""


def oncall_routes(ports: Ports) -> APIRouter:
    """Everything under /api/v1/oncall."""
    router = APIRouter(tags=["on call"])
    _add_reading(router, ports)
    _add_writing(router, ports)
    return router


def _add_reading(router: APIRouter, ports: Ports) -> None:
    reading = [Depends(require(ports, "read"))]

    @router.get("/api/v1/oncall", summary="Who is on call", responses=answers(DutyList), dependencies=reading)
    def get_duties(at: At = None) -> Response:
        roster = ports.roster()
        return json_response(duty_list(roster, _overrides(ports), at or ports.clock.now()))

    @router.get(
        "/api/v1/oncall/schedules/{schedule}/shifts",
        summary="The shifts of a schedule",
        responses=answers(ShiftList, HTTPStatus.NOT_FOUND),
        dependencies=reading,
    )
    def get_shifts(schedule: str, begin: Annotated[At, Query(alias="from")] = None, days: Days = 14) -> Response:
        known = _known(ports, schedule)
        found = _shifts(ports, known, begin or ports.clock.now(), days)
        return json_response(shift_list(ports.roster(), known.name, found))

    @router.get(
        "/api/v1/oncall/schedules/{schedule}/calendar",
        summary="The shifts of a schedule as a calendar",
        responses={200: {"description": "iCalendar, RFC 5545.", **_CALENDAR}},
        response_class=Response,
        dependencies=reading,
    )
    def get_calendar(schedule: str, days: Days = 90) -> Response:
        known, now = _known(ports, schedule), ports.clock.now()
        made = write_calendar(ports.roster(), known.name, _shifts(ports, known, now, days), now)
        return Response(made, media_type="text/calendar")

    @router.get(
        "/api/v1/oncall/overrides",
        summary="Overrides in force or to come",
        responses=answers(OverrideList),
        dependencies=reading,
    )
    def get_overrides() -> Response:
        return json_response(override_list(ports.store.overrides(), ports.clock.now()))

    @router.get(
        "/api/v1/oncall/check", summary="What would go wrong", responses=answers(FindingList), dependencies=reading
    )
    def get_findings(days: Annotated[int, Query(ge=1, le=92, description="How far ahead.")] = 14) -> Response:
        now, ahead = ports.clock.now(), timedelta(days=days)
        found = preflight(ports.roster(), ports.store.overrides(), ports.estate(), now, ahead)
        return json_response(finding_list(found, now, now + ahead))


def _add_writing(router: APIRouter, ports: Ports) -> None:
    waiting = anyio.CapacityLimiter(_WAITING_ORDERS)
    writing = Depends(require(ports, "write"))

    @router.post(
        "/api/v1/oncall/overrides",
        summary="Put somebody over a schedule",
        responses=answers(OverrideDocument, HTTPStatus.CONFLICT),
    )
    async def post_override(body: PostableOverride, caller: Annotated[Caller, writing]) -> Response:
        return await anyio.to_thread.run_sync(_put, ports, caller, body, limiter=waiting)

    @router.delete(
        "/api/v1/oncall/overrides/{override_id}",
        summary="End an override",
        responses=answers(OverrideDocument, HTTPStatus.NOT_FOUND),
    )
    async def delete_override(override_id: str, caller: Annotated[Caller, writing]) -> Response:
        return await anyio.to_thread.run_sync(_end, ports, caller, override_id, limiter=waiting)

    @router.put(
        "/api/v1/oncall/schedules/{schedule}/calendar",
        summary="Take the shifts of a schedule from a calendar",
        responses=answers(OverrideList, HTTPStatus.NOT_FOUND, HTTPStatus.CONFLICT),
        openapi_extra={"requestBody": {"required": True, "description": "iCalendar, RFC 5545.", **_CALENDAR}},
    )
    async def put_calendar(
        schedule: str,
        body: Body,
        caller: Annotated[Caller, writing],
        skip_unknown: Annotated[bool, Query(description="Whether events that name nobody are left out.")] = False,
    ) -> Response:
        return await anyio.to_thread.run_sync(_import, ports, caller, schedule, body, skip_unknown, limiter=waiting)


def _known(ports: Ports, name: str) -> Schedule:
    found = ports.roster().schedules.get(name)
    if found is None:
        raise Problem(HTTPStatus.NOT_FOUND, "there is no schedule of that name")
    return found


def _overrides(ports: Ports) -> list[Override]:
    return known_overrides(ports.roster(), ports.store.overrides())


def _shifts(ports: Ports, schedule: Schedule, begin: datetime, days: int) -> list[Shift]:
    try:
        return shifts(schedule, _overrides(ports), begin, begin + timedelta(days=days))
    except OverflowError:
        raise wrong_field("from", "is too far away") from None


def _put(ports: Ports, caller: Caller, body: PostableOverride) -> Response:
    now, order_id = ports.clock.now(), str(uuid.uuid4())
    override = Override(
        id=order_id,
        schedule=body.schedule,
        people=tuple(dict.fromkeys(body.people)),
        starts_at=body.starts_at or now,
        ends_at=body.ends_at,
        made_by=caller.name,
        made_at=now,
        reason=body.reason,
    )
    if wrong := wrong_with(ports.roster(), override, now):
        raise Problem(HTTPStatus.BAD_REQUEST, wrong)
    order = OverrideOrder(id=order_id, at=now, actor=caller.name, schedule=body.schedule, shifts=(override,))
    decided(ports, order)
    return json_response(override_document(override))


def _end(ports: Ports, caller: Caller, override_id: str) -> Response:
    known = next((o for o in ports.store.overrides() if o.id == override_id), None)
    if known is None:
        raise Problem(HTTPStatus.NOT_FOUND, "there is no override of that id")
    now = ports.clock.now()
    order = OverrideOrder(id=str(uuid.uuid4()), at=now, actor=caller.name, schedule=known.schedule, ends=known.id)
    decided(ports, order)
    after = next((o for o in ports.store.overrides() if o.id == override_id), known)
    return json_response(override_document(after))


def _import(ports: Ports, caller: Caller, name: str, body: bytes, skip_unknown: bool) -> Response:
    schedule, now = _known(ports, name), ports.clock.now()
    try:
        events = read_calendar(body, schedule.zone, now, now + HORIZON)
    except BadCalendar as error:
        raise Problem(HTTPStatus.BAD_REQUEST, str(error)) from None
    found, unknown = shifts_of(ports.roster(), name, events, caller.name, now)
    if unknown and not skip_unknown:
        first = unknown[0]
        words = f"{len(unknown)} events name nobody known here, the first “{first.summary[:80]}” at {first.starts_at}"
        raise Problem(HTTPStatus.CONFLICT, f"{words}; allowed: names, ids and mail addresses, or skip_unknown=true")
    until = now + HORIZON
    order = OverrideOrder(id=str(uuid.uuid4()), at=now, actor=caller.name, schedule=name, shifts=found, until=until)
    decided(ports, order)
    return json_response(override_list(found, now))
