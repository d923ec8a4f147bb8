"""What must hold of every rotation, in every zone, over every change of clocks."""

from datetime import UTC, datetime, time, timedelta, tzinfo
from zoneinfo import ZoneInfo

from hypothesis import given
from hypothesis import strategies as st

from daemon.calendar_file import read_calendar, write_calendar
from rules.imported_shifts import shifts_of
from rules.roster import Person, Roster
from rules.rotation import Layer, Override, Schedule, Shift, on_call, shifts
from rules.wallclock import Hours, instant_of, wall_of

ZONES = [
    ZoneInfo(name)
    for name in (
        "UTC",
        "Europe/Berlin",
        "America/New_York",
        "Australia/Lord_Howe",  # half an hour
        "Antarctica/Troll",  # two hours
        "Pacific/Apia",  # left a whole day out in 2011
        "America/Sao_Paulo",  # changed at midnight
        "Asia/Kathmandu",
    )
]
PEOPLE = [f"person {n}" for n in range(4)]
ROSTER = Roster(people={p: Person(id=p, name=p.upper(), zone=ZONES[0]) for p in PEOPLE})
HOUR = timedelta(hours=1)

_walls = st.datetimes(datetime(2009, 1, 1), datetime(2027, 1, 1)).map(lambda at: at.replace(second=0, microsecond=0))  # noqa: DTZ001
_instants = _walls.map(lambda at: at.replace(tzinfo=UTC))
_teams = st.lists(
    st.lists(st.sampled_from(PEOPLE), min_size=1, max_size=2, unique=True).map(tuple), min_size=1, max_size=3
)
_times = st.builds(time, st.integers(0, 23), st.sampled_from([0, 30, 59]))
_hours = st.builds(Hours, days=st.frozensets(st.integers(0, 6), min_size=1), begin=_times, end=_times)
_turns = st.one_of(st.integers(1, 30), st.sampled_from([24, 168])).map(lambda hours: hours * HOUR)


def _layers(begin: datetime, *, gapless: bool) -> st.SearchStrategy[Layer]:
    """Layers that have begun by `begin`, so that a gapless one always has somebody."""
    starts = st.builds(
        lambda days, at: datetime.combine(begin.replace(tzinfo=None) - timedelta(days=days), at),
        st.integers(3, 40),
        _times,
    )
    hours = st.just(()) if gapless else st.lists(_hours, max_size=2).map(tuple)
    return st.builds(
        Layer, name=st.sampled_from(["a", "b"]), teams=_teams.map(tuple), turn=_turns, starts=starts, hours=hours
    )


@st.composite
def stretches(draw: st.DrawFn, *, gapless: bool = False) -> tuple[Schedule, tuple[Override, ...], datetime, datetime]:
    """A schedule with overrides, and some days, often about a change of clocks."""
    zone = draw(st.sampled_from(ZONES))
    changes = [
        datetime(2026, 3, 29, 1, tzinfo=UTC),
        datetime(2026, 10, 25, 1, tzinfo=UTC),
        datetime(2011, 12, 30, 10, tzinfo=UTC),
    ]
    near = st.builds(lambda at, hours: at - hours * HOUR, st.sampled_from(changes), st.integers(0, 60))
    begin = draw(st.one_of(near, _instants))
    end = begin + draw(st.integers(1, 100)) * HOUR
    kinds = st.lists(_layers(begin, gapless=gapless), min_size=1, max_size=2).map(tuple)
    schedule = Schedule(name="rota", zone=zone, layers=draw(kinds))
    spans = st.tuples(st.integers(-20, 100), st.integers(1, 40), st.sampled_from(PEOPLE), st.booleans())
    over = [
        Override(
            id=f"o{n}",
            schedule="rota",
            people=(who,),
            starts_at=begin + start * HOUR,
            ends_at=begin + (start + length) * HOUR,
            made_by="x",
            made_at=begin,
            is_imported=is_imported,
        )
        for n, (start, length, who, is_imported) in enumerate(draw(st.lists(spans, max_size=3)))
    ]
    return schedule, tuple(over), begin, end


@given(st.sampled_from(ZONES), _walls, st.integers(0, 300_000))
def test_a_later_time_on_the_wall_is_never_an_earlier_instant(zone: tzinfo, wall: datetime, seconds: int) -> None:
    first, second = (instant_of(wall + timedelta(seconds=s), zone) for s in (0, seconds))
    assert first <= second


@given(st.sampled_from(ZONES), _walls)
def test_an_instant_is_the_first_at_which_the_wall_shows_the_time_or_later(zone: tzinfo, wall: datetime) -> None:
    instant = instant_of(wall, zone)
    assert wall_of(instant, zone) >= wall
    assert wall_of(instant - timedelta(seconds=1), zone) < wall


@given(stretches(gapless=True), st.floats(0, 1))
def test_every_instant_of_a_gapless_rotation_has_exactly_one_team(
    stretch: tuple[Schedule, tuple[Override, ...], datetime, datetime], where: float
) -> None:
    schedule, _, begin, end = stretch
    at = begin + (end - begin) * where
    assert on_call(schedule, (), at) in {tuple(sorted(team)) for team in schedule.layers[0].teams}


@given(stretches())
def test_shifts_tile_the_time(stretch: tuple[Schedule, tuple[Override, ...], datetime, datetime]) -> None:
    schedule, overrides, begin, end = stretch
    found = shifts(schedule, overrides, begin, end)
    assert (found[0].starts_at, found[-1].ends_at) == (begin, end)
    assert all(s.starts_at < s.ends_at for s in found)
    assert [s.ends_at for s in found[:-1]] == [s.starts_at for s in found[1:]]


@given(stretches(), st.integers(1, 59))
def test_shifts_say_of_every_moment_what_the_schedule_says(
    stretch: tuple[Schedule, tuple[Override, ...], datetime, datetime], minutes: int
) -> None:
    schedule, overrides, begin, end = stretch
    for shift in shifts(schedule, overrides, begin, end):
        at = shift.starts_at
        while at < shift.ends_at:
            assert on_call(schedule, overrides, at) == shift.people
            at += timedelta(minutes=37 + minutes)
        assert on_call(schedule, overrides, shift.ends_at - timedelta(seconds=1)) == shift.people


@given(stretches(gapless=True))
def test_a_turn_is_as_long_on_the_wall_as_it_should_be(
    stretch: tuple[Schedule, tuple[Override, ...], datetime, datetime],
) -> None:
    schedule, _, begin, end = stretch
    layer = schedule.layers[0]
    for shift in shifts(schedule, (), begin, end)[1:]:
        number = layer.turn_at(shift.starts_at, schedule.zone)
        assert number is not None
        assert shift.starts_at == instant_of(layer.starts + number * layer.turn, schedule.zone)


@given(stretches())
def test_an_export_that_is_imported_gives_the_same_shifts(
    stretch: tuple[Schedule, tuple[Override, ...], datetime, datetime],
) -> None:
    schedule, overrides, begin, end = stretch
    before = shifts(schedule, overrides, begin, end)
    events = read_calendar(write_calendar(ROSTER, "rota", before, begin), schedule.zone, begin, end)
    found, unknown = shifts_of(ROSTER, "rota", events, "x", begin)
    empty = Schedule(name="rota", zone=schedule.zone)
    assert not unknown
    assert _plain(shifts(empty, found, begin, end)) == _plain(before)


def _plain(found: list[Shift]) -> list[tuple[datetime, datetime, tuple[str, ...]]]:
    return [(s.starts_at, s.ends_at, s.people) for s in found]
