"""One's own account: who one is here, and another password."""

from functools import partial
from http import HTTPStatus

from fastapi import APIRouter, Request, Response
from fastapi.responses import RedirectResponse
from pydantic import SecretStr

from daemon.accounts import give_password
from daemon.api.access import CHANGE_AT, Caller
from daemon.api.ports import Ports
from daemon.api.problems import Problem
from daemon.api.session import Login, opened_session
from daemon.console.form_page import FormPage
from daemon.console.forms import Form
from daemon.console.pages import Pages
from daemon.console.visitor import visit
from daemon.store.rows import Doer
from rules.access import SHORTEST_PASSWORD, wrong_password


def account_routes(ports: Ports, pages: Pages) -> APIRouter:
    """/account."""
    router = APIRouter(include_in_schema=False)
    FormPage(
        pages=pages,
        path=CHANGE_AT,
        template="account.html",
        may=visit(ports, "account"),
        values=lambda: {"shortest": SHORTEST_PASSWORD},
        act=partial(_change, ports),
    ).add_to(router)
    return router


def _change(ports: Ports, request: Request, caller: Caller, form: Form) -> Response:
    if caller.user is None or caller.token is not None:
        raise Problem(HTTPStatus.FORBIDDEN, "log in by your name and password first")
    old, new, again = (form.secret(name) for name in ("old", "new", "again"))
    name, address = caller.user.name, request.client.host if request.client else ""
    if new != again:
        raise ValueError("the new password was not the same twice")
    if wrong := wrong_password(new, name):
        raise ValueError(wrong)
    if new == old:
        raise ValueError("the new password is the old one")
    try:
        # A login by the old password: counted and slowed down like any other.
        opened_session(ports, Login(name=name, password=SecretStr(old or "-")), address)
        give_password(ports.store, name, new, by=Doer(name=name, via="console"))
        opened = opened_session(ports, Login(name=name, password=SecretStr(new)), address)
    except Problem as problem:
        if problem.status_code != HTTPStatus.UNAUTHORIZED:
            raise
        raise Problem(HTTPStatus.UNAUTHORIZED, "the old password is wrong") from None
    answer = RedirectResponse("/", HTTPStatus.SEE_OTHER)
    answer.raw_headers += [h for h in opened.raw_headers if h[0] == b"set-cookie"]
    return answer
