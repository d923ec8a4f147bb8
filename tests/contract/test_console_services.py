"""The pages of business services, for those who work on them and for those who use them."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from cmdb.model import CI, Criticality, State
from daemon.console.routes import console_routes
from rules.incident import HitService, RootCause, Status
from tests.builders import at, decision, incident
from tests.contract.api_world import Session, World, serve
from tests.desk import rack_estate

HOSTILE = "<script>alert('x')</script>"


def served(directory: Path, access: str = "open", **ports: Any) -> Iterator[World]:
    given = {"estate": rack_estate, **ports}
    estate = given["estate"]()
    yield from serve(directory, access, lambda p: replace(p, **{**given, "estate": lambda: estate}), console_routes)


def hit(service: str, state: State) -> tuple[HitService, ...]:
    return (HitService(ci=service, name=service.title(), state=state),)


def commit(world: World, *incidents: Any) -> None:
    epoch = world.store.acquire("test", timedelta(minutes=1))
    world.store.commit(decision(incidents=incidents), epoch=epoch)


def test_services_are_listed_worst_first_in_business_words(tmp_path: Path, http: Session) -> None:
    for world in served(tmp_path):
        commit(world, incident(1, title="disks", services=hit("search", State.DEGRADED)))
        page = http.get(f"{world.url}/services").text
        assert page.index("Search") < page.index("Checkout")
        assert "works in part" in page
        assert "INC-1" in page
        assert "Checkout" not in http.get(f"{world.url}/services?text=sea").text


def test_a_service_tells_what_is_done_and_how_it_was(tmp_path: Path, http: Session) -> None:
    for world in served(tmp_path):
        commit(
            world,
            incident(
                1, services=hit("search", State.DOWN), status=Status.IN_PROGRESS, assignee="anna", acknowledged_at=at(5)
            ),
            incident(
                2,
                title="the old failure",
                services=hit("search", State.DOWN),
                status=Status.CLOSED,
                opened_at=at(-7200),
                resolved_at=at(-3600),
            ),
        )
        world.clock.advance(timedelta(hours=1))
        page = http.get(f"{world.url}/services/search").text
        for said in ("does not work", "anna works on it", "the old failure", "99.907 %", "down for 2 h", "http.status"):
            assert said in page, said
        assert http.get(f"{world.url}/services/host-1").status_code == 404
        assert http.get(f"{world.url}/services/nothing").status_code == 404


@pytest.mark.parametrize(
    ("status", "access", "code"), [("off", "open", 404), ("login", "login", 303), ("public", "login", 200)]
)
def test_the_page_for_users_is_there_for_whom_the_setting_says(
    tmp_path: Path, http: Session, status: str, access: str, code: int
) -> None:
    for world in served(tmp_path, access, status=status):
        assert http.get(f"{world.url}/status", allow_redirects=False).status_code == code


def test_the_page_for_users_says_nothing_of_the_inside(tmp_path: Path, http: Session) -> None:
    for world in served(tmp_path, "login", status="public"):
        inside = {"root": RootCause(ci="tor-3a"), "assignee": "anna", "group": "network", "resolution": "new optics"}
        commit(
            world,
            incident(1, title="tor-3a is off", services=hit("checkout", State.DOWN), **inside),
            incident(
                2, title="optics", services=hit("search", State.DOWN), status=Status.CLOSED, resolved_at=at(9), **inside
            ),
        )
        page = http.get(f"{world.url}/status").text
        assert "Some services are down" in page
        assert "Checkout is down" in page
        assert "It works again." in page
        for secret in ("tor-3a", "anna", "network", "optics", "INC-", "/cis", "/incidents", "Log out"):
            assert secret not in page, secret


def test_one_service_has_a_page_and_strangers_see_the_public_ones(tmp_path: Path, http: Session) -> None:
    for world in served(tmp_path, "login", status="login", status_of={"checkout": "public"}):
        commit(world, incident(1, services=(*hit("checkout", State.DOWN), *hit("search", State.DOWN))))
        page = http.get(f"{world.url}/status")
        assert (page.status_code, "Search" in page.text, "to see all that you may see" in page.text) == (
            200,
            False,
            True,
        )
        one = http.get(f"{world.url}/status/checkout").text
        assert "Checkout does not work" in one
        assert "Search" not in one
        assert http.get(f"{world.url}/status/search").status_code == 404


def test_names_of_services_are_only_text(tmp_path: Path, http: Session) -> None:
    from cmdb.graph import Estate

    bad = CI(id=HOSTILE, type="business-service", name=HOSTILE, criticality=Criticality.HIGH)
    for world in served(tmp_path, status="public", estate=lambda: Estate.of([bad])):
        commit(world, incident(1, title=HOSTILE, services=hit(HOSTILE, State.DOWN), assignee=HOSTILE))
        for path in ("/services", "/services/%3Cscript%3Ealert('x')%3C/script%3E", "/status"):
            answer = http.get(world.url + path)
            assert answer.status_code == 200, path
            assert "<script>" not in answer.text, path
