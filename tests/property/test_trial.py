"""Trying escalations at many hours at once says what trying them at each hour by itself does."""

from datetime import UTC, datetime, time, timedelta
from zoneinfo import ZoneInfo

from hypothesis import given
from hypothesis import strategies as st

from rules.escalation import EscalationPolicy, EscalationStep
from rules.responders import by_overrides, reached
from rules.roster import Group, Roster
from rules.rotation import Layer, Override, Schedule
from rules.trial import Trial
from rules.wallclock import Hours
from tests.rosters import person

ZONES = tuple(map(ZoneInfo, ("Europe/Berlin", "America/New_York", "Asia/Kolkata")))
# Clocks go back in Berlin on 25 October 2026, and in New York a week later.
BEGIN = datetime(2026, 10, 24, 6, 17, tzinfo=UTC)
PEOPLE = ("anna", "ben", "zoe")

hours = st.builds(
    Hours,
    days=st.frozensets(st.integers(0, 6), min_size=1),
    begin=st.sampled_from([time(0), time(2, 30), time(8), time(22)]),
    end=st.sampled_from([time(0), time(3), time(12), time(18)]),
)
some_hours = st.lists(hours, max_size=2).map(tuple)
layers = st.builds(
    Layer,
    name=st.sampled_from(["day", "night"]),
    teams=st.lists(st.sampled_from(PEOPLE).map(lambda p: (p,)), min_size=1, max_size=3).map(tuple),
    turn=st.sampled_from([timedelta(hours=7), timedelta(days=1), timedelta(weeks=1)]),
    starts=st.sampled_from([datetime(2026, 10, 1, 8), datetime(2026, 10, 25, 2, 30)]),  # noqa: DTZ001  on the wall
    hours=some_hours,
)
offsets = st.integers(-3600, 4 * 86400).map(lambda s: timedelta(seconds=s))


@st.composite
def overrides(draw: st.DrawFn) -> list[Override]:
    found = []
    for number in range(draw(st.integers(0, 4))):
        begin, end = sorted((BEGIN + draw(offsets), BEGIN + draw(offsets)))
        found.append(
            Override(
                id=f"o{number}",
                schedule=draw(st.sampled_from(["rota", "other", "gone"])),
                people=tuple(draw(st.lists(st.sampled_from(PEOPLE), max_size=2, unique=True))),
                starts_at=begin,
                ends_at=end,
                made_by="olga",
                made_at=BEGIN + timedelta(seconds=number),
                is_imported=draw(st.booleans()),
            )
        )
    return found


@st.composite
def rosters(draw: st.DrawFn) -> Roster:
    schedules = {
        name: Schedule(name=name, zone=draw(st.sampled_from(ZONES)), layers=tuple(draw(st.lists(layers, max_size=2))))
        for name in ("rota", "other")
    }
    people = {
        who: person(who, draw(st.sampled_from(ZONES)), **({} if draw(st.booleans()) else {"contacts": ()}))
        for who in PEOPLE
    }
    steps = draw(
        st.lists(
            st.builds(
                EscalationStep,
                people=st.lists(st.sampled_from(PEOPLE), max_size=1).map(tuple),
                schedules=st.lists(st.sampled_from(["rota", "other"]), max_size=2, unique=True).map(tuple),
                on_call=st.booleans(),
                manager=st.booleans(),
                hours=some_hours,
            ),
            min_size=1,
            max_size=3,
        )
    )
    groups = {
        "a": Group(name="a", schedule="rota", manager="ben"),
        "b": Group(name="b", schedule=draw(st.sampled_from(["", "other"]))),
    }
    policy = EscalationPolicy(name="default", steps=tuple(steps))
    return Roster(people=people, groups=groups, schedules=schedules, escalations={"default": policy})


@given(rosters(), overrides(), st.integers(0, 4))
def test_every_hour_is_as_if_it_were_tried_alone(roster: Roster, put_over: list[Override], days: int) -> None:
    trial = Trial(roster, put_over, BEGIN, timedelta(days=days, minutes=20), "P1")
    policy, on_duty = roster.escalations["default"], by_overrides(put_over)
    for number, step in enumerate(policy.steps):
        for group in ("a", "b", "unknown"):
            for hour, at in enumerate(trial.hours):
                expected = reached(roster, on_duty, step, group, "P1", at)
                found = trial.reached(policy, number, group, hour)
                assert found.responders == expected.responders
                # The words name the first moment at which all was like this.
                assert len(found.missed) == len(expected.missed)
