"""The estate: looking for CIs, a CI's page, what would fail with it, and what is doubtful about the CMDB."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from http import HTTPStatus
from typing import Annotated
from urllib.parse import urlencode

from fastapi import APIRouter, Depends, Query, Request, Response

from cmdb.graph import Estate
from cmdb.model import CI
from cmdb.spof import Spof, single_points_of_failure
from daemon.api.access import Caller
from daemon.api.ports import Ports
from daemon.api.problems import Problem
from daemon.console.background import Background
from daemon.console.ci_index import Indexed
from daemon.console.ci_page import FIRST, named, outlook_of, whole_of
from daemon.console.drift import add_drift
from daemon.console.map_drawn import around
from daemon.console.map_page import add_map
from daemon.console.pages import Pages
from daemon.console.surroundings import HEIGHT, WIDTH
from daemon.console.unmapped import Suggester, groups_of, lines_for, match_of
from daemon.console.visitor import PageRefused, visit
from rules.doubt import Doubt
from rules.doubts import doubts
from rules.near import near_names

PER_PAGE = 50
DEEPEST = 100_000
MOST_AT_ONCE = 20
MOST_UNMAPPED = 500
UNMAPPED_PER_PAGE = 20
DOUBTS_KEPT = timedelta(minutes=5)
_DAYS = 30
Text = Annotated[str, Query(max_length=200)]
Offset = Annotated[int, Query(ge=0, le=DEEPEST)]


@dataclass(frozen=True, slots=True, kw_only=True)
class Doubted:
    """The doubts, and of how much past since when."""

    found: tuple[Doubt, ...]
    since: datetime
    incidents: int
    alerts: int


def estate_routes(ports: Ports, pages: Pages) -> APIRouter:
    """Everything under /cis."""
    router = APIRouter(include_in_schema=False)
    _add_search(router, ports, pages)
    _add_what_if(router, ports, pages)
    add_map(router, ports, pages)
    _add_spof(router, ports, pages)
    _add_doubts(router, ports, pages)
    add_drift(router, ports, pages)
    _add_unmapped(router, ports, pages)
    _add_ci(router, ports, pages)  # the last, since any path may be the id of a CI
    return router


def known_ci(estate: Estate, name: str) -> CI:
    """The CI of that id or alias; a page that says so, and what may have been meant, where there is none."""
    found = estate.find(name)
    if found is None:
        near = near_names(estate, name)
        meant = f"; did you mean {' or '.join(near)}?" if near else ""
        raise PageRefused(Problem(HTTPStatus.NOT_FOUND, f'the CMDB has no CI called "{name[:100]}"{meant}'))
    return estate.ci(found)


def _add_search(router: APIRouter, ports: Ports, pages: Pages) -> None:
    indexed = Indexed(ports.estate)

    @router.get("/cis")
    def search(
        request: Request,
        caller: Annotated[Caller, Depends(visit(ports))],
        text: Text = "",
        type: Text = "",  # noqa: A002  the parameter's public name
        owner: Text = "",
        offset: Offset = 0,
    ) -> Response:
        index = indexed.index()
        found = index.find(text, kind=type, owner=owner, limit=PER_PAGE, offset=offset)
        filters = {"text": text.strip(), "type": type, "owner": owner}
        return pages.page(
            request,
            caller,
            "cis.html",
            filters=filters,
            cis=found.cis,
            total=len(ports.estate()),
            types=index.types[:50],
            owners=[pair for pair in index.owners if pair[0]][:50],
            offset=offset,
            before=_page(filters, max(0, offset - PER_PAGE)) if offset else "",
            after=_page(filters, offset + PER_PAGE) if found.has_more and offset + PER_PAGE <= DEEPEST else "",
        )


def _page(filters: dict[str, str], offset: int) -> str:
    chosen = {name: value for name, value in filters.items() if value}
    return f"/cis?{urlencode({**chosen, **({'offset': str(offset)} if offset else {})})}"


def _add_what_if(router: APIRouter, ports: Ports, pages: Pages) -> None:
    @router.get("/cis/what-if")
    def what_if(
        request: Request,
        caller: Annotated[Caller, Depends(visit(ports))],
        ci: Annotated[list[Annotated[str, Query(max_length=256)]], Query(max_length=MOST_AT_ONCE)] = [],  # noqa: B006
    ) -> Response:
        estate = ports.estate()
        known, unknown = named(estate, ci)
        failed = [estate.ci(found) for found in known]
        return pages.page(
            request,
            caller,
            "what_if.html",
            estate=estate,
            failed=failed,
            most=MOST_AT_ONCE,
            unknown=unknown,
            outlook=outlook_of(estate, failed) if failed else None,
            without={c.id: _what_if_address([o.id for o in failed if o is not c]) for c in failed},
        )


def _what_if_address(cis: list[str]) -> str:
    return f"/cis/what-if?{urlencode([('ci', each) for each in cis])}" if cis else "/cis/what-if"


def _add_spof(router: APIRouter, ports: Ports, pages: Pages) -> None:
    spofs: Background[tuple[Spof, ...]] = Background(ports.clock)

    @router.get("/cis/spof")
    def spof(request: Request, caller: Annotated[Caller, Depends(visit(ports))], offset: Offset = 0) -> Response:
        estate = ports.estate()
        answer = spofs.ask(estate, lambda on_progress: single_points_of_failure(estate, on_progress=on_progress))
        found = answer.value or ()
        return pages.page(
            request,
            caller,
            "spof.html",
            answer=answer,
            estate=estate,
            spofs=found[offset : offset + PER_PAGE],
            total=len(found),
            offset=offset,
            most=PER_PAGE,
        )


def _add_doubts(router: APIRouter, ports: Ports, pages: Pages) -> None:
    doubted: Background[Doubted] = Background(ports.clock, DOUBTS_KEPT)

    @router.get("/cis/doubts")
    def show(request: Request, caller: Annotated[Caller, Depends(visit(ports))]) -> Response:
        estate, now = ports.estate(), ports.clock.now()

        def work(_: object) -> Doubted:
            past = ports.store.history(now - timedelta(days=_DAYS), now)
            found = doubts(estate, past)
            return Doubted(found=found, since=past.since, incidents=len(past.incidents), alerts=len(past.alerts))

        answer = doubted.ask(estate, work)
        past = answer.value
        found = () if past is None else past.found
        return pages.page(
            request,
            caller,
            "doubts.html",
            answer=answer,
            estate=estate,
            doubts=found[: 2 * PER_PAGE],
            count=len(found),
            past=past,
            days=_DAYS,
        )


def _add_unmapped(router: APIRouter, ports: Ports, pages: Pages) -> None:
    suggesters: Background[Suggester] = Background(ports.clock)

    @router.get("/cis/unmapped")
    def unmapped(request: Request, caller: Annotated[Caller, Depends(visit(ports))], offset: Offset = 0) -> Response:
        alerts, estate = ports.store.unmapped(MOST_UNMAPPED), ports.estate()
        answer = suggesters.ask(estate, lambda _: Suggester(estate))
        page = slice(offset, offset + UNMAPPED_PER_PAGE)
        total, groups = groups_of(alerts, answer.value, ports.policy().mapping_labels, page)
        return pages.page(
            request,
            caller,
            "unmapped.html",
            answer=answer,
            groups=groups,
            total=total,
            offset=offset,
            most=UNMAPPED_PER_PAGE,
            is_cut=len(alerts) == MOST_UNMAPPED,
            alerts=len(alerts),
        )

    @router.get("/cis/unmapped/match")
    def match(
        request: Request,
        caller: Annotated[Caller, Depends(visit(ports))],
        alert: Annotated[str, Query(max_length=500)],
        ci: Annotated[str, Query(max_length=256)],
    ) -> Response:
        found = ports.store.alert(alert)
        if found is None:
            raise PageRefused(Problem(HTTPStatus.NOT_FOUND, "this alert is not known any more"))
        known = known_ci(ports.estate(), ci.strip())
        lines = lines_for(known, match_of(found, ports.policy().mapping_labels), ports.cmdb_files())
        return pages.page(request, caller, "match.html", alert=found, ci=known, lines=lines)


def _add_ci(router: APIRouter, ports: Ports, pages: Pages) -> None:
    @router.get("/cis/{ci:path}")
    def show(request: Request, ci: str, caller: Annotated[Caller, Depends(visit(ports))]) -> Response:
        estate = ports.estate()
        whole = whole_of(ports, known_ci(estate, ci))
        to_map = around(whole.ci.id, whole.ci.id in estate.business_services)
        return pages.page(
            request, caller, "ci.html", whole=whole, estate=estate, first=FIRST, box=(WIDTH, HEIGHT), to_map=to_map
        )
