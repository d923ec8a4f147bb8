"""The map of the estate over HTTP: what it shows, where it leads, and that it stays whole whatever is asked."""

import html
import re
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from cmdb.around import MOST_WALKED
from cmdb.atlas import MOST_BOXES
from cmdb.graph import Estate
from cmdb.model import CI, State
from daemon.console.routes import console_routes
from rules.incident import RootCause
from tests.builders import decision, incident
from tests.contract.api_world import Session, World, serve
from tests.desk import needs, rack_estate

HOSTILE = "<script>alert('x')</script>"


def served(directory: Path, estate: Estate) -> Iterator[World]:
    yield from serve(directory, "open", lambda p: replace(p, estate=lambda: estate), console_routes)


@pytest.fixture
def racks(tmp_path: Path) -> Iterator[World]:
    yield from served(tmp_path, rack_estate())


def lose(world: World, ci: str) -> None:
    epoch = world.store.acquire("test", timedelta(minutes=1))
    found = incident(1, title=f"{ci} is off", root=RootCause(ci=ci), state=State.DOWN)
    world.store.commit(decision(incidents=(found,)), epoch=epoch)


def boxes(page: str) -> dict[str, str]:
    """The boxes' titles, with what they say in full."""
    found = re.findall(
        r'<a href="[^"]*" data-n="\d+"[^>]*><title>(.*?)</title>.*?class="name">(.*?)</text>', page, re.DOTALL
    )
    return {html.unescape(title): html.unescape(full) for full, title in found}


def addresses(page: str) -> dict[str, str]:
    """Where each box leads, by its title."""
    found = re.findall(r'<a href="([^"]*)" data-n="\d+".*?class="name">(.*?)</text>', page, re.DOTALL)
    return {html.unescape(title): html.unescape(address) for address, title in found}


def test_the_map_folds_what_is_alike_and_opens_it_by_an_address(racks: World, http: Session) -> None:
    page = http.get(f"{racks.url}/cis/map?ci=TOR-3A&up=1&down=1").text
    assert boxes(page).keys() == {"tor-3a", "4 × host"}
    leads = addresses(page)
    assert leads["tor-3a"] == "/cis/tor-3a"
    opened = http.get(racks.url + leads["4 × host"]).text
    assert boxes(opened).keys() == {"tor-3a", "host-1", "host-2", "host-3", "host-4"}
    assert "Close all folds" in opened
    walked = http.get(racks.url + addresses(opened)["host-2"]).text
    assert boxes(walked).keys() == {"tor-3a", "host-2", "Checkout"}


def test_states_of_now_are_said_in_words_and_what_fails_is_a_map_of_its_own(racks: World, http: Session) -> None:
    assert "nothing is" in http.get(f"{racks.url}/cis/map").text
    lose(racks, "tor-3a")
    assert "Map of what is failing now" in http.get(f"{racks.url}/cis/map").text
    page = http.get(f"{racks.url}/cis/map?focus=impact&up=8&fold=none").text
    said = boxes(page)
    assert said["Checkout"].startswith("Checkout (business-service): down, 2 steps up")
    assert said["tor-3a"].startswith("tor-3a (switch): down, in the middle")
    dim = re.findall(r'class="box[^"]* dim[^"]*"[^>]*><title>(\S+)', page)
    assert dim == ["host-3", "host-4"], "they are down, but on no way to a service"
    below = boxes(http.get(f"{racks.url}/cis/map?ci=search&up=0&down=4").text)
    assert below["host-11"].startswith("host-11 (host): up, 1 step down")
    assert below.keys() == {"Search", "host-11", "host-12", "tor-1a", "tor-1b"}


def test_folds_by_what_they_stand_on_owner_and_service(tmp_path: Path, http: Session) -> None:
    hosts = [
        CI(id=f"h{n}", type="host", owner=("red", "blue")[n % 2], depends_on=(needs(f"rack{n // 6}"),))
        for n in range(12)
    ]
    tops = [
        CI(id="pay", type="business-service", depends_on=tuple(needs(f"h{n}") for n in range(5))),
        CI(id="shop", type="business-service", depends_on=tuple(needs(f"h{n}") for n in range(4, 12))),
    ]
    racks = [CI(id=f"rack{n}", type="rack", depends_on=(needs("room"),)) for n in (0, 1)]
    for world in served(tmp_path, Estate.of([CI(id="room"), *racks, *hosts, *tops])):

        def folds(fold: str, url: str = world.url) -> set[str]:
            page = http.get(f"{url}/cis/map?ci=room&up=3&fold={fold}").text
            table = page.partition("The same as a list")[2]
            found = re.findall(r'class="title" href="/cis/map[^"]*">([^<]*)</a>([^<]*)', table)
            return {html.unescape(title + note).strip() for title, note in found}

        assert folds("type") == {"12 × host"}
        assert folds("provider") == {"6 × host on rack0", "6 × host on rack1"}
        assert folds("owner") == {"6 × host red", "6 × host blue"}
        assert folds("service") == {"4 × host for pay", "7 × host for shop"}
        assert folds("none") == set()


@pytest.mark.parametrize(
    "query",
    [
        "ci=tor-3a&up=13",
        "ci=tor-3a&down=-1",
        "ci=tor-3a&up=many",
        "ci=tor-3a&fold=rack",
        "ci=tor-3a&focus=all",
        "ci=" + "x" * 300,
        "ci=tor-3a&open=" + "x" * 300,
        "&".join(["ci=tor-3a"] * 21),
        "ci=tor-3a&" + "&".join(f"open=1.h{n}" for n in range(61)),
    ],
)
def test_what_cannot_be_asked_is_refused_with_words(racks: World, http: Session, query: str) -> None:
    answer = http.get(f"{racks.url}/cis/map?{query}")
    assert answer.status_code == 400
    assert re.search(r"allowed|should|at most", answer.text), answer.text


def test_a_name_that_no_ci_has_is_said_and_the_others_are_shown(racks: World, http: Session) -> None:
    page = http.get(f"{racks.url}/cis/map?ci=tor-3b&ci=tor-1a").text
    assert "no CI called “tor-3b”; did you mean tor-3a" in page
    assert "tor-1a" in boxes(page)
    assert "Begin at a business service" in http.get(f"{racks.url}/cis/map?ci=nowhere-at-all").text
    assert boxes(http.get(f"{racks.url}/cis/map?ci=tor-1a&open=1.gone&at=1.gone").text).keys() >= {"tor-1a"}


def test_a_large_range_is_drawn_to_a_limit_and_says_so(tmp_path: Path, http: Session) -> None:
    few = [CI(id=f"h{n}", type="host", depends_on=(needs("sw"),)) for n in range(1_000)]
    many = [CI(id=f"m{n}", type="host", depends_on=(needs("core"),)) for n in range(MOST_WALKED + 500)]
    top = CI(id="all", type="business-service", depends_on=tuple(needs(ci.id) for ci in few))
    for world in served(tmp_path, Estate.of([CI(id="sw"), CI(id="core"), *few, *many, top])):
        page = http.get(f"{world.url}/cis/map?ci=sw&up=1&fold=none").text
        assert page.count("data-n=") == MOST_BOXES
        assert "601 more are not drawn" in page
        assert "1,000 × host" in http.get(f"{world.url}/cis/map?ci=sw").text
        cut = http.get(f"{world.url}/cis/map?ci=core").text
        assert f"nearest {MOST_WALKED:,} CIs" in cut
        assert f"{MOST_WALKED - 1:,} × host" in cut
        assert page.partition("The same as a list")[2].count("</tr>") >= MOST_BOXES


def test_the_pages_of_a_ci_and_a_service_lead_to_the_map(racks: World, http: Session) -> None:
    assert "/cis/map?ci=tor-3a&amp;up=2&amp;down=2&amp;fold=type" in http.get(f"{racks.url}/cis/tor-3a").text
    assert "/cis/map?ci=checkout&amp;up=0&amp;down=4" in http.get(f"{racks.url}/cis/checkout").text
    assert "/cis/map?ci=checkout&amp;up=0&amp;down=4" in http.get(f"{racks.url}/services/checkout").text
    assert 'href="/cis/map"' in http.get(f"{racks.url}/cis").text


def test_names_from_outside_are_only_text(tmp_path: Path, http: Session) -> None:
    bad = f'"><svg onload=x>{HOSTILE}'
    four = [
        CI(id=f"{bad}{n}", name=bad, type=HOSTILE, owner=HOSTILE, depends_on=(needs("a/b ?#%&"),)) for n in range(5)
    ]
    estate = Estate.of(
        [CI(id="a/b ?#%&", name=bad, type=HOSTILE), *four, CI(id="top", type="business-service", name=bad)]
    )
    for world in served(tmp_path, estate):
        for fold in ("type", "provider", "owner", "service", "none"):
            answer = http.get(f"{world.url}/cis/map", params={"ci": ["a/b ?#%&", bad], "fold": fold, "at": bad})
            assert answer.status_code == 200
            assert "alert(&#39;x&#39;)" in answer.text
            assert "<script>" not in answer.text
            assert "<svg onload" not in answer.text
        folded = http.get(f"{world.url}/cis/map", params={"ci": "a/b ?#%&"}).text
        (address,) = [a for title, a in addresses(folded).items() if title.startswith("5 ×")]
        opened = http.get(world.url + address)
        assert opened.text.count("data-n=") == 6
        assert "<svg onload" not in opened.text
