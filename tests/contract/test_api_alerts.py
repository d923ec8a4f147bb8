"""Alerts over HTTP: what is pushed, and what readers of Alertmanager's API see."""

import json
import socket
import subprocess
import threading
from typing import Any

import pytest
import requests

from daemon.errors import StoreError
from rules.alert import Sighting
from tests.builders import T0
from tests.contract.api_world import Session, World, fill, problem
from tests.servers import program


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


@pytest.mark.parametrize("matcher", ["nothing", "=x", 'a=~"("', 'a=~"(?=x)"', 'a=~"((a{100}){100}){100}"'])
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
