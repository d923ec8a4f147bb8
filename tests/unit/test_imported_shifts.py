"""Calendars of others: whom an event names, repeating events, whole days, and what is refused."""

from datetime import UTC, datetime, timedelta

import pytest

from daemon.calendar_file import read_calendar, write_calendar
from daemon.occurrences import BadCalendar
from rules.decision import OverrideOrder
from rules.imported_shifts import CalendarEvent, people_in, shifts_of
from rules.rotation import Override, Shift, on_call, shifts
from tests.builders import T0, at
from tests.desk import Desk
from tests.rosters import BERLIN, person, policy, roster, schedule

KNOWN = roster(people={p.id: p for p in (person("anna", name="Anna"), person("ab", name="Anna Berg"), person("ben"))})
HEAD = "BEGIN:VCALENDAR\r\nVERSION:2.0\r\nPRODID:-//x//y//EN\r\n"


def calendar(*events: str) -> bytes:
    """A calendar whose events have these further lines."""
    made = (
        f"BEGIN:VEVENT\r\nUID:{n}@x\r\nDTSTAMP:20261101T000000Z\r\n{e}\r\nEND:VEVENT\r\n" for n, e in enumerate(events)
    )
    return (HEAD + "".join(made) + "END:VCALENDAR\r\n").encode()


def read(*events: str, days: int = 14) -> tuple[CalendarEvent, ...]:
    return read_calendar(calendar(*events), BERLIN, T0, T0 + timedelta(days=days))


@pytest.mark.parametrize(
    ("summary", "attendees", "people"),
    [
        ("On call: Anna Berg", (), ("ab",)),
        ("on call: anna", (), ("anna",)),
        ("ben (primary)", (), ("ben",)),
        ("Annabel", (), ()),
        ("Anna and Ben", (), ("anna", "ben")),
        ("On call", ("ben@x.net", ""), ("ben",)),
        ("On call: Anna", ("BEN@x.net",), ("ben",)),
        ("On call", ("Anna Berg",), ("ab",)),
        ("On call", ("stranger@x.net",), ()),
    ],
)
def test_an_event_names_people(summary: str, attendees: tuple[str, ...], people: tuple[str, ...]) -> None:
    assert people_in(KNOWN, CalendarEvent(starts_at=T0, ends_at=at(60), summary=summary, attendees=attendees)) == people


def test_repeating_events_are_taken_one_by_one_with_clocks_that_change() -> None:
    found = read_calendar(
        calendar(
            "SUMMARY:anna\r\nDTSTART;TZID=Europe/Berlin:20260327T200000\r\nDURATION:PT12H\r\nRRULE:FREQ=DAILY;COUNT=3"
        ),
        BERLIN,
        datetime(2026, 3, 1, tzinfo=UTC),
        datetime(2026, 4, 1, tzinfo=UTC),
    )
    assert [e.starts_at for e in found] == [
        datetime(2026, 3, 27, 19, tzinfo=UTC),
        datetime(2026, 3, 28, 19, tzinfo=UTC),
        datetime(2026, 3, 29, 18, tzinfo=UTC),
    ]


def test_whole_days_and_times_without_a_zone_are_those_of_the_schedule() -> None:
    day, floating = read(
        "SUMMARY:anna\r\nDTSTART;VALUE=DATE:20261126\r\nDTEND;VALUE=DATE:20261127",
        "SUMMARY:ben\r\nDTSTART:20261128T080000\r\nDTEND:20261128T200000",
    )
    assert (day.starts_at, day.ends_at) == (
        datetime(2026, 11, 25, 23, tzinfo=UTC),
        datetime(2026, 11, 26, 23, tzinfo=UTC),
    )
    assert floating.starts_at == datetime(2026, 11, 28, 7, tzinfo=UTC)


def test_cancelled_and_past_events_are_left_out() -> None:
    assert not read(
        "SUMMARY:anna\r\nSTATUS:CANCELLED\r\nDTSTART:20261126T080000Z\r\nDTEND:20261126T200000Z",
        "SUMMARY:anna\r\nDTSTART:20261101T080000Z\r\nDTEND:20261101T200000Z",
    )


@pytest.mark.parametrize(
    "raw",
    [
        b"",
        b"hello",
        b"\xff\xfe",
        HEAD.encode(),
        calendar("SUMMARY:x\r\nDTSTART:yesterday"),
        calendar("SUMMARY:x\r\nDTSTART:20261126T080000Z\r\nRRULE:FREQ=SECONDLY"),
        calendar("SUMMARY:x\r\nDTSTART:20261126T080000Z\r\nRRULE:FREQ=DAILY;BYMINUTE=1,2,3"),
        calendar(*["SUMMARY:x\r\nDTSTART:20261126T080000Z\r\nRRULE:FREQ=DAILY"] * 201),
        b"x" * (2**20 + 1),
    ],
)
def test_what_is_no_calendar_or_would_never_end_is_refused(raw: bytes) -> None:
    with pytest.raises(BadCalendar, match=r"calendar|repeats"):
        read_calendar(raw, BERLIN, T0, T0 + timedelta(days=14))


def imported(desk: Desk, *found: Override) -> str:
    order = OverrideOrder(id="i", at=T0, actor="olga", schedule="rota", shifts=found, until=T0 + timedelta(days=30))
    return desk.decide(order).replies[0].message


def test_an_import_takes_the_place_of_the_last_one_and_leaves_peoples_overrides() -> None:
    desk = Desk(policy=policy())
    known = desk.situation.policy.roster
    first = [CalendarEvent(starts_at=at(h * 3600), ends_at=at(h * 3600 + 3600), summary="ben") for h in (1, 2)]
    second = [first[0], CalendarEvent(starts_at=at(9 * 3600), ends_at=at(10 * 3600), summary="ben")]
    for events in (first, second, second):
        found, unknown = shifts_of(known, "rota", events, "olga", T0)
        assert not unknown
        said = imported(desk, *found)
    assert said.endswith("in place of 0 earlier ones")
    live = [o for o in desk.situation.overrides.values() if o.ends_at > T0]
    assert sorted(o.starts_at for o in live) == [at(3600), at(9 * 3600)]
    rota = known.schedules["rota"]
    hours = [on_call(rota, live, at(h * 3600 + 60)) for h in (0, 1, 2, 9)]
    assert hours == [("anna",), ("ben",), ("anna",), ("ben",)]


def test_an_import_for_strangers_is_refused_whole() -> None:
    desk = Desk(policy=policy())
    good = Override(
        id="a",
        schedule="rota",
        people=("ben",),
        starts_at=T0,
        ends_at=at(60),
        made_by="x",
        made_at=T0,
        is_imported=True,
    )
    bad = Override(
        id="b",
        schedule="rota",
        people=("who",),
        starts_at=T0,
        ends_at=at(60),
        made_by="x",
        made_at=T0,
        is_imported=True,
    )
    assert "nobody is known as who; allowed: anna, ben, olga, zoe" in imported(desk, good, bad)
    assert not desk.situation.overrides


def test_an_export_is_the_same_for_the_same_shifts_and_folds_long_names() -> None:
    long = person("anna", name="Anna " + "ä" * 80)
    made = write_calendar(
        roster(people={"anna": long}), "rota", [Shift(starts_at=T0, ends_at=at(60), people=("anna",), source="x")], T0
    )
    assert made == write_calendar(
        roster(people={"anna": long}), "rota", [Shift(starts_at=T0, ends_at=at(60), people=("anna",), source="x")], T0
    )
    assert all(len(line) <= 75 for line in made.split(b"\r\n"))
    (event,) = read_calendar(made, BERLIN, T0, at(3600))
    assert event.person == "anna"
    assert event.summary == f"On call: {long.name}"


def test_an_event_of_ours_names_its_person_even_where_two_have_one_name() -> None:
    twins = roster(people={p.id: p for p in (person("a", name="Kim"), person("b", name="Kim"))})
    made = write_calendar(twins, "rota", [Shift(starts_at=T0, ends_at=at(60), people=("b",), source="x")], T0)
    found, _ = shifts_of(twins, "rota", read_calendar(made, BERLIN, T0, at(3600)), "x", T0)
    assert [s.people for s in shifts(schedule(), found, T0, at(60))] == [("b",)]
