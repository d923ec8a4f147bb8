"""One clock: how much of a promised time is used, when it is due, and what became of it.

A clock counts working time of one calendar from its start, less its pauses. Everything it will do by itself stands in
it as instants (`due_at`, `marks`), so a restart loses nothing, and a calendar that changes later moves nothing that
was fixed before. Functions that count take the calendar; those for the passing of time need none.
"""

import enum
from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from rules.calendar import Calendar, due, without, working_time


class Agreement(enum.StrEnum):
    """With whom a time is agreed: the customer (SLA), or the group that works on it (OLA)."""

    SLA = "SLA"
    OLA = "OLA"


class Goal(enum.StrEnum):
    """What has to happen in time: somebody takes the incident, or the service is back."""

    RESPONSE = "response"
    RESOLUTION = "resolution"


class ClockState(enum.StrEnum):
    """Where a clock stands; one that was once breached stays so, also when it is met later."""

    RUNNING = "running"
    PAUSED = "paused"
    MET = "met"
    BREACHED = "breached"
    STOPPED = "stopped"


@dataclass(frozen=True, slots=True, kw_only=True)
class Pause:
    """A time that does not count, and why; `until` is None while it lasts."""

    since: datetime
    until: datetime | None
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Mark:
    """The instant at which a share (0 to 1) of the target is used, and people are to be warned."""

    share: float
    at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Terms:
    """What a clock promises: a level's target for one priority. `party` is the group of an OLA, else empty.

    `shares` (0 to 1, ascending) of the target at which people are warned.
    """

    level: str
    priority: str
    target: timedelta
    calendar: str
    shares: tuple[float, ...] = ()
    party: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Clock:
    """One promise about one incident.

    `used` is the working time that had passed at `since`, from when on it runs; it does not run while the last of
    `pauses` lasts or once it has ended. `due_at` is None while it is paused in time, and where ten years of the
    calendar hold less. `told` is the greatest share that people were warned of. `breached_at` is when it was due and
    not met. `ended_at` is when it was met or, with `is_stopped`, had no more meaning; `late` is the working time by
    which it was met too late.
    """

    agreement: Agreement
    goal: Goal
    terms: Terms
    started_at: datetime
    since: datetime
    used: timedelta = timedelta()
    due_at: datetime | None = None
    marks: tuple[Mark, ...] = ()
    told: float = 0.0
    pauses: tuple[Pause, ...] = ()
    breached_at: datetime | None = None
    ended_at: datetime | None = None
    is_stopped: bool = False
    late: timedelta = timedelta()

    @property
    def state(self) -> ClockState:
        """Where it stands."""
        if self.breached_at is not None:
            return ClockState.BREACHED
        if self.ended_at is not None:
            return ClockState.STOPPED if self.is_stopped else ClockState.MET
        return ClockState.PAUSED if self.pause is not None else ClockState.RUNNING

    @property
    def pause(self) -> Pause | None:
        """The pause that lasts, if one does."""
        last = self.pauses[-1] if self.pauses else None
        return last if last is not None and last.until is None else None

    @property
    def left(self) -> timedelta:
        """Working time left at `since`; none where it is over."""
        return max(self.terms.target - self.used, timedelta())

    @property
    def next_at(self) -> datetime | None:
        """When something happens by itself: a warning, or that it is due; None where nothing does."""
        if self.ended_at is not None or self.breached_at is not None:
            return None
        moments = [m.at for m in self.marks[:1]]
        if self.due_at is not None:
            moments.append(self.due_at)
        return min(moments, default=None)


def start(agreement: Agreement, goal: Goal, terms: Terms, calendar: Calendar, at: datetime) -> Clock:
    """A clock that runs from `at`."""
    return _running(Clock(agreement=agreement, goal=goal, terms=terms, started_at=at, since=at), calendar)


def pause(clock: Clock, calendar: Calendar, at: datetime, reason: str) -> Clock:
    """Hold it; a clock that is paused or has ended stays as it is."""
    if clock.pause is not None or clock.ended_at is not None:
        return clock
    halted = _counted(clock, calendar, at)
    is_over = clock.breached_at is not None
    return replace(
        halted,
        pauses=(*clock.pauses, Pause(since=at, until=None, reason=reason)),
        due_at=clock.due_at if is_over else None,
        marks=(),
    )


def resume(clock: Clock, calendar: Calendar, at: datetime) -> Clock:
    """Let it run on; a clock that is not paused stays as it is."""
    lasting = clock.pause
    if lasting is None:
        return clock
    pauses = (*clock.pauses[:-1], replace(lasting, until=at))
    return _running(replace(clock, pauses=pauses, since=at), calendar)


def meet(clock: Clock, calendar: Calendar, at: datetime) -> Clock:
    """What was promised has happened: in time up to `due_at` itself, else late."""
    if clock.ended_at is not None:
        return clock
    ended = resume(clock, calendar, at)
    counted = _counted(ended, calendar, at)
    is_late = counted.breached_at is not None or (ended.due_at is not None and at > ended.due_at)
    return replace(
        counted,
        ended_at=at,
        marks=(),
        breached_at=(counted.breached_at or ended.due_at) if is_late else None,
        late=max(counted.used - clock.terms.target, timedelta()),
    )


def stop(clock: Clock, at: datetime) -> Clock:
    """End it without a verdict: it has lost its meaning."""
    return clock if clock.ended_at is not None else replace(clock, ended_at=at, is_stopped=True, marks=())


def unstop(clock: Clock) -> Clock:
    """As if it had not been stopped, with what it counted until then; `retarget` brings that up to date."""
    return replace(clock, ended_at=None, is_stopped=False)


def go_on(clock: Clock, calendar: Calendar, at: datetime, reason: str) -> Clock:
    """Let a clock that has ended run on; the time in between counts as a pause."""
    if clock.ended_at is None:
        return clock
    gap = Pause(since=clock.ended_at, until=None, reason=reason)
    again = replace(clock, ended_at=None, is_stopped=False, late=timedelta(), pauses=(*clock.pauses, gap))
    return resume(again, calendar, at)


def retarget(clock: Clock, terms: Terms, calendar: Calendar, at: datetime) -> Clock:
    """Promise something else from the same start on: what was used is counted anew, by the new terms' calendar.

    A due time that has passed already is named as the past instant it is; `pass_time` then finds it breached.
    """
    if clock.ended_at is not None:
        return clock
    used = worked(calendar, clock.started_at, at, clock.pauses)
    due_at = due_despite(calendar, clock.started_at, terms.target, clock.pauses, at)
    is_over = due_at is not None and due_at <= at
    changed = replace(clock, terms=terms, used=used, since=at, due_at=due_at, marks=(), breached_at=None)
    if is_over:
        return replace(changed, breached_at=due_at if clock.breached_at is not None else None)
    return changed if clock.pause is not None else _running(changed, calendar)


def worked(calendar: Calendar, begin: datetime, end: datetime, pauses: Iterable[Pause]) -> timedelta:
    """Working time between two instants, less the pauses."""
    spans = ((p.since, p.until or end) for p in pauses)
    return sum((working_time(calendar, a, b) for a, b in without(spans, begin, end)), timedelta())


def due_despite(
    calendar: Calendar, begin: datetime, target: timedelta, pauses: tuple[Pause, ...], now: datetime
) -> datetime | None:
    """The first instant up to `now` by which `target` was worked despite the pauses, which are known up to `now`.

    None where that is not so yet.
    """
    left = target
    for a, b in without(((p.since, p.until or now) for p in pauses), begin, now):
        part = working_time(calendar, a, b)
        if left <= part:
            return due(calendar, a, left)
        left -= part
    return None


def pass_time(clock: Clock, now: datetime) -> tuple[Clock, Mark | None]:
    """The clock as it stands now, and the mark to warn of: the last one passed, as earlier ones are stale.

    It is breached once it was due and nothing has come; what comes at the very instant is in time. There is no warning
    beside a breach.
    """
    next_at = clock.next_at
    if next_at is None or now < next_at:
        return clock, None
    if clock.due_at is not None and now > clock.due_at:
        return replace(clock, breached_at=clock.due_at, marks=()), None
    passed = [m for m in clock.marks if m.at <= now]
    if not passed:
        return clock, None
    return replace(clock, marks=clock.marks[len(passed) :], told=passed[-1].share), passed[-1]


def _counted(clock: Clock, calendar: Calendar, at: datetime) -> Clock:
    """The clock with what it has used up to `at`."""
    if clock.pause is not None:
        return clock
    return replace(clock, used=clock.used + working_time(calendar, clock.since, at), since=at)


def _running(clock: Clock, calendar: Calendar) -> Clock:
    """The clock with the instants it comes to if nothing stops it from `since` on."""
    if clock.breached_at is not None:
        return clock
    target = clock.terms.target
    moments = [(s, due(calendar, clock.since, target * s - clock.used)) for s in clock.terms.shares if s > clock.told]
    return replace(
        clock,
        due_at=due(calendar, clock.since, target - clock.used),
        marks=tuple(Mark(share=s, at=at) for s, at in moments if at is not None),
    )
