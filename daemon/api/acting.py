"""The page behind an action in a notice.

A GET shows what would be done and changes nothing, since programs look at links in mails; a POST does it, once.
"""

from http import HTTPStatus
from typing import Any

from fastapi import APIRouter, Depends, Response
from starlette.concurrency import run_in_threadpool

from daemon.acts import LABELS, Acts, Offer
from daemon.api.access import anyone
from daemon.api.ports import Ports
from daemon.api.public_page import PublicPage
from daemon.errors import BadLink, NotDone
from daemon.store.rows import LinkUse
from rules.transitions import words_of

VIA = "by the link in a notice"


def acting_routes(ports: Ports) -> APIRouter:
    """/act/{token}."""
    router = APIRouter(tags=["orders"])
    acts = Acts(
        store=ports.store,
        clock=ports.clock,
        order=ports.order,
        roster=ports.roster,
        notifiers=ports.notifiers,
    )
    page = PublicPage("act.html")

    def show(token: str) -> Response:
        try:
            offer = acts.read(token)
        except BadLink as problem:
            return page.answer(HTTPStatus.NOT_FOUND, _nothing(problem))
        return page.answer(HTTPStatus.OK, _values(offer, offer.use))

    def act(token: str) -> Response:
        try:
            offer = acts.read(token)
        except BadLink as problem:
            return page.answer(HTTPStatus.NOT_FOUND, _nothing(problem))
        if offer.use is not None:
            return page.answer(HTTPStatus.CONFLICT, _values(offer, offer.use))
        try:
            use = acts.carry_out(offer, VIA)
        except NotDone as refusal:
            return page.answer(HTTPStatus.CONFLICT, _values(offer, None, problem=str(refusal)))
        return page.answer(HTTPStatus.OK, _values(acts.read(token), use))

    router.add_api_route("/act/{token}", show, methods=["GET"], include_in_schema=False, dependencies=[Depends(anyone)])

    @router.post("/act/{token}", include_in_schema=False, dependencies=[Depends(anyone)])
    async def press(token: str) -> Response:
        return await run_in_threadpool(act, token)

    return router


def _nothing(problem: BadLink) -> dict[str, Any]:
    return {"number": "", "title": "", "problem": str(problem)}


def _values(offer: Offer, use: LinkUse | None, problem: str = "") -> dict[str, Any]:
    incident = offer.incident
    return {
        "number": incident.key,
        "title": incident.title,
        "services": ", ".join(f"{s.name} ({s.state.word})" for s in incident.services),
        "status": f"{incident.priority}, {words_of(incident.status)}",
        "who": offer.who,
        "label": LABELS[offer.verb],
        "problem": problem,
        "done": "" if use is None else use.message,
        "done_at": "" if use is None else f"{use.at:%Y-%m-%d %H:%M} UTC",
    }
