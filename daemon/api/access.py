"""Who asks, and whether they may: sessions of people, bearer tokens, or everybody where access is open on the loopback.

Every route names the permission that it needs, by `require` or `anyone`; `check_declared` lets no other route in.
"""

import hashlib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from datetime import datetime
from http import HTTPStatus
from typing import Annotated, Literal

import structlog
from fastapi import Depends, Request
from fastapi.dependencies.models import Dependant
from fastapi.routing import APIRoute
from fastapi.security import APIKeyCookie, HTTPAuthorizationCredentials, HTTPBearer
from starlette.routing import BaseRoute

from daemon.api.ports import COOKIE, Ports
from daemon.api.problems import Problem
from daemon.api.repeats import claim
from daemon.store.rows import Bearer, TokenRow, UserRow
from rules.access import PERMISSIONS, SCOPES, Permission, granted, holders
from rules.errors import IncidentdError

ANONYMOUS = "anonymous"
MAX_ACTOR = 128
CHANGE_AT = "/account"
"""The page on which people change their password and set up a second factor."""
_log = structlog.get_logger(__name__)
_bearer = HTTPBearer(auto_error=False, description="A token made with `incidentd token create`.")
_cookie = APIKeyCookie(name=COOKIE, auto_error=False, description="A session made at /api/v1/session.")


@dataclass(frozen=True, slots=True, kw_only=True)
class Caller:
    """Who asks, and what they may do. `is_known` is false where access is open and nobody has logged in: the caller may
    then say who they are. Of `user` and `token` a session has the first, a service the second, a user's token both.
    `route` is what they ask, as in `POST /api/v1/incidents/{number}/close`. `owes` is what they have to do at their
    account before anything else, in words; empty as a rule. `services` are the business services that they are limited
    to, none where they see everything."""

    name: str
    is_known: bool
    permissions: frozenset[Permission]
    user: UserRow | None = None
    token: TokenRow | None = None
    expires_at: datetime | None = None
    route: str = ""
    owes: str = ""
    services: frozenset[str] = frozenset()

    @property
    def is_staff(self) -> bool:
        """Whether they may work on incidents, not on their own only."""
        return "write" in self.permissions


class UndeclaredRoute(IncidentdError):
    """A route does not say who may use it; a flaw of ours, found at the start."""


class AccountFirst(Problem):
    """Somebody has to do something at their account before anything else."""

    def __init__(self, caller: Caller) -> None:
        super().__init__(HTTPStatus.FORBIDDEN, f"{caller.owes} first: {CHANGE_AT}")


class Anyone:
    """Declares a route for everybody, known or not."""

    def __call__(self) -> None:
        """Let everybody through."""


class Require:
    """Declares the permission that a route needs, and lets through only who has it."""

    def __init__(self, ports: Ports, permission: Permission, *, by_service: bool = False) -> None:
        self._ports = ports
        self.permission: Permission = permission
        # What concerns oneself only shows nothing of any service.
        self.by_service = by_service or permission == "account"

    def __call__(
        self,
        request: Request,
        credentials: Annotated[HTTPAuthorizationCredentials | None, Depends(_bearer)],
        _: Annotated[str | None, Depends(_cookie)],
    ) -> Caller:
        """The caller; 401 where nobody knows them, 403 where they may not. A repeated request ends here."""
        caller = self._caller(request, credentials)
        caller = replace(caller, route=_route_of(request), owes=self._owed(caller))
        if self.permission not in caller.permissions:
            raise lacking(caller, self.permission)
        if caller.services and not self.by_service:
            raise limited(caller)
        if caller.owes and self.permission != "account":
            note_refusal(caller, why=caller.owes)
            raise AccountFirst(caller)
        claim(request, self._ports.store.answers, caller.name)
        return caller

    def _owed(self, caller: Caller) -> str:
        """What they have to do before they may do anything else; a token is no login."""
        user = caller.user
        if user is None or caller.token is not None or self._ports.access != "login":
            return ""
        if user.is_temporary:
            return f"the password of {user.name} must be changed"
        has_none = not (user.has_second_factor or user.is_external)
        if user.role in self._ports.second_factor_for and has_none:
            return f"{user.name} must set up a second factor"
        return ""

    def _caller(self, request: Request, credentials: HTTPAuthorizationCredentials | None) -> Caller:
        if self._ports.access == "open":
            return self._in_the_open(request, credentials)
        bearer = self._given(request, credentials)
        if bearer is None and credentials is not None:
            raise _unauthorized("this token is not known here", ', error="invalid_token"')
        if bearer is None:
            raise _unauthorized("give a token (Authorization: Bearer TOKEN), or log in at /api/v1/session", "")
        if wrong := self._wrong_with(bearer):
            note_refusal(replace(_known(bearer), route=_route_of(request)), why=wrong)
            raise _unauthorized(wrong, ', error="invalid_token"')
        return _known(bearer)

    def _in_the_open(self, request: Request, credentials: HTTPAuthorizationCredentials | None) -> Caller:
        """Everybody may do everything; who has logged in is named, others may say who they are."""
        bearer = self._given(request, credentials)
        everything = frozenset(PERMISSIONS)
        if bearer is not None and not self._wrong_with(bearer):
            return replace(_known(bearer), permissions=everything, services=frozenset())
        said = request.headers.get("x-incidentd-actor", "").strip()[:MAX_ACTOR]
        return Caller(name=said or ANONYMOUS, is_known=False, permissions=everything)

    def _given(self, request: Request, credentials: HTTPAuthorizationCredentials | None) -> Bearer | None:
        """What stands behind the token, else behind the session, that came along."""
        if credentials is not None:
            return self._ports.store.token_bearer(digest(credentials.credentials))
        session = request.cookies.get(self._ports.cookie)
        return None if session is None else self._ports.store.users.session_bearer(digest(session))

    def _wrong_with(self, bearer: Bearer) -> str:
        what = "session" if bearer.token is None else f"token {bearer.token.name}"
        if bearer.expires_at is not None and bearer.expires_at <= self._ports.clock.now():
            return f"the {what} has expired"
        owner = bearer.token.owner if bearer.token is not None else ""
        if bearer.user is None and owner:
            return f"the {what} belongs to nobody any more"
        if bearer.user is not None and bearer.user.disabled_at is not None:
            return f"the user {bearer.user.name} is disabled"
        return ""


class Guest(Anyone):
    """Declares a route for everybody that shows more to who may read: the caller where somebody known asks."""

    def __init__(self, ports: Ports) -> None:
        self._reading = Require(ports, "read", by_service=True)

    def __call__(  # type: ignore[override]
        self,
        request: Request,
        credentials: Annotated[HTTPAuthorizationCredentials | None, Depends(_bearer)],
        _: Annotated[str | None, Depends(_cookie)],
    ) -> Caller | None:
        """Let everybody through."""
        try:
            return self._reading(request, credentials, _)
        except Problem:
            return None


anyone = Anyone()


def require(ports: Ports, permission: Permission, *, by_service: bool = False) -> Require:
    """A dependency that lets through only who may do this; 401 without a valid token or session, 403 without the
    permission. Callers who are limited to business services get a 403 too, but `by_service`: by this a route says that
    it shows them nothing but what is theirs."""
    return Require(ports, permission, by_service=by_service)


def digest(secret: str) -> str:
    """What is kept of a token or of a session's id: the SHA-256, in hex. Looking it up takes no time that depends on
    how much of the secret is right."""
    return hashlib.sha256(secret.encode("utf-8", "replace")).hexdigest()


def lacking(caller: Caller, permission: Permission) -> Problem:
    """A 403 that says what is missing and who has it; it is noted in the log."""
    note_refusal(caller, permission=permission)
    if caller.token is not None and (caller.user is None or permission in granted(caller.user.role, None)):
        scope = next(scope for scope, allowed in SCOPES.items() if permission in allowed)
        challenge = f'Bearer realm="incidentd", error="insufficient_scope", scope="{scope}"'
        detail = f"the token {caller.token.name} lacks the permission {permission}; the scope {scope} gives it"
        return Problem(HTTPStatus.FORBIDDEN, detail, headers={"WWW-Authenticate": challenge})
    role = "" if caller.user is None else f", whose role is {caller.user.role},"
    detail = f"{caller.name}{role} lacks the permission {permission}; allowed: {', '.join(holders(permission))}"
    return Problem(HTTPStatus.FORBIDDEN, detail)


def limited(caller: Caller) -> Problem:
    """A 403 for who is limited to business services, where more than these would be shown; it is noted in the log."""
    note_refusal(caller, why="limited to services")
    mine = ", ".join(sorted(caller.services))
    return Problem(HTTPStatus.FORBIDDEN, f"{caller.name} sees only what concerns {mine}; this is about more than that")


def note_refusal(caller: Caller, **why: str) -> None:
    """Note in the log who was refused, at which route, and why: the user and the token by name, never a secret."""
    _log.warning(
        "access_refused",
        route=caller.route,
        caller=caller.name,
        user=None if caller.user is None else caller.user.name,
        token=None if caller.token is None else caller.token.name,
        **why,
    )


def _route_of(request: Request) -> str:
    """The method and the route's address as the manual has it, without what was put into it."""
    return f"{request.method} {request.scope['route'].path}"


def declared(route: APIRoute) -> Permission | Literal["anyone"]:
    """The permission that a route needs; UndeclaredRoute where it names none or more than one."""
    found: set[Permission | Literal["anyone"]] = set()
    for call in _calls(route.dependant):
        if isinstance(call, Require):
            found.add(call.permission)
        elif isinstance(call, Anyone):
            found.add("anyone")
    if len(found) != 1:
        said = ", ".join(sorted(found)) or "nobody"
        raise UndeclaredRoute(
            f"{' '.join(sorted(route.methods or ()))} {route.path} says that {said} may use it; "
            "allowed: just one `require(ports, …)`, or `anyone`"
        )
    return found.pop()


def is_by_service(route: APIRoute) -> bool:
    """Whether callers who are limited to business services may use the route: it shows them only what is theirs."""
    return all(call.by_service for call in _calls(route.dependant) if isinstance(call, Require))


def check_declared(routes: Iterable[BaseRoute]) -> None:
    """Refuse to serve any route that does not say who may use it; UndeclaredRoute."""
    for route in routes:
        if not isinstance(route, APIRoute):
            raise UndeclaredRoute(f"{route!r} cannot say who may use it; make it with an APIRouter")
        declared(route)


def _calls(dependant: Dependant) -> Iterator[object]:
    for inner in dependant.dependencies:
        yield inner.call
        yield from _calls(inner)


def _known(bearer: Bearer) -> Caller:
    scopes = None if bearer.token is None else bearer.token.scopes
    permissions = granted(None if bearer.user is None else bearer.user.role, scopes)
    named = bearer.user if bearer.user is not None else bearer.token
    name = ANONYMOUS if named is None else named.name
    return Caller(
        name=name,
        is_known=True,
        permissions=permissions,
        user=bearer.user,
        token=bearer.token,
        expires_at=bearer.expires_at,
        services=frozenset(() if bearer.user is None else bearer.user.services),
    )


def _unauthorized(detail: str, more: str) -> Problem:
    headers = {"WWW-Authenticate": f'Bearer realm="incidentd"{more}'}
    return Problem(HTTPStatus.UNAUTHORIZED, detail, headers=headers)
