"""iCalendar (RFC 5545) at the edge: from a calendar's text to the events in it, and from shifts to a calendar."""

import hashlib
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import icalendar

from daemon.occurrences import instant, is_cancelled, occurrences, opened_calendar
from rules.imported_shifts import CalendarEvent
from rules.roster import Roster
from rules.rotation import Shift

MOST_EVENTS = 5_000
HORIZON = timedelta(days=400)
"""How far ahead events are taken from a calendar, which may repeat for ever; a choice: a year and a month."""

_PERSON = "X-INCIDENTD-PERSON"


def read_calendar(raw: bytes, zone: ZoneInfo, begin: datetime, end: datetime) -> tuple[CalendarEvent, ...]:
    """The occurrences that overlap the stretch, in order; cancelled ones are left out.

    Whole days and times without a zone are those of `zone`. Raises BadCalendar.
    """
    with opened_calendar(raw) as calendar:
        found = {_event(c, zone) for c in occurrences(calendar, begin, end, MOST_EVENTS) if not is_cancelled(c)}
    inside = (e for e in found if e.starts_at < end and e.ends_at > begin)
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


def _event(component: Any, zone: ZoneInfo) -> CalendarEvent:
    return CalendarEvent(
        starts_at=instant(component.start, zone),
        ends_at=instant(component.end, zone),
        summary=str(component.get("SUMMARY", "")),
        attendees=tuple(_attendees(component)),
        person=str(component.get(_PERSON, "")),
    )


def _attendees(component: Any) -> Iterable[str]:
    given = component.get("ATTENDEE", [])
    for attendee in given if isinstance(given, list) else [given]:
        text = str(attendee)
        yield text[len("mailto:") :] if text.lower().startswith("mailto:") else text
        yield str(attendee.params.get("CN", ""))
