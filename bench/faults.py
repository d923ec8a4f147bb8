"""What fails in a storm, when, and what that does to the estate from moment to moment.

True states are those of `cmdb.impact`, of all CIs that are failed at the moment together. Times are seconds since the
storm began.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from random import Random

from cmdb.graph import Estate
from cmdb.impact import Hit, impact, states
from cmdb.model import State

HOURS = 12
COUNT = 12
_FIRST_S, _LAST_S = 600.0, (HOURS - 1) * 3600.0
_SHORTEST_S, _LONGEST_S = 600.0, 3600.0
_TWINS = 1
"""Pairs of failures that begin at the same time and have dependents in common, where the estate has such CIs."""

# How much likelier than others a CI of a type is the one that fails, per CI of the type: infrastructure is preferred,
# and what there is little of is not left out. A business service is a view and never fails by itself.
_WEIGHTS = {
    "power-feed": 6, "pdu": 3, "core-switch": 6, "switch": 4, "fabric-switch": 6, "controller": 4, "storage-array": 8,
    "zone": 6, "volume": 3, "datastore": 4, "host": 2, "node": 3, "hypervisor": 2.5, "virtual-machine": 0.3, "pod": 0.3,
    "database": 0.7, "database-cluster": 1, "cache": 2, "identity": 4, "service": 0.7, "application": 0.6,
    "business-service": 0,
}  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class Failure:
    """A CI that was down from `at` to `until`, and the business services that were down or degraded for it."""

    root: str
    at: float
    until: float
    impacted_services: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Moment:
    """A span in which the same CIs are failed.

    `causes` has, for each CI that is not up, the numbers of the failures that account for it: each failure that alone
    brings it into its state, else each without which it would be better off.
    """

    at: float
    until: float
    hits: dict[str, Hit]
    causes: dict[str, frozenset[int]]


def draw(chance: Random, estate: Estate) -> list[Failure]:
    """The failures of a storm, by time. No root is taken down by another failure of its time: nobody could tell."""
    failures: list[Failure] = []
    while len(failures) < COUNT:
        fresh = _one(chance, estate, chance.uniform(_FIRST_S, _LAST_S))
        if len(failures) < _TWINS * 2:
            twin = _twin(chance, estate, fresh)
            failures += [] if twin is None else [fresh, twin]
        elif _is_apart(estate, fresh, failures):
            failures.append(fresh)
    return sorted(failures, key=lambda f: (f.at, f.root))


def _one(chance: Random, estate: Estate, at: float) -> Failure:
    weights = [_WEIGHTS.get(ci.type, 1) for ci in estate]
    root = chance.choices(estate.ids(), weights)[0]
    return Failure(root=root, at=round(at, 3), until=round(at + chance.uniform(_SHORTEST_S, _LONGEST_S), 3))


def _twin(chance: Random, estate: Estate, first: Failure) -> Failure | None:
    """A failure at the same time that hits some CI which the first hits too; None where a few tries find none."""
    reach = states(estate, {first.root: State.DOWN}).keys()
    for _ in range(20):
        second = _one(chance, estate, first.at + chance.uniform(0, 5))
        shared = reach & states(estate, {second.root: State.DOWN}).keys()
        if shared and _is_apart(estate, second, [first]):
            return second
    return None


def _is_apart(estate: Estate, fresh: Failure, failures: Sequence[Failure]) -> bool:
    """Whether no root goes down with another one of its time, and none fails twice within an hour."""
    reach = states(estate, {fresh.root: State.DOWN})
    for other in failures:
        if fresh.at > other.until + _LONGEST_S or other.at > fresh.until + _LONGEST_S:
            continue
        if fresh.root == other.root:
            return False
        if fresh.at <= other.until and other.at <= fresh.until:
            theirs = states(estate, {other.root: State.DOWN})
            if reach.get(other.root) is State.DOWN or theirs.get(fresh.root) is State.DOWN:
                return False
    return True


def moments(estate: Estate, failures: Sequence[Failure]) -> Iterator[Moment]:
    """The spans of the storm in which something is failed, in order."""
    alone = [states(estate, {f.root: State.DOWN}) for f in failures]
    turns = sorted({t for f in failures for t in (f.at, f.until)})
    for at, until in pairwise(turns):
        active = [n for n, f in enumerate(failures) if f.at <= at and until <= f.until]
        if not active:
            continue
        hits = impact(estate, {failures[n].root: State.DOWN for n in active})
        without = {n: states(estate, {failures[m].root: State.DOWN for m in active if m != n}) for n in active}
        causes = {}
        for ci, hit in hits.items():
            solo = frozenset(n for n in active if alone[n].get(ci, State.UP) >= hit.state)
            causes[ci] = solo or frozenset(n for n in active if without[n].get(ci, State.UP) < hit.state)
        yield Moment(at=at, until=until, hits=hits, causes=causes)


def with_services(estate: Estate, failures: Sequence[Failure], spans: Sequence[Moment]) -> tuple[Failure, ...]:
    """The failures with the business services that each had, alone or with others, down or degraded at some time."""
    hit: list[set[str]] = [set() for _ in failures]
    alone = [states(estate, {f.root: State.DOWN}) for f in failures]
    for span in spans:
        active = frozenset().union(*span.causes.values())
        for service in estate.business_services & span.hits.keys():
            if span.hits[service].state < State.DEGRADED:
                continue
            lone = {n for n in active if alone[n].get(service, State.UP) >= State.DEGRADED}
            for number in lone | span.causes[service]:
                hit[number].add(service)
    return tuple(
        Failure(root=f.root, at=f.at, until=f.until, impacted_services=tuple(sorted(services)))
        for f, services in zip(failures, hit, strict=True)
    )
