"""The board: what is open now, the worst first. Its filters live in the address: a view can be kept and sent."""

import re
from dataclasses import dataclass
from datetime import datetime
from http import HTTPStatus
from typing import Annotated
from urllib.parse import urlencode

from fastapi import APIRouter, Depends, Query, Request, Response
from fastapi.responses import RedirectResponse

from daemon.api.access import Caller
from daemon.api.bulk import MOST as MOST_BULK
from daemon.api.ports import Ports
from daemon.api.sight import may_see, within
from daemon.console.forms import done_of, plain_address
from daemon.console.pages import Pages
from daemon.console.visitor import visit
from daemon.store.rows import Search
from rules.clock import Clock
from rules.incident import ACTIVE, Incident, Priority, Status, incident_number

MOST = 500
"""So many incidents one board shows; filters lead to the rest."""
_KEY = re.compile(r"INC-[0-9]{1,9}", re.IGNORECASE | re.ASCII)
_STATES = ("open", "acknowledged", "in_progress", "on_hold", "resolved", "closed")
Words = Annotated[list[Annotated[str, Query(max_length=200)]], Query(max_length=50)]


@dataclass(frozen=True, slots=True, kw_only=True)
class Filters:
    """What the board is asked to show; nothing chosen is everything that is open."""

    priority: tuple[str, ...] = ()
    status: tuple[str, ...] = ()
    group: tuple[str, ...] = ()
    service: tuple[str, ...] = ()
    ci: tuple[str, ...] = ()
    text: str = ""

    def search(self) -> Search:
        """The same for the store, the worst first."""
        statuses = [s for s in self.status if s in _STATES] or [str(s) for s in ACTIVE]
        return Search(
            statuses=statuses,
            priorities=[p for p in self.priority if p in list(Priority)],
            groups=self.group,
            services=self.service,
            cis=self.ci,
            text=self.text,
            sort="priority",
        )

    def address(self, **changed: str) -> str:
        """The board with one value put in, or taken out where it was in."""
        chosen = {name: list(getattr(self, name)) for name in ("priority", "status", "group", "service", "ci")}
        for name, value in changed.items():
            values = chosen[name]
            values.remove(value) if value in values else values.append(value)
        pairs = [(name, value) for name, values in chosen.items() for value in values]
        query = urlencode([*pairs, *([("text", self.text)] if self.text else [])])
        return f"/?{query}" if query else "/"


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One line of the board."""

    incident: Incident
    due: Clock | None
    is_late: bool


def board_routes(ports: Ports, pages: Pages) -> APIRouter:
    """The first page."""
    router = APIRouter(include_in_schema=False)
    reading = Depends(visit(ports, by_service=True))

    @router.get("/")
    def board(
        request: Request,
        caller: Annotated[Caller, reading],
        priority: Words = [],  # noqa: B006  FastAPI copies defaults
        status: Words = [],  # noqa: B006
        group: Words = [],  # noqa: B006
        service: Words = [],  # noqa: B006
        ci: Words = [],  # noqa: B006
        text: Annotated[str, Query(max_length=200)] = "",
    ) -> Response:
        if (named := _incident_named(ports, caller, text)) is not None:
            return RedirectResponse(f"/incidents/{named}", HTTPStatus.SEE_OTHER)
        filters = Filters(
            priority=tuple(priority),
            status=tuple(status),
            group=tuple(group),
            service=tuple(service),
            ci=tuple(ci),
            text=text.strip(),
        )
        found = ports.store.incidents(within(caller, filters.search()), limit=MOST + 1)
        now = ports.clock.now()
        return pages.page(
            request,
            caller,
            "board.html",
            filters=filters,
            rows=[_row(incident, now) for incident in found[:MOST]],
            has_more=len(found) > MOST,
            priorities=list(Priority),
            states=_STATES,
            counts=_counts(found[:MOST]),
            may_work="write" in caller.permissions,
            done=done_of(ports, request),
            live_address=plain_address(request, "/"),
            most_bulk=MOST_BULK,
        )

    return router


def _incident_named(ports: Ports, caller: Caller, text: str) -> str | None:
    """The key of the incident that was typed into the search, where there is one that the caller may see."""
    found = ports.store.incident(incident_number(text)) if _KEY.fullmatch(text.strip()) else None
    return None if found is None or not may_see(ports, caller, found) else found.key


def _row(incident: Incident, now: datetime) -> Row:
    due = incident.due
    return Row(incident=incident, due=due, is_late=due is not None and due.due_at is not None and due.due_at < now)


def _counts(found: list[Incident]) -> dict[str, int]:
    """How many of each priority, and how many nobody has taken."""
    counts = {str(p): sum(i.priority is p for i in found) for p in Priority}
    return {**counts, "untaken": sum(i.status is Status.OPEN for i in found)}
