"""What people were told and what came of it; what could not be delivered can be sent again."""

from http import HTTPStatus
from typing import Annotated
from urllib.parse import urlencode

from fastapi import APIRouter, Depends, Query, Request, Response
from fastapi.responses import RedirectResponse
from starlette.concurrency import run_in_threadpool

from daemon.api.access import Caller
from daemon.api.ports import Ports
from daemon.console.forms import form_of
from daemon.console.pages import Pages
from daemon.console.visitor import visit
from rules.incident import incident_number

MOST = 200
_MOST_DEAD = 100_000
STATES = ("pending", "sending", "delivered", "passed", "dead")


def outgoing_routes(ports: Ports, pages: Pages) -> APIRouter:
    """/admin/notices."""
    router = APIRouter(include_in_schema=False)

    @router.get("/admin/notices")
    def show(
        request: Request,
        caller: Annotated[Caller, Depends(visit(ports, "write"))],
        state: Annotated[str, Query(max_length=20)] = "",
        incident: Annotated[str, Query(max_length=20)] = "",
        retried: Annotated[int, Query(ge=0, le=_MOST_DEAD)] = 0,
    ) -> Response:
        number, wrong = _number(incident)
        states = (state,) if state in STATES else ()
        rows = [] if wrong else ports.store.notices(states=states, incident=number, limit=MOST + 1)
        return pages.page(
            request,
            caller,
            "notices.html",
            rows=rows[:MOST],
            has_more=len(rows) > MOST,
            state=state,
            states=STATES,
            incident=incident,
            wrong=wrong,
            retried=retried,
            may_retry="manage" in caller.permissions,
            roster=ports.roster(),
        )

    @router.post("/admin/notices")
    async def retry(request: Request, _: Annotated[Caller, Depends(visit(ports, "manage"))]) -> Response:
        keys = [key for key in (await form_of(request)).all("key") if key]
        count = await run_in_threadpool(_retry, ports, keys)
        return RedirectResponse(f"/admin/notices?{urlencode({'retried': count})}", HTTPStatus.SEE_OTHER)

    return router


def _retry(ports: Ports, keys: list[str]) -> int:
    """Send these dead letters again, all of them where none is named; how many there were."""
    dead = {row.key for row in ports.store.notices(states=("dead",), limit=_MOST_DEAD)}
    return ports.store.revive(sorted(dead.intersection(keys) if keys else dead))


def _number(text: str) -> tuple[int | None, str]:
    if not text.strip():
        return None, ""
    try:
        return incident_number(text[:12]), ""
    except ValueError:
        return None, f"{text[:20]} is no incident's number; allowed: as in INC-42"
