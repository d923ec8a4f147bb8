"""Administration: the rules in force, and what they would make of an alert."""

from http import HTTPStatus
from typing import Annotated

import anyio
from fastapi import APIRouter, Depends, Request, Response

from daemon.api.access import Caller
from daemon.api.ports import Ports
from daemon.console.forms import form_of
from daemon.console.pages import Pages
from daemon.console.rulebook import chapters, matrix, priority_anchor, rule_anchor
from daemon.console.trying import BadTry, try_alert
from daemon.console.visitor import visit

MOST_TEXT = 20_000
_EXAMPLE = "alertname=HostDown ci=tor-3a severity=critical"


def admin_routes(ports: Ports, pages: Pages) -> APIRouter:
    """/admin and /admin/try."""
    router = APIRouter(include_in_schema=False)
    working = Depends(visit(ports, "write"))
    # A try takes the time of many decisions.
    room = anyio.CapacityLimiter(1)

    @router.get("/admin")
    def rules(request: Request, caller: Annotated[Caller, working]) -> Response:
        policy = ports.policy()
        found = chapters(policy, ports.subscriptions())
        return pages.page(request, caller, "rules.html", chapters=found, matrix=matrix(policy))

    @router.get("/admin/try")
    def ask(request: Request, caller: Annotated[Caller, working]) -> Response:
        return _trying(request, caller, _EXAMPLE)

    @router.post("/admin/try")
    async def attempt(request: Request, caller: Annotated[Caller, working]) -> Response:
        text = (await form_of(request)).get("labels")[:MOST_TEXT]
        return await anyio.to_thread.run_sync(_trying, request, caller, text, True, limiter=room)

    def _trying(request: Request, caller: Caller, text: str, is_asked: bool = False) -> Response:
        outcome, wrong = None, ""
        if is_asked:
            try:
                outcome = try_alert(ports, text)
            except BadTry as error:
                wrong = str(error)
        status = HTTPStatus.BAD_REQUEST if wrong else HTTPStatus.OK
        return pages.page(
            request,
            caller,
            "try.html",
            status=status,
            text=text,
            outcome=outcome,
            wrong=wrong,
            anchor=rule_anchor,
            priority_anchor=priority_anchor,
        )

    return router
