"""Incidents, events and sources to read."""

import re
from collections.abc import Collection
from datetime import UTC, datetime
from http import HTTPStatus
from typing import Annotated, Literal

import msgspec
from fastapi import APIRouter, Depends, Path, Query, Request, Response
from pydantic import StringConstraints

from daemon.api.access import Caller, require
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
from daemon.api.etags import UNCHANGED, IfNoneMatch, tagged
from daemon.api.openapi import answers
from daemon.api.paging import Limit, Offset, page_of, page_response
from daemon.api.ports import Ports
from daemon.api.problems import Problem, wrong_field
from daemon.api.sight import may_see, within
from daemon.store.rows import Search
from rules.document import event_document, incident_document
from rules.incident import ACTIVE, Incident, Priority, Status, incident_key, incident_number
from rules.record_document import SuggestionDocument, suggestion_document
from rules.satisfaction_document import contact_document, rating_document

_NUMBER = re.compile(r"(?:INC-)?\d{1,9}", re.IGNORECASE | re.ASCII)
_MAX_NOTICES = 1000

Number = Annotated[str, Path(description="`INC-42` or `42`.", max_length=32)]
Filter = Annotated[str, StringConstraints(max_length=256)]
SortWord = Literal[
    "number",
    "-number",
    "opened_at",
    "-opened_at",
    "updated_at",
    "-updated_at",
    "priority",
    "-priority",
    "status",
    "-status",
]
StatusWord = Literal["open", "acknowledged", "in_progress", "on_hold", "resolved", "closed", "merged", "converted"]


def known_incident(ports: Ports, key: str, caller: Caller) -> Incident:
    """The incident of that number as people write it; 404 where there is none that the caller may see."""
    found = ports.store.incident(incident_number(key)) if _NUMBER.fullmatch(key) else None
    if found is None or not may_see(ports, caller, found):
        raise Problem(HTTPStatus.NOT_FOUND, f"there is no incident {key}")
    return found


def key_of(key: str) -> str:
    """`INC-42` for `inc-42` or `42`; what is no incident's number stays as it is."""
    return incident_key(incident_number(key)) if _NUMBER.fullmatch(key) else key


class Wanted:
    """Which incidents a list is asked for, and in which order."""

    def __init__(
        self,
        status: Annotated[
            list[StatusWord] | None, Query(description="Any of these; `open` is every incident still worked on.")
        ] = None,
        priority: Annotated[list[Priority] | None, Query(description="Any of these.")] = None,
        group: Annotated[list[Filter] | None, Query(description="Any of these groups has it.")] = None,
        ci: Annotated[list[Filter] | None, Query(description="Any of these CIs is named as the root cause.")] = None,
        service: Annotated[list[Filter] | None, Query(description="Any of these business services is hit.")] = None,
        since: Annotated[datetime | None, Query(description="Opened then or later.")] = None,
        until: Annotated[datetime | None, Query(description="Opened before.")] = None,
        text: Annotated[
            str, Query(max_length=200, description="Words in title, group, assignee, resolution or root cause.")
        ] = "",
        sort: Annotated[SortWord, Query(description="A minus turns the order round.")] = "-number",
    ) -> None:
        self._search = Search(
            statuses=_statuses(status or ()),
            priorities=priority or (),
            groups=group or (),
            cis=ci or (),
            services=service or (),
            since=utc_of("since", since),
            until=utc_of("until", until),
            text=text,
            sort=sort,
        )

    def search(self) -> Search:
        """The same for the store."""
        return self._search


def utc_of(field: str, at: datetime | None) -> datetime | None:
    """In UTC; a 400 for a time without a zone, or one at the ends of the calendar that no zone can shift."""
    try:
        if at is not None and at.tzinfo is None:
            raise wrong_field(field, "has no time zone; allowed: as in 2026-11-24T08:00:00Z")
        return None if at is None else at.astimezone(UTC)
    except OverflowError:
        raise wrong_field(field, "is outside the calendar") from None


def reading_routes(ports: Ports) -> APIRouter:
    """What came of the alerts."""
    router = APIRouter(tags=["incidents"])
    seeing, everything = Depends(require(ports, "read", by_service=True)), [Depends(require(ports, "read"))]

    @router.get("/api/v1/incidents", summary="Incidents, newest first", responses=answers(IncidentList))
    def list_incidents(
        request: Request,
        wanted: Annotated[Wanted, Depends()],
        caller: Annotated[Caller, seeing],
        limit: Limit = 50,
        offset: Offset = 0,
        alerts: Annotated[bool, Query(description="Whether each comes with its alerts.")] = True,
    ) -> Response:
        found = ports.store.incidents(within(caller, wanted.search()), limit=limit + 1, offset=offset)
        page, after = page_of(request, found, limit, offset)
        shown = tuple(incident_document(i, ports.store.alerts_of(i.number) if alerts else ()) for i in page)
        return page_response(IncidentList(incidents=shown, next_offset=after.offset, next=after.address))

    @router.get(
        "/api/v1/incidents/{number}", summary="One incident, whole", responses={**answers(IncidentDetail), **UNCHANGED}
    )
    def show_incident(number: Number, caller: Annotated[Caller, seeing], if_none_match: IfNoneMatch = None) -> Response:
        incident = known_incident(ports, number, caller)
        return tagged(json_response(_detail(ports, incident)), incident.version, if_none_match)

    @router.get(
        "/api/v1/events",
        summary="Alerts that opened nothing",
        responses=answers(EventList),
        dependencies=everything,
    )
    def list_events(limit: Annotated[int, Query(ge=1, le=1000)] = 200) -> Response:
        return json_response(EventList(events=tuple(map(event_document, ports.store.events(limit)))))

    @router.get("/api/v1/sources", summary="Sources of alerts", responses=answers(SourceList), dependencies=everything)
    def list_sources() -> Response:
        return json_response(SourceList(sources=tuple(map(source_document, ports.store.sources()))))

    return router


def _detail(ports: Ports, incident: Incident) -> IncidentDetail:
    document = incident_document(incident, ports.store.alerts_of(incident.number))
    return IncidentDetail(
        **msgspec.structs.asdict(document),
        version=incident.version,
        problem_suggestion=_suggestion(ports, incident),
        timeline=tuple(map(timeline_document, ports.store.timeline(incident.number))),
        contact=contact_document(incident.contact),
        ratings=tuple(map(rating_document, ports.store.ratings.of_incident(incident.number))),
        notices=tuple(map(notice_document, ports.store.notices(incident=incident.number, limit=_MAX_NOTICES))),
    )


def _suggestion(ports: Ports, incident: Incident) -> SuggestionDocument | None:
    if incident.root.ci is None:
        return None
    found = ports.store.suggestions(ports.policy().suggest, ports.clock.now(), incident.root.ci)
    return next((suggestion_document(s) for s in found if incident.number in s.incidents), None)


def _statuses(words: Collection[str]) -> frozenset[str]:
    """`open` means active: people who ask for open incidents want the acknowledged ones too."""
    chosen = {str(Status(word)) for word in words}
    return frozenset(chosen | {str(status) for status in ACTIVE} if "open" in chosen else chosen)
