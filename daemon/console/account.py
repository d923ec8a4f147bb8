"""One's own account: who one is here, another password, and a second factor."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from http import HTTPStatus
from typing import Any

from fastapi import APIRouter, Request
from markupsafe import Markup

from daemon.accounts import give_password
from daemon.api.access import CHANGE_AT, Caller, digest
from daemon.api.ports import Ports
from daemon.api.problems import Problem
from daemon.api.session import LONGEST_CODE, check_code, checked_password, session_for
from daemon.console.form_page import FormPage, Outcome
from daemon.console.forms import Form
from daemon.console.login import led_to
from daemon.console.pages import Pages
from daemon.console.visitor import visit
from daemon.store.rows import Doer, UserRow
from rules.access import SHORTEST_PASSWORD, wrong_password


def account_routes(ports: Ports, pages: Pages) -> APIRouter:
    """/account."""
    router = APIRouter(include_in_schema=False)
    AccountPage(ports, pages).add_to(router)
    return router


@dataclass(frozen=True, slots=True, kw_only=True)
class _Asked:
    """Who sent which form."""

    request: Request
    user: UserRow
    form: Form

    @property
    def address(self) -> str:
        return self.request.client.host if self.request.client else ""

    @property
    def doer(self) -> Doer:
        return Doer(name=self.user.name, via="console")


class AccountPage:
    """The page, and what its forms do by the word in their field `do`."""

    def __init__(self, ports: Ports, pages: Pages) -> None:
        self._ports = ports
        self._factor = ports.second_factor
        acts: dict[str, Callable[[_Asked], Outcome]] = {
            "password": self._change_password,
            "begin": self._begin,
            "confirm": self._confirm,
            "codes": self._renew_codes,
            "off": self._switch_off,
        }
        self._page = FormPage(
            pages=pages,
            path=CHANGE_AT,
            template="account.html",
            may=visit(ports, "account"),
            values=self._values,
            act=partial(_act, acts),
        )

    def add_to(self, router: APIRouter) -> None:
        """Serve it."""
        self._page.add_to(router)

    def _values(self) -> dict[str, Any]:
        return {
            "shortest": SHORTEST_PASSWORD,
            "longest_code": LONGEST_CODE,
            "setup": None,
            "codes": (),
            "begun": self._factor.begun,
            "codes_left": self._factor.codes_left,
            "drawn": Markup,
        }

    def _change_password(self, asked: _Asked) -> Outcome:
        old, new, again = (asked.form.secret(name) for name in ("old", "new", "again"))
        name = asked.user.name
        if new != again:
            raise ValueError("the new password was not the same twice")
        if wrong := wrong_password(new, name):
            raise ValueError(wrong)
        if new == old:
            raise ValueError("the new password is the old one")
        self._check_password(asked, old, "the old password is wrong")
        give_password(self._ports.store, name, new, by=asked.doer)
        checked = checked_password(self._ports, name, new, asked.address)
        return led_to("/", session_for(self._ports, checked, asked.address))

    def _begin(self, asked: _Asked) -> Outcome:
        self._check_password(asked, asked.form.secret("password"))
        self._ports.store.users.forget_attempts(asked.user.name)
        return {"setup": self._factor.begin(asked.user.name)}

    def _confirm(self, asked: _Asked) -> Outcome:
        name, session = asked.user.name, asked.request.cookies.get(self._ports.cookie, "")
        return {
            "codes": self._factor.confirm(name, asked.form.get("code"), keep=digest(session), by=asked.doer),
        }

    def _renew_codes(self, asked: _Asked) -> Outcome:
        self._check_both(asked)
        return {"codes": self._factor.renew_codes(asked.user.name, by=asked.doer)}

    def _switch_off(self, asked: _Asked) -> Outcome:
        self._check_both(asked)
        session = asked.request.cookies.get(self._ports.cookie, "")
        self._ports.store.second_factors.remove(
            asked.user.name, keep=digest(session), by=asked.doer, action="second factor switched off"
        )
        return None

    def _check_both(self, asked: _Asked) -> None:
        self._check_password(asked, asked.form.secret("password"))
        check_code(self._ports, asked.user.name, asked.form.get("code"), asked.address)
        self._ports.store.users.forget_attempts(asked.user.name)

    def _check_password(self, asked: _Asked, password: str, wrong: str = "the password is wrong") -> None:
        """Like at a login: counted and slowed down."""
        try:
            checked_password(self._ports, asked.user.name, password, asked.address)
        except Problem as problem:
            if problem.status_code != HTTPStatus.UNAUTHORIZED:
                raise
            raise Problem(HTTPStatus.UNAUTHORIZED, wrong) from None


def _act(acts: Mapping[str, Callable[[_Asked], Outcome]], request: Request, caller: Caller, form: Form) -> Outcome:
    if caller.user is None or caller.token is not None:
        raise Problem(HTTPStatus.FORBIDDEN, "log in by your name and password first")
    act = acts.get(form.get("do", "password"))
    if act is None:
        raise ValueError("that is not known")
    return act(_Asked(request=request, user=caller.user, form=form))
