"""The picture that goes with a notice by mail, and what it says in words.

Operators get what the failure reaches, in few nodes, so that it can be read on a phone. Managers get the business
services that are hit, and of what failed nothing but that it did. Customers get none.
"""

import hashlib
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass

from cmdb.graph import Estate
from cmdb.layout import lay_out
from cmdb.model import State, Strength
from cmdb.picture import Edge, Node, Part, Picture, picture_of
from notifiers.drawing.raster import ZOOM, CannotDraw, Rasteriser
from notifiers.drawing.sketch import Box, Scene, Sketch, drawn, fitting, sketch_of, tone_of
from notifiers.language import Language, marked
from notifiers.views.incident import is_over
from notifiers.wording import one_line
from rules.document import IncidentDocument, NoticeContent

MOST_BYTES = 200_000
MOST_NODES = 18
MOST_SERVICES = 11
_ABREAST = 2
"""On a phone more would be too small to read."""
_ZOOMS = (ZOOM, 1.0)
_MOST_ALT = 1200
_MOST_NEEDS = 4

_EVENTS = frozenset(("opened", "changed", "reopened", "escalated", "nobody_reached"))
_STATES = {state.word: state for state in (State.AT_RISK, State.DEGRADED, State.DOWN)}
_FAULT = "fault"
_NEEDS = marked("needs %(what)s")


class NoPicture(Exception):
    """There is none; the words say why."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Illustration:
    """A picture in a mail: the image, the same in words, what it leaves out, if anything, and how wide and high it is
    meant to be shown, in pixels."""

    png: bytes
    alt: str
    note: str
    width: int
    height: int

    @property
    def id(self) -> str:
        """Its Content-ID, the same for the same image."""
        return f"{hashlib.sha256(self.png).hexdigest()[:32]}@picture.incidentd"


def is_pictured(content: NoticeContent, *, is_call: bool) -> bool:
    """Whether a notice is of a kind that has a picture: it says that something is hit, or otherwise than before, or
    calls somebody. Small steps of work, and what is over, have none."""
    incident = content.incident
    if incident is None or is_over(incident):
        return False
    return content.event in _EVENTS or is_call


def illustration(
    content: NoticeContent, estate: Estate, language: Language, rasteriser: Rasteriser, *, sees_component: bool = False
) -> Illustration | None:
    """The picture of the incident as the notice tells it; None where there is nothing to draw, NoPicture where it
    cannot be drawn.

    The CMDB is that of `estate`, everything else the notice's own. `sees_component` says that a manager may read which
    component failed.
    """
    found = sketched(content, estate, language, sees_component=sees_component)
    if found is None:
        return None
    sketch, alt = found
    note = _left_out(sketch.left_out, language)
    return Illustration(png=_png(sketch, rasteriser), alt=alt, note=note, width=sketch.width, height=sketch.height)


def sketched(
    content: NoticeContent, estate: Estate, language: Language, *, sees_component: bool = False
) -> tuple[Sketch, str] | None:
    """What is drawn, and the same in words; as in `illustration`."""
    incident = content.incident
    if incident is None:
        return None
    root = incident.root_cause.ci
    if content.audience == "operator" and root is not None:
        sketch, picture = _of_failure(incident, estate, language)
    elif content.audience == "manager" and incident.services:
        named = root if sees_component else None
        sketch, picture = _of_services(incident, estate, language, named or language.gettext("A fault"))
    else:
        return None
    return sketch, _words(sketch, picture, language)


def _left_out(count: int, language: Language) -> str:
    if count < 0:
        return language.gettext("So many components are hit that the ways between are not drawn.")
    if not count:
        return ""
    return language.ngettext(
        "%(num)s more component is hit that leads to no business service.",
        "%(num)s more components are hit that lead to no business service.",
        count,
    )


def _png(sketch: Sketch, rasteriser: Rasteriser) -> bytes:
    try:
        images = (rasteriser.png_of(sketch, zoom) for zoom in _ZOOMS)
        found = next((image for image in images if len(image) <= MOST_BYTES), None)
    except CannotDraw as error:
        raise NoPicture(str(error)) from None
    if found is None:
        raise NoPicture(f"it would be larger than {MOST_BYTES // 1000} kB")
    return found


def _of_failure(incident: IncidentDocument, estate: Estate, language: Language) -> tuple[Sketch, Picture]:
    root = incident.root_cause
    if root.ci is None or root.ci not in estate:
        raise NoPicture(f"{one_line(root.ci or 'the root cause', 120)} is not in the CMDB")
    failed = dict.fromkeys(root.beside, State.DOWN) | {root.ci: _STATES.get(root.state, State.DOWN)}
    services = {s.id: _STATES.get(s.state, State.DOWN) for s in incident.services}
    picture = picture_of(estate, failed, services, most=MOST_NODES)
    alerting = Counter(a.ci for a in incident.alerts if a.ci is not None and a.cleared_at is None)
    scene = Scene(estate=estate, alerting=alerting, root=root.ci, language=language)
    label = language.gettext("What %(ci)s hits", ci=estate.ci(root.ci).title)
    return sketch_of(picture, lay_out(picture, abreast=_ABREAST), scene, label), picture


def _of_services(incident: IncidentDocument, estate: Estate, language: Language, failed: str) -> tuple[Sketch, Picture]:
    """The business services in the words of those who know nothing else, and which of them stand on one another."""
    states = {s.id: _STATES.get(s.state, State.DOWN) for s in incident.services}
    names = {s.id: s.name or s.id for s in incident.services}
    first = sorted(states, key=lambda s: (-states[s], names[s], s))[:MOST_SERVICES]
    fault = Node(cis=(_FAULT,), title=failed, type="", state=State.DOWN, part=Part.FAILED)
    nodes = [
        Node(cis=(f"service {s}",), title=names[s], type="", state=states[s], part=Part.HIT, is_service=True)
        for s in first
    ]
    if rest := sorted(set(states) - set(first)):
        title = language.ngettext("and %(num)s more", "and %(num)s more", len(rest))
        worst = max(states[s] for s in rest)
        nodes.append(
            Node(
                cis=tuple(f"service {s}" for s in rest),
                title=title,
                type="",
                state=worst,
                part=Part.HIT,
                is_service=True,
            )
        )
    edges = [Edge(start=_FAULT, end=node.key, kind="far") for node in nodes]
    edges += [
        Edge(start=f"service {provider}", end=f"service {s}", kind=kind)
        for s in first
        for provider, kind in sorted(_needs(estate, s).items())
        if provider in first and provider != s
    ]
    picture = Picture(nodes=(fault, *nodes), edges=tuple(edges))
    label = language.gettext("What the fault hits")
    layout = lay_out(picture, abreast=_ABREAST)
    return drawn(picture, layout, label, lambda node, x, y: _plain_box(node, x, y, language)), picture


def _needs(estate: Estate, service: str) -> Mapping[str, str]:
    """What a service needs directly, and how."""
    if service not in estate:
        return {}
    return {
        provider: "group" if need.is_group else "soft" if need.strength is Strength.SOFT else "hard"
        for need in estate.dependencies(service)
        for provider in need.providers
    }


def _plain_box(node: Node, x: int, y: int, language: Language) -> Box:
    is_fault = node.part is Part.FAILED
    word = "" if is_fault else language.gettext(node.state.word)
    return Box(
        x=x,
        y=y,
        node=node,
        lines=fitting(node.title, word),
        title=one_line(node.title, 160),
        words=word,
        tone="quiet" if is_fault else tone_of(node),
    )


def _words(sketch: Sketch, picture: Picture, language: Language) -> str:
    """The same in words: every box and what it needs of the others; what failed and the services first."""
    titles = {node.key: node.title for node in picture.nodes}
    needs: dict[str, list[str]] = {node.key: [] for node in picture.nodes}
    for edge in picture.edges:
        if edge.start != _FAULT:
            needs[edge.end].append(one_line(titles[edge.start], 40))
    lines = []
    for box in sorted(sketch.boxes, key=_weight):
        what = needs[box.node.key]
        shown = what[:_MOST_NEEDS] + (["…"] if len(what) > _MOST_NEEDS else [])
        after = f" ({language.gettext(_NEEDS, what=', '.join(shown))})" if shown else ""
        lines.append(one_line(f"{box.node.title}: {box.words}" if box.words else box.node.title, 160) + after)
    return one_line(f"{sketch.label}. {'; '.join(lines)}", _MOST_ALT)


def _weight(box: Box) -> int:
    return 0 if box.node.part is Part.FAILED else 1 if box.node.is_service else 2
