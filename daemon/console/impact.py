"""The picture of what a failure reaches, ready to be drawn: boxes with words in them, and lines between."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from urllib.parse import quote

from cmdb.graph import Estate
from cmdb.layout import HEIGHT, WIDTH, Layout, lay_out
from cmdb.model import State
from cmdb.picture import Node, Part, Picture, picture_of
from daemon.api.ports import Ports
from rules.incident import Incident

_REMEMBERED = 64
_LONGEST_TITLE, _LONGEST_LINE = 21, 26


@dataclass(frozen=True, slots=True, kw_only=True)
class Box:
    """A node as it is drawn: three lines of words, and the whole in `title`; `said` is how much of it alerts. `tone` is
    its state in one word for colours; `address` is its page, empty where it stands for several."""

    x: int
    y: int
    node: Node
    lines: tuple[str, str, str]
    said: str
    title: str
    tone: str
    address: str
    is_root: bool
    is_quiet: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """An edge as it is drawn: an SVG path."""

    path: str
    kind: str
    tone: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Sketch:
    """Everything that is drawn. `left_out` CIs are hit but not in it; -1 where they were not counted."""

    boxes: tuple[Box, ...]
    lines: tuple[Line, ...]
    width: int
    height: int
    left_out: int

    def without_links(self) -> "Sketch":
        """The same for who may not see the pages of CIs."""
        return replace(self, boxes=tuple(replace(box, address="") for box in self.boxes))

    @property
    def services(self) -> tuple[Box, ...]:
        """The business services in it."""
        return tuple(b for b in self.boxes if b.node.is_service)


class Drawings:
    """Makes pictures of incidents; remembers those that cost something while the estate stays as it is."""

    def __init__(self, ports: Ports) -> None:
        self._ports = ports
        self._estate: Estate | None = None
        self._known: dict[object, tuple[Picture, Layout]] = {}

    def sketch(
        self, incident: Incident, alerting: Mapping[str, int], *, root: str | None, is_replay: bool = False
    ) -> Sketch | None:
        """What the incident's failure reaches; None where its root is not in the CMDB.

        `alerting` has the number of alerts that fire on each CI. In a replay `root` is what was thought to be the root
        at that moment, and what did not alert by then is drawn as quiet.
        """
        estate = self._ports.estate()
        if incident.root.ci is None or incident.root.ci not in estate:
            return None
        picture, layout = self._drawn(estate, incident)
        boxes = tuple(_box(estate, node, layout, alerting, root, is_replay) for node in picture.nodes)
        tones = {box.node.key: box.tone for box in boxes}
        lines = tuple(
            Line(
                path=_path(layout.places[e.start], layout.places[e.end]),
                kind=e.kind,
                tone="carries" if e.carries else tones[e.start],
            )
            for e in picture.edges
        )
        return Sketch(boxes=boxes, lines=lines, width=layout.width, height=layout.height, left_out=picture.left_out)

    def _drawn(self, estate: Estate, incident: Incident) -> tuple[Picture, Layout]:
        failed = dict.fromkeys(incident.root.beside, State.DOWN)
        failed[incident.root.ci or ""] = incident.state
        services = {s.ci: s.state for s in incident.services}
        if estate is not self._estate or len(self._known) >= _REMEMBERED:
            self._estate, self._known = estate, {}
        key = frozenset(failed.items()), frozenset(services.items())
        known = self._known.get(key)
        if known is None:
            picture = picture_of(estate, failed, services)
            known = self._known[key] = picture, lay_out(picture)
        return known


def _box(
    estate: Estate, node: Node, layout: Layout, alerting: Mapping[str, int], root: str | None, is_replay: bool
) -> Box:
    x, y = layout.places[node.key]
    loud = sum(ci in alerting for ci in node.cis)
    is_root = root in node.cis
    word = ("alerts" if loud else "quiet") if is_replay else "carries" if node.part is Part.SPARE else node.state.word
    said = _alerts(node, loud, sum(alerting.get(ci, 0) for ci in node.cis))
    names = [estate.ci(ci).title for ci in node.cis[:20]]
    return Box(
        x=x,
        y=y,
        node=node,
        lines=(
            _short(node.title, _LONGEST_TITLE),
            _short(f"{node.type} · {word}", _LONGEST_LINE),
            _short(node.redundancy or said, 28),
        ),
        said=said,
        title=f"{', '.join(names)}: {word}, {said}" + (f"; {node.redundancy}" if node.redundancy else ""),
        tone=("loud" if loud else "quiet") if is_replay else _tone(node),
        address=f"/cis/{quote(node.key, safe='')}" if len(node.cis) == 1 else "",
        is_root=is_root,
        is_quiet=not loud,
    )


def _tone(node: Node) -> str:
    return "up" if node.part is Part.SPARE else node.state.word.replace(" ", "-")


def _alerts(node: Node, loud: int, alerts: int) -> str:
    if len(node.cis) > 1:
        return f"{loud} of {len(node.cis)} alert"
    return f"{alerts} alert{'' if alerts == 1 else 's'}" if alerts else "no alert of its own"


def _short(text: str, most: int) -> str:
    return text if len(text) <= most else f"{text[: most - 1]}…"


def _path(start: tuple[int, int], end: tuple[int, int]) -> str:
    """A curve from the lower edge of the provider to the upper edge of what needs it."""
    x1, y1 = start[0] + WIDTH // 2, start[1] + HEIGHT
    x2, y2 = end[0] + WIDTH // 2, end[1]
    if y2 < y1:  # side by side, or back up in a cycle
        x1, y1, x2, y2 = start[0] + WIDTH // 2, start[1] + HEIGHT, end[0] + WIDTH // 2, end[1] + HEIGHT
        low = max(y1, y2) + 24
        return f"M{x1},{y1} C{x1},{low} {x2},{low} {x2},{y2}"
    bend = max((y2 - y1) // 2, 18)
    return f"M{x1},{y1} C{x1},{y1 + bend} {x2},{y2 - bend} {x2},{y2}"
