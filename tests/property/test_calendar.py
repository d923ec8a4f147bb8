"""Working time against a reference that looks at the wall clock minute by minute."""

from collections.abc import Iterable
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

from hypothesis import given
from hypothesis import strategies as st

from rules.calendar import ALWAYS, DAY_MINUTES, Calendar, due, is_working, next_change, working_time

MINUTE = timedelta(minutes=1)
# Each with a change of its clocks inside or beside the days that are drawn: an hour, half an hour, a whole day.
CHANGES = [
    ("Europe/Berlin", datetime(2026, 3, 29, 1, 0, tzinfo=UTC)),
    ("Europe/Berlin", datetime(2026, 10, 25, 1, 0, tzinfo=UTC)),
    ("America/New_York", datetime(2026, 3, 8, 7, 0, tzinfo=UTC)),
    ("America/New_York", datetime(2026, 11, 1, 6, 0, tzinfo=UTC)),
    ("Australia/Lord_Howe", datetime(2026, 4, 4, 15, 0, tzinfo=UTC)),
    ("Australia/Lord_Howe", datetime(2026, 10, 3, 15, 30, tzinfo=UTC)),
    ("Pacific/Apia", datetime(2011, 12, 30, 10, 0, tzinfo=UTC)),
    ("Asia/Kathmandu", datetime(2026, 6, 1, 0, 0, tzinfo=UTC)),
    ("UTC", datetime(2026, 12, 31, 0, 0, tzinfo=UTC)),
]


@st.composite
def hours(draw: st.DrawFn) -> tuple[tuple[int, int], ...]:
    """The working hours that begin on one day; they may overlap, cross midnight, or be none."""
    begins = draw(st.lists(st.sampled_from([0, 60, 90, 120, 150, 180, 540, 545, 1320, 1439]), max_size=3))
    lengths = st.sampled_from([1, 30, 60, 90, 240, 480, DAY_MINUTES])
    return tuple((begin, begin + draw(lengths)) for begin in begins)


@st.composite
def calendars(draw: st.DrawFn, *, busy: bool = False) -> tuple[Calendar, datetime]:
    """A calendar and an instant at which its clocks may be changed; work every day, by night too, where it is busy."""
    zone, change = draw(st.sampled_from(CHANGES))
    days = change.date()
    closed = draw(st.frozensets(st.integers(-3, 3).map(lambda n: days + timedelta(days=n)), max_size=3))
    usual = ((0, 720), (780, 1200)) if busy else ()
    week = tuple((*usual, *day) for day in draw(st.tuples(*[hours()] * 7)))
    return Calendar(name="some", zone=ZoneInfo(zone), hours=week, closed=closed), change


def around(change: datetime) -> st.SearchStrategy[datetime]:
    """Whole minutes within a day and a half of a change."""
    return st.integers(-2160, 2160).map(lambda minutes: change + minutes * MINUTE)


def works(calendar: Calendar, at: datetime) -> bool:
    """Whether the wall clock shows working hours, those that began the day before included."""
    local = at.astimezone(calendar.zone)
    minute = local.hour * 60 + local.minute
    return _holds(calendar, local.date(), minute) or _holds(
        calendar, local.date() - timedelta(days=1), minute + DAY_MINUTES
    )


def _holds(calendar: Calendar, day: date, minute: int) -> bool:
    return day not in calendar.closed and any(b <= minute < e for b, e in calendar.hours[day.weekday()])


def minutes(begin: datetime, end: datetime) -> Iterable[datetime]:
    """Every whole minute from `begin` up to `end`."""
    return (begin + n * MINUTE for n in range(int((end - begin) / MINUTE)))


@given(st.data())
def test_working_time_is_what_the_wall_clock_shows(data: st.DataObject) -> None:
    calendar, change = data.draw(calendars())
    begin, end = sorted([data.draw(around(change)), data.draw(around(change))])
    expected = sum(works(calendar, at) for at in minutes(begin, end)) * MINUTE
    assert working_time(calendar, begin, end) == expected


@given(st.data())
def test_due_is_the_first_instant_by_which_the_target_has_passed(data: st.DataObject) -> None:
    calendar, change = data.draw(calendars())
    begin = data.draw(around(change))
    target = data.draw(st.integers(0, 3000)) * MINUTE
    found = due(calendar, begin, target)
    left, expected = target, begin
    for at in minutes(begin, begin + timedelta(days=5)):
        if not left:
            break
        left -= MINUTE * works(calendar, at)
        expected = at + MINUTE
    if left:
        assert found is None or found > expected
    else:
        assert found == expected


@given(st.data())
def test_working_time_adds_up(data: st.DataObject) -> None:
    calendar, change = data.draw(calendars())
    seconds = st.integers(-200_000_000, 200_000_000).map(lambda n: change + timedelta(milliseconds=n))
    first, second, third = sorted(data.draw(st.tuples(seconds, seconds, seconds)))
    whole = working_time(calendar, first, third)
    assert working_time(calendar, first, second) + working_time(calendar, second, third) == whole
    assert timedelta() <= whole <= third - first
    assert working_time(calendar, third, first) == timedelta()


@given(st.data())
def test_a_promise_that_is_due_was_worked_to_the_microsecond(data: st.DataObject) -> None:
    calendar, change = data.draw(calendars())
    begin = change + timedelta(milliseconds=data.draw(st.integers(-100_000_000, 100_000_000)))
    target = timedelta(milliseconds=data.draw(st.integers(1, 400_000_000)))
    found = due(calendar, begin, target)
    if found is None:
        assert working_time(calendar, begin, begin + timedelta(days=3660)) < target
    else:
        assert working_time(calendar, begin, found) == target
        assert working_time(calendar, begin, found - timedelta(microseconds=1)) < target


@given(st.data())
def test_working_time_changes_where_it_is_said_to(data: st.DataObject) -> None:
    calendar, change = data.draw(calendars())
    begin = data.draw(around(change))
    assert is_working(calendar, begin) == works(calendar, begin)
    after = next_change(calendar, begin)
    until = begin + timedelta(days=9) if after is None else min(after, begin + timedelta(days=9))
    assert len({works(calendar, at) for at in minutes(begin, until)}) <= 1
    if after is not None and after - begin < timedelta(days=9):
        assert works(calendar, after) != works(calendar, begin)


def test_around_the_clock_every_minute_counts() -> None:
    begin = CHANGES[0][1]
    assert working_time(ALWAYS, begin, begin + timedelta(days=3)) == timedelta(days=3)
    assert due(ALWAYS, begin, timedelta(hours=4)) == begin + timedelta(hours=4)
    assert next_change(ALWAYS, begin) is None
