"""Registering by hand, fields, steps and the past of an incident, over HTTP."""

from datetime import timedelta
from typing import Any

import pytest

from daemon.store.store import Store
from rules.decision import Command, Decision, Order, Reply, ReportOrder, TimelineEntry, Verb
from rules.incident import HandlingStep, Restoration, Status
from rules.report import Channel, Contact, Finding
from rules.satisfaction import Rating
from tests.builders import T0, at, incident
from tests.contract.api_world import Session, World, fill, problem

WHOLE = {
    "title": "Nobody can pay",
    "description": "The till says no",
    "ci": "db1.example",
    "disruption": "down",
    "channel": "phone",
    "contact": {"name": "Carla", "mail": "carla@example.net"},
    "observed_at": "2026-11-24T08:40:00+01:00",
    "signs": [{"name": "error", "value": "timeout"}],
}


def opening(world: World) -> list[ReportOrder]:
    """What reaches the decision from now on; each opens INC-7."""
    seen: list[ReportOrder] = []

    def take(order: Order) -> Reply:
        assert isinstance(order, ReportOrder)
        seen.append(order)
        return Reply(command=order.id, done=True, message="INC-7 is open", incident=7)

    world.ordering = take
    return seen


def token(role: str) -> dict[str, str]:
    return {"Authorization": f"Bearer token-{role}"}


def test_a_report_reaches_the_decision_whole(peopled: World, http: Session) -> None:
    seen = opening(peopled)
    answer = http.post(f"{peopled.url}/api/v1/incidents", json=WHOLE, headers=token("reporter"))
    assert answer.status_code == 201
    assert answer.headers["Location"] == "/api/v1/incidents/INC-7"
    assert (answer.json()["incident"], answer.json()["done"]) == ("INC-7", True)
    (order,) = seen
    assert order.actor == "reporter"
    report = order.report
    assert (report.title, report.ci, report.channel) == ("Nobody can pay", "db1.example", Channel.PHONE)
    assert report.contact == Contact(name="Carla", mail="carla@example.net")
    assert report.observed_at == T0 - timedelta(minutes=20)
    assert report.signs == (Finding(name="error", value="timeout"),)


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"ci": "db2"}, "ci"),
        ({"contact": {"mail": "nobody"}}, "contact.mail"),
        ({"contact": {"phone": "x"}}, "contact.phone"),
        ({"observed_at": "2026-11-24T08:40:00"}, "observed_at"),
        ({"channel": "pigeon"}, "channel"),
        ({"signs": [{"name": "error"}]}, "signs.0.value"),
        ({"colour": "red"}, "colour"),
    ],
)
def test_what_makes_no_sense_is_named(world: World, http: Session, change: dict[str, Any], field: str) -> None:
    seen = opening(world)
    document = problem(http.post(f"{world.url}/api/v1/incidents", json={**WHOLE, **change}), 400)
    assert [e["field"] for e in document["errors"]] == [field]
    assert seen == []


def test_to_give_a_priority_needs_a_manager(peopled: World, http: Session) -> None:
    seen = opening(peopled)
    body = {**WHOLE, "priority": "P1"}
    assert http.post(f"{peopled.url}/api/v1/incidents", json=body, headers=token("operator")).status_code == 403
    assert http.post(f"{peopled.url}/api/v1/incidents", json=body, headers=token("manager")).status_code == 201
    assert [order.report.priority for order in seen] == ["P1"]


def test_a_refusal_and_a_late_decision_are_told_apart(world: World, http: Session) -> None:
    world.ordering = lambda o: Reply(command=o.id, done=False, message="category: no")
    assert problem(http.post(f"{world.url}/api/v1/incidents", json=WHOLE), 409)["detail"] == "category: no"

    def late(_: Order) -> Reply:
        raise TimeoutError

    world.ordering = late
    answer = http.post(f"{world.url}/api/v1/incidents", json=WHOLE)
    assert (answer.status_code, answer.json()["done"], answer.json()["incident"]) == (202, None, None)


@pytest.mark.parametrize(
    ("word", "body", "expected"),
    [
        (
            "set",
            {"field": "contact.mail", "value": "a@b", "reason": "new"},
            {"verb": Verb.SET, "field": "contact.mail", "value": "a@b", "reason": "new"},
        ),
        ("step", {"step": 2}, {"verb": Verb.STEP, "field": "2", "value": "done"}),
        ("step", {"step": 2, "done": False}, {"verb": Verb.STEP, "field": "2", "value": "open"}),
    ],
)
def test_orders_about_the_record(
    world: World, http: Session, word: str, body: dict[str, Any], expected: dict[str, Any]
) -> None:
    fill(world)
    assert http.post(f"{world.url}/api/v1/incidents/42/{word}", json=body).status_code == 200
    (command,) = world.commands
    assert {name: getattr(command, name) for name in expected} == expected


def test_how_it_ended_reaches_the_decision(world: World, http: Session) -> None:
    fill(world)
    body = {
        "resolution": "rebooted",
        "code": "workaround",
        "restored_at": "2026-11-24T07:55:00Z",
        "restoration": "workaround",
        "force": True,
        "reason": "the site is closed",
    }
    assert http.post(f"{world.url}/api/v1/incidents/42/resolve", json=body).status_code == 200
    command: Command = world.commands[0]
    assert (command.value, command.reason) == ("rebooted", "the site is closed")
    said = command.resolving
    assert (said.code, said.restored_at, said.force) == ("workaround", at(-300), True)
    assert said.restoration is Restoration.WORKAROUND


def _keep(store: Store) -> None:
    known = incident(
        7,
        status=Status.RESOLVED,
        resolved_at=at(600),
        registered_by="bert",
        contact=Contact(name="Carla", mail="carla@example.net"),
        steps=(HandlingStep(text="Look", done_by="anna", done_at=at(60)), HandlingStep(text="Tell")),
    )
    line = TimelineEntry(
        incident=7, at=T0, kind="opened", text="registered by bert", actor="bert", actor_kind="person", field="status"
    )
    epoch = store.acquire("test", timedelta(minutes=1))
    store.commit(Decision(at=T0, incidents=(known,), timeline=(line,)), epoch=epoch)
    store.ratings.add(Rating(link="n", incident=7, by="Carla", score=2, remark="slow", at=at(900)))


def test_the_record_is_shown_whole(world: World, http: Session) -> None:
    _keep(world.store)
    shown = http.get(f"{world.url}/api/v1/incidents/7").json()
    assert shown["contact"] == {"name": "Carla", "organisation": "", "mail": "carla@example.net", "phone": ""}
    assert [(s["number"], s["done_by"], s["done_at"]) for s in shown["steps"]] == [
        (1, "anna", "2026-11-24T08:01:00.000Z"),
        (2, "", None),
    ]
    assert [(r["score"], r["remark"]) for r in shown["ratings"]] == [(2, "slow")]
    assert "contact" not in http.get(f"{world.url}/api/v1/incidents").json()["incidents"][0]


def test_the_past_is_exported(world: World, http: Session) -> None:
    _keep(world.store)
    lines = http.get(f"{world.url}/api/v1/incidents/INC-7/timeline").json()["timeline"]
    assert [(e["kind"], e["actor"], e["actor_kind"], e["field"]) for e in lines] == [
        ("opened", "bert", "person", "status"),
        ("rated", "Carla", "person", ""),
    ]
    review = http.get(f"{world.url}/api/v1/incidents/INC-7/review").json()
    assert "step 2 is not done: Tell" in review["still_open"]
    prose = http.get(f"{world.url}/api/v1/incidents/INC-7/review", params={"form": "text"})
    assert (prose.headers["Content-Type"], prose.text) == ("text/plain; charset=utf-8", review["text"])
    problem(http.get(f"{world.url}/api/v1/incidents/99/timeline"), 404)
    problem(http.get(f"{world.url}/api/v1/incidents/99/review"), 404)
