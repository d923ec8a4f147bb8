"""Alerts that opened nothing, each with its reason, and alerts that no CI is known for: nothing is swallowed unseen."""

from typing import Annotated

from fastapi import APIRouter, Depends, Request, Response

from daemon.api.access import Caller
from daemon.api.ports import Ports
from daemon.console.forms import plain_address
from daemon.console.incident_shown import alert_rows
from daemon.console.pages import Pages
from daemon.console.visitor import visit

MOST = 200


def events_routes(ports: Ports, pages: Pages) -> APIRouter:
    """/events."""
    router = APIRouter(include_in_schema=False)

    @router.get("/events")
    def events(request: Request, caller: Annotated[Caller, Depends(visit(ports))]) -> Response:
        found, unmapped = ports.store.events(MOST + 1), ports.store.unmapped(MOST + 1)
        return pages.page(
            request,
            caller,
            "events.html",
            events=alert_rows(found, MOST),
            unmapped=alert_rows(unmapped, MOST),
            has_more=max(len(found), len(unmapped)) > MOST,
            most=MOST,
            live_address=plain_address(request, "/events"),
        )

    return router
