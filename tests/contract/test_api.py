"""The HTTP API over a real server, a real store and real connections."""

import hashlib
import json
import re
import socket
import subprocess
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Any

import msgspec
import pytest
import requests
from prometheus_client import CollectorRegistry

from cmdb.graph import Estate
from cmdb.model import CI
from daemon.api.app import create_api
from daemon.api.ports import Ports, Readiness
from daemon.api.server import HttpServer
from daemon.clock import ManualClock
from daemon.errors import StoreError
from daemon.store.store import Store
from rules.alert import SeenBy, Sighting
from rules.decision import Command, Decision, Reply, SourceState, TimelineEntry, Verb
from rules.incident import Priority, Status
from tests.builders import T0, alert, at, incident, notice
from tests.servers import program

Session = requests.Session


@dataclass
class World:
    """A served API with everything around it that a test may set or look at."""

    store: Store
    clock: ManualClock
    url: str = ""
    log: list[str] = field(default_factory=list)
    commands: list[Command] = field(default_factory=list)
    decide: Callable[[Command], Reply] = lambda c: Reply(command=c.id, done=True, message="done")
    accepting: Callable[[str, bytes], None] = lambda source, body: None
    readiness: Readiness = field(default_factory=lambda: Readiness(is_ready=True))

    def accept(self, source: str, body: bytes) -> None:
        self.accepting(source, body)
        self.store.put("push", source, body)
        self.log.append("stored")

    def order(self, command: Command) -> Reply:
        self.commands.append(command)
        return self.decide(command)

    def pushed(self) -> list[Sighting]:
        rows = self.store.pending(1000)
        return [s for row in rows for s in msgspec.json.decode(row.body, type=tuple[Sighting, ...])]


def serve(directory: Path, access: Any) -> Iterator[World]:
    clock = ManualClock(T0)
    with Store.open(f"sqlite:///{directory / 'incidentd.db'}", clock) as store:
        store.upgrade()
        world = World(store, clock)
        ports = Ports(
            store=store,
            accept=world.accept,
            order=world.order,
            readiness=lambda: world.readiness,
            registry=CollectorRegistry(),
            access=access,
            push_source="push",
            estate=lambda: Estate.of([CI(id="db1", type="database", aliases=("db1.example",))]),
            clock=clock,
        )
        server = HttpServer(create_api(ports), "127.0.0.1", 0)
        server.start()
        world.url = server.address
        try:
            yield world
        finally:
            server.stop()


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    yield from serve(tmp_path, "open")


@pytest.fixture
def guarded(tmp_path: Path) -> Iterator[World]:
    for world in serve(tmp_path, "login"):
        for scope in ("push", "read", "write"):
            digest = hashlib.sha256(f"token-{scope}".encode()).hexdigest()
            world.store.add_token(f"{scope}er", digest, frozenset({scope}))
        yield world


@pytest.fixture
def http() -> Iterator[Session]:
    with requests.Session() as session:
        session.trust_env = False
        yield session


def fill(world: World) -> None:
    epoch = world.store.acquire("test", timedelta(minutes=1))
    world.store.commit(
        Decision(
            at=T0,
            incidents=(
                incident(41, status=Status.CLOSED, priority=Priority.P1),
                incident(42, status=Status.ACKNOWLEDGED),
                incident(43),
            ),
            alerts=(
                alert("db1", incident=42, annotations={"summary": "it is down"}),
                alert("db2", incident=42, cleared_at=at(60)),
                alert("db3", incident=43, seen_by={"am": SeenBy(starts_at=T0, firing=True, suppressed="silenced")}),
                alert("db4", reason="inside a maintenance window"),
            ),
            timeline=(TimelineEntry(incident=42, at=T0, kind="opened", text="opened for db1"),),
            notices=(notice(incident=42),),
            sources=(SourceState(name="main", is_up=False, since=T0, failures=3, error="connection refused"),),
        ),
        epoch=epoch,
    )


def problem(answer: requests.Response, status: int) -> dict[str, Any]:
    assert answer.status_code == status, answer.text
    assert answer.headers["Content-Type"] == "application/problem+json"
    document: dict[str, Any] = answer.json()
    assert document["status"] == status
    assert document["title"]
    return document


# Probes and every answer


def test_probes_answer_without_a_token(guarded: World, http: Session) -> None:
    assert http.get(f"{guarded.url}/healthz").text == "ok\n"
    assert http.get(f"{guarded.url}/readyz").text == "ok\n"
    assert http.get(f"{guarded.url}/").json()["docs"] == "/api/openapi.json"
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
        ("merge", {"into": "INC-42"}, "into"),
        ("merge", {"into": "INC-99"}, "into"),
        ("merge", {"into": "nothing"}, "into"),
        ("priority", {"priority": "urgent"}, "priority"),
        ("root", {"ci": "nowhere"}, "ci"),
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
        assert problem(answer, 403)["detail"] == f"the token {scope}er lacks the scope {needed}"
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


# Pushes


def test_a_push_is_answered_after_it_is_durable(world: World, http: Session) -> None:
    world.accepting = lambda source, body: world.log.append(f"asked by {source}")
    answer = http.post(f"{world.url}/api/v2/alerts", json=[{"labels": {"alertname": "Down", "ci": "db1"}}])
    world.log.append(f"answered {answer.status_code}")
    assert world.log == ["asked by push", "stored", "answered 200"]
    (sighting,) = world.pushed()
    assert sighting == Sighting(labels={"alertname": "Down", "ci": "db1"}, starts_at=T0, is_start_known=False)


def test_a_push_is_not_answered_while_it_is_being_stored(world: World, http: Session) -> None:
    asked, go_on = threading.Event(), threading.Event()

    def wait(source: str, body: bytes) -> None:
        asked.set()
        go_on.wait()

    world.accepting = wait
    answers: list[int] = []
    body = [{"labels": {"alertname": "Down"}}]
    thread = threading.Thread(
        target=lambda: answers.append(requests.post(f"{world.url}/api/v2/alerts", json=body, timeout=60).status_code)
    )
    thread.start()
    asked.wait()
    assert http.get(f"{world.url}/healthz").ok
    assert answers == []
    go_on.set()
    thread.join()
    assert answers == [200]


def test_a_push_that_cannot_be_stored_is_to_be_sent_again(world: World, http: Session) -> None:
    def fail(source: str, body: bytes) -> None:
        raise StoreError("the disk is full")

    world.accepting = fail
    answer = http.post(f"{world.url}/api/v2/alerts", json=[{"labels": {"a": "b"}}])
    assert "the disk is full" in problem(answer, 503)["detail"]
    assert answer.headers["Retry-After"] == "5"


@pytest.mark.parametrize("kind", ["application/json", "text/plain", None])
def test_a_webhook_is_taken_whatever_its_content_type(world: World, http: Session, kind: str | None) -> None:
    body = {"version": "4", "alerts": [{"status": "resolved", "labels": {"alertname": "Down"}}]}
    headers = {} if kind is None else {"Content-Type": kind}
    assert http.post(f"{world.url}/hooks/alertmanager", data=json.dumps(body), headers=headers).ok
    (sighting,) = world.pushed()
    assert not sighting.firing


@pytest.mark.parametrize(
    ("path", "body", "wrong"),
    [
        ("/api/v2/alerts", [{"labels": {"a": "b"}}, {"labels": {"a": "b", "alertname": 5}}], "[1].labels.alertname"),
        ("/api/v2/alerts", [{"labels": {}}], "[0].labels"),
        ("/api/v2/alerts", [{"labels": {"a": "b"}, "startsAt": "now"}], "[0].startsAt"),
        ("/api/v2/alerts", {}, ""),
        ("/hooks/alertmanager", {"version": "4", "alerts": [{"labels": {"a": "b"}}]}, "alerts[0].status"),
        ("/hooks/alertmanager", {"version": "4"}, "alerts"),
        ("/hooks/alertmanager", {"version": "1", "alerts": []}, "version"),
    ],
)
def test_a_bad_push_names_the_field_and_leaves_nothing(
    world: World, http: Session, path: str, body: Any, wrong: str
) -> None:
    document = problem(http.post(world.url + path, json=body), 400)
    assert [e["field"] for e in document["errors"]] == [wrong]
    assert world.pushed() == []
    assert http.post(f"{world.url}/api/v2/alerts", json=[]).ok, "the connection goes on"


def test_bodies_are_bounded(world: World, http: Session) -> None:
    problem(http.post(f"{world.url}/api/v2/alerts", data=b" " * (16 * 1024**2 + 1)), 413)
    problem(http.post(f"{world.url}/api/v1/incidents/1/note", data=b" " * 70_000), 413)
    problem(http.post(f"{world.url}/api/v2/alerts", data=(b" " * 1024**2 for _ in range(17))), 413)
    problem(http.post(f"{world.url}/api/v2/alerts", data=b"x", headers={"Content-Encoding": "gzip"}), 415)


def test_connections_are_kept(world: World) -> None:
    with socket.create_connection(("127.0.0.1", int(world.url.rpartition(":")[2]))) as connection:
        for _ in range(3):
            connection.sendall(b"POST /api/v2/alerts HTTP/1.1\r\nHost: localhost\r\nContent-Length: 2\r\n\r\n[]")
            assert connection.recv(65536).startswith(b"HTTP/1.1 200 ")


# Alertmanager's readers


def test_firing_alerts_have_alertmanagers_shape(world: World, http: Session) -> None:
    fill(world)
    shown = http.get(f"{world.url}/api/v2/alerts").json()
    states = {a["labels"]["ci"]: a["status"] for a in shown}
    assert states.keys() == {"db1", "db3", "db4"}
    assert states["db1"] == {"state": "active", "silencedBy": [], "inhibitedBy": [], "mutedBy": []}
    assert states["db3"]["silencedBy"] == ["am"]
    assert shown[0].keys() == {
        "labels", "annotations", "startsAt", "endsAt", "updatedAt", "generatorURL", "fingerprint", "receivers", "status"
    }  # fmt: skip
    assert [a["labels"]["ci"] for a in http.get(f"{world.url}/api/v2/alerts?silenced=false").json()] == ["db1", "db4"]
    chosen = http.get(f"{world.url}/api/v2/alerts", params={"filter": ['ci=~"db[34]"', "ci!=db4"]}).json()
    assert [a["labels"]["ci"] for a in chosen] == ["db3"]
    (group,) = http.get(f"{world.url}/api/v2/alerts/groups").json()
    assert len(group["alerts"]) == 3
    assert http.get(f"{world.url}/api/v2/receivers").json() == [{"name": "incidentd"}]
    assert http.get(f"{world.url}/api/v2/status").json()["cluster"]["status"] == "disabled"


@pytest.mark.parametrize(
    "matcher", ["nothing", "=x", 'a=~"("', 'a=~"(a+)+"', 'a=~".*.*.*x"', 'a=~"a?a?a?aaa"', 'a=~"(a|a)(a|a)(a|a)(a|a)"']
)
def test_a_matcher_that_cannot_be_used_is_named(world: World, http: Session, matcher: str) -> None:
    document = problem(http.get(f"{world.url}/api/v2/alerts", params={"filter": matcher}), 400)
    assert [e["field"] for e in document["errors"]] == ["filter"]


def test_amtool_adds_and_queries(world: World) -> None:
    amtool = [program("amtool"), f"--alertmanager.url={world.url}", "--output=json"]
    added = [*amtool, "alert", "add", "alertname=DiskFull", "ci=db1", "--annotation=summary=it is full"]
    subprocess.run(added, check=True, capture_output=True)
    (sighting,) = world.pushed()
    assert sighting.labels == {"alertname": "DiskFull", "ci": "db1"}
    assert sighting.annotations == {"summary": "it is full"}
    assert sighting.firing
    fill(world)
    for query, found in (([], {"db1", "db4"}), (["alertname=Down", "ci=~db[0-3]"], {"db1"}), (["-s"], {"db3"})):
        ran = subprocess.run([*amtool, "alert", "query", *query], check=True, capture_output=True)
        assert {a["labels"]["ci"] for a in json.loads(ran.stdout)} == found
    subprocess.run([*amtool, "config", "show"], check=True, capture_output=True)
    subprocess.run([*amtool, "silence", "query"], check=True, capture_output=True)
