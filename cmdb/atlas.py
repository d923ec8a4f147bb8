"""A part of the estate as a map to walk on: what stands on some CIs and what they stand on, step by step.

CIs on the same step that are alike (by type, the provider they share, owner or business services) are folded into one
box, and each fold can be opened. What is done costs what is in the range asked for, never the estate.
"""

import enum
from collections.abc import Callable, Hashable, Iterable, Mapping
from dataclasses import dataclass
from itertools import islice

from cmdb.graph import Estate
from cmdb.model import Dependency, State, Strength
from cmdb.picture import Edge, Node, Part

MOST_BOXES = 400
"""More than that nobody finds their way in, and browsers begin to stutter."""
MOST_LINES = 2_500
MOST_WALKED = 10_000
"""So many CIs of a range are looked at; where it has more, the nearest."""
DEEPEST = 12
_ALIKE = 4
"""Fewer alike CIs than that are drawn one by one."""
_CROWD = 24
"""A fold of more opens into folds by the provider they share, before single CIs."""


class Fold(enum.StrEnum):
    """What makes CIs on one step alike, beside their state of now."""

    TYPE = "type"
    PROVIDER = "provider"
    OWNER = "owner"
    SERVICE = "service"
    NONE = "none"


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """What is to be on the map: the CIs `middle`, what needs them `up` steps far, what they need `down` steps far.

    `opened` are the folds to open, by `Box.key`. With `is_focused` only what is failing now and its ways to business
    services stays in detail; the rest is folded by type. `most` boxes are drawn.
    """

    middle: tuple[str, ...]
    up: int = 2
    down: int = 2
    fold: Fold = Fold.TYPE
    opened: frozenset[str] = frozenset()
    is_focused: bool = False
    most: int = MOST_BOXES


@dataclass(frozen=True, slots=True, kw_only=True)
class Box:
    """One CI or a fold of several; `key` is what opens the fold, empty for a CI.

    `step` is how far from the middle, upward if positive. `note` says what a fold has in common. `is_lit` is false for
    what the focus leaves in the dark.
    """

    node: Node
    step: int
    key: str = ""
    note: str = ""
    is_middle: bool = False
    is_lit: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class Atlas:
    """The map. Every CI of the range is in one box, or counted in `left_out`; `walked` is how many the range has.

    With `is_cut` the range has more than could be looked at: then it is the nearest of them that are spoken of.
    `lines_left_out` counts edges that are not drawn.
    """

    boxes: tuple[Box, ...]
    edges: tuple[Edge, ...]
    walked: int
    left_out: int = 0
    lines_left_out: int = 0
    is_cut: bool = False


def atlas_of(estate: Estate, asked: Asked, states: Mapping[str, State], failed: Iterable[str] = ()) -> Atlas:
    """The map of what was asked, the same for the same arguments.

    `states` are those of now, without the CIs that are up; `failed` are the CIs of them at which it began. Raises
    `KeyError` for a CI in the middle that is not in the estate.
    """
    return _Charting(estate, asked, states, frozenset(failed)).atlas()


def steps_from(estate: Estate, asked: Asked, most: int = MOST_WALKED) -> tuple[dict[str, int], bool]:
    """Every CI in the range with its step, nearest first, and whether the range has more than `most`.

    Raises `KeyError` for a CI in the middle that is not in the estate.
    """
    steps = {estate.ci(ci).id: 0 for ci in asked.middle}
    below, above = _Side(estate.providers, steps), _Side(estate.dependents, steps)
    for distance in range(1, max(asked.up, asked.down) + 1):
        # What a CI needs is as a rule less than what needs it, so that a cut still shows both sides.
        if distance <= asked.down:
            below.go_on(steps, -distance, most)
        if distance <= asked.up:
            above.go_on(steps, distance, most)
        if len(steps) > most:
            return dict(islice(steps.items(), most)), True
    return steps, False


class _Side:
    """The walk to one side. In a cycle both sides come to the same CIs, and each goes on from them."""

    def __init__(self, near: Callable[[str], tuple[str, ...]], middle: Iterable[str]) -> None:
        self._near = near
        self._front = list(middle)
        self._seen = set(self._front)

    def go_on(self, steps: dict[str, int], step: int, most: int) -> None:
        """One step further; stops where the range gets too large."""
        found = []
        for ci in self._front:
            for other in self._near(ci):
                if other not in self._seen:
                    self._seen.add(other)
                    found.append(other)
                    steps.setdefault(other, step)
                    if len(steps) > most:
                        return
        self._front = found


class _Charting:
    """Decides what is one box, and which boxes are drawn."""

    def __init__(self, estate: Estate, asked: Asked, states: Mapping[str, State], failed: frozenset[str]) -> None:
        self._estate = estate
        self._asked = asked
        self._states = states
        self._steps, self._is_cut = steps_from(estate, asked)
        self._middle = frozenset(asked.middle)
        self._lit = _lit(estate, self._steps, states, failed) if asked.is_focused else self._steps.keys()
        self._served = _served(estate, self._steps) if asked.fold is Fold.SERVICE else {}

    def atlas(self) -> Atlas:
        """The whole of it."""
        groups = [box for group in self._alike().values() for box in self._parts(group)]
        drawn = self._chosen(groups)
        edges, more = self._edges(drawn)
        return Atlas(
            boxes=tuple(self._box(key, cis) for key, cis in drawn),
            edges=edges,
            walked=len(self._steps),
            left_out=len(self._steps) - sum(len(cis) for _, cis in drawn),
            lines_left_out=more,
            is_cut=self._is_cut,
        )

    def _alike(self) -> dict[Hashable, list[str]]:
        groups: dict[Hashable, list[str]] = {}
        for ci in self._steps:
            groups.setdefault(self._signature(ci), []).append(ci)
        return groups

    def _signature(self, ci: str) -> Hashable:
        fold, found = self._fold_of(ci), self._estate.ci(ci)
        if ci in self._middle or fold is Fold.NONE:
            return ci
        what: Hashable = found.type
        if fold is Fold.PROVIDER:
            what = found.type, self._estate.providers(ci)
        elif fold is Fold.OWNER:
            what = found.owner
        elif fold is Fold.SERVICE:
            what = self._served.get(ci, 0)
        is_service = ci in self._estate.business_services
        return self._steps[ci], self._state(ci), is_service, ci in self._lit, what

    def _fold_of(self, ci: str) -> Fold:
        return self._asked.fold if ci in self._lit else Fold.TYPE

    def _state(self, ci: str) -> State:
        return self._states.get(ci, State.UP)

    def _parts(self, cis: list[str]) -> Iterable[tuple[str, list[str]]]:
        """The boxes of CIs that are alike: one, or what comes of it once it is opened."""
        key = f"1.{cis[0]}"
        if len(cis) < _ALIKE:
            return [("", [ci]) for ci in cis]
        if key not in self._asked.opened:
            return [(key, cis)]
        kin: dict[tuple[str, ...], list[str]] = {}
        for ci in cis if len(cis) > _CROWD else ():
            kin.setdefault(self._estate.providers(ci), []).append(ci)
        if not 1 < len(kin) < len(cis):
            return [("", [ci]) for ci in cis]
        return [part for found in kin.values() for part in self._smaller(found)]

    def _smaller(self, cis: list[str]) -> Iterable[tuple[str, list[str]]]:
        key = f"2.{cis[0]}"
        if len(cis) < _ALIKE or key in self._asked.opened:
            return [("", [ci]) for ci in cis]
        return [(key, cis)]

    def _chosen(self, groups: list[tuple[str, list[str]]]) -> list[tuple[str, list[str]]]:
        """As many as are drawn: the middle, then what fails now, then the nearest; in the order of the walk."""
        if len(groups) <= self._asked.most:
            return groups
        places = sorted(range(len(groups)), key=lambda n: (*self._weight(groups[n][1][0]), n))
        return [groups[n] for n in sorted(places[: self._asked.most])]

    def _weight(self, ci: str) -> tuple[bool, bool, int, int]:
        return ci not in self._middle, ci not in self._lit, -self._state(ci), abs(self._steps[ci])

    def _box(self, key: str, cis: list[str]) -> Box:
        first = self._estate.ci(cis[0])
        types = {self._estate.ci(ci).type for ci in cis}
        many = f"{len(cis):,} × {first.type}" if len(types) == 1 else f"{len(cis):,} of {len(types)} types"
        return Box(
            node=Node(
                cis=tuple(cis),
                title=first.title if len(cis) == 1 else many,
                type=first.type if len(types) == 1 else "CI",
                state=self._state(cis[0]),
                part=Part.HIT,
                is_service=cis[0] in self._estate.business_services,
            ),
            step=self._steps[cis[0]],
            key=key,
            note=self._note(key, cis[0]),
            is_middle=cis[0] in self._middle,
            is_lit=cis[0] in self._lit,
        )

    def _note(self, key: str, ci: str) -> str:
        """What the CIs of a fold have in common, beside the type."""
        fold = self._fold_of(ci)
        if not key or (fold is Fold.TYPE and key.startswith("1.")):
            return ""
        if fold is Fold.OWNER and key.startswith("1."):
            return self._estate.ci(ci).owner or "nobody's"
        if fold is Fold.SERVICE and key.startswith("1."):
            return self._for_services(self._served.get(ci, 0))
        shared = self._estate.providers(ci)
        more = f" and {len(shared) - 1} more" if len(shared) > 1 else ""
        return f"on {self._estate.ci(shared[0]).title}{more}" if shared else "on nothing"

    def _for_services(self, mask: int) -> str:
        services = [ci for ci in self._steps if ci in self._estate.business_services]
        names = [self._estate.ci(ci).title for n, ci in enumerate(services) if mask >> n & 1]
        more = f" and {len(names) - 1} more" if len(names) > 1 else ""
        return f"for {names[0]}{more}" if names else "for no service here"

    def _edges(self, drawn: list[tuple[str, list[str]]]) -> tuple[tuple[Edge, ...], int]:
        """Between boxes, from the provider up; the strictest kind where there are several."""
        block = {ci: cis[0] for _, cis in drawn for ci in cis}
        found: dict[tuple[str, str], str] = {}
        for ci, end in block.items():
            for need in self._estate.dependencies(ci):
                kind = _kind(need)
                for provider in need.providers:
                    start = block.get(provider)
                    if start is not None and start != end and found.get((start, end)) != "hard":
                        found[start, end] = kind
        edges = tuple(Edge(start=s, end=e, kind=k) for (s, e), k in islice(found.items(), MOST_LINES))
        return edges, len(found) - len(edges)


def _kind(need: Dependency) -> str:
    if need.is_group:
        return "group"
    return "soft" if need.strength is Strength.SOFT else "hard"


def _lit(
    estate: Estate, steps: Mapping[str, int], states: Mapping[str, State], failed: frozenset[str]
) -> frozenset[str]:
    """What failed and what is hit on its ways to business services; all that is hit where it reaches none."""
    hit = [ci for ci in steps if states.get(ci, State.UP) > State.UP]
    ways = [ci for ci in hit if ci in estate.business_services]
    seen = set(ways)
    for ci in ways:
        for provider in estate.providers(ci):
            if provider in steps and provider not in seen and states.get(provider, State.UP) > State.UP:
                seen.add(provider)
                ways.append(provider)
    return frozenset(seen.union(ci for ci in hit if ci in failed)) if seen else frozenset(hit)


def _served(estate: Estate, steps: Mapping[str, int]) -> dict[str, int]:
    """For each CI in the range which business services in the range stand on it: a bit each, in the walk's order."""
    masks: dict[str, int] = {}
    for number, ci in enumerate(c for c in steps if c in estate.business_services):
        masks[ci] = 1 << number
    queue = list(masks)
    waiting = set(queue)
    for ci in queue:
        waiting.discard(ci)
        mask = masks[ci]
        for provider in estate.providers(ci):
            before = masks.get(provider, 0)
            if provider in steps and before | mask != before:
                masks[provider] = before | mask
                if provider not in waiting:
                    waiting.add(provider)
                    queue.append(provider)
    return masks
