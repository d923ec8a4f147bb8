"""The map: nothing of the range gets lost, the cap holds, folds open down to single CIs, and boxes stand apart."""

from collections.abc import Iterable
from dataclasses import replace
from itertools import combinations

from hypothesis import given
from hypothesis import strategies as st

from cmdb.around import steps_from
from cmdb.atlas import Asked, Atlas, Fold, atlas_of
from cmdb.graph import Estate
from cmdb.impact import states
from cmdb.layout import Measure, lay_out
from cmdb.model import BUSINESS_SERVICE, CI, Dependency, State, Strength
from cmdb.picture import Edge, Node, Part, Picture
from daemon.console.map_drawn import MEASURE, sheet_of

TYPES = ("host", "host", "host", "disk", BUSINESS_SERVICE)
OWNERS = ("", "linux", "network")


@st.composite
def estates(draw: st.DrawFn) -> Estate:
    """Up to 40 CIs, most of them alike, with cycles, groups and soft needs."""
    count = draw(st.integers(1, 40))
    ids = [f"n{n}" for n in range(count)]
    some = st.lists(st.sampled_from(ids), min_size=1, max_size=3, unique=True).map(tuple)
    need = st.builds(
        lambda providers, strength, slack: Dependency(
            providers=providers, need=max(1, len(providers) - slack), strength=strength
        ),
        some,
        st.sampled_from(list(Strength)),
        st.integers(0, 2),
    )
    few = st.lists(need, max_size=2).map(tuple)
    return Estate.of(
        CI(id=ci, type=draw(st.sampled_from(TYPES)), owner=draw(st.sampled_from(OWNERS)), depends_on=draw(few))
        for ci in ids
    )


@st.composite
def asked(draw: st.DrawFn) -> tuple[Estate, Asked, dict[str, State]]:
    estate = draw(estates())
    some = st.lists(st.sampled_from(estate.ids()), min_size=1, max_size=3, unique=True)
    failed = draw(st.dictionaries(st.sampled_from(estate.ids()), st.sampled_from(list(State)[1:]), max_size=3))
    keys = [f"{n}.{ci}" for n in (10, 14, 20, 24) for ci in estate.ids()]
    wish = Asked(
        middle=tuple(draw(some)),
        up=draw(st.integers(0, 5)),
        down=draw(st.integers(0, 5)),
        fold=draw(st.sampled_from(list(Fold))),
        opened=frozenset(draw(st.lists(st.sampled_from(keys)))),
        is_focused=draw(st.booleans()),
        most=draw(st.sampled_from([1, 3, 8, 400])),
    )
    return estate, wish, failed


def chart(estate: Estate, wish: Asked, failed: dict[str, State]) -> Atlas:
    return atlas_of(estate, wish, states(estate, failed), failed)


def within(estate: Estate, start: Iterable[str], steps: int, *, up: bool) -> set[str]:
    """What is within so many steps, the plain way."""
    found = set(start)
    for _ in range(steps):
        found |= {ci for known in found for ci in (estate.dependents(known) if up else estate.providers(known))}
    return found


@given(asked())
def test_each_ci_of_the_range_is_in_one_box_or_counted(case: tuple[Estate, Asked, dict[str, State]]) -> None:
    estate, wish, failed = case
    atlas = chart(estate, wish, failed)
    wanted = within(estate, wish.middle, wish.up, up=True) | within(estate, wish.middle, wish.down, up=False)
    drawn = [ci for box in atlas.boxes for ci in box.node.cis]
    assert len(set(drawn)) == len(drawn)
    assert set(drawn) <= wanted
    assert (atlas.walked, len(drawn) + atlas.left_out, atlas.is_cut) == (len(wanted), len(wanted), False)
    assert len(atlas.boxes) <= wish.most
    if wish.most > len(wanted):
        assert set(drawn) == wanted


@given(asked())
def test_a_fold_holds_what_is_alike_and_never_the_middle(case: tuple[Estate, Asked, dict[str, State]]) -> None:
    estate, wish, failed = case
    now = states(estate, failed)
    for box in chart(estate, wish, failed).boxes:
        cis = [estate.ci(ci) for ci in box.node.cis]
        assert bool(box.key) == (len(cis) > 1)
        assert {now.get(ci.id, State.UP) for ci in cis} == {box.node.state}
        assert not (box.key and set(box.node.cis) & set(wish.middle))
        if box.key and wish.fold is Fold.OWNER and box.is_lit:
            assert len({ci.owner for ci in cis}) == 1
        if box.key and (wish.fold in (Fold.TYPE, Fold.PROVIDER) or not box.is_lit):
            assert len({ci.type for ci in cis}) == 1


@given(asked())
def test_lines_are_the_dependencies_between_boxes(case: tuple[Estate, Asked, dict[str, State]]) -> None:
    estate, wish, failed = case
    atlas = chart(estate, wish, failed)
    block = {ci: box.node.key for box in atlas.boxes for ci in box.node.cis}
    wanted = {
        (block[provider], block[ci])
        for ci in block
        for provider in estate.providers(ci)
        if provider in block and block[provider] != block[ci]
    }
    assert {(e.start, e.end) for e in atlas.edges} == wanted
    assert (len(atlas.edges), atlas.lines_left_out) == (len(wanted), 0)


@given(asked())
def test_the_same_question_has_the_same_answer(case: tuple[Estate, Asked, dict[str, State]]) -> None:
    estate, wish, failed = case
    again = Estate.of(list(estate))
    turned = dict(reversed(list(failed.items())))
    assert chart(again, wish, turned) == chart(estate, wish, failed)
    assert sheet_of(again, wish, chart(again, wish, turned)) == sheet_of(estate, wish, chart(estate, wish, failed))


@given(asked())
def test_opening_fold_after_fold_leads_to_single_cis(case: tuple[Estate, Asked, dict[str, State]]) -> None:
    estate, wish, failed = case
    wish = replace(wish, most=400)
    for _ in range(len(estate) + 1):
        folds = [box.key for box in chart(estate, wish, failed).boxes if box.key]
        if not folds:
            break
        wish = replace(wish, opened=wish.opened | {folds[0]})
    assert all(len(box.node.cis) == 1 for box in chart(estate, wish, failed).boxes)


@given(asked())
def test_the_focus_lights_what_failed_and_its_ways_to_services(case: tuple[Estate, Asked, dict[str, State]]) -> None:
    estate, wish, failed = case
    now, wish = states(estate, failed), replace(wish, is_focused=True)
    steps, _ = steps_from(estate, wish.middle, wish.up, wish.down)
    for box in chart(estate, wish, failed).boxes:
        is_hit = box.node.state > State.UP
        assert is_hit or not box.is_lit
        if is_hit and (box.node.is_service or set(box.node.cis) & set(failed)):
            assert box.is_lit
        # Whatever is lit failed itself, or a lit service can be reached by what is hit.
        if box.is_lit and any(now.get(ci, State.UP) > State.UP and ci in estate.business_services for ci in steps):
            reached = set(box.node.cis)
            while more := {d for ci in reached for d in estate.dependents(ci) if d in steps and d in now} - reached:
                reached |= more
            assert reached & estate.business_services or set(box.node.cis) & set(failed)


@given(asked(), st.data())
def test_a_fold_stays_open_when_one_of_its_cis_fails(
    case: tuple[Estate, Asked, dict[str, State]], data: st.DataObject
) -> None:
    estate, wish, _ = case
    wish = replace(wish, most=400, is_focused=False)
    folds = [box for box in chart(estate, wish, {}).boxes if box.key]
    if folds:
        fold = data.draw(st.sampled_from(folds))
        wish = replace(wish, opened=wish.opened | {fold.key})
        lost = data.draw(st.sampled_from(fold.node.cis))
        was = {box.node.cis[0]: box for box in chart(estate, wish, {}).boxes if box.opened == fold.key and not box.key}
        now = atlas_of(estate, wish, {lost: State.DOWN}, [lost])
        alone = {box.node.cis[0] for box in now.boxes if not box.key}
        assert was.keys() <= alone


def apart(places: dict[str, tuple[int, int]], width: int, height: int, measure: Measure) -> None:
    for x, y in places.values():
        assert 0 <= x <= width - measure.width
        assert 0 <= y <= height - measure.height
    for (x1, y1), (x2, y2) in combinations(places.values(), 2):
        assert abs(x1 - x2) >= measure.width or abs(y1 - y2) >= measure.height


@given(asked())
def test_boxes_stand_apart_and_inside(case: tuple[Estate, Asked, dict[str, State]]) -> None:
    estate, wish, failed = case
    sheet = sheet_of(estate, wish, chart(estate, wish, failed))
    places = {d.box.node.key: (d.x, d.y) for d in sheet.boxes}
    assert len(places) == len(sheet.boxes)
    apart(places, sheet.width, sheet.height, MEASURE)
    assert sum(d.here for d in sheet.boxes) == 1


@given(st.integers(1, 120), st.integers(1, 9), st.integers(4, 22), st.sampled_from([0.0, 0.5, 1.9, 50.0]))
def test_a_wide_rank_wraps_within_what_is_allowed(count: int, ranks: int, abreast: int, shape: float) -> None:
    keys = [f"n{n}" for n in range(count)]
    nodes = tuple(Node(cis=(k,), title=k, type="t", state=State.UP, part=Part.HIT) for k in keys)
    edges = tuple(Edge(start=keys[n - 1], end=keys[n], kind="hard") for n in range(1, min(ranks, count)))
    measure = Measure(abreast=abreast, shape=shape)
    layout = lay_out(Picture(nodes=nodes, edges=edges), measure)
    apart(dict(layout.places), layout.width, layout.height, measure)
    rows: dict[int, int] = {}
    for _, y in layout.places.values():
        rows[y] = rows.get(y, 0) + 1
    assert max(rows.values()) <= abreast
