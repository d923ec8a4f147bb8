"""What a picture of a failure holds, and where it stands."""

from itertools import pairwise

import pytest

from cmdb.graph import Estate
from cmdb.layout import HEIGHT, WIDTH, lay_out
from cmdb.model import BUSINESS_SERVICE, CI, State
from cmdb.picture import MOST_NODES, WIDEST, Part, Picture, picture_of
from daemon.lab.estate import lab_estate
from tests.desk import needs, rack_estate

DOWN = State.DOWN


def by_title(picture: Picture) -> dict[str, str]:
    return {n.title: f"{n.state.word}, {n.part}" for n in picture.nodes}


def fan(hosts: int, services: int = 1) -> Estate:
    """A switch with hosts on it that are all alike, and services on them."""
    many = [CI(id=f"host-{n}", type="host", depends_on=(needs("switch"),)) for n in range(hosts)]
    above = [CI(id=f"s{n}", type=BUSINESS_SERVICE, depends_on=(needs("host-0"),)) for n in range(services)]
    return Estate.of([CI(id="switch", type="switch"), *many, *above])


def test_the_ways_to_the_services_are_drawn_and_what_is_alike_is_one_node() -> None:
    picture = picture_of(fan(40), {"switch": DOWN}, {})
    assert by_title(picture) == {
        "switch": "down, failed",
        "host-0": "down, hit",
        "39 × host": "down, hit",
        "s0": "down, hit",
    }
    assert {(e.start, e.end) for e in picture.edges} == {("switch", "host-0"), ("switch", "host-1"), ("host-0", "s0")}


def test_what_carries_in_the_place_of_a_lost_one_is_drawn_too() -> None:
    picture = picture_of(rack_estate(), {"tor-1a": DOWN}, {})
    assert by_title(picture)["tor-1b"] == "up, spare"
    assert {n.redundancy for n in picture.nodes if n.type == "host"} == {"1 of 2 left, 1 needed"}
    assert {e.carries for e in picture.edges if e.start == "tor-1b"} == {True}


def test_a_picture_can_be_read_however_many_are_hit() -> None:
    layers = [CI(id="root", type="t0")]
    for layer in range(1, 9):
        below = [ci.id for ci in layers if ci.type == f"t{layer - 1}"]
        layers += [
            CI(id=f"c{layer}-{n}", type=f"t{layer}", depends_on=tuple(needs(p) for p in below[n % len(below) :][:2]))
            for n in range(60)
        ]
    services = [CI(id=f"s{n}", type=BUSINESS_SERVICE, depends_on=(needs(f"c8-{n}"),)) for n in range(60)]
    picture = picture_of(Estate.of([*layers, *services]), {"root": DOWN}, {})
    assert len(picture.nodes) <= MOST_NODES
    drawn = sum(len(n.cis) for n in picture.nodes)
    assert drawn + picture.left_out == 1 + 8 * 60 + 60


def test_a_failure_that_reaches_too_much_is_drawn_from_afar() -> None:
    picture = picture_of(fan(WIDEST + 1, 3), {"switch": DOWN}, {"s0": DOWN, "s1": DOWN, "gone": DOWN})
    assert by_title(picture) == {"switch": "down, failed", "s0": "down, hit", "s1": "down, hit"}
    assert picture.left_out == -1


def test_a_ci_that_the_estate_does_not_know_is_not_drawn() -> None:
    assert picture_of(rack_estate(), {"gone": DOWN}, {}).nodes == ()


def test_a_cycle_is_drawn_like_everything_else() -> None:
    ring = Estate.of([CI(id=a, type="app", depends_on=(needs(b),)) for a, b in pairwise(("a", "b", "c", "a"))])
    picture = picture_of(ring, {"a": DOWN}, {})
    assert len(lay_out(picture).places) == len(picture.nodes) == 3


@pytest.mark.parametrize("root", [ci.id for ci in lab_estate()][::7])
def test_nothing_stands_on_something_else_and_services_stand_last(root: str) -> None:
    picture = picture_of(lab_estate(), {root: DOWN}, {})
    layout = lay_out(picture)
    corners = sorted(layout.places.values(), key=lambda place: (place[1], place[0]))
    assert len(picture.nodes) <= MOST_NODES
    for (x1, y1), (x2, y2) in pairwise(corners):
        assert y2 - y1 >= HEIGHT or (y1 == y2 and x2 - x1 >= WIDTH)
    assert all(0 <= x <= layout.width - WIDTH and 0 <= y <= layout.height - HEIGHT for x, y in corners)
    lowest = max((layout.places[n.key][1] for n in picture.nodes if not n.is_service), default=0)
    hit = [layout.places[n.key][1] for n in picture.nodes if n.is_service and n.part is not Part.FAILED]
    assert all(y > lowest for y in hit)
    assert lay_out(picture) == layout
