"""Greedy explaining-away: the best cause is taken, what it explains is set aside, and so on."""

import heapq
from collections.abc import Iterable
from collections.abc import Set as AbstractSet
from math import log

from rules.score import Scored, Scorer

OPEN_ODDS = log(1 / 5)
"""Signs count as a failure from these log-odds on: five incidents for noise cost as much as one failure overlooked."""


def greedy(scorer: Scorer, signs: Iterable[str], pool: AbstractSet[str]) -> list[Scored]:
    """Take the best candidate, drop what it explains, repeat; what stays unexplained is noise, or a cause of its own.

    Scores only fall as signs are taken away, so a stale entry of the heap is an upper bound (lazy greedy).
    """
    remaining = set(signs)
    heap = [(_rank(scorer, s), s) for s in (scorer.score(ci, remaining) for ci in sorted(pool)) if s.gains]
    heap.sort(key=lambda entry: entry[0])
    order = [(rank, scored.ci) for rank, scored in heap]
    chosen: list[Scored] = []
    while order and remaining:
        _, ci = heapq.heappop(order)
        fresh = scorer.score(ci, remaining)
        if not fresh.gains:
            continue
        rank = _rank(scorer, fresh)
        if order and rank > order[0][0]:
            heapq.heappush(order, (rank, ci))
            continue
        if fresh.score < OPEN_ODDS:
            break
        chosen.append(fresh)
        remaining.difference_update(fresh.gains)
    return chosen


def _rank(scorer: Scorer, scored: Scored) -> tuple[float, bool, float, int, str]:
    """Order among candidates: score, then those that alert, the earliest, with the most different alerts."""
    sign = scorer.case.signs.get(scored.ci)
    return (-round(scored.score, 6), sign is None, scored.began, -len(sign.names) if sign else 0, scored.ci)
