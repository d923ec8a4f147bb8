"""Who may see which page: as the manual says, for every role and for nobody."""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
import requests
from fastapi import FastAPI
from fastapi.routing import APIRoute
from prometheus_client import CollectorRegistry

from cmdb.graph import Estate
from daemon.api.access import declared
from daemon.api.ports import Ports, Readiness
from daemon.clock import ManualClock
from daemon.console.routes import console_routes
from daemon.store.store import Store
from rules.access import Role, granted
from rules.decision import Reply
from tests.builders import T0
from tests.contract.api_world import PASSWORD, Session, World, fill, serve

MANUAL = Path(__file__).parents[2] / "docs" / "access.md"
ROUTE = re.compile(r"^\| `((?:GET|POST) /[^`]*)` \| (\w+) \|$", re.MULTILINE)


def documented() -> dict[str, str]:
    """Every page of the manual with the permission that it needs."""
    return dict(ROUTE.findall(MANUAL.read_text(encoding="utf-8").partition("## Pages")[2]))


@pytest.fixture
def console(tmp_path: Path, password_hash: str) -> Iterator[World]:
    for world in serve(tmp_path, "login", lambda ports: ports, console_routes):
        for role in Role:
            world.store.users.add(role, role, (), password_hash)
        fill(world)
        yield world


def test_the_manual_names_every_page_and_what_it_needs(tmp_path: Path) -> None:
    with Store.open(f"sqlite:///{tmp_path / 'incidentd.db'}", ManualClock(T0)) as store:
        ports = Ports(
            store=store,
            accept=lambda source, body: None,
            order=lambda order: Reply(command="", done=True, message=""),
            readiness=lambda: Readiness(is_ready=True),
            registry=CollectorRegistry(),
            access="login",
            push_source="push",
            estate=lambda: Estate.of([]),
        )
        routes = [r for router in console_routes(ports, FastAPI()) for r in router.routes if isinstance(r, APIRoute)]
    assert {f"{method} {r.path}": declared(r) for r in routes for method in r.methods} == documented()


def session_of(console: World, role: Role) -> Session:
    """Logged in by the page."""
    session = requests.Session()
    session.trust_env = False
    form = {"name": role, "password": PASSWORD, "next": "/"}
    answer = session.post(f"{console.url}/login", data=form, headers={"Origin": console.url}, allow_redirects=False)
    assert (answer.status_code, answer.headers["Location"]) == (303, "/")
    return session


def test_every_role_sees_what_it_may_and_reads_what_it_may_not(console: World) -> None:
    pages = sorted(documented().items(), key=lambda page: page[0] == "POST /logout")
    wrong = []
    for role in Role:
        session = session_of(console, role)
        for route, needed in pages:
            if route in ("GET /live", "POST /login") or needed == "anyone":
                continue
            method, path = route.split(" ")
            address = console.url + re.sub(r"\{[\w:]+\}", "42", path)
            headers = {"Origin": console.url}
            status = session.request(method, address, headers=headers, allow_redirects=False).status_code
            may = needed in granted(role, None)
            if (status == 403) is may:
                wrong.append((role, route, status))
    assert not wrong


def test_nobody_known_is_sent_to_log_in_and_back(console: World, http: Session) -> None:
    answer = http.get(f"{console.url}/?priority=P1&text=a%20b", allow_redirects=False)
    assert answer.status_code == 303
    assert answer.headers["Location"] == "/login?next=%2F%3Fpriority%3DP1%26text%3Da%2520b"
    partial = http.get(f"{console.url}/", headers={"HX-Request": "true"}, allow_redirects=False)
    assert (partial.status_code, partial.headers["HX-Redirect"]) == (401, "/login?next=%2F")


@pytest.mark.parametrize("away", ["https://evil.example/", "//evil.example", "/\\evil.example", "javascript:x", ""])
def test_a_login_leads_to_our_own_pages_only(console: World, http: Session, away: str) -> None:
    form = {"name": "viewer", "password": PASSWORD, "next": away}
    answer = http.post(f"{console.url}/login", data=form, headers={"Origin": console.url}, allow_redirects=False)
    assert answer.headers["Location"] == "/"


def test_a_wrong_password_is_said_on_the_page_without_saying_which_was_wrong(console: World, http: Session) -> None:
    pages = [
        http.post(f"{console.url}/login", data={"name": n, "password": "x" * 12}, headers={"Origin": console.url})
        for n in ("viewer", "stranger")
    ]
    assert [p.status_code for p in pages] == [401, 401]
    assert all("the name or the password is wrong" in p.text for p in pages)


def test_a_page_of_another_site_cannot_log_anybody_out_or_in(console: World) -> None:
    session = session_of(console, Role.VIEWER)
    for path in ("/logout", "/login"):
        assert session.post(console.url + path, headers={"Origin": "https://evil.example"}).status_code == 403
    assert session.get(f"{console.url}/", allow_redirects=False).status_code == 200


def test_people_read_a_page_where_programs_read_a_document(console: World) -> None:
    session = session_of(console, Role.OPERATOR)
    for path, status, words in (
        ("/nothing-here", 404, "there is nothing at this address"),
        ("/cis/unmapped/match", 400, "alert"),
        ("/reports?since=" + "x" * 50, 400, "since"),
    ):
        answer = session.get(console.url + path, headers={"Accept": "text/html,*/*;q=0.8"})
        assert (answer.status_code, answer.headers["Content-Type"]) == (status, "text/html; charset=utf-8")
        assert words in answer.text
        assert "script-src 'self'" in answer.headers["Content-Security-Policy"]
        assert session.get(console.url + path).headers["Content-Type"] == "application/problem+json"
    api = session.get(f"{console.url}/api/v1/nothing", headers={"Accept": "text/html"})
    assert api.headers["Content-Type"] == "application/problem+json"


def test_pages_may_run_nothing_but_our_own_files(console: World) -> None:
    answer = session_of(console, Role.VIEWER).get(f"{console.url}/")
    assert "script-src 'self'; style-src 'self'" in answer.headers["Content-Security-Policy"]
    assert "unsafe" not in answer.headers["Content-Security-Policy"]
    assert re.findall(r"\sstyle=|<script(?![^>]*src=)|\son\w+=", answer.text) == []


def test_files_are_kept_by_browsers_for_ever_and_come_compressed(console: World, http: Session) -> None:
    page = session_of(console, Role.VIEWER).get(f"{console.url}/").text
    for address in re.findall(r'(?:src|href)="(/static/[^"]+)"', page):
        answer = http.get(console.url + address)
        assert answer.status_code == 200, address
        assert "immutable" in answer.headers["Cache-Control"]
        assert answer.headers["Content-Encoding"] == "gzip"
    assert http.get(f"{console.url}/static/abc/../routes.py").status_code == 404
