"""The picture of what stands around one CI, as shapes to draw: services it reaches, what needs it, what it needs."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from urllib.parse import quote

from cmdb.graph import Estate
from cmdb.impact import Hit
from cmdb.model import BUSINESS_SERVICE, CI, Strength
from notifiers.drawing.font import fitted, squeezed
from notifiers.wording import one_line

WIDTH, HEIGHT = 196, 46
GAP_X, GAP_Y, LANE_GAP, MARGIN = 16, 12, 58, 8
PER_ROW = 6
MOST_IN_LANE = 12
"""More neighbours than that are folded, those of one type into one box."""
_NAME_PX, _BELOW_PX, _ASIDE = 13, 11.5, 22
"""The sizes of both lines in a box, as in `estate.css`, and the room beside them."""
_MOST_CHARS = 300


@dataclass(frozen=True, slots=True, kw_only=True)
class Box:
    """A CI, or several of one type: where its left upper corner is, what stands in it and where it leads.

    `state` is what it would be in if the CI in the middle failed, in a word; empty where nothing happens to it.
    """

    x: int
    y: int
    title: str
    below: str
    full: str
    address: str
    state: str = ""
    is_self: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """Between two boxes, from the upper to the lower one; broken where the loss of the lower one alone takes nothing
    down."""

    x1: int
    y1: int
    x2: int
    y2: int
    is_broken: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Picture:
    """Everything to draw, within `width` and `height`; `lanes` are the names of the levels, with their heights."""

    width: int
    height: int
    boxes: tuple[Box, ...]
    lines: tuple[Line, ...]
    lanes: tuple[tuple[int, str], ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class _Lane:
    """One level, from the top: its name, the part of the page that lists it, and the CIs of each box."""

    name: str
    anchor: str
    nodes: tuple[tuple[CI, ...], ...]


def picture_of(estate: Estate, ci: CI, hits: Mapping[str, Hit]) -> Picture:
    """The surroundings of a CI; `hits` is what its failure reaches."""
    above = [estate.ci(i) for i in estate.dependents(ci.id)]
    below = [estate.ci(i) for i in estate.providers(ci.id)]
    near = {c.id for c in (*above, ci)}
    services = [estate.ci(h.ci) for h in hits.values() if h.ci in estate.business_services and h.ci not in near]
    lanes = [
        _Lane(name="business services it reaches", anchor="#fails", nodes=_folded(services)),
        _Lane(name="needs it", anchor="#needed-by", nodes=_folded(above)),
        _Lane(name="", anchor="", nodes=((ci,),)),
        _Lane(name="it needs", anchor="#needs", nodes=_folded(below)),
    ]
    boxes, places, names, size = _placed([lane for lane in lanes if lane.nodes], ci, hits)
    pairs = [
        *((s.id, _first_step(s.id, hits, ci.id), False) for s in services),
        *((d.id, ci.id, not _falls(d, ci.id)) for d in above),
        *((ci.id, p.id, not _falls(ci, p.id)) for p in below if p.id != ci.id),
    ]
    return Picture(width=size[0], height=size[1], boxes=tuple(boxes), lines=_lines(pairs, places), lanes=tuple(names))


def _folded(cis: Sequence[CI]) -> tuple[tuple[CI, ...], ...]:
    """Each CI by itself; where there are many, one for each type, the most frequent first, the last for the rest."""
    if len(cis) <= MOST_IN_LANE:
        return tuple((ci,) for ci in cis)
    kinds: dict[str, list[CI]] = {}
    for ci in cis:
        kinds.setdefault(ci.type, []).append(ci)
    groups = sorted(kinds.values(), key=lambda group: (-len(group), group[0].type))
    rest = [ci for group in groups[MOST_IN_LANE - 1 :] for ci in group]
    return (*map(tuple, groups[: MOST_IN_LANE - 1]), *([tuple(rest)] if rest else []))


def _placed(
    lanes: Sequence[_Lane], middle: CI, hits: Mapping[str, Hit]
) -> tuple[list[Box], dict[str, Box], list[tuple[int, str]], tuple[int, int]]:
    """Every box, the one that each CI is in, the names of the lanes, and how large it all is."""
    columns = min(PER_ROW, max(len(lane.nodes) for lane in lanes))
    width = max(2, columns) * (WIDTH + GAP_X) - GAP_X + 2 * MARGIN
    boxes, places, names = [], {}, []
    y = MARGIN
    for lane in lanes:
        if lane.name:
            names.append((y + 10, lane.name))
            y += 18
        for row in _rows(lane.nodes):
            x = (width - len(row) * (WIDTH + GAP_X) + GAP_X) // 2
            for members in row:
                box = _box(members, x, y, lane.anchor, middle, hits)
                boxes.append(box)
                places.update({ci.id: box for ci in members})
                x += WIDTH + GAP_X
            y += HEIGHT + GAP_Y
        y += LANE_GAP - GAP_Y - (18 if lane.name else 0)
    return boxes, places, names, (width, y - LANE_GAP + GAP_Y + 18 + MARGIN)


def _rows(nodes: Sequence[tuple[CI, ...]]) -> Iterator[Sequence[tuple[CI, ...]]]:
    for start in range(0, len(nodes), PER_ROW):
        yield nodes[start : start + PER_ROW]


def _box(members: tuple[CI, ...], x: int, y: int, anchor: str, middle: CI, hits: Mapping[str, Hit]) -> Box:
    ci = members[0]
    states = [hits[m.id].state for m in members if m.id in hits and m.id != middle.id]
    state = max(states).word if states else ""
    if len(members) == 1:
        full = f"{ci.title} ({ci.type})" + (f": {state} if {middle.title} fails" if state else "")
        below = " · ".join(
            [*([ci.id] if ci.title != ci.id else []), *([ci.type] if ci.type != BUSINESS_SERVICE else [])]
        )
        address = f"/cis/{quote(ci.id)}"
        return Box(
            x=x,
            y=y,
            title=name_within(ci.title, WIDTH),
            below=words_within(below, WIDTH),
            full=full,
            address=address,
            state=state,
            is_self=ci is middle,
        )
    kinds = {m.type for m in members}
    title = f"{len(members)} × {ci.type}" if len(kinds) == 1 else f"{len(members)} of {len(kinds)} types"
    below = f"{len(states)} would be hit" if states else "in the list below"
    return Box(
        x=x, y=y, title=name_within(title, WIDTH), below=below, full=f"{title}; {below}", address=anchor, state=state
    )


def name_within(text: str, width: int) -> str:
    """A name as it fits into a box of that width: names that are alike differ in the end, so the middle is left out."""
    return squeezed(one_line(text, _MOST_CHARS), width - _ASIDE, _NAME_PX, is_bold=True)


def words_within(text: str, width: int) -> str:
    """The line below the name, as it fits."""
    return fitted(one_line(text, _MOST_CHARS), width - _ASIDE, _BELOW_PX)


def _first_step(ci: str, hits: Mapping[str, Hit], middle: str) -> str:
    """The CI next to the one in the middle by which the failure comes to this one."""
    step: str | None = ci
    seen = set()
    while step is not None and step not in seen and hits[step].via != middle:
        seen.add(step)
        step = hits[step].via
    return step or middle


def _falls(dependent: CI, provider: str) -> bool:
    """Whether the dependent goes down with this provider alone."""
    found = [d for d in dependent.depends_on if provider in d.providers]
    return any(not d.is_group and d.strength is Strength.HARD for d in found)


def _lines(pairs: Sequence[tuple[str, str, bool]], places: Mapping[str, Box]) -> tuple[Line, ...]:
    """One line for each pair of boxes; a whole one where any that it stands for is whole."""
    found: dict[tuple[int, int, int, int], bool] = {}
    for upper, lower, is_broken in pairs:
        a, b = places[upper], places[lower]
        ends = (a.x + WIDTH // 2, a.y + HEIGHT, b.x + WIDTH // 2, b.y)
        if a is not b:
            found[ends] = found.get(ends, True) and is_broken
    return tuple(Line(x1=k[0], y1=k[1], x2=k[2], y2=k[3], is_broken=broken) for k, broken in found.items())
