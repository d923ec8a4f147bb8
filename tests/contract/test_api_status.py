"""The status page: who sees it, what it says and what it keeps to itself, and that feed readers can read it."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime, timedelta
from email.utils import parsedate_to_datetime
from pathlib import Path
from typing import Any
from xml.etree.ElementTree import Element, fromstring

import pytest

from cmdb.graph import Estate
from cmdb.model import CI, State
from daemon.api.access import digest
from rules.decision import Decision
from rules.incident import HitService, Incident, Status
from rules.policy import Policy
from tests.builders import T0, at, incident, sighting
from tests.contract.api_world import Deciding, Session, World, problem, serve
from tests.desk import needs

ATOM = "{http://www.w3.org/2005/Atom}"
READER = {"Authorization": "Bearer token-read"}
ESTATE = Estate.of(
    [
        CI(id="db1", type="database"),
        CI(id="pay", type="business-service", name="Payments & <Co>"),
        CI(id="shop", type="business-service", name="Online shop"),
        CI(id="mail", type="business-service", name="Mail"),
    ]
)


def hit(ci: str, state: State) -> HitService:
    return HitService(ci=ci, name=f"inside name of {ci}", state=state)


def page(tmp_path: Path, status: Any, of: Any = None) -> Iterator[World]:
    known = {
        "status": status,
        "status_of": of or {},
        "estate": lambda: ESTATE,
        "public_url": "https://status.example.net",
    }
    for world in serve(tmp_path, "login", lambda ports: replace(ports, **known)):
        world.store.add_token("reader", digest("token-read"), frozenset({"read"}))
        yield world


@pytest.fixture
def public(tmp_path: Path) -> Iterator[World]:
    yield from page(tmp_path, "public")


@pytest.fixture
def private(tmp_path: Path) -> Iterator[World]:
    yield from page(tmp_path, "login")


def keep(world: World, *incidents: Incident) -> None:
    epoch = world.store.acquire("test", timedelta(minutes=1))
    world.store.commit(Decision(at=T0, incidents=incidents), epoch=epoch)
    world.store.release(epoch)
    world.clock.advance(timedelta(seconds=11))


def filled(world: World) -> None:
    down, slow, risk = State.DOWN, State.DEGRADED, State.AT_RISK
    keep(
        world,
        incident(1, title="db1 is down", services=(hit("pay", down), hit("shop", slow)), acknowledged_at=at(60)),
        incident(2, services=(hit("pay", slow),), status=Status.CLOSED, resolved_at=at(30), opened_at=at(-60)),
        incident(3, services=(hit("mail", risk),)),
        incident(4, services=(hit("mail", down),), status=Status.MERGED, merged_into=1),
        incident(5, services=(hit("mail", down),), status=Status.CLOSED, opened_at=T0 - timedelta(days=91)),
        incident(6, title="db1 alone"),
    )


def read(world: World, http: Session, path: str, **headers: str) -> dict[str, Any]:
    answer = http.get(f"{world.url}{path}", headers=headers)
    assert answer.status_code == 200, answer.text
    document: dict[str, Any] = answer.json()
    return document


def test_the_page_says_what_users_notice_and_no_more(public: World, http: Session) -> None:
    filled(public)
    document = read(public, http, "/status.json")
    assert document["page"]["url"] == "https://status.example.net/status.json"
    assert document["status"] == {"indicator": "major", "description": "Some services are down"}
    assert [(c["name"], c["status"]) for c in document["components"]] == [
        ("Mail", "operational"),
        ("Online shop", "degraded_performance"),
        ("Payments & <Co>", "major_outage"),
    ]
    first, second = document["incidents"]
    assert (first["id"], first["name"], first["status"], first["impact"]) == (
        "INC-1",
        "Payments & <Co> is down; Online shop is degraded",
        "investigating",
        "critical",
    )
    assert [u["body"] for u in first["incident_updates"]] == [
        "Somebody is working on it.",
        "Payments & <Co> is down; Online shop is degraded.",
    ]
    assert (second["id"], second["status"], second["incident_updates"][0]["body"]) == (
        "INC-2",
        "resolved",
        "It works again.",
    )
    text = http.get(f"{public.url}/status.json").text
    assert "db1" not in text
    assert "inside" not in text


@pytest.fixture
def mixed(tmp_path: Path) -> Iterator[World]:
    yield from page(tmp_path, "login", {"shop": "public", "mail": "off"})


def test_each_service_may_have_an_audience_of_its_own(mixed: World, http: Session) -> None:
    filled(mixed)
    known = http.get(f"{mixed.url}/status.json", headers=READER).json()
    assert [c["id"] for c in known["components"]] == ["shop", "pay"]
    stranger = http.get(f"{mixed.url}/status.json")
    assert [c["id"] for c in stranger.json()["components"]] == ["shop"]
    assert "Payments" not in stranger.text
    for kind in ("json", "rss", "atom"):
        assert http.get(f"{mixed.url}/status/shop.{kind}").status_code == 200
        for service, headers in (("pay", {}), ("mail", {}), ("mail", READER), ("pay", {"Authorization": "Bearer no"})):
            assert http.get(f"{mixed.url}/status/{service}.{kind}", headers=headers).status_code == 404
        assert http.get(f"{mixed.url}/status/pay.{kind}", headers=READER).status_code == 200


def test_the_page_of_one_service_names_no_other(public: World, http: Session) -> None:
    filled(public)
    document = read(public, http, "/status/shop.json")
    assert document["status"]["indicator"] == "minor"
    assert [i["name"] for i in document["incidents"]] == ["Online shop is degraded"]
    assert "Payments" not in http.get(f"{public.url}/status/shop.json").text
    assert read(public, http, "/status/mail.json")["incidents"] == []
    for wrong in ("db1", "nothing", "..%2Fx", "%00"):
        problem(http.get(f"{public.url}/status/{wrong}.json"), 404)


def test_what_was_down_stays_in_the_history_once_it_works_again(public: World, http: Session) -> None:
    estate = Estate.of(
        [CI(id="db1", type="database"), CI(id="pay", type="business-service", depends_on=(needs("db1"),))]
    )
    deciding = Deciding(public, estate, Policy())
    deciding.hear(sighting(labels={"ci": "db1", "severity": "critical"}))
    assert read(public, http, "/status/pay.json")["status"]["indicator"] == "critical"
    public.clock.advance(timedelta(minutes=1))
    deciding.hear(sighting(labels={"ci": "db1", "severity": "critical"}, ends_at=at(60), firing=False))
    public.clock.advance(timedelta(minutes=5))
    deciding.cycle.run_once()
    document = read(public, http, "/status/pay.json")
    assert document["status"]["indicator"] == "none"
    assert [(i["name"], i["status"]) for i in document["incidents"]] == [("Payments & <Co> is down", "resolved")]


def test_history_is_bounded_and_what_goes_on_comes_first(public: World, http: Session) -> None:
    over = [
        incident(n, services=(hit("pay", State.DOWN),), status=Status.RESOLVED, opened_at=at(n), resolved_at=at(n + 1))
        for n in range(2, 62)
    ]
    keep(public, incident(1, services=(hit("pay", State.DOWN),)), *over)
    found = [i["id"] for i in read(public, http, "/status.json")["incidents"]]
    assert found[:3] == ["INC-1", "INC-61", "INC-60"]
    assert len(found) == 50


def test_who_sees_it_is_the_owners_choice(private: World, http: Session, tmp_path: Path) -> None:
    filled(private)
    paths = ("/status.json", "/status/pay.json", "/status/pay.rss", "/status/pay.atom")
    for path in paths:
        problem(http.get(f"{private.url}{path}"), 401)
        assert http.get(f"{private.url}{path}", headers=READER).status_code == 200
    (tmp_path / "off").mkdir()
    for off in page(tmp_path / "off", "off"):
        for path in paths:
            problem(http.get(f"{off.url}{path}"), 401)
            problem(http.get(f"{off.url}{path}", headers=READER), 404)


@pytest.mark.parametrize("path", ["/status.json", "/status/pay.json", "/status/pay.rss", "/status/pay.atom"])
def test_what_is_known_is_not_sent_again(public: World, http: Session, path: str) -> None:
    filled(public)
    first = http.get(f"{public.url}{path}")
    tag, changed = first.headers["ETag"], first.headers["Last-Modified"]
    assert parsedate_to_datetime(changed) == T0
    for headers in ({"If-None-Match": tag}, {"If-Modified-Since": changed}):
        again = http.get(f"{public.url}{path}", headers=headers)
        assert (again.status_code, again.content, again.headers["Last-Modified"]) == (304, b"", changed)
    for headers in (
        {"If-Modified-Since": "yesterday"},
        {"If-Modified-Since": "Mon, 23 Nov 2026 08:00:00 GMT"},
        {"If-None-Match": '"0-0"', "If-Modified-Since": changed},
    ):
        assert http.get(f"{public.url}{path}", headers=headers).status_code == 200
    # It turns out to be a request for a service: nothing newer is shown, and yet it is not as it was.
    keep(public, incident(1, status=Status.CONVERTED, services=(hit("pay", State.DOWN),), updated_at=at(90)))
    keep(public, incident(2, status=Status.CONVERTED, services=(hit("pay", State.DOWN),), updated_at=at(90)))
    assert http.get(f"{public.url}{path}", headers={"If-None-Match": tag}).status_code == 200


def child(element: Element, name: str) -> str:
    found = element.find(name)
    assert found is not None, name
    return found.text or ""


def test_the_rss_feed_is_one(public: World, http: Session) -> None:
    filled(public)
    answer = http.get(f"{public.url}/status/pay.rss")
    assert answer.headers["Content-Type"].startswith("application/rss+xml")
    top = fromstring(answer.content)  # noqa: S314  our own
    assert (top.tag, top.attrib) == ("rss", {"version": "2.0"})
    (channel,) = top
    for required in ("title", "link", "description"):
        assert child(channel, required)
    assert child(channel, "title") == "Payments & <Co>"
    assert parsedate_to_datetime(child(channel, "lastBuildDate")) == T0
    own = channel.find(f"{ATOM}link")
    assert own is not None
    assert own.attrib["href"] == "https://status.example.net/status/pay.rss"
    items = channel.findall("item")
    assert [child(i, "title") for i in items] == [
        "Payments & <Co> is down",
        "Resolved: Payments & <Co> is degraded",
    ]
    assert len({child(i, "guid") for i in items}) == 2
    assert [parsedate_to_datetime(child(i, "pubDate")) for i in items] == [T0, at(-60)]


def test_the_atom_feed_is_one(public: World, http: Session) -> None:
    filled(public)
    answer = http.get(f"{public.url}/status/pay.atom")
    assert answer.headers["Content-Type"].startswith("application/atom+xml")
    top = fromstring(answer.content)  # noqa: S314  our own
    assert top.tag == f"{ATOM}feed"
    entries = top.findall(f"{ATOM}entry")
    for element in (top, *entries):
        # RFC 4287, 4.1.1 and 4.1.2: each of these once.
        for required in ("id", "title", "updated"):
            assert len(element.findall(f"{ATOM}{required}")) == 1
        assert datetime.fromisoformat(child(element, f"{ATOM}updated")).tzinfo is not None
        assert child(element, f"{ATOM}id").startswith("tag:status.example.net,2026:incidentd/")
    assert child(top, f"{ATOM}author/{ATOM}name") == "incidentd"
    rels = {link.attrib["rel"]: link.attrib["href"] for link in top.findall(f"{ATOM}link")}
    assert rels["self"] == "https://status.example.net/status/pay.atom"
    assert [child(e, f"{ATOM}title") for e in entries] == [
        "Payments & <Co> is down",
        "Resolved: Payments & <Co> is degraded",
    ]
    assert len({child(e, f"{ATOM}id") for e in entries}) == 2
