"""A part of the estate as a map to walk on: what stands on some CIs and what they stand on, step by step.

CIs on the same step that are alike (by type, the provider they share, owner or business services) are folded into one
box, and each fold can be opened. What is done costs what is in the range asked for, never the estate.
"""

import enum
from collections.abc import Hashable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from itertools import islice
from typing import NamedTuple

from cmdb.around import services_above, steps_from, ways_to_services
from cmdb.graph import Estate
from cmdb.model import Dependency, State, Strength
from cmdb.picture import Edge, Node, Part

MOST_BOXES = 400
"""More than that nobody finds their way in, and browsers begin to stutter."""
MOST_LINES = 2_500
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
    """One CI or a fold of several; `key` is what opens the fold, empty for a CI; `opened` what fold it came out of.

    `step` is how far from the middle, upward if positive. `note` says what a fold has in common. `is_lit` is false for
    what the focus leaves in the dark.
    """

    node: Node
    step: int
    key: str = ""
    opened: str = ""
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


class _Part(NamedTuple):
    """CIs that are one box, and what the box will say of the fold it is, or came out of."""

    cis: list[str]
    key: str = ""
    opened: str = ""


def _folded(key: str, cis: list[str], opened: str = "") -> Iterator[_Part]:
    return iter([_Part(cis, key, opened)]) if len(cis) >= _ALIKE else _singles(cis, opened)


def _singles(cis: list[str], opened: str = "") -> Iterator[_Part]:
    return (_Part([ci], opened=opened) for ci in cis)


class _Charting:
    """Decides what is one box, and which boxes are drawn."""

    def __init__(self, estate: Estate, asked: Asked, states: Mapping[str, State], failed: frozenset[str]) -> None:
        self._estate = estate
        self._asked = asked
        self._states = states
        self._steps, self._is_cut = steps_from(estate, asked.middle, asked.up, asked.down)
        self._middle = frozenset(asked.middle)
        self._lit = ways_to_services(estate, self._steps, states, failed) if asked.is_focused else self._steps.keys()
        self._served = services_above(estate, self._steps) if asked.fold is Fold.SERVICE else {}

    def atlas(self) -> Atlas:
        """The whole of it."""
        drawn = self._chosen([part for alike in self._alike().values() for part in self._parts(alike)])
        edges, more = self._edges(drawn)
        return Atlas(
            boxes=tuple(map(self._box, drawn)),
            edges=edges,
            walked=len(self._steps),
            left_out=len(self._steps) - sum(len(part.cis) for part in drawn),
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
        return self._steps[ci], is_service, ci in self._lit, what

    def _fold_of(self, ci: str) -> Fold:
        return self._asked.fold if ci in self._lit else Fold.TYPE

    def _state(self, ci: str) -> State:
        return self._states.get(ci, State.UP)

    def _parts(self, alike: list[str]) -> Iterator[_Part]:
        """The boxes of CIs that are alike but for their state. A fold is named by the first of them whatever its
        state, so that it stays open when one of them fails."""
        by_state: dict[State, list[str]] = {}
        for ci in alike:
            by_state.setdefault(self._state(ci), []).append(ci)
        for state, cis in by_state.items():
            key = f"1{state:d}.{alike[0]}"
            if len(cis) < _ALIKE or key not in self._asked.opened:
                yield from _folded(key, cis)
            elif len(cis) <= _CROWD:
                yield from _singles(cis, key)
            else:
                yield from self._kin(alike, cis, key)

    def _kin(self, alike: list[str], cis: list[str], opened: str) -> Iterator[_Part]:
        """The boxes of a large fold that was opened: by the provider they share, where that makes it fewer."""
        kin: dict[tuple[str, ...], list[str]] = {}
        for ci in cis:
            kin.setdefault(self._estate.providers(ci), []).append(ci)
        if not 1 < len(kin) < len(cis):
            yield from _singles(cis, opened)
            return
        first: dict[tuple[str, ...], str] = {}
        for ci in alike:
            first.setdefault(self._estate.providers(ci), ci)
        for shared, some in kin.items():
            key = f"2{self._state(some[0]):d}.{first[shared]}"
            if key in self._asked.opened:
                yield from _singles(some, key)
            else:
                yield from _folded(key, some, opened)

    def _chosen(self, parts: list[_Part]) -> list[_Part]:
        """As many as are drawn: the middle, then what fails now, then the nearest; in the order of the walk."""
        if len(parts) <= self._asked.most:
            return parts
        places = sorted(range(len(parts)), key=lambda n: (*self._weight(parts[n].cis[0]), n))
        return [parts[n] for n in sorted(places[: self._asked.most])]

    def _weight(self, ci: str) -> tuple[bool, bool, int, int]:
        return ci not in self._middle, ci not in self._lit, -self._state(ci), abs(self._steps[ci])

    def _box(self, part: _Part) -> Box:
        key, cis = part.key, part.cis
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
            opened=part.opened,
            note=self._note(key, cis[0]),
            is_middle=cis[0] in self._middle,
            is_lit=cis[0] in self._lit,
        )

    def _note(self, key: str, ci: str) -> str:
        """What the CIs of a fold have in common, beside the type."""
        fold = self._fold_of(ci)
        if not key or (fold is Fold.TYPE and key.startswith("1")):
            return ""
        if fold is Fold.OWNER and key.startswith("1"):
            return self._estate.ci(ci).owner or "nobody's"
        if fold is Fold.SERVICE and key.startswith("1"):
            return self._for_services(self._served.get(ci, 0))
        shared = self._estate.providers(ci)
        more = f" and {len(shared) - 1} more" if len(shared) > 1 else ""
        return f"on {self._estate.ci(shared[0]).title}{more}" if shared else "on nothing"

    def _for_services(self, mask: int) -> str:
        services = [ci for ci in self._steps if ci in self._estate.business_services]
        names = [self._estate.ci(ci).title for n, ci in enumerate(services) if mask >> n & 1]
        more = f" and {len(names) - 1} more" if len(names) > 1 else ""
        return f"for {names[0]}{more}" if names else "for no service here"

    def _edges(self, drawn: list[_Part]) -> tuple[tuple[Edge, ...], int]:
        """Between boxes, from the provider up; the strictest kind where there are several."""
        block = {ci: part.cis[0] for part in drawn for ci in part.cis}
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
