"""Alertmanager's API for silences, from the request to the decision and back."""

import json
import subprocess
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
import requests

from cmdb.graph import Estate
from cmdb.model import CI
from rules.decision import Order, Reply
from rules.maintenance import Window
from rules.policy import Policy
from tests.builders import T0, at, sighting
from tests.contract.api_world import Deciding, Session, World, problem, serve
from tests.daemons import Incidentd
from tests.servers import program, wait_until

TTL = timedelta(minutes=5)


class Waiting(Deciding):
    """The same where time passes; `db3` is worked on."""

    def __init__(self, world: World) -> None:
        estate = Estate.of([CI(id=f"db{n}", type="database") for n in (1, 2, 3)])
        window = Window(name="new disks", starts_at=T0, ends_at=at(3600), cis=("db3",))
        super().__init__(world, estate, Policy(maintenance=(window,)))

    def wait(self, seconds: float) -> None:
        self.world.clock.advance(timedelta(seconds=seconds))
        self.cycle.run_once()


@pytest.fixture
def api(tmp_path: Path) -> Iterator[Waiting]:
    for world in serve(tmp_path, "open"):
        yield Waiting(world)


def body(**fields: Any) -> dict[str, Any]:
    known = {
        "matchers": [{"name": "ci", "value": "db1", "isRegex": False, "isEqual": True}],
        "startsAt": "2026-11-24T08:00:00Z",
        "endsAt": "2026-11-24T09:00:00Z",
        "createdBy": "anna",
        "comment": "known",
    }
    return {**known, **fields}


def post(api: Waiting, http: Session, **fields: Any) -> str:
    answer = http.post(f"{api.world.url}/api/v2/silences", json=body(**fields))
    assert answer.status_code == 200, answer.text
    made: str = answer.json()["silenceID"]
    return made


def get(api: Waiting, http: Session, path: str, **parameters: Any) -> Any:
    answer = http.get(f"{api.world.url}/api/v2/{path}", params=parameters)
    assert answer.status_code == 200, answer.text
    return answer.json()


def test_a_silence_is_kept_and_shown_in_alertmanagers_shape(api: Waiting, http: Session) -> None:
    made = post(api, http)
    shown = get(api, http, f"silence/{made}")
    assert shown == {
        "id": made,
        "status": {"state": "active"},
        "updatedAt": "2026-11-24T08:00:00.000Z",
        "matchers": [{"name": "ci", "value": "db1", "isRegex": False, "isEqual": True}],
        "startsAt": "2026-11-24T08:00:00.000Z",
        "endsAt": "2026-11-24T09:00:00.000Z",
        "createdBy": "anna",
        "comment": "known",
    }
    assert get(api, http, "silences") == [shown]
    assert get(api, http, "silences", filter='ci="db1"') == [shown]
    assert get(api, http, "silences", filter='ci="db2"') == []
    problem(http.get(f"{api.world.url}/api/v2/silences?filter=nothing"), 400)


def test_what_is_silenced_is_shown_as_suppressed_by_it(api: Waiting, http: Session) -> None:
    made = post(api, http)
    api.hear(sighting(labels={"ci": "db1"}), sighting(labels={"ci": "db2"}))
    states = {a["labels"]["ci"]: a["status"] for a in get(api, http, "alerts")}
    assert states["db1"] == {"state": "suppressed", "silencedBy": [made], "inhibitedBy": [], "mutedBy": []}
    assert states["db2"]["state"] == "active"
    assert [a["labels"]["ci"] for a in get(api, http, "alerts", silenced="false")] == ["db2"]
    assert [a["labels"]["ci"] for a in get(api, http, "alerts", active="false")] == ["db1"]
    assert [i.root.ci for i in api.world.store.incidents()] == ["db2"]


def test_what_is_in_maintenance_is_shown_as_muted(api: Waiting, http: Session) -> None:
    api.hear(sighting(labels={"ci": "db3"}))
    (shown,) = get(api, http, "alerts")
    assert shown["status"] == {
        "state": "suppressed",
        "silencedBy": [],
        "inhibitedBy": [],
        "mutedBy": ["maintenance: new disks"],
    }
    assert get(api, http, "alerts", silenced="false") == []
    assert api.world.store.incidents() == []


def test_ending_a_silence_keeps_it_in_sight_and_calls_for_what_fires(api: Waiting, http: Session) -> None:
    made = post(api, http)
    api.hear(sighting(labels={"ci": "db1"}))
    api.wait(60)
    for _ in range(2):
        assert http.delete(f"{api.world.url}/api/v2/silence/{made}").status_code == 200
    shown = get(api, http, f"silence/{made}")
    assert (shown["status"]["state"], shown["endsAt"]) == ("expired", "2026-11-24T08:01:00.000Z")
    assert [a["status"]["state"] for a in get(api, http, "alerts")] == ["active"]
    assert [i.root.ci for i in api.world.store.incidents()] == ["db1"]
    api.world.clock.advance(timedelta(hours=120, seconds=1))
    assert get(api, http, "silences") == []
    problem(http.get(f"{api.world.url}/api/v2/silence/{made}"), 404)


def test_a_post_with_an_id_changes_that_silence_or_replaces_it(api: Waiting, http: Session) -> None:
    made = post(api, http)
    assert post(api, http, id=made, endsAt="2026-11-24T10:00:00Z", comment="longer") == made
    assert get(api, http, f"silence/{made}")["comment"] == "longer"
    other = post(api, http, id=made, matchers=[{"name": "ci", "value": "db.", "isRegex": True}])
    assert other != made
    assert [(s["id"], s["status"]["state"]) for s in get(api, http, "silences")] == [
        (other, "active"),
        (made, "expired"),
    ]
    problem(http.post(f"{api.world.url}/api/v2/silences", json=body(id="nope")), 404)
    problem(http.delete(f"{api.world.url}/api/v2/silence/nope"), 404)


def test_a_silence_begins_when_it_was_asked_to(api: Waiting, http: Session) -> None:
    api.hear(sighting(labels={"ci": "db1"}))
    made = post(api, http, startsAt="2026-11-24T08:05:00Z")
    assert get(api, http, f"silence/{made}")["status"]["state"] == "pending"
    assert [a["status"]["state"] for a in get(api, http, "alerts")] == ["active"]
    api.wait(300)
    assert [a["status"]["state"] for a in get(api, http, "alerts")] == ["suppressed"]


MATCHER = {"name": "ci", "value": "db1", "isRegex": False}


@pytest.mark.parametrize(
    ("fields", "wrong"),
    [
        ({"matchers": []}, "matchers"),
        ({"matchers": [{**MATCHER, "value": ""}]}, "matchers"),
        ({"matchers": [MATCHER, {"name": "", "value": "x", "isRegex": False}]}, "matchers[1].name"),
        ({"matchers": [{**MATCHER, "value": "(", "isRegex": True}]}, "matchers[0].value"),
        ({"matchers": [{"name": "ci", "isRegex": False}]}, "matchers[0].value"),
        ({"matchers": [{**MATCHER, "isRegex": "no"}]}, "matchers[0].isRegex"),
        ({"startsAt": "tomorrow"}, "startsAt"),
        ({"endsAt": "0001-01-01T00:00:00Z"}, "endsAt"),
        ({"endsAt": "2026-11-24T08:00:00Z"}, "endsAt"),
        ({"startsAt": "2026-11-24T06:00:00Z", "endsAt": "2026-11-24T07:00:00Z"}, "endsAt"),
        ({"createdBy": ""}, "createdBy"),
        ({"comment": None}, "comment"),
        ({"comment": " "}, "comment"),
    ],
)
def test_a_bad_silence_names_the_field_and_leaves_nothing(
    api: Waiting, http: Session, fields: dict[str, Any], wrong: str
) -> None:
    answer = http.post(f"{api.world.url}/api/v2/silences", json=body(**fields))
    assert [e["field"] for e in problem(answer, 400)["errors"]] == [wrong]
    assert api.world.store.silences() == []
    assert api.world.store.inbox_depth() == 0


def test_an_order_without_an_answer_is_no_success(world: World, http: Session) -> None:
    def late(order: Order) -> Reply:
        raise TimeoutError

    world.ordering = late
    answer = http.post(f"{world.url}/api/v2/silences", json=body())
    assert "will be done" in problem(answer, 503)["detail"]


def test_reading_and_writing_need_their_scopes(guarded: World, http: Session) -> None:
    def ask(method: str, path: str, scope: str) -> int:
        headers = {"Authorization": f"Bearer token-{scope}"}
        return http.request(method, f"{guarded.url}/api/v2/{path}", headers=headers, json=body(endsAt="x")).status_code

    assert ask("GET", "silences", "read") == 200
    assert ask("GET", "silences", "push") == 403
    assert ask("POST", "silences", "read") == 403
    assert ask("POST", "silences", "write") == 400
    assert ask("DELETE", "silence/x", "read") == 403
    assert ask("DELETE", "silence/x", "write") == 404


def test_the_routes_are_described(world: World, http: Session) -> None:
    document = http.get(f"{world.url}/api/openapi.json").json()
    assert document["paths"]["/api/v2/silences"].keys() == {"get", "post"}
    assert document["paths"]["/api/v2/silence/{silence_id}"].keys() == {"get", "delete"}
    assert {"PostableSilence", "GettableSilence", "MatcherDocument"} <= document["components"]["schemas"].keys()


CMDB = json.dumps({"cis": [{"id": "db1", "type": "database"}, {"id": "db2", "type": "database"}]})
DOWN = ({"labels": {"alertname": "Down", "ci": "db1"}}, {"labels": {"alertname": "Down", "ci": "db2"}})


def suppressed(daemon: Incidentd) -> list[tuple[str, list[str]]]:
    """The CI of each alert that calls nobody, and by which silences."""
    shown = requests.get(f"{daemon.url}/api/v2/alerts?active=false", timeout=60).json()
    return [(a["labels"]["ci"], a["status"]["silencedBy"]) for a in shown]


def test_amtool_adds_queries_updates_and_expires(tmp_path: Path) -> None:
    binary = program("amtool")
    with Incidentd(tmp_path, CMDB) as daemon:

        def amtool(*arguments: str) -> str:
            command = [binary, f"--alertmanager.url={daemon.url}", *arguments]
            return subprocess.run(command, check=True, capture_output=True, text=True).stdout.strip()

        made = amtool("silence", "add", "alertname=~D.*", "ci!=db2", "--comment=work", "--author=anna", "--duration=1h")
        (shown,) = json.loads(amtool("silence", "query", "--output=json"))
        assert (shown["id"], shown["createdBy"], shown["status"]["state"]) == (made, "anna", "active")
        assert made in amtool("silence", "query", "alertname=~D.*")
        assert amtool("silence", "query", "-q", "ci=db1") == ""
        daemon.push(*DOWN)
        assert daemon.one_incident()["root_cause"]["ci"] == "db2"
        (found,) = json.loads(amtool("--output=json", "alert", "query", "--silenced"))
        assert found["status"]["silencedBy"] == [made]
        amtool("silence", "update", "--comment=more", "--duration=2h", made)
        (shown,) = json.loads(amtool("silence", "query", "--output=json"))
        assert (shown["id"], shown["comment"]) == (made, "more")
        amtool("silence", "expire", made)
        assert amtool("silence", "query", "-q") == ""
        assert amtool("silence", "query", "-q", "--expired") == made
        wait_until("the alert opens its incident", lambda: len(daemon.incidents()) == 2)


def test_a_silence_outlives_a_crash_of_the_daemon(tmp_path: Path) -> None:
    with Incidentd(tmp_path, CMDB) as daemon:
        added = daemon.cli("silence", "add", "ci=db1", "--for", "1h", "--comment", "work", "--by", "anna", "--json")
        made = json.loads(added.stdout)["silenceID"]
        daemon.kill()
        daemon.start()
        daemon.push(*DOWN)
        assert daemon.one_incident()["root_cause"]["ci"] == "db2"
        assert suppressed(daemon) == [("db1", [made])]
        assert daemon.cli("silence", "end", made[:8]).returncode == 0
        wait_until("the alert opens its incident", lambda: len(daemon.incidents()) == 2)
