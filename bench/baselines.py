"""Simple ways to name a root cause from alerts and a graph: what a diagnosis has to beat.

Each takes an estate and what was heard of one failure, and returns CIs, the likeliest first. In the storms they are
given an oracle's grouping (the alerts of the ten minutes after a failure began, see `bench.score.oracle`), in the
recorded cases every alert of the case: they need not find out what belongs together, which flatters them.
"""

from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from collections.abc import Set as AbstractSet
from typing import NamedTuple

from cmdb.graph import Estate
from cmdb.impact import states
from cmdb.model import State
from rules.policy import MAPPING_LABELS


class Heard(NamedTuple):
    """An alert that fired: when it was received, in seconds of any clock, and the CI it speaks of."""

    at: float
    ci: str


Baseline = Callable[[Estate, Sequence[Heard]], list[str]]


def spoken_of(estate: Estate, labels: Mapping[str, str]) -> str | None:
    """The CI of the first label, in the daemon's order, that names one."""
    named = (estate.find(labels[name]) for name in MAPPING_LABELS if name in labels)
    return next((ci for ci in named if ci is not None), None)


def deepest(estate: Estate, heard: Sequence[Heard]) -> list[str]:
    """The alerting CI with the fewest alerting CIs below it, none at best.

    Among equals the earliest, then the one with most alerts, then by id.
    """
    first, count = _first(heard), Counter(ci for _, ci in heard)
    below = {ci: len(_reached(ci, estate.providers) & first.keys()) for ci in first}
    return sorted(first, key=lambda ci: (below[ci], first[ci], -count[ci], ci))


def earliest(estate: Estate, heard: Sequence[Heard]) -> list[str]:
    """The CIs in the order in which they were first heard of; among equals the one with most alerts, then by id."""
    first, count = _first(heard), Counter(ci for _, ci in heard)
    return sorted(first, key=lambda ci: (first[ci], -count[ci], ci))


def cover(estate: Estate, heard: Sequence[Heard]) -> list[str]:
    """Greedy set cover: again and again the CI, silent ones too, whose dependents hold most of what is unexplained.

    Redundancy and silence are ignored. Among equals the one on which the fewest CIs stand, then by id. Once all is
    explained the others follow by how much each would have explained alone.
    """
    first = _first(heard)
    candidates = sorted(set(first).union(*(_reached(ci, estate.providers) for ci in first)))
    reach = {ci: _reached(ci, estate.dependents) | {ci} for ci in candidates}
    left, chosen = set(first), list[str]()
    while left:
        best = _widest(candidates, reach, left)[0]
        chosen.append(best)
        left -= reach[best]
    return list(dict.fromkeys([*chosen, *_widest(candidates, reach, set(first))]))


def _widest(candidates: Sequence[str], reach: Mapping[str, set[str]], heard: set[str]) -> list[str]:
    return sorted(candidates, key=lambda ci: (-len(reach[ci] & heard), len(reach[ci]), ci))


class Cause(NamedTuple):
    """A CI taken for failed: it and what could have been taken instead, best first; and what it makes of others."""

    ranking: tuple[str, ...]
    hits: Mapping[str, State]


def explaining(estate: Estate, heard: Sequence[Heard]) -> list[str]:
    """Greedy explaining-away with the redundancy rules, see `causes`: the first cause, then what could be instead."""
    return list(causes(estate, set(_first(heard)))[0].ranking) if heard else []


def causes(estate: Estate, alerting: AbstractSet[str], standing: Iterable[str] = ()) -> list[Cause]:
    """Again and again the CI whose failure, given those taken before and those standing, accounts for most.

    What it accounts for of the alerts left counts by how badly it is hit, less a part of what is hit and silent. Among
    equals an alerting one, then the one that hits least, then by id. Ends once every alert is accounted for.
    """
    candidates = sorted(set(alerting).union(*(_reached(ci, estate.providers) for ci in alerting)))
    down = dict.fromkeys(standing, State.DOWN)
    left, found = set(alerting), list[Cause]()
    while left:
        trouble = states(estate, down)
        hits = {ci: _hits(estate, ci, trouble) for ci in candidates}
        worth = {ci: _worth(hit, left, alerting) for ci, hit in hits.items() if not left.isdisjoint(hit)}
        ranking = sorted(worth, key=lambda ci: (-round(worth[ci], 6), ci not in alerting, len(hits[ci]), ci))
        found.append(Cause(tuple(ranking), hits[ranking[0]]))
        down[ranking[0]] = State.DOWN
        left -= found[-1].hits.keys()
    return found


# What an alert of a CI in that state counts, and what its silence costs.
_COUNTS = {State.DOWN: 1.0, State.DEGRADED: 0.8, State.REDUCED: 0.3, State.AT_RISK: 0.1}
_COSTS = {State.DOWN: 0.3, State.DEGRADED: 0.15, State.REDUCED: 0.03, State.AT_RISK: 0.0}


def _hits(estate: Estate, ci: str, trouble: Mapping[str, State]) -> dict[str, State]:
    """What the CI's failure changes; at least itself, also where other trouble has it down already."""
    return {ci: State.DOWN} | states(estate, {ci: State.DOWN}, given=trouble)


def _worth(hits: Mapping[str, State], left: AbstractSet[str], alerting: AbstractSet[str]) -> float:
    accounted = sum(_COUNTS[state] for ci, state in hits.items() if ci in left)
    return accounted - sum(_COSTS[state] for ci, state in hits.items() if ci not in alerting)


OURS, ONLINE = "incidentd", "explaining online"
"""What stands beside the baselines in every table, and what does beside those in the storms."""

BASELINES: Mapping[str, Baseline] = {
    "deepest alerting": deepest,
    "earliest": earliest,
    "greedy cover": cover,
    "explaining": explaining,
}


def _first(heard: Sequence[Heard]) -> dict[str, float]:
    first: dict[str, float] = {}
    for at, ci in heard:
        first[ci] = min(at, first.get(ci, at))
    return first


def _reached(start: str, neighbours: Callable[[str], tuple[str, ...]]) -> set[str]:
    """Everything reached from a CI but itself, cycles or not."""
    found = {start}
    queue = [start]
    for ci in queue:
        fresh = [other for other in neighbours(ci) if other not in found]
        found.update(fresh)
        queue += fresh
    return found - {start}
