"""The HTTP API over a real server, a real store and real connections."""

import json
import re
from datetime import timedelta
from typing import Any

import pytest

from daemon.api.ports import Readiness
from rules import clock as clocks
from rules.calendar import ALWAYS
from rules.clock import Goal
from rules.decision import Command, Decision, Reply, Verb
from tests.builders import T0, at, clock, incident
from tests.contract.api_world import Session, World, fill, problem

# Probes and every answer


def test_probes_answer_without_a_token(guarded: World, http: Session) -> None:
    assert http.get(f"{guarded.url}/healthz").text == "ok\n"
    assert http.get(f"{guarded.url}/readyz").text == "ok\n"
    guarded.readiness = Readiness(is_ready=False, reason="the database cannot be reached")
    assert problem(http.get(f"{guarded.url}/readyz"), 503)["detail"] == "the database cannot be reached"


def test_requests_are_counted_by_route_and_not_by_path(world: World, http: Session) -> None:
    for path in ("/api/v1/incidents/1", "/api/v1/incidents/INC-2", "/no/such/1", "/no/such/2"):
        http.get(world.url + path)
    text = http.get(f"{world.url}/metrics").text
    counted = dict(re.findall(r"^incidentd_http_requests_total\{(.*)\} (\S+)$", text, re.MULTILINE))
    assert counted == {
        'method="GET",route="/api/v1/incidents/{number}",status="404"': "2.0",
        'method="GET",route="none",status="404"': "2.0",
    }


@pytest.mark.parametrize("path", ["/healthz", "/nowhere", "/api/v1/incidents", "/api/v1/incidents?limit=x"])
def test_every_answer_tells_browsers_to_keep_off(world: World, http: Session, path: str) -> None:
    headers = http.get(world.url + path).headers
    assert headers["X-Content-Type-Options"] == "nosniff"
    assert headers["Content-Security-Policy"] == "default-src 'none'; frame-ancestors 'none'"
    assert "Server" not in headers


def test_errors_of_every_kind_are_problem_documents(world: World, http: Session) -> None:
    problem(http.get(f"{world.url}/nowhere"), 404)
    refused = http.put(f"{world.url}/api/v2/alerts")
    problem(refused, 405)
    assert refused.headers["Allow"] == "GET, POST"
    assert problem(http.get(f"{world.url}/api/v1/incidents/INC-7"), 404)["detail"] == "there is no incident INC-7"
    for odd in ("INC-", "x", "-1", "4_2", "9" * 20):
        problem(http.get(f"{world.url}/api/v1/incidents/{odd}"), 404)


def test_a_flaw_of_ours_is_a_500_without_details(world: World, http: Session) -> None:
    def break_down(command: Command) -> Reply:
        raise ZeroDivisionError("secret")

    fill(world)
    world.decide = break_down
    answer = http.post(f"{world.url}/api/v1/incidents/43/acknowledge")
    assert "secret" not in json.dumps(problem(answer, 500))
    assert answer.headers["X-Content-Type-Options"] == "nosniff"
    assert http.get(f"{world.url}/healthz").ok


def test_the_openapi_document_describes_every_path(world: World, http: Session) -> None:
    document = http.get(f"{world.url}/api/openapi.json").json()
    assert document["openapi"].startswith("3.1.")
    assert {"/api/v2/alerts", "/hooks/alertmanager", "/api/v1/incidents/{number}/merge"} <= document["paths"].keys()
    text = json.dumps(document)
    referred = set(re.findall(r'"#/components/schemas/([^"]+)"', text))
    assert referred <= document["components"]["schemas"].keys()
    assert "422" not in text
    operations = [o["operationId"] for path in document["paths"].values() for o in path.values()]
    assert len(operations) == len(set(operations))
    taken = document["paths"]["/api/v1/incidents/{number}/assign"]["post"]["requestBody"]["content"]
    assert taken["application/json"]["schema"] == {"$ref": "#/components/schemas/Assign"}


# Reading


def test_open_incidents_are_all_that_are_worked_on(world: World, http: Session) -> None:
    fill(world)

    def numbers(query: str) -> list[str]:
        return [i["number"] for i in http.get(f"{world.url}/api/v1/incidents{query}").json()["incidents"]]

    assert numbers("") == ["INC-43", "INC-42", "INC-41"]
    assert numbers("?status=open") == ["INC-43", "INC-42"]
    assert numbers("?status=closed&status=acknowledged") == ["INC-42", "INC-41"]
    assert numbers("?priority=P1") == ["INC-41"]
    assert numbers("?status=open&priority=P1") == []
    first = http.get(f"{world.url}/api/v1/incidents?limit=2").json()
    assert first["next_offset"] == 2
    rest = http.get(f"{world.url}/api/v1/incidents?limit=2&offset=2").json()
    assert ([i["number"] for i in rest["incidents"]], rest["next_offset"]) == (["INC-41"], None)


@pytest.mark.parametrize(
    ("query", "wrong"),
    [("status=new", "status.0"), ("priority=P9", "priority.0"), ("limit=0", "limit"), ("offset=-1", "offset")],
)
def test_a_wrong_query_names_the_field(world: World, http: Session, query: str, wrong: str) -> None:
    document = problem(http.get(f"{world.url}/api/v1/incidents?{query}"), 400)
    assert [e["field"] for e in document["errors"]] == [wrong]


def test_one_incident_comes_whole(world: World, http: Session) -> None:
    fill(world)
    for key in ("INC-42", "42", "inc-42"):
        shown = http.get(f"{world.url}/api/v1/incidents/{key}").json()
        assert shown["number"] == "INC-42"
    assert {a["labels"]["ci"] for a in shown["alerts"]} == {"db1", "db2"}
    assert shown["root_cause"]["candidates"] == []
    assert [e["text"] for e in shown["timeline"]] == ["opened for db1"]
    assert [n["state"] for n in shown["notices"]] == ["pending"]


def test_events_and_sources_come_with_their_reasons(world: World, http: Session) -> None:
    fill(world)
    (event,) = http.get(f"{world.url}/api/v1/events").json()["events"]
    assert event["reason"] == "inside a maintenance window"
    (source,) = http.get(f"{world.url}/api/v1/sources").json()["sources"]
    assert (source["name"], source["is_up"], source["error"]) == ("main", False, "connection refused")


# Orders

ORDERS: list[tuple[str, dict[str, Any] | None, Verb, str, str]] = [
    ("acknowledge", None, Verb.ACKNOWLEDGE, "", ""),
    ("acknowledge", {}, Verb.ACKNOWLEDGE, "", ""),
    ("start", {"reason": "on it"}, Verb.START, "on it", "on it"),
    ("hold", {"reason": "parts"}, Verb.HOLD, "parts", "parts"),
    ("resume", None, Verb.RESUME, "", ""),
    ("assign", {"assignee": " ada "}, Verb.ASSIGN, "ada", ""),
    ("note", {"text": "looked at it"}, Verb.NOTE, "looked at it", ""),
    ("resolve", {"resolution": "new disk"}, Verb.RESOLVE, "new disk", ""),
    ("close", None, Verb.CLOSE, "", ""),
    ("reopen", {"reason": "again"}, Verb.REOPEN, "again", "again"),
    ("merge", {"into": "INC-43", "reason": "same"}, Verb.MERGE, "43", "same"),
    ("merge", {"into": 43}, Verb.MERGE, "43", ""),
    ("split", {"ci": "db2"}, Verb.SPLIT, "db2", ""),
    ("priority", {"priority": "P1", "reason": "CEO"}, Verb.SET_PRIORITY, "P1", "CEO"),
    ("root", {"ci": "DB1.example"}, Verb.SET_ROOT, "db1", ""),
]


@pytest.mark.parametrize(("word", "body", "verb", "value", "reason"), ORDERS)
def test_an_order_reaches_the_daemon(
    world: World, http: Session, word: str, body: dict[str, Any] | None, verb: Verb, value: str, reason: str
) -> None:
    fill(world)
    answer = http.post(f"{world.url}/api/v1/incidents/INC-42/{word}", json=body)
    assert answer.status_code == 200, answer.text
    (command,) = world.commands
    assert command == Command(id=command.id, at=T0, actor="anonymous", verb=verb, number=42, value=value, reason=reason)
    document = answer.json()
    assert (document["command"], document["incident"], document["done"]) == (command.id, "INC-42", True)


def test_an_incident_shows_its_promised_times(world: World, http: Session) -> None:
    held = clocks.pause(clock(), ALWAYS, at(600), "spare parts")
    late = clocks.meet(clock(Goal.RESPONSE, within=300), ALWAYS, at(420))
    epoch = world.store.acquire("test", timedelta(minutes=1))
    world.store.commit(Decision(at=T0, incidents=(incident(7, clocks=(held, late)),)), epoch=epoch)
    found = http.get(f"{world.url}/api/v1/incidents/7").json()["clocks"]
    assert [(c["goal"], c["state"], c["target_s"], c["due_at"]) for c in found] == [
        ("resolution", "paused", 3600, None),
        ("response", "breached", 300, "2026-11-24T08:05:00.000Z"),
    ]
    assert (found[0]["pause_reason"], found[0]["left_s"], found[0]["late_s"]) == ("spare parts", 3000, None)
    assert (found[1]["left_s"], found[1]["late_s"], found[1]["ended_at"]) == (None, 120, "2026-11-24T08:07:00.000Z")


@pytest.mark.parametrize("body", [{"root": "DB1.example"}, {"root": None}])
def test_whoever_resolves_may_name_the_root(world: World, http: Session, body: dict[str, Any]) -> None:
    fill(world)
    answer = http.post(f"{world.url}/api/v1/incidents/42/resolve", json={"resolution": "new disk", **body})
    assert answer.status_code == 200, answer.text
    (command,) = world.commands
    assert (command.value, command.root) == ("new disk", "db1" if body["root"] else "")
    assert http.get(f"{world.url}/api/v1/incidents/42").json()["confirmed_root"] is None


def test_an_order_may_be_refused_or_late(world: World, http: Session) -> None:
    fill(world)
    world.decide = lambda c: Reply(command=c.id, done=False, message="INC-41 is closed already")
    refused = http.post(f"{world.url}/api/v1/incidents/41/close")
    assert problem(refused, 409)["detail"] == "INC-41 is closed already"

    def late(command: Command) -> Reply:
        raise TimeoutError

    world.decide = late
    waiting = http.post(f"{world.url}/api/v1/incidents/41/close")
    assert waiting.status_code == 202
    assert waiting.json()["done"] is None
    problem(http.post(f"{world.url}/api/v1/incidents/99/close"), 404)


@pytest.mark.parametrize(
    ("word", "body", "wrong"),
    [
        ("assign", {}, "assignee"),
        ("assign", {"assignee": ""}, "assignee"),
        ("assign", {"assignee": 5}, "assignee"),
        ("assign", {"assignee": "a", "extra": 1}, "extra"),
        ("note", {"text": "x" * 4001}, "text"),
        ("hold", {"reason": " "}, "reason"),
        ("hold", {}, "reason"),
        ("merge", {"into": "INC-42"}, "into"),
        ("merge", {"into": "INC-99"}, "into"),
        ("merge", {"into": "nothing"}, "into"),
        ("priority", {"priority": "urgent"}, "priority"),
        ("root", {"ci": "nowhere"}, "ci"),
        ("resolve", {"root": "nowhere"}, "root"),
        ("resolve", {"root": ""}, "root"),
        ("acknowledge", {"actor": "x" * 129}, "actor"),
    ],
)
def test_a_wrong_order_names_the_field(world: World, http: Session, word: str, body: Any, wrong: str) -> None:
    fill(world)
    document = problem(http.post(f"{world.url}/api/v1/incidents/42/{word}", json=body), 400)
    assert [e["field"] for e in document["errors"]] == [wrong]
    assert world.commands == []


@pytest.mark.parametrize("body", [b"{", b"[]", b"\xff", b"null"])
def test_a_body_that_is_no_order_is_refused(world: World, http: Session, body: bytes) -> None:
    fill(world)
    problem(http.post(f"{world.url}/api/v1/incidents/42/assign", data=body), 400)


def test_where_access_is_open_people_say_who_they_are(world: World, http: Session) -> None:
    fill(world)
    http.post(f"{world.url}/api/v1/incidents/42/start", json={"actor": "ada"})
    http.post(f"{world.url}/api/v1/incidents/42/start", headers={"X-Incidentd-Actor": "bob"})
    assert [c.actor for c in world.commands] == ["ada", "bob"]


# Who may

MAY = {"push": {"push"}, "read": {"read"}, "write": {"read", "write"}}
WAYS = {
    "push": ("POST", "/api/v2/alerts"),
    "read": ("GET", "/api/v1/incidents"),
    "write": ("POST", "/api/v1/incidents/42/acknowledge"),
}


@pytest.mark.parametrize("scope", MAY)
@pytest.mark.parametrize("needed", WAYS)
def test_a_token_opens_what_its_scope_names(guarded: World, http: Session, scope: str, needed: str) -> None:
    fill(guarded)
    method, path = WAYS[needed]
    headers = {"Authorization": f"Bearer token-{scope}"}
    answer = http.request(method, guarded.url + path, headers=headers, json=[] if needed == "push" else None)
    if needed in MAY[scope]:
        assert answer.status_code == 200, answer.text
    else:
        said = f"the token {scope}er lacks the permission {needed}; the scope {needed} gives it"
        assert problem(answer, 403)["detail"] == said
        assert 'error="insufficient_scope"' in answer.headers["WWW-Authenticate"]


@pytest.mark.parametrize("header", [None, "Bearer wrong", "Bearer ", "Basic dG9rZW4=", "token-read", "Bearer \xff"])
@pytest.mark.parametrize("needed", WAYS)
def test_without_a_valid_token_there_is_no_way_in(
    guarded: World, http: Session, header: str | None, needed: str
) -> None:
    method, path = WAYS[needed]
    answer = http.request(method, guarded.url + path, headers={} if header is None else {"Authorization": header})
    problem(answer, 401)
    assert answer.headers["WWW-Authenticate"].startswith('Bearer realm="incidentd"')


def test_the_actor_is_the_tokens_name(guarded: World, http: Session) -> None:
    fill(guarded)
    headers = {"Authorization": "Bearer token-write", "X-Incidentd-Actor": "mallory"}
    http.post(f"{guarded.url}/api/v1/incidents/42/start", json={"actor": "mallory"}, headers=headers)
    assert guarded.commands[0].actor == "writeer"


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({"Host": "evil.example"}, 421),
        ({"Host": "evil.example:8420"}, 421),
        ({"Host": "127.0.0.1.evil.example"}, 421),
        ({"Host": "localhost"}, 200),
        ({"Host": "[::1]:8420"}, 200),
        ({"Origin": "https://evil.example"}, 403),
        ({"Origin": "null"}, 403),
        ({"Sec-Fetch-Site": "cross-site"}, 403),
        ({"Sec-Fetch-Site": "same-site"}, 403),
        ({"Sec-Fetch-Site": "same-origin"}, 200),
        ({"Sec-Fetch-Site": "none"}, 200),
    ],
)
def test_open_access_is_not_open_to_other_sites_pages(
    world: World, http: Session, headers: dict[str, str], status: int
) -> None:
    answer = http.post(f"{world.url}/api/v2/alerts", json=[], headers=headers)
    assert answer.status_code == status
    if status != 200:
        problem(answer, status)


def test_a_page_of_our_own_may_post(world: World, http: Session) -> None:
    assert http.post(f"{world.url}/api/v2/alerts", json=[], headers={"Origin": world.url}).ok


def test_doubts_tell_what_was_looked_at(world: World, http: Session) -> None:
    fill(world)
    found = http.get(f"{world.url}/api/v1/cmdb/doubts", params={"days": 7}).json()
    assert found == {
        "doubts": [],
        "total": 0,
        "since": "2026-11-24T08:00:00.000Z",
        "until": "2026-11-24T08:00:00.000Z",
        "incidents": 3,
        "alerts": 4,
    }
    problem(http.get(f"{world.url}/api/v1/cmdb/doubts", params={"days": 0}), 400)
