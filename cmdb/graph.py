"""The estate: every CI and what depends on what, indexed for lookups that cost no more than what they find."""

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from functools import cached_property

import networkx as nx

from cmdb.lookup import LabelIndex, NameIndex
from cmdb.model import BUSINESS_SERVICE, CI, Dependency, provider_ids
from cmdb.upward import Upward, turn_round


class Estate:
    """All CIs with their dependencies. Never changes after it is built, so threads may share it.

    Every lookup costs in proportion to what it returns, not to the size of the estate, and every order is the order
    of the CMDB file.
    """

    def __init__(self, cis: Mapping[str, CI]) -> None:
        """Index the CIs, which are keyed by their own ids; `Estate.of` is the way in for everyone else."""
        self._cis = cis
        self._ids = tuple(cis)
        self._upward = turn_round(cis)
        self._names = NameIndex(cis)
        self._labels = LabelIndex(cis.values())
        named = frozenset([ci.id for ci in cis.values() if ci.type == BUSINESS_SERVICE])
        self._business_services = named or frozenset([ci for ci in self._ids if ci not in self._upward.all])

    @classmethod
    def of(cls, cis: Iterable[CI]) -> "Estate":
        """Build an estate of CIs in their file's order.

        Raises `ValueError` when two CIs share an id or one depends on a CI that is not there.
        """
        by_id: dict[str, CI] = {}
        for ci in cis:
            if by_id.setdefault(ci.id, ci) is not ci:
                raise ValueError(f"two CIs have the id {ci.id}")
        return cls(by_id)

    def __len__(self) -> int:
        """How many CIs there are."""
        return len(self._ids)

    def __contains__(self, ci_id: object) -> bool:
        """Whether a CI has exactly this id."""
        return ci_id in self._cis

    def __iter__(self) -> Iterator[CI]:
        """The CIs in file order."""
        return iter(self._cis.values())

    def ci(self, ci_id: str) -> CI:
        """The CI of this id; raises `KeyError` where there is none."""
        try:
            return self._cis[ci_id]
        except KeyError:
            raise KeyError(f"no CI has the id {ci_id}") from None

    def get(self, ci_id: str) -> CI | None:
        """The CI of this id, or None."""
        return self._cis.get(ci_id)

    def ids(self) -> tuple[str, ...]:
        """Every id, in file order."""
        return self._ids

    def dependencies(self, ci_id: str) -> tuple[Dependency, ...]:
        """What the CI needs, as its owner wrote it; raises `KeyError` for an unknown id."""
        return self.ci(ci_id).depends_on

    def providers(self, ci_id: str) -> tuple[str, ...]:
        """The CIs this one needs in any way, once each, in the order written; raises `KeyError` for an unknown id."""
        return provider_ids(self.ci(ci_id).depends_on)

    def dependents(self, ci_id: str) -> tuple[str, ...]:
        """The CIs that need this one in any way, in file order; raises `KeyError` for an unknown id."""
        return self._upward.all.get(self.ci(ci_id).id, ())

    @property
    def upward(self) -> Upward:
        """The dependencies from provider to dependent, by kind: what a walk up the estate follows."""
        return self._upward

    @property
    def business_services(self) -> frozenset[str]:
        """The CIs managers care about: those of type `business-service`.

        Where the estate names none, the CIs on which nothing depends stand in for them.
        """
        return self._business_services

    def find(self, name: str) -> str | None:
        """The id of the CI known by this name: exact id, then exact alias, then either without regard to case."""
        return self._names.find(name)

    def matching(self, labels: Mapping[str, str]) -> tuple[str, ...]:
        """The CIs one of whose `match` label sets is wholly in the labels, in file order."""
        return self._labels.matching(labels)

    @cached_property
    def graph(self) -> "nx.DiGraph[str]":
        """The estate as a networkx graph with an edge from each dependent to each of its providers.

        Made at the first call, since it takes several times the memory of the estate itself. Read only.
        """
        graph: nx.DiGraph[str] = nx.freeze(self._graph_of(self._ids))
        return graph

    def cycles(self) -> tuple[tuple[str, ...], ...]:
        """One cycle for every knot of CIs that depend on each other, in file order of their first CIs.

        In each, every CI depends on the next and the last on the first. Cycles are legal; people should know of them.
        """
        knotted = self._graph_of(self.near_cycles())
        knots = [knot for knot in nx.strongly_connected_components(knotted) if _is_knot(knotted, knot)]
        first_of = {ci: knot for knot in knots for ci in knot}
        cycles: dict[int, tuple[str, ...]] = {}
        for ci in knotted:
            knot = first_of.get(ci)
            if knot is not None and id(knot) not in cycles:
                cycles[id(knot)] = _shortest_cycle(knotted, ci)
        return tuple(cycles.values())

    def _graph_of(self, ids: Collection[str]) -> "nx.DiGraph[str]":
        wanted = ids if len(ids) == len(self._ids) else frozenset(ids)
        graph: nx.DiGraph[str] = nx.DiGraph()
        graph.add_nodes_from(ids)
        graph.add_edges_from(
            (ci, provider) for ci in ids for provider in self.providers(ci) if wanted is ids or provider in wanted
        )
        return graph

    def near_cycles(self) -> tuple[str, ...]:
        """The CIs in cycles and on the ways from one cycle to another, in file order; in most estates none.

        They are what is left when CIs that need nothing, and CIs that nothing needs, are taken away again and again.
        """
        needs = {ci_id: len(self.providers(ci_id)) for ci_id in self._ids}
        _take_away(needs, self._upward.all.get)
        left = [ci_id for ci_id, count in needs.items() if count]
        needed = {ci_id: sum(needs[above] > 0 for above in self._upward.all.get(ci_id, ())) for ci_id in left}
        _take_away(needed, self.providers)
        return tuple([ci_id for ci_id, count in needed.items() if count])


def _take_away(counts: dict[str, int], neighbours: Callable[[str], tuple[str, ...] | None]) -> None:
    """Take CIs of count 0 away, lowering the counts of their neighbours, until none is left that has not been."""
    ready = [ci_id for ci_id, count in counts.items() if not count]
    for ci_id in ready:
        for neighbour in neighbours(ci_id) or ():
            if neighbour in counts:
                counts[neighbour] -= 1
                if not counts[neighbour]:
                    ready.append(neighbour)


def _is_knot(graph: "nx.DiGraph[str]", component: set[str]) -> bool:
    return len(component) > 1 or any(graph.has_edge(ci, ci) for ci in component)


def _shortest_cycle(graph: "nx.DiGraph[str]", start: str) -> tuple[str, ...]:
    """The shortest way from a CI through its providers back to itself; there is one."""
    if graph.has_edge(start, start):
        return (start,)
    came_from: dict[str, str] = {}
    for ci, parent in nx.bfs_predecessors(graph, start):
        came_from[ci] = parent
        if graph.has_edge(ci, start):
            path = [ci]
            while path[-1] != start:
                path.append(came_from[path[-1]])
            return tuple(reversed(path))
    raise AssertionError(f"{start} is not in a cycle")
