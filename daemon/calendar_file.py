"""iCalendar (RFC 5545) at the edge: from a calendar's text to the events in it, and from shifts to a calendar."""

import hashlib
from collections.abc import Iterable
from datetime import UTC, date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import icalendar
import recurring_ical_events

from rules.errors import IncidentdError
from rules.imported_shifts import CalendarEvent
from rules.roster import Roster
from rules.rotation import Shift

LARGEST_CALENDAR = 1 * 2**20
MOST_EVENTS = 5_000
HORIZON = timedelta(days=400)
"""How far ahead events are taken from a calendar, which may repeat for ever; a choice: a year and a month."""


_DAY = timedelta(days=1)
_MONTH = timedelta(days=28)
_MOST_RULES = 200
_TOO_OFTEN = frozenset({"SECONDLY", "MINUTELY", "HOURLY"})
_PERSON = "X-INCIDENTD-PERSON"


class BadCalendar(IncidentdError):
    """The text is not a calendar that can be used; the text says why."""


def read_calendar(raw: bytes, zone: ZoneInfo, begin: datetime, end: datetime) -> tuple[CalendarEvent, ...]:
    """The occurrences that overlap the stretch, in order; cancelled ones are left out.

    Whole days and times without a zone are those of `zone`. Raises BadCalendar.
    """
    if len(raw) > LARGEST_CALENDAR:
        raise BadCalendar(f"the calendar is larger than {LARGEST_CALENDAR >> 20} MiB")
    try:
        calendar = icalendar.Calendar.from_ical(raw)
        _refuse_floods(calendar)
        events = _expanded(calendar, zone, begin, end)
    except BadCalendar:
        raise
    except Exception as error:  # noqa: BLE001  the libraries raise what they like about bad input
        raise BadCalendar(f"this is not a calendar (iCalendar, RFC 5545): {str(error)[:200]}") from None
    inside = (e for e in events if e.starts_at < end and e.ends_at > begin)
    return tuple(sorted(inside, key=lambda e: (e.starts_at, e.ends_at, e.summary)))


def write_calendar(roster: Roster, schedule: str, shifts: Iterable[Shift], made_at: datetime) -> bytes:
    """One event for each person and shift, in UTC; the same shifts are the same events (UID) in every export."""
    calendar = icalendar.Calendar()
    calendar.add("prodid", "-//incidentd//on call//EN")
    calendar.add("version", "2.0")
    calendar.add("x-wr-calname", f"On call: {schedule}")
    for shift in shifts:
        for person in shift.people:
            calendar.add_component(_component(roster, schedule, shift, person, made_at))
    return bytes(calendar.to_ical())


def _refuse_floods(calendar: Any) -> None:
    """Refuse what would repeat so often that working it out takes for ever."""
    rules = [rule for event in calendar.walk("VEVENT") for rule in _rules_of(event)]
    if len(rules) > _MOST_RULES:
        raise BadCalendar(f"the calendar has more than {_MOST_RULES} events that repeat")
    for rule in rules:
        often = {str(word).upper() for word in rule.get("FREQ", [])} & _TOO_OFTEN
        if often or "BYMINUTE" in rule or "BYSECOND" in rule:
            raise BadCalendar("an event repeats more often than people take turns; allowed: DAILY or less often")


def _rules_of(event: Any) -> list[Any]:
    given = event.get("RRULE", [])
    return given if isinstance(given, list) else [given]


def _expanded(calendar: Any, zone: ZoneInfo, begin: datetime, end: datetime) -> set[CalendarEvent]:
    """Every occurrence, worked out a month at a time, so that too many are noticed early."""
    query = recurring_ical_events.of(calendar, components=["VEVENT"])
    # A day wider: a whole day or a time without a zone may be elsewhere in UTC.
    at, last = begin - _DAY, end + _DAY
    found: set[CalendarEvent] = set()
    while at < last:
        found.update(_event(c, zone) for c in query.between(at, min(at + _MONTH, last)) if not _is_cancelled(c))
        at += _MONTH
        if len(found) > MOST_EVENTS:
            raise BadCalendar(f"the calendar has more than {MOST_EVENTS} events in {(end - begin).days} days")
    return found


def _component(roster: Roster, schedule: str, shift: Shift, person: str, made_at: datetime) -> icalendar.Event:
    seed = "\0".join((schedule, shift.starts_at.isoformat(), shift.ends_at.isoformat(), person))
    event = icalendar.Event()
    event.add("uid", f"{hashlib.sha256(seed.encode()).hexdigest()[:32]}@incidentd")
    event.add("dtstamp", made_at.astimezone(UTC))
    event.add("dtstart", shift.starts_at.astimezone(UTC))
    event.add("dtend", shift.ends_at.astimezone(UTC))
    event.add("summary", f"On call: {roster.name(person)}")
    event.add("categories", [schedule])
    event.add(_PERSON.lower(), person)
    event.add("transp", "TRANSPARENT")
    known = roster.people.get(person)
    for address in sorted(known.mail_addresses)[:1] if known is not None else ():
        attendee = icalendar.vCalAddress(f"mailto:{address}")
        attendee.params["CN"] = icalendar.vText(roster.name(person))
        event.add("attendee", attendee)
    return event


def _is_cancelled(component: Any) -> bool:
    return str(component.get("STATUS", "")).upper() == "CANCELLED"


def _event(component: Any, zone: ZoneInfo) -> CalendarEvent:
    return CalendarEvent(
        starts_at=_instant(component.start, zone),
        ends_at=_instant(component.end, zone),
        summary=str(component.get("SUMMARY", "")),
        attendees=tuple(_attendees(component)),
        person=str(component.get(_PERSON, "")),
    )


def _instant(value: date | datetime, zone: ZoneInfo) -> datetime:
    if not isinstance(value, datetime):
        value = datetime(value.year, value.month, value.day, tzinfo=zone)
    return (value if value.tzinfo is not None else value.replace(tzinfo=zone)).astimezone(UTC)


def _attendees(component: Any) -> Iterable[str]:
    given = component.get("ATTENDEE", [])
    for attendee in given if isinstance(given, list) else [given]:
        text = str(attendee)
        yield text[len("mailto:") :] if text.lower().startswith("mailto:") else text
        yield str(attendee.params.get("CN", ""))
