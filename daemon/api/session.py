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
from daemon.second_factor import FactorRefused
from daemon.store.rows import Credentials, UserRow
from rules.access import LONGEST_NAME, LONGEST_PASSWORD, granted, user_name
from rules.document import rfc3339

_SESSION_BYTES = 32
_AT_ONCE = 8
LONGEST_CODE = 64
_CHALLENGE = {"WWW-Authenticate": 'Bearer realm="incidentd"'}
_log = structlog.get_logger(__name__)


class Login(BaseModel):
    """A user's name and password, and where they have a second factor a code of it, or a recovery code."""

    model_config = ConfigDict(extra="forbid")
    name: Annotated[str, Field(min_length=1, max_length=LONGEST_NAME)]
    password: Annotated[SecretStr, Field(min_length=1, max_length=LONGEST_PASSWORD)]
    code: Annotated[SecretStr | None, Field(max_length=LONGEST_CODE)] = None


class CodeNeeded(Problem):
    """The password was right, and a code is to come: `user` has a second factor."""

    def __init__(self, user: UserRow) -> None:
        detail = "a code of the second factor, or a recovery code, is needed as well: send it as `code`"
        super().__init__(HTTPStatus.UNAUTHORIZED, detail, headers=_CHALLENGE, needs="code")
        self.user = user


class LoginOver(Problem):
    """A login waits for a code no more: its time is over, or its user was changed meanwhile."""

    def __init__(self) -> None:
        super().__init__(HTTPStatus.UNAUTHORIZED, "that took too long: log in once more", headers=_CHALLENGE)


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
    """Who one is from now on, with the cookie of a new session; a Problem where the name, the password or the code is
    wrong, or too many were. CodeNeeded where there is no code and one is needed."""
    checked = checked_password(ports, login.name, login.password.get_secret_value(), address)
    if not checked.user.has_second_factor:
        return session_for(ports, checked, address)
    if login.code is None:
        raise CodeNeeded(checked.user)
    check_code(ports, checked.user.name, login.code.get_secret_value(), address)
    return session_for(ports, checked, address)


def checked_password(ports: Ports, name: str, password: str, address: str) -> Credentials:
    """The user as they are, whose password this is; a Problem where it is not, or too many were wrong."""
    name = _asked_for(name)
    count_attempt(ports, name, address)
    known = ports.store.users.credentials(name)
    hashed = None if known is None else known.password_hash
    if not _is_right(hashed, password) or known is None:
        raise _refused(name, address)
    return known


def session_by_code(ports: Ports, half: str, code: str, address: str) -> Response:
    """As `opened_session`, for the login with that digest, whose password was right a moment ago; LoginOver where it
    waits no more."""
    factors = ports.store.second_factors
    name = factors.waiting(half)
    if name is None:
        raise LoginOver
    count_attempt(ports, name, address)
    known = ports.store.users.credentials(name)
    if known is None:
        raise _refused(name, address)
    check_code(ports, name, code, address)
    # Whoever got another password meanwhile was read with it: their login is over, and says so here only.
    if not factors.end_login(half):
        raise LoginOver
    return session_for(ports, known, address)


def check_code(ports: Ports, name: str, code: str, address: str) -> None:
    """A Problem where this is not a code of the user's second factor, or was used before."""
    try:
        is_right = ports.second_factor.accepts(name, code)
    except FactorRefused as error:
        raise Problem(HTTPStatus.UNAUTHORIZED, str(error), headers=_CHALLENGE) from None
    if not is_right:
        _log.warning("login_refused", user=name, address=address, why="code")
        detail = "the code is wrong, or was used already; the app shows another one every 30 seconds"
        raise Problem(HTTPStatus.UNAUTHORIZED, detail, headers=_CHALLENGE)


def count_attempt(ports: Ports, name: str, address: str) -> None:
    """Count a password or code before it is checked; a 429 where there were too many wrong ones."""
    wait = ports.store.users.begin_login(name, address)
    if wait is None:
        return
    _log.warning("login_throttled", user=name, address=address)
    seconds = max(1, int((wait - ports.clock.now()).total_seconds()) + 1)
    detail = f"too many wrong passwords or codes; try again in {seconds} s"
    raise Problem(HTTPStatus.TOO_MANY_REQUESTS, detail, headers={"Retry-After": str(seconds)})


def session_for(ports: Ports, checked: Credentials, address: str) -> Response:
    """Who one is from now on, with the cookie of a new session; a Problem where the user was changed or shut out since
    they were `checked`."""
    opened = _opened(ports, checked)
    if opened is None:
        raise _refused(checked.user.name, address)
    _log.info("login", user=checked.user.name, address=address)
    return opened


def _refused(name: str, address: str) -> Problem:
    _log.warning("login_refused", user=name, address=address)
    return Problem(HTTPStatus.UNAUTHORIZED, "the name or the password is wrong", headers=_CHALLENGE)


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
