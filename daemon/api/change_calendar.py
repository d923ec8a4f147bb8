"""The feed of changes for people's calendars."""

from datetime import timedelta

from fastapi import APIRouter, Depends, Response

from daemon.api.access import require
from daemon.api.ports import Ports
from daemon.change_calendar import write_changes
from daemon.store.rows import RecordSearch
from rules.record import Change, Kind

PAST = timedelta(days=30)
"""So far back the feed goes: a calendar shows the month that was, the record has the rest."""
MOST = 1000
MEDIA_TYPE = "text/calendar"


def change_calendar_routes(ports: Ports) -> APIRouter:
    """/api/v1/changes.ics."""
    router = APIRouter(tags=["records"])

    @router.get(
        "/api/v1/changes.ics",
        summary="Changes as a calendar (iCalendar, RFC 5545)",
        responses={200: {"description": "Done.", "content": {MEDIA_TYPE: {"schema": {"type": "string"}}}}},
        response_class=Response,
        dependencies=[Depends(require(ports, "read"))],
    )
    def changes() -> Response:
        search = RecordSearch(kind=Kind.CHANGE, since=ports.clock.now() - PAST)
        found = [c for c in ports.store.records(search, limit=MOST) if isinstance(c, Change)]
        return Response(write_changes(found), media_type=MEDIA_TYPE)

    return router
