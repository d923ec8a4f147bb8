"""How content people are: the page behind the link of a notice, and the figures.

The page needs no login, the signature in its address is the key to it. A GET shows it and changes nothing, so that
programs which look at links in mails answer nothing; a POST answers, once.
"""

import base64
import hashlib
from datetime import timedelta
from http import HTTPStatus
from pathlib import Path
from typing import Annotated, Any
from urllib.parse import parse_qs

from fastapi import APIRouter, Depends, Query, Request, Response
from jinja2 import Environment, FileSystemLoader, StrictUndefined
from starlette.concurrency import run_in_threadpool

from daemon.api.access import anyone, require
from daemon.api.documents import json_response
from daemon.api.openapi import answers
from daemon.api.ports import Ports
from daemon.errors import BadLink
from daemon.links import Asked, read_token
from rules.document import figures_document
from rules.incident import incident_key
from rules.record_shapes import FiguresDocument
from rules.satisfaction import MAX_REMARK, SCORES, Rating

_PAGES = Path(__file__).parent / "pages"
_STYLE = (
    ":root{color-scheme:light dark;font:1rem/1.5 system-ui,sans-serif}"
    "main{max-width:34rem;margin:2rem auto;padding:0 1rem}"
    "h1{font-size:1.4rem;overflow-wrap:anywhere}"
    "fieldset{border:1px solid #8a93a0;border-radius:.5rem;margin:1rem 0}"
    "label{display:block;padding:.3rem 0}"
    "textarea{width:100%;box-sizing:border-box;font:inherit}"
    "button{font:inherit;padding:.5rem 1.5rem;margin-top:1rem}"
    ".soft{opacity:.75;overflow-wrap:anywhere}.bad{color:#d32f2f}"
)
_HEADERS = {
    "Content-Security-Policy": "default-src 'none'; style-src 'sha256-"
    + base64.b64encode(hashlib.sha256(_STYLE.encode()).digest()).decode()
    + "'; form-action 'self'; frame-ancestors 'none'; base-uri 'none'",
    # The address is a key and must not reach other sites; with `no-referrer` browsers would hide where the answer to
    # the form comes from, and it would be refused.
    "Referrer-Policy": "same-origin",
}
_CHOICES = tuple(zip(SCORES, ("not at all", "little", "so-so", "content", "very content"), strict=True))
_MOST_FORM_FIELDS = 8


class _BadAnswer(ValueError):
    """What was sent is no answer to the question; the text says why, for people."""


def satisfaction_routes(ports: Ports) -> APIRouter:
    """/rate/{token} and /api/v1/satisfaction."""
    router = APIRouter(tags=["satisfaction"])
    page = _Page(ports)

    @router.get("/rate/{token}", include_in_schema=False, dependencies=[Depends(anyone)])
    def show(token: str) -> Response:
        return page.show(token)

    @router.post("/rate/{token}", include_in_schema=False, dependencies=[Depends(anyone)])
    async def answer(token: str, request: Request) -> Response:
        return await run_in_threadpool(page.answer, token, await request.body())

    @router.get(
        "/api/v1/satisfaction",
        summary="How content people are with how incidents were handled",
        responses=answers(FiguresDocument),
        dependencies=[Depends(require(ports, "read"))],
    )
    def tell(
        days: Annotated[int, Query(ge=1, le=3650, description="How far to look back.")] = 30,
        latest: Annotated[int, Query(ge=0, le=1000, description="So many answers are shown.")] = 20,
    ) -> Response:
        since = ports.clock.now() - timedelta(days=days)
        return json_response(figures_document(ports.store.ratings.since(since), since, latest))

    return router


class _Page:
    """The one question."""

    def __init__(self, ports: Ports) -> None:
        self._ports = ports
        pages = Environment(
            loader=FileSystemLoader(_PAGES),
            autoescape=True,
            undefined=StrictUndefined,
            trim_blocks=True,
            lstrip_blocks=True,
        )
        self._template = pages.get_template("rate.html")

    def show(self, token: str) -> Response:
        try:
            asked = self._asked(token)
        except BadLink as problem:
            return self._html(HTTPStatus.NOT_FOUND, problem=str(problem))
        known = self._ports.store.ratings.of_link(asked.link)
        return self._question(asked) if known is None else self._thanks(asked, known)

    def answer(self, token: str, body: bytes) -> Response:
        try:
            asked = self._asked(token)
        except BadLink as problem:
            return self._html(HTTPStatus.NOT_FOUND, problem=str(problem))
        try:
            rating = self._rating(asked, body)
        except _BadAnswer as problem:
            return self._question(asked, HTTPStatus.BAD_REQUEST, problem=str(problem))
        if self._ports.store.ratings.add(rating):
            return self._thanks(asked, rating)
        known = self._ports.store.ratings.of_link(asked.link)
        return self._thanks(asked, known or rating, HTTPStatus.CONFLICT)

    def _asked(self, token: str) -> Asked:
        asked = read_token(self._ports.store.ratings.key(), token, self._ports.clock.now())
        if self._ports.store.incident(asked.incident) is None:
            raise BadLink("the incident is not known any more")
        return asked

    def _rating(self, asked: Asked, body: bytes) -> Rating:
        try:
            form = parse_qs(body.decode("utf-8"), max_num_fields=_MOST_FORM_FIELDS, strict_parsing=bool(body))
        except ValueError:
            raise _BadAnswer("this is not what the form sends") from None
        score, remark = form.get("score", [""])[-1], form.get("remark", [""])[-1].strip()
        if score not in {str(value) for value in SCORES}:
            raise _BadAnswer("please choose one of 1 to 5")
        if len(remark) > MAX_REMARK:
            raise _BadAnswer(f"the remark is longer than {MAX_REMARK} characters")
        now = self._ports.clock.now()
        return Rating(link=asked.link, incident=asked.incident, by=asked.by, score=int(score), remark=remark, at=now)

    def _question(self, asked: Asked, status: HTTPStatus = HTTPStatus.OK, problem: str = "") -> Response:
        return self._html(status, asked, problem=problem)

    def _thanks(self, asked: Asked, rating: Rating, status: HTTPStatus = HTTPStatus.OK) -> Response:
        return self._html(status, asked, score=rating.score, remark=rating.remark)

    def _html(self, status: HTTPStatus, asked: Asked | None = None, **values: Any) -> Response:
        incident = None if asked is None else self._ports.store.incident(asked.incident)
        page = {
            "number": "" if asked is None else incident_key(asked.incident),
            "title": "" if incident is None else incident.title,
            "resolution": "" if incident is None else incident.resolution,
            "problem": "",
            "score": 0,
            "remark": "",
            "chosen": 0,
            "choices": _CHOICES,
            "most": MAX_REMARK,
            "style": _STYLE,
        }
        return Response(self._template.render({**page, **values}), status, _HEADERS, "text/html; charset=utf-8")
