"""Dependencies that the CMDB lacks: CIs that fail together again and again though nothing joins them.

The score of «X needs Y» sets the chance that X speaks in a failure of Y if it does need it against the chance that it
would have spoken just then anyway, as often as it alerts: the Poisson process of its own onsets.
"""

import heapq
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cached_property
from math import exp, log

from cmdb.model import State
from rules.doubt import WORTH_TELLING
from rules.likelihood import P_SPEAKS
from rules.past import Failure, Past, down_with
from rules.type_links import TypeLinks

BEFORE, AFTER = timedelta(minutes=1), timedelta(minutes=2)
"""What begins this long before or after the first symptom of a failure begins together with it: one scrape, one
evaluation and a `for:` of a minute make so much difference between two CIs that fail at the same moment."""

MANY = 5
"""A single common case says something only where so many CIs fail with the CI that is in doubt."""

MISSING_EACH = 0.1
"""Dependencies that the CMDB lacks, for each CI: one for ten CIs, a twentieth of those that a CI usually has."""

USUAL_KIND = 0.9
"""Share of the missing dependencies that join types of CIs which dependencies of the CMDB join elsewhere."""

PERSON_WEIGHT = log(20)
"""Log-odds for every case that a person merged by hand: people are wrong in about one merge of twenty."""

_Mark = tuple[str | int, datetime]
"""A moment of the past: an incident or a CI, and since when."""

_NONE: frozenset[_Mark] = frozenset()

LIKELY = 1 / 2
"""Failures less sure than this are weighed, but not counted in front of people."""

MOST_STRANGERS, MOST_DOWN = 100, 200
"""CIs that begin together with a failure, and CIs down with it, of which it is asked whether they belong together."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Together:
    """A dependency that seems to be missing: `ci` spoke in `seen` of `possible` failures of `needs`.

    It began `lag` after them on average, at most `within` before or after. `companions` is how many other CIs failed
    with `ci` at the most, `merged` how many cases a person merged.
    """

    ci: str
    needs: str
    score: float
    seen: int
    possible: int
    lag: timedelta
    within: timedelta
    companions: int
    merged: int
    proof: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class _Case:
    """A CI that spoke with a failure that does not reach it; `own` is the failure that it is the root of, if it is one.

    `what` is the CI's own moment: that failure, or that it alerted just then.
    """

    failure: Failure
    lag: timedelta
    own: Failure | None
    what: _Mark


def missing_dependencies(past: Past) -> list[Together]:
    """The dependencies likelier missing than not, the most certain first.

    The best is taken, the cases that it explains are set aside, and so on; so a chain of CIs is named at its lowest
    one only, and no case speaks for a dependency and its reverse. The work follows the failures of the history, at most
    `MOST_STRANGERS` CIs with each.
    """
    search = _Search(past)
    heap = [entry for ci in sorted(search.cases) if (entry := search.best(ci)) is not None]
    heapq.heapify(heap)
    found: list[Together] = []
    while heap:
        _, _, ci, _ = heapq.heappop(heap)
        fresh = search.best(ci)
        if fresh is None:
            continue
        if heap and fresh[:3] > heap[0][:3]:
            heapq.heappush(heap, fresh)
            continue
        found.append(fresh[3])
        search.set_aside(fresh[3])
        if (again := search.best(ci)) is not None:
            heapq.heappush(heap, again)
    lowest = [t for t in found if not _is_above(past, t, found)]
    return sorted(lowest, key=lambda t: (-t.score, t.ci, t.needs))


_Entry = tuple[float, timedelta, str, Together]


class _Search:
    """The cases of each CI, and what is already explained of them."""

    def __init__(self, past: Past) -> None:
        self.past = past
        self.cases: dict[str, list[_Case]] = {}
        self._down: dict[str, list[Failure]] = {}
        # By moment: the failures of which it has been told that they are behind it.
        self._behind: dict[_Mark, set[_Mark]] = {}
        for failure in past.failures:
            for ci in down_with(failure, MOST_DOWN):
                self._down.setdefault(ci, []).append(failure)
            for ci, case in _strangers(past, failure):
                self.cases.setdefault(ci, []).append(case)

    def set_aside(self, found: Together) -> None:
        """Leave out what has been explained: the failure with the CI, and the CI with others that it explains."""
        down = {f.mark for f in self._down[found.needs]}
        for case in self.cases[found.ci]:
            if case.failure.mark in down:
                for what in (case.what, case.failure.mark):
                    self._behind.setdefault(what, set()).add(case.failure.mark)

    def _is_explained(self, case: _Case) -> bool:
        one, other = (self._behind.get(what, _NONE) for what in (case.what, case.failure.mark))
        return not one.isdisjoint(other)

    def best(self, ci: str) -> _Entry | None:
        """What the CI most likely needs by the cases that are left; None where nothing is worth telling."""
        cases = [c for c in self.cases[ci] if not self._is_explained(c)]
        counted = Counter(y for c in cases for y in down_with(c.failure, MOST_DOWN))
        asked = [y for y in counted if not self.past.are_related(ci, y) and not self._is_upside_down(ci, y)]
        judged = [t for y in asked if (t := self._judged(ci, y, cases)) is not None and t.score >= WORTH_TELLING]
        if not judged:
            return None
        # Of equals the root itself; and of two that always fail together, the later one needs the other.
        roots = Counter(c.failure.root for c in cases)
        best = min(judged, key=lambda t: (-round(t.score, 6), -roots[t.needs], -t.lag, t.needs))
        return -round(best.score, 6), -best.lag, ci, best

    def _judged(self, ci: str, needed: str, cases: Sequence[_Case]) -> Together | None:
        by_mark = {c.failure.mark: c for c in cases}
        known = [f for f in self._down[needed] if f.mark in by_mark or not self._cannot_tell(ci, f)]
        failures = [max(same, key=lambda f: (f.mark in by_mark, f.is_merged, f.sure)) for same in _occasions(known)]
        spoke = [by_mark[f.mark] for f in failures if f.mark in by_mark]
        merged = sum(c.failure.is_merged and ci in c.failure.heard for c in spoke)
        companions = max((len(c.own.heard) - 1 for c in spoke if c.own is not None), default=0)
        if len(spoke) < 2 and not merged and companions + 1 < MANY:
            return None
        moments = max(1, len(self.past.spells(ci)), len(spoke))
        accident = 1 - exp(-moments * (BEFORE + AFTER) / self.past.length)
        score = self._prior(ci, needed) + PERSON_WEIGHT * merged
        for failure in failures:
            chance = failure.sure * P_SPEAKS[State.DOWN] + (1 - failure.sure) * accident
            score += log(chance / accident) if failure.mark in by_mark else log((1 - chance) / (1 - accident))
        return Together(
            ci=ci,
            needs=needed,
            score=score,
            seen=len(spoke),
            possible=sum(f.mark in by_mark or f.sure >= LIKELY for f in failures),
            lag=sum((c.lag for c in spoke), timedelta()) / len(spoke),
            within=max(abs(c.lag) for c in spoke),
            companions=companions,
            merged=merged,
            proof=tuple(sorted({c.failure.number for c in spoke} | {c.own.number for c in spoke if c.own})),
        )

    def _cannot_tell(self, ci: str, failure: Failure) -> bool:
        """Whether the CI's silence says nothing, as it alerted already, or began to for another failure's sake."""
        return self.past.spoke(ci, failure.at - BEFORE, failure.at + AFTER)

    @cached_property
    def _links(self) -> TypeLinks:
        return TypeLinks(self.past.estate)

    def _types(self, *cis: str) -> list[str]:
        return [self.past.estate.ci(ci).type for ci in cis]

    def _is_upside_down(self, ci: str, needed: str) -> bool:
        """Whether it would be the provider that needs its dependent, as far as their types are known to be joined.

        Two that fail together do so in either order; of a host and its switch it is plain which needs the other.
        """
        return self._links.is_upside_down(*self._types(ci, needed))

    def _prior(self, ci: str, needed: str) -> float:
        """Log-odds that the CMDB lacks just this dependency, before anything is heard."""
        one, other = self._types(ci, needed)
        if self._links.are_joined(one, other):
            return log(MISSING_EACH * USUAL_KIND / self._links.count(other))
        return log(MISSING_EACH * (1 - USUAL_KIND) / self._links.total())


def _occasions(failures: Iterable[Failure]) -> list[list[Failure]]:
    """Failures, in order of time, that began together: what was down in several of these went down once."""
    found: list[list[Failure]] = []
    for failure in failures:
        if found and failure.at - found[-1][0].at <= AFTER:
            found[-1].append(failure)
        else:
            found.append([failure])
    return found


def _strangers(past: Past, failure: Failure) -> Iterator[tuple[str, _Case]]:
    """The CIs that began with a failure though it does not reach them, and no other failure does either."""
    start, end = failure.at - BEFORE, failure.at + AFTER
    began: dict[str, datetime] = {}
    for spell in past.began(start, end):
        own = past.failure_of(spell)
        if own is None or own.mark == failure.mark or spell.ci == own.root or spell.ci not in own.hits:
            began.setdefault(spell.ci, spell.start)
    roots = {f.root: f for f in past.failed(start, end)}
    for root, own in roots.items():
        began.setdefault(root, own.at)
    if failure.is_merged:
        for ci in failure.heard:
            inside = (s.start for s in past.spells(ci) if s.incident == failure.number)
            began.setdefault(ci, next(inside, failure.at))
    asked = [ci for ci in began if ci not in failure.hits and not past.are_related(ci, failure.root)]
    spoken = {spell.ci for spell in past.began(start, end)}
    for ci in sorted(asked, key=lambda c: (c not in roots, c))[:MOST_STRANGERS]:
        if not _is_shared(past, ci, failure, spoken):
            own = roots.get(ci)
            what: _Mark = own.mark if own is not None else (ci, began[ci])
            yield ci, _Case(failure, began[ci] - failure.at, own, what)


def _is_shared(past: Past, ci: str, failure: Failure, spoken: set[str]) -> bool:
    """Whether something that both need may have failed: it hits both, and half of what it takes down speaks too."""
    for common in sorted(past.needs(ci) & past.needs(failure.root)):
        hits = past.reach.of(common, len(spoken) * 10 + 100)
        if hits is None or any(c not in hits or hits[c].state < State.DEGRADED for c in (ci, failure.root)):
            continue
        down = [h.ci for h in hits.values() if h.state is State.DOWN and past.spells(h.ci)]
        if 2 * sum(c in spoken for c in down) >= len(down):
            return True
    return False


def _is_above(past: Past, found: Together, all_found: Iterable[Together]) -> bool:
    """Whether a CI lower down, which this one needs, is in doubt for the same failures."""
    below = past.needs(found.ci)
    return any(
        t.ci in below and found.ci not in past.needs(t.ci) and set(t.proof) & set(found.proof) for t in all_found
    )
