"""A clock that is held, resumed, reopened and given other targets, against one that counts minute by minute."""

from dataclasses import dataclass, field
from datetime import datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from rules import clock as clocks
from rules.calendar import ALWAYS, Calendar
from rules.clock import Agreement, Clock, ClockState, Goal, Terms
from tests.property.test_calendar import MINUTE, around, calendars, works


@dataclass(slots=True)
class Slow:
    """The reference: it remembers of every minute whether it counted, and looks at all of them each time."""

    begin: datetime
    paused: list[bool] = field(default_factory=list)

    def used(self, calendar: Calendar) -> timedelta:
        return sum(not p and works(calendar, self.begin + n * MINUTE) for n, p in enumerate(self.paused)) * MINUTE

    def due(self, calendar: Calendar, target: timedelta) -> datetime | None:
        """When the target was used up within the minutes lived so far."""
        left = target
        for n, paused in enumerate(self.paused):
            left -= MINUTE * (not paused and works(calendar, self.begin + n * MINUTE))
            if not left:
                return self.begin + (n + 1) * MINUTE
        return None


def terms(calendar: Calendar, target: timedelta, priority: str = "P1") -> Terms:
    """Promised in this calendar, with warnings at half and four fifths."""
    return Terms(level="gold", priority=priority, target=target, calendar=calendar.name, shares=(0.5, 0.8))


_TARGETS = st.integers(1, 120).map(lambda n: n * 10 * MINUTE)
_WAITS = st.lists(st.integers(0, 240), min_size=2, max_size=9)


def _steps(clock: Clock) -> list[str]:
    """What can be done with a clock as it stands; all else would be a step that does nothing."""
    if clock.ended_at is not None:
        return ["reopen", "nothing"]
    return ["resume" if clock.pause is not None else "hold", "retarget", "end", "nothing"]


@given(st.data())
def test_a_clock_counts_what_the_slow_one_counts(data: st.DataObject) -> None:
    calendar, change = data.draw(calendars(busy=True))
    now = data.draw(around(change))
    target = data.draw(_TARGETS)
    clock = clocks.start(Agreement.SLA, Goal.RESOLUTION, terms(calendar, target), calendar, now)
    slow, told = Slow(begin=now), list[float]()
    for wait in data.draw(_WAITS):
        is_still = clock.pause is not None or clock.ended_at is not None
        slow.paused += [is_still] * wait
        now += wait * MINUTE
        clock, mark = clocks.pass_time(clock, now)
        told += [mark.share] if mark is not None else []
        step = data.draw(st.sampled_from(_steps(clock)))
        if step == "retarget":
            calendar = data.draw(st.sampled_from([calendar, ALWAYS]))
            target = data.draw(_TARGETS)
        clock = _after(step, clock, terms(calendar, target), calendar, now)
        _compare(clock, slow, calendar, now)
    assert told == sorted(set(told)), "each warning is told once, the greater ones later"


def _after(step: str, clock: Clock, promised: Terms, calendar: Calendar, now: datetime) -> Clock:
    match step:
        case "hold":
            return clocks.pause(clock, calendar, now, "spare parts")
        case "resume":
            return clocks.resume(clock, calendar, now)
        case "end":
            return clocks.meet(clock, calendar, now)
        case "reopen":
            return clocks.go_on(clock, calendar, now, "it was resolved")
        case "retarget":
            return clocks.retarget(clock, promised, calendar, now)
    return clock


def _compare(clock: Clock, slow: Slow, calendar: Calendar, now: datetime) -> None:
    target, used = clock.terms.target, slow.used(calendar)
    due = slow.due(calendar, target)
    after, _ = clocks.pass_time(clock, now)
    if due is not None and due < now:
        assert after.state is ClockState.BREACHED
        assert after.breached_at == due
        assert after.ended_at is None or after.late == used - target
    else:
        assert (after.breached_at, after.late) == (None, timedelta())
    if after.ended_at is None and after.pause is None and due is None:
        ahead = Slow(begin=slow.begin, paused=[*slow.paused, *[False] * 5000])
        wanted = ahead.due(calendar, target)
        assert wanted is None or after.due_at == wanted
    if after.pause is not None and after.breached_at is None:
        assert after.left == target - used
