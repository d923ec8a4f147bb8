"""Whatever an estate is like and whatever fails: the picture can be read, and says all of it."""

import re
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from itertools import combinations
from random import Random

from hypothesis import given
from hypothesis import strategies as st

from cmdb.graph import Estate
from cmdb.impact import impact
from cmdb.layout import HEIGHT, MOST_ABREAST, WIDTH, lay_out
from cmdb.model import BUSINESS_SERVICE, CI, Dependency, State, Strength
from cmdb.picture import MOST_NODES, Part, Picture, picture_of
from notifiers.drawing.sketch import Scene, sketch_of

TYPES = ("switch", "host", "host", "host", "app", BUSINESS_SERVICE)
FEWEST = 15
"""So many nodes are the least limit that a picture promises to keep."""


@st.composite
def estates(draw: st.DrawFn) -> list[CI]:
    """Layers of CIs that mostly need those below, many of them alike; now and then one needs one above, which makes
    cycles."""
    sizes = draw(st.lists(st.integers(1, 30), min_size=1, max_size=6))
    ids = [[f"c{layer}-{n}" for n in range(size)] for layer, size in enumerate(sizes)]
    seed = Random(draw(st.integers(0, 2**32)))
    cis = []
    for layer, names in enumerate(ids):
        near = ids[layer - 1] if layer else []
        every = [ci for row in ids for ci in row]
        for name in names:
            pool = every if seed.random() < 0.05 else near
            pool = [ci for ci in pool if ci != name]
            cis.append(CI(id=name, type=seed.choice(TYPES), depends_on=tuple(_needs(seed, pool))))
    return cis


def _needs(seed: Random, pool: list[str]) -> Iterator[Dependency]:
    if pool:
        for _ in range(seed.choice((1, 1, 1, 2, 3))):
            providers = tuple(sorted(seed.sample(pool, min(len(pool), seed.choice((1, 1, 1, 2, 3))))))
            strength = seed.choice((Strength.HARD, Strength.HARD, Strength.SOFT))
            yield Dependency(providers=providers, need=seed.randint(1, len(providers)), strength=strength)


@st.composite
def failures(draw: st.DrawFn) -> tuple[list[CI], dict[str, State]]:
    cis = draw(estates())
    states = st.sampled_from((State.DOWN, State.DOWN, State.DEGRADED, State.AT_RISK))
    count = draw(st.sampled_from((1, 1, 1, 2, 3, 12, 40)))
    first = [ci.id for ci in cis]
    chosen = draw(st.lists(st.sampled_from(first), min_size=1, max_size=count, unique=True))
    return cis, {ci: draw(states) for ci in chosen}


limits = st.sampled_from((FEWEST, 18, MOST_NODES))


@given(failures(), limits)
def test_everything_is_in_it_or_counted(made: tuple[list[CI], dict[str, State]], most: int) -> None:
    cis, failed = made
    estate = Estate.of(cis)
    picture = picture_of(estate, failed, {}, most=most)
    hits = impact(estate, failed)
    held = Counter(ci for node in picture.nodes for ci in node.cis)
    assert len(picture.nodes) <= most
    assert max(held.values()) == 1
    assert set(failed) <= set(held)
    assert {ci for ci in hits if ci in estate.business_services} <= set(held)
    assert len(set(hits) - set(held)) == picture.left_out
    for node in picture.nodes:
        assert len({held_part(ci, failed, hits) for ci in node.cis} | {node.part}) == 1
        assert node.state == max((hits[ci].state for ci in node.cis if ci in hits), default=State.UP)
        assert {ci in estate.business_services for ci in node.cis} == {node.is_service}


def held_part(ci: str, failed: dict[str, State], hits: object) -> Part:
    return Part.FAILED if ci in failed else Part.HIT if ci in hits else Part.SPARE  # type: ignore[operator]


@given(failures(), limits, st.sampled_from((2, 3, MOST_ABREAST)))
def test_boxes_stand_apart_and_within(made: tuple[list[CI], dict[str, State]], most: int, abreast: int) -> None:
    cis, failed = made
    picture = picture_of(Estate.of(cis), failed, {}, most=most)
    layout = lay_out(picture, abreast=abreast)
    assert set(layout.places) == {node.key for node in picture.nodes}
    for (x1, y1), (x2, y2) in combinations(layout.places.values(), 2):
        assert abs(x1 - x2) >= WIDTH or abs(y1 - y2) >= HEIGHT
    for x, y in layout.places.values():
        assert 0 <= x <= layout.width - WIDTH
        assert 0 <= y <= layout.height - HEIGHT
    assert max(Counter(y for _, y in layout.places.values()).values()) <= abreast
    assert all(edge.start in layout.places and edge.end in layout.places for edge in picture.edges)


@given(failures(), limits)
def test_providers_stand_above_what_needs_them_unless_in_a_cycle(
    made: tuple[list[CI], dict[str, State]], most: int
) -> None:
    cis, failed = made
    picture = picture_of(Estate.of(cis), failed, {}, most=most)
    layout = lay_out(picture)
    round_about = in_cycles(picture)
    for edge in picture.edges:
        if (edge.start, edge.end) not in round_about:
            assert layout.places[edge.start][1] < layout.places[edge.end][1], edge


def in_cycles(picture: Picture) -> set[tuple[str, str]]:
    """The edges that lie on a cycle."""
    after: dict[str, set[str]] = {node.key: set() for node in picture.nodes}
    for edge in picture.edges:
        after[edge.start].add(edge.end)
    reach = {key: _reached(key, after) for key in after}
    return {(e.start, e.end) for e in picture.edges if e.start in reach[e.end]}


def _reached(start: str, after: dict[str, set[str]]) -> set[str]:
    found, look = {start}, [start]
    for key in look:
        look += sorted(after[key] - found)
        found |= after[key]
    return found


@given(failures(), limits, st.integers(0, 2**32))
def test_the_order_in_which_things_are_known_does_not_matter(
    made: tuple[list[CI], dict[str, State]], most: int, seed: int
) -> None:
    cis, failed = made
    shuffled, others = list(cis), list(failed.items())
    order = Random(seed)
    order.shuffle(shuffled)
    order.shuffle(others)
    one, other = (picture_of(Estate.of(c), f, {}, most=most) for c, f in ((cis, failed), (shuffled, dict(others))))
    assert one == other
    assert lay_out(one) == lay_out(other)


@given(failures(), st.sampled_from((2, MOST_ABREAST)))
def test_lines_end_at_the_borders_of_boxes(made: tuple[list[CI], dict[str, State]], abreast: int) -> None:
    cis, failed = made
    estate = Estate.of(cis)
    picture = picture_of(estate, failed, {})
    layout = lay_out(picture, abreast=abreast)
    sketch = sketch_of(picture, layout, Scene(estate=estate, alerting={}, root=None), "")
    for edge, line in zip(picture.edges, sketch.lines, strict=True):
        points = [tuple(map(int, point.split(","))) for point in re.findall(r"-?[0-9]+,-?[0-9]+", line.path)]
        (x1, y1), (x2, y2) = layout.places[edge.start], layout.places[edge.end]
        assert points[0] == (x1 + WIDTH // 2, y1 + HEIGHT)
        assert points[-1] in ((x2 + WIDTH // 2, y2), (x2 + WIDTH // 2, y2 + HEIGHT))
        for x, y in along(points):
            assert 0 <= x <= layout.width
            assert 0 <= y <= layout.height


def along(points: list[tuple[int, ...]]) -> Iterator[tuple[float, float]]:
    """Places on a cubic curve."""
    for step in range(11):
        t = step / 10
        shares = ((1 - t) ** 3, 3 * t * (1 - t) ** 2, 3 * t * t * (1 - t), t**3)
        yield (
            sum(s * p[0] for s, p in zip(shares, points, strict=True)),
            sum(s * p[1] for s, p in zip(shares, points, strict=True)),
        )


def calls(cis: list[CI], failed: dict[str, State]) -> int:
    """How many calls of Python functions it takes to make a picture and lay it out."""
    estate, count = Estate.of(cis), 0

    def note(frame: object, event: str, arg: object) -> None:
        nonlocal count
        count += event == "call"

    sys.setprofile(note)
    try:
        lay_out(picture_of(estate, failed, {}))
    finally:
        sys.setprofile(None)
    return count


def layered(width: int) -> list[CI]:
    """Five layers in which every CI needs two of those below."""
    root = CI(id="root", type="switch")
    rows = [[root]]
    for layer in range(5):
        below = [ci.id for ci in rows[-1]]
        rows.append(
            [
                CI(
                    id=f"c{layer}-{n}",
                    type=f"t{n % 3}",
                    depends_on=tuple(
                        Dependency(providers=(p,), need=1, strength=Strength.HARD)
                        for p in dict.fromkeys((below[n % len(below)], below[(n * 7 + 1) % len(below)]))
                    ),
                )
                for n in range(width)
            ]
        )
    return [ci for row in rows for ci in row]


def test_what_it_costs_grows_with_what_is_hit_and_no_faster() -> None:
    some, more = (calls(layered(width), {"root": State.DOWN}) for width in (100, 400))
    assert more < 5 * some
    assert more < 400 * 5 * 400


DRAW = """
from cmdb.layout import lay_out
from cmdb.model import State
from cmdb.picture import picture_of
from daemon.lab.estate import lab_estate
for root in ("tor-3a", "core-1", "san-1", "pay-db-1"):
    picture = picture_of(lab_estate(), {root: State.DOWN, "pdu-3a": State.DOWN}, {}, most=15)
    print(picture, lay_out(picture))
"""


def test_nor_does_the_hash_seed() -> None:
    said = {
        subprocess.run(
            [sys.executable, "-c", DRAW],
            env={"PYTHONHASHSEED": seed, "PATH": "/usr/bin:/bin"},
            capture_output=True,
            text=True,
            timeout=120,
            check=True,
        ).stdout
        for seed in ("0", "1", "4711")
    }
    assert len(said) == 1
    assert "tor-3a" in said.pop()
