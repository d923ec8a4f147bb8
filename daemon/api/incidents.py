"""Incidents, events and sources to read."""

import re
from collections.abc import Collection
from http import HTTPStatus
from typing import Annotated, Literal

import msgspec
from fastapi import APIRouter, Depends, Path, Query, Response

from daemon.api.access import require
from daemon.api.documents import (
    EventList,
    IncidentDetail,
    IncidentList,
    SourceList,
    json_response,
    notice_document,
    source_document,
    timeline_document,
)
from daemon.api.openapi import answers
from daemon.api.ports import Ports
from daemon.api.problems import Problem
from rules.document import event_document, incident_document
from rules.incident import ACTIVE, Incident, Priority, Status, incident_number

MAX_PAGE = 200
MAX_OFFSET = 10_000_000
_NUMBER = re.compile(r"(?:INC-)?\d{1,9}", re.IGNORECASE | re.ASCII)
_MAX_NOTICES = 1000

Number = Annotated[str, Path(description="`INC-42` or `42`.", max_length=32)]
StatusWord = Literal["open", "acknowledged", "in_progress", "on_hold", "resolved", "closed", "merged"]


def known_incident(ports: Ports, key: str) -> Incident:
    """The incident of that number as people write it; 404 where there is none."""
    found = ports.store.incident(incident_number(key)) if _NUMBER.fullmatch(key) else None
    if found is None:
        raise Problem(HTTPStatus.NOT_FOUND, f"there is no incident {key}")
    return found


def reading_routes(ports: Ports) -> APIRouter:
    """What came of the alerts."""
    router = APIRouter(dependencies=[Depends(require(ports, "read"))], tags=["incidents"])

    @router.get("/api/v1/incidents", summary="Incidents, newest first", responses=answers(IncidentList))
    def list_incidents(
        status: Annotated[
            list[StatusWord] | None, Query(description="Any of these; `open` is every incident still worked on.")
        ] = None,
        priority: Annotated[list[Priority] | None, Query(description="Any of these.")] = None,
        limit: Annotated[int, Query(ge=1, le=MAX_PAGE)] = 50,
        offset: Annotated[int, Query(ge=0, le=MAX_OFFSET)] = 0,
        alerts: Annotated[bool, Query(description="Whether each comes with its alerts.")] = True,
    ) -> Response:
        found = ports.store.incidents(
            statuses=_statuses(status or ()), priorities=priority or (), limit=limit + 1, offset=offset
        )
        page = found[:limit]
        return json_response(
            IncidentList(
                incidents=tuple(incident_document(i, ports.store.alerts_of(i.number) if alerts else ()) for i in page),
                next_offset=offset + limit if len(found) > limit else None,
            )
        )

    @router.get("/api/v1/incidents/{number}", summary="One incident, whole", responses=answers(IncidentDetail))
    def show_incident(number: Number) -> Response:
        incident = known_incident(ports, number)
        document = incident_document(incident, ports.store.alerts_of(incident.number))
        return json_response(
            IncidentDetail(
                **msgspec.structs.asdict(document),
                timeline=tuple(map(timeline_document, ports.store.timeline(incident.number))),
                notices=tuple(map(notice_document, ports.store.notices(incident=incident.number, limit=_MAX_NOTICES))),
            )
        )

    @router.get("/api/v1/events", summary="Alerts that opened nothing", responses=answers(EventList))
    def list_events(limit: Annotated[int, Query(ge=1, le=1000)] = 200) -> Response:
        return json_response(EventList(events=tuple(map(event_document, ports.store.events(limit)))))

    @router.get("/api/v1/sources", summary="Sources of alerts", responses=answers(SourceList))
    def list_sources() -> Response:
        return json_response(SourceList(sources=tuple(map(source_document, ports.store.sources()))))

    return router


def _statuses(words: Collection[str]) -> frozenset[str]:
    """`open` means active: people who ask for open incidents want the acknowledged ones too."""
    chosen = {str(Status(word)) for word in words}
    return frozenset(chosen | {str(status) for status in ACTIVE} if "open" in chosen else chosen)
