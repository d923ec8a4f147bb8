"""How content people are: the page behind the link of a notice, and the figures.

The page needs no login, the signature in its address is the key to it. A GET shows it and changes nothing, so that
programs which look at links in mails answer nothing; a POST answers, once. Whoever reported the incident may say there
that it is not solved, which opens it again.
"""

import secrets
from datetime import timedelta
from http import HTTPStatus
from typing import Annotated, Any
from urllib.parse import parse_qs

from fastapi import APIRouter, Depends, Query, Request, Response
from starlette.concurrency import run_in_threadpool

from daemon.api.access import anyone, require
from daemon.api.documents import json_response
from daemon.api.openapi import answers
from daemon.api.ports import Ports
from daemon.api.public_page import PublicPage
from daemon.errors import BadLink
from daemon.links import Asked, read_token
from rules.decision import Asker, Command, Verb
from rules.incident import Incident, Status, incident_key
from rules.record_shapes import FiguresDocument
from rules.satisfaction import MAX_REMARK, SCORES, Rating
from rules.satisfaction_document import figures_document

_CHOICES = tuple(zip(SCORES, ("not at all", "little", "so-so", "content", "very content"), strict=True))
_MOST_FORM_FIELDS = 8
_REOPENED = "it is not solved, says whoever reported it"


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
        self._page = PublicPage("rate.html")

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
        known = self._ports.store.ratings.of_link(asked.link)
        if known is not None:
            return self._thanks(asked, known, HTTPStatus.CONFLICT)
        try:
            rating, is_unsolved = self._rating(asked, body)
        except _BadAnswer as problem:
            return self._question(asked, HTTPStatus.BAD_REQUEST, problem=str(problem))
        # First, since an answer that is kept is the last one that this link can give.
        refusal = self._reopen(asked, rating.remark) if is_unsolved else ""
        if refusal:
            return self._question(asked, HTTPStatus.CONFLICT, problem=refusal, remark=rating.remark)
        if self._ports.store.ratings.add(rating):
            return self._thanks(asked, rating, is_unsolved=is_unsolved)
        known = self._ports.store.ratings.of_link(asked.link)
        return self._thanks(asked, known or rating, HTTPStatus.CONFLICT)

    def _reopen(self, asked: Asked, remark: str) -> str:
        """Have the incident opened again; why it is not, in words for people, empty where it is or will be."""
        incident = self._ports.store.incident(asked.incident)
        if incident is None or not _may_reopen(asked, incident):
            return "it cannot be opened again by this link"
        command = Command(
            id=f"rate:{secrets.token_hex(16)}",
            at=self._ports.clock.now(),
            actor=asked.by,
            verb=Verb.REOPEN,
            number=asked.incident,
            reason=f"{_REOPENED}: {remark}" if remark else _REOPENED,
            asker=Asker.CONTACT,
        )
        try:
            reply = self._ports.order(command)
        except TimeoutError:
            return ""  # it is stored, and will be carried out
        return "" if reply.done else reply.message

    def _asked(self, token: str) -> Asked:
        asked = read_token(self._ports.store.links.key(), token, self._ports.clock.now())
        if self._ports.store.incident(asked.incident) is None:
            raise BadLink("the incident is not known any more")
        return asked

    def _rating(self, asked: Asked, body: bytes) -> tuple[Rating, bool]:
        """The answer, and whether it says that the incident is not solved."""
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
        rating = Rating(link=asked.link, incident=asked.incident, by=asked.by, score=int(score), remark=remark, at=now)
        return rating, form.get("unsolved", [""])[-1] == "yes"

    def _question(self, asked: Asked, status: HTTPStatus = HTTPStatus.OK, **values: Any) -> Response:
        return self._html(status, asked, **values)

    def _thanks(
        self, asked: Asked, rating: Rating, status: HTTPStatus = HTTPStatus.OK, *, is_unsolved: bool = False
    ) -> Response:
        return self._html(status, asked, score=rating.score, remark=rating.remark, is_unsolved=is_unsolved)

    def _html(self, status: HTTPStatus, asked: Asked | None = None, **values: Any) -> Response:
        incident = None if asked is None else self._ports.store.incident(asked.incident)
        page = {
            "number": "" if asked is None else incident_key(asked.incident),
            "title": "" if incident is None else incident.title,
            "resolution": "" if incident is None else incident.resolution,
            "may_reopen": asked is not None and incident is not None and _may_reopen(asked, incident),
            "is_unsolved": False,
            "problem": "",
            "score": 0,
            "remark": "",
            "chosen": 0,
            "choices": _CHOICES,
            "most": MAX_REMARK,
        }
        return self._page.answer(status, {**page, **values})


def _may_reopen(asked: Asked, incident: Incident) -> bool:
    """Whether the link went to whoever reported the incident, and it is over."""
    is_over = incident.status in (Status.RESOLVED, Status.CLOSED)
    return is_over and asked.by == (incident.contact.name or incident.contact.mail)
