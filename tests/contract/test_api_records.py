"""Service requests, problems and changes over HTTP, from the request to the decision and back."""

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import icalendar
import pytest

from cmdb.graph import Estate
from cmdb.model import CI
from rules.decision import Decision, Order, Reply
from rules.incident import RootCause, Status
from rules.policy import Policy
from rules.record import Kind
from rules.subscriptions import Subscription
from tests.builders import T0, alert, at, incident, sighting
from tests.contract.api_world import Deciding, Session, World, problem, serve

TTL = timedelta(minutes=5)
DEPLOYED = {
    "title": "deploy 7",
    "status": "done",
    "starts_at": "2026-11-24T07:50:00Z",
    "ends_at": "2026-11-24T08:55:00+01:00",
    "cis": ["db1.example"],
    "url": "https://ci.example.net/7",
    "uid": "build-7",
}
PLANNED = {"title": "new disks", "starts_at": "2026-11-24T08:01:00Z", "ends_at": "2026-11-24T09:00:00Z", "cis": ["db1"]}


def deciding(world: World) -> Deciding:
    return Deciding(world, Estate.of([CI(id="db1", type="database", aliases=("db1.example",))]), Policy())


@pytest.fixture
def api(tmp_path: Path) -> Iterator[Deciding]:
    for world in serve(tmp_path, "open"):
        yield deciding(world)


def post(api: Deciding, http: Session, path: str, body: dict[str, Any], **headers: str) -> Any:
    return http.post(f"{api.world.url}/api/v1/{path}", json=body, headers=headers)


def get(api: Deciding, http: Session, path: str) -> Any:
    answer = http.get(f"{api.world.url}/api/v1/{path}")
    assert answer.status_code == 200, answer.text
    return answer.json()


@pytest.mark.parametrize("kind", Kind)
def test_a_record_is_made_read_changed_and_moved_on(api: Deciding, http: Session, kind: Kind) -> None:
    made = post(api, http, f"{kind}s", {**(PLANNED if kind is Kind.CHANGE else {"title": "x"}), "actor": "anna"})
    key = f"{kind.series}-1"
    assert (made.status_code, made.headers["Location"]) == (201, f"/api/v1/{kind}s/{key}")
    assert (made.json()["record"], made.json()["version"]) == (key, 1)
    shown = http.get(f"{api.world.url}/api/v1/{kind}s/{key}")
    tag = shown.headers["ETag"]
    assert http.get(shown.url, headers={"If-None-Match": tag}).status_code == 304
    assert shown.json()["opened_by"] == "anna"
    edited = post(api, http, f"{kind}s/{key}/edit", {"title": "better", "group": "dba"}, **{"If-Match": tag})
    assert (edited.status_code, edited.json()["version"]) == (200, 2)
    problem(post(api, http, f"{kind}s/1/edit", {"title": "late"}, **{"If-Match": tag}), 412)
    assert post(api, http, f"{kind}s/1/note", {"text": "looked at it"}).status_code == 200
    step = shown.json()["allowed"][0]
    assert post(api, http, f"{kind}s/1/step", {"step": step}).json()["done"]
    refused = problem(post(api, http, f"{kind}s/1/step", {"step": step}), 409)
    assert "allowed now" in refused["detail"]
    listed = get(api, http, f"{kind}s?text=better&limit=1")
    assert [r["number"] for r in listed[f"{kind}s"]] == [key]
    assert listed["next"] is None
    texts = [e["text"] for e in get(api, http, f"{kind}s/{key}")["timeline"]]
    assert "title is now better" in texts
    assert "looked at it" in texts


def test_pages_of_a_list_follow_each_other(api: Deciding, http: Session) -> None:
    for _ in range(3):
        post(api, http, "requests", {"title": "x"})
    first = get(api, http, "requests?limit=2")
    rest = http.get(f"{api.world.url}{first['next']}").json()
    assert [r["number"] for r in (*first["requests"], *rest["requests"])] == ["REQ-3", "REQ-2", "REQ-1"]
    assert rest["next_offset"] is None


def test_lists_are_narrowed_down_by_group_and_service(api: Deciding, http: Session) -> None:
    for group in ("dba", "net"):
        post(api, http, "requests", {"title": "x", "group": group, "services": ["db1"] if group == "net" else []})
    for query, found in (("group=dba", "REQ-1"), ("service=db1", "REQ-2"), ("group=net&service=db1", "REQ-2")):
        assert [r["number"] for r in get(api, http, f"requests?{query}")["requests"]] == [found]
    assert get(api, http, "requests?group=dba&service=db1")["requests"] == []


@pytest.mark.parametrize(
    ("path", "body", "status", "says"),
    [
        ("problems", {}, 409, "needs a title"),
        ("problems", {"title": "x", "incidents": ["INC-0"]}, 400, "incidents"),
        ("problems", {"title": "x", "incidents": ["PRB-1"]}, 400, "incidents"),
        ("problems", {"title": "x", "url": "y"}, 400, "url"),
        ("changes", {**PLANNED, "starts_at": "2026-11-24T08:01:00"}, 400, "starts_at"),
        ("changes", {**PLANNED, "status": "approved"}, 400, "status"),
        ("changes", {**PLANNED, "url": "javascript:alert(1)"}, 400, "url"),
        ("changes", {**PLANNED, "cis": ["moon"]}, 409, "no CI called 'moon'"),
        ("changes/CHG-9/step", {"step": "approve"}, 404, "there is no change CHG-9"),
        ("changes/PRB-1/note", {"text": "x"}, 404, "there is no change PRB-1"),
        ("problems/accept", {"ci": "db1"}, 404, "no problem is suggested"),
    ],
)
def test_what_makes_no_sense_is_refused_in_words(
    api: Deciding, http: Session, path: str, body: dict[str, Any], status: int, says: str
) -> None:
    assert says in problem(post(api, http, path, body), status)["detail"]


def test_a_pipeline_tells_of_its_deployment_once(api: Deciding, http: Session) -> None:
    begun = {**DEPLOYED, "status": "in_progress"}
    assert post(api, http, "changes", begun, **{"Idempotency-Key": "7a"}).json()["record"] == "CHG-1"
    done = post(api, http, "changes", DEPLOYED, **{"Idempotency-Key": "7b"})
    assert (done.json()["record"], done.json()["status"]) == ("CHG-1", "done")
    again = post(api, http, "changes", DEPLOYED, **{"Idempotency-Key": "7b"})
    assert again.json() == done.json()
    assert again.headers["Idempotent-Replayed"] == "true"
    (change,) = get(api, http, "changes?ci=db1&since=2026-11-24T07:51:00Z")["changes"]
    assert (change["began_at"], change["ended_at"]) == ("2026-11-24T07:50:00.000Z", "2026-11-24T07:55:00.000Z")
    api.hear(sighting("HostDown", labels={"ci": "db1"}))
    (found,) = get(api, http, "incidents")["incidents"]
    assert 'change CHG-1 "deploy 7" ended 5 min before' in found["root_cause"]["evidence"]


def test_the_feed_has_every_change(api: Deciding, http: Session) -> None:
    post(api, http, "changes", DEPLOYED)
    post(api, http, "changes", PLANNED)
    answer = http.get(f"{api.world.url}/api/v1/changes.ics")
    assert answer.headers["Content-Type"].startswith("text/calendar")
    events = icalendar.Calendar.from_ical(answer.content).walk("VEVENT")
    assert [(str(e["UID"]), str(e["SUMMARY"]), str(e["STATUS"])) for e in events] == [
        ("CHG-2@incidentd", "CHG-2 new disks", "TENTATIVE"),
        ("build-7", "CHG-1 deploy 7", "CONFIRMED"),
    ]
    assert events[1].end == at(-300)


def test_an_approved_change_covers_what_it_causes(api: Deciding, http: Session) -> None:
    post(api, http, "changes", PLANNED)
    assert get(api, http, "changes/1")["risk"]["level"] == "medium"
    assert post(api, http, "changes/1/step", {"step": "approve"}).status_code == 200
    api.world.clock.advance(timedelta(minutes=2))
    api.hear(sighting("HostDown", labels={"ci": "db1"}, starts_at=at(90)))
    assert get(api, http, "incidents")["incidents"] == []
    assert get(api, http, "changes/1")["timeline"][-1]["text"] == "expected under it: HostDown on db1"
    (shown,) = http.get(f"{api.world.url}/api/v2/alerts").json()
    assert shown["status"]["mutedBy"] == ["change CHG-1: new disks"]


def test_a_change_and_what_it_broke_name_each_other(api: Deciding, http: Session) -> None:
    assert post(api, http, "changes", {**DEPLOYED, "title": "deploy 7"}).status_code == 201
    api.hear(sighting("Down", labels={"ci": "db1", "severity": "critical"}))
    incident = get(api, http, "incidents/1")
    (suspect,) = incident["suspects"]
    assert (suspect["change"], suspect["ci"], suspect["hops"]) == ("CHG-1", "db1", 0)
    assert (suspect["when"], suspect["where"]) == ("ended 5 min before the first sign", "on the root cause itself")
    assert incident["links"] == [{"kind": "suspects", "number": "CHG-1"}]
    assert get(api, http, "changes/CHG-1")["links"] == [{"kind": "suspected in", "number": "INC-1"}]


def test_who_was_told_of_a_change_is_shown_with_it(api: Deciding, http: Session) -> None:
    api.cycle.situation.subscriptions = (Subscription(to="noc"),)
    assert post(api, http, "changes", PLANNED).status_code == 201
    assert get(api, http, "changes/CHG-1")["notices"] == []
    assert post(api, http, "changes/CHG-1/step", {"step": "approve"}).status_code == 200
    shown = get(api, http, "changes/CHG-1")
    (notice,) = shown["notices"]
    assert (notice["to"], notice["event"], notice["state"]) == ("noc", "change_scheduled", "pending")
    assert shown["risk"]["basis"].startswith("as sure as the CMDB")


def test_what_recurs_is_suggested_and_accepted_by_one_order(api: Deciding, http: Session) -> None:
    old = [
        incident(
            n, root=RootCause(ci="db1"), status=Status.CLOSED, opened_at=at(-n * 86_400), closed_at=at(-n * 80_000)
        )
        for n in (1, 2, 3)
    ]
    alerts = [alert("db1", incident=n, starts_at=at(-n * 86_400), cleared_at=at(-n * 86_000)) for n in (1, 2, 3)]
    api.world.store.commit(Decision(at=T0, incidents=tuple(old), alerts=tuple(alerts)), epoch=api.epoch)
    (suggested,) = get(api, http, "problems/suggestions")["suggestions"]
    assert (suggested["ci"], suggested["incidents"], suggested["alerts"]) == (
        "db1",
        ["INC-3", "INC-2", "INC-1"],
        ["Down"],
    )
    assert get(api, http, "incidents/2")["problem_suggestion"] == suggested
    assert post(api, http, "problems/accept", {"ci": "db1.example"}).json()["record"] == "PRB-1"
    assert get(api, http, "problems/1")["links"] == [
        {"kind": "cause of", "number": key} for key in suggested["incidents"]
    ]
    assert get(api, http, "incidents/3")["links"] == [{"kind": "caused by", "number": "PRB-1"}]
    assert get(api, http, "incidents/3")["alerts"] != []
    assert get(api, http, "problems/suggestions")["suggestions"] == []
    assert get(api, http, "incidents/2")["problem_suggestion"] is None


def test_incidents_are_linked_and_converted(api: Deciding, http: Session) -> None:
    api.hear(sighting("HostDown", labels={"ci": "db1"}), sighting("Odd", labels={"device": "x9"}))
    assert len(get(api, http, "incidents")["incidents"]) == 2
    assert post(api, http, "incidents/2/child", {"of": 1}).json()["done"]
    assert get(api, http, "incidents/1")["links"] == [{"kind": "parent of", "number": "INC-2"}]
    assert post(api, http, "incidents/2/unlink", {"to": "INC-1"}).json()["done"]
    assert post(api, http, "incidents/2/duplicate", {"of": "INC-1"}).json()["done"]
    assert post(api, http, "incidents/2/convert", {"reason": "a test"}).json()["status"] == "converted"
    assert get(api, http, "requests/REQ-1")["links"] == [{"kind": "converted from", "number": "INC-2"}]
    assert [i["number"] for i in get(api, http, "incidents?status=converted")["incidents"]] == ["INC-2"]


def test_approving_needs_a_manager(peopled: World, http: Session) -> None:
    behind = deciding(peopled)
    tokens = {role: {"Authorization": f"Bearer token-{role}"} for role in ("reporter", "operator", "manager")}
    assert post(behind, http, "changes", PLANNED, **tokens["reporter"]).status_code == 201
    refused = problem(post(behind, http, "changes/1/step", {"step": "approve"}, **tokens["operator"]), 403)
    assert "lacks the permission manage" in refused["detail"]
    assert post(behind, http, "changes/1/step", {"step": "approve"}, **tokens["manager"]).status_code == 200
    assert post(behind, http, "changes/1/step", {"step": "start"}, **tokens["operator"]).status_code == 200


def test_an_order_that_is_late_is_stored(api: Deciding, http: Session) -> None:
    def late(_: Order) -> Reply:
        raise TimeoutError

    api.world.ordering = late
    answer = post(api, http, "problems", {"title": "x"})
    assert (answer.status_code, answer.json()["done"], answer.json()["record"]) == (202, None, None)
