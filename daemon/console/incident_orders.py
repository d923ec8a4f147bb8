"""What people do to an incident by its page or from the board: each order is a form, decided like the API's."""

from collections.abc import Awaitable, Callable
from datetime import timedelta
from http import HTTPStatus
from typing import Annotated, Any

import anyio
from fastapi import APIRouter, Depends, Request, Response
from fastapi.responses import RedirectResponse
from pydantic import ValidationError

from daemon.api.access import Caller
from daemon.api.incidents import Number, known_incident
from daemon.api.orders import KINDS, Kind, Order, carried_out, command_of
from daemon.api.ports import Ports
from daemon.api.problems import Problem, wrong_field
from daemon.console.forms import Form, Trouble, form_of, told, trouble_of
from daemon.console.incident_shown import changed_since
from daemon.console.visitor import PageRefused, visit
from rules.incident import Incident

_WAITING = 16
_LONGEST_SNOOZE_MIN = 30 * 24 * 60
BY_WORD = {kind.word: kind for kind in KINDS}
Show = Callable[[Request, Caller, str, Trouble], Response]
"""Shows an incident's page again with what went wrong on it."""


def incident_order_routes(ports: Ports, show: Show) -> APIRouter:
    """/incidents/{number}/acknowledge and the rest, as they are called in the API."""
    router = APIRouter(include_in_schema=False)
    waiting = anyio.CapacityLimiter(_WAITING)
    for kind in KINDS:
        endpoint = _endpoint(ports, kind, show, waiting)
        router.add_api_route(f"/incidents/{{number}}/{kind.word}", endpoint, methods=["POST"], name=kind.word)
    return router


def _endpoint(
    ports: Ports, kind: Kind, show: Show, waiting: anyio.CapacityLimiter
) -> Callable[..., Awaitable[Response]]:
    async def give(
        request: Request,
        number: Number,
        caller: Annotated[Caller, Depends(visit(ports, kind.permission, by_service=True))],
    ) -> Response:
        form = await form_of(request)
        return await anyio.to_thread.run_sync(_give, ports, kind, show, request, number, caller, form, limiter=waiting)

    return give


def _give(ports: Ports, kind: Kind, show: Show, request: Request, number: str, caller: Caller, form: Form) -> Response:
    incident = found_incident(ports, number, caller)
    try:
        order_id = _carry_out(ports, kind, incident, caller, form)
    except _Stale as stale:
        return show(request, caller, number, stale.trouble)
    except Problem as problem:
        return show(request, caller, number, trouble_of(problem, kind.word, form.rest("expects", "lines", "back")))
    return RedirectResponse(told(form.back or f"/incidents/{incident.key}", kind.word, order_id), HTTPStatus.SEE_OTHER)


class _Stale(Exception):
    def __init__(self, trouble: Trouble) -> None:
        self.trouble = trouble


def _carry_out(ports: Ports, kind: Kind, incident: Incident, caller: Caller, form: Form) -> str:
    """Have it decided; the order's id. Problem where it is refused, _Stale where others changed what was seen."""
    body = body_of(ports, kind, form)
    expects = form.number("expects")
    try:
        return _ordered(ports, kind, incident, caller, body, expects)
    except Problem as problem:
        if problem.status_code != HTTPStatus.PRECONDITION_FAILED:
            raise
        timeline = ports.store.timeline(incident.number)
        changed = changed_since(timeline, form.number("lines") or 0)
        typed = form.rest("expects", "lines", "back")
        if changed:
            trouble = Trouble(
                action=kind.word, status=problem.status_code, words=_CHANGED, typed=typed, changed=changed[-20:]
            )
            raise _Stale(trouble) from None
    # Only alerts have joined or people were told: nothing that the visitor could overwrite unseen.
    current = found_incident(ports, incident.key, caller)
    return _ordered(ports, kind, current, caller, body, current.version)


_CHANGED = "somebody has changed this incident since you opened the form"


def _ordered(ports: Ports, kind: Kind, incident: Incident, caller: Caller, body: Order, expects: int | None) -> str:
    return carried_out(ports, incident, command_of(ports, kind, incident, caller, body, expects), caller).command


def body_of(ports: Ports, kind: Kind, form: Form) -> Order:
    """The order as the API takes it; a 400 that names what is wrong in words."""
    fields: dict[str, Any] = form.rest("expects", "lines", "back", "minutes", "numbers", "action")
    if kind.word == "snooze" and (minutes := form.number("minutes")):
        if minutes > _LONGEST_SNOOZE_MIN:
            raise wrong_field("minutes", f"at most {_LONGEST_SNOOZE_MIN}")
        fields["until"] = ports.clock.now() + timedelta(minutes=minutes)
    if kind.word == "resolve" and "restored_at" in fields:
        # A page's field for a moment knows no zone; its label says UTC.
        fields["restored_at"] = f"{fields['restored_at']}Z"
    if kind.word == "set":
        fields.setdefault("value", "")
    try:
        return kind.body.model_validate(fields)
    except ValidationError as error:
        found = error.errors(include_url=False, include_context=False, include_input=False)
        detail = "; ".join(f"{'.'.join(map(str, e['loc']))}: {_plain(str(e['msg']))}" for e in found)
        raise Problem(HTTPStatus.BAD_REQUEST, detail) from None


def _plain(message: str) -> str:
    return {"Field required": "is needed"}.get(message, message)


def found_incident(ports: Ports, number: str, caller: Caller) -> Incident:
    """The incident of that number; PageRefused where there is none that the caller may see."""
    try:
        return known_incident(ports, number, caller)
    except Problem as problem:
        raise PageRefused(problem) from None
