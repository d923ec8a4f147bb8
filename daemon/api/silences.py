"""Silences by Alertmanager's API v2: amtool, Grafana and karma make, change and end them here."""

import uuid
from datetime import datetime
from http import HTTPStatus
from typing import Annotated

import anyio
import msgspec
from fastapi import APIRouter, Depends, Response

from daemon.api.access import Caller, require
from daemon.api.alertmanager import Body, Filters, filter_of
from daemon.api.documents import json_response
from daemon.api.openapi import answers, json_body
from daemon.api.orders import decided
from daemon.api.ports import Ports
from daemon.api.problems import Problem, wrong_field
from daemon.sources.push import decode_posted
from daemon.sources.texts import clean_text, parse_instant
from rules.decision import SilenceOrder
from rules.document import GettableSilence, MatcherDocument, silence_document
from rules.matchers import Matcher
from rules.silence import Silence, listed, wrong_with

# Orders wait for a decision; more of them at once would only hold threads that others need.
_WAITING_ORDERS = 8


class PostableSilence(msgspec.Struct, frozen=True, kw_only=True):
    """A silence to keep; with an `id` it changes that one."""

    matchers: list[MatcherDocument]
    startsAt: str  # noqa: N815
    endsAt: str  # noqa: N815
    createdBy: str  # noqa: N815
    comment: str
    id: str | None = None


class SilenceId(msgspec.Struct, frozen=True):
    """The silence that a request made or changed."""

    silenceID: str  # noqa: N815


def silence_routes(ports: Ports) -> APIRouter:
    """Everything under /api/v2/silence and /api/v2/silences."""
    router = APIRouter(tags=["silences"])
    waiting = anyio.CapacityLimiter(_WAITING_ORDERS)
    reading = [Depends(require(ports, "read"))]
    writing = Depends(require(ports, "write"))

    @router.get("/api/v2/silences", summary="Silences", responses=answers(list[GettableSilence]), dependencies=reading)
    def get_silences(filters: Filters = None) -> Response:
        return json_response(_listed(ports, filters or []))

    @router.post(
        "/api/v2/silences",
        summary="Make or change a silence",
        responses=answers(SilenceId, HTTPStatus.NOT_FOUND, HTTPStatus.CONFLICT),
        openapi_extra=json_body(PostableSilence, "What calls nobody, and until when."),
    )
    async def post_silence(body: Body, caller: Annotated[Caller, writing]) -> Response:
        return await anyio.to_thread.run_sync(_keep, ports, caller, body, limiter=waiting)

    @router.get(
        "/api/v2/silence/{silence_id}",
        summary="One silence",
        responses=answers(GettableSilence, HTTPStatus.NOT_FOUND),
        dependencies=reading,
    )
    def get_silence(silence_id: str) -> Response:
        return json_response(silence_document(_known(ports, silence_id), ports.clock.now()))

    @router.delete(
        "/api/v2/silence/{silence_id}",
        summary="End a silence",
        responses={200: {"description": "It is over."}},
        response_class=Response,
    )
    async def delete_silence(silence_id: str, caller: Annotated[Caller, writing]) -> Response:
        return await anyio.to_thread.run_sync(_end, ports, caller, silence_id, limiter=waiting)

    return router


def _listed(ports: Ports, filters: list[str]) -> list[GettableSilence]:
    """A filter looks at what the silences' own matchers ask for, as Alertmanager's does."""
    matches, now = filter_of(filters), ports.clock.now()
    found = listed(ports.store.silences(), now)
    return [silence_document(s, now) for s in found if matches({m.name: m.value for m in s.matchers})]


def _keep(ports: Ports, caller: Caller, body: bytes) -> Response:
    now = ports.clock.now()
    posted = decode_posted(body, PostableSilence)
    # A service may speak for its own users, a person for nobody else.
    by = posted.createdBy if caller.user is None else caller.user.name
    silence = _silence(posted, by, now)
    if wrong := wrong_with(silence, now):
        raise wrong_field(*wrong)
    if silence.id:
        _known(ports, silence.id)
    order = SilenceOrder(id=str(uuid.uuid4()), at=now, actor=caller.name, silence=silence)
    decided(ports, order)
    # One that is new, or takes the place of another, bears the order's id.
    made = ports.store.silence(order.id)
    return json_response(SilenceId(silenceID=silence.id if made is None else made.id))


def _end(ports: Ports, caller: Caller, silence_id: str) -> Response:
    silence = _known(ports, silence_id)
    decided(ports, SilenceOrder(id=str(uuid.uuid4()), at=ports.clock.now(), actor=caller.name, ends=silence.id))
    return Response(status_code=HTTPStatus.OK)


def _known(ports: Ports, silence_id: str) -> Silence:
    found = ports.store.silence(silence_id)
    if found is None or not found.is_kept_at(ports.clock.now()):
        raise Problem(HTTPStatus.NOT_FOUND, "there is no silence of that id")
    return found


def _silence(posted: PostableSilence, created_by: str, now: datetime) -> Silence:
    """The posted values; a start that is not given, or is Go's zero time, is now."""
    ends_at = _instant(posted.endsAt, "endsAt")
    if ends_at is None:
        raise wrong_field("endsAt", "is missing")
    matchers = (
        Matcher(name=clean_text(m.name), value=clean_text(m.value), is_regex=m.isRegex, is_equal=m.isEqual)
        for m in posted.matchers
    )
    return Silence(
        id=posted.id or "",
        matchers=tuple(matchers),
        starts_at=_instant(posted.startsAt, "startsAt") or now,
        ends_at=ends_at,
        updated_at=now,
        created_by=clean_text(created_by),
        comment=clean_text(posted.comment),
    )


def _instant(text: str, field: str) -> datetime | None:
    try:
        return parse_instant(text)
    except ValueError as error:
        raise wrong_field(field, str(error)) from None
