"""How requests are made: versions, repeats, many at once, and lists in pages."""

from datetime import timedelta
from typing import Any, get_args

import msgspec
import pytest
import requests

from cmdb.graph import Estate
from daemon.api.bulk import Action
from daemon.api.orders import KINDS
from daemon.errors import StoreError
from daemon.store.answers import KEPT
from rules.decision import Command, Decision, Reply, Verb
from rules.incident import Priority, RootCause
from rules.policy import Policy
from tests.builders import T0, alert, incident
from tests.contract.api_world import Deciding, Session, World, fill, problem

ANY_KEY = {"Idempotency-Key": "8e03978e-40d5-43dd-bc93-6894a57f9324"}


@pytest.fixture
def deciding(world: World) -> World:
    """A world in which orders are decided by the daemon's own cycle."""
    fill(world)
    Deciding(world, Estate.of([]), Policy())
    return world


def show(world: World, http: Session, **headers: str) -> requests.Response:
    return http.get(f"{world.url}/api/v1/incidents/42", headers=headers)


def order(world: World, http: Session, word: str = "note", body: Any = None, **headers: str) -> requests.Response:
    sent = {"text": "looked at it"} if word == "note" and body is None else body
    return http.post(f"{world.url}/api/v1/incidents/42/{word}", json=sent, headers=headers)


# Versions


def test_what_has_not_changed_is_not_sent_again(deciding: World, http: Session) -> None:
    first = show(deciding, http)
    tag = first.headers["ETag"]
    assert tag.startswith('"1-')
    assert first.json()["version"] == 1
    for known in (tag, f"W/{tag}", f'"other", {tag}', "*"):
        again = show(deciding, http, **{"If-None-Match": known})
        assert (again.status_code, again.content, again.headers["ETag"]) == (304, b"", tag)
    assert show(deciding, http, **{"If-None-Match": '"1-0000000000000000"'}).status_code == 200
    order(deciding, http)
    changed = show(deciding, http, **{"If-None-Match": tag})
    assert (changed.status_code, changed.json()["version"]) == (200, 2)


def test_a_notice_that_was_delivered_is_news_although_the_record_is_the_same(deciding: World, http: Session) -> None:
    before = show(deciding, http)
    (notice,) = before.json()["notices"]
    deciding.store.bury(notice["idempotency_key"], T0, "gone")
    after = show(deciding, http, **{"If-None-Match": before.headers["ETag"]})
    assert after.status_code == 200
    assert after.headers["ETag"].partition("-")[0] == before.headers["ETag"].partition("-")[0]


def test_an_update_of_what_somebody_else_has_changed_is_refused(deciding: World, http: Session) -> None:
    tag = show(deciding, http).headers["ETag"]
    mine = order(deciding, http, "assign", {"assignee": "anna"}, **{"If-Match": tag})
    assert (mine.status_code, mine.json()["version"]) == (200, 2)
    theirs = order(deciding, http, "assign", {"assignee": "bob"}, **{"If-Match": tag})
    said = problem(theirs, 412)["detail"]
    assert said == "INC-42 has been changed since it was read (version 1 then, 2 now); read it again"
    assert show(deciding, http).json()["assignee"] == "anna"
    for fresh in ('"2"', "*", f'{tag}, "2"', show(deciding, http).headers["ETag"]):
        version = show(deciding, http).json()["version"]
        answer = order(deciding, http, **{"If-Match": fresh.replace('"2', f'"{version}')})
        assert answer.status_code == 200, answer.text


@pytest.mark.parametrize("tag", ['W/"1"', '"another-server"', '"1", "0"x', "1", '"', ",", '"1" "2"'])
def test_a_tag_that_is_not_ours_changes_nothing(deciding: World, http: Session, tag: str) -> None:
    answer = order(deciding, http, **{"If-Match": tag})
    problem(answer, 412 if tag in ('W/"1"', '"another-server"') else 400)
    assert show(deciding, http).json()["version"] == 1


def test_the_version_is_compared_in_the_decision_itself(deciding: World, http: Session) -> None:
    """What was read is still what is stored when the order comes in; the cycle that decides takes another one first."""
    decide = deciding.decide

    def with_another_first(command: Command) -> Reply:
        rival = Command(id="rival", at=T0, actor="bob", verb=Verb.ASSIGN, number=42, value="bob")
        deciding.store.put("command", "bob", msgspec.json.encode(rival))
        return decide(command)

    tag = show(deciding, http).headers["ETag"]
    deciding.decide = with_another_first
    problem(order(deciding, http, "assign", {"assignee": "anna"}, **{"If-Match": tag}), 412)
    assert show(deciding, http).json()["assignee"] == "bob"


# Repeats


def test_a_repeated_request_is_carried_out_once(deciding: World, http: Session) -> None:
    first = order(deciding, http, **ANY_KEY)
    again = order(deciding, http, **ANY_KEY)
    assert (first.status_code, again.status_code) == (200, 200)
    assert again.content == first.content
    assert again.headers["Content-Type"] == first.headers["Content-Type"]
    assert ("Idempotent-Replayed" in first.headers, again.headers["Idempotent-Replayed"]) == (False, "true")
    assert len(deciding.commands) == 1
    assert again.headers["X-Content-Type-Options"] == "nosniff"


def test_a_key_stands_for_one_request_of_one_caller(deciding: World, http: Session) -> None:
    order(deciding, http, **ANY_KEY)
    problem(order(deciding, http, body={"text": "something else"}, **ANY_KEY), 422)
    problem(order(deciding, http, "start", {"reason": "x"}, **ANY_KEY), 422)
    assert order(deciding, http, **ANY_KEY, **{"X-Incidentd-Actor": "bob"}).status_code == 200
    assert [c.actor for c in deciding.commands] == ["anonymous", "bob"]
    deciding.clock.advance(KEPT)
    assert order(deciding, http, body={"text": "something else"}, **ANY_KEY).status_code == 200


def test_a_refusal_is_repeated_too(world: World, http: Session) -> None:
    fill(world)
    world.decide = lambda c: Reply(command=c.id, done=False, message="not now")
    problem(order(world, http, **ANY_KEY), 409)
    world.decide = lambda c: Reply(command=c.id, done=True, message="done")
    assert problem(order(world, http, **ANY_KEY), 409)["detail"] == "not now"


def test_a_wrong_request_may_be_put_right_under_its_key(world: World, http: Session) -> None:
    fill(world)
    problem(order(world, http, "assign", {}, **ANY_KEY), 400)
    assert order(world, http, "assign", {"assignee": "anna"}, **ANY_KEY).status_code == 200


def test_what_came_of_a_failed_request_is_not_guessed_at(world: World, http: Session) -> None:
    fill(world)

    def fail(command: Command) -> Reply:
        raise StoreError("nothing could be written for 10 s")

    world.decide = fail
    problem(order(world, http, **ANY_KEY), 503)
    world.decide = lambda c: Reply(command=c.id, done=True, message="done")
    problem(order(world, http, **ANY_KEY), 409)
    assert len(world.commands) == 1


@pytest.mark.parametrize("key", ["", "x" * 256, "\x7f"])
def test_an_odd_key_is_refused(world: World, http: Session, key: str) -> None:
    fill(world)
    problem(order(world, http, **{"Idempotency-Key": key}), 400)
    assert world.commands == []


def test_a_key_opens_no_door(guarded: World, http: Session) -> None:
    fill(guarded)
    token = {"Authorization": "Bearer token-write"}
    assert order(guarded, http, **ANY_KEY, **token).status_code == 200
    problem(order(guarded, http, **ANY_KEY), 401)
    problem(order(guarded, http, **ANY_KEY, Authorization="Bearer token-push"), 403)
    guarded.store.revoke_token("writeer")
    problem(order(guarded, http, **ANY_KEY, **token), 401)


# Many at once


def bulk(world: World, http: Session, action: str, numbers: list[str], **order: Any) -> requests.Response:
    body = {"action": action, "numbers": numbers, "order": order}
    return http.post(f"{world.url}/api/v1/incidents/bulk", json=body)


def test_every_action_can_be_asked_of_many() -> None:
    assert set(get_args(Action)) == {kind.word for kind in KINDS}


def test_of_many_those_that_were_changed_since_are_refused(world: World, http: Session) -> None:
    fill(world)
    tag = http.get(f"{world.url}/api/v1/incidents/41").headers["ETag"]
    versions = {"INC-41": tag, "42": 7, "43": "*"}
    world.decide = lambda c: Reply(command=c.id, done=c.expects in (None, 1), message="x", stale=c.expects == 7)
    body = {"action": "note", "numbers": ["41", "inc-42", "INC-43"], "order": {"text": "x"}, "versions": versions}
    results = http.post(f"{world.url}/api/v1/incidents/bulk", json=body).json()["results"]
    assert [(r["incident"], r["code"]) for r in results] == [("INC-41", 200), ("inc-42", 412), ("INC-43", 200)]
    assert [command.expects for command in world.commands] == [1, 7, None]


@pytest.mark.parametrize(
    ("versions", "field"),
    [
        ({"INC-44": 1}, "versions.INC-44"),
        ({"42": 1, "INC-42": 1}, "versions.INC-42"),
        ({"42": "seven"}, "versions.42"),
        ({"42": True}, "versions.42"),
        ({"42": 0}, "versions.42"),
    ],
)
def test_versions_that_make_no_sense_are_refused_whole(
    world: World, http: Session, versions: dict[str, Any], field: str
) -> None:
    fill(world)
    body = {"action": "start", "numbers": ["INC-42"], "versions": versions}
    refused = problem(http.post(f"{world.url}/api/v1/incidents/bulk", json=body), 400)
    assert field in refused["errors"][0]["field"]
    assert world.commands == []


def test_each_of_many_has_its_own_result(deciding: World, http: Session) -> None:
    answer = bulk(deciding, http, "start", ["INC-43", "42", "INC-41", "INC-99", "INC-43"])
    assert answer.status_code == 200, answer.text
    results = answer.json()["results"]
    assert [(r["incident"], r["code"], r["done"]) for r in results] == [
        ("INC-43", 200, True),
        ("INC-42", 200, True),
        ("INC-41", 409, False),
        ("INC-99", 404, False),
    ]
    assert results[2]["message"] == "cannot start an incident that is closed; allowed now: reopen"


def test_where_one_order_gets_no_decision_the_rest_are_not_given(world: World, http: Session) -> None:
    fill(world)

    def late(command: Command) -> Reply:
        raise TimeoutError

    world.decide = late
    results = bulk(world, http, "start", ["INC-43", "INC-42"]).json()["results"]
    assert [(r["code"], r["done"]) for r in results] == [(202, None), (503, False)]
    assert len(world.commands) == 1


@pytest.mark.parametrize(
    ("action", "numbers", "order", "wrong"),
    [
        ("assign", ["1"], {}, "order.assignee"),
        ("assign", ["1"], {"assignee": "a", "more": 1}, "order.more"),
        ("explode", ["1"], {}, "action"),
        ("start", [], {}, "numbers"),
        ("start", ["1"] * 101, {}, "numbers"),
    ],
)
def test_a_wrong_order_for_many_names_the_field(
    world: World, http: Session, action: str, numbers: list[str], order: dict[str, Any], wrong: str
) -> None:
    document = problem(bulk(world, http, action, numbers, **order), 400)
    assert [e["field"] for e in document["errors"]] == [wrong]
    assert world.commands == []


# Lists


def test_a_list_is_read_page_by_page_by_its_own_addresses(world: World, http: Session) -> None:
    fill(world)
    address, found = "/api/v1/incidents?sort=number&status=open&status=closed&limit=1", []
    while address:
        answer = http.get(world.url + address)
        page = answer.json()
        found += [i["number"] for i in page["incidents"]]
        assert answer.links.get("next", {}).get("url") == page["next"]
        address = page["next"]
    assert found == ["INC-41", "INC-42", "INC-43"]


@pytest.mark.parametrize(
    ("query", "wanted"),
    [
        ("group=dba", ["INC-2"]),
        ("ci=db9", ["INC-2"]),
        ("service=shop", []),
        ("text=incident 3", ["INC-3"]),
        ("since=2026-11-24T08:00:00Z&until=2026-11-24T09:00:01%2B01:00", ["INC-3", "INC-2"]),
        ("until=2026-11-24T08:00:00Z", []),
        ("sort=priority", ["INC-2", "INC-3"]),
    ],
)
def test_a_list_is_filtered_and_sorted(world: World, http: Session, query: str, wanted: list[str]) -> None:
    epoch = world.store.acquire("test", timedelta(minutes=1))
    two = incident(2, group="dba", root=RootCause(ci="db9"), priority=Priority.P1)
    world.store.commit(Decision(at=T0, incidents=(two, incident(3)), alerts=(alert("db9", incident=2),)), epoch=epoch)
    found = http.get(f"{world.url}/api/v1/incidents?{query}").json()["incidents"]
    assert [i["number"] for i in found] == wanted


@pytest.mark.parametrize(
    ("query", "wrong"),
    [
        ("since=yesterday", "since"),
        ("since=2026-11-24T08:00:00", "since"),
        ("until=0001-01-01T00:00:00%2B23:59", "until"),
        ("sort=title", "sort"),
        (f"text={'x' * 201}", "text"),
        (f"group={'x' * 257}", "group.0"),
    ],
)
def test_a_wrong_filter_names_the_field(world: World, http: Session, query: str, wrong: str) -> None:
    document = problem(http.get(f"{world.url}/api/v1/incidents?{query}"), 400)
    assert [e["field"] for e in document["errors"]] == [wrong]
