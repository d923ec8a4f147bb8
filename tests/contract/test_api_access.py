"""Who gets in and what they reach: each role, token and session at each route, as the manual says; logging in."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta
from itertools import product
from pathlib import Path
from typing import Any

import pytest
import requests
from fastapi import APIRouter, Depends
from starlette.routing import Mount
from structlog.testing import capture_logs

from cmdb.graph import Estate
from daemon.api.access import UndeclaredRoute, anyone, check_declared, digest, require
from daemon.api.openapi import openapi_routes
from daemon.api.ports import COOKIE
from daemon.store.rows import Doer
from rules.access import Role, Scope
from rules.decision import Decision, Reply
from rules.incident import Status
from rules.policy import Policy
from rules.report import Contact
from rules.roster import Roster
from rules.throttle import MOST_PER_NAME, WINDOW
from tests.builders import T0, at, incident
from tests.contract.api_world import PASSWORD, Deciding, Session, World, fill, problem
from tests.rosters import person
from tests.unit.test_access import PAGE, documented

HERE = {"Sec-Fetch-Site": "same-origin"}


def documented_routes() -> dict[str, str]:
    """Each route of the manual's table with its permission."""
    text = PAGE.read_text(encoding="utf-8").partition("| route | permission |")[2].partition("\n\n")[0]
    rows = [line.strip("|").split("|") for line in text.splitlines()[2:]]
    return {route.strip(" `"): permission.strip() for route, permission in rows}


@dataclass(frozen=True)
class Guest:
    """Somebody who asks, the headers that say so, and what the manual lets them do; None for whom nobody knows."""

    name: str
    headers: dict[str, str]
    may: frozenset[str] | None


def _marked(table: dict[str, dict[str, bool]], role: str) -> frozenset[str]:
    return frozenset(permission for permission, marks in table.items() if marks[role])


@pytest.fixture
def guests(peopled: World) -> list[Guest]:
    """Everybody who could come to the door."""
    users, roles, scopes = peopled.store.users, documented("permission"), documented("scope")
    found = [Guest("anonymous", {}, None), Guest("a stranger", {"Authorization": "Bearer wrong"}, None)]
    for role in Role:
        users.open_session(role, digest(f"session-{role}"), at(3600))
        found.append(Guest(f"{role} by session", _session(f"session-{role}"), _marked(roles, role)))
        found.append(Guest(f"{role} by token", _token(f"token-{role}"), _marked(roles, role)))
    for scope in Scope:
        peopled.store.add_token(f"service-{scope}", digest(f"service-{scope}"), frozenset({scope}))
        allowed = frozenset(p for p, has in scopes[scope].items() if has)
        found.append(Guest(f"a service for {scope}", _token(f"service-{scope}"), allowed))
        peopled.store.add_token(f"small-{scope}", digest(f"small-{scope}"), frozenset({scope}), "operator")
        small = allowed & _marked(roles, "operator")
        found.append(Guest(f"an operator's token for {scope}", _token(f"small-{scope}"), small))
    return [*found, *_the_late(peopled)]


def _the_late(world: World) -> Iterator[Guest]:
    """Those who could once have come in."""
    users, everything = world.store.users, frozenset(Scope)
    world.store.add_token("old", digest("old"), everything, "admin", T0)
    yield Guest("an expired token", _token("old"), None)
    world.store.add_token("old-service", digest("old-service"), everything, "", T0)
    yield Guest("a service's expired token", _token("old-service"), None)
    world.store.add_token("orphan", digest("orphan"), everything, "who-was-never-here")
    yield Guest("a token of nobody", _token("orphan"), None)
    users.open_session("admin", digest("late"), T0)
    yield Guest("an expired session", _session("late"), None)
    users.add("gone", Role.ADMIN, (), "no hash")
    world.store.add_token("gone", digest("gone"), everything, "gone")
    users.set_disabled("gone", disabled=True)
    # Opened after the user was disabled, as by a login under way at that moment.
    users.open_session("gone", digest("ghost"), at(3600))
    yield Guest("a disabled user by token", _token("gone"), None)
    yield Guest("a disabled user by session", _session("ghost"), None)


def _token(text: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {text}"}


def _session(text: str) -> dict[str, str]:
    return {"Cookie": f"{COOKIE}={text}", **HERE}


def test_the_manual_names_every_route_and_what_it_needs(peopled: World, http: Session) -> None:
    paths = http.get(f"{peopled.url}/api/openapi.json").json()["paths"]
    served = {f"{m.upper()} {path}": o["x-permission"] for path, way in paths.items() for m, o in way.items()}
    missing = [f"| `{route}` | {needed} |" for route, needed in served.items() if route not in documented_routes()]
    assert not missing, "rows for docs/access.md, once it is sure that they say what they should:\n" + "\n".join(
        missing
    )
    assert served == documented_routes()


def test_each_reaches_exactly_what_the_manual_says(peopled: World, http: Session, guests: list[Guest]) -> None:
    fill(peopled)
    # Logging out comes last: it ends the sessions.
    routes = sorted(documented_routes().items(), key=lambda route: route[0] == "DELETE /api/v1/session")
    wrong = []
    for (route, needed), guest in product(routes, guests):
        method, path = route.split(" ")
        address = peopled.url + re.sub(r"\{\w+\}", "99", path)  # nothing has that number or name
        status = http.request(method, address, headers=guest.headers).status_code
        if not _is_as_documented(status, needed, guest, route):
            wrong.append((guest.name, route, needed, status))
    assert not wrong
    assert len(routes) * len(guests) > 900


def _is_as_documented(status: int, needed: str, guest: Guest, route: str) -> bool:
    if needed == "anyone":
        # Without a name and a password nobody can log in, which is another kind of refusal.
        return status == (400 if route == "POST /api/v1/session" else 200)
    if guest.may is None:
        return status == 401
    return status == 403 if needed not in guest.may else status in (200, 204, 400, 404)


@pytest.mark.parametrize("role", Role)
@pytest.mark.parametrize(("action", "needed"), [("note", "own"), ("start", "write"), ("priority", "manage")])
def test_an_action_for_many_needs_what_it_needs_for_one(
    peopled: World, http: Session, role: Role, action: str, needed: str
) -> None:
    order = {"note": {"text": "x"}, "start": {}, "priority": {"priority": "P1"}}[action]
    body = {"action": action, "numbers": ["INC-99"], "order": order}
    answer = http.post(f"{peopled.url}/api/v1/incidents/bulk", json=body, headers=_token(f"token-{role}"))
    assert answer.status_code == (200 if documented("permission")[needed][role] else 403)


OWN_ACTIONS = {"note": {"text": "x"}, "close": {}, "reopen": {}}


def with_reports(world: World, status: Status) -> None:
    """Decide for real; INC-1 is the reporter's by registration, INC-2 by its contact's mail, INC-3 somebody else's."""
    epoch = world.store.acquire("test", timedelta(minutes=1))
    fields: dict[str, Any] = {"status": status, "resolved_at": T0, "contact": Contact(mail="other@example.net")}
    found = (
        incident(1, **{**fields, "registered_by": "reporter"}),
        incident(2, **{**fields, "registered_by": "anna", "contact": Contact(mail="Reporter@X.net")}),
        incident(3, **{**fields, "registered_by": "anna"}),
    )
    world.store.commit(Decision(at=T0, incidents=found), epoch=epoch)
    policy = Policy(roster=Roster(people={"reporter": person("reporter")}))
    Deciding(world, Estate.of([]), policy)


@pytest.mark.parametrize("role", Role)
@pytest.mark.parametrize("action", OWN_ACTIONS)
def test_whose_it_is_decides_where_only_ones_own_may_be_changed(
    peopled: World, http: Session, role: Role, action: str
) -> None:
    with_reports(peopled, Status.CLOSED if action == "reopen" else Status.RESOLVED)
    may, is_staff = documented("permission")["own"][role], documented("permission")["write"][role]
    for number, is_own in ((3, False), (1, True), (2, True)):
        address = f"{peopled.url}/api/v1/incidents/{number}/{action}"
        answer = http.post(address, json=OWN_ACTIONS[action], headers=_token(f"token-{role}"))
        assert answer.status_code == (200 if is_staff or (may and is_own) else 403), answer.text


def test_of_many_each_is_judged_by_whose_it_is(peopled: World, http: Session) -> None:
    with_reports(peopled, Status.RESOLVED)
    body = {"action": "close", "numbers": ["1", "2", "3", "INC-4"]}
    answer = http.post(f"{peopled.url}/api/v1/incidents/bulk", json=body, headers=_token("token-reporter"))
    assert [result["code"] for result in answer.json()["results"]] == [200, 200, 403, 404]


def test_a_refusal_is_logged_with_the_route_and_names_but_no_secret(peopled: World, http: Session) -> None:
    with_reports(peopled, Status.RESOLVED)
    peopled.store.add_token("old", digest("token-old"), frozenset({Scope.READ}), "viewer", T0)
    with capture_logs() as lines:
        http.post(f"{peopled.url}/api/v1/incidents/1/start", json={}, headers=_token("token-viewer"))
        http.post(f"{peopled.url}/api/v1/incidents/3/close", json={}, headers=_token("token-reporter"))
        http.get(f"{peopled.url}/api/v1/me", headers=_token("token-old"))
    refused = [line for line in lines if line["event"] == "access_refused"]
    assert [(line["route"], line["user"], line["token"]) for line in refused] == [
        ("POST /api/v1/incidents/{number}/start", "viewer", "viewer-token"),
        ("POST /api/v1/incidents/{number}/close", "reporter", "reporter-token"),
        ("GET /api/v1/me", "viewer", "old"),
    ]
    assert (refused[0]["permission"], refused[1]["incident"]) == ("write", "INC-3")
    assert "token-viewer" not in str(lines)


def test_the_audit_is_told_page_by_page(peopled: World, http: Session) -> None:
    audit = f"{peopled.url}/api/v1/audit"
    peopled.store.users.set_role("viewer", Role.REPORTER, by=Doer(name="olga", via="command line on box"))
    page = http.get(audit, params={"limit": 1}, headers=_token("token-admin")).json()
    assert (page["next_offset"], page["next"]) == (1, "/api/v1/audit?limit=1&offset=1")
    (act,) = page["acts"]
    assert act == {
        "at": "2026-11-24T08:00:00.000Z",
        "actor": "olga",
        "via": "command line on box",
        "action": "role changed",
        "subject": "viewer",
        "details": "role reporter",
    }
    of_viewer = http.get(audit, params={"subject": "viewer"}, headers=_token("token-admin")).json()
    assert [a["action"] for a in of_viewer["acts"]] == ["role changed", "user added"]
    assert (of_viewer["next_offset"], of_viewer["next"]) == (None, None)


def test_a_refusal_says_who_may(peopled: World, http: Session) -> None:
    priority = f"{peopled.url}/api/v1/incidents/42/priority"
    said = problem(http.post(priority, json={"priority": "P1"}, headers=_token("token-operator")), 403)["detail"]
    assert said == "operator, whose role is operator, lacks the permission manage; allowed: manager, admin"


def test_a_change_of_role_counts_at_once(peopled: World, http: Session) -> None:
    push = f"{peopled.url}/api/v2/alerts"
    assert http.post(push, json=[], headers=_token("token-admin")).status_code == 200
    peopled.store.users.set_role("admin", Role.VIEWER)
    assert http.post(push, json=[], headers=_token("token-admin")).status_code == 403


# Declaring


def test_a_route_that_does_not_say_who_may_use_it_is_not_served(world: World) -> None:
    ports: Any = world
    bare, twice, said = APIRouter(), APIRouter(dependencies=[Depends(anyone)]), APIRouter()
    bare.add_api_route("/bare", lambda: "here")
    twice.add_api_route("/twice", lambda: "here", dependencies=[Depends(require(ports, "read"))])
    said.add_api_route("/said", lambda: "here", dependencies=[Depends(require(ports, "read"))])
    check_declared(said.routes)
    with pytest.raises(UndeclaredRoute, match="GET /bare says that nobody may use it"):
        check_declared(bare.routes)
    with pytest.raises(UndeclaredRoute, match="GET /twice says that anyone, read may use it"):
        check_declared(twice.routes)
    with pytest.raises(UndeclaredRoute, match="cannot say who may use it"):
        check_declared([Mount("/files", routes=[])])


def test_the_description_itself_is_for_anyone() -> None:
    check_declared(openapi_routes(None).routes)  # type: ignore[arg-type]


# Logging in


def log_in(world: World, http: Session, password: str = PASSWORD, name: str = "operator") -> requests.Response:
    return http.post(f"{world.url}/api/v1/session", json={"name": name, "password": password}, headers=HERE)


def test_a_session_from_login_to_logout(peopled: World, http: Session) -> None:
    answer = log_in(peopled, http, name=" Operator ")
    assert answer.status_code == 200, answer.text
    assert answer.json() == {
        "name": "operator",
        "role": "operator",
        "groups": [],
        "services": [],
        "permissions": ["account", "own", "read", "report", "write"],
        "token": None,
        "expires_at": "2026-11-24T20:00:00.000Z",
    }
    cookie = answer.headers["Set-Cookie"]
    assert cookie.startswith(f"{COOKIE}=")
    assert cookie.endswith("; HttpOnly; Max-Age=43200; Path=/; SameSite=lax")
    secret = answer.cookies[COOKIE]
    assert secret not in answer.text
    fill(peopled)
    assert http.get(f"{peopled.url}/api/v1/me").json() == answer.json()
    started = http.post(f"{peopled.url}/api/v1/incidents/43/start", json={"actor": "mallory"}, headers=HERE)
    assert started.status_code == 200, started.text
    assert peopled.commands[0].actor == "operator"
    out = http.delete(f"{peopled.url}/api/v1/session", headers=HERE)
    assert (out.status_code, out.content) == (204, b"")
    assert http.get(f"{peopled.url}/api/v1/me", cookies={COOKIE: secret}).status_code == 401


def test_a_session_ends_by_itself(peopled: World, http: Session) -> None:
    secret = log_in(peopled, http).cookies[COOKIE]
    peopled.clock.advance(timedelta(hours=12))
    late = http.get(f"{peopled.url}/api/v1/me", headers={"Cookie": f"{COOKIE}={secret}"})
    assert problem(late, 401)["detail"] == "the session has expired"


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({}, 403),
        ({"Origin": "https://evil.example"}, 403),
        ({"Origin": "null"}, 403),
        ({"Origin": "http://["}, 403),
        ({"Sec-Fetch-Site": "cross-site"}, 403),
        ({"Sec-Fetch-Site": "same-site"}, 403),
        ({"Sec-Fetch-Site": "same-origin"}, 200),
        ({"Sec-Fetch-Site": "none"}, 200),
    ],
)
def test_other_sites_pages_cannot_use_a_session(
    peopled: World, http: Session, headers: dict[str, str], status: int
) -> None:
    fill(peopled)
    secret = log_in(peopled, http).cookies[COOKIE]
    with requests.Session() as browser:
        browser.trust_env = False
        browser.cookies.set(COOKIE, secret)
        start = f"{peopled.url}/api/v1/incidents/43/start"
        assert browser.post(start, headers=headers).status_code == status
        assert browser.post(start, headers={"Origin": peopled.url}).status_code == 200
        assert browser.get(f"{peopled.url}/api/v1/me").status_code == 200


@pytest.mark.parametrize("change", ["password", "role", "shut out"])
def test_a_change_ends_sessions(peopled: World, http: Session, change: str) -> None:
    secret = log_in(peopled, http).cookies[COOKIE]
    users = peopled.store.users
    if change == "password":
        users.set_password("operator", "another hash")
    elif change == "role":
        users.set_role("operator", Role.ADMIN)
    else:
        users.set_disabled("operator", disabled=True)
        users.set_disabled("operator", disabled=False)
    headers = {"Cookie": f"{COOKIE}={secret}"}
    assert http.get(f"{peopled.url}/api/v1/me", headers=headers).status_code == 401


def test_nobody_is_logged_in_from_another_sites_page(peopled: World, http: Session) -> None:
    body = {"name": "operator", "password": PASSWORD}
    foreign = http.post(f"{peopled.url}/api/v1/session", json=body, headers={"Origin": "https://evil.example"})
    problem(foreign, 403)


@pytest.mark.parametrize(
    ("name", "password"),
    [("operator", "wrong horse battery"), ("nobody", PASSWORD), ("gone", PASSWORD), ("opérateur", "x"), ("a\0", "x")],
)
def test_a_login_that_fails_says_the_same_whatever_was_wrong(
    peopled: World, http: Session, password_hash: str, name: str, password: str
) -> None:
    peopled.store.users.add("gone", Role.ADMIN, (), password_hash)
    peopled.store.users.set_disabled("gone", disabled=True)
    refused = log_in(peopled, http, password, name)
    assert problem(refused, 401)["detail"] == "the name or the password is wrong"
    assert "Set-Cookie" not in refused.headers
    assert password not in refused.text


@pytest.mark.parametrize("body", [{"name": "operator"}, {"name": "operator", "password": ["hunter2"]}, {}, [], None])
def test_a_login_that_makes_no_sense_repeats_nothing_of_it(peopled: World, http: Session, body: Any) -> None:
    refused = http.post(f"{peopled.url}/api/v1/session", json=body, headers=HERE)
    problem(refused, 400)
    assert "hunter2" not in refused.text


def test_guessing_is_slowed_down_and_the_right_password_waits_too(peopled: World, http: Session) -> None:
    for n in range(MOST_PER_NAME):
        problem(log_in(peopled, http, f"guess number {n}"), 401)
    refused = log_in(peopled, http)
    assert problem(refused, 429)["detail"].startswith("too many wrong passwords")
    assert 0 < int(refused.headers["Retry-After"]) <= WINDOW.total_seconds() + 1
    assert log_in(peopled, http, name="viewer").status_code == 200
    peopled.clock.advance(WINDOW)
    assert log_in(peopled, http).status_code == 200


def test_no_secret_is_in_the_database_as_it_is(peopled: World, http: Session, tmp_path: Path) -> None:
    secret = log_in(peopled, http).cookies[COOKIE]
    peopled.store.close()
    kept = b"".join(file.read_bytes() for file in tmp_path.iterdir() if file.is_file())
    assert b"operator" in kept
    for text in (secret, PASSWORD, "token-operator"):
        # The names of the tokens end in -token, so none of these is there by chance.
        assert text.encode() not in kept


def test_where_access_is_open_who_logs_in_is_named(world: World, http: Session, password_hash: str) -> None:
    fill(world)
    world.store.users.add("operator", Role.VIEWER, (), password_hash)
    assert http.get(f"{world.url}/api/v1/me").json()["name"] == "anonymous"
    assert log_in(world, http).status_code == 200
    answer = http.post(f"{world.url}/api/v1/incidents/43/start", json={"actor": "mallory"}, headers=HERE)
    assert answer.status_code == 200
    assert world.commands[0].actor == "operator"


@pytest.mark.parametrize(("token", "by"), [("token-operator", "operator"), ("token-write", "mallory")])
def test_a_person_silences_in_no_other_name_a_service_may(peopled: World, http: Session, token: str, by: str) -> None:
    asked: list[Any] = []

    def note(order: Any) -> Reply:
        asked.append(order)
        return Reply(command=order.id, done=True, message="done")

    peopled.ordering = note
    silence = {
        "matchers": [{"name": "ci", "value": "db1", "isRegex": False}],
        "startsAt": "2026-11-24T08:00:00Z",
        "endsAt": "2026-11-24T09:00:00Z",
        "createdBy": "mallory",
        "comment": "known",
    }
    assert http.post(f"{peopled.url}/api/v2/silences", json=silence, headers=_token(token)).status_code == 200
    assert [(order.silence.created_by, order.actor == "mallory") for order in asked] == [(by, False)]


def test_a_service_knows_itself(peopled: World, http: Session) -> None:
    me = http.get(f"{peopled.url}/api/v1/me", headers=_token("token-read")).json()
    assert (me["name"], me["role"], me["token"], me["permissions"]) == ("reader", None, "reader", ["account", "read"])
