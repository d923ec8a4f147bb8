"""Who is limited to business services sees the incidents that hit one of them, their own, and nothing else anywhere."""

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from datetime import timedelta
from itertools import product
from pathlib import Path

import pytest
import requests
from fastapi import APIRouter, FastAPI
from fastapi.routing import APIRoute
from starlette.routing import BaseRoute

from cmdb.graph import Estate
from cmdb.model import CI, State
from daemon.api.access import declared, digest, is_by_service
from daemon.api.ports import Ports
from daemon.console.routes import console_routes
from rules.access import Role, Scope
from rules.decision import Decision, TimelineEntry
from rules.incident import HitService, Priority, RootCause, Status
from rules.record import Problem, ProblemStatus
from tests.builders import T0, alert, at, incident
from tests.contract.api_world import PASSWORD, RECORDED, Session, World, problem, serve

MANUAL = Path(__file__).parents[2] / "docs" / "access.md"
LIMITED = (Role.VIEWER, Role.REPORTER, Role.OPERATOR, Role.MANAGER)
SECRET = "giraffe"
"""What stands in everything that must not be seen."""
LATELY = {"opened_at": at(-60)}


def estate() -> Estate:
    def service(word: str, name: str) -> CI:
        return CI(id=word, type="business-service", name=name, depends_on=())

    return Estate.of([service("shop", "Web shop"), service("pay", "Giraffe payroll"), CI(id="db1", type="database")])


def hit(ci: str, name: str, state: State = State.DOWN) -> HitService:
    return HitService(ci=ci, name=name, state=state)


def fill(world: World) -> None:
    pay = (hit("pay", "Giraffe payroll"),)
    secret = {"title": "giraffe is down", "services": pay, "priority": Priority.P1, "group": "giraffe-group", **LATELY}
    incidents = (
        incident(42, title="the shop is down", services=(hit("shop", "Web shop"),), root=RootCause(ci="db1"), **LATELY),
        incident(43, **secret),
        incident(44, status=Status.CLOSED, resolved_at=T0, closed_at=T0, **secret),
        incident(45, title="my keyboard", registered_by="reporter"),
    )
    error = Problem(
        number=1,
        title="giraffe known",
        status=ProblemStatus.KNOWN_ERROR,
        services=("pay",),
        words=("down",),
        **RECORDED,
    )
    decision = Decision(
        at=T0,
        incidents=incidents,
        alerts=(*(alert(f"{SECRET}-{n}", incident=n) for n in (43, 44)), alert("db1", incident=42)),
        timeline=tuple(TimelineEntry(incident=i.number, at=T0, kind="opened", text=i.title) for i in incidents),
        records=(error,),
    )
    world.store.commit(decision, epoch=world.store.acquire("test", timedelta(minutes=1)))


@dataclass
class House:
    """A served API and console, with a user of each role who is limited to the shop, and everything that it answers."""

    world: World
    routes: list[APIRoute]

    def session(self, name: str) -> Session:
        session = requests.Session()
        session.trust_env = False
        session.headers["Origin"] = self.world.url
        form = {"name": name, "password": PASSWORD, "next": "/"}
        assert session.post(f"{self.world.url}/login", data=form, allow_redirects=False).status_code == 303
        return session


@pytest.fixture
def house(tmp_path: Path, password_hash: str) -> Iterator[House]:
    apps: list[FastAPI] = []

    def wired(ports: Ports) -> Ports:
        return replace(ports, estate=estate, status="login")

    def pages(ports: Ports, app: FastAPI) -> Iterable[APIRouter]:
        apps.append(app)
        return console_routes(ports, app)

    for world in serve(tmp_path, "login", wired, pages):
        for role in LIMITED:
            world.store.users.add(role, role, (), password_hash, services=("shop",))
            world.store.add_token(f"{role}-token", digest(f"token-{role}"), frozenset(Scope), role)
        fill(world)
        yield House(world, list(_routes(apps[0].routes)))


def _routes(found: Iterable[BaseRoute]) -> Iterator[APIRoute]:
    for route in found:
        if isinstance(route, APIRoute):
            yield route
        yield from _routes(getattr(getattr(route, "original_router", None), "routes", ()))


def documented() -> tuple[str, ...]:
    """How the addresses begin that the manual opens for who is limited to services."""
    part = MANUAL.read_text(encoding="utf-8").partition("### Limited to services")[2].partition("\n## ")[0]
    return tuple(re.findall(r"^\* `([^`]+)`", part, re.MULTILINE))


def is_documented(path: str) -> bool:
    return any(path == d or (d.endswith("…") and path.startswith(d[:-1])) for d in documented())


def test_the_manual_says_which_addresses_are_open_to_who_is_limited(house: House) -> None:
    asking = [r for r in house.routes if declared(r) not in ("anyone", "account")]
    wrong = [(r.path, is_by_service(r)) for r in asking if is_by_service(r) is not is_documented(r.path)]
    assert not wrong
    assert len(asking) > 100


FILLED = {"ci": ("db1", "pay"), "service": ("shop", "pay"), "key": ("INC-42", "INC-43"), "number": ("42", "43", "44")}
"""What is put into the addresses, by the name of the place."""
ASKED = "?service=pay&text=down&title=all+down&status=open&status=closed&at=1&why=anna"


def addresses(path: str) -> Iterator[str]:
    place = re.search(r"\{(\w+)[^}]*\}", path)
    words = ("",) if place is None else FILLED.get(place[1], ("99", "pay"))
    for word, asked in product(words, ("", ASKED)):
        yield re.sub(r"\{[^}]+\}", word, path) + asked


@pytest.mark.parametrize("role", [Role.REPORTER, Role.MANAGER])
def test_nothing_that_is_not_theirs_is_in_any_answer(house: House, role: Role) -> None:
    session, said, count = house.session(role), [], 0
    for route in house.routes:
        if "GET" not in route.methods or route.path in ("/live", "/static/{key:path}"):
            continue
        for address in addresses(route.path):
            answer = session.get(house.world.url + address, allow_redirects=False)
            assert answer.status_code < 500, (address, answer.text)
            count += answer.status_code == 200
            if SECRET in answer.text.lower() or ("43" not in address and "INC-43" in answer.text):
                said.append((address, answer.status_code))
    assert not said
    assert count > 20


def test_what_is_theirs_is_seen_whole(house: House) -> None:
    session, url = house.session("viewer"), house.world.url
    assert [i["number"] for i in session.get(f"{url}/api/v1/incidents").json()["incidents"]] == ["INC-42"]
    assert session.get(f"{url}/api/v1/incidents/42").json()["root_cause"]["ci"] == "db1"
    assert [i["number"] for i in session.get(f"{url}/api/v1/incidents?service=shop").json()["incidents"]] == ["INC-42"]
    assert session.get(f"{url}/api/v1/incidents?service=pay").json()["incidents"] == []
    for path in ("/", "/incidents/42", "/overview", "/services", "/services/shop", "/status"):
        page = session.get(url + path)
        assert (path, page.status_code) == (path, 200)
        assert "shop" in page.text
    report = session.get(f"{url}/api/v1/report").json()
    assert (report["incidents"], report["services"]) == (1, ["shop"])
    assert session.get(f"{url}/api/v1/me").json()["services"] == ["shop"]
    assert "/cis/db1" not in session.get(f"{url}/incidents/42").text


def test_everything_else_is_refused_in_words(house: House) -> None:
    session, url = house.session("manager"), house.world.url
    for path in ("/cis", "/events", "/admin", "/services/pay", "/reports?service=pay"):
        page = session.get(url + path)
        assert page.status_code == 403
        assert "sees only what concerns shop" in page.text
    for path in ("/api/v1/events", "/api/v2/alerts", "/api/v1/problems", "/api/v1/report?service=pay"):
        assert "sees only what concerns shop" in problem(session.get(url + path), 403)["detail"]
    assert problem(session.get(f"{url}/api/v1/incidents/43"), 404)["detail"] == "there is no incident 43"


def test_the_limit_holds_for_tokens_and_for_orders(house: House) -> None:
    session, url = requests.Session(), house.world.url
    session.trust_env = False
    session.headers["Authorization"] = "Bearer token-operator"
    for route in house.routes:
        if route.path.startswith("/api/v1/incidents/{number}/") and "POST" in route.methods and is_by_service(route):
            body = {"reason": "x", "text": "x", "into": 42, "of": 42, "ci": "db1", "assignee": "x", "group": "x"}
            status = session.post(f"{url}{route.path.format(number=43)}", json=body).status_code
            assert status in (400, 403, 404), route.path
    assert session.post(f"{url}/api/v1/incidents/43/acknowledge").status_code == 404
    assert session.post(f"{url}/api/v1/incidents/42/acknowledge").status_code == 200
    for action, field in (("merge", "into"), ("duplicate", "of"), ("child", "of")):
        answer = session.post(f"{url}/api/v1/incidents/42/{action}", json={field: "INC-43"})
        assert "there is no incident INC-43" in problem(answer, 400 if action == "merge" else 404)["detail"]
    bulk = session.post(f"{url}/api/v1/incidents/bulk", json={"action": "start", "numbers": ["42", "43"]}).json()
    assert [r["code"] for r in bulk["results"]] == [200, 404]
    assert [c.number for c in house.world.commands] == [42, 42]
    for body in ({"service": "pay"}, {"ci": "db1"}):
        assert session.post(f"{url}/api/v1/incidents", json={"title": "it is slow", **body}).status_code == 403
    assert session.post(f"{url}/api/v1/incidents", json={"title": "it is slow", "service": "shop"}).status_code == 201


def test_ones_own_incident_is_seen_whatever_it_hits(house: House) -> None:
    reporter, url = house.session("reporter"), house.world.url
    assert reporter.get(f"{url}/incidents/45").status_code == 200
    assert "my keyboard" in reporter.get(f"{url}/portal").text
    assert house.session("operator").get(f"{url}/incidents/45").status_code == 404


def test_the_navigation_offers_only_what_may_be_seen(house: House) -> None:
    page = house.session("operator").get(f"{house.world.url}/").text
    assert "/services" in page
    assert 'href="/cis"' not in page
    assert 'href="/admin"' not in page
