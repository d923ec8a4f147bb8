"""The pages of service requests, problems and changes, asked as a browser without scripts does."""

import re
import uuid
from collections.abc import Iterator
from datetime import timedelta
from html import unescape
from pathlib import Path
from threading import Thread
from typing import Any

import pytest
import requests

from daemon.api.access import Caller
from daemon.console.record_shown import steps_for
from rules.access import PERMISSIONS, Role
from rules.decision import Decision, RecordOrder, RecordVerb
from rules.incident import RootCause, Status
from rules.policy import Policy
from rules.record import RECORDS, Change, Given, Kind, Problem, Record
from rules.record_lifecycles import LIFECYCLES, STATES
from tests.builders import T0, at, incident
from tests.consoles import Console, console_of, logged_in, lose_the_switch, make_record
from tests.contract.api_world import Session
from tests.rosters import roster

HOSTILE = "<script>alert(1)</script>\"'><img src=x onerror=alert(2)>"
PLAN = {"title": "new firmware", "starts_at": "2026-11-24T09:00", "ends_at": "2026-11-24T10:30", "cis": "tor-3a"}


@pytest.fixture
def console(tmp_path: Path) -> Iterator[Console]:
    with console_of(tmp_path, policy=Policy(roster=roster())) as console:
        yield console


@pytest.fixture
def guarded_console(tmp_path: Path, password_hash: str) -> Iterator[Console]:
    with console_of(tmp_path, "login") as console:
        for role in Role:
            console.world.store.users.add(role, role, (), password_hash)
        yield console


def page(console: Console, http: Session, path: str) -> str:
    answer = http.get(console.url + path)
    assert answer.status_code == 200, answer.text
    return unescape(answer.text)


def post(console: Console, http: Session, path: str, fields: Any = None, **more: str) -> requests.Response:
    """The form is sent; the answer is not followed."""
    data = {**(fields or {}), **more}
    return http.post(f"{console.url}{path}", data=data, headers={"Origin": console.url}, allow_redirects=False)


def form_of(text: str, action: str) -> dict[str, str]:
    """What a form of a page would send as it is: its hidden fields, lines, texts and choices."""
    (form,) = re.findall(
        rf'<form method="post" action="{re.escape(action)}" class="[^"]*stack"[^>]*>(.*?)</form>', text, re.DOTALL
    )[:1]
    inputs = {n: v for tag in re.findall(r"<input[^>]*>", form) for n, v in _named(tag)}
    texts = dict(re.findall(r'<textarea[^>]* name="([^"]+)"[^>]*>\n?(.*?)</textarea>', form, re.DOTALL))
    return {name: unescape(value) for name, value in {**inputs, **texts}.items()}


def _named(tag: str) -> list[tuple[str, str]]:
    name, value = re.search(r' name="([^"]+)"', tag), re.search(r' value="([^"]*)"', tag)
    return [(name[1], value[1] if value else "")] if name else []


def record(console: Console, kind: Kind, number: int = 1) -> Record:
    found = console.world.store.record(kind, number)
    assert found is not None
    return found


def change_by_another(console: Console, key: str, **given: Any) -> None:
    kind = next(k for k in Kind if key.startswith(k.series))
    number = int(key.partition("-")[2])
    order = RecordOrder(
        id=uuid.uuid4().hex, at=T0, actor="ben", kind=kind, verb=RecordVerb.EDIT, number=number, given=Given(**given)
    )
    assert console.decide(order).done


@pytest.mark.parametrize("kind", Kind)
def test_a_record_is_made_found_changed_noted_linked_and_moved_on_by_forms(
    console: Console, http: Session, kind: Kind
) -> None:
    lose_the_switch(console)
    path, key = f"/{kind}s", f"{kind.series}-1"
    blank = form_of(page(console, http, f"{path}/new?title=half"), f"{path}/new")
    assert blank["title"] == "half"
    made = post(
        console,
        http,
        f"{path}/new",
        {**blank, **(PLAN if kind is Kind.CHANGE else {"title": "a wish"})},
        incidents="inc-1",
    )
    assert (made.status_code, made.headers["Location"][: len(path) + 7]) == (303, f"{path}/{key}?")
    here = f"{path}/{key}"
    text = page(console, http, made.headers["Location"])
    assert f"{key} is " in text
    assert "INC-1" in text
    edit = form_of(text, f"{here}/edit")
    edited = post(console, http, f"{here}/edit", edit, title="better", description="one\r\ntwo", cis="tor-3a\r\nhost-1")
    assert edited.status_code == 303, edited.text
    now = record(console, kind)
    assert (now.title, now.description, now.cis) == ("better", "one\ntwo", ("tor-3a", "host-1"))
    for word, fields in (("note", {"text": "seen"}), ("link", {"to": "INC-1", "relation": "related to"})):
        sent = post(console, http, f"{here}/{word}", form_of(page(console, http, here), f"{here}/{word}"), **fields)
        assert sent.status_code == 303, sent.text
    assert post(console, http, f"{here}/link", to="INC-1", remove="true").status_code == 303
    assert record(console, kind).links == ()
    step = LIFECYCLES[kind].allowed_steps(record(console, kind).status)[0]
    moved = post(console, http, f"{here}/step", step=step)
    assert moved.status_code == 303
    assert step in moved.headers["Location"]
    text = page(console, http, here)
    assert all(words in text for words in ("title is now better", "seen", "no longer"))
    assert "better" in page(console, http, path if kind is not Kind.CHANGE else f"{path}?view=list")


@pytest.mark.parametrize("kind", Kind)
def test_every_step_of_every_state_is_offered_to_who_may_take_it(kind: Kind) -> None:
    caller = Caller(name="anna", is_known=True, permissions=frozenset(PERMISSIONS))
    times: dict[str, Any] = {"starts_at": T0, "ends_at": at(60)} if kind is Kind.CHANGE else {}
    for status in STATES[kind]:
        base: dict[str, Any] = {"number": 1, "title": "x", "opened_at": T0, "opened_by": "x", "updated_at": T0}
        made: Any = RECORDS[kind]
        found: Record = made(status=status, **base, **times)
        wanted = set(LIFECYCLES[kind].allowed_steps(status)) - {"revise"}
        assert {s.step for s in steps_for(found, caller)} == wanted


def test_the_same_form_sent_twice_makes_one_record_whoever_is_quicker(console: Console, http: Session) -> None:
    sent = {**form_of(page(console, http, "/changes/new"), "/changes/new"), **PLAN}
    answers: list[str] = []

    def send() -> None:
        with requests.Session() as own:
            own.trust_env = False
            answers.append(post(console, own, "/changes/new", sent).headers["Location"])

    threads = [Thread(target=send) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(set(answers)) == 1
    assert console.world.store.record(Kind.CHANGE, 2) is None
    assert post(console, http, "/changes/new", sent).headers["Location"] == answers[0]


@pytest.mark.parametrize(
    ("path", "fields", "answer", "words"),
    [
        ("/requests/new", {}, 409, "needs a title"),
        ("/requests/new", {"title": "x", "incidents": "nonsense"}, 400, "incidents"),
        ("/requests/new", {"title": "x", "cis": "tor-3a\nmoon"}, 409, "no CI called 'moon'"),
        ("/problems/new", {"title": "x" * 401}, 400, "title"),
        ("/problems/new", {"title": "x", "categories": "nonsense"}, 409, "category"),
        ("/changes/new", {"title": "x"}, 409, "needs a beginning and an end"),
        ("/changes/new", {**PLAN, "ends_at": "2026-11-24T08:00"}, 409, "cannot end before it begins"),
        ("/changes/new", {**PLAN, "starts_at": "tomorrow"}, 400, "starts_at"),
        ("/changes/new", {**PLAN, "url": "javascript:alert(1)"}, 400, "url"),
        ("/changes/new", {**PLAN, "status": "approved"}, 400, "status"),
        ("/changes/CHG-1/edit", {"starts_at": ""}, 400, "starts_at"),
        ("/changes/CHG-1/edit", {"title": ""}, 400, "title"),
        ("/changes/CHG-1/step", {"step": "close"}, 409, "allowed now"),
        ("/changes/CHG-1/step", {"step": "revise"}, 409, "revised by editing"),
        ("/changes/CHG-1/step", {"step": ""}, 400, "step"),
        ("/changes/CHG-1/note", {"text": ""}, 400, "text: is needed"),
        ("/changes/CHG-1/link", {"to": "nonsense"}, 409, "not the number of a record"),
        ("/changes/CHG-1/link", {"to": "CHG-1"}, 409, "cannot be linked to itself"),
        ("/problems/accept", {"ci": "tor-3a"}, 404, "no problem is suggested"),
    ],
)
def test_what_makes_no_sense_is_said_in_words_and_what_was_typed_stays(
    console: Console, http: Session, path: str, fields: dict[str, str], answer: int, words: str
) -> None:
    make_record(console, Kind.CHANGE, cis=("tor-3a",))
    refused = post(console, http, path, fields)
    assert refused.status_code == answer
    text = unescape(refused.text)
    assert words in text
    if path.endswith("/new"):
        assert all(value in text for name, value in fields.items() if name != "status")
    assert record(console, Kind.CHANGE).version == 1
    assert all(console.world.store.record(kind, 2 if kind is Kind.CHANGE else 1) is None for kind in Kind)


def test_two_people_overwrite_nothing_unseen_and_only_what_each_has_changed_is_sent(
    console: Console, http: Session
) -> None:
    key = make_record(console, Kind.PROBLEM, title="it reboots", description="since May", cause="heat")
    here = f"/problems/{key}"
    mine = {**form_of(page(console, http, here), f"{here}/edit"), "description": "since April", "group": "dba"}
    change_by_another(console, key, cause="bad memory", description="since June")
    stale = post(console, http, f"{here}/edit", mine)
    assert stale.status_code == 412
    text = unescape(stale.text)
    assert "somebody has changed it since you opened the form" in text
    assert "cause is now bad memory" in text
    again = form_of(text, f"{here}/edit")
    assert (again["description"], again["group"], again["cause"]) == ("since April", "dba", "bad memory")
    assert post(console, http, f"{here}/edit", again).status_code == 303
    now = record(console, Kind.PROBLEM)
    assert isinstance(now, Problem)
    assert (now.description, now.group, now.cause) == ("since April", "dba", "bad memory")
    step = post(console, http, f"{here}/step", {"step": "start", "expects": mine["expects"], "lines": mine["lines"]})
    assert step.status_code == 412


def test_an_edit_leaves_alone_what_nobody_touched(console: Console, http: Session) -> None:
    """Not the seconds of a plan that was told of by another system: an approved change would need approval again."""
    key = make_record(
        console, Kind.CHANGE, starts_at=at(3601), ends_at=at(7200), cis=("tor-3a",), description="a\n\nb "
    )
    assert post(console, http, f"/changes/{key}/step", step="approve").status_code == 303
    form = form_of(page(console, http, f"/changes/{key}"), f"/changes/{key}/edit")
    assert form["starts_at"] == "2026-11-24T09:00:01"
    assert post(console, http, f"/changes/{key}/edit", form, title="other").status_code == 303
    now = record(console, Kind.CHANGE)
    assert isinstance(now, Change)
    assert (now.status, now.title, now.starts_at, now.description) == ("approved", "other", at(3601), "a\n\nb ")
    later = form_of(page(console, http, f"/changes/{key}"), f"/changes/{key}/edit")
    assert post(console, http, f"/changes/{key}/edit", later, ends_at="2026-11-24T12:00").status_code == 303
    assert record(console, Kind.CHANGE).status == "planned"


def it_recurs(console: Console) -> None:
    """The switch failed on each of the last three days."""
    root, days = RootCause(ci="tor-3a"), (3, 2, 1)
    past = [
        incident(900 + n, root=root, status=Status.CLOSED, opened_at=at(-n * 86_400), closed_at=at(-n * 80_000))
        for n in days
    ]
    console.world.store.commit(Decision(at=T0, incidents=tuple(past)), epoch=console.epoch)


def test_what_recurs_becomes_a_problem_by_one_click(console: Console, http: Session) -> None:
    it_recurs(console)
    text = page(console, http, "/problems")
    assert "was the root of 3 incidents" in text
    (form_id,) = re.findall(r'action="/problems/accept"><input type="hidden" name="id" value="(\w+)"', text)
    first = post(console, http, "/problems/accept", ci="tor-3a", id=form_id)
    assert first.headers["Location"].startswith("/problems/PRB-1?did=create")
    assert (
        post(console, http, "/problems/accept", ci="tor-3a", id=form_id).headers["Location"]
        == first.headers["Location"]
    )
    listed = page(console, http, "/problems")
    assert "was the root of" not in listed
    assert re.search(r"<td>3<span class=\"unit\"> incidents", listed)
    assert console.world.store.record(Kind.PROBLEM, 2) is None


def test_a_known_error_is_marked_with_its_workaround_and_leads_to_its_incidents(
    console: Console, http: Session
) -> None:
    lose_the_switch(console)
    post(console, http, "/problems/new", title="it reboots", cis="tor-3a", workaround="pull the plug")
    for path in ("/problems", "/problems/PRB-1", "/incidents/INC-1", "/services/checkout"):
        assert "pull the plug" in page(console, http, path), path
    assert "INC-1" in page(console, http, "/problems/PRB-1")
    assert 'href="/problems/PRB-1"' in page(console, http, "/incidents/INC-1")
    assert 'href="/problems/PRB-1"' in page(console, http, "/services/checkout")


def test_changes_stand_on_their_days_with_what_meets_and_what_is_under_way(console: Console, http: Session) -> None:
    for title, begin, end in (("disks", 3600, 7200), ("cables", 5400, 9000), ("paint", 3 * 86400, 3 * 86400 + 60)):
        make_record(console, Kind.CHANGE, title=title, cis=("tor-3a",), starts_at=at(begin), ends_at=at(end))
    make_record(console, Kind.CHANGE, title="fans", cis=("tor-1a",), starts_at=at(9100), ends_at=at(30 * 86400))
    text = page(console, http, "/changes")
    today = text.partition('id="day-2026-11-24"')[2].partition('id="day-2026-11-25"')[0]
    assert [t for t in ("disks", "cables", "paint", "fans") if t in today] == ["disks", "cables", "fans"]
    assert "also on tor-3a" in today
    assert "needs approval" in today
    assert "paint" in text.partition('id="day-2026-11-27"')[2].partition('id="day-2026-11-28"')[0]
    assert text.count('id="day-') == 14
    assert "Under way now" not in text
    post(console, http, "/changes/CHG-1/step", step="approve")
    console.world.clock.advance(timedelta(seconds=3700))
    text = page(console, http, "/changes")
    assert "disks" in text.partition("Under way now")[2].partition("</table>")[0]
    assert "fans" in page(console, http, "/changes?from=2026-12-08")
    assert "disks" not in page(console, http, "/changes?from=2026-12-08").partition("Later")[2]
    assert "disks" not in page(console, http, "/changes?ci=tor-1a")
    post(console, http, "/changes/CHG-3/step", step="cancel", text="no need")
    assert "paint" not in page(console, http, "/changes")
    assert "paint" in page(console, http, "/changes?status=cancelled")
    for odd in ("nonsense", "9999-12-31", "0001-01-01"):
        assert "Changes" in page(console, http, f"/changes?from={odd}")


def test_lists_are_narrowed_down_by_their_address_counted_and_paged(console: Console, http: Session) -> None:
    for n in range(52):
        make_record(
            console,
            Kind.REQUEST,
            title=f"wish {n}" if n != 30 else "an odd one",
            group="dba" if n == 7 else "",
            services=("checkout",) if n == 8 else (),
        )
    text = page(console, http, "/requests")
    assert "52 service requests going on" in text
    assert "wish 51" in text
    assert "wish 1<" not in text
    assert "wish 1<" in page(console, http, "/requests?offset=50")
    for query, found in (("group=dba", "wish 7"), ("service=checkout", "wish 8"), ("text=ODD+an", "an odd one")):
        text = page(console, http, f"/requests?{query}")
        assert "1 service request going on" in text
        assert found in text
    several = page(console, http, "/requests?group=dba&group=net&ci=tor-3a")
    assert 'type="hidden" name="group" value="net"' in several
    assert 'name="ci" value="tor-3a"' in several
    assert "Nothing fits these filters" in page(console, http, "/requests?status=closed")
    assert "52 service requests" in page(console, http, "/requests?status=any&group=&ci=")
    assert http.get(f"{console.url}/requests?offset=99999999").status_code in (400, 422)


def test_texts_from_outside_stay_texts(console: Console, http: Session) -> None:
    given = {"title": HOSTILE, "description": HOSTILE, "group": HOSTILE, "assignee": HOSTILE}
    make_record(console, Kind.REQUEST, **given)
    make_record(console, Kind.PROBLEM, **given, workaround=HOSTILE, cause=HOSTILE, words=(HOSTILE,))
    make_record(console, Kind.CHANGE, **given, uid=HOSTILE, cis=("tor-3a",), url="javascript:alert(3)")
    for path in ("REQ-1", "PRB-1", "CHG-1"):
        kind = next(k for k in Kind if path.startswith(k.series))
        post(console, http, f"/{kind}s/{path}/note", text=HOSTILE)
        post(console, http, f"/{kind}s/{path}/step", step=HOSTILE[:32], text=HOSTILE)
        for address in (f"/{kind}s/{path}", f"/{kind}s?view=list&status=any", f"/{kind}s"):
            raw = http.get(console.url + address).text
            assert "<script>alert" not in raw
            assert "<img" not in raw
            assert 'href="javascript:' not in raw
    for query in ("text", "group", "service", "ci", "status", "from", "view"):
        raw = http.get(f"{console.url}/changes", params={query: HOSTILE[:10]}).text
        assert "<script>" not in raw
    raw = http.get(f"{console.url}/changes/new", params={"title": HOSTILE, "incidents": HOSTILE}).text
    assert "<script>alert" not in raw


def test_records_are_led_to_from_where_they_are_named(console: Console, http: Session) -> None:
    lose_the_switch(console)
    make_record(console, Kind.CHANGE, cis=("tor-3a",), title="new disks")
    assert 'href="/changes/CHG-1"' in page(console, http, "/cis/tor-3a")
    post(console, http, "/problems/new", title="x", incidents="INC-1")
    assert 'href="/problems/PRB-1"' in page(console, http, "/incidents/INC-1")
    for typed, address in (("prb-1", "/problems/PRB-1"), ("CHG-1", "/changes/CHG-1")):
        answer = http.get(f"{console.url}/", params={"text": typed}, allow_redirects=False)
        assert answer.headers["Location"] == address
    assert http.get(f"{console.url}/", params={"text": "REQ-9"}).status_code == 200
    for path in ("/problems/PRB-9", "/problems/INC-1", "/requests/nonsense"):
        answer = http.get(console.url + path)
        assert answer.status_code == 404
        assert "there is no" in answer.text


def test_each_role_is_offered_what_it_may_do_and_may_do_no_more(guarded_console: Console) -> None:
    console = guarded_console
    keys = {kind: make_record(console, kind, cis=("tor-3a",)) for kind in Kind}
    offered: dict[Role, set[str]] = {}
    new: dict[Role, set[str]] = {}
    for role in (Role.VIEWER, Role.REPORTER, Role.OPERATOR, Role.MANAGER):
        session = logged_in(console, role)
        text = page(console, session, f"/changes/{keys[Kind.CHANGE]}")
        offered[role] = set(re.findall(r'action="/changes/CHG-1/(\w+)"', text))
        offered[role] |= set(re.findall(r'name="step" value="(\w+)"', text))
        new[role] = {str(k) for k in Kind if f'href="/{k}s/new"' in page(console, session, f"/{k}s")}
        session.close()
    assert offered[Role.VIEWER] == set()
    assert offered[Role.REPORTER] == {"note"}
    assert offered[Role.OPERATOR] == {"note", "edit", "link", "step", "cancel"}
    assert offered[Role.MANAGER] - offered[Role.OPERATOR] == {"approve", "reject"}
    assert new == {
        Role.VIEWER: set(),
        Role.REPORTER: {"request", "change"},
        Role.OPERATOR: {"request", "problem", "change"},
        Role.MANAGER: {"request", "problem", "change"},
    }
    operator = logged_in(console, Role.OPERATOR)
    refused = post(console, operator, "/changes/CHG-1/step", step="approve")
    assert refused.status_code == 403
    assert "manage" in refused.text
    assert record(console, Kind.CHANGE).version == 1
    assert post(console, operator, "/problems/PRB-1/note", text="seen").status_code == 303
    for headers in ({"Origin": "https://evil.example"}, {}):
        answer = operator.post(f"{console.url}/problems/PRB-1/note", data={"text": "x"}, headers=headers)
        assert answer.status_code == 403


def test_who_is_limited_to_services_is_led_to_no_records(tmp_path: Path, password_hash: str) -> None:
    with console_of(tmp_path, "login") as console:
        console.world.store.users.add(Role.OPERATOR, Role.OPERATOR, (), password_hash, services=("checkout",))
        make_record(console, Kind.PROBLEM, cis=("tor-3a",), workaround="pull the plug")
        lose_the_switch(console)
        session = logged_in(console, Role.OPERATOR)
        for path in ("/incidents/INC-1", "/services/checkout", "/"):
            text = page(console, session, path)
            assert "/problems/" not in text
            assert 'href="/requests"' not in text
        found = session.get(f"{console.url}/", params={"text": "PRB-1"}, allow_redirects=False)
        assert found.status_code == 200
        assert session.get(f"{console.url}/problems/PRB-1").status_code == 403
        session.close()


def test_what_is_not_decided_in_time_is_said_so(console: Console, http: Session) -> None:
    def too_late(order: Any) -> Any:
        raise TimeoutError

    console.world.ordering = too_late
    answer = post(console, http, "/requests/new", title="a wish")
    assert answer.headers["Location"] == "/requests?did=late"
    assert "not decided on yet" in page(console, http, answer.headers["Location"])
