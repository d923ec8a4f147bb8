"""Logging in at a provider of single sign-on: there, and back."""

from http import HTTPStatus
from typing import Annotated

import anyio
import structlog
from fastapi import APIRouter, Depends, Query, Request, Response
from fastapi.responses import RedirectResponse

from daemon.api.access import anyone
from daemon.api.ports import Ports
from daemon.api.problems import Problem
from daemon.api.session import session_for
from daemon.console.login import led_to, own_address, put_key, take_key_away
from daemon.console.pages import Pages
from daemon.console.visitor import PageRefused
from daemon.oidc.provider import ProviderFailed
from daemon.oidc.sign_on import WITHIN, CameBack, SignOn, SignOnRefused

BEGIN_AT = "/login/oidc"
BACK_AT = "/login/oidc/back"
_AT_ONCE = 4
Text = Annotated[str, Query(max_length=4096)]
_log = structlog.get_logger(__name__)


def sign_on_routes(ports: Ports, pages: Pages) -> APIRouter:
    """/login/oidc and the address to which the provider sends browsers back."""
    router = APIRouter(include_in_schema=False)
    # The provider may be slow: whoever tries many must not hold the threads of others.
    room = anyio.CapacityLimiter(_AT_ONCE)

    @router.get(BEGIN_AT, dependencies=[Depends(anyone)])
    async def begin(request: Request, next: Annotated[str, Query(max_length=2000)] = "/") -> Response:  # noqa: A002
        return await anyio.to_thread.run_sync(_begin, ports, pages, request, own_address(next), limiter=room)

    @router.get(BACK_AT, dependencies=[Depends(anyone)])
    async def back(request: Request, state: Text = "", code: Text = "", error: Text = "", iss: Text = "") -> Response:
        came = CameBack(
            state=state,
            code=code,
            error=error,
            issuer=iss,
            cookie=request.cookies.get(ports.login_cookie, ""),
            redirect_uri=_back_address(ports, request),
        )
        return await anyio.to_thread.run_sync(_finish, ports, pages, request, came, limiter=room)

    return router


def _begin(ports: Ports, pages: Pages, request: Request, back: str) -> Response:
    sign_on = _sign_on(ports)
    try:
        begun = sign_on.begin(back, _back_address(ports, request))
    except ProviderFailed as error:
        _log.error("sign_on_failed", error=str(error))
        return _refused(pages, str(error), HTTPStatus.BAD_GATEWAY, back)
    answer = RedirectResponse(begun.address, HTTPStatus.SEE_OTHER)
    put_key(ports, answer, begun.cookie, WITHIN)
    return answer


def _finish(ports: Ports, pages: Pages, request: Request, came: CameBack) -> Response:
    address, sign_on = request.client.host if request.client else "", _sign_on(ports)
    try:
        checked, back = sign_on.finish(came)
        answer = led_to(back, session_for(ports, checked, address))
    except ProviderFailed as error:
        _log.error("sign_on_failed", error=str(error))
        return _refused(pages, str(error), HTTPStatus.BAD_GATEWAY)
    except SignOnRefused as error:
        return _refused(pages, str(error), HTTPStatus.FORBIDDEN)
    except Problem:
        return _refused(pages, "you were changed or shut out just now; try again", HTTPStatus.FORBIDDEN)
    take_key_away(ports, answer)
    return answer


def _sign_on(ports: Ports) -> SignOn:
    if ports.sign_on is None:
        raise PageRefused(Problem(HTTPStatus.NOT_FOUND, "there is no single sign-on here"))
    return ports.sign_on


def _back_address(ports: Ports, request: Request) -> str:
    """Where the provider sends the browser back: the provider knows the address, and refuses any other."""
    return (ports.public_url or str(request.base_url)).rstrip("/") + BACK_AT


def _refused(pages: Pages, words: str, status: HTTPStatus, back: str = "/") -> Response:
    return pages.html("login.html", status=status, next=back, name="", problem=words[:1].upper() + words[1:])
