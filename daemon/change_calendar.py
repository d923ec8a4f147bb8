"""Changes as an iCalendar (RFC 5545): a feed for people's calendars, and changes from a calendar's file."""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import icalendar

from daemon.occurrences import BadCalendar, instant, is_cancelled, occurrences, opened_calendar
from rules.record import Change, ChangeStatus

MOST_EVENTS = 1000
HORIZON = timedelta(days=366)
"""How far ahead changes are made of events that repeat, perhaps for ever; a choice: a year, so that what happens once a
year is there."""

_CIS = "X-INCIDENTD-CI"
_REPEATS = ("RRULE", "RDATE", "RECURRENCE-ID")
_FORMAT = "#%Y%m%dT%H%M%SZ"
_STAMP = re.compile(r"#[0-9]{8}T[0-9]{6}Z\Z")
_CALLED_OFF = frozenset({ChangeStatus.CANCELLED, ChangeStatus.REJECTED})
_FIRM = frozenset({ChangeStatus.APPROVED, ChangeStatus.IN_PROGRESS, ChangeStatus.DONE, ChangeStatus.CLOSED})


@dataclass(frozen=True, slots=True, kw_only=True)
class Event:
    """One event of a calendar, as far as a change is made of it; texts are empty where it has none.

    Where it repeats, each time that it happens is an event of its own: its `uid` is then that of the whole with the
    moment for which it was planned at first (`series_of`), so that one that was moved is still the same.
    """

    uid: str
    title: str
    description: str
    starts_at: datetime
    ends_at: datetime
    cis: tuple[str, ...]
    url: str
    is_cancelled: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class ChangeCalendar:
    """What a calendar says of changes: its events by beginning and UID, and every UID in it, also of what is over."""

    events: tuple[Event, ...]
    uids: frozenset[str]


def write_changes(changes: Iterable[Change]) -> bytes:
    """One event for each change, in UTC; the same change is the same event (UID) in every export."""
    calendar = icalendar.Calendar()
    calendar.add("prodid", "-//incidentd//changes//EN")
    calendar.add("version", "2.0")
    calendar.add("x-wr-calname", "Changes")
    for change in changes:
        calendar.add_component(_component(change))
    return bytes(calendar.to_ical())


def read_changes(raw: bytes, now: datetime) -> ChangeCalendar:
    """The events of a calendar; of those that repeat each time that goes on at `now` or lies ahead, up to `HORIZON`.

    Times without a zone are in UTC. Raises BadCalendar.
    """
    with opened_calendar(raw) as calendar:
        components = list(calendar.walk("VEVENT"))
        repeating = {_uid(c) for c in components if any(name in c for name in _REPEATS)}
        once = [_event(c, _uid(c)) for c in components if _uid(c) not in repeating]
        again = _repeated(calendar, repeating, now) if repeating else []
    if len(once) + len(again) > MOST_EVENTS:
        raise BadCalendar(f"the calendar has more than {MOST_EVENTS} events")
    events = sorted((*once, *again), key=lambda e: (e.starts_at, e.uid))
    return ChangeCalendar(events=tuple(events), uids=frozenset(map(_uid, components)))


def series_of(uid: str) -> str:
    """The UID of the event that repeats, of one time that it happens; any other is its own."""
    return _STAMP.sub("", uid)


def _repeated(calendar: Any, repeating: set[str], now: datetime) -> list[Event]:
    """Every time at which one of the repeating events goes on or lies ahead."""
    shifts, found = _shifts(calendar), {}
    for component in occurrences(calendar, now, now + HORIZON, MOST_EVENTS):
        series = _uid(component)
        if series in repeating:
            planned = _planned_at(component, shifts.get((series, _recurrence(component))))
            event = _event(component, f"{series}{planned:{_FORMAT}}")
            if event.ends_at > now and event.starts_at < now + HORIZON:
                found[event.uid] = event
    return list(found.values())


def _shifts(calendar: Any) -> dict[tuple[str, str], timedelta]:
    """By how much "this and all that follow" were moved, by series and the first that was (RFC 5545, 3.8.4.4)."""
    return {
        (_uid(c), _recurrence(c)): c.start - c["RECURRENCE-ID"].dt
        for c in calendar.walk("VEVENT")
        if "RECURRENCE-ID" in c and str(c["RECURRENCE-ID"].params.get("RANGE", "")).upper() == "THISANDFUTURE"
    }


def _planned_at(component: Any, shift: timedelta | None) -> datetime:
    """When this time of an event was planned at first: what tells it from the others, wherever it was moved."""
    return instant(component["RECURRENCE-ID"].dt if shift is None else component.start - shift, UTC)


def _recurrence(component: Any) -> str:
    return str(component["RECURRENCE-ID"].dt)


def _uid(component: Any) -> str:
    uid = str(component.get("UID", "")).strip()
    if not uid:
        raise BadCalendar(f'the event "{str(component.get("SUMMARY", ""))[:80]}" has no UID')
    return uid


def _component(change: Change) -> icalendar.Event:
    event = icalendar.Event()
    event.add("uid", change.uid or f"{change.key}@incidentd")
    event.add("dtstamp", change.updated_at)
    event.add("sequence", change.version)
    event.add("dtstart", change.starts_at)
    event.add("dtend", change.ends_at)
    event.add("summary", f"{change.key} {change.title}")
    event.add("description", change.description)
    event.add("status", _status(change))
    if change.url:
        event.add("url", change.url)
    for ci in change.cis:
        event.add(_CIS.lower(), ci)
    return event


def _status(change: Change) -> str:
    if change.status in _CALLED_OFF:
        return "CANCELLED"
    return "CONFIRMED" if change.status in _FIRM else "TENTATIVE"


def _event(component: Any, uid: str) -> Event:
    title = str(component.get("SUMMARY", "")).strip()
    starts_at, ends_at = instant(component.start, UTC), instant(component.end, UTC)
    if ends_at <= starts_at:
        raise BadCalendar(f'the event "{title[:80]}" does not end after it begins')
    return Event(
        uid=uid,
        title=title or uid,
        description=str(component.get("DESCRIPTION", "")),
        starts_at=starts_at,
        ends_at=ends_at,
        cis=tuple(dict.fromkeys(_texts(component, _CIS) or _texts(component, "RESOURCES"))),
        url=str(component.get("URL", "")),
        is_cancelled=is_cancelled(component),
    )


def _texts(component: Any, name: str) -> list[str]:
    """The words of a property that may stand several times and hold several of them, with commas between."""
    given = component.get(name, [])
    values = given if isinstance(given, list) else [given]
    return [word.strip() for value in values for word in str(value).split(",") if word.strip()]
