"""One's own account: who one is here, and another password."""

from functools import partial
from http import HTTPStatus

from fastapi import APIRouter, Request, Response
from fastapi.responses import RedirectResponse
from pydantic import SecretStr

from daemon.accounts import AccountRefused, give_password
from daemon.api.access import CHANGE_AT, Caller
from daemon.api.ports import Ports
from daemon.api.problems import Problem
from daemon.api.session import Login, opened_session
from daemon.console.form_page import add_form_page
from daemon.console.forms import Form
from daemon.console.pages import Pages
from daemon.console.visitor import visit
from daemon.store.rows import Doer
from rules.access import SHORTEST_PASSWORD, wrong_password


def account_routes(ports: Ports, pages: Pages) -> APIRouter:
    """/account."""
    router = APIRouter(include_in_schema=False)
    own, show, act = visit(ports, "account"), partial(_page, pages), partial(_change, ports, pages)
    add_form_page(router, CHANGE_AT, own, show, act)
    return router


def _change(ports: Ports, pages: Pages, request: Request, caller: Caller, form: Form) -> Response:
    if caller.user is None or caller.token is not None:
        return _page(pages, request, caller, "log in by your name and password first", HTTPStatus.FORBIDDEN)
    old, new, again = (form.secret(name) for name in ("old", "new", "again"))
    name, address = caller.user.name, request.client.host if request.client else ""
    if new != again:
        return _page(pages, request, caller, "the new password was not the same twice")
    if wrong := wrong_password(new, name):
        return _page(pages, request, caller, wrong)
    if new == old:
        return _page(pages, request, caller, "the new password is the old one")
    try:
        # A login by the old password: counted and slowed down like any other.
        opened_session(ports, Login(name=name, password=SecretStr(old or "-")), address)
        give_password(ports.store, name, new, by=Doer(name=name, via="console"))
        opened = opened_session(ports, Login(name=name, password=SecretStr(new)), address)
    except Problem as problem:
        words = "the old password is wrong" if problem.status_code == HTTPStatus.UNAUTHORIZED else problem.detail
        return _page(pages, request, caller, words, HTTPStatus(problem.status_code))
    except AccountRefused as error:
        return _page(pages, request, caller, str(error))
    answer = RedirectResponse("/", HTTPStatus.SEE_OTHER)
    answer.raw_headers += [h for h in opened.raw_headers if h[0] == b"set-cookie"]
    return answer


def _page(
    pages: Pages, request: Request, caller: Caller, wrong: str = "", status: HTTPStatus = HTTPStatus.BAD_REQUEST
) -> Response:
    code = status if wrong else HTTPStatus.OK
    return pages.page(request, caller, "account.html", status=code, wrong=wrong, shortest=SHORTEST_PASSWORD)
