"""Simple ways to name a root cause from alerts and a graph: what a diagnosis has to beat.

Each takes an estate and what was heard of one failure, and returns CIs, the likeliest first. In the storms they are
given an oracle's grouping (the alerts of the ten minutes after a failure began, see `bench.score.oracle`), in the
recorded cases every alert of the case: they need not find out what belongs together, which flatters them.
"""

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from typing import NamedTuple

from cmdb.graph import Estate
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


OURS = "incidentd"
"""What stands beside the baselines in every table."""

BASELINES: Mapping[str, Baseline] = {"deepest alerting": deepest, "earliest": earliest, "greedy cover": cover}


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
