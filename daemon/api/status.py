"""How the business services are: as JSON and as feeds, for those who use them.

Off unless `http.status` says otherwise. What is read of the database is kept for a few seconds, since anybody may ask.
"""

import threading
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime, parsedate_to_datetime
from http import HTTPStatus
from typing import Annotated, Any
from urllib.parse import quote

from fastapi import APIRouter, Depends, Header, Path, Request, Response

from daemon.api.access import Caller, Guest, require
from daemon.api.documents import json_response
from daemon.api.etags import UNCHANGED, IfNoneMatch, tagged
from daemon.api.openapi import answers
from daemon.api.ports import Ports
from daemon.api.problems import Problem
from daemon.api.sight import seen_services
from daemon.feeds import ATOM_TYPE, RSS_TYPE, atom, rss
from daemon.store.rows import Search
from rules.incident import ACTIVE, Incident, Status
from rules.status_page import BACK, MOST_INCIDENTS, services_of, shown_services, status_document
from rules.status_shapes import StatusPageDocument

KEPT = timedelta(seconds=10)
_MOST_ACTIVE = 1000
_MOST_PAST = 10 * MOST_INCIDENTS
_MOST_KEPT = 1000
_OVER = frozenset({Status.RESOLVED, Status.CLOSED})

Service = Annotated[str, Path(description="The id of a business service.", max_length=256)]
IfModifiedSince = Annotated[
    str | None, Header(alias="If-Modified-Since", max_length=100, description="When it was read before.")
]


class ReadBefore:
    """What the asker has read before, by its tag or its time."""

    def __init__(self, known: IfNoneMatch = None, since: IfModifiedSince = None) -> None:
        self.known, self.since = known, since


def status_routes(ports: Ports) -> APIRouter:
    """/status.json and /status/{service}.json, .rss and .atom."""
    may = Guest(ports) if ports.widest_status == "public" else require(ports, "read", by_service=True)
    router = APIRouter(tags=["status"])
    reading = Depends(may)
    pages = StatusPages(ports)
    told = {**answers(StatusPageDocument, HTTPStatus.NOT_FOUND), **UNCHANGED}

    @router.get("/status.json", summary="How all business services are", responses=told)
    def show_all(
        request: Request,
        caller: Annotated[Caller | None, reading],
        read: Annotated[ReadBefore, Depends()],
    ) -> Response:
        document = pages.document(request, caller)
        return _conditional(json_response(document), document, read)

    @router.get("/status/{service}.json", summary="How a business service is", responses=told)
    def show(
        request: Request,
        service: Service,
        caller: Annotated[Caller | None, reading],
        read: Annotated[ReadBefore, Depends()],
    ) -> Response:
        document = pages.document(request, caller, service)
        return _conditional(json_response(document), document, read)

    for kind, media_type, write in (("rss", RSS_TYPE, rss), ("atom", ATOM_TYPE, atom)):
        router.add_api_route(
            f"/status/{{service}}.{kind}",
            _feed(pages, reading, kind, media_type, write),
            methods=["GET"],
            summary=f"The incidents of a business service ({kind.upper() if kind == 'rss' else 'Atom'})",
            operation_id=f"status_{kind}",
            responses={
                200: {"description": "Done.", "content": {media_type: {"schema": {"type": "string"}}}},
                **UNCHANGED,
            },
            response_class=Response,
        )
    return router


def _feed(
    pages: "StatusPages", reading: Any, kind: str, media_type: str, write: Callable[[StatusPageDocument, str], bytes]
) -> Callable[..., Any]:
    def feed(
        request: Request,
        service: Service,
        caller: Annotated[Caller | None, reading],
        read: Annotated[ReadBefore, Depends()],
    ) -> Response:
        document = pages.document(request, caller, service)
        address = f"{pages.base(request)}/status/{quote(service, safe='')}.{kind}"
        shown = Response(write(document, address), media_type=media_type)
        return _conditional(shown, document, read)

    return feed


class StatusPages:
    """The pages, made of what was read a moment ago at most."""

    def __init__(self, ports: Ports) -> None:
        self._ports = ports
        self._since = ports.clock.now()
        self._lock = threading.Lock()
        self._read: dict[str, tuple[datetime, list[Incident]]] = {}

    def base(self, request: Request) -> str:
        """Where this server is found, without a slash at the end."""
        return self._ports.public_url or str(request.base_url).rstrip("/")

    def document(self, request: Request, caller: Caller | None, service: str = "") -> StatusPageDocument:
        """The page of one service, or of all that the caller may see; 404 where there is none."""
        if self._ports.widest_status == "off":
            raise Problem(HTTPStatus.NOT_FOUND, "there is no status page; http.status says whether there is one")
        names = self.names(caller)
        if service and service not in names:
            raise Problem(HTTPStatus.NOT_FOUND, f"there is no business service {service}")
        title = names[service] if service else "Services"
        path = f"/status/{quote(service, safe='')}.json" if service else "/status.json"
        return status_document(
            {service: title} if service else names,
            self._incidents(service),
            title=title,
            url=f"{self.base(request)}{path}",
            page=service or "services",
            since=self._since,
        )

    def names(self, caller: Caller | None) -> dict[str, str]:
        """The services that the page shows, id to name: to who is not known, and of what a known caller does not see,
        the public ones."""
        ports, every = self._ports, services_of(self._ports.estate())
        public = shown_services(every, ports.status, ports.status_of, is_reader=False)
        if caller is None:
            return public
        mine = shown_services(seen_services(caller, every), ports.status, ports.status_of, is_reader=True)
        return {ci: name for ci, name in every.items() if ci in public or ci in mine}

    def _incidents(self, service: str) -> list[Incident]:
        now = self._ports.clock.now()
        with self._lock:
            kept = self._read.get(service)
        if kept is not None and now - kept[0] < KEPT:
            return kept[1]
        services = [service] if service else []
        store = self._ports.store
        found = store.incidents(
            Search(statuses=sorted(map(str, ACTIVE)), services=services, sort="priority"), limit=_MOST_ACTIVE
        )
        past = Search(statuses=sorted(map(str, _OVER)), services=services, since=now - BACK, sort="-opened_at")
        found += store.incidents(past, limit=_MOST_PAST)
        with self._lock:
            if len(self._read) >= _MOST_KEPT:
                self._read.clear()
            self._read[service] = (now, found)
        return found


def _conditional(shown: Response, document: StatusPageDocument, read: ReadBefore) -> Response:
    """The page with its tag and time; 304 where the asker has it so. The tag counts more (RFC 9110, 13.2.2)."""
    changed_at = datetime.fromisoformat(document.page.updated_at).replace(microsecond=0)
    answer = tagged(shown, int(changed_at.timestamp()), read.known)
    if read.known is None and read.since is not None and _is_of(changed_at, read.since):
        answer = Response(status_code=HTTPStatus.NOT_MODIFIED, headers={"ETag": answer.headers["ETag"]})
    answer.headers["Last-Modified"] = format_datetime(changed_at.astimezone(UTC), usegmt=True)
    answer.headers["Cache-Control"] = "private, max-age=30"
    return answer


def _is_of(changed_at: datetime, since: str) -> bool:
    # Just that moment: an incident that is not shown any more takes its own, later one with it.
    try:
        return changed_at == parsedate_to_datetime(since).astimezone(UTC)
    except (ValueError, OverflowError):
        return False
