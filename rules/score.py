"""How well one candidate explains a set of signs, in log-odds; see `likelihood` for the model."""

from collections import Counter
from collections.abc import Callable, Collection, Iterable, Mapping
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, field
from datetime import timedelta
from math import exp, inf, log, log1p
from types import MappingProxyType
from typing import NamedTuple

from cmdb.impact import Hit
from cmdb.model import State
from rules.alert import Severity
from rules.likelihood import (
    P_ALERT,
    PRIOR,
    WINDOW_S,
    Sign,
    arrived,
    breadth_of,
    contrast,
    partial,
    promptness,
    silence_of,
)
from rules.reach import Reach

WINDOW = timedelta(seconds=WINDOW_S)

INCUMBENT_BONUS = 4.0
"""Log-odds that a root already told to people keeps: about 50 to 1, so that a new one must be clearly better."""

ANOTHER = log(PRIOR) - log(promptness(0.0))
"""What it costs to suppose one more failure: it is rare, and may have begun at any time of the window."""

OWN_HASTE = 1.2
"""How much sooner than its dependents a CI that failed says so itself, where it does: of two that need each other, the
one that alerted first is the likelier root."""

_ANCHORS = 6
_FEW = 64
_BURST_S = 120.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """Everything one diagnosis looks at, at the moment `now` (seconds since 1970).

    `incumbents` are the roots of incidents that are still being diagnosed. `standing` are those of settled incidents,
    with the moment at which their failure began: they may explain late symptoms and need not be found again. `given`
    is what those have done to the estate already. `is_masked` tells of a CI whose silence says nothing, since it
    alerts for another reason. `monitored` is the chance that a CI is monitored at all, `prior` how much likelier than
    the average a CI is to fail, `alone` how much likelier than usual an alert that is alone is to tell of a failure,
    both as logarithms.
    """

    reach: Reach
    now: float
    signs: Mapping[str, Sign]
    incumbents: AbstractSet[str] = frozenset()
    standing: Mapping[str, float] = field(default_factory=dict)
    beside: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    given: Mapping[str, State] = field(default_factory=dict)
    is_masked: Callable[[str], bool] = lambda _: False
    monitored: Callable[[str], float] = lambda _: 1.0
    prior: Callable[[str], float] = lambda _: 0.0
    alone: Callable[[Severity], float] = lambda _: 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Scored:
    """A candidate with the log-odds by which it beats «the signs it explains are noise».

    `began` is when its failure first shows, in seconds since 1970, `gains` what each sign it explains adds.
    `missing` is what the silence of the others that it should have hit costs it, 0 at best.
    """

    ci: str
    score: float
    began: float
    gains: Mapping[str, float]
    missing: float = 0.0

    @property
    def explained(self) -> tuple[str, ...]:
        """The CIs whose signs it explains, sorted."""
        return tuple(sorted(self.gains))


class Pair(NamedTuple):
    """Two CIs that failed together: the one that failed last, the other, and what the last one's failure hits then.

    `is_known` tells that the other is known to have failed.
    """

    last: str
    first: str
    hits: dict[str, Hit]
    is_known: bool


class Scorer:
    """Scores candidates on subsets of the signs; what does not depend on the subset is computed once."""

    def __init__(
        self, case: Case, pool: dict[str, dict[str, Hit]], beside: Mapping[str, tuple[str, ...]] = MappingProxyType({})
    ) -> None:
        self.case = case
        self.pool = pool
        self._expected: dict[str, Counter[tuple[State, int, float]]] = {}
        self._causes: dict[str, list[str]] = {}
        self._beside = dict(beside)
        self._supposed: dict[str, str] = {}

    def suppose(self, pair: Pair) -> None:
        """From now on the last of the pair is a candidate that hits what it does after the first."""
        self.pool[pair.last] = pair.hits
        self._beside[pair.last] = (pair.first,)
        if not pair.is_known:
            self._supposed[pair.last] = pair.first
        self._expected.pop(pair.last, None)
        self._causes = {}

    def beside(self, ci: str) -> tuple[str, ...]:
        """The CIs that must have failed too where this one has."""
        return self._beside.get(ci, ())

    def before(self, root: str) -> "Scorer":
        """A scorer by which nothing fails after `root`: a rival of it is what would have failed in its place."""
        after = {ci for ci, others in self._beside.items() if others == (root,)} - self._supposed.keys()
        if not after:
            return self
        pool = {**self.pool, **{ci: self.case.reach.whole(ci) for ci in sorted(after)}}
        found = Scorer(self.case, pool, {ci: others for ci, others in self._beside.items() if ci not in after})
        found._supposed = self._supposed
        return found

    def if_paired(self, pair: Pair, signs: Collection[str]) -> Scored:
        """How well the last of the pair explains these signs if both have failed."""
        trial = Scorer(self.case, {pair.first: self.hits_of(pair.first), pair.last: pair.hits})
        trial.suppose(pair)
        return trial.score(pair.last, signs)

    def causes_of(self, sign: str) -> list[str]:
        """The candidates whose failure would hit this CI."""
        if not self._causes:
            for ci, hits in self.pool.items():
                for hit in _smaller(hits, self.case.signs):
                    if hit in hits and hit in self.case.signs:
                        self._causes.setdefault(hit, []).append(ci)
        return self._causes.get(sign, [])

    def hits_of(self, ci: str) -> dict[str, Hit]:
        """What the failure of a CI would hit, also of one that was no candidate at first."""
        if ci not in self.pool:
            self.pool[ci] = self.case.reach.whole(ci)
        return self.pool[ci]

    def score(self, ci: str, remaining: Collection[str]) -> Scored:
        """How well the failure of `ci` explains those of the `remaining` signs that it can explain."""
        hits = self.hits_of(ci)
        heard = [c for c in _smaller(hits, remaining) if c in hits and c in remaining]
        fresh = self._as_new(ci, hits, heard)
        if (since := self.case.standing.get(ci)) is None:
            return fresh
        late = self.gains_at(hits, heard, since)
        known = Scored(ci=ci, score=sum(late.values()), began=since, gains=late)
        return max(known, fresh, key=lambda scored: scored.score)

    def _as_new(self, ci: str, hits: Mapping[str, Hit], heard: list[str]) -> Scored:
        """The same for a failure that is not known yet."""
        began, gains = self._best_began(hits, heard)
        if not gains:
            return Scored(ci=ci, score=-inf, began=began, gains={})
        others = [c for c in gains if c != ci]
        share = arrived(self.case.now - began, self.delays(gains, began))
        silence, silent = self._silence(ci, share)
        effects = sum(gains[c] for c in others)
        full = effects + silence
        part = partial(len(others), silent, effects) if others else full
        own = gains[ci] if ci in gains else self._own_silence(ci, share)
        score = ANOTHER + self.case.prior(ci) + self._other_cost(ci, share) + own + max(full, part)
        if ci in self.case.incumbents:
            score += INCUMBENT_BONUS
        return Scored(ci=ci, score=score, began=began, gains=gains, missing=max(full, part) - effects)

    def silence_beside(self, other: Scored, hits: Mapping[str, Hit], heard: Collection[str]) -> float:
        """What speaks against a failure beside one that has these `hits`: its own silence, and that of what it would
        hit worse, of which `heard` alert."""
        ci, share = other.ci, arrived(self.case.now - other.began)
        own = 0.0 if ci in heard else self._own_silence(ci, share)
        said = [
            silence_of(hit.state, hit.hops, self.case.monitored(c), share)
            for c, hit in self.hits_of(ci).items()
            if c != ci and (c not in hits or hits[c].state < hit.state) and self._is_expected(c, hit)
        ]
        others = sum(c != ci for c in heard)
        part = partial(others, sum(1 - exp(each) for each in said), 0.0) if others else -inf
        return own + max(sum(said), part)

    def _is_expected(self, ci: str, hit: Hit) -> bool:
        """Whether silence of a CI that would be hit says anything: it alerts for no other reason and was well."""
        is_worse = self.case.given.get(ci, State.UP) < hit.state
        return is_worse and ci not in self.case.signs and not self.case.is_masked(ci)

    def _best_began(self, hits: Mapping[str, Hit], heard: list[str]) -> tuple[float, dict[str, float]]:
        """When the failure most likely began, by the signs it explains then, and what each of them adds."""
        best: tuple[float, float, dict[str, float]] = (-inf, self.case.now, {})
        for began in self._anchors(hits, heard):
            gains = self.gains_at(hits, heard, began)
            total = sum(gains.values())
            if total > best[0]:
                best = (total, began, gains)
        return best[1], best[2]

    def _anchors(self, hits: Mapping[str, Hit], heard: list[str]) -> list[float]:
        """Moments at which the failure may have begun: those at which signs that it can explain began."""
        signs = self.case.signs
        found = sorted(h.at for c in heard for h in signs[c].heard if (hits[c].state, h.severity) in P_ALERT)
        if len(found) > _FEW:
            return [_densest(found)]
        distinct = list(dict.fromkeys(found))
        if len(distinct) <= _ANCHORS:
            return distinct
        return list(dict.fromkeys([distinct[0], _densest(found), *distinct[-_ANCHORS:]]))

    def gains_at(self, hits: Mapping[str, Hit], heard: Iterable[str], began: float) -> dict[str, float]:
        """What each sign adds if the failure began then; without those that it does not explain."""
        signs, gains = self.case.signs, {}
        for c in heard:
            hit = hits[c]
            best = 0.0
            haste = 1.0 if hit.hops else OWN_HASTE
            for at, severity, noise, is_strain in signs[c].heard:
                odds = contrast(hit.state, hit.hops, severity, is_strain) / noise * promptness((at - began) * haste)
                best = max(best, odds)
            if best > 1 / 4:
                gains[c] = log1p(best) + breadth_of(len(signs[c].names))
        return gains

    def delays(self, gains: Iterable[str], began: float) -> list[float]:
        """How long after the failure began each of the signs did."""
        return [min(abs(h.at - began) for h in self.case.signs[c].heard) for c in gains]

    def _other_cost(self, ci: str, share: float) -> float:
        """What it costs that another CI must have failed too, at whatever time before."""
        other = self._supposed.get(ci)
        return log(PRIOR) + self.case.prior(other) + self._own_silence(other, share) if other is not None else 0.0

    def _own_silence(self, ci: str, share: float) -> float:
        if ci in self.case.signs or self.case.is_masked(ci):
            return 0.0
        hit = self.hits_of(ci)[ci]
        return silence_of(hit.state, hit.hops, self.case.monitored(ci), share)

    def _silence(self, ci: str, share: float) -> tuple[float, float]:
        """Log-probability that what it takes down is as silent as it is, and about how many are.

        `share` is how many of all symptoms have begun.
        """
        expected = self._expected.get(ci)
        if expected is None:
            expected = self._expected[ci] = Counter(
                (hit.state, hit.hops, self.case.monitored(other))
                for other, hit in self.hits_of(ci).items()
                if other != ci and self._is_expected(other, hit)
            )
        total = weight = 0.0
        for (state, hops, monitored), count in expected.items():
            said = silence_of(state, hops, monitored, share)
            total += count * said
            weight += count * (1 - exp(said))
        return total, weight


def _smaller(hits: Mapping[str, Hit], remaining: Collection[str]) -> Iterable[str]:
    return hits if len(hits) <= len(remaining) else sorted(remaining)


def _densest(moments: list[float]) -> float:
    """The first moment of the burst that holds the most of them; the earliest among equals."""
    best, first, began = 0, 0, moments[0]
    for last, at in enumerate(moments):
        while at - moments[first] > _BURST_S:
            first += 1
        if last + 1 - first > best:
            best, began = last + 1 - first, moments[first]
    return began
