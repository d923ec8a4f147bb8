"""Who looks at a page: like any caller of the API, but one who is not known is sent to log in, and reads refusals."""

from http import HTTPStatus
from typing import Annotated
from urllib.parse import quote

from fastapi import Depends, FastAPI, Request, Response
from fastapi.responses import RedirectResponse
from fastapi.security import APIKeyCookie

from daemon.api.access import CHANGE_AT, AccountFirst, Caller, Require
from daemon.api.ports import COOKIE, Ports
from daemon.api.problems import Problem
from daemon.console.pages import Pages
from rules.access import Permission
from rules.errors import IncidentdError

_cookie = APIKeyCookie(name=COOKIE, auto_error=False)


class LoginNeeded(IncidentdError):
    """Nobody known asks for a page."""


class ChangeNeeded(IncidentdError):
    """Somebody has to do something at their account before they see this page."""


class PageRefused(IncidentdError):
    """A page that cannot be shown, or something on it that was refused, with the `problem` as the API would answer."""

    def __init__(self, problem: Problem) -> None:
        super().__init__(problem.detail)
        self.problem = problem


class Visit(Require):
    """Declares the permission that a page needs."""

    def __call__(  # type: ignore[override]
        self, request: Request, _: Annotated[str | None, Depends(_cookie)]
    ) -> Caller:
        """The visitor; LoginNeeded or PageRefused."""
        try:
            return super().__call__(request, None, _)
        except AccountFirst:
            raise ChangeNeeded from None
        except Problem as problem:
            if problem.status_code == HTTPStatus.UNAUTHORIZED:
                raise LoginNeeded from None
            raise PageRefused(problem) from None


def visit(ports: Ports, permission: Permission = "read", *, by_service: bool = False) -> Visit:
    """A dependency for pages that lets through only who may do this; `by_service` as in `daemon.api.access.require`."""
    return Visit(ports, permission, by_service=by_service)


def add_page_handlers(app: FastAPI, pages: Pages) -> None:
    """Answer people, not programs, where a page cannot be shown."""

    def shown(problem: Problem) -> Response:
        status = HTTPStatus(problem.status_code)
        page = pages.html("refused.html", status=status, title=status.phrase, detail=problem.detail)
        page.headers.update(problem.headers or {})
        return page

    app.state.problem_page = shown

    @app.exception_handler(LoginNeeded)
    async def log_in(request: Request, _: LoginNeeded) -> Response:
        back = request.url.path + (f"?{request.url.query}" if request.url.query else "")
        address = f"/login?next={quote(back if request.method == 'GET' else '/', safe='')}"
        if request.headers.get("hx-request"):
            return Response(status_code=HTTPStatus.UNAUTHORIZED, headers={"HX-Redirect": address})
        return RedirectResponse(address, HTTPStatus.SEE_OTHER)

    @app.exception_handler(ChangeNeeded)
    async def account_first(request: Request, _: ChangeNeeded) -> Response:
        if request.headers.get("hx-request"):
            return Response(status_code=HTTPStatus.FORBIDDEN, headers={"HX-Redirect": CHANGE_AT})
        return RedirectResponse(CHANGE_AT, HTTPStatus.SEE_OTHER)

    @app.exception_handler(PageRefused)
    async def refuse(_: Request, error: PageRefused) -> Response:
        return shown(error.problem)
