"""Service requests, problems and changes: their lists, their forms, and the page of each."""

from typing import Annotated, Any

import anyio
from fastapi import APIRouter, Depends, Query, Request, Response

from daemon.api.access import Caller
from daemon.api.ports import Ports
from daemon.api.record_orders import needed_to_make
from daemon.console.change_days import calendar_of
from daemon.console.forms import done_of, plain_address
from daemon.console.once import Once, form_id
from daemon.console.pages import Pages
from daemon.console.record_lists import ANY, Filters, listed
from daemon.console.record_new import NewRecords
from daemon.console.record_page import RecordPage, names_to_choose
from daemon.console.visitor import visit
from rules.record import Kind
from rules.record_lifecycles import STATES

_WAITING = 8


def record_page_routes(ports: Ports, pages: Pages) -> APIRouter:
    """Everything under /requests, /problems and /changes."""
    router = APIRouter(include_in_schema=False)
    waiting, once = anyio.CapacityLimiter(_WAITING), Once(ports)
    for kind in Kind:
        _add_list(router, ports, pages, kind)
        # Before the page of one record, since `new` is no number.
        NewRecords(ports, pages, kind, once, waiting).add_to(router)
        RecordPage(ports, pages, kind, waiting).add_to(router)
    return router


def _add_list(router: APIRouter, ports: Ports, pages: Pages, kind: Kind) -> None:
    path = f"/{kind}s"

    @router.get(path, name=f"{kind}s")
    def list_(
        request: Request,
        caller: Annotated[Caller, Depends(visit(ports))],
        filters: Annotated[Filters, Depends()],
        from_: Annotated[str, Query(alias="from", max_length=10)] = "",
    ) -> Response:
        is_calendar = kind is Kind.CHANGE and not filters.view
        found = calendar_of(ports, filters, from_, path) if is_calendar else listed(ports, kind, filters, path)
        return pages.page(
            request,
            caller,
            "changes.html" if is_calendar else "records.html",
            kind=kind,
            path=path,
            filters=filters,
            any_state=ANY,
            states=list(STATES[kind]),
            found=found,
            may_make=needed_to_make(kind) in caller.permissions,
            done=done_of(ports, request),
            is_late=request.query_params.get("did") == "late",
            live_address=plain_address(request, path),
            **_suggested(ports, caller, kind, filters),
            **names_to_choose(ports),
        )


def _suggested(ports: Ports, caller: Caller, kind: Kind, filters: Filters) -> dict[str, Any]:
    """Problems that should be made of what recurs, each with the id of the form that accepts it: on the first page of
    all problems, since who narrows the list down looks for something else."""
    if kind is not Kind.PROBLEM or filters.narrows or filters.offset:
        return {"suggestions": [], "may_accept": False}
    found = ports.store.suggestions(ports.policy().suggest, ports.clock.now())
    return {"suggestions": [(s, form_id()) for s in found], "may_accept": "write" in caller.permissions}
