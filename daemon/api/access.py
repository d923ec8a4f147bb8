"""Who may ask: bearer tokens with scopes, or everybody where access is open on the loopback."""

import hashlib
from collections.abc import Callable
from dataclasses import dataclass
from http import HTTPStatus
from typing import Annotated, Literal

from fastapi import Depends, Request
from fastapi.security import HTTPAuthorizationCredentials, HTTPBearer

from daemon.api.ports import Ports
from daemon.api.problems import Problem

Scope = Literal["push", "read", "write"]

ANONYMOUS = "anonymous"
MAX_ACTOR = 128
_INCLUDED: dict[Scope, frozenset[str]] = {
    "push": frozenset({"push"}),
    "read": frozenset({"read", "write"}),
    "write": frozenset({"write"}),
}
_bearer = HTTPBearer(auto_error=False, description="A token made with `incidentd token add`; scopes push, read, write.")


@dataclass(frozen=True, slots=True, kw_only=True)
class Caller:
    """Who asks. `is_known` is false where access is open: the caller may then say who they are."""

    name: str
    is_known: bool


def require(ports: Ports, scope: Scope) -> Callable[..., Caller]:
    """A dependency that lets through only who may do this; 401 without a valid token, 403 without the scope."""

    def check(
        request: Request, credentials: Annotated[HTTPAuthorizationCredentials | None, Depends(_bearer)]
    ) -> Caller:
        if ports.access == "open":
            said = request.headers.get("x-incidentd-actor", "").strip()[:MAX_ACTOR]
            return Caller(name=said or ANONYMOUS, is_known=False)
        if credentials is None:
            raise _unauthorized("give a token: Authorization: Bearer TOKEN", "")
        digest = hashlib.sha256(credentials.credentials.encode("utf-8", "replace")).hexdigest()
        found = ports.store.token_scopes(digest)
        if found is None:
            raise _unauthorized("this token is not known here", ', error="invalid_token"')
        name, scopes = found
        if not scopes & _INCLUDED[scope]:
            challenge = f'Bearer realm="incidentd", error="insufficient_scope", scope="{scope}"'
            detail = f"the token {name} lacks the scope {scope}"
            raise Problem(HTTPStatus.FORBIDDEN, detail, headers={"WWW-Authenticate": challenge})
        return Caller(name=name, is_known=True)

    return check


def _unauthorized(detail: str, more: str) -> Problem:
    headers = {"WWW-Authenticate": f'Bearer realm="incidentd"{more}'}
    return Problem(HTTPStatus.UNAUTHORIZED, detail, headers=headers)
