"""The page behind an action in a notice: what it shows, who may press the button, how often, and until when."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import msgspec
import pytest

from cmdb.graph import Estate
from cmdb.model import State
from daemon.acts import actions_of
from daemon.links import ActAsked, Asked, act_token, token_of
from daemon.store.rows import NoticeRow
from rules.decision import Asker, Decision, Reply, Verb
from rules.document import CONTACT, NoticeContent, RecipientDocument
from rules.incident import HitService, Status
from rules.policy import Policy
from rules.roster import Roster
from tests.builders import T0, incident
from tests.contract.api_world import Deciding, Session, World, problem, serve
from tests.contract.test_api_satisfaction import HOSTILE, page
from tests.rosters import person

SHOP = HitService(ci="shop", name="Online shop", state=State.DOWN)


@pytest.fixture
def people() -> dict[str, Any]:
    """Who there is; a test may take somebody out."""
    return {"anna": person("anna")}


@pytest.fixture
def acting(tmp_path: Path, people: dict[str, Any]) -> Iterator[World]:
    """With INC-42, which is open and hits the shop."""
    known = {"roster": lambda: Roster(people=people), "notifiers": lambda: ("noc",)}
    for world in serve(tmp_path, "login", lambda ports: replace(ports, **known)):
        keep(world)
        yield world


def keep(world: World, **fields: Any) -> None:
    record = incident(42, **{"title": f"Down {HOSTILE}", "services": (SHOP,), **fields})
    epoch = world.store.acquire("test", timedelta(minutes=1))
    world.store.commit(Decision(at=T0, incidents=(record,)), epoch=epoch)
    world.store.release(epoch)


def link(world: World, key: bytes = b"", **fields: Any) -> str:
    known = {"link": "INC-42-abc", "incident": 42, "verb": "acknowledge", "by": "anna", "expires_at": T0 + WEEK}
    token = act_token(key or world.store.links.key(), ActAsked(**{**known, **fields}))
    return f"{world.url}/act/{token}"


WEEK = timedelta(days=7)


def test_looking_changes_nothing_and_shows_what_would_be_done(acting: World, http: Session) -> None:
    for _ in range(3):
        shown = page(http.get(link(acting)))
    assert "INC-42" in shown
    assert "Online shop (down)" in shown
    assert "You are Anna" in shown
    assert "Acknowledge INC-42</button>" in shown
    assert HOSTILE not in shown
    assert acting.commands == []
    assert acting.store.links.used("INC-42-abc", "acknowledge") is None


def test_the_button_works_once_in_the_name_of_whom_it_was_for(acting: World, http: Session) -> None:
    deciding = Deciding(acting, Estate.of([]), Policy())
    address = link(acting)
    assert "INC-42 is acknowledged" in page(http.post(address))
    (entry,) = [e for e in acting.store.timeline(42) if e.kind == "acknowledge"]
    assert (entry.actor, entry.text) == ("anna", "acknowledged: by the link in a notice")
    kept = acting.store.incident(42)
    assert kept is not None
    assert (kept.status, kept.assignee) == (Status.ACKNOWLEDGED, "anna")
    acting.clock.advance(timedelta(hours=2))
    for answer in (http.post(address), http.get(address)):
        again = page(answer, 409 if answer.request.method == "POST" else 200)
        assert "INC-42 is acknowledged" in again
        assert "By Anna, 2026-11-24 08:00 UTC" in again
        assert "<form" not in again
    deciding.cycle.run_once()
    assert len([e for e in acting.store.timeline(42) if e.kind == "acknowledge"]) == 1


def test_a_refusal_is_told_and_leaves_the_link_good(acting: World, http: Session) -> None:
    acting.decide = lambda c: Reply(command=c.id, done=False, message="it is on hold")
    address = link(acting)
    assert "it is on hold" in page(http.post(address), 409)
    acting.decide = lambda c: Reply(command=c.id, done=True, message="INC-42 is acknowledged")
    page(http.post(address))
    first, second = acting.commands
    assert (second.verb, second.number, second.actor, second.asker) == (Verb.ACKNOWLEDGE, 42, "anna", Asker.STAFF)
    assert first.id != second.id


def test_an_order_without_an_answer_in_time_is_not_given_twice(acting: World, http: Session) -> None:
    def late(_: object) -> Reply:
        raise TimeoutError

    acting.decide = late
    address = link(acting)
    assert "it will be done" in page(http.post(address))
    page(http.post(address), 409)
    assert len(acting.commands) == 1


def test_customers_are_offered_nothing(acting: World, http: Session, people: dict[str, Any]) -> None:
    row, content = notice("escalated", "anna")
    assert actions_of(acting.store, row, msgspec.structs.replace(content, audience="customer"), "https://x") == ()
    people["anna"] = person("anna", audience="customer")
    page(http.post(link(acting)), 404)
    assert acting.commands == []


def test_a_link_of_whoever_has_left_opens_nothing(acting: World, http: Session, people: dict[str, Any]) -> None:
    del people["anna"]
    assert "does not work on incidents here any more" in page(http.post(link(acting)), 404)
    assert acting.commands == []
    page(http.get(link(acting, by="noc")))


@pytest.mark.parametrize("fields", [{"incident": 7}, {"verb": "resolve"}, {"verb": "fly"}, {"by": CONTACT}])
def test_what_no_link_may_do_is_refused(acting: World, http: Session, fields: dict[str, Any]) -> None:
    for answer in (http.get(link(acting, **fields)), http.post(link(acting, **fields))):
        assert "This link does not work" in page(answer, 404)
    assert acting.commands == []


def test_only_links_that_were_made_here_for_this_and_are_fresh_work(acting: World, http: Session) -> None:
    address = link(acting)
    rating = token_of(acting.store.links.key(), Asked(link="INC-42-abc", incident=42, by="anna", expires_at=T0 + WEEK))
    wrong = [link(acting, b"x" * 32), address[:-2], f"{address}A", f"{acting.url}/act/{rating}"]
    for bad in wrong:
        page(http.post(bad), 404)
    acting.clock.advance(WEEK)
    assert "could be used until 2026-12-01 08:00 UTC" in page(http.post(address), 404)
    assert acting.commands == []


def test_pages_of_others_cannot_press_the_button(acting: World, http: Session) -> None:
    problem(http.post(link(acting), headers={"Sec-Fetch-Site": "cross-site"}), 403)
    assert acting.commands == []


def notice(event: str = "opened", person: str = "", to: str = "mail") -> tuple[NoticeRow, NoticeContent]:
    row = NoticeRow(
        key="INC-42-abc", to=to, event=event, reason="", at=T0, incident=42, content=b"", person=person,
        state="sending", attempts=1, due_at=T0,
    )  # fmt: skip
    recipient = RecipientDocument(id=person, name=person, address="") if person else None
    content = NoticeContent(event=event, reason="", at="", idempotency_key=row.key, recipient=recipient)
    return row, content


@pytest.mark.parametrize(
    ("event", "person", "reader"),
    [
        ("opened", "", "mail"),
        ("escalated", "anna", "anna"),
        ("assigned", "anna", "anna"),
        ("nobody_reached", "anna", "anna"),
        ("changed", "anna", ""),
        ("opened", CONTACT, ""),
    ],
)
def test_notices_that_ask_for_somebody_offer_to_take_it(acting: World, event: str, person: str, reader: str) -> None:
    found = actions_of(acting.store, *notice(event, person), "https://x.example")
    assert [a.verb for a in found] == ([Verb.ACKNOWLEDGE] if reader else [])
    for action in found:
        assert action.label == "Acknowledge"
        assert action.url == f"https://x.example/act/{action.token}"
        expected = link(acting, by=reader).rpartition("/")[2]
        assert action.token == expected


@pytest.mark.parametrize("status", [Status.ACKNOWLEDGED, Status.RESOLVED, Status.CLOSED])
def test_nothing_is_offered_once_somebody_has_it(acting: World, status: Status) -> None:
    keep(acting, status=status)
    assert actions_of(acting.store, *notice(), "https://x.example") == ()
