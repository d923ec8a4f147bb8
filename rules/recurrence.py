"""What recurs: incidents of the same CI, of which a problem should be made. Only suggested, never made by itself."""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from rules.record import MAX_WORDS, Given, Problem
from rules.words import span


@dataclass(frozen=True, slots=True, kw_only=True)
class SuggestAfter:
    """So many incidents of one CI `within` a time are worth a problem.

    Three in a month is a choice: one is chance, two may be, and the third is what people call "that again"; a month
    catches what happens at its end or beginning.
    """

    times: int = 3
    within: timedelta = timedelta(days=30)


@dataclass(frozen=True, slots=True, kw_only=True)
class Occurrence:
    """An incident whose root cause was `ci`, with the names of the alerts that it had there."""

    incident: int
    ci: str
    opened_at: datetime
    alerts: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True, kw_only=True)
class Suggestion:
    """A problem that should be looked into: the incidents of one CI, and the alerts that recur in them, if any does."""

    ci: str
    incidents: tuple[int, ...]
    alerts: tuple[str, ...]
    first_at: datetime
    last_at: datetime

    @property
    def words(self) -> str:
        """Why, in a sentence."""
        what = f" with {', '.join(self.alerts)}" if self.alerts else ""
        return (
            f"{self.ci} was the root of {len(self.incidents)} incidents{what} in {span(self.last_at - self.first_at)}"
        )


def suggestions(
    occurrences: Iterable[Occurrence], problems: Iterable[Problem], after: SuggestAfter
) -> tuple[Suggestion, ...]:
    """One for each CI that recurs often enough, most often first; none where a problem has its incidents already.

    `occurrences` are all within the time; only those count that are in no problem and came after the end of the last
    one about the CI. The same alert is asked for first; where no alert recurs so often, the CI alone does.
    """
    collected, dealt_with = _known(problems)
    by_ci: dict[str, list[Occurrence]] = {}
    for each in sorted(occurrences, key=lambda o: (o.opened_at, o.incident)):
        is_over = dealt_with.get(each.ci)
        if each.incident not in collected and (is_over is None or each.opened_at > is_over):
            by_ci.setdefault(each.ci, []).append(each)
    found = [_suggestion(ci, those, after.times) for ci, those in by_ci.items() if len(those) >= after.times]
    return tuple(sorted(found, key=lambda s: (-len(s.incidents), s.ci)))


def _known(problems: Iterable[Problem]) -> tuple[set[int], dict[str, datetime]]:
    """Incidents that are in a problem, and until when each CI is dealt with: for ever while a problem is open."""
    collected: set[int] = set()
    until: dict[str, datetime] = {}
    for problem in problems:
        collected.update(k.number for k in problem.links if k.series == "INC" and k.kind == "cause of")
        end = problem.ended_at or problem.settled_at or _FOR_EVER
        until.update((ci, max(end, until.get(ci, end))) for ci in problem.cis)
    return collected, until


_FOR_EVER = datetime.max.replace(tzinfo=UTC)


def _suggestion(ci: str, those: list[Occurrence], times: int) -> Suggestion:
    counted = Counter(name for each in those for name in each.alerts)
    names = tuple(sorted(name for name, count in counted.items() if count >= times))
    return Suggestion(
        ci=ci,
        incidents=tuple(each.incident for each in those),
        alerts=names,
        first_at=those[0].opened_at,
        last_at=those[-1].opened_at,
    )


def given_of(suggestion: Suggestion) -> Given:
    """The problem that a suggestion becomes once a person accepts it."""
    what = f" with {', '.join(suggestion.alerts)}" if suggestion.alerts else ""
    return Given(
        title=f"{suggestion.ci} fails again and again{what}",
        description=suggestion.words,
        cis=(suggestion.ci,),
        alerts=suggestion.alerts[:MAX_WORDS],
    )
