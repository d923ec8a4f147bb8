"""Registering incidents by hand, their history and the draft of their review."""

import uuid
from http import HTTPStatus
from typing import Annotated, Literal

import anyio
import msgspec
from fastapi import APIRouter, Depends, Query, Response
from pydantic import AwareDatetime, BaseModel, ConfigDict, Field

from daemon.api.access import Caller, lacking, limited, require
from daemon.api.documents import TimelineDocument, json_response, timeline_document
from daemon.api.incidents import Number, known_incident, utc_of
from daemon.api.openapi import answers
from daemon.api.orders import Order, actor_of
from daemon.api.ports import Ports
from daemon.api.problems import Problem, wrong_field
from rules.decision import ReportOrder
from rules.incident import Incident, incident_key
from rules.near import unknown_ci
from rules.record_shapes import ReviewDocument
from rules.report import (
    DISRUPTIONS,
    MAX_FINDINGS,
    MAX_TEXT,
    MAX_TITLE,
    MAX_WORD,
    Channel,
    Contact,
    Finding,
    Report,
    ReportSource,
    wrong_contact,
)
from rules.review import review_of

# Orders wait for a decision; more of them at once would only hold threads that others need.
_WAITING = 8

Short = Annotated[str, Field(max_length=MAX_WORD)]


class ContactBody(BaseModel):
    """Whom to turn to, and how to reach them."""

    model_config = ConfigDict(extra="forbid", str_strip_whitespace=True)
    name: Short = ""
    organisation: Short = ""
    mail: Annotated[str, Field(max_length=254, description="As in anna@example.net.")] = ""
    phone: Annotated[str, Field(max_length=40, description="3 to 15 digits, as in +49 30 1234-567.")] = ""


class FindingBody(BaseModel):
    """One structured fact beside the text."""

    model_config = ConfigDict(extra="forbid", str_strip_whitespace=True)
    name: Annotated[str, Field(min_length=1, max_length=40, description="Of a-z, 0-9, blanks, _ and -.")]
    value: Annotated[str, Field(min_length=1, max_length=MAX_TEXT)]


class NewIncident(Order):
    """What is reported. A title is needed, or a template that makes one. To give a `priority` needs `manage`."""

    title: Annotated[str, Field(max_length=MAX_TITLE)] = ""
    description: Annotated[str, Field(max_length=MAX_TEXT)] = ""
    category: Short = ""
    ci: Annotated[str, Field(max_length=MAX_WORD, description="The CI that is affected: its id or an alias.")] = ""
    service: Annotated[str, Field(max_length=MAX_WORD, description="The business service that is affected.")] = ""
    template: Short = ""
    group: Short = ""
    priority: Literal["", "P1", "P2", "P3", "P4", "P5"] = ""
    disruption: Literal["down", "degraded", "at risk"] = "degraded"
    source: Literal["person", "event", "group"] = "person"
    channel: Literal["phone", "mail", "chat", "portal", "api", "monitoring"] = "api"
    contact: ContactBody = Field(default_factory=ContactBody)
    observed_at: Annotated[AwareDatetime | None, Field(description="When the reporter noticed it.")] = None
    detected_at: Annotated[AwareDatetime | None, Field(description="When a tool did.")] = None
    signs: Annotated[list[FindingBody], Field(max_length=MAX_FINDINGS)] = Field(default_factory=list)


class OpenedDocument(msgspec.Struct, frozen=True, kw_only=True):
    """What became of a report: the incident's number is null where it is stored but was not decided on in time."""

    command: str
    incident: str | None
    done: bool | None
    message: str


class TimelineList(msgspec.Struct, frozen=True, kw_only=True):
    """The whole history of one incident, as it was written."""

    incident: str
    timeline: tuple[TimelineDocument, ...]


def report_routes(ports: Ports) -> APIRouter:
    """POST /api/v1/incidents, and what tells of one incident's past."""
    router = APIRouter(tags=["incidents"])
    waiting = anyio.CapacityLimiter(_WAITING)
    reporting = Depends(require(ports, "report", by_service=True))
    reading = Depends(require(ports, "read", by_service=True))

    @router.post(
        "/api/v1/incidents",
        summary="Register an incident by hand",
        status_code=HTTPStatus.CREATED,
        responses=_registered(),
    )
    async def register(body: NewIncident, caller: Annotated[Caller, reporting]) -> Response:
        return await anyio.to_thread.run_sync(_register, ports, caller, body, limiter=waiting)

    @router.get(
        "/api/v1/incidents/{number}/timeline",
        summary="The history of an incident",
        responses=answers(TimelineList),
    )
    def timeline(number: Number, caller: Annotated[Caller, reading]) -> Response:
        incident = known_incident(ports, number, caller)
        entries = tuple(map(timeline_document, ports.store.timeline(incident.number)))
        return json_response(TimelineList(incident=incident.key, timeline=entries))

    @router.get(
        "/api/v1/incidents/{number}/review",
        summary="A draft of the review of an incident",
        responses=answers(ReviewDocument),
    )
    def review(
        number: Number,
        caller: Annotated[Caller, reading],
        form: Annotated[Literal["json", "text"], Query(description="`text` gives the prose alone.")] = "json",
    ) -> Response:
        found = _review(ports, known_incident(ports, number, caller))
        if form == "text":
            return Response(found.text, media_type="text/plain; charset=utf-8")
        return json_response(found)

    return router


def _registered() -> dict[int | str, dict[str, object]]:
    named = answers(OpenedDocument, HTTPStatus.CREATED, HTTPStatus.ACCEPTED, HTTPStatus.CONFLICT)
    del named[200]
    return named


def _review(ports: Ports, incident: Incident) -> ReviewDocument:
    store = ports.store
    return review_of(
        incident,
        store.timeline(incident.number),
        store.alerts_of(incident.number),
        store.ratings.of_incident(incident.number),
        ports.clock.now(),
    )


def _register(ports: Ports, caller: Caller, body: NewIncident) -> Response:
    opened = registered(ports, caller, body)
    if opened.done is None:
        return json_response(opened, HTTPStatus.ACCEPTED)
    headers = {} if opened.incident is None else {"Location": f"/api/v1/incidents/{opened.incident}"}
    return json_response(opened, HTTPStatus.CREATED, headers)


def registered(ports: Ports, caller: Caller, body: NewIncident, order_id: str = "") -> OpenedDocument:
    """Have an incident opened, and wait for the decision; a 400 or 403 where it makes no sense or is not theirs to
    give, a 409 where it is refused."""
    if body.priority and "manage" not in caller.permissions:
        raise lacking(caller, "manage")
    order = ReportOrder(
        id=order_id or uuid.uuid4().hex,
        at=ports.clock.now(),
        actor=actor_of(caller, body),
        report=_report(ports, caller, body),
    )
    try:
        reply = ports.order(order)
    except TimeoutError:
        message = "stored, but not decided on yet; it will be opened as soon as it can"
        return OpenedDocument(command=order.id, incident=None, done=None, message=message)
    if not reply.done:
        raise Problem(HTTPStatus.CONFLICT, reply.message)
    key = None if reply.incident is None else incident_key(reply.incident)
    return OpenedDocument(command=order.id, incident=key, done=True, message=reply.message)


def _report(ports: Ports, caller: Caller, body: NewIncident) -> Report:
    """What is reported, as far as it can be checked before the decision; a 400 names the field."""
    contact = Contact(**body.contact.model_dump())
    if wrong := wrong_contact(contact):
        raise wrong_field(*wrong)
    if caller.services and (body.ci or not {body.service} <= caller.services | {""}):
        raise limited(caller)
    estate = ports.estate()
    for field in ("ci", "service"):
        name = getattr(body, field)
        if name and estate.find(name) is None:
            raise wrong_field(field, unknown_ci(estate, name))
    return Report(
        title=body.title,
        description=body.description,
        category=body.category,
        ci=body.ci,
        service=body.service,
        template=body.template,
        group=body.group,
        priority=body.priority,
        disruption=DISRUPTIONS[body.disruption],
        source=ReportSource(body.source),
        channel=Channel(body.channel),
        contact=contact,
        observed_at=utc_of("observed_at", body.observed_at),
        detected_at=utc_of("detected_at", body.detected_at),
        signs=tuple(Finding(name=s.name, value=s.value) for s in body.signs),
    )
