"""Business calendars: when work is owed, and how much of it lies between two instants.

It is working time when the clock on the wall of the calendar's zone shows working hours, whatever the clocks do: an
hour that daylight saving time skips holds no work, one that comes twice counts twice. Hours belong to the day on which
they begin, so a night shift that begins before a closed day goes on into it. All instants are aware UTC; arithmetic is
on them alone, local time is only ever looked at over a stretch in which its distance to UTC stays the same.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from itertools import pairwise
from zoneinfo import ZoneInfo

Span = tuple[datetime, datetime]

_DAY = timedelta(days=1)
_TICK = timedelta(microseconds=1)
_ZERO = timedelta()
DAY_MINUTES = 24 * 60
FARTHEST = timedelta(days=3660)
"""How far ahead a due time is looked for: ten years, as long as a length of time in the configuration may be."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Calendar:
    """When work is owed.

    `hours` has seven entries, Monday first: the working hours that begin on that day as pairs of minutes since its
    midnight, beginning included, end excluded; an end past 1440 lies on the next day (2880 at the most). On a day in
    `closed` none begin.
    """

    name: str
    zone: ZoneInfo
    hours: tuple[tuple[tuple[int, int], ...], ...]
    closed: frozenset[date] = frozenset()

    @property
    def is_always(self) -> bool:
        """Whether work is owed around the clock, every day."""
        return not self.closed and all(day == _WHOLE_DAY for day in self.hours)

    @property
    def weekly(self) -> timedelta:
        """Working time of a week without closed days, where no hours overlap and no clock is changed."""
        return timedelta(minutes=sum(end - begin for day in self.hours for begin, end in day))


_WHOLE_DAY = ((0, DAY_MINUTES),)
ALWAYS = Calendar(name="24x7", zone=ZoneInfo("UTC"), hours=(_WHOLE_DAY,) * 7)
"""Around the clock, every day."""


def working_time(calendar: Calendar, start: datetime, end: datetime) -> timedelta:
    """Working time from `start` up to `end`; none where `end` is not after `start`."""
    if calendar.is_always:
        return max(end - start, _ZERO)
    return sum((b - a for a, b in _spans(calendar, start, end)), _ZERO)


def due(calendar: Calendar, start: datetime, target: timedelta) -> datetime | None:
    """The first instant by which `target` of working time has passed since `start`; None where ten years hold less."""
    if target <= _ZERO:
        return start
    if calendar.is_always:
        return start + target
    left = target
    for begin, end in _spans(calendar, start, start + FARTHEST):
        if left <= end - begin:
            return begin + left
        left -= end - begin
    return None


def is_working(calendar: Calendar, at: datetime) -> bool:
    """Whether `at` is working time."""
    return calendar.is_always or any(True for _ in _spans(calendar, at, at + _TICK))


def next_change(calendar: Calendar, at: datetime) -> datetime | None:
    """The next instant after `at` at which working time begins or ends; None where it does neither within ten years."""
    if calendar.is_always:
        return None
    last = at + FARTHEST
    begin, end = next(_merged(_spans(calendar, at, last)), (last, last))
    change = end if begin == at else begin
    return change if change < last else None


def _spans(calendar: Calendar, start: datetime, end: datetime) -> Iterator[Span]:
    """The stretches of working time between two instants, in order; neighbours may touch."""
    lower = start.astimezone(UTC)
    while lower < end:
        upper = min(lower + _DAY, end)
        for begin, until, offset in _steady(calendar.zone, lower, upper):
            for first, last in _local_hours(calendar, _naive(begin, offset), _naive(until, offset)):
                yield _instant(first, offset), _instant(last, offset)
        lower = upper


def _steady(zone: ZoneInfo, start: datetime, end: datetime) -> Iterator[tuple[datetime, datetime, timedelta]]:
    """The stretches, of a day together at the most, in which local time keeps its distance to UTC.

    No zone has changed its clocks there and back within one day since 1970.
    """
    while start < end:
        offset = _offset(zone, start)
        if _offset(zone, end - _TICK) == offset:
            yield start, end, offset
            return
        before, after = start, end - _TICK
        while after - before > _TICK:
            middle = before + (after - before) / 2
            if _offset(zone, middle) == offset:
                before = middle
            else:
                after = middle
        yield start, after, offset
        start = after


def _local_hours(calendar: Calendar, start: datetime, end: datetime) -> Iterator[Span]:
    """Working hours between two local times, in order, without overlaps."""
    found = []
    # Hours of the day before may reach into the first day.
    day = start.date() - _DAY
    while day <= end.date():
        if day not in calendar.closed:
            midnight = datetime.combine(day, time())
            for begin, until in calendar.hours[day.weekday()]:
                first = max(midnight + timedelta(minutes=begin), start)
                last = min(midnight + timedelta(minutes=until), end)
                if first < last:
                    found.append((first, last))
        day += _DAY
    return _merged(iter(sorted(found)))


def _merged(spans: Iterator[Span]) -> Iterator[Span]:
    """Spans in order of their beginnings, those that overlap or touch made one."""
    current: Span | None = None
    for begin, end in spans:
        if current is None:
            current = (begin, end)
        elif begin <= current[1]:
            current = (current[0], max(current[1], end))
        else:
            yield current
            current = (begin, end)
    if current is not None:
        yield current


def _offset(zone: ZoneInfo, at: datetime) -> timedelta:
    return at.astimezone(zone).utcoffset() or _ZERO


def _naive(at: datetime, offset: timedelta) -> datetime:
    return at.replace(tzinfo=None) + offset


def _instant(local: datetime, offset: timedelta) -> datetime:
    return (local - offset).replace(tzinfo=UTC)


def without(spans: Iterator[Span], start: datetime, end: datetime) -> Iterator[Span]:
    """What of the time from `start` to `end` none of the spans covers, in order; the spans may be in any order."""
    edges = [(start, start), *_merged(iter(sorted(spans))), (end, end)]
    for (_, left), (right, _) in pairwise(edges):
        begin, until = max(left, start), min(right, end)
        if begin < until:
            yield begin, until
