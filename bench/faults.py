"""What fails in a storm, when, and what that does to the estate from moment to moment.

True states are those of `cmdb.impact`, of all CIs that are failed at the moment together. Times are seconds since the
storm began.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import chain, pairwise
from random import Random

from cmdb.graph import Estate
from cmdb.impact import Hit, impact, states
from cmdb.model import State

HOURS = 12
COUNT = 12
_FIRST_S, _LAST_S = 600.0, (HOURS - 1) * 3600.0
_SHORTEST_S = 600.0
_AGAIN_S = 3600.0
"""How long a root is well at least before it fails again."""

# How much likelier than others a CI of a type is the one that fails, per CI of the type: infrastructure is preferred,
# and what there is little of is not left out. A business service is a view and never fails by itself.
_WEIGHTS = {
    "power-feed": 6, "pdu": 3, "core-switch": 6, "switch": 4, "fabric-switch": 6, "controller": 4, "storage-array": 8,
    "zone": 6, "volume": 3, "datastore": 4, "host": 2, "node": 3, "hypervisor": 2.5, "virtual-machine": 0.3, "pod": 0.3,
    "database": 0.7, "database-cluster": 1, "cache": 2, "identity": 4, "service": 0.7, "application": 0.6,
    "business-service": 0,
}  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class Mix:
    """What fails in a storm. Shares are of 1.

    `even` failures hit any CI, the others rather infrastructure; `degraded` ones only degrade their root; `crowded`
    ones begin while another lasts; `restless` ones pause now and then. None lasts longer than `longest_s`. `twins` are
    pairs that begin at the same time and have dependents in common, where the estate has such CIs, `far_twins` pairs
    that have none.
    """

    even: float = 0.0
    degraded: float = 0.0
    crowded: float = 0.0
    restless: float = 0.0
    longest_s: float = 3600.0
    twins: int = 1
    far_twins: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Failure:
    """A CI that was down, or as `state` says, from `at` to `until`, but for the pauses.

    `impacted_services` are the business services that were down or degraded for it.
    """

    root: str
    at: float
    until: float
    state: State = State.DOWN
    pauses: tuple[tuple[float, float], ...] = ()
    impacted_services: tuple[str, ...] = ()

    @property
    def failed(self) -> dict[str, State]:
        """Its root and state, as `cmdb.impact` takes them."""
        return {self.root: self.state}

    def is_active(self, at: float, until: float) -> bool:
        """Whether the root is failed in all of a span that no turn of the failure divides."""
        return self.at <= at and until <= self.until and not any(a <= at and until <= b for a, b in self.pauses)


@dataclass(frozen=True, slots=True, kw_only=True)
class Moment:
    """A span in which the same CIs are failed.

    `causes` has, for each CI that is not up, the numbers of the failures that account for it: each failure that alone
    brings it into its state, else each without which it would be better off, else each that hits it at all.
    """

    at: float
    until: float
    hits: dict[str, Hit]
    causes: dict[str, frozenset[int]]


def draw(chance: Random, estate: Estate, mix: Mix) -> list[Failure]:
    """The failures of a storm, by time. No root is taken down by another failure of its time: nobody could tell."""
    failures: list[Failure] = []
    pairs = [True] * mix.twins + [False] * mix.far_twins
    while len(failures) < COUNT:
        fresh = _one(chance, estate, mix, _when(chance, mix, failures))
        if len(failures) < len(pairs) * 2:
            twin = _twin(chance, estate, mix, fresh, is_near=pairs[len(failures) // 2])
            if twin is not None and _is_apart(estate, fresh, failures) and _is_apart(estate, twin, failures):
                failures += [fresh, twin]
        elif _is_apart(estate, fresh, failures):
            failures.append(fresh)
    return sorted(failures, key=lambda f: (f.at, f.root))


def _when(chance: Random, mix: Mix, failures: Sequence[Failure]) -> float:
    if failures and mix.crowded and chance.random() < mix.crowded:
        other = chance.choice(failures)
        return chance.uniform(other.at, other.until)
    return chance.uniform(_FIRST_S, _LAST_S)


def _one(chance: Random, estate: Estate, mix: Mix, at: float) -> Failure:
    is_even = mix.even > 0 and chance.random() < mix.even
    weights = [_WEIGHTS.get(ci.type, 1) for ci in estate]
    if is_even:
        weights = [float(weight > 0) for weight in weights]
    root = chance.choices(estate.ids(), weights)[0]
    at, until = round(at, 3), round(at + chance.uniform(_SHORTEST_S, mix.longest_s), 3)
    is_degraded = mix.degraded > 0 and chance.random() < mix.degraded
    is_restless = mix.restless > 0 and chance.random() < mix.restless
    return Failure(
        root=root,
        at=at,
        until=until,
        state=State.DEGRADED if is_degraded else State.DOWN,
        pauses=tuple(_pauses(chance, at, until)) if is_restless else (),
    )


def _pauses(chance: Random, at: float, until: float) -> Iterator[tuple[float, float]]:
    """Up to five times in which the root is well again: after two to eight minutes, for one to four."""
    for _ in range(5):
        begin = at + chance.uniform(120, 480)
        at = begin + chance.uniform(60, 240)
        if at > until - 120:
            return
        yield round(begin, 3), round(at, 3)


def _twin(chance: Random, estate: Estate, mix: Mix, first: Failure, *, is_near: bool) -> Failure | None:
    """A failure at the same time that hits some CI which the first hits too, or none; None where a few tries fail."""
    reach = states(estate, first.failed).keys()
    for _ in range(20):
        second = _one(chance, estate, mix, first.at + chance.uniform(0, 5))
        shared = reach & states(estate, second.failed).keys()
        if bool(shared) is is_near and _is_apart(estate, second, [first]):
            return second
    return None


def _is_apart(estate: Estate, fresh: Failure, failures: Sequence[Failure]) -> bool:
    """Whether no root is brought as low by another failure of its time, and none fails twice within an hour."""
    reach = states(estate, fresh.failed)
    for other in failures:
        if fresh.at > other.until + _AGAIN_S or other.at > fresh.until + _AGAIN_S:
            continue
        if fresh.root == other.root:
            return False
        if fresh.at <= other.until and other.at <= fresh.until:
            theirs = states(estate, other.failed)
            if reach.get(other.root, State.UP) >= other.state or theirs.get(fresh.root, State.UP) >= fresh.state:
                return False
    return True


def moments(estate: Estate, failures: Sequence[Failure]) -> Iterator[Moment]:
    """The spans of the storm in which something is failed, in order."""
    alone = [states(estate, f.failed) for f in failures]
    turns = sorted({t for f in failures for t in (f.at, f.until, *chain(*f.pauses))})
    for at, until in pairwise(turns):
        active = [n for n, f in enumerate(failures) if f.is_active(at, until)]
        if not active:
            continue
        hits = impact(estate, _failed(failures, active))
        without = {n: states(estate, _failed(failures, [m for m in active if m != n])) for n in active}
        causes = {}
        for ci, hit in hits.items():
            solo = frozenset(n for n in active if alone[n].get(ci, State.UP) >= hit.state)
            needed = frozenset(n for n in active if without[n].get(ci, State.UP) < hit.state)
            causes[ci] = solo or needed or frozenset(n for n in active if ci in alone[n])
        yield Moment(at=at, until=until, hits=hits, causes=causes)


def _failed(failures: Sequence[Failure], active: Sequence[int]) -> dict[str, State]:
    return {failures[n].root: failures[n].state for n in active}


def with_services(estate: Estate, failures: Sequence[Failure], spans: Sequence[Moment]) -> tuple[Failure, ...]:
    """The failures with the business services that each had, alone or with others, down or degraded at some time."""
    hit: list[set[str]] = [set() for _ in failures]
    alone = [states(estate, f.failed) for f in failures]
    for span in spans:
        active = frozenset().union(*span.causes.values())
        for service in estate.business_services & span.hits.keys():
            if span.hits[service].state < State.DEGRADED:
                continue
            lone = {n for n in active if alone[n].get(service, State.UP) >= State.DEGRADED}
            for number in lone | span.causes[service]:
                hit[number].add(service)
    return tuple(
        replace(f, impacted_services=tuple(sorted(services))) for f, services in zip(failures, hit, strict=True)
    )
