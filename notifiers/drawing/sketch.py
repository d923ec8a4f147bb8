"""The picture of what a failure reaches, ready to be drawn: boxes with words in them, and lines between."""

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from urllib.parse import quote

from cmdb.graph import Estate
from cmdb.layout import HEIGHT, WIDTH, Layout
from cmdb.picture import Node, Part, Picture
from notifiers.drawing.font import fitted, squeezed, width_of
from notifiers.language import Language, marked
from notifiers.wording import one_line

_ROOM = WIDTH - 16 - 8
"""For words within a box, in pixels."""
_SIZES = ((13.0, True), (11.5, True), (11.0, False))
"""Of the three lines of a box, in pixels, and whether they are bold; the drawing has the same."""
_MOST_CHARS = 200
_MOST_NAMED = 20

_CARRIES, _ROOT, _UP = marked("carries"), marked("root"), marked("up")


@dataclass(frozen=True, slots=True, kw_only=True)
class Box:
    """A node as it is drawn: three lines of words that fit, and the whole in `title`; `words` is how it is, `said` how
    much of it alerts. `tone` is its state in one word for colours; `address` is its page, empty where it has none."""

    x: int
    y: int
    node: Node
    lines: tuple[str, str, str]
    title: str
    tone: str
    words: str = ""
    said: str = ""
    address: str = ""
    is_root: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """An edge as it is drawn: an SVG path."""

    path: str
    kind: str
    tone: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Sketch:
    """Everything that is drawn, and what it is called. `left_out` CIs are hit but not in it; -1 where they were not
    counted."""

    label: str
    boxes: tuple[Box, ...]
    lines: tuple[Line, ...]
    width: int
    height: int
    left_out: int = 0

    def without_links(self) -> "Sketch":
        """The same for who may not see the pages of CIs."""
        return replace(self, boxes=tuple(replace(box, address="") for box in self.boxes))


@dataclass(frozen=True, slots=True, kw_only=True)
class Scene:
    """What is known beside the picture. `alerting` has the number of alerts that fire on each CI. In a replay `root` is
    what was thought to be the root at that moment, and what did not alert by then is drawn as quiet."""

    estate: Estate
    alerting: Mapping[str, int]
    root: str | None
    is_replay: bool = False
    language: Language = field(default_factory=Language)


def sketch_of(picture: Picture, layout: Layout, scene: Scene, label: str) -> Sketch:
    """The picture with words for those who know the CIs."""
    sketch = drawn(picture, layout, label, lambda node, x, y: _box(node, x, y, scene))
    names = told_apart([(box.lines[0], box.node.cis) for box in sketch.boxes])
    boxes = (
        replace(box, lines=(fitting(name)[0], *box.lines[1:])) if name != box.lines[0] else box
        for box, name in zip(sketch.boxes, names, strict=True)
    )
    return replace(sketch, boxes=tuple(boxes))


def told_apart(boxes: Sequence[tuple[str, tuple[str, ...]]]) -> list[str]:
    """The names of boxes, each with the CIs that it stands for: of single CIs whose names read the same, cut as they
    are, the ids instead."""
    seen = Counter(name for name, _ in boxes)
    return [cis[0] if seen[name] > 1 and len(cis) == 1 else name for name, cis in boxes]


def drawn(picture: Picture, layout: Layout, label: str, box_of: Callable[[Node, int, int], Box]) -> Sketch:
    """The picture with the boxes that `box_of` makes of its nodes, each at its place."""
    boxes = tuple(box_of(node, *layout.places[node.key]) for node in picture.nodes)
    tones = {box.node.key: box.tone for box in boxes}
    lines = tuple(
        Line(
            path=_path(layout.places[e.start], layout.places[e.end]),
            kind=e.kind,
            tone="carries" if e.carries else tones[e.start],
        )
        for e in picture.edges
    )
    size = {"width": layout.width, "height": layout.height}
    return Sketch(label=one_line(label, _MOST_CHARS), boxes=boxes, lines=lines, left_out=picture.left_out, **size)


def fitting(first: str, second: str = "", third: str = "") -> tuple[str, str, str]:
    """The three lines of a box, without what would reorder or hide words, each cut to what has room."""
    (size, is_bold), *others = _SIZES
    name = squeezed(one_line(first, _MOST_CHARS), _ROOM, size, is_bold=is_bold)
    rest = (
        fitted(one_line(text, _MOST_CHARS), _ROOM, size, is_bold=is_bold)
        for text, (size, is_bold) in zip((second, third), others, strict=True)
    )
    return (name, next(rest), next(rest))


def tone_of(node: Node) -> str:
    """Its state in one word for colours."""
    return "up" if node.part is Part.SPARE else node.state.word.replace(" ", "-")


def _box(node: Node, x: int, y: int, scene: Scene) -> Box:
    say, alerting = scene.language.gettext, scene.alerting
    loud = sum(ci in alerting for ci in node.cis)
    state = _CARRIES if node.part is Part.SPARE else node.state.word
    word = ("alerts" if loud else "quiet") if scene.is_replay else say(state)
    said = _alerts(node, loud, sum(alerting.get(ci, 0) for ci in node.cis), scene.language)
    rest = _rest(node, scene.language)
    is_root = scene.root in node.cis
    names = ", ".join(scene.estate.ci(ci).title for ci in node.cis[:_MOST_NAMED])
    return Box(
        x=x,
        y=y,
        node=node,
        lines=fitting(node.title, _kind(say(_ROOT) if is_root else "", node.type, word), rest or said),
        title=one_line(f"{names}: {word}, {said}" + (f"; {rest}" if rest else ""), 2000),
        tone=("loud" if loud else "quiet") if scene.is_replay else tone_of(node),
        words=f"{word}, {rest or said}",
        said=said,
        address=f"/cis/{quote(node.key, safe='', errors='replace')}" if len(node.cis) == 1 else "",
        is_root=is_root,
    )


def _kind(root: str, type_: str, word: str) -> str:
    """Its type and state on one line: where that is too much, of the type only the beginning is said."""
    size, is_bold = _SIZES[1]
    around = " · ".join(filter(None, (root, word)))
    room = _ROOM - width_of(f"{around} · ", size, is_bold=is_bold)
    kind = fitted(one_line(type_, _MOST_CHARS), max(room, 0), size, is_bold=is_bold)
    return " · ".join(filter(None, (root, kind, word)))


def _rest(node: Node, language: Language) -> str:
    words = marked("%(left)s of %(all)s left, %(need)s needed")
    return "; ".join(language.gettext(words, left=r.left, all=r.all, need=r.need) for r in node.rests)


def _alerts(node: Node, loud: int, alerts: int, language: Language) -> str:
    if len(node.cis) > 1:
        return language.gettext("%(some)s of %(all)s alert", some=loud, all=len(node.cis))
    if not alerts:
        return language.gettext("no alert of its own")
    return language.ngettext("%(num)s alert", "%(num)s alerts", alerts)


def _path(start: tuple[int, int], end: tuple[int, int]) -> str:
    """A curve from the lower edge of the provider to the upper edge of what needs it."""
    x1, y1 = start[0] + WIDTH // 2, start[1] + HEIGHT
    x2, y2 = end[0] + WIDTH // 2, end[1]
    if y2 < y1:  # side by side, or back up in a cycle
        y2 = end[1] + HEIGHT
        low = max(y1, y2) + 12
        return f"M{x1},{y1} C{x1},{low} {x2},{low} {x2},{y2}"
    bend = max((y2 - y1) // 2, 18)
    return f"M{x1},{y1} C{x1},{y1 + bend} {x2},{y2 - bend} {x2},{y2}"
