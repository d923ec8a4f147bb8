"""Where chats call: pressed buttons and answers to notices.

No login is asked for, since chats have none; every request must be signed as that chat signs, with the secret that the
notifier was given. Where it was given none, nothing is heard.
"""

import threading
from collections.abc import Callable
from concurrent.futures import Future
from concurrent.futures import TimeoutError as FutureTimeout
from http import HTTPStatus
from typing import Any

import structlog
from fastapi import APIRouter, Depends, Request, Response
from starlette.concurrency import run_in_threadpool

from daemon.acts import Acts
from daemon.api.access import anyone
from daemon.api.documents import json_response
from daemon.api.ports import Ports
from daemon.api.problems import Problem
from daemon.chats.ears import KINDS, ear_of
from daemon.chats.heard import Ear, Heard, Incoming, NotHeard
from daemon.chats.hearing import Hearing
from notifiers.errors import SendError

_log = structlog.get_logger(__name__)
# Slack wants its answer within three seconds, and says it again where it gets none.
_ANSWER_WITHIN_S = 2.0
_MOST_AT_ONCE = 32


def chat_routes(ports: Ports) -> APIRouter:
    """/hooks/slack/{notifier}, /hooks/mattermost/{notifier}, /hooks/telegram/{notifier}."""
    router = APIRouter(tags=["chats"])
    hooks = _Hooks(ports)

    def route_for(kind: str) -> None:
        @router.post(f"/hooks/{kind}/{{notifier}}", include_in_schema=False, dependencies=[Depends(anyone)])
        async def hear(notifier: str, request: Request) -> Response:
            headers = {name.lower(): value for name, value in request.headers.items()}
            incoming = Incoming(headers=headers, body=await request.body(), at=ports.clock.now())
            return await run_in_threadpool(hooks.take, kind, notifier, incoming)

    for kind in KINDS:
        route_for(kind)
    return router


class _Hooks:
    """Lets what is genuine be carried out, so many at a time, and answers in time whatever that takes."""

    def __init__(self, ports: Ports) -> None:
        self._ports = ports
        acts = Acts(
            store=ports.store, clock=ports.clock, order=ports.order, roster=ports.roster, notifiers=ports.notifiers
        )
        self._hearing = Hearing(acts=acts)
        self._room = threading.Semaphore(_MOST_AT_ONCE)

    def take(self, kind: str, notifier: str, incoming: Incoming) -> Response:
        """Check, read, carry out, answer. A Problem where it is not heard, or not now."""
        ear = ear_of(kind, notifier, self._ports.channels(), self._ports.store)
        try:
            if ear is None:
                raise NotHeard("there is no such notifier")
            ear.check(incoming)
            said = ear.read(incoming)
        except NotHeard as why:
            _log.warning("chat_not_heard", chat=kind, notifier=notifier[:63], why=str(why))
            raise Problem(HTTPStatus.FORBIDDEN, "this is not heard; the log says why") from None
        except SendError as error:
            _log.warning("chat_not_read", chat=kind, notifier=notifier, error=str(error))
            raise Problem(HTTPStatus.SERVICE_UNAVAILABLE, "the chat could not be asked; say it again later") from None
        if isinstance(said, Heard):
            return json_response(self._in_time(ear, said) or {})
        return json_response(said or {})

    def _in_time(self, ear: Ear, heard: Heard) -> dict[str, Any] | None:
        """What came of it, where that is known soon; else the chat is told when it is."""
        if not self._room.acquire(blocking=False):
            raise Problem(HTTPStatus.SERVICE_UNAVAILABLE, "too much is said at once; say it again later")

        def work() -> dict[str, Any] | None:
            try:
                return self._carried_out(ear, heard)
            finally:
                self._room.release()

        done = _begun(work)
        try:
            return done.result(_ANSWER_WITHIN_S)
        except FutureTimeout:
            return None

    def _carried_out(self, ear: Ear, heard: Heard) -> dict[str, Any] | None:
        outcome = self._hearing.carry_out(heard)
        _log.info(
            "chat_heard",
            chat=heard.chat,
            notifier=heard.notifier,
            user=heard.user,
            verb=str(heard.verb) if not heard.token else "by button",
            done=outcome.done,
        )
        try:
            return ear.answer(heard, outcome, self._ports.clock.now())
        except SendError as error:
            _log.warning("chat_answer_not_sent", chat=heard.chat, notifier=heard.notifier, error=str(error))
            return None


def _begun(work: Callable[[], dict[str, Any] | None]) -> "Future[dict[str, Any] | None]":
    """The work in a thread of its own, which keeps nothing from stopping."""
    future: Future[dict[str, Any] | None] = Future()

    def run() -> None:
        try:
            future.set_result(work())
        except Exception as error:  # noqa: BLE001  it is raised again where the future is asked, if it still is
            _log.warning("chat_not_carried_out", error=type(error).__name__)
            future.set_exception(error)

    threading.Thread(target=run, name="chat", daemon=True).start()
    return future
