"""The pages of the estate: what they say of a CI, how they find it, and that they stay quick and whole."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from cmdb.graph import Estate
from cmdb.importers.yaml_file import load_cmdb
from cmdb.model import CI, State
from daemon.console.ci_index import CiIndex
from daemon.console.routes import console_routes
from daemon.console.unmapped import Suggester, bare
from rules.incident import HitService, RootCause, Status
from rules.record import Change
from tests.builders import alert, at, decision, incident
from tests.contract.api_world import RECORDED, Session, World, serve
from tests.desk import needs, rack_estate

HOSTILE = "<script>alert('x')</script>"


def commit(world: World, **fields: object) -> None:
    epoch = world.store.acquire("test", timedelta(minutes=1))
    world.store.commit(decision(**fields), epoch=epoch)


def served(directory: Path, estate: Estate, *files: Path) -> Iterator[World]:
    yield from serve(
        directory, "open", lambda p: replace(p, estate=lambda: estate, cmdb_files=lambda: files), console_routes
    )


@pytest.fixture
def racks(tmp_path: Path) -> Iterator[World]:
    yield from served(tmp_path, rack_estate())


def test_a_ci_page_says_how_it_is_and_what_hangs_on_it(racks: World, http: Session) -> None:
    commit(
        racks,
        incidents=(
            incident(1, title="tor-3a is off", root=RootCause(ci="tor-3a"), state=State.DOWN, impacted=("host-1",)),
            incident(2, title="an old one", root=RootCause(ci="tor-3a"), status=Status.CLOSED, resolved_at=at(60)),
        ),
        alerts=(alert("tor-3a", incident=1), alert("tor-3a", name="Cleared", cleared_at=at(9)), alert("host-1")),
        records=(
            Change(number=4, title="new optics", cis=("tor-3a",), starts_at=at(600), ends_at=at(900), **RECORDED),
        ),
    )
    page = http.get(f"{racks.url}/cis/tor-3a").text
    for said in ("down", "INC-1", "an old one", "CHG-4", "new optics", "5 CIs down", "Checkout", "host-4", "network"):
        assert said in page, said
    assert "Cleared" not in page
    hit = http.get(f"{racks.url}/cis/host-1").text
    assert "hit by a failure elsewhere" in hit
    assert "caused by tor-3a" in hit
    assert "needs one of" in http.get(f"{racks.url}/cis/host-11").text


def test_a_ci_is_known_by_its_alias_and_a_wrong_name_is_told_from_a_right_one(racks: World, http: Session) -> None:
    answer = http.get(f"{racks.url}/cis/tor-3b")
    assert answer.status_code == 404
    assert "did you mean tor-3a" in answer.text


def test_several_failures_together_do_what_neither_does_alone(racks: World, http: Session) -> None:
    one = http.get(f"{racks.url}/cis/what-if?ci=tor-1a").text
    assert "Search" in one
    assert "at risk" in one
    both = http.get(f"{racks.url}/cis/what-if?ci=tor-1a&ci=TOR-1B&ci=nowhere").text
    assert "3 CIs down" in both
    assert "no CI called “nowhere”" in both
    assert http.get(f"{racks.url}/cis/what-if?{'ci=x&' * 30}").status_code == 400


def test_single_points_of_failure_are_shown_worst_first(racks: World, http: Session) -> None:
    page = http.get(f"{racks.url}/cis/spof").text
    assert page.index("tor-3a") < page.index("host-11")
    assert "tor-1a" not in page


def test_doubts_say_that_there_are_none(racks: World, http: Session) -> None:
    assert "what happened fits the CMDB" in http.get(f"{racks.url}/cis/doubts").text


def test_an_unmapped_alert_gets_the_lines_that_map_it(tmp_path: Path, http: Session) -> None:
    file = tmp_path / "cmdb.yaml"
    file.write_text(
        "cis:\n  - id: srv-web-01200\n    type: server\n  - id: srv-web-01234\n    type: server\n"
        "  - {id: flow-1, match: [{a: b}]}\n"
    )
    for world in served(tmp_path, load_cmdb(file), file):
        lost = alert(None, name=HOSTILE, labels={"instance": "SRVWEB01234.dc1.example:9100", "team": '"x": }'})
        commit(world, alerts=(lost, alert(None, name="Odd", labels={"team": HOSTILE})))
        page = http.get(f"{world.url}/cis/unmapped").text
        assert "srv-web-01234" in page
        assert "srv-web-01200" not in page
        assert HOSTILE not in page
        lines = http.get(f"{world.url}/cis/unmapped/match", params={"alert": lost.id, "ci": "srv-web-01234"}).text
        assert "    match:\n      - {instance: &#39;SRVWEB01234.dc1.example:9100&#39;}" in lines
        assert f"line 4 of <code>{file}" in lines
        flow = http.get(f"{world.url}/cis/unmapped/match", params={"alert": lost.id, "ci": "flow-1"}).text
        assert "in its list" in flow
        assert http.get(f"{world.url}/cis/unmapped/match?alert=none&ci=flow-1").status_code == 404


@pytest.mark.parametrize(
    ("name", "key"),
    [("SRV-web_01.dc1.example:9100", "srvweb01"), ("10.1.2.3:9100", "10123"), ("[fe80::1]:9100", "fe801"), ("", "")],
)
def test_names_are_compared_without_what_does_not_matter(name: str, key: str) -> None:
    assert bare(name) == key


def test_a_suggestion_is_a_name_that_is_really_alike() -> None:
    suggester = Suggester(
        Estate.of([CI(id=f"srv-web-{n:05}") for n in range(2000)] + [CI(id="db", aliases=("pay-db",))])
    )
    assert [s.ci.id for s in suggester.suggest("srvweb01234")] == ["srv-web-01234"]
    assert suggester.suggest("PAY_DB.example.net")[0].likeness == 100
    assert suggester.suggest("something-else") == ()


def test_names_from_outside_are_only_text(tmp_path: Path, http: Session) -> None:
    bad = f'"><svg onload=x>{HOSTILE}'
    estate = Estate.of(
        [
            CI(id="a/b ?#%", name=bad, type=HOSTILE, owner=HOSTILE, aliases=(HOSTILE,), match=((("k", HOSTILE),),)),
            CI(id="top", type="business-service", name=HOSTILE, depends_on=(needs("a/b ?#%"),)),
        ]
    )
    for world in served(tmp_path, estate):
        services = (HitService(ci="top", name=HOSTILE, state=State.DOWN),)
        commit(
            world,
            incidents=(incident(1, title=HOSTILE, root=RootCause(ci="a/b ?#%"), services=services),),
            alerts=(alert("a/b ?#%", incident=1, annotations={"summary": HOSTILE}),),
        )
        for path in ("/cis", "/cis/a/b%20%3F%23%25", "/cis/top", "/cis/what-if?ci=a/b%20%3F%23%25", "/cis/spof"):
            answer = http.get(world.url + path)
            assert answer.status_code == 200, path
            assert "alert(&#39;x&#39;)" in answer.text, path
            assert "<script>" not in answer.text, path
            assert "<svg onload" not in answer.text, path


def test_a_ci_on_which_hundreds_stand_is_drawn_by_type(tmp_path: Path, http: Session) -> None:
    hosts = [CI(id=f"h{n}", type="host", depends_on=(needs("sw"),)) for n in range(600)]
    for world in served(tmp_path, Estate.of([CI(id="sw", type="switch"), *hosts])):
        page = http.get(f"{world.url}/cis/sw").text
        assert "600 × host" in page
        assert "+ 588 more" in page
        assert page.count("<rect") < 20


def test_a_hundred_thousand_cis_are_searched_by_index(tmp_path: Path, http: Session) -> None:
    estate = Estate.of(
        [CI(id=f"host-{n:06}", type="host", owner=f"team-{n % 7}", aliases=(f"n{n}.x",)) for n in range(100_000)]
    )
    index = CiIndex(estate)
    assert index.find("N77.x").cis[0].id == "host-000077"
    assert [c.id for c in index.find("099999").cis] == ["host-099999"]
    assert index.find("host team-3", limit=2).cis[1].id == "host-000010"
    assert index.find("host", owner="team-6", limit=1, offset=2).cis[0].id == "host-000020"
    assert index.find("0001 host nothing").cis == ()
    whole, all_there = index.find("", limit=10, offset=99_995), index.find("", limit=5, offset=99_994)
    assert (len(whole.cis), whole.has_more, all_there.has_more) == (5, False, True)
    for world in served(tmp_path, estate):
        assert "host-099999" in http.get(f"{world.url}/cis?text=099999&type=host").text
        assert http.get(f"{world.url}/cis?offset=100001").status_code == 400


def test_the_newest_estate_is_shown(tmp_path: Path, http: Session) -> None:
    estates = [Estate.of([CI(id="first")])]
    for world in serve(tmp_path, "open", lambda p: replace(p, estate=lambda: estates[-1]), console_routes):
        assert "first" in http.get(f"{world.url}/cis").text
        estates.append(Estate.of([CI(id="second")]))
        assert "second" in http.get(f"{world.url}/cis").text
