"""The question behind the link of a notice: who may answer, how often, and what browsers are told."""

from datetime import timedelta

import pytest
import requests

from daemon.links import Asked, token_of
from rules.decision import Asker, Decision, Reply, Verb
from rules.incident import Status
from rules.report import Contact
from tests.builders import T0, incident
from tests.contract.api_world import Session, World, fill, problem

HOSTILE = "<script>alert(1)</script>"


def link(world: World, key: bytes = b"", **fields: object) -> str:
    known = {"link": "INC-42-abc", "incident": 42, "by": "Carla", "expires_at": T0 + timedelta(days=1), **fields}
    token = token_of(key or world.store.links.key(), Asked(**known))  # type: ignore[arg-type]
    return f"{world.url}/rate/{token}"


def page(answer: requests.Response, status: int = 200) -> str:
    assert answer.status_code == status, answer.text
    assert answer.headers["Content-Type"] == "text/html; charset=utf-8"
    policy = answer.headers["Content-Security-Policy"]
    assert policy.startswith("default-src 'none'; style-src 'sha256-")
    assert "form-action 'self'; frame-ancestors 'none'" in policy
    assert answer.headers["Cache-Control"] == "no-store"
    assert answer.headers["Referrer-Policy"] == "same-origin"
    return answer.text


def test_a_link_is_shown_answered_once_and_counted(guarded: World, http: Session) -> None:
    fill(guarded)
    address = link(guarded)
    assert "How content are you" in page(http.get(address))
    assert guarded.store.ratings.of_incident(42) == []
    assert "<strong>4 of 5</strong>" in page(http.post(address, data={"score": "4", "remark": HOSTILE}))
    again = page(http.post(address, data={"score": "1"}), 409)
    assert "<strong>4 of 5</strong>" in again
    shown = page(http.get(address))
    assert "<form" not in shown
    assert HOSTILE not in shown
    assert "&lt;script&gt;" in shown
    reader = {"Authorization": "Bearer token-read"}
    figures = http.get(f"{guarded.url}/api/v1/satisfaction", headers=reader).json()
    assert (figures["answers"], figures["mean"], figures["content_share"]) == (1, 4.0, 1.0)
    assert figures["scores"] == {"1": 0, "2": 0, "3": 0, "4": 1, "5": 0}
    assert [(r["incident"], r["by"], r["remark"]) for r in figures["latest"]] == [("INC-42", "Carla", HOSTILE)]


@pytest.mark.parametrize(
    "data", [{}, {"score": ""}, {"score": "0"}, {"score": "6"}, {"score": "four"}, {"score": "3", "remark": "x" * 1001}]
)
def test_what_is_no_answer_is_asked_again(guarded: World, http: Session, data: dict[str, str]) -> None:
    fill(guarded)
    assert "<form" in page(http.post(link(guarded), data=data), 400)
    assert guarded.store.ratings.of_incident(42) == []


def test_a_body_that_no_form_sends_is_refused(guarded: World, http: Session) -> None:
    fill(guarded)
    page(http.post(link(guarded), data=b"\xff\xfe"), 400)
    page(http.post(link(guarded), data="&".join(f"f{n}=1" for n in range(50))), 400)


def with_contact(world: World, **fields: object) -> None:
    record = incident(42, **{"contact": Contact(name="Carla", mail="carla@example.net"), **fields})
    world.store.commit(Decision(at=T0, incidents=(record,)), epoch=world.store.acquire("test", timedelta(minutes=1)))


@pytest.mark.parametrize("status", [Status.RESOLVED, Status.CLOSED])
def test_whoever_reported_it_opens_it_again_with_the_answer_once(guarded: World, http: Session, status: Status) -> None:
    with_contact(guarded, status=status, resolved_at=T0)
    address = link(guarded)
    assert "It is not solved" in page(http.get(address))
    shown = page(http.post(address, data={"score": "1", "remark": "still down", "unsolved": "yes"}))
    assert "INC-42 is open again" in shown
    page(http.post(address, data={"score": "1", "unsolved": "yes"}), 409)
    (order,) = guarded.commands
    assert (order.verb, order.number, order.actor, order.asker) == (Verb.REOPEN, 42, "Carla", Asker.CONTACT)
    assert order.reason == "it is not solved, says whoever reported it: still down"
    assert [r.score for r in guarded.store.ratings.of_incident(42)] == [1]


def test_an_answer_that_cannot_be_carried_out_may_be_given_again(guarded: World, http: Session) -> None:
    with_contact(guarded, status=Status.CLOSED, resolved_at=T0)
    guarded.decide = lambda c: Reply(command=c.id, done=False, message="it was resolved too long ago")
    address = link(guarded)
    shown = page(http.post(address, data={"score": "2", "remark": "no", "unsolved": "yes"}), 409)
    assert "it was resolved too long ago" in shown
    assert guarded.store.ratings.of_incident(42) == []
    page(http.post(address, data={"score": "2", "remark": "no"}))
    assert len(guarded.commands) == 1


@pytest.mark.parametrize(("by", "status"), [("noc", Status.RESOLVED), ("Carla", Status.OPEN), ("Carla", Status.MERGED)])
def test_nobody_else_and_nothing_that_is_open_is_opened_again(
    guarded: World, http: Session, by: str, status: Status
) -> None:
    with_contact(guarded, status=status, resolved_at=T0)
    address = link(guarded, by=by)
    assert "It is not solved" not in page(http.get(address))
    page(http.post(address, data={"score": "1", "unsolved": "yes"}), 409)
    assert guarded.commands == []


def test_a_link_that_was_not_made_here_opens_nothing(guarded: World, http: Session) -> None:
    fill(guarded)
    address = link(guarded)
    body, _, mac = address.rpartition(".")
    flipped = ("B" if mac[0] == "A" else "A") + mac[1:]
    other = link(guarded, incident=43).rpartition(".")[0]
    for wrong in (f"{body}.{flipped}", f"{other}.{mac}", body, f"{body}.", f"{address}A", link(guarded, b"x" * 32)):
        for answer in (http.get(wrong), http.post(wrong, data={"score": "5"})):
            shown = page(answer, 404)
            assert "This link does not work" in shown
            assert "Incident 4" not in shown
    assert guarded.store.ratings.of_incident(42) == guarded.store.ratings.of_incident(43) == []


def test_a_link_ends(guarded: World, http: Session) -> None:
    fill(guarded)
    address = link(guarded)
    guarded.clock.advance(timedelta(days=1))
    assert "could be used until 2026-11-25 08:00 UTC" in page(http.post(address, data={"score": "5"}), 404)


def test_a_link_to_an_incident_that_is_gone(guarded: World, http: Session) -> None:
    assert "not known any more" in page(http.get(link(guarded)), 404)


def test_other_sites_cannot_answer(guarded: World, http: Session) -> None:
    fill(guarded)
    address = link(guarded)
    for headers in ({"Sec-Fetch-Site": "cross-site"}, {"Origin": "https://elsewhere.example"}):
        problem(http.post(address, data={"score": "1"}, headers=headers), 403)
    page(http.post(address, data={"score": "5"}, headers={"Sec-Fetch-Site": "same-origin"}))
    page(http.get(address, headers={"Sec-Fetch-Site": "cross-site"}))
