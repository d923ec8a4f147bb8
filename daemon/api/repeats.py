"""Requests that may come again: `Idempotency-Key` on every POST under /api/v1.

The first request with a key is carried out and its answer kept; the same request with the same key gets that answer
again, another request with it is refused. Who may ask is checked first, each time: `daemon.api.access` calls `claim`.
Source: the IETF's draft-ietf-httpapi-idempotency-key-header.
"""

import hashlib
from dataclasses import dataclass
from http import HTTPStatus

import anyio
import structlog
from fastapi import FastAPI, Request, Response
from starlette.datastructures import Headers, MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from daemon.api.problems import Problem, problem_response, wrong_field
from daemon.errors import StoreError
from daemon.store.answers import Answers
from daemon.store.rows import AnswerRow

HEADER = "Idempotency-Key"
REPLAYED = "Idempotent-Replayed"
LONGEST_KEY = 255
REPEATABLE = "/api/v1/"
_STATE = "incidentd.repeat"
_log = structlog.get_logger(__name__)


@dataclass(slots=True)
class Repeat:
    """A request with a key: what was sent with it, and, once it is known who asks, what it is kept under."""

    sent: str
    request: str
    key: str = ""


class Answered(Exception):
    """This request was answered before; the answer."""

    def __init__(self, answer: AnswerRow) -> None:
        super().__init__()
        self.answer = answer


def claim(request: Request, answers: Answers, caller: str) -> None:
    """Make sure that a request with a key is carried out once only; nothing where it has none.

    Raises Answered for a repeat, Problem 422 where the key stands for another request, 409 where the end of the first
    one is not known (yet): it is never guessed at by doing it again.
    """
    repeat: Repeat | None = request.scope.get(_STATE)
    if repeat is None or repeat.key:
        return
    key = hashlib.sha256(f"{caller}\0{repeat.sent}".encode("utf-8", "replace")).hexdigest()
    found = answers.begin(key, repeat.request)
    if found is None:
        repeat.key = key
    elif found.request != repeat.request:
        raise Problem(HTTPStatus.UNPROCESSABLE_ENTITY, f"{HEADER}: this key was used for another request before")
    elif found.status is None:
        detail = (
            f"{HEADER}: the first request with this key has no answer yet; look at what it changed before you repeat it"
        )
        raise Problem(HTTPStatus.CONFLICT, detail, headers={"Retry-After": "2"})
    else:
        raise Answered(found)


def add_repeat_handler(app: FastAPI) -> None:
    """Make this application give a repeated request its first answer."""

    @app.exception_handler(Answered)
    async def again(_: Request, error: Answered) -> Response:
        kept = error.answer
        headers = {REPLAYED: "true", "Content-Type": kept.media_type}
        return Response(kept.body, kept.status or HTTPStatus.OK, headers)


class Repeats:
    """Notes the key and the body of a request on its way in, and keeps the answer on its way out."""

    def __init__(self, app: ASGIApp, answers: Answers) -> None:
        self._app = app
        self._answers = answers

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or scope["method"] != "POST" or not scope["path"].startswith(REPEATABLE):
            await self._app(scope, receive, send)
            return
        sent = Headers(scope=scope).get(HEADER)
        if sent is None:
            await self._app(scope, receive, send)
            return
        try:
            if not (0 < len(sent) <= LONGEST_KEY and sent.isprintable()):
                raise wrong_field(HEADER, f"is not 1 to {LONGEST_KEY} printable characters")
            body = await _whole(receive)
        except Problem as problem:
            await problem_response(problem)(scope, receive, send)
            return
        repeat = Repeat(sent, _digest(scope, body))
        outgoing = _Outgoing()
        await self._app({**scope, _STATE: repeat}, _again(body, receive), outgoing.take)
        if repeat.key:
            await anyio.to_thread.run_sync(self._keep, repeat.key, outgoing)
        for message in outgoing.messages:
            await send(message)

    def _keep(self, key: str, outgoing: "_Outgoing") -> None:
        """Keep what was done or refused. What was wrong with the request may be put right under the same key; where it
        failed on our side nobody knows what came of it, and the key stays without an answer."""
        try:
            if outgoing.status < HTTPStatus.BAD_REQUEST or outgoing.status in _DECIDED:
                self._answers.finish(key, outgoing.status, outgoing.media_type, outgoing.body)
            elif outgoing.status < HTTPStatus.INTERNAL_SERVER_ERROR:
                self._answers.forget(key)
        except StoreError as error:
            _log.warning("answer_not_kept", error=str(error))


_DECIDED = frozenset({HTTPStatus.CONFLICT, HTTPStatus.PRECONDITION_FAILED})


class _Outgoing:
    """An answer as it is made, held back until it is kept."""

    def __init__(self) -> None:
        self.messages: list[Message] = []
        self.status = 500
        self.media_type = ""
        self.body = b""

    async def take(self, message: Message) -> None:
        self.messages.append(message)
        if message["type"] == "http.response.start":
            self.status = message["status"]
            self.media_type = MutableHeaders(scope=message).get("content-type", "")
        elif message["type"] == "http.response.body":
            self.body += message.get("body", b"")


def _digest(scope: Scope, body: bytes) -> str:
    asked: bytes = b"\0".join((scope["path"].encode(), scope["query_string"], body))
    return hashlib.sha256(asked).hexdigest()


async def _whole(receive: Receive) -> bytes:
    body: bytes = b""
    while True:
        message = await receive()
        body += message.get("body", b"")
        if not message.get("more_body", False):
            return body


def _again(body: bytes, receive: Receive) -> Receive:
    """The body once more, then whatever comes after it."""
    is_read = False

    async def receive_again() -> Message:
        nonlocal is_read
        if is_read:
            return await receive()
        is_read = True
        return {"type": "http.request", "body": body, "more_body": False}

    return receive_again
