"""What every request has to get past before anything reads it, and what every answer carries."""

import ipaddress
import re
import time
from collections.abc import Awaitable, Callable
from http import HTTPStatus
from urllib.parse import urlsplit

import anyio
from starlette.datastructures import Headers, MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from daemon.api.problems import ANSWER_HEADERS, Problem, problem_response
from daemon.occurrences import LARGEST_CALENDAR

PUSH_BYTES = 16 * 1024 * 1024
ORDER_BYTES = 64 * 1024
CALENDAR_BYTES = LARGEST_CALENDAR
BODY_WITHIN_S = 30.0
_PUSH_PATHS = frozenset({"/api/v2/alerts", "/hooks/alertmanager"})
_CALENDAR_PATH = re.compile(r"/api/v1/oncall/schedules/[^/]+/calendar")
_SAFE_METHODS = frozenset({"GET", "HEAD", "OPTIONS"})


class AnswerHeaders:
    """Adds the headers that every answer carries."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        async def send_with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                for name, value in ANSWER_HEADERS.items():
                    headers.setdefault(name, value)
            await send(message)

        await self._app(scope, receive, send_with_headers if scope["type"] == "http" else send)


class BodyLimits:
    """Bounds a request's body in size, time and form: 413, 408 and 415."""

    def __init__(self, app: ASGIApp, body_within_s: float = BODY_WITHIN_S) -> None:
        self._app = app
        self._within_s = body_within_s

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        limit = _limit_of(scope["path"])
        problem = _declared_problem(Headers(scope=scope), limit)
        if problem is not None:
            await problem_response(problem)(scope, receive, send)
            return
        await self._app(scope, _bounded(receive, limit, self._within_s), send)


def _limit_of(path: str) -> int:
    if path in _PUSH_PATHS:
        return PUSH_BYTES
    return CALENDAR_BYTES if _CALENDAR_PATH.fullmatch(path) else ORDER_BYTES


def _declared_problem(headers: Headers, limit: int) -> Problem | None:
    if headers.get("content-encoding", "identity").lower() != "identity":
        return Problem(HTTPStatus.UNSUPPORTED_MEDIA_TYPE, "compressed bodies are not taken")
    length = headers.get("content-length", "0")
    if length.isdecimal() and int(length[:20]) > limit:
        return _too_large(limit)
    return None


def _too_large(limit: int) -> Problem:
    return Problem(HTTPStatus.REQUEST_ENTITY_TOO_LARGE, f"a body here has at most {limit // 1024} KiB")


def _bounded(receive: Receive, limit: int, within_s: float) -> Callable[[], Awaitable[Message]]:
    size, is_whole = 0, False
    deadline = time.monotonic() + within_s

    async def receive_bounded() -> Message:
        nonlocal size, is_whole
        if is_whole:
            return await receive()
        try:
            with anyio.fail_after(max(deadline - time.monotonic(), 0.0)):
                message = await receive()
        except TimeoutError:
            raise Problem(HTTPStatus.REQUEST_TIMEOUT, f"the body did not come within {within_s:g} s") from None
        size += len(message.get("body", b""))
        is_whole = not message.get("more_body", False)
        if size > limit:
            raise _too_large(limit)
        return message

    return receive_bounded


class BrowserGuard:
    """Keeps web pages of others from using the visitor's browser to get in.

    A request that changes something must not come from another site's page, and one that comes with a session's cookie
    must say where it comes from, as every browser does. Where access is open a request must also name this machine as
    its host: a page that rebinds its own name to 127.0.0.1 does not.
    """

    def __init__(self, app: ASGIApp, hosts: frozenset[str], cookie: str, is_open: bool) -> None:
        self._app = app
        self._hosts = frozenset(host.strip("[]").lower() for host in hosts)
        self._cookie = cookie
        self._is_open = is_open

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        problem = self._problem(scope) if scope["type"] == "http" else None
        if problem is not None:
            await problem_response(problem)(scope, receive, send)
            return
        await self._app(scope, receive, send)

    def _problem(self, scope: Scope) -> Problem | None:
        headers = Headers(scope=scope)
        host = headers.get("host", "")
        if self._is_open and not self._is_ours(host):
            return Problem(HTTPStatus.MISDIRECTED_REQUEST, "the Host header names another machine")
        if scope["method"] in _SAFE_METHODS or self._is_from_here(headers, host):
            return None
        return Problem(HTTPStatus.FORBIDDEN, "requests from other sites' pages are refused")

    def _is_from_here(self, headers: Headers, host: str) -> bool:
        site = headers.get("sec-fetch-site")
        if site is not None:
            return site in ("same-origin", "none")
        origin = headers.get("origin")
        if origin is None:
            has_session = f"{self._cookie}=" in headers.get("cookie", "") and "authorization" not in headers
            return not has_session
        try:
            named = urlsplit(origin)
        except ValueError:
            return False
        return named.netloc.lower() == host.lower() or (named.hostname or "") in self._hosts

    def _is_ours(self, host: str) -> bool:
        try:
            name = (urlsplit(f"//{host}").hostname or "").lower()
        except ValueError:
            return False
        if name == "localhost" or name.endswith(".localhost") or name in self._hosts:
            return True
        try:
            return ipaddress.ip_address(name).is_loopback
        except ValueError:
            return False
