"""Where the nodes of a picture stand: in ranks by distance from what failed, the business services in the last.

The order within the ranks follows the barycentre method (Sugiyama, Tagawa and Toda 1981), which keeps crossings few.
Units are pixels of a picture at its natural size.
"""

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass

from cmdb.picture import Node, Part, Picture

WIDTH, HEIGHT = 200, 58
"""Of a node."""
_GAP, _RANK_GAP, _WRAP_GAP, _MARGIN = 14, 40, 14, 10
MOST_ABREAST = 6
"""So many nodes stand side by side at most; a page has room for them."""
_SWEEPS = 6


@dataclass(frozen=True, slots=True, kw_only=True)
class Layout:
    """The upper left corner of every node by its key, and the size of the whole."""

    places: Mapping[str, tuple[int, int]]
    width: int
    height: int


def lay_out(picture: Picture, *, abreast: int = MOST_ABREAST) -> Layout:
    """The same places for the same picture, whatever else; at most `abreast` nodes stand side by side."""
    providers, dependents = _neighbours(picture)
    ranks = _ranks(picture, dependents)
    rows: dict[int, list[str]] = defaultdict(list)
    for node in picture.nodes:
        rows[ranks[node.key]].append(node.key)
    ordered = _untangled([rows[rank] for rank in sorted(rows)], providers, dependents)
    return _placed(ordered, abreast)


def _neighbours(picture: Picture) -> tuple[dict[str, list[str]], dict[str, list[str]]]:
    providers: dict[str, list[str]] = {node.key: [] for node in picture.nodes}
    dependents: dict[str, list[str]] = {node.key: [] for node in picture.nodes}
    for edge in picture.edges:
        providers[edge.end].append(edge.start)
        dependents[edge.start].append(edge.end)
    return providers, dependents


def _ranks(picture: Picture, dependents: Mapping[str, list[str]]) -> dict[str, int]:
    """The longest way from a node that needs nothing in the picture, business services last. Of a cycle only one edge
    does not count: that back to where the nodes' order enters it."""
    order, onward = _onward(picture.nodes, dependents)
    ends = _ends(picture.nodes, order, onward)
    ranks: dict[str, int] = dict.fromkeys(order, 0)
    _push([key for key in order if key not in ends], onward, ranks)
    last = max((ranks[key] for key in order if key not in ends), default=-1) + 1
    ranks.update((key, max(ranks[key], last)) for key in ends)
    _push([key for key in order if key in ends], onward, ranks)
    for node in picture.nodes:
        # A spare needs nothing here: it stands right before what it carries.
        if node.part is Part.SPARE and onward[node.key]:
            ranks[node.key] = min(ranks[d] for d in onward[node.key]) - 1
    return ranks


def _onward(nodes: tuple[Node, ...], dependents: Mapping[str, list[str]]) -> tuple[list[str], dict[str, list[str]]]:
    """The nodes, each before what needs it, and what needs each, without the edges that close a cycle."""
    done: list[str] = []
    seen: set[str] = set()
    onward: dict[str, list[str]] = {node.key: [] for node in nodes}
    for node in nodes:
        trail = [] if node.key in seen else [(node.key, iter(dependents[node.key]))]
        on_trail = {key for key, _ in trail}
        seen |= on_trail
        while trail:
            key, following = trail[-1]
            after = next(following, None)
            if after is None:
                done.append(key)
                on_trail.discard(key)
                trail.pop()
            elif after not in on_trail:
                onward[key].append(after)
                if after not in seen:
                    seen.add(after)
                    on_trail.add(after)
                    trail.append((after, iter(dependents[after])))
    return done[::-1], onward


def _ends(nodes: tuple[Node, ...], order: list[str], onward: Mapping[str, list[str]]) -> set[str]:
    """The business services hit on which nothing else stands, but others of these."""
    services = {node.key for node in nodes if node.is_service and node.part is not Part.FAILED}
    ends: set[str] = set()
    for key in reversed(order):
        if key in services and ends.issuperset(onward[key]):
            ends.add(key)
    return ends


def _push(keys: list[str], onward: Mapping[str, list[str]], ranks: dict[str, int]) -> None:
    """Move what needs them behind them."""
    for key in keys:
        for after in onward[key]:
            ranks[after] = max(ranks[after], ranks[key] + 1)


def _untangled(
    rows: list[list[str]], providers: Mapping[str, list[str]], dependents: Mapping[str, list[str]]
) -> list[list[str]]:
    """The ranks with each node near the middle of its neighbours in those before, then after, in turn."""
    place = {key: _share(n, row) for row in rows for n, key in enumerate(row)}
    for sweep in range(_SWEEPS):
        near = providers if sweep % 2 == 0 else dependents
        for row in rows if sweep % 2 == 0 else reversed(rows):
            wish = {key: _middle([place[n] for n in near[key]], place[key]) for key in row}
            row.sort(key=wish.__getitem__)
            place.update((key, _share(n, row)) for n, key in enumerate(row))
    return rows


def _share(place: int, row: list[str]) -> float:
    """How far along its rank a node stands, 0 to 1."""
    return (place + 0.5) / len(row)


def _middle(places: list[float], else_: float) -> float:
    return sum(places) / len(places) if places else else_


def _placed(rows: list[list[str]], most: int) -> Layout:
    """One rank below the other; one with many nodes takes several rows."""
    abreast = min(max((len(row) for row in rows), default=1), most)
    width = abreast * (WIDTH + _GAP) - _GAP + 2 * _MARGIN
    places: dict[str, tuple[int, int]] = {}
    y = _MARGIN
    for row in rows:
        for start in range(0, len(row), most):
            part = row[start : start + most]
            left = (width - (len(part) * (WIDTH + _GAP) - _GAP)) // 2
            places.update((key, (left + n * (WIDTH + _GAP), y)) for n, key in enumerate(part))
            y += HEIGHT + _WRAP_GAP
        y += _RANK_GAP - _WRAP_GAP
    return Layout(places=places, width=width, height=max(y - _RANK_GAP, HEIGHT) + _MARGIN)
