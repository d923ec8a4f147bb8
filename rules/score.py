"""How well one candidate explains a set of signs, in log-odds; see `likelihood` for the model."""

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


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """Everything one diagnosis looks at. `incumbents` maps roots already named to when their failure was last felt."""

    reach: Reach
    signs: Mapping[str, Sign]
    incumbents: Mapping[str, datetime]
    monitored: Callable[[str], float]


@dataclass(frozen=True, slots=True, kw_only=True)
class Scored:
    """A candidate with the log-odds by which it beats «each sign has a cause of its own».

    `is_partial`: only a failure that hits a part of what needs it explains the signs better than one that hits all.
    """

    ci: str
    score: float
    explained: tuple[str, ...]
    is_partial: bool


class Scorer:
    """Scores candidates on subsets of the signs; what does not depend on the subset is computed once."""

    def __init__(self, case: Case, pool: dict[str, dict[str, Hit]]) -> None:
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

    def hits_of(self, ci: str) -> Mapping[str, Hit]:
        """What the failure of a CI would hit, also of one that was no candidate at first."""
        if ci not in self.pool:
            self.pool[ci] = self.case.reach.whole(ci)
        return self.pool[ci]

    def score(self, ci: str, remaining: AbstractSet[str]) -> Scored:
        """Log-odds of `ci` over «each of the signs it explains has a cause of its own»."""
        hits, signs = self.hits_of(ci), self.case.signs
        heard = self._in_time(ci, [c for c in _smaller(hits, remaining) if c in hits and c in remaining])
        gains = {c: g for c in heard if (g := gain_of(hits[c], signs[c])) > 0}
        silence, silent = self._silence_around(ci)
        others = [c for c in gains if c != ci]
        full = sum(gains[c] for c in others) + silence
        leaks = sum(log(P_LEAK[signs[c].severity]) for c in others)
        part = partial(len(others), silent, leaks)
        effects = max(full, part)
        own = gains[ci] if ci in gains else self._own_silence(ci)
        score = prior(self.case.reach.estate.ci(ci).type) + own + effects - sum(alone(signs[c]) for c in gains)
        if ci in gains and not others:
            score = 0.0
        if ci in self.case.incumbents:
            score += INCUMBENT_BONUS
        return Scored(ci=ci, score=score, explained=tuple(sorted(gains)), is_partial=part > full)

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
            until = None if own.is_firing else own.last + WINDOW
            start = own.onset - WINDOW
            return [c for c in heard if signs[c].onset >= start and (until is None or signs[c].onset <= until)]
        if since is not None:
            return [c for c in heard if abs(signs[c].onset - since) <= WINDOW]
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
