"""Users, their tokens and those of services, and who administered them."""

from collections.abc import Callable
from datetime import datetime, timedelta
from functools import partial
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Query, Request, Response

from daemon.accounts import (
    AccountRefused,
    add_user,
    give_password,
    give_role,
    known_name,
    known_services,
    limit_user,
    make_token,
    must_exist,
    reset_second_factor,
)
from daemon.api.access import Caller
from daemon.api.ports import Ports
from daemon.config.durations import parse_duration
from daemon.console.form_page import FormPage
from daemon.console.forms import Form
from daemon.console.pages import Pages
from daemon.console.visitor import visit
from daemon.store.rows import Doer
from rules.access import Role, Scope

MOST_ACTS = 100
Secret = tuple[str, str]
"""What was made, and the secret of it, shown this once."""
Acts = dict[str, Callable[[Ports, Form, Doer], Secret | None]]
"""What a page's forms can ask for, by the word in their field `do`."""


def people_routes(ports: Ports, pages: Pages) -> APIRouter:
    """/admin/users, /admin/tokens and /admin/audit."""
    router = APIRouter(include_in_schema=False)
    may = visit(ports, "administer")
    for word, values, acts in (("users", _user_values, USERS), ("tokens", _token_values, TOKENS)):
        FormPage(
            pages=pages,
            path=f"/admin/{word}",
            template=f"{word}.html",
            may=may,
            values=partial(values, ports),
            act=partial(_act, ports, acts),
        ).add_to(router)

    @router.get("/admin/audit")
    def audit(
        request: Request,
        caller: Annotated[Caller, Depends(may)],
        subject: Annotated[str, Query(max_length=100)] = "",
        offset: Annotated[int, Query(ge=0, le=1_000_000)] = 0,
    ) -> Response:
        found = ports.store.audit.latest(MOST_ACTS + 1, offset, subject.strip())
        more = offset + MOST_ACTS if len(found) > MOST_ACTS else None
        shown = found[:MOST_ACTS]
        return pages.page(request, caller, "audit.html", acts=shown, subject=subject.strip(), more=more)

    return router


def _act(ports: Ports, acts: Acts, _: Request, caller: Caller, form: Form) -> dict[str, Any] | None:
    """Do what the form asks for; a secret that was made is shown at once, on the one page that holds it."""
    act = acts.get(form.get("do"))
    if act is None:
        raise AccountRefused("that is not known")
    made = act(ports, form, Doer(name=caller.name, via="console"))
    return None if made is None else {"made": made}


def _add(ports: Ports, form: Form, by: Doer) -> Secret | None:
    name, role = known_name(form.get("name")), _role(form)
    groups, services = _words(form, "groups"), _services(ports, form)
    return name, add_user(ports.store, name, role, groups, is_temporary=True, services=services, by=by)


def _change_role(ports: Ports, form: Form, by: Doer) -> Secret | None:
    name = known_name(form.get("name"))
    _not_oneself(name, by, "role")
    give_role(ports.store, name, _role(form), _words(form, "groups"), by=by)
    return None


def _limit(ports: Ports, form: Form, by: Doer) -> Secret | None:
    name = known_name(form.get("name"))
    _not_oneself(name, by, "sight")
    limit_user(ports.store, name, _services(ports, form), by=by)
    return None


def _new_password(ports: Ports, form: Form, by: Doer) -> Secret | None:
    name = known_name(form.get("name"))
    return name, give_password(ports.store, name, is_temporary=True, by=by)


def _reset_factor(ports: Ports, form: Form, by: Doer) -> Secret | None:
    name = known_name(form.get("name"))
    _not_oneself(name, by, "second factor")
    reset_second_factor(ports.store, name, by=by)
    return None


def _disable(ports: Ports, form: Form, by: Doer) -> Secret | None:
    name = known_name(form.get("name"))
    _not_oneself(name, by, "access")
    must_exist(name, ports.store.users.set_disabled(name, disabled=True, by=by))
    return None


def _enable(ports: Ports, form: Form, by: Doer) -> Secret | None:
    name = known_name(form.get("name"))
    must_exist(name, ports.store.users.set_disabled(name, disabled=False, by=by))
    return None


def _create(ports: Ports, form: Form, by: Doer) -> Secret | None:
    scopes = [Scope(word) for word in form.all("scope") if word in list(Scope)]
    if not scopes:
        raise AccountRefused("a token needs a scope: what it allows")
    ends = _end(form.get("expires"), ports.clock.now())
    return make_token(ports.store, form.get("name"), scopes, owner=form.get("owner"), expires_at=ends, by=by)


def _revoke(ports: Ports, form: Form, by: Doer) -> Secret | None:
    if not ports.store.revoke_token(form.get("name"), by=by):
        raise AccountRefused("there is no token of that name any more")
    return None


USERS: Acts = {
    "add": _add,
    "role": _change_role,
    "limit": _limit,
    "password": _new_password,
    "factor": _reset_factor,
    "disable": _disable,
    "enable": _enable,
}
TOKENS: Acts = {"create": _create, "revoke": _revoke}


def _words(form: Form, field: str) -> list[str]:
    return form.get(field).replace(",", " ").split()


def _services(ports: Ports, form: Form) -> tuple[str, ...]:
    # The id of a CI may hold blanks.
    named = [name.strip() for name in form.get("services").split(",")]
    return known_services(ports.estate(), filter(None, named))


def _role(form: Form) -> Role:
    try:
        return Role(form.get("role"))
    except ValueError:
        raise AccountRefused(f"choose a role: {', '.join(Role)}") from None


def _not_oneself(name: str, by: Doer, what: str) -> None:
    """Nobody can shut themselves out by a slip; another administrator can."""
    if name == by.name:
        raise AccountRefused(f"you cannot take your own {what} away; another administrator can")


def _end(text: str, now: datetime) -> datetime | None:
    if not text:
        return None
    try:
        lasts = parse_duration(text)
    except ValueError as error:
        raise AccountRefused(f"{error}; allowed: as in 90d, or nothing for ever") from None
    if lasts <= timedelta():
        raise AccountRefused("a token that has ended before it begins is of no use")
    return now + lasts


def _user_values(ports: Ports) -> dict[str, Any]:
    return {"made": None, "users": ports.store.users.all(), "roles": list(Role)}


def _token_values(ports: Ports) -> dict[str, Any]:
    tokens, users = ports.store.tokens(), ports.store.users.all()
    return {"made": None, "tokens": tokens, "scopes": list(Scope), "users": users}
