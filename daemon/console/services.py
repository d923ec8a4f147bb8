"""Business services: how they are now and were lately, for those who work on them and, as a page of its own, for those
who use them."""

import threading
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from http import HTTPStatus
from typing import Annotated

from fastapi import APIRouter, Depends, Query, Request, Response

from cmdb.graph import Estate
from cmdb.model import CI, State
from daemon.api.access import Caller, anyone, limited
from daemon.api.ports import Ports
from daemon.api.problems import Problem
from daemon.api.sight import seen_services
from daemon.api.status import StatusPages
from daemon.console.estate import known_ci
from daemon.console.pages import Pages
from daemon.console.visitor import PageRefused, visit
from daemon.store.rows import Search
from rules.incident import ACTIVE, Incident, Status
from rules.service_history import ServiceHistory, service_history
from rules.status_shapes import StatusIncidentDocument

DAYS = 90
MOST_SERVICES = 200
MOST_ACTIVE = 1000
MOST_PAST = 2000
MOST_DRAWN = 60
"""So many services are drawn with their days on one page."""
MOST_LISTED = 30
KEPT = timedelta(minutes=1)
_OVER = sorted([str(Status.RESOLVED), str(Status.CLOSED)])
_ACTIVE = sorted(map(str, ACTIVE))


@dataclass(frozen=True, slots=True, kw_only=True)
class Service:
    """A business service as it is now: the worst state that any of its open incidents leaves it in, since when."""

    ci: CI
    state: State
    since: datetime | None
    open: tuple[Incident, ...]


def service_routes(ports: Ports, pages: Pages) -> APIRouter:
    """/services, /services/{service} and the public page /status."""
    router = APIRouter(include_in_schema=False)
    _add_list(router, ports, pages)
    _add_one(router, ports, pages)
    _add_public(router, ports, pages)
    return router


def services_now(ports: Ports, estate: Estate, ids: Iterable[str]) -> list[Service]:
    """These services as they are now, the worst first, then the most critical, then by name."""
    active = ports.store.incidents(Search(statuses=_ACTIVE, sort="priority"), limit=MOST_ACTIVE)
    hit: dict[str, list[tuple[State, Incident]]] = {}
    for incident in active:
        for service in incident.services:
            hit.setdefault(service.ci, []).append((service.state, incident))
    found = [_service(estate.ci(ci), hit.get(ci, [])) for ci in ids]
    return sorted(found, key=lambda s: (-s.state, -(s.ci.criticality or 0), s.ci.title.casefold(), s.ci.id))


def _service(ci: CI, hits: Sequence[tuple[State, Incident]]) -> Service:
    worst = max((state for state, _ in hits), default=State.UP)
    since = min((i.opened_at for state, i in hits if state is worst), default=None)
    return Service(ci=ci, state=worst, since=since, open=tuple(i for _, i in hits))


def _add_list(router: APIRouter, ports: Ports, pages: Pages) -> None:
    past = Past(ports)

    @router.get("/services")
    def services(
        request: Request,
        caller: Annotated[Caller, Depends(visit(ports, by_service=True))],
        text: Annotated[str, Query(max_length=200)] = "",
    ) -> Response:
        estate = ports.estate()
        wanted = text.casefold().split()
        named = seen_services(caller, {i: estate.ci(i).title for i in estate.business_services})
        ids = [i for i, title in named.items() if all(w in f"{i} {title}".casefold() for w in wanted)]
        found = services_now(ports, estate, ids)
        drawn = found[:MOST_DRAWN]
        return pages.page(
            request,
            caller,
            "services.html",
            services=found[:MOST_SERVICES],
            count=len(found),
            text=text.strip(),
            histories=past.of({s.ci.id for s in drawn}),
            days=DAYS,
        )


def _add_one(router: APIRouter, ports: Ports, pages: Pages) -> None:
    @router.get("/services/{service:path}")
    def one(
        request: Request, service: str, caller: Annotated[Caller, Depends(visit(ports, by_service=True))]
    ) -> Response:
        estate, now = ports.estate(), ports.clock.now()
        if caller.services and estate.find(service) not in caller.services:
            raise PageRefused(limited(caller))
        ci = known_ci(estate, service)
        if ci.id not in estate.business_services:
            detail = f"{ci.title} is no business service; /cis/{ci.id} says what it is"
            raise PageRefused(Problem(HTTPStatus.NOT_FOUND, detail))
        search = Search(statuses=_OVER, services=[ci.id], since=now - timedelta(days=2 * DAYS), sort="-opened_at")
        past = ports.store.incidents(search, limit=MOST_PAST)
        shown = services_now(ports, estate, [ci.id])[0]
        return pages.page(
            request,
            caller,
            "service.html",
            service=shown,
            history=service_history(ci.id, [*shown.open, *past], now, DAYS),
            past=past[:MOST_LISTED],
            days=DAYS,
            feeds=ports.status,
            may_report="report" in caller.permissions,
        )


class Past:
    """The last days of all services, read of the record once a minute at most."""

    def __init__(self, ports: Ports) -> None:
        self._ports = ports
        self._lock = threading.Lock()
        self._read: tuple[datetime, Mapping[str, list[Incident]]] | None = None

    def of(self, services: Iterable[str]) -> dict[str, ServiceHistory]:
        """The history of each, by id."""
        now = self._ports.clock.now()
        with self._lock:
            if self._read is None or now - self._read[0] >= KEPT:
                self._read = now, self._incidents(now)
            by_service = self._read[1]
        return {ci: service_history(ci, by_service.get(ci, ()), now, DAYS) for ci in services}

    def _incidents(self, now: datetime) -> Mapping[str, list[Incident]]:
        found = self._ports.store.incidents(Search(statuses=_ACTIVE), limit=MOST_ACTIVE)
        over = Search(statuses=_OVER, since=now - timedelta(days=DAYS), sort="-opened_at")
        found += self._ports.store.incidents(over, limit=MOST_PAST)
        by_service: dict[str, list[Incident]] = {}
        for incident in found:
            for service in incident.services:
                by_service.setdefault(service.ci, []).append(incident)
        return by_service


def _add_public(router: APIRouter, ports: Ports, pages: Pages) -> None:
    """The page that users see: names of services and plain sentences, nothing of the inside."""
    may = anyone if ports.status == "public" else visit(ports, by_service=True)
    documents, past = StatusPages(ports), Past(ports)

    @router.get("/status")
    def public(request: Request, caller: Annotated[Caller | None, Depends(may)]) -> Response:
        try:
            document = documents.document(request, caller)
        except Problem as problem:
            raise PageRefused(problem) from None
        names = documents.names(caller)
        return pages.html(
            "status.html",
            document=document,
            histories=past.of(list(names)[:MOST_DRAWN]),
            days=DAYS,
            moments={i.id: _moments(i) for i in document.incidents},
        )


def _moments(incident: StatusIncidentDocument) -> list[tuple[datetime, str]]:
    """What was said of an incident and when, newest first."""
    return [(datetime.fromisoformat(u.created_at), u.body) for u in incident.incident_updates]
