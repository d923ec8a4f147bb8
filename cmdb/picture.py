"""A failure as a picture of few nodes: what failed, the ways from it to the business services, and what still carries.

CIs that are alike (one type, one state, the same neighbours) are one node. Where that leaves too many, those of one
type and state at the same distance are one, and so on, more and more coarsely, until the picture can be read.
"""

import enum
from collections.abc import Callable, Hashable, Iterable, Iterator, Mapping
from dataclasses import dataclass

from cmdb.graph import Estate
from cmdb.impact import Hit, TooWide, impact
from cmdb.model import Dependency, State, Strength

MOST_NODES = 60
"""More than about this many nobody reads."""
WIDEST = 3_000
"""A failure that reaches more CIs is drawn without the ways between: they could be worked out, but not be read."""
_ALIKE = 3
_MANY = 7
"""So many with the same neighbours, or of one type and state at the same distance, are one node in any case."""


class Part(enum.StrEnum):
    """What a node is to the failure: `spare` is a CI that works and carries in the place of one that does not."""

    FAILED = "failed"
    HIT = "hit"
    SPARE = "spare"


@dataclass(frozen=True, slots=True, kw_only=True)
class Rest:
    """What is left of a redundancy group that has lost members: so many of all, and how many are needed."""

    left: int
    all: int
    need: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Node:
    """One CI, or several that are alike, the nearest first. `rests` is what is left of its groups, where that is the
    same for all."""

    cis: tuple[str, ...]
    title: str
    type: str
    state: State
    part: Part
    is_service: bool = False
    rests: tuple[Rest, ...] = ()

    @property
    def key(self) -> str:
        """What edges name it by."""
        return self.cis[0]

    @property
    def redundancy(self) -> str:
        """What is left of its groups, in words."""
        return "; ".join(f"{rest.left} of {rest.all} left, {rest.need} needed" for rest in self.rests)


@dataclass(frozen=True, slots=True, kw_only=True)
class Edge:
    """From a provider to what needs it, by their nodes' keys: `kind` is hard, soft, group, or `far` where the ways
    between are not drawn."""

    start: str
    end: str
    kind: str
    carries: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Picture:
    """What is drawn. `left_out` is how many CIs are hit that are not in it."""

    nodes: tuple[Node, ...]
    edges: tuple[Edge, ...]
    left_out: int = 0


def picture_of(
    estate: Estate, failed: Mapping[str, State], services: Mapping[str, State], *, most: int = MOST_NODES
) -> Picture:
    """The failure of these CIs, in about `most` nodes at most; fewer than 15 cannot be promised. `services` are the
    business services hit, as they are drawn where the reach of the failure is too wide; ids that the estate does not
    know are left out."""
    known = {ci: state for ci, state in failed.items() if ci in estate}
    try:
        hits = impact(estate, known, limit=WIDEST)
    except TooWide:
        return _from_afar(estate, known, {ci: state for ci, state in services.items() if ci in estate}, most)
    return _Drawing(estate, known, hits, most).picture()


def _from_afar(estate: Estate, failed: Mapping[str, State], services: Mapping[str, State], most: int) -> Picture:
    worst = sorted(services, key=lambda ci: (-services[ci], ci))[: most // 2]
    first = sorted(failed)[: most // 2]
    nodes = [_single(estate, ci, failed[ci], Part.FAILED) for ci in first]
    nodes += [_single(estate, ci, services[ci], Part.HIT) for ci in worst if ci not in failed]
    edges = [Edge(start=start, end=end, kind="far") for start in first for end in worst if end not in failed]
    return Picture(nodes=tuple(nodes), edges=tuple(edges), left_out=-1)


def _single(estate: Estate, ci_id: str, state: State, part: Part) -> Node:
    ci = estate.ci(ci_id)
    is_service = ci_id in estate.business_services
    return Node(cis=(ci_id,), title=ci.title, type=ci.type, state=state, part=part, is_service=is_service)


class _Drawing:
    """Decides what is in the picture, and what of it is one node."""

    def __init__(self, estate: Estate, failed: Mapping[str, State], hits: Mapping[str, Hit], most: int) -> None:
        self._estate = estate
        self._failed = failed
        self._hits = hits
        self._most = most
        self._left_out = 0
        spares = {ci for hit in hits for ci in self._spares_of(hit)}
        nearest = sorted(hits, key=lambda ci: (hits[ci].hops, ci))
        self._drawn: tuple[str, ...] = (*nearest, *sorted(spares))
        self._block: dict[str, str] = {ci: ci for ci in self._drawn}

    def picture(self) -> Picture:
        """The whole of it."""
        self._fold_alike()
        self._fold(self._sibling, least=_MANY)
        if self._count() > self._most:
            self._keep_ways_to_services()
        for coarser in self._coarser():
            if self._count() <= self._most:
                break
            self._fold(coarser, least=2)
        members: dict[str, list[str]] = {}
        for ci, block in self._block.items():
            members.setdefault(block, []).append(ci)
        nodes = tuple(self._node(tuple(cis)) for cis in members.values())
        return Picture(nodes=nodes, edges=tuple(self._edges()), left_out=self._left_out)

    def _count(self) -> int:
        return len(set(self._block.values()))

    def _spares_of(self, ci: str) -> Iterator[str]:
        """CIs that work and stand in for one that does not, in a group that this CI needs."""
        for need in self._estate.dependencies(ci):
            if need.is_group and any(self._is_lost(p) for p in need.providers):
                yield from (p for p in need.providers if p not in self._hits)

    def _is_lost(self, ci: str) -> bool:
        hit = self._hits.get(ci)
        return hit is not None and hit.state >= State.DEGRADED

    def _part(self, ci: str) -> Part:
        if ci in self._failed:
            return Part.FAILED
        return Part.HIT if ci in self._hits else Part.SPARE

    def _state(self, ci: str) -> State:
        hit = self._hits.get(ci)
        return hit.state if hit is not None else State.UP

    def _hops(self, ci: str) -> int:
        hit = self._hits.get(ci)
        return hit.hops if hit is not None else -1

    # Folding

    def _fold_alike(self) -> None:
        """Make one node of those with the same neighbours, again and again, since that makes neighbours the same."""
        for _ in range(8):
            before = self._count()
            above: dict[str, set[str]] = {}
            below: dict[str, set[str]] = {}
            for provider, dependent, _need in self._needs():
                above.setdefault(self._block[provider], set()).add(self._block[dependent])
                below.setdefault(self._block[dependent], set()).add(self._block[provider])

            def alike(ci: str, above: dict[str, set[str]] = above, below: dict[str, set[str]] = below) -> Hashable:
                block = self._block[ci]
                around = frozenset(above.get(block, ())), frozenset(below.get(block, ()))
                return (*self._kind(ci), self._rests(ci), *around)

            self._fold(alike, least=_ALIKE)
            if self._count() == before:
                return

    def _kind(self, ci: str) -> tuple[Hashable, ...]:
        return self._estate.ci(ci).type, self._state(ci), self._part(ci)

    def _sibling(self, ci: str) -> Hashable:
        return ci if ci in self._estate.business_services else (*self._kind(ci), self._hops(ci))

    def _coarser(self) -> Iterable[Callable[[str], Hashable]]:
        services = self._estate.business_services
        yield self._sibling
        yield lambda ci: ci if ci in services else (self._state(ci), self._part(ci), self._hops(ci))
        yield lambda ci: (ci in services, *self._kind(ci), min(self._hops(ci), 9))
        yield lambda ci: (ci in services, self._state(ci), self._part(ci))

    def _fold(self, signature: Callable[[str], Hashable], least: int) -> None:
        """Make one node of all nodes with one signature; what has failed stays apart, unless that is very much."""
        is_crowd = len(self._failed) > self._most // 3
        found: dict[Hashable, list[str]] = {}
        for block in dict.fromkeys(self._block.values()):
            if is_crowd or block not in self._failed:
                found.setdefault(signature(block), []).append(block)
        becomes = {b: blocks[0] for blocks in found.values() if len(blocks) >= least for b in blocks}
        self._block = {ci: becomes.get(block, block) for ci, block in self._block.items()}

    def _keep_ways_to_services(self) -> None:
        """Leave out what is hit but leads to no business service, unless nothing does."""
        wanted = [ci for ci in self._drawn if ci in self._estate.business_services and ci in self._hits]
        if not wanted:
            return
        seen = set(wanted)
        for ci in wanted:
            for provider in self._estate.providers(ci):
                if provider in self._block and provider not in seen:
                    seen.add(provider)
                    wanted.append(provider)
        kept = [ci for ci in self._drawn if ci in seen or ci in self._failed]
        self._left_out = sum(ci in self._hits for ci in self._drawn) - sum(ci in self._hits for ci in kept)
        blocks: dict[str, str] = {}
        self._block = {ci: blocks.setdefault(self._block[ci], ci) for ci in kept}
        self._drawn = tuple(kept)

    # What is drawn of it

    def _needs(self) -> Iterator[tuple[str, str, Dependency]]:
        """Every dependency between CIs that are drawn, as provider and dependent; those of spares are not drawn."""
        for dependent in self._drawn:
            if dependent in self._hits:
                for need in self._estate.dependencies(dependent):
                    for provider in need.providers:
                        if provider in self._block:
                            yield provider, dependent, need

    def _edges(self) -> Iterator[Edge]:
        found: dict[tuple[str, str], Edge] = {}
        for provider, dependent, need in self._needs():
            start, end = self._block[provider], self._block[dependent]
            kind = "group" if need.is_group else "soft" if need.strength is Strength.SOFT else "hard"
            if start != end and found.get((start, end), _NO_EDGE).kind != "hard":
                is_spare = provider not in self._hits
                found[start, end] = Edge(start=start, end=end, kind=kind, carries=is_spare)
        return iter(found.values())

    def _node(self, cis: tuple[str, ...]) -> Node:
        first = self._estate.ci(cis[0])
        types = {self._estate.ci(ci).type for ci in cis}
        rests = {self._rests(ci) for ci in cis}
        kind = first.type if len(types) == 1 else "CI"
        return Node(
            cis=cis,
            title=first.title if len(cis) == 1 else f"{len(cis)} × {kind}",
            type=kind,
            state=max(self._state(ci) for ci in cis),
            part=self._part(cis[0]),
            is_service=cis[0] in self._estate.business_services,
            rests=rests.pop() if len(rests) == 1 else (),
        )

    def _rests(self, ci: str) -> tuple[Rest, ...]:
        if ci not in self._hits:
            return ()
        lost = ((n, sum(self._is_lost(p) for p in n.providers)) for n in self._estate.dependencies(ci) if n.is_group)
        rests = [Rest(left=len(n.providers) - gone, all=len(n.providers), need=n.need) for n, gone in lost if gone]
        return tuple(dict.fromkeys(rests))


_NO_EDGE = Edge(start="", end="", kind="")
