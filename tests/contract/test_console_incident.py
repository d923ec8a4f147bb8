"""The page of an incident and what people do on it, asked as a browser without scripts does."""

import re
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from html import unescape
from pathlib import Path
from xml.etree import ElementTree

import pytest
import requests

from rules.access import Role
from rules.incident import Priority, Status
from rules.policy import Policy
from tests.builders import sighting
from tests.consoles import Console, console_of, logged_in, lose_the_switch
from tests.contract.api_world import Session
from tests.images import image_of, ink
from tests.rosters import roster

HOSTILE = "<script>alert(1)</script>\"'><img src=x onerror=alert(2)>"


@pytest.fixture
def console(tmp_path: Path) -> Iterator[Console]:
    with console_of(tmp_path, policy=Policy(roster=roster())) as console:
        lose_the_switch(console)
        yield console


@pytest.fixture
def guarded_console(tmp_path: Path, password_hash: str) -> Iterator[Console]:
    with console_of(tmp_path, "login") as console:
        for role in Role:
            console.world.store.users.add(role, role, (), password_hash)
        lose_the_switch(console)
        yield console


def page(console: Console, http: Session, path: str = "/incidents/INC-1") -> str:
    answer = http.get(console.url + path)
    assert answer.status_code == 200, answer.text
    return unescape(answer.text)


def post(console: Console, http: Session, word: str, number: str = "INC-1", **fields: str) -> requests.Response:
    """The form is sent; the answer is not followed."""
    address = f"{console.url}/incidents/{number}/{word}"
    return http.post(address, data=fields, headers={"Origin": console.url}, allow_redirects=False)


def seen(console: Console) -> dict[str, str]:
    """What a form that is on somebody's page now carries along."""
    store = console.world.store
    incident = store.incident(1)
    assert incident is not None
    return {"expects": str(incident.version), "lines": str(len(store.timeline(1)))}


def status(console: Console) -> Status:
    incident = console.world.store.incident(1)
    assert incident is not None
    return incident.status


def test_the_page_says_what_failed_what_it_hits_and_why(console: Console, http: Session) -> None:
    text = page(console, http)
    for words in ("tor-3a", "Checkout", "SwitchDown fires on tor-3a itself", "What else it could be", "SLA response"):
        assert words in text


def test_an_order_goes_back_to_the_page_with_its_outcome_in_the_daemons_words(console: Console, http: Session) -> None:
    answer = post(console, http, "acknowledge", **seen(console))
    assert answer.status_code == 303
    assert re.fullmatch(r"/incidents/INC-1\?did=acknowledge&order=[0-9a-f]{32}", answer.headers["Location"])
    assert "INC-1 is acknowledged." in page(console, http, answer.headers["Location"])
    assert status(console) is Status.ACKNOWLEDGED


def test_an_order_from_the_board_goes_back_to_the_board_and_its_filters(console: Console, http: Session) -> None:
    answer = post(console, http, "acknowledge", back="/?priority=P1")
    assert answer.headers["Location"].startswith("/?priority=P1&did=acknowledge&order=")
    assert "INC-1 is acknowledged." in page(console, http, answer.headers["Location"])
    away = post(console, http, "note", text="seen", back="https://evil.example/")
    assert away.headers["Location"].startswith("/?did=note")


def test_nobody_can_put_words_on_the_page_by_its_address(console: Console, http: Session) -> None:
    text = page(console, http, "/incidents/INC-1?did=Pwned&order=call+0900&at=zzz&kind=%3Cb%3E&why=%3Cb%3Ehello")
    assert "Pwned" not in text
    assert "0900" not in text
    raw = http.get(f"{console.url}/incidents/INC-1?why=%3Cb%3Ehello").text
    assert "<b>hello" not in raw


def test_who_overwrites_what_they_have_not_seen_is_told_what_changed_and_keeps_their_words(
    console: Console, http: Session
) -> None:
    before = seen(console)
    assert post(console, http, "priority", priority="P4", reason="only a test", **before).status_code == 303
    stale = post(console, http, "priority", priority="P2", reason="the till is closed", **before)
    assert stale.status_code == 412
    text = unescape(stale.text)
    assert "somebody has changed this incident" in text
    assert "priority set to P4: only a test" in text
    assert 'value="the till is closed"' in text
    incident = console.world.store.incident(1)
    assert incident is not None
    assert incident.priority is Priority.P4
    assert post(console, http, "priority", priority="P2", reason="still", **seen(console)).status_code == 303


def test_alerts_that_join_meanwhile_do_not_stop_anybody(console: Console, http: Session) -> None:
    before = seen(console)
    console.hear(sighting("HostDown", labels={"ci": "host-3"}))
    assert post(console, http, "hold", reason="a spare part", **before).status_code == 303
    assert status(console) is Status.ON_HOLD


@pytest.mark.parametrize(
    ("word", "fields", "answer", "words"),
    [
        ("hold", {}, 400, "reason: is needed"),
        ("root", {"ci": "tor-3x"}, 400, "tor-3x"),
        ("merge", {"into": "INC-1"}, 400, "cannot be merged into itself"),
        ("resume", {}, 409, "allowed now"),
        ("snooze", {"minutes": "999999"}, 400, "minutes"),
        ("set", {"field": "colour", "value": "red"}, 409, "colour"),
        ("note", {"text": "x" * 4001}, 400, "text"),
        ("records", {"kind": "poem"}, 400, "allowed are"),
        ("acknowledge", {"nonsense": "1"}, 400, "nonsense"),
    ],
)
def test_what_makes_no_sense_is_said_in_words(
    console: Console, http: Session, word: str, fields: dict[str, str], answer: int, words: str
) -> None:
    refused = post(console, http, word, **fields)
    assert refused.status_code == answer
    assert words in unescape(refused.text)
    assert refused.headers["Content-Type"] == "text/html; charset=utf-8"
    assert status(console) is Status.OPEN


def test_every_order_of_an_incident_can_be_given_by_a_form(console: Console, http: Session) -> None:
    for word, fields in (
        ("start", {}),
        ("assign", {"assignee": "ben"}),
        ("note", {"text": "on my way"}),
        ("hold", {"reason": "a spare"}),
        ("resume", {}),
        ("route", {"group": "compute"}),
        ("snooze", {"minutes": "30"}),
        ("unsnooze", {}),
        ("watch", {"person": "olga"}),
        ("unwatch", {"person": "olga"}),
        ("root", {"ci": "tor-3a"}),
        ("priority", {"priority": "P2"}),
        ("set", {"field": "title", "value": "The switch is dead"}),
        ("records", {"kind": "problem"}),
        (
            "resolve",
            {"resolution": "a new switch", "code": "fixed", "restored_at": "2026-11-24T08:00", "root": "tor-3a"},
        ),
        ("close", {}),
        ("reopen", {}),
    ):
        answer = post(console, http, word, **fields, **(seen(console) if word != "records" else {}))
        assert answer.status_code == 303, (word, unescape(answer.text)[-3000:])
    text = page(console, http)
    assert "PRB-1" in text
    assert "The switch is dead" in text


def test_what_was_done_can_be_undone_where_there_is_an_opposite(console: Console, http: Session) -> None:
    for word, fields, button in (
        ("hold", {"reason": "a spare"}, "Undo"),
        ("priority", {"priority": "P5"}, "Undo: P1 again"),
        ("root", {"ci": "host-1"}, "Undo: tor-3a again"),
        ("watch", {"person": "olga"}, "Undo"),
    ):
        answer = post(console, http, word, **fields)
        assert f">{button}</button>" in page(console, http, answer.headers["Location"])
    acknowledged = post(console, http, "note", text="hello")
    assert ">Undo" not in page(console, http, acknowledged.headers["Location"])


def test_texts_from_outside_stay_texts(console: Console, http: Session) -> None:
    labels = {"ci": "host-11", "team": HOSTILE}
    notes = {"summary": HOSTILE, "runbook_url": "javascript:alert(3)"}
    console.hear(sighting("Odd", labels=labels, annotations=notes, generator_url="javascript:alert(4)"))
    post(console, http, "note", number="INC-2", text=HOSTILE)
    post(console, http, "set", number="INC-2", field="title", value=HOSTILE)
    post(console, http, "assign", number="INC-2", assignee=HOSTILE)
    for path in ("/incidents/INC-2", "/", "/events", "/incidents/INC-2/impact.svg"):
        raw = http.get(console.url + path).text
        assert "<script>alert" not in raw
        assert "<img" not in raw
        assert "javascript:" not in raw


def test_the_picture_is_a_drawing_that_stands_by_itself(console: Console, http: Session) -> None:
    answer = http.get(f"{console.url}/incidents/INC-1/impact.svg")
    assert answer.headers["Content-Type"].startswith("image/svg+xml")
    drawing = ElementTree.fromstring(answer.content)  # noqa: S314  our own
    said = " ".join(t.text or "" for t in drawing.iter("{http://www.w3.org/2000/svg}text"))
    assert "tor-3a" in said
    assert "Checkout" in said
    assert "business-service · down" in said
    assert "style=" not in answer.text


def test_the_picture_is_there_as_an_image_of_twice_its_size_too(console: Console, http: Session) -> None:
    drawing = ElementTree.fromstring(http.get(f"{console.url}/incidents/INC-1/impact.svg").content)  # noqa: S314  our own
    now, then = (http.get(f"{console.url}/incidents/INC-1/impact.png{step}") for step in ("", "?at=1"))
    assert now.headers["Content-Type"] == "image/png"
    image = image_of(now.content)
    assert image.size == tuple(2 * int(drawing.attrib[side]) for side in ("width", "height"))
    assert ink(image, 0, 0, *image.size, 1) > 5_000
    assert image_of(then.content).size == image.size
    assert then.content != now.content
    assert 'href="/incidents/INC-1/impact.png?at=1"' in page(console, http, "/incidents/INC-1?at=1")


def test_the_storm_is_replayed_step_by_step(console: Console, http: Session) -> None:
    console.world.clock.advance(timedelta(seconds=30))
    console.hear(sighting("HostDown", labels={"ci": "host-3"}, starts_at=console.world.clock.now()))
    first, last = page(console, http, "/incidents/INC-1?at=1"), page(console, http, "/incidents/INC-1?at=2")
    assert "step 1 of 2: 3 alerts began" in first
    assert "step 2 of 2: 1 alert began" in last
    assert "Root cause then: <strong>tor-3a" in last


def test_the_page_answers_why_somebody_hears_of_it_or_does_not(console: Console, http: Session) -> None:
    assert "Anna is not told of INC-1" in page(console, http, "/incidents/INC-1?why=anna")
    assert "noc is not told of INC-1" in page(console, http, "/incidents/INC-1?why=noc")
    assert "Nobody and no notifier is known as “nemo”" in page(console, http, "/incidents/INC-1?why=nemo")


def test_an_incident_that_is_not_there_is_said_so(console: Console, http: Session) -> None:
    for path in (
        "/incidents/INC-99",
        "/incidents/nonsense",
        "/incidents/INC-99/impact.svg",
        "/incidents/INC-99/impact.png",
    ):
        answer = http.get(console.url + path)
        assert answer.status_code == 404
        assert "there is no incident" in answer.text


def test_each_role_is_offered_what_it_may_do(guarded_console: Console) -> None:
    offered = {}
    for role in (Role.VIEWER, Role.REPORTER, Role.OPERATOR, Role.MANAGER):
        text = page(guarded_console, logged_in(guarded_console, role))
        offered[role] = set(re.findall(r'action="/incidents/INC-1/(\w+)"', text))
    assert offered[Role.VIEWER] == offered[Role.REPORTER] == set()
    assert {"acknowledge", "resolve", "root", "assign", "merge", "records"} <= offered[Role.OPERATOR]
    assert offered[Role.MANAGER] - offered[Role.OPERATOR] == {"priority"}


def test_whose_incident_it_is_may_add_to_it(guarded_console: Console) -> None:
    mine = replace(guarded_console.cycle.situation.incidents[1], registered_by=Role.REPORTER)
    guarded_console.cycle.situation.incidents[1] = mine
    session = logged_in(guarded_console, Role.REPORTER)
    assert post(guarded_console, session, "note", text="it is worse").status_code == 303
    assert 'action="/incidents/INC-1/note"' in page(guarded_console, session)
    assert post(guarded_console, session, "acknowledge").status_code == 403


def test_pages_of_other_sites_can_give_no_orders(guarded_console: Console) -> None:
    session = logged_in(guarded_console, Role.OPERATOR)
    for headers in ({"Origin": "https://evil.example"}, {}, {"Sec-Fetch-Site": "cross-site"}):
        for path in ("/incidents/INC-1/acknowledge", "/incidents/bulk", "/incidents/INC-1/records"):
            answer = session.post(guarded_console.url + path, data={}, headers=headers)
            assert answer.status_code == 403
    assert status(guarded_console) is Status.OPEN


def test_many_are_acknowledged_at_once_each_as_it_was_seen(console: Console, http: Session) -> None:
    for n in (11, 12):
        console.hear(sighting("Odd", labels={"ci": f"host-{n}", "severity": "critical"}))
    page_text = page(console, http, "/")
    picks = re.findall(r'name="pick" value="([^"]+)"', page_text)
    assert len(picks) >= 2
    post(console, http, "note", text="somebody was here")
    form = [("action", "acknowledge"), *(("pick", p) for p in picks), ("back", "/?priority=P1")]
    answer = http.post(f"{console.url}/incidents/bulk", data=form, headers={"Origin": console.url})
    assert answer.status_code == 409
    assert f"{len(picks) - 1} of {len(picks)} done" in answer.text
    assert "has been changed since it was read" in answer.text
    assert 'href="/?priority=P1"' in answer.text


@pytest.mark.parametrize(
    ("form", "words"),
    [
        ([("action", "acknowledge")], "none is checked"),
        ([("action", "delete"), ("pick", "INC-1:1")], "allowed are"),
        ([("action", "acknowledge"), *[("pick", f"INC-{n}:1") for n in range(101)]], "allowed are 100"),
        ([("action", "acknowledge"), ("pick", "x" * 99 + ":1")], "as the board sends them"),
        ([("action", "assign"), ("pick", "INC-1:1")], "assignee"),
    ],
)
def test_too_much_or_nothing_at_once_is_refused(
    console: Console, http: Session, form: list[tuple[str, str]], words: str
) -> None:
    answer = http.post(f"{console.url}/incidents/bulk", data=form, headers={"Origin": console.url})
    assert answer.status_code == 400
    assert words in answer.text


def test_a_number_in_the_search_leads_to_its_incident(console: Console, http: Session) -> None:
    answer = http.get(f"{console.url}/?text=inc-1", allow_redirects=False)
    assert (answer.status_code, answer.headers["Location"]) == (303, "/incidents/INC-1")
    assert http.get(f"{console.url}/?text=INC-77").status_code == 200


def test_a_large_incident_is_shown_in_part(console: Console, http: Session) -> None:
    console.hear(*(sighting(f"Odd{n}", labels={"ci": "host-1"}) for n in range(120)))
    text = page(console, http)
    assert text.count("<strong>Odd") + text.count("<strong>HostDown") + text.count("<strong>SwitchDown") == 50
    assert "Show more of them" in text
    assert page(console, http, "/incidents/INC-1?alerts=all").count("<strong>Odd") == 120


def test_alerts_that_opened_nothing_are_listed_with_their_reason(console: Console, http: Session) -> None:
    console.hear(sighting("Chatter", labels={"severity": "info", "ci": "host-12"}), sighting("Lost", labels={"x": "y"}))
    opened_nothing, _, unmapped = page(console, http, "/events").partition("Maps to no CI")
    assert "<strong>Chatter</strong>" in opened_nothing
    assert "severity info is kept as an event" in opened_nothing
    assert "<strong>Lost</strong>" in unmapped
