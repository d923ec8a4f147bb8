"""Calendars of others (iCalendar, RFC 5545): read with care, and what repeats in them worked out one by one."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, date, datetime, timedelta, tzinfo
from typing import Any

import icalendar
import recurring_ical_events

from rules.errors import IncidentdError

LARGEST_CALENDAR = 1 * 2**20
_DAY = timedelta(days=1)
_MONTH = timedelta(days=28)
_MOST_RULES = 200
_TOO_OFTEN = frozenset({"SECONDLY", "MINUTELY", "HOURLY"})


class BadCalendar(IncidentdError):
    """The text is not a calendar that can be used; the text says why."""


@contextmanager
def opened_calendar(raw: bytes) -> Iterator[Any]:
    """The calendar, to be read inside the block: whatever the libraries raise about it becomes a BadCalendar."""
    if len(raw) > LARGEST_CALENDAR:
        raise BadCalendar(f"the calendar is larger than {LARGEST_CALENDAR >> 20} MiB")
    try:
        calendar = icalendar.Calendar.from_ical(raw)
        _refuse_floods(calendar)
        yield calendar
    except BadCalendar:
        raise
    except Exception as error:  # noqa: BLE001  the libraries raise what they like about bad input
        raise BadCalendar(f"this is not a calendar (iCalendar, RFC 5545): {str(error)[:200]}") from None


def occurrences(calendar: Any, begin: datetime, end: datetime, most: int) -> Iterator[Any]:
    """Every event of the stretch and a day around it, one for each time that it happens, in no certain order.

    BadCalendar where there are more than `most` of them; they are worked out a month at a time, so that this is noticed
    early. The same one may come twice, where it lasts from one month into the next.
    """
    query = recurring_ical_events.of(calendar, components=["VEVENT"])
    # A day wider: a whole day or a time without a zone may be elsewhere in UTC.
    at, last = begin - _DAY, end + _DAY
    seen: set[tuple[str, str]] = set()
    while at < last:
        for component in query.between(at, min(at + _MONTH, last)):
            seen.add((str(component.get("UID", "")), str(component.start)))
            yield component
        if len(seen) > most:
            raise BadCalendar(f"the calendar has more than {most} events in {(end - begin).days} days")
        at += _MONTH


def instant(value: date | datetime, zone: tzinfo) -> datetime:
    """In UTC; whole days and times without a zone are those of `zone`."""
    if not isinstance(value, datetime):
        value = datetime(value.year, value.month, value.day, tzinfo=zone)
    return (value if value.tzinfo is not None else value.replace(tzinfo=zone)).astimezone(UTC)


def is_cancelled(component: Any) -> bool:
    """Whether the event was called off."""
    return str(component.get("STATUS", "")).upper() == "CANCELLED"


def _refuse_floods(calendar: Any) -> None:
    """Refuse what would repeat so often that working it out takes for ever."""
    rules = [rule for event in calendar.walk("VEVENT") for rule in _rules_of(event)]
    if len(rules) > _MOST_RULES:
        raise BadCalendar(f"the calendar has more than {_MOST_RULES} events that repeat")
    for rule in rules:
        often = {str(word).upper() for word in rule.get("FREQ", [])} & _TOO_OFTEN
        if often or "BYMINUTE" in rule or "BYSECOND" in rule:
            raise BadCalendar("an event repeats too often; allowed: DAILY or less often, without BYMINUTE and BYSECOND")


def _rules_of(event: Any) -> list[Any]:
    given = event.get("RRULE", [])
    return given if isinstance(given, list) else [given]
