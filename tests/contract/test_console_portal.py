"""The portal: what users may report, see and do, and what is refused in words."""

import re
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
import requests

from daemon.console.routes import console_routes
from daemon.store.rows import Search
from rules.access import Role
from rules.decision import Command, Verb
from rules.incident import Status
from rules.policy import Policy
from rules.record import Kind, Problem, ProblemStatus
from tests.builders import decision
from tests.contract.api_world import PASSWORD, RECORDED, Deciding, Session, World, serve
from tests.desk import down, rack_estate

HOSTILE = "<script>alert('x')</script>"


@pytest.fixture
def desk(tmp_path: Path, password_hash: str) -> Iterator[Deciding]:
    made: list[Deciding] = []
    for world in serve(
        tmp_path, "login", lambda p: replace(p, estate=lambda: made[0].cycle.situation.estate), console_routes
    ):
        made.append(Deciding(world, rack_estate(), Policy()))
        for name, role in (
            ("anna", Role.REPORTER),
            ("ben", Role.REPORTER),
            ("vera", Role.VIEWER),
            ("olga", Role.OPERATOR),
        ):
            world.store.users.add(name, role, (), password_hash)
        yield made[0]


def login(world: World, name: str) -> Session:
    session = requests.Session()
    session.trust_env = False
    session.headers["Origin"] = world.url
    form = {"name": name, "password": PASSWORD}
    assert session.post(f"{world.url}/login", data=form, allow_redirects=False).status_code == 303
    return session


def report(world: World, session: Session, **fields: str) -> requests.Response:
    page = session.get(f"{world.url}/portal").text
    form = {"id": re.findall(r'name="id" value="(\w+)"', page)[0], "kind": "problem", "badly": "down", **fields}
    return session.post(f"{world.url}/portal", data=form, allow_redirects=False)


def resolve(desk: Deciding, number: int, verb: Verb = Verb.RESOLVE) -> None:
    now = desk.world.clock.now()
    desk.decide(Command(id=f"x{number}{verb}", at=now, actor="olga", verb=verb, number=number, value="restarted"))


def test_a_report_becomes_an_incident_that_only_its_reporter_follows(desk: Deciding) -> None:
    world, anna, ben = desk.world, login(desk.world, "anna"), login(desk.world, "ben")
    sent = report(world, anna, title="I cannot pay", service="checkout", mail="anna@example.net", description=HOSTILE)
    assert (sent.status_code, sent.headers["Location"]) == (303, "/portal/INC-1?did=sent")
    opened = world.store.incident(1)
    assert opened is not None
    assert (opened.registered_by, opened.channel, opened.contact.mail) == ("anna", "portal", "anna@example.net")
    assert "I cannot pay" in anna.get(f"{world.url}/portal").text
    ticket = anna.get(f"{world.url}/portal/INC-1?did=sent").text
    assert "nobody works on it yet" in ticket
    assert HOSTILE not in ticket
    assert "/portal/INC-1" not in ben.get(f"{world.url}/portal").text
    refused = ben.get(f"{world.url}/portal/INC-1")
    assert (refused.status_code, "you have no ticket INC-1" in refused.text) == (404, True)
    assert ben.post(f"{world.url}/portal/INC-1", data={"act": "note", "text": "x"}).status_code == 404
    assert login(world, "olga").get(f"{world.url}/portal/inc-1").status_code == 200


def test_its_contact_is_its_owner_too(desk: Deciding, password_hash: str) -> None:
    desk.world.store.users.add("carl@example.net", Role.REPORTER, (), password_hash)
    report(desk.world, login(desk.world, "anna"), title="Carl's screen", mail="Carl@Example.net")
    assert "Carl&#39;s screen" in login(desk.world, "carl@example.net").get(f"{desk.world.url}/portal").text


def test_its_reporter_remarks_confirms_rates_and_objects(desk: Deciding) -> None:
    world, anna = desk.world, login(desk.world, "anna")
    report(world, anna, title="I cannot pay")

    def do(**form: str) -> requests.Response:
        return anna.post(f"{world.url}/portal/INC-1", data=form, allow_redirects=False)

    assert do(act="note", text="it is worse now").headers["Location"] == "/portal/INC-1?did=note"
    early = do(act="confirm")
    assert early.status_code == 409
    assert "cannot close" in early.text
    assert do(act="rate", score="5").status_code == 409
    resolve(desk, 1)
    page = anna.get(f"{world.url}/portal/INC-1").text
    assert "Does it work for you?" in page
    assert "it is worse now" in page
    assert do(act="object", text="same as before").status_code == 303
    found = world.store.incident(1)
    assert found is not None
    assert found.is_active
    resolve(desk, 1, Verb.NOTE)
    desk.decide(Command(id="again", at=world.clock.now(), actor="olga", verb=Verb.RESOLVE, number=1, value="mended"))
    assert do(act="confirm", text="thank you").status_code == 303
    found = world.store.incident(1)
    assert found is not None
    assert found.status is Status.CLOSED
    assert do(act="rate", score="9").status_code == 400
    assert do(act="rate", score="4", text="quick").status_code == 303
    assert do(act="rate", score="1").status_code == 409
    assert [(r.by, r.score, r.remark) for r in world.store.ratings.of_incident(1)] == [("anna", 4, "quick")]
    assert "you are content with how it was handled" in anna.get(f"{world.url}/portal/INC-1").text
    world.clock.advance(timedelta(days=4))
    late = login(world, "anna").post(f"{world.url}/portal/INC-1", data={"act": "object"})
    assert late.status_code == 409
    assert "is reopened no more" in late.text


def test_a_request_is_asked_for_and_remarked_on(desk: Deciding) -> None:
    world, anna = desk.world, login(desk.world, "anna")
    sent = report(world, anna, kind="request", title="A second screen", service="checkout", name="Anna")
    assert sent.headers["Location"] == "/portal/REQ-1?did=sent"
    record = world.store.record(Kind.REQUEST, 1)
    assert record is not None
    assert (record.opened_by, record.services, record.description) == ("anna", ("checkout",), "Contact: Anna")
    assert "A second screen" in anna.get(f"{world.url}/portal").text
    assert "A second screen" not in login(world, "ben").get(f"{world.url}/portal").text
    assert login(world, "ben").get(f"{world.url}/portal/REQ-1").status_code == 404
    note = {"act": "note", "text": "a large one"}
    assert anna.post(f"{world.url}/portal/REQ-1", data=note, allow_redirects=False).status_code == 303
    assert "a large one" in anna.get(f"{world.url}/portal/REQ-1").text
    assert anna.post(f"{world.url}/portal/REQ-1", data={"act": "confirm"}).status_code == 400


def test_what_is_known_is_said_while_one_types(desk: Deciding) -> None:
    world, anna = desk.world, login(desk.world, "anna")
    desk.hear(*down("tor-3a"))
    desk.world.clock.advance(timedelta(seconds=20))
    desk.cycle.run_once()
    known = Problem(
        number=7,
        title="Card terminals freeze",
        status=ProblemStatus.KNOWN_ERROR,
        services=("checkout",),
        workaround="switch it off and on",
        **RECORDED,
    )
    world.store.commit(decision(records=(known,)), epoch=desk.epoch)
    page = anna.get(f"{world.url}/portal?service=checkout&title=pay").text
    for said in ("This may be known already", "tor-3a", "switch it off and on"):
        assert said in page, said
    assert "switch it off" in anna.get(f"{world.url}/portal?title=terminals+freeze+again").text
    assert "Nothing like it is known" in anna.get(f"{world.url}/portal?service=search").text
    assert (
        "known"
        not in anna.get(f"{world.url}/portal?service=checkout&kind=request").text.partition("Is it known")[0][-50:]
    )


def test_the_same_form_sent_twice_opens_one_incident(desk: Deciding) -> None:
    world, anna = desk.world, login(desk.world, "anna")
    form = {"id": "0" * 32, "kind": "problem", "badly": "down", "title": "twice"}
    for _ in range(2):
        answer = anna.post(f"{world.url}/portal", data=form, allow_redirects=False)
        assert answer.headers["Location"] == "/portal/INC-1?did=sent"
    assert len(world.store.incidents(Search())) == 1


@pytest.mark.parametrize(
    ("fields", "said"),
    [
        ({"title": ""}, "title: say in a few words"),
        ({"title": "x" * 201}, "title"),
        ({"title": "x", "mail": "nowhere"}, "is not a mail address"),
        ({"title": "x", "phone": "abc"}, "is not a phone number"),
        ({"title": "x", "service": "host-1"}, "no business service"),
        ({"title": "x", "service": "nothing"}, "no CI called"),
        ({"title": "x", "badly": "a bit"}, "disruption"),
        ({"title": "x", "kind": "gift"}, "kind"),
        ({"title": "x", "description": "y" * 4001}, "description"),
        ({"title": "x", "kind": "request", "description": "y" * 4001}, "description"),
    ],
)
def test_a_wrong_report_is_refused_in_words_and_what_was_typed_is_kept(
    desk: Deciding, fields: dict[str, str], said: str
) -> None:
    answer = report(desk.world, login(desk.world, "anna"), name="Anna Kept", **fields)
    assert answer.status_code in (400, 409)
    assert said in answer.text
    assert "Anna Kept" in answer.text
    assert desk.world.store.incidents(Search()) == []


def test_nobody_else_gets_in(desk: Deciding, http: Session) -> None:
    world = desk.world
    vera, anna = login(world, "vera"), login(world, "anna")
    refused = vera.get(f"{world.url}/portal")
    assert (refused.status_code, "lacks the permission report" in refused.text) == (403, True)
    assert vera.post(f"{world.url}/portal", data={"title": "x"}).status_code == 403
    assert "/portal" not in vera.get(f"{world.url}/").text
    assert http.get(f"{world.url}/portal", allow_redirects=False).status_code == 303
    evil = {"Origin": "https://evil.example"}
    for path in ("/portal", "/portal/INC-1"):
        assert anna.post(world.url + path, data={"title": "x"}, headers=evil).status_code == 403
    assert anna.get(f"{world.url}/portal/INC-99").status_code == 404
    assert anna.get(f"{world.url}/portal/PRB-1").status_code == 404
    many = "&".join(f"f{n}=1" for n in range(100))
    assert anna.post(f"{world.url}/portal", data=many).status_code == 400
    assert anna.post(f"{world.url}/portal", data={"title": "x" * 70_000}).status_code == 413
