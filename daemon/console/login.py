"""Logging in and out by a page."""

from http import HTTPStatus
from typing import Annotated
from urllib.parse import parse_qs

import anyio
from fastapi import APIRouter, Depends, Query, Request, Response
from fastapi.responses import RedirectResponse
from pydantic import SecretStr, ValidationError

from daemon.api.access import Caller, anyone, digest
from daemon.api.ports import Ports
from daemon.api.problems import Problem
from daemon.api.session import Login, opened_session
from daemon.console.pages import Pages
from daemon.console.visitor import Visit

_AT_ONCE = 8
_MOST_FIELDS = 8


def login_routes(ports: Ports, pages: Pages, own: Visit) -> APIRouter:
    """/login and /logout."""
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
    form = parse_qs(body.decode("utf-8", "replace"), max_num_fields=_MOST_FIELDS, keep_blank_values=True)
    name, password = form.get("name", [""])[-1], form.get("password", [""])[-1]
    back = own_address(form.get("next", ["/"])[-1])
    try:
        opened = opened_session(ports, Login(name=name, password=SecretStr(password)), address)
    except ValidationError:
        return _again(pages, back, name, "give a name and a password", HTTPStatus.BAD_REQUEST)
    except Problem as problem:
        return _again(pages, back, name, problem.detail, HTTPStatus(problem.status_code))
    answer = RedirectResponse(back, HTTPStatus.SEE_OTHER)
    answer.raw_headers += [h for h in opened.raw_headers if h[0] == b"set-cookie"]
    return answer


def _again(pages: Pages, back: str, name: str, problem: str, status: HTTPStatus) -> Response:
    return pages.html("login.html", status=status, next=back, name=name[:100], problem=problem)
