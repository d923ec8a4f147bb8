"""One action for many incidents at once, from the board."""

from http import HTTPStatus
from typing import Annotated, Any

import anyio
from fastapi import APIRouter, Depends, Request, Response
from pydantic import ValidationError

from daemon.api.access import Caller
from daemon.api.bulk import MOST, Bulk, carried_out_on
from daemon.api.documents import BulkResult
from daemon.api.ports import Ports
from daemon.api.problems import Problem, wrong_field
from daemon.console.forms import Form, form_of
from daemon.console.pages import Pages
from daemon.console.visitor import PageRefused, visit

_AT_ONCE = 2
_TEXT_OF = {"assign": "assignee", "note": "text", "resolve": "resolution", "close": "reason", "hold": "reason"}
"""What the one field beside the buttons is for each action."""
_PLAIN = frozenset({"acknowledge", "start", "take"})


def bulk_page_routes(ports: Ports, pages: Pages) -> APIRouter:
    """/incidents/bulk."""
    router = APIRouter(include_in_schema=False)
    working = anyio.CapacityLimiter(_AT_ONCE)

    def act(request: Request, caller: Caller, form: Form) -> Response:
        try:
            bulk = _bulk(form, caller)
            results = carried_out_on(ports, bulk, caller)
        except Problem as problem:
            raise PageRefused(problem) from None
        return _answer(pages, request, caller, bulk, results, form.back or "/")

    @router.post("/incidents/bulk")
    async def give(
        request: Request, caller: Annotated[Caller, Depends(visit(ports, "write", by_service=True))]
    ) -> Response:
        form = await form_of(request)
        return await anyio.to_thread.run_sync(act, request, caller, form, limiter=working)

    return router


def _bulk(form: Form, caller: Caller) -> Bulk:
    """What was checked, each with the version that was seen; Problem where it is nothing or too much."""
    action, picked = form.get("action"), form.all("pick")
    if not picked:
        raise wrong_field("incidents", "none is checked; check some on the board first")
    if len(picked) > MOST:
        raise wrong_field("incidents", f"{len(picked)} are checked; allowed are {MOST} at once")
    if action not in _PLAIN and action not in _TEXT_OF:
        raise wrong_field("action", f"allowed are {', '.join(sorted(_PLAIN | _TEXT_OF.keys()))}")
    order = {"assignee": caller.name} if action == "take" else _order(form, action)
    seen = dict(p.split(":", 1) for p in picked if p.count(":") == 1)
    versions: dict[str, Any] = {number: int(v) for number, v in seen.items() if v.isdecimal()}
    asked = {"action": "assign" if action == "take" else action, "numbers": list(seen), "order": order}
    try:
        return Bulk.model_validate({**asked, "versions": versions})
    except ValidationError:
        raise wrong_field("incidents", "are not as the board sends them; load it again") from None


def _order(form: Form, action: str) -> dict[str, str]:
    name = _TEXT_OF.get(action)
    return {} if name is None else {name: form.get("text")}


def _answer(
    pages: Pages, request: Request, caller: Caller, bulk: Bulk, results: tuple[BulkResult, ...], back: str
) -> Response:
    failed = [r for r in results if not r.done]
    values = {"action": bulk.action, "results": results, "failed": len(failed), "back": back}
    status = HTTPStatus.CONFLICT if failed else HTTPStatus.OK
    return pages.page(request, caller, "bulk.html", status=status, **values)
