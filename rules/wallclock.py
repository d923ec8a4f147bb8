"""Time of day on the wall of one zone, and the instants it stands for: right where clocks are put forward or back."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, time, timedelta, tzinfo

DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
_DAY = timedelta(days=1)
_WEEK = timedelta(days=7)
_SECOND = timedelta(seconds=1)
MIDNIGHT = time(0, 0)


def instant_of(wall: datetime, zone: tzinfo) -> datetime:
    """The first instant, in UTC, at which clocks in `zone` show `wall` (naive, whole seconds) or later.

    A time that is skipped when clocks go forward is the moment of the change, one that comes twice is its first
    coming; so a later wall time never is an earlier instant, and shifts that tile the wall tile time.
    """
    there = wall.replace(tzinfo=zone, fold=0)
    instant = there.astimezone(UTC)
    if wall_of(instant, zone) == wall:
        return instant
    # Skipped. With fold 0 the offset from before the change counts (PEP 495), which leads past it; with fold 1 the
    # offset from after it, which leads before it.
    late, early = instant, wall.replace(tzinfo=zone, fold=1).astimezone(UTC)
    while late - early > _SECOND:
        middle = early + (late - early) // _SECOND // 2 * _SECOND
        if wall_of(middle, zone) >= wall:
            late = middle
        else:
            early = middle
    return late


def wall_of(instant: datetime, zone: tzinfo) -> datetime:
    """What clocks in `zone` show at that instant, naive."""
    return instant.astimezone(zone).replace(tzinfo=None, fold=0)


@dataclass(frozen=True, slots=True, kw_only=True)
class Hours:
    """A span of the day on some weekdays (0 is Monday).

    One that ends no later than it begins goes on into the next day, so that `begin == end` is a whole day; the weekday
    is that of its beginning.
    """

    days: frozenset[int] = frozenset(range(7))
    begin: time = MIDNIGHT
    end: time = MIDNIGHT

    def span_on(self, day: datetime) -> tuple[datetime, datetime] | None:
        """Beginning and end on the wall, of the span that begins on this day (naive midnight); None where none does."""
        if day.weekday() not in self.days:
            return None
        begin, end = datetime.combine(day, self.begin), datetime.combine(day, self.end)
        return begin, end if end > begin else end + _DAY

    def holds(self, wall: datetime) -> bool:
        """Whether the wall time is inside."""
        today = datetime.combine(wall, MIDNIGHT)
        spans = (self.span_on(today), self.span_on(today - _DAY))
        return any(span is not None and span[0] <= wall < span[1] for span in spans)

    @property
    def words(self) -> str:
        """As in `mon to fri from 08:00 to 18:00`."""
        ordered = sorted(self.days)
        is_run = len(ordered) > 2 and ordered == list(range(ordered[0], ordered[-1] + 1))
        days = f"{DAYS[ordered[0]]} to {DAYS[ordered[-1]]}" if is_run else ", ".join(DAYS[d] for d in ordered)
        clock = "" if self.begin == self.end == MIDNIGHT else f" from {self.begin:%H:%M} to {self.end:%H:%M}"
        return f"{'every day' if len(ordered) == 7 else days}{clock}"


def end_of(hours: Sequence[Hours], now: datetime, zone: tzinfo) -> datetime | None:
    """When these hours end, one joining the other, as seen from `now`; None outside them, and where they never end."""
    wall = start = wall_of(now, zone)
    while wall - start <= _WEEK:
        today = datetime.combine(wall, MIDNIGHT)
        spans = (h.span_on(day) for h in hours for day in (today - _DAY, today))
        ends = [span[1] for span in spans if span is not None and span[0] <= wall < span[1]]
        if not ends:
            return None if wall == start else instant_of(wall, zone)
        wall = max(ends)
    return None
