"""Lessons: what an ended alert, an incident that is over or a person's word adds to the counters of experience."""

from collections import Counter
from collections.abc import Iterable
from datetime import timedelta

import msgspec

from rules.alert import Severity
from rules.kinds import template_of

LONGEST = timedelta(days=1)
"""Stands for everything longer than the last bound of a histogram."""
LONE_BOUNDS = (*(timedelta(minutes=m) for m in (1, 2, 5, 10, 30)), LONGEST)
"""How long lone episodes lasted is kept by these upper bounds."""
DELAY_BOUNDS = (*(timedelta(seconds=s) for s in (15, 30, 60, 120, 300, 600)), LONGEST)
"""How long after the first sign of its incident an alert began is kept by these upper bounds."""
LONGEST_KEY = 256
"""Longer names are cut: all parts of a counter must fit an index row of PostgreSQL, which holds 2,700 bytes."""

ALERT, CI, TYPE, CORRECTED, ALONE, WATCH = "alert", "ci", "type", "corrected", "alone", "watch"
"""Kinds: what a key names."""
EPISODES, LONE, DELAY, HEARD, CONFIRMED, REFUTED = "episodes", "lone", "delay", "heard", "confirmed", "refuted"
FAILURES, NOISE, CI_WINDOWS = "failures", "noise", "ci_windows"
"""Fields: what is counted; `LONE` and `DELAY` have one for each bound."""


class Lesson(msgspec.Struct, frozen=True, order=True, array_like=True, gc=False):
    """So much more, or less, of one counter.

    `kind` is what `key` names: an `alert`, a `ci`, a CI `type`, the type that was `corrected` into type `field`, or the
    rank of an alert that was `alone` at first; `watch` counts for how long how many CIs were watched.
    """

    kind: str
    key: str
    field: str
    amount: int = 1


def ended(name: str) -> Lesson:
    """An episode of the alert is over."""
    return Lesson(ALERT, alert_key(name), EPISODES)


def ended_alone(name: str, lasted: timedelta) -> Lesson:
    """That episode told of nothing else and went by itself."""
    return Lesson(ALERT, alert_key(name), bounded(LONE, _bound_of(lasted, LONE_BOUNDS)))


def was_alone(severity: Severity, *, failure: bool) -> Lesson:
    """An alert of this rank was alone at first: it told of a failure, or of nothing."""
    return Lesson(ALONE, severity.name.lower(), FAILURES if failure else NOISE)


def watched(cis: int) -> Lesson:
    """So many CIs that are known to be monitored were watched for one window."""
    return Lesson(WATCH, "", CI_WINDOWS, cis)


def delayed(name: str, by: timedelta) -> Lesson:
    """In an incident that others alerted of too, the alert began so long after the first sign."""
    return Lesson(ALERT, alert_key(name), bounded(DELAY, _bound_of(by, DELAY_BOUNDS)))


def heard(ci: str) -> Lesson:
    """An alert about the CI fired."""
    return Lesson(CI, cut(ci), HEARD)


def root_confirmed(ci: str, ci_type: str) -> tuple[Lesson, ...]:
    """A person says that this CI is what failed, whatever the diagnosis had said; an unknown type is empty."""
    return _of_ci(ci, ci_type, CONFIRMED)


def root_refuted(ci: str, ci_type: str, right_type: str) -> tuple[Lesson, ...]:
    """The diagnosis named this CI, and a person says that one of `right_type` failed; unknown types are empty."""
    pair = (Lesson(CORRECTED, cut(ci_type), cut(right_type)),) if ci_type and right_type else ()
    return (*_of_ci(ci, ci_type, REFUTED), *pair)


def summed(lessons: Iterable[Lesson]) -> tuple[Lesson, ...]:
    """One lesson for each counter that changes, in order."""
    total: Counter[tuple[str, str, str]] = Counter()
    for lesson in lessons:
        total[lesson.kind, lesson.key, lesson.field] += lesson.amount
    return tuple(Lesson(*counter, amount) for counter, amount in sorted(total.items()) if amount)


def taken_back(lessons: Iterable[Lesson]) -> tuple[Lesson, ...]:
    """The lessons that undo these."""
    return tuple(Lesson(one.kind, one.key, one.field, -one.amount) for one in lessons)


def alert_key(name: str) -> str:
    """The key of an alert: its name without numbers."""
    return cut(template_of(name))


def cut(text: str) -> str:
    """The text as it fits into a key: short, and without what databases refuse, so that memory and store agree."""
    short = text[:LONGEST_KEY]
    return short.replace("\0", "").encode("utf-8", "replace").decode("utf-8")


def bounded(what: str, bound: timedelta) -> str:
    """The field of one bar of a histogram, as in `lone_60s`."""
    return f"{what}_{int(bound.total_seconds())}s"


def _bound_of(length: timedelta, bounds: tuple[timedelta, ...]) -> timedelta:
    return next((bound for bound in bounds if length <= bound), bounds[-1])


def _of_ci(ci: str, ci_type: str, field: str) -> tuple[Lesson, ...]:
    return (Lesson(CI, cut(ci), field), *((Lesson(TYPE, cut(ci_type), field),) if ci_type else ()))
