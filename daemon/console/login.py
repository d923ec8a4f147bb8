"""Logging in and out by pages: a password first, then a code where the user has a second factor."""

import secrets
from datetime import timedelta
from http import HTTPStatus
from typing import Annotated
from urllib.parse import parse_qs, quote

import anyio
from fastapi import APIRouter, Depends, Query, Request, Response
from fastapi.responses import RedirectResponse
from pydantic import SecretStr, ValidationError

from daemon.api.access import Caller, anyone, digest
from daemon.api.ports import Ports
from daemon.api.problems import Problem
from daemon.api.session import LONGEST_CODE, CodeNeeded, Login, LoginOver, opened_session, session_by_code
from daemon.console.pages import Pages
from daemon.console.visitor import Visit

_AT_ONCE = 8
_MOST_FIELDS = 8
CODE_WITHIN = timedelta(minutes=5)
"""A login whose password was right waits so long for the code."""
_BYTES = 32


def login_routes(ports: Ports, pages: Pages, own: Visit) -> APIRouter:
    """/login, /login/code and /logout."""
    router = APIRouter(include_in_schema=False)
    trying = anyio.CapacityLimiter(_AT_ONCE)

    @router.get("/login", dependencies=[Depends(anyone)])
    def ask(next: Annotated[str, Query(max_length=2000)] = "/") -> Response:  # noqa: A002  the parameter's public name
        return pages.html("login.html", next=own_address(next), name="", problem="")

    @router.post("/login", dependencies=[Depends(anyone)])
    async def enter(request: Request) -> Response:
        body = await request.body()
        address = request.client.host if request.client else ""
        return await anyio.to_thread.run_sync(_enter, ports, pages, body, address, limiter=trying)

    @router.get("/login/code", dependencies=[Depends(anyone)])
    def ask_code(request: Request, next: Annotated[str, Query(max_length=2000)] = "/") -> Response:  # noqa: A002
        if ports.store.second_factors.waiting(_half(ports, request)) is None:
            return RedirectResponse(f"/login?next={quote(own_address(next), safe='')}", HTTPStatus.SEE_OTHER)
        return pages.html("login_code.html", next=own_address(next), problem="", longest=LONGEST_CODE)

    @router.post("/login/code", dependencies=[Depends(anyone)])
    async def enter_code(request: Request) -> Response:
        body = await request.body()
        return await anyio.to_thread.run_sync(_enter_code, ports, pages, request, body, limiter=trying)

    @router.post("/logout")
    def leave(request: Request, _: Annotated[Caller, Depends(own)]) -> Response:
        session = request.cookies.get(ports.cookie)
        if session is not None:
            ports.store.users.close_session(digest(session))
        answer = RedirectResponse("/login", HTTPStatus.SEE_OTHER)
        answer.delete_cookie(ports.cookie, path="/", secure=ports.is_secure, httponly=True, samesite="lax")
        return answer

    return router


def own_address(text: str) -> str:
    """The address where it is a page of ours; the board's else: a login must not lead to another site."""
    is_ours = text.startswith("/") and not text.startswith("//") and "\\" not in text and text.isprintable()
    return text if is_ours else "/"


def _enter(ports: Ports, pages: Pages, body: bytes, address: str) -> Response:
    form = _fields(body)
    name, back = form.get("name", ""), own_address(form.get("next", "/"))
    try:
        opened = opened_session(ports, Login(name=name, password=SecretStr(form.get("password", ""))), address)
    except ValidationError:
        return _again(pages, back, name, "give a name and a password", HTTPStatus.BAD_REQUEST)
    except CodeNeeded as needed:
        return _half_way(ports, needed.user.name, back)
    except Problem as problem:
        return _again(pages, back, name, problem.detail, HTTPStatus(problem.status_code))
    return led_to(back, opened)


def _enter_code(ports: Ports, pages: Pages, request: Request, body: bytes) -> Response:
    form = _fields(body)
    back, code = own_address(form.get("next", "/")), form.get("code", "")[:LONGEST_CODE]
    half, address = _half(ports, request), request.client.host if request.client else ""
    try:
        opened = session_by_code(ports, half, code, address)
    except LoginOver as over:
        return _again(pages, back, "", over.detail, HTTPStatus.UNAUTHORIZED)
    except Problem as problem:
        status = HTTPStatus(problem.status_code)
        return pages.html("login_code.html", status=status, next=back, problem=problem.detail, longest=LONGEST_CODE)
    answer = led_to(back, opened)
    take_key_away(ports, answer)
    return answer


def led_to(page: str, opened: Response) -> Response:
    """On to a page of ours, with the cookie of the session that was opened."""
    answer = RedirectResponse(page, HTTPStatus.SEE_OTHER)
    answer.raw_headers += [h for h in opened.raw_headers if h[0] == b"set-cookie"]
    return answer


def _half_way(ports: Ports, user: str, back: str) -> Response:
    """On to the page for the code: what is known so far stays here, the browser gets a key to it and no session."""
    secret = secrets.token_urlsafe(_BYTES)
    ports.store.second_factors.begin_login(digest(secret), user, ports.clock.now() + CODE_WITHIN)
    answer = RedirectResponse(f"/login/code?next={quote(back, safe='')}", HTTPStatus.SEE_OTHER)
    put_key(ports, answer, secret, CODE_WITHIN)
    return answer


def put_key(ports: Ports, answer: Response, secret: str, lasts: timedelta) -> None:
    """Give the browser the key to a login of its that has begun."""
    age = int(lasts.total_seconds())
    answer.set_cookie(
        ports.login_cookie, secret, max_age=age, path="/", secure=ports.is_secure, httponly=True, samesite="lax"
    )


def take_key_away(ports: Ports, answer: Response) -> None:
    """That login has come to its end."""
    answer.delete_cookie(ports.login_cookie, path="/", secure=ports.is_secure, httponly=True, samesite="lax")


def _half(ports: Ports, request: Request) -> str:
    """The digest of what this browser knows of a login that waits for a code; one that none has where it knows none."""
    return digest(request.cookies.get(ports.login_cookie, ""))


def _fields(body: bytes) -> dict[str, str]:
    """The last value of each field."""
    form = parse_qs(body.decode("utf-8", "replace"), max_num_fields=_MOST_FIELDS, keep_blank_values=True)
    return {name: values[-1] for name, values in form.items()}


def _again(pages: Pages, back: str, name: str, problem: str, status: HTTPStatus) -> Response:
    return pages.html("login.html", status=status, next=back, name=name[:100], problem=problem)
