"""Logging in and out, and who one is."""

import secrets
from http import HTTPStatus
from typing import Annotated

import anyio
import msgspec
import structlog
from fastapi import APIRouter, Depends, Request, Response
from pydantic import BaseModel, ConfigDict, Field, SecretStr

from daemon.api.access import Caller, anyone, digest, require
from daemon.api.documents import json_response
from daemon.api.openapi import answers
from daemon.api.ports import Ports
from daemon.api.problems import Problem
from daemon.passwords import is_right
from daemon.store.rows import Credentials
from rules.access import LONGEST_NAME, LONGEST_PASSWORD, granted, user_name
from rules.document import rfc3339

_SESSION_BYTES = 32
_AT_ONCE = 8
_log = structlog.get_logger(__name__)


class Login(BaseModel):
    """A user's name and password."""

    model_config = ConfigDict(extra="forbid")
    name: Annotated[str, Field(min_length=1, max_length=LONGEST_NAME)]
    password: Annotated[SecretStr, Field(min_length=1, max_length=LONGEST_PASSWORD)]


class Me(msgspec.Struct, frozen=True, kw_only=True):
    """Who one is here: `role` is null for a service's token and where nobody has logged in, `token` for a session;
    `services` are the business services that one is limited to, none where one sees everything; `expires_at` is when
    the token or session ends."""

    name: str
    role: str | None
    groups: tuple[str, ...]
    services: tuple[str, ...]
    permissions: tuple[str, ...]
    token: str | None
    expires_at: str | None


def session_routes(ports: Ports) -> APIRouter:
    """/api/v1/session and /api/v1/me."""
    router = APIRouter(tags=["access"])
    own = require(ports, "account")
    # Passwords are slow to check: whoever tries many must not hold the threads of others.
    trying = anyio.CapacityLimiter(_AT_ONCE)

    @router.post(
        "/api/v1/session",
        summary="Log in",
        responses=answers(Me, HTTPStatus.UNAUTHORIZED, HTTPStatus.TOO_MANY_REQUESTS),
        dependencies=[Depends(anyone)],
    )
    async def log_in(login: Login, request: Request) -> Response:
        address = request.client.host if request.client else ""
        return await anyio.to_thread.run_sync(opened_session, ports, login, address, limiter=trying)

    @router.delete("/api/v1/session", summary="Log out", status_code=HTTPStatus.NO_CONTENT, response_class=Response)
    def log_out(request: Request, caller: Annotated[Caller, Depends(own)]) -> Response:
        session = request.cookies.get(ports.cookie)
        if session is not None:
            ports.store.users.close_session(digest(session))
            _log.info("logout", user=caller.name)
        answer = Response(status_code=HTTPStatus.NO_CONTENT)
        answer.delete_cookie(ports.cookie, path="/", secure=ports.is_secure, httponly=True, samesite="lax")
        return answer

    @router.get("/api/v1/me", summary="Who one is, and what one may do", responses=answers(Me))
    def me(caller: Annotated[Caller, Depends(own)]) -> Response:
        return json_response(
            Me(
                name=caller.name,
                role=None if caller.user is None else str(caller.user.role),
                groups=() if caller.user is None else caller.user.groups,
                services=tuple(sorted(caller.services)),
                permissions=tuple(sorted(caller.permissions)),
                token=None if caller.token is None else caller.token.name,
                expires_at=None if caller.expires_at is None else rfc3339(caller.expires_at),
            )
        )

    return router


def opened_session(ports: Ports, login: Login, address: str) -> Response:
    """Who one is from now on, with the cookie of a new session; a Problem where the name or the password is wrong, or
    too many were."""
    name = _asked_for(login.name)
    users = ports.store.users
    if (wait := users.begin_login(name, address)) is not None:
        _log.warning("login_throttled", user=name, address=address)
        seconds = max(1, int((wait - ports.clock.now()).total_seconds()) + 1)
        detail = f"too many wrong passwords; try again in {seconds} s"
        raise Problem(HTTPStatus.TOO_MANY_REQUESTS, detail, headers={"Retry-After": str(seconds)})
    known = users.credentials(name)
    hashed = None if known is None else known.password_hash
    opened = None
    if _is_right(hashed, login.password.get_secret_value()) and known is not None:
        opened = _opened(ports, known)
    if opened is None:
        _log.warning("login_refused", user=name, address=address)
        challenge = {"WWW-Authenticate": 'Bearer realm="incidentd"'}
        raise Problem(HTTPStatus.UNAUTHORIZED, "the name or the password is wrong", headers=challenge)
    _log.info("login", user=name, address=address)
    return opened


def _asked_for(text: str) -> str:
    """The name as it is kept; empty, which nobody is called, for what cannot be one and should not be logged."""
    try:
        return user_name(text)
    except ValueError:
        return ""


def _is_right(hashed: str | None, password: str) -> bool:
    try:
        return is_right(hashed, password)
    except TimeoutError as error:
        raise Problem(HTTPStatus.SERVICE_UNAVAILABLE, str(error), headers={"Retry-After": "5"}) from None


def _opened(ports: Ports, checked: Credentials) -> Response | None:
    """A new session, whose id goes to the browser only; None where the user was changed or shut out meanwhile."""
    user = checked.user
    secret = secrets.token_urlsafe(_SESSION_BYTES)
    expires_at = ports.clock.now() + ports.session_lasts
    if not ports.store.users.open_session(user.name, digest(secret), expires_at, checked):
        return None
    answer = json_response(
        Me(
            name=user.name,
            role=str(user.role),
            groups=user.groups,
            services=user.services,
            permissions=tuple(sorted(granted(user.role, None))),
            token=None,
            expires_at=rfc3339(expires_at),
        )
    )
    answer.set_cookie(
        ports.cookie,
        secret,
        max_age=int(ports.session_lasts.total_seconds()),
        path="/",
        secure=ports.is_secure,
        httponly=True,
        samesite="lax",
    )
    return answer
