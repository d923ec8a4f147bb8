"""Which failed CIs explain the alerts: greedy explaining-away over candidate causes, then a local improvement.

Pure: the estate, the signs and what is known of earlier incidents go in, explanations come out. The work follows the
signs and what could have caused them; a provider whose failure would reach far more than has been heard of is never
walked to its end.
"""

import heapq
from collections.abc import Callable, Collection, Iterable, Mapping
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from datetime import datetime, timedelta
from math import exp, log

from cmdb.impact import Hit
from rules.likelihood import P_LEAK, Sign, alone, gain_of, partial, prior, silence_of
from rules.reach import Reach

WINDOW = timedelta(minutes=10)
"""Symptoms of one failure begin within this time: a scrape, an evaluation and a usual `for:` of five minutes."""

INCUMBENT_BONUS = 2.0
"""Log-odds that a root already told to people keeps: about 7 to 1, so that a new one must be clearly better."""

SPREAD_LIMIT = 30
SPREAD_FLOOR = 60
"""A candidate that would hit more than FLOOR + LIMIT x signs CIs is left aside: it expects far more than is heard."""

_SHOWN = 8
"""Candidates kept with an explanation."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Scored:
    """A candidate with the log-odds by which it beats «each sign has a cause of its own»."""

    ci: str
    score: float
    explained: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Explanation:
    """One failure: the failed CI, the CIs with signs that it explains, and the ranked alternatives.

    `candidates` holds (ci, probability among the candidates), the root first.
    """

    root: str
    explained: tuple[str, ...]
    candidates: tuple[tuple[str, float], ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """Everything one diagnosis looks at. `incumbents` maps roots already named to when their failure was last felt."""

    reach: Reach
    signs: Mapping[str, Sign]
    incumbents: Mapping[str, datetime]
    monitored: Callable[[str], float]


def explain(case: Case) -> tuple[Explanation, ...]:
    """The failures that together explain all signs, the best first; every sign is in exactly one."""
    known = {ci: s for ci, s in case.signs.items() if ci in case.reach.estate}
    pool = candidates_for(case, known)
    scorer = _Scorer(case, pool)
    chosen = _greedy(scorer, known)
    chosen = _absorb(scorer, chosen)
    assigned = _nearest(case, scorer, chosen, known)
    found = [_explanation(scorer, root, cis, known) for root, cis in assigned.items()]
    strangers = [ci for ci in case.signs if ci not in case.reach.estate]
    found += [Explanation(root=ci, explained=(ci,), candidates=((ci, 1.0),)) for ci in strangers]
    return tuple(sorted(found, key=lambda e: (-len(e.explained), e.root)))


def candidates_for(case: Case, signs: Iterable[str]) -> dict[str, dict[str, Hit]]:
    """Every CI that could have caused a sign, with what its failure would hit."""
    wanted = sorted(signs)
    limit = SPREAD_FLOOR + SPREAD_LIMIT * len(case.signs)
    pool: dict[str, dict[str, Hit]] = {}
    seen = set(wanted)
    queue = list(wanted)
    for ci in queue:
        hits = case.reach.of(ci, limit)
        if hits is None:
            if ci not in case.signs:
                continue
            hits = case.reach.whole(ci)
        pool[ci] = hits
        for provider in case.reach.estate.providers(ci):
            if provider not in seen:
                seen.add(provider)
                queue.append(provider)
    return pool


class _Scorer:
    """Scores candidates on subsets of the signs; what does not depend on the subset is computed once."""

    def __init__(self, case: Case, pool: Mapping[str, Mapping[str, Hit]]) -> None:
        self.case = case
        self.pool = pool
        self._silence: dict[str, tuple[float, float]] = {}
        self._causes: dict[str, list[str]] = {}

    def causes_of(self, sign: str) -> list[str]:
        """The candidates whose failure would hit this CI."""
        if not self._causes:
            for ci, hits in self.pool.items():
                for hit in _smaller(hits, self.case.signs):
                    if hit in hits and hit in self.case.signs:
                        self._causes.setdefault(hit, []).append(ci)
        return self._causes.get(sign, [])

    def score(self, ci: str, remaining: AbstractSet[str]) -> Scored:
        """Log-odds of `ci` over «each of the signs it explains has a cause of its own»."""
        hits, signs = self.pool[ci], self.case.signs
        heard = self._in_time(ci, [c for c in _smaller(hits, remaining) if c in hits and c in remaining])
        gains = {c: g for c in heard if (g := gain_of(hits[c], signs[c])) > 0}
        silence, silent = self._silence_around(ci)
        others = [c for c in gains if c != ci]
        full = sum(gains[c] for c in others) + silence
        leaks = sum(log(P_LEAK[signs[c].severity]) for c in others)
        effects = max(full, partial(len(others), silent, leaks))
        own = gains[ci] if ci in gains else self._own_silence(ci)
        score = prior(self.case.reach.estate.ci(ci).type) + own + effects - sum(alone(signs[c]) for c in gains)
        if ci in gains and not others:
            score = 0.0
        if ci in self.case.incumbents:
            score += INCUMBENT_BONUS
        return Scored(ci=ci, score=score, explained=tuple(sorted(gains)))

    def _own_silence(self, ci: str) -> float:
        if ci in self.case.signs:
            return 0.0
        return silence_of(self.pool[ci][ci], self.case.monitored(ci))

    def _silence_around(self, ci: str) -> tuple[float, float]:
        known = self._silence.get(ci)
        if known is None:
            total = weight = 0.0
            for other, hit in self.pool[ci].items():
                if other != ci and other not in self.case.signs:
                    said = silence_of(hit, self.case.monitored(other))
                    total += said
                    weight += 1 - exp(said)
            known = self._silence[ci] = (total, weight)
        return known

    def _in_time(self, ci: str, heard: list[str]) -> list[str]:
        """Those of `heard` that began when the failure of `ci` can have caused them."""
        signs = self.case.signs
        own = signs.get(ci)
        since = self.case.incumbents.get(ci)
        if own is not None:
            until = None if own.is_firing else max(own.last, since or own.last) + WINDOW
            start = own.onset - WINDOW
            return [c for c in heard if signs[c].onset >= start and (until is None or signs[c].onset <= until)]
        if since is not None:
            return [c for c in heard if signs[c].onset <= since + WINDOW]
        return _densest(heard, signs)


def _smaller(hits: Mapping[str, Hit], remaining: Collection[str]) -> Iterable[str]:
    return hits if len(hits) <= len(remaining) else sorted(remaining)


def _densest(heard: list[str], signs: Mapping[str, Sign]) -> list[str]:
    """The largest set of CIs whose signs began within one window; the earliest among equals."""
    ordered = sorted(heard, key=lambda c: (signs[c].onset, c))
    best: tuple[int, int] = (0, 0)
    first = 0
    for last, ci in enumerate(ordered):
        while signs[ci].onset - signs[ordered[first]].onset > WINDOW:
            first += 1
        if last + 1 - first > best[1] - best[0]:
            best = (first, last + 1)
    return ordered[slice(*best)]


def _greedy(scorer: _Scorer, signs: Mapping[str, Sign]) -> list[Scored]:
    """Take the best candidate, drop what it explains, repeat; what stays unexplained is a cause of its own.

    Scores only fall as signs are taken away, so a stale entry of the heap is an upper bound (lazy greedy).
    """
    remaining = set(signs)
    heap = [(_rank(scorer, s), s) for s in (scorer.score(ci, remaining) for ci in sorted(scorer.pool)) if s.explained]
    heap.sort(key=lambda entry: entry[0])
    order = [(rank, scored.ci) for rank, scored in heap]
    chosen: list[Scored] = []
    while order and remaining:
        _, ci = heapq.heappop(order)
        fresh = scorer.score(ci, remaining)
        if not fresh.explained:
            continue
        rank = _rank(scorer, fresh)
        if order and rank > order[0][0]:
            heapq.heappush(order, (rank, ci))
            continue
        if fresh.score <= 0 and fresh.explained != (ci,):
            continue
        chosen.append(fresh)
        remaining.difference_update(fresh.explained)
    chosen += [scorer.score(ci, {ci}) for ci in sorted(remaining)]
    return chosen


def _rank(scorer: _Scorer, scored: Scored) -> tuple[float, bool, datetime, int, str]:
    """Order among candidates: score, then those that alert, the earliest, with the most different alerts."""
    sign = scorer.case.signs.get(scored.ci)
    onset = sign.onset if sign else max(scorer.case.signs[c].onset for c in scored.explained or (scored.ci,))
    return (-round(scored.score, 6), sign is None, onset, -len(sign.names) if sign else 0, scored.ci)


def _absorb(scorer: _Scorer, chosen: list[Scored]) -> list[Scored]:
    """Local improvement: drop a chosen cause where another, reaching it, explains both at least as well."""
    kept = list(chosen)
    by_ci = {s.ci: s for s in kept}
    for small in sorted(chosen, key=lambda s: (len(s.explained), s.ci)):
        reaching = [s for s in by_ci.values() if s.ci != small.ci and small.ci in scorer.pool[s.ci]]
        for large in sorted(reaching, key=lambda s: (-s.score, s.ci)):
            both = {*by_ci[large.ci].explained, *by_ci[small.ci].explained}
            joint = scorer.score(large.ci, both)
            if set(joint.explained) == both and joint.score > by_ci[large.ci].score + by_ci[small.ci].score:
                by_ci[large.ci] = joint
                del by_ci[small.ci]
                break
    return [by_ci[s.ci] for s in chosen if s.ci in by_ci]


def _nearest(
    case: Case, scorer: _Scorer, chosen: list[Scored], signs: Mapping[str, Sign]
) -> dict[str, tuple[str, ...]]:
    """Give each sign to the chosen cause that explains it best; a cause keeps its own sign."""
    explains: dict[str, list[str]] = {}
    for scored in chosen:
        for ci in scored.explained:
            explains.setdefault(ci, []).append(scored.ci)
    roots = {s.ci for s in chosen}
    taken: dict[str, list[str]] = {s.ci: [] for s in chosen}
    for ci in sorted(signs):
        if ci in roots:
            taken[ci].append(ci)
            continue
        best = max(explains[ci], key=lambda root: (gain_of(scorer.pool[root][ci], case.signs[ci]), root))
        taken[best].append(ci)
    return {root: tuple(cis) for root, cis in taken.items() if cis}


def _explanation(scorer: _Scorer, root: str, cis: tuple[str, ...], signs: Mapping[str, Sign]) -> Explanation:
    """Rank the alternatives on the signs of this failure alone."""
    near = _alternatives(scorer, root, cis)
    own = frozenset(cis)
    scored = {ci: scorer.score(ci, own).score for ci in near}
    best = max(scored.values())
    scored[root] = max(scored[root], best)
    weights = {ci: exp((score - best) / 2) for ci, score in scored.items()}
    total = sum(weights.values())
    ranked = sorted(near, key=lambda ci: (ci != root, -weights[ci], ci not in signs, ci))
    return Explanation(
        root=root,
        explained=cis,
        candidates=tuple((ci, round(weights[ci] / total, 3)) for ci in ranked[:_SHOWN]),
    )


def _alternatives(scorer: _Scorer, root: str, cis: tuple[str, ...]) -> list[str]:
    """The CIs worth naming beside `root`: those that could explain most of the same signs."""
    counted: dict[str, int] = {}
    for sign in cis:
        for ci in scorer.causes_of(sign):
            counted[ci] = counted.get(ci, 0) + 1
    counted[root] = len(cis) + 1
    order = sorted(counted, key=lambda ci: (-counted[ci], ci not in scorer.case.signs, ci))
    return order[: 4 * _SHOWN]
