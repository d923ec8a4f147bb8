"""The map as shapes to draw and rows to read: boxes with words and addresses, and the lines between them."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from urllib.parse import quote, urlencode

from cmdb.atlas import DEEPEST, Asked, Atlas, Box, Fold
from cmdb.graph import Estate
from cmdb.layout import Measure, lay_out
from cmdb.model import BUSINESS_SERVICE, State
from cmdb.picture import Node, Part, Picture
from daemon.console.surroundings import name_within, words_within
from notifiers.drawing.sketch import told_apart

MEASURE = Measure(width=184, height=44, gap=14, rank_gap=64, margin=12, abreast=22, shape=1.9)
MOST_NAMED = 12


@dataclass(frozen=True, slots=True, kw_only=True)
class Drawn:
    """A box of the map, with its left upper corner. `tone` is its state in one word for colours, `word` for people.

    `address` is where a click leads: to the map around a CI, to a CI's page from the middle, or to the opened fold.
    `here` is set on the box that should be seen first.
    """

    box: Box
    x: int
    y: int
    title: str
    below: str
    full: str
    address: str
    word: str
    tone: str
    place: str
    here: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """From a box down to the one it stands on, by their numbers, as an SVG path. `tone` is what comes along it."""

    path: str
    upper: int
    lower: int
    kind: str
    tone: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Sheet:
    """Everything that is drawn, within `width` and `height`."""

    boxes: tuple[Drawn, ...]
    lines: tuple[Line, ...]
    width: int
    height: int


def map_address(asked: Asked, **other: object) -> str:
    """The address of a map; `other` are changes to what is asked, by the names of its fields."""
    fields = {name: getattr(asked, name) for name in ("middle", "up", "down", "fold", "opened", "is_focused")} | other
    pairs = [
        *(("ci", ci) for ci in fields["middle"]),
        ("up", str(fields["up"])),
        ("down", str(fields["down"])),
        ("fold", str(fields["fold"])),
        *([("focus", "impact")] if fields["is_focused"] else []),
        *(("open", key) for key in sorted(fields["opened"])),
    ]
    last = [("at", str(other["at"]))] if "at" in other else []
    return f"/cis/map?{urlencode(pairs + last)}"


def around(ci: str, is_service: bool) -> str:
    """The map that a CI's page leads to: what a business service stands on, else both sides of the CI."""
    return map_address(Asked(middle=(ci,), up=0 if is_service else 2, down=4 if is_service else 2))


def sheet_of(estate: Estate, asked: Asked, atlas: Atlas, at: str = "") -> Sheet:
    """Draw the map. What needs something stands above it, business services on top; `at` is the fold just opened."""
    layout = lay_out(_picture(atlas), MEASURE)
    places = {key: (x, layout.height - y - MEASURE.height) for key, (x, y) in layout.places.items()}
    numbers = {box.node.key: n for n, box in enumerate(atlas.boxes)}
    seen_first = _seen_first(atlas.boxes, at)
    boxes = [_drawn(estate, asked, box, places[box.node.key], n == seen_first) for n, box in enumerate(atlas.boxes)]
    names = told_apart([(d.title, d.box.node.cis) for d in boxes])
    apart = [replace(d, title=name_within(name, MEASURE.width)) for d, name in zip(boxes, names, strict=True)]
    lines = tuple(
        Line(
            path=_path(places[e.end], places[e.start]),
            upper=numbers[e.end],
            lower=numbers[e.start],
            kind=e.kind,
            tone=_tone(atlas.boxes[numbers[e.start]], atlas.boxes[numbers[e.end]]),
        )
        for e in atlas.edges
    )
    return Sheet(boxes=tuple(apart), lines=lines, width=layout.width, height=layout.height)


def _picture(atlas: Atlas) -> Picture:
    """As the layout takes it: what needs nothing here stands right below what needs it, as spares do."""
    needy = {edge.end for edge in atlas.edges}
    nodes = tuple(
        Node(
            cis=box.node.cis,
            title=box.node.title,
            type=box.node.type,
            state=box.node.state,
            part=Part.HIT if box.node.key in needy else Part.SPARE,
            is_service=box.node.is_service,
        )
        for box in atlas.boxes
    )
    return Picture(nodes=nodes, edges=atlas.edges)


def _seen_first(boxes: Sequence[Box], at: str) -> int:
    """The first box that came out of the fold just opened, else one in the middle."""
    wanted = (n for n, box in enumerate(boxes) if at and box.opened == at)
    middle = (n for n, box in enumerate(boxes) if box.is_middle)
    return next(wanted, next(middle, 0))


def _drawn(estate: Estate, asked: Asked, box: Box, place: tuple[int, int], here: bool) -> Drawn:
    node, word = box.node, box.node.state.word
    kind = "" if node.type == BUSINESS_SERVICE and not box.key else node.type
    said = [] if node.state is State.UP else [word]
    below = [*said, box.note if box.key else kind]
    if box.key:
        address = map_address(asked, opened=asked.opened | {box.key}, at=box.key)
        does = "opens them"
    elif box.is_middle:
        address, does = f"/cis/{quote(node.key, safe='')}", "leads to its page"
    else:
        address, does = map_address(asked, middle=(node.key,), opened=()), "puts it in the middle"
    names = ", ".join(estate.ci(ci).title for ci in node.cis[:MOST_NAMED]) if box.key else f"{node.title} ({node.type})"
    more = f" and {len(node.cis) - MOST_NAMED:,} more" if len(node.cis) > MOST_NAMED else ""
    return Drawn(
        box=box,
        x=place[0],
        y=place[1],
        title=name_within(node.title, MEASURE.width),
        below=words_within(" · ".join(filter(None, below)) or ("open them" if box.key else ""), MEASURE.width),
        full=f"{names}{more}: {word}, {step_words(box.step)}. A click {does}.",
        address=address,
        word=word,
        tone=word.replace(" ", "-"),
        place=step_words(box.step),
        here=here,
    )


def step_words(step: int) -> str:
    """How far from the middle, as people say it."""
    if not step:
        return "in the middle"
    steps = f"{abs(step)} step{'' if abs(step) == 1 else 's'}"
    return f"{steps} up" if step > 0 else f"{steps} down"


def _tone(lower: Box, upper: Box) -> str:
    """A line is coloured where the lower box's trouble may be the upper one's."""
    is_hit = lower.node.state > State.UP and upper.node.state > State.UP
    if is_hit and lower.is_lit and upper.is_lit:
        return upper.node.state.word.replace(" ", "-")
    return "" if lower.is_lit and upper.is_lit else "dim"


def _path(upper: tuple[int, int], lower: tuple[int, int]) -> str:
    """A curve from the lower edge of a box to the upper edge of what it stands on."""
    half = MEASURE.width // 2
    x1, y1, x2, y2 = upper[0] + half, upper[1] + MEASURE.height, lower[0] + half, lower[1]
    if y2 < y1:  # side by side, or back up in a cycle
        y2 += MEASURE.height
        low = max(y1, y2) + 28
        return f"M{x1} {y1}C{x1} {low} {x2} {low} {x2} {y2}"
    bend = min(max((y2 - y1) // 2, 18), 70)
    return f"M{x1} {y1}C{x1} {y1 + bend} {x2} {y2 - bend} {x2} {y2}"


def levels() -> range:
    """The depths that can be asked for."""
    return range(DEEPEST + 1)


FOLDS: tuple[tuple[Fold, str], ...] = (
    (Fold.TYPE, "type"),
    (Fold.PROVIDER, "what they stand on"),
    (Fold.OWNER, "owner"),
    (Fold.SERVICE, "business service"),
    (Fold.NONE, "nothing: each by itself"),
)
"""By what alike CIs are one box, and the words for it."""
