"""What was learnt from the alerts and incidents that are over: counters, and the few questions they answer.

It does not matter in what portions lessons are taken in. Without any history every answer is neutral. Memory follows
the different names of alerts and the CIs that ever alerted.
"""

from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from datetime import timedelta
from functools import cached_property
from math import log
from typing import Any, TypeVar

from cmdb.graph import Estate
from rules.alert import Severity
from rules.lesson import (
    ALERT,
    ALONE,
    CI,
    CI_WINDOWS,
    CONFIRMED,
    CORRECTED,
    DELAY,
    DELAY_BOUNDS,
    EPISODES,
    FAILURES,
    HEARD,
    LONE,
    LONE_BOUNDS,
    NOISE,
    REFUTED,
    TYPE,
    WATCH,
    Lesson,
    alert_key,
    bounded,
    cut,
)

Answer = TypeVar("Answer")

PRIOR_STRENGTH = 5.0
"""So many confirmed roots weigh as much as knowing nothing: one word of a person moves a prior by less than 0.2."""

USUAL_STRENGTH = 4.0
"""So many episodes weigh as much as what is usual."""

NOISIEST = 10.0
"""No name of an alert counts for more than ten to one as noise, or as a failure."""

WATCH_STRENGTH = 2000.0
"""So many CIs watched for a window weigh as much as what is usual: 500 CIs for 40 minutes."""


class Experience:
    """Everything learnt so far, about CIs as the given estate knows them. Only `take` changes it."""

    def __init__(self, estate: Estate) -> None:
        self._estate = estate
        self._counts: dict[tuple[str, str, str], int] = {}
        self._heard_of_type: Counter[str] = Counter()
        self._roots = 0
        self._of_all_alerts: Counter[str] = Counter()
        self._names = 0
        self._answers: dict[tuple[str, str], Any] = {}

    def take(self, lessons: Iterable[Lesson]) -> None:
        """Take in more lessons."""
        self._answers.clear()
        for lesson in lessons:
            counter = (lesson.kind, lesson.key, lesson.field)
            before = self._counts.get(counter, 0)
            after = before + lesson.amount
            if after:
                self._counts[counter] = after
            else:
                self._counts.pop(counter, None)
            if lesson.kind == ALERT:
                self._of_all_alerts[lesson.field] += lesson.amount
                if lesson.field == EPISODES:
                    self._names += (after > 0) - (before > 0)
            if lesson.kind == TYPE and lesson.field == CONFIRMED:
                self._roots += lesson.amount
            ci = self._estate.get(lesson.key) if lesson.kind == CI and lesson.field == HEARD else None
            if ci is not None:
                self._heard_of_type[ci.type] += (after > 0) - (before > 0)

    def lessons(self) -> tuple[Lesson, ...]:
        """All of it as data, in order: another experience that takes these in is the same."""
        return tuple(Lesson(*counter, amount) for counter, amount in sorted(self._counts.items()))

    # Alerts, by their names without numbers

    def names(self) -> list[str]:
        """The names of all alerts of which an episode is over, in order."""
        return sorted(key for kind, key, field in self._counts if kind == ALERT and field == EPISODES)

    def episodes(self, name: str) -> int:
        """How many episodes of the alert are over."""
        return self._count(ALERT, alert_key(name), EPISODES)

    def lone(self, name: str) -> int:
        """How many of them were lone: in no incident or in one about a single CI, and cleared by themselves."""
        return sum(self._histogram(name, LONE, LONE_BOUNDS))

    def noise(self, name: str) -> float:
        """The share of lone episodes, 0 to 1; 0.5 without history (a beta distribution with Jeffreys' prior)."""
        return (self.lone(name) + 0.5) / (self.episodes(name) + 1)

    def noisiness(self, name: str) -> float:
        """How much likelier an alert without a reason has this name than one of a failure; 1.0 without history.

        The name's share of the lone episodes over its share of the others, each counted once more than it was, and
        never more than `NOISIEST` to one: what was only noise so far may tell of the next failure.
        """
        return self._once("noisiness", name, self._noisiness)

    def _noisiness(self, name: str) -> float:
        lone, all_lone = self.lone(name), self._all(LONE, LONE_BOUNDS)
        rest, all_rest = self.episodes(name) - lone, max(0, self._of_all_alerts[EPISODES]) - all_lone
        names = max(1, self._names)
        ratio = (lone + 1) / (all_lone + names) * (max(0, all_rest) + names) / (max(0, rest) + 1)
        return min(max(ratio, 1 / NOISIEST), NOISIEST)

    def outlasted(self, name: str, age: timedelta, usual: float) -> float:
        """Share of the alert's lone episodes that lasted longer than `age`.

        Where few are known, those of all alerts count, and where these are few, what is `usual`.
        """
        all_lone, lone = self._once("lone", name, self._lone_bars)
        return _outlasted(lone, age, _outlasted(all_lone, age, usual))

    def _lone_bars(self, name: str) -> tuple[list[int], list[int]]:
        of_all = [self._of_all_alerts[bounded(LONE, bound)] for bound in LONE_BOUNDS]
        return of_all, self._histogram(name, LONE, LONE_BOUNDS)

    def _once(self, question: str, name: str, answer: Callable[[str], Answer]) -> Answer:
        """The answer about an alert, remembered until something new is learnt: storms ask it for every alert."""
        known: Answer | None = self._answers.get((question, name))
        if known is None:
            known = self._answers[question, name] = answer(name)
        return known

    def leak(self, severity: Severity, usual: float) -> float:
        """The chance that a monitored CI raises such an alert in a window for no reason; near `usual` with little
        history."""
        noise = self._count(ALONE, severity.name.lower(), NOISE)
        return (noise + WATCH_STRENGTH * usual) / (self._watched() + WATCH_STRENGTH)

    def alone(self, severity: Severity, usual: float) -> float:
        """How much likelier than `usual` a failure is that a single alert of this rank tells of at first.

        A natural logarithm; `usual` is the chance of one for a CI and a window. 0.0 without history.
        """
        failures = self._count(ALONE, severity.name.lower(), FAILURES) + WATCH_STRENGTH * usual
        return log(failures / (self._watched() + WATCH_STRENGTH) / usual)

    def _watched(self) -> int:
        return self._count(WATCH, "", CI_WINDOWS)

    def lone_for(self, name: str, quantile: float = 0.5) -> timedelta | None:
        """How long that share of the alert's lone episodes lasted at most, to a bound; None where there was none."""
        return self._quantile(name, LONE, LONE_BOUNDS, quantile)

    def delays(self, name: str) -> int:
        """How often the alert was seen to join an incident with others."""
        return sum(self._histogram(name, DELAY, DELAY_BOUNDS))

    def delay(self, name: str, quantile: float = 0.5) -> timedelta | None:
        """How long after the first sign that share of them began at the latest, to a bound; None without history."""
        return self._quantile(name, DELAY, DELAY_BOUNDS, quantile)

    # CIs and their types

    def is_heard(self, ci: str) -> bool:
        """Whether an alert about the CI has ever fired."""
        return self._count(CI, cut(ci), HEARD) > 0

    def heard(self) -> int:
        """How many CIs have ever alerted."""
        return self._heard_of_type.total()

    def heard_of_type(self, ci_type: str) -> int:
        """How many CIs that are of this type now have ever alerted."""
        return self._heard_of_type[ci_type]

    def of_type(self, ci_type: str) -> int:
        """How many CIs of this type the estate has."""
        return self._sizes[ci_type]

    def types(self) -> list[str]:
        """All types of which anything is known, and those of the estate, in order."""
        return sorted({key for kind, key, _ in self._counts if kind == TYPE} | self._sizes.keys())

    def confirmed(self, ci_type: str) -> int:
        """How often a CI of this type was what failed, by a person's word."""
        return self._count(TYPE, cut(ci_type), CONFIRMED)

    def refuted(self, ci_type: str) -> int:
        """How often the diagnosis named a CI of this type and a person another CI."""
        return self._count(TYPE, cut(ci_type), REFUTED)

    def roots(self) -> list[str]:
        """The CIs that were confirmed or refuted, in order."""
        words = (CONFIRMED, REFUTED)
        return sorted({key for kind, key, field in self._counts if kind == CI and field in words})

    def confirmed_ci(self, ci: str) -> int:
        """How often this CI was what failed, by a person's word."""
        return self._count(CI, cut(ci), CONFIRMED)

    def refuted_ci(self, ci: str) -> int:
        """How often the diagnosis named this CI and a person another."""
        return self._count(CI, cut(ci), REFUTED)

    def corrections(self) -> list[tuple[str, str, int]]:
        """Of which type the named and the right CI were, and how often, in order."""
        return [(one.key, one.field, one.amount) for one in self.lessons() if one.kind == CORRECTED]

    def prior(self, ci_type: str) -> float:
        """How much likelier than the average CI one of this type is to be what failed, as a natural logarithm.

        Confirmed roots against those that would fall to the type if all CIs failed alike, with each wrong naming
        counted as one more expected; both sides begin at `PRIOR_STRENGTH`, so it is 0.0 without history.
        """
        expected = max(0, self._roots) * self._sizes[ci_type] / max(1, len(self._estate)) + self.refuted(ci_type)
        return log((self.confirmed(ci_type) + PRIOR_STRENGTH) / (expected + PRIOR_STRENGTH))

    @cached_property
    def _sizes(self) -> Counter[str]:
        return Counter(ci.type for ci in self._estate)

    def _count(self, kind: str, key: str, field: str) -> int:
        # Never below zero: people may empty the table, and an incident of before then takes back what it taught.
        return max(0, self._counts.get((kind, key, field), 0))

    def _all(self, what: str, bounds: Iterable[timedelta]) -> int:
        return sum(max(0, self._of_all_alerts[bounded(what, bound)]) for bound in bounds)

    def _histogram(self, name: str, what: str, bounds: Iterable[timedelta]) -> list[int]:
        key = alert_key(name)
        return [self._count(ALERT, key, bounded(what, bound)) for bound in bounds]

    def _quantile(self, name: str, what: str, bounds: tuple[timedelta, ...], quantile: float) -> timedelta | None:
        counts = self._histogram(name, what, bounds)
        wanted, seen = quantile * sum(counts), 0
        for bound, count in zip(bounds, counts, strict=True):
            seen += count
            if count and seen >= wanted:
                return bound
        return None


def _outlasted(counts: Sequence[int], age: timedelta, usual: float) -> float:
    """Share of the episodes in a histogram that lasted longer, evenly spread in each bar; `usual` counts as a few."""
    longer, low = 0.0, timedelta()
    for bound, count in zip(LONE_BOUNDS, counts, strict=True):
        longer += max(0, count) * min(1.0, max(0.0, (bound - age) / (bound - low)))
        low = bound
    return (longer + USUAL_STRENGTH * usual) / (sum(max(0, c) for c in counts) + USUAL_STRENGTH)
