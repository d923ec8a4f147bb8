"""What people do to an incident by its page or from the board: each order is a form, decided like the API's."""

from collections.abc import Awaitable, Callable
from datetime import timedelta
from http import HTTPStatus
from typing import Annotated, Any

import anyio
from fastapi import APIRouter, Depends, Request, Response
from fastapi.responses import RedirectResponse

from daemon.api.access import Caller
from daemon.api.incidents import Number, known_incident
from daemon.api.orders import KINDS, Kind, Order, carried_out, command_of
from daemon.api.ports import Ports
from daemon.api.problems import Problem, wrong_field
from daemon.console.forms import Form, Trouble, checked_body, form_of, told, trouble_of
from daemon.console.unseen import HIDDEN, Stale, carried_unseen
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
    except Stale as stale:
        return show(request, caller, number, stale.trouble)
    except Problem as problem:
        return show(request, caller, number, trouble_of(problem, kind.word, form.rest(*HIDDEN)))
    return RedirectResponse(told(form.back or f"/incidents/{incident.key}", kind.word, order_id), HTTPStatus.SEE_OTHER)


def _carry_out(ports: Ports, kind: Kind, incident: Incident, caller: Caller, form: Form) -> str:
    """Have it decided; the order's id. Problem where it is refused, Stale where others changed what was seen."""
    body = body_of(ports, kind, form)
    trouble = Trouble(action=kind.word, status=0, words=_CHANGED, typed=form.rest(*HIDDEN))
    return carried_unseen(
        lambda expects: _ordered(ports, kind, found_incident(ports, incident.key, caller), caller, body, expects),
        form,
        trouble,
        lambda: ports.store.timeline(incident.number),
        lambda: found_incident(ports, incident.key, caller).version,
    )


_CHANGED = "somebody has changed this incident since you opened the form"


def _ordered(ports: Ports, kind: Kind, incident: Incident, caller: Caller, body: Order, expects: int | None) -> str:
    return carried_out(ports, incident, command_of(ports, kind, incident, caller, body, expects), caller).command


def body_of(ports: Ports, kind: Kind, form: Form) -> Order:
    """The order as the API takes it; a 400 that names what is wrong in words."""
    fields: dict[str, Any] = form.rest(*HIDDEN, "minutes", "numbers", "action")
    if kind.word == "snooze" and (minutes := form.number("minutes")):
        if minutes > _LONGEST_SNOOZE_MIN:
            raise wrong_field("minutes", f"at most {_LONGEST_SNOOZE_MIN}")
        fields["until"] = ports.clock.now() + timedelta(minutes=minutes)
    if kind.word == "resolve" and "restored_at" in fields:
        # A page's field for a moment knows no zone; its label says UTC.
        fields["restored_at"] = f"{fields['restored_at']}Z"
    if kind.word == "set":
        fields.setdefault("value", "")
    return checked_body(kind.body, fields)


def found_incident(ports: Ports, number: str, caller: Caller) -> Incident:
    """The incident of that number; PageRefused where there is none that the caller may see."""
    try:
        return known_incident(ports, number, caller)
    except Problem as problem:
        raise PageRefused(problem) from None
