"""Calendars as on-call schedules: whom an event names, and the shifts that follow."""

import hashlib
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime

from rules.roster import Person, Roster
from rules.rotation import Override


@dataclass(frozen=True, slots=True, kw_only=True)
class CalendarEvent:
    """One occurrence in a calendar, in aware UTC. `attendees` are mail addresses and names as they stand there.

    `person` is the id that our own export puts into a property of its own; empty in other calendars.
    """

    starts_at: datetime
    ends_at: datetime
    summary: str
    attendees: tuple[str, ...] = ()
    person: str = ""


def people_in(roster: Roster, event: CalendarEvent) -> tuple[str, ...]:
    """Ids of the people whom the event names, in order: its attendees, else its summary; ours say it outright.

    An attendee is a person by mail address, id or name. A summary names everybody whose whole name stands in it, as in
    `On call: Anna Berg`, or else whose id does.
    """
    if event.person in roster.people:
        return (event.person,)
    attending = {p.id for p in roster.people.values() for word in event.attendees if _is_named(p, word)}
    if attending:
        return tuple(sorted(attending))
    by_name = [p for p in roster.people.values() if _stands_in(p.name, event.summary)]
    # Where Anna Berg is named, Anna is not.
    whole = {p.id for p in by_name if not any(p.name != o.name and _stands_in(p.name, o.name) for o in by_name)}
    by_id = {p.id for p in roster.people.values() if _stands_in(p.id, event.summary)}
    return tuple(sorted(whole or by_id))


def shifts_of(
    roster: Roster, schedule: str, events: Iterable[CalendarEvent], made_by: str, now: datetime
) -> tuple[tuple[Override, ...], tuple[CalendarEvent, ...]]:
    """The shifts in the calendar, and the events that name nobody. The same shift has the same id in every import."""
    found: dict[str, Override] = {}
    unknown = []
    for event in events:
        people = people_in(roster, event)
        if event.ends_at <= event.starts_at or event.ends_at <= now:
            continue
        if not people:
            unknown.append(event)
            continue
        identity = _identity(schedule, event, people)
        found[identity] = Override(
            id=identity,
            schedule=schedule,
            people=people,
            starts_at=event.starts_at,
            ends_at=event.ends_at,
            made_by=made_by,
            made_at=now,
            reason=event.summary[:200],
            is_imported=True,
        )
    return tuple(sorted(found.values(), key=lambda o: (o.starts_at, o.id))), tuple(unknown)


def _is_named(person: Person, word: str) -> bool:
    word = word.strip().lower()
    return bool(word) and (word in person.mail_addresses or word in (person.id.lower(), person.name.lower()))


def _stands_in(name: str, text: str) -> bool:
    """Whether it stands there as words of its own, in whatever case."""
    return bool(name) and bool(re.search(rf"(?<!\w){re.escape(name)}(?!\w)", text, re.IGNORECASE))


def _identity(schedule: str, event: CalendarEvent, people: Sequence[str]) -> str:
    parts = (schedule, event.starts_at.isoformat(), event.ends_at.isoformat(), *people)
    return f"cal-{hashlib.blake2b(chr(0).join(parts).encode(), digest_size=9).hexdigest()}"
