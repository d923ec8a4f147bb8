"""Changes from calendars: what repeats is a change each time, and stays the same one wherever it is moved."""

from datetime import UTC, datetime, timedelta

import pytest

from daemon.change_calendar import HORIZON, Event, read_changes, series_of
from daemon.occurrences import BadCalendar
from tests.builders import T0

SERIES = "UID:a\nSUMMARY:patch day\nDURATION:PT1H\nX-INCIDENTD-CI:tor-3a\nDTSTART;TZID=Europe/Berlin:20261124T220000"
WEEKLY = f"{SERIES}\nRRULE:FREQ=WEEKLY;COUNT=4"


def read(*events: str, now: datetime = T0) -> dict[str, Event]:
    made = "".join(f"BEGIN:VEVENT\nDTSTAMP:20261101T000000Z\n{e}\nEND:VEVENT\n" for e in events)
    found = read_changes(f"BEGIN:VCALENDAR\nVERSION:2.0\n{made}END:VCALENDAR\n".encode(), now)
    assert list(found.events) == sorted(found.events, key=lambda e: (e.starts_at, e.uid))
    return {event.uid: event for event in found.events}


def moment(day: int, hour: int = 21, month: int = 11) -> datetime:
    return datetime(2026, month, day, hour, tzinfo=UTC)


def exception(planned: str, begin: str, *more: str, params: str = "") -> str:
    """One time of the series that is otherwise than the rule says."""
    head = "UID:a\nSUMMARY:patch day\nDURATION:PT2H"
    times = f"RECURRENCE-ID{params};TZID=Europe/Berlin:{planned}\nDTSTART;TZID=Europe/Berlin:{begin}"
    return "\n".join((head, times, *more))


def test_each_time_is_a_change_of_its_own() -> None:
    found = read(WEEKLY)
    assert list(found) == ["a#20261124T210000Z", "a#20261201T210000Z", "a#20261208T210000Z", "a#20261215T210000Z"]
    first = found["a#20261124T210000Z"]
    assert (first.title, first.starts_at, first.ends_at) == ("patch day", moment(24), moment(24, 22))
    assert {e.cis for e in found.values()} == {("tor-3a",)}
    assert {series_of(uid) for uid in found} == {"a"}


def test_an_hour_on_the_wall_stays_when_clocks_change() -> None:
    found = read(
        "UID:d\nDURATION:PT1H\nDTSTART;TZID=Europe/Berlin:20261024T220000\nRRULE:FREQ=DAILY;COUNT=2",
        now=moment(1, month=10),
    )
    assert [e.starts_at.hour for e in found.values()] == [20, 21]


def test_what_is_excepted_is_left_out_and_what_is_added_is_there() -> None:
    found = read(f"{WEEKLY}\nEXDATE;TZID=Europe/Berlin:20261201T220000\nRDATE;TZID=Europe/Berlin:20261203T220000")
    assert [e.starts_at for e in found.values()] == [
        moment(24),
        moment(3, month=12),
        moment(8, month=12),
        moment(15, month=12),
    ]


def test_one_that_was_moved_or_called_off_is_still_the_same() -> None:
    moved = exception("20261201T220000", "20261203T080000")
    off = exception("20261208T220000", "20261208T220000", "STATUS:CANCELLED")
    found = read(WEEKLY, moved, off)
    assert list(found) == ["a#20261124T210000Z", "a#20261201T210000Z", "a#20261208T210000Z", "a#20261215T210000Z"]
    assert found["a#20261201T210000Z"].starts_at == moment(3, 7, month=12)
    assert [uid for uid, e in found.items() if e.is_cancelled] == ["a#20261208T210000Z"]


def test_all_that_follow_a_move_stay_the_same_each() -> None:
    found = read(WEEKLY, exception("20261201T220000", "20261202T100000", params=";RANGE=THISANDFUTURE"))
    assert {uid: e.starts_at for uid, e in found.items()} == {
        "a#20261124T210000Z": moment(24),
        "a#20261201T210000Z": moment(2, 9, month=12),
        "a#20261208T210000Z": moment(9, 9, month=12),
        "a#20261215T210000Z": moment(16, 9, month=12),
    }


def test_what_repeats_for_ever_is_taken_for_a_year_from_now() -> None:
    now = moment(30)
    found = list(read(f"{SERIES}\nRRULE:FREQ=DAILY", now=now).values())
    assert found[0].starts_at == now
    assert len(found) == HORIZON.days
    assert found[-1].starts_at < now + HORIZON
    later = read(f"{SERIES}\nRRULE:FREQ=DAILY", now=now + timedelta(minutes=59))
    assert next(iter(later)) == found[0].uid


def test_what_happens_once_is_known_by_its_uid_alone() -> None:
    (event,) = read("UID:b#1\nDTSTART:20200101T000000Z\nDTEND:20200101T010000Z").values()
    assert (event.uid, series_of(event.uid), event.title) == ("b#1", "b#1", "b#1")


@pytest.mark.parametrize(
    ("events", "says"),
    [
        ([f"{SERIES.replace('UID:a', f'UID:{n}')}\nRRULE:FREQ=DAILY" for n in range(3)], "more than 1000 events"),
        ([f"{SERIES}\nRRULE:FREQ=SECONDLY"], "repeats too often"),
        (["SUMMARY:x\nDTSTART:20261124T220000Z\nRRULE:FREQ=DAILY"], 'the event "x" has no UID'),
        ([f"{SERIES}\nRRULE:FREQ=SOMETIMES"], "not a calendar"),
    ],
)
def test_floods_and_nonsense_are_refused_in_words(events: list[str], says: str) -> None:
    with pytest.raises(BadCalendar, match=says):
        read(*events)
