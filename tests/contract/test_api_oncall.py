"""The API of who is on call: read, changed, as a calendar and checked; and the orders about an escalation."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from daemon.api.ports import Ports
from rules.decision import Decision, Order, OverrideOrder, Reply, Verb
from tests.builders import T0, at
from tests.contract.api_world import Session, World, fill, problem, serve
from tests.rosters import override, roster


@pytest.fixture
def staffed(tmp_path: Path) -> Iterator[World]:
    """An API whose organisation has people."""

    def with_people(ports: Ports) -> Ports:
        return replace(ports, roster=roster)

    for world in serve(tmp_path, "open", with_people):
        epoch = world.store.acquire("test", at(600) - T0)

        def keep(order: Order, world: World = world, epoch: int = epoch) -> Reply:
            assert isinstance(order, OverrideOrder)
            ended = tuple(replace(o, ends_at=T0) for o in world.store.overrides() if o.id == order.ends)
            world.store.commit(Decision(at=T0, overrides=(*order.shifts, *ended)), epoch=epoch)
            return Reply(command=order.id, done=True, message="done")

        world.ordering = keep
        yield world


def test_who_is_on_call_now_and_then(staffed: World, http: Session) -> None:
    now = http.get(f"{staffed.url}/api/v1/oncall").json()
    assert now["schedules"][0]["people"] == [{"id": "anna", "name": "Anna"}]
    then = http.get(f"{staffed.url}/api/v1/oncall", params={"at": "2026-12-01T08:00:00Z"}).json()
    assert then["schedules"][0]["people"] == [{"id": "ben", "name": "Ben"}]
    problem(http.get(f"{staffed.url}/api/v1/oncall", params={"at": "soon"}), 400)


def test_the_shifts_of_a_schedule(staffed: World, http: Session) -> None:
    found = http.get(f"{staffed.url}/api/v1/oncall/schedules/rota/shifts", params={"days": 14}).json()
    assert [s["people"][0]["id"] for s in found["shifts"]] == ["anna", "ben", "anna"]
    assert found["time_zone"] == "Europe/Berlin"
    problem(http.get(f"{staffed.url}/api/v1/oncall/schedules/none/shifts"), 404)
    far = http.get(f"{staffed.url}/api/v1/oncall/schedules/rota/shifts", params={"from": "9999-12-31T00:00:00Z"})
    problem(far, 400)


def test_overrides_are_posted_listed_and_deleted(staffed: World, http: Session) -> None:
    url = f"{staffed.url}/api/v1/oncall/overrides"
    body = {"schedule": "rota", "people": ["olga"], "ends_at": "2026-11-24T12:00:00Z", "reason": "swap"}
    made = http.post(url, json=body).json()
    assert made["starts_at"] == "2026-11-24T08:00:00.000Z"
    assert http.get(url).json()["overrides"] == [made]
    assert http.get(f"{staffed.url}/api/v1/oncall").json()["schedules"][0]["people"][0]["id"] == "olga"
    assert http.delete(f"{url}/{made['id']}").status_code == 200
    assert http.get(url).json()["overrides"] == []
    problem(http.delete(f"{url}/nope"), 404)


@pytest.mark.parametrize(
    "change", [{"people": []}, {"people": ["kim"]}, {"schedule": "x"}, {"ends_at": "2020-01-01T00:00:00Z"}, {"more": 1}]
)
def test_an_override_that_makes_no_sense_is_refused(staffed: World, http: Session, change: dict[str, object]) -> None:
    body = {"schedule": "rota", "people": ["olga"], "ends_at": "2026-11-24T12:00:00Z", **change}
    problem(http.post(f"{staffed.url}/api/v1/oncall/overrides", json=body), 400)
    assert staffed.store.overrides() == []


def test_a_calendar_goes_out_and_comes_back(staffed: World, http: Session) -> None:
    url = f"{staffed.url}/api/v1/oncall/schedules/rota/calendar"
    answer = http.get(url, params={"days": 14})
    assert answer.headers["Content-Type"].startswith("text/calendar")
    taken = http.put(url, data=answer.content, headers={"Content-Type": "text/calendar"})
    assert [o["people"] for o in taken.json()["overrides"]] == [["anna"], ["ben"], ["anna"]]
    problem(http.put(url, data=b"hello", headers={"Content-Type": "text/calendar"}), 400)
    stranger = answer.content.replace(b"PERSON:ben", b"PERSON:kim").replace(b"Ben", b"Kim").replace(b"ben@", b"kim@")
    problem(http.put(url, data=stranger, headers={"Content-Type": "text/calendar"}), 409)
    some = http.put(url, data=stranger, headers={"Content-Type": "text/calendar"}, params={"skip_unknown": "true"})
    assert len(some.json()["overrides"]) == 2
    problem(http.put(url, data=b"x" * (2**20 + 1), headers={"Content-Type": "text/calendar"}), 413)


def test_the_check_says_what_is_wrong(staffed: World, http: Session) -> None:
    found = http.get(f"{staffed.url}/api/v1/oncall/check").json()
    assert found["ok"] == (not found["findings"])
    staffed.ordering(OverrideOrder(id="o", at=T0, actor="x", schedule="rota", shifts=(override("kim"),)))
    after = http.get(f"{staffed.url}/api/v1/oncall/check").json()
    assert [f["flaw"] for f in after["findings"] if f not in found["findings"]] == ["unknown"]


@pytest.mark.parametrize(
    ("word", "body", "verb", "value"),
    [
        ("route", {"group": "network", "reason": "why"}, Verb.ROUTE, "network"),
        ("escalate", None, Verb.ESCALATE, ""),
        ("snooze", {"until": "2026-11-24T09:00:00Z"}, Verb.SNOOZE, "2026-11-24 09:00:00+00:00"),
        ("unsnooze", {}, Verb.UNSNOOZE, ""),
    ],
)
def test_orders_about_an_escalation(
    world: World, http: Session, word: str, body: dict[str, str] | None, verb: Verb, value: str
) -> None:
    fill(world)
    answer = http.post(f"{world.url}/api/v1/incidents/43/{word}", json=body)
    assert answer.status_code == 200, answer.text
    (command,) = world.commands
    assert (command.verb, command.value) == (verb, value)


def test_a_snooze_needs_an_end_with_a_zone(world: World, http: Session) -> None:
    fill(world)
    for body in ({}, {"until": "2026-11-24T09:00:00"}, {"until": "soon"}):
        problem(http.post(f"{world.url}/api/v1/incidents/43/snooze", json=body), 400)


def test_reading_and_changing_need_their_scopes(guarded: World, http: Session) -> None:
    def ask(method: str, path: str, scope: str) -> int:
        return http.request(
            method, f"{guarded.url}/api/v1/oncall{path}", headers={"Authorization": f"Bearer token-{scope}"}
        ).status_code

    assert ask("GET", "", "push") == 403
    assert ask("GET", "", "read") == 200
    for method, path in (("POST", "/overrides"), ("DELETE", "/overrides/x"), ("PUT", "/schedules/x/calendar")):
        assert ask(method, path, "read") == 403
        assert ask(method, path, "write") in (400, 404)
