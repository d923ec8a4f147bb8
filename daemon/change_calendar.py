"""Changes as an iCalendar (RFC 5545): a feed for people's calendars, and changes from a calendar's file."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import Any

import icalendar

from rules.errors import IncidentdError
from rules.record import Change, ChangeStatus

LARGEST_CALENDAR = 1 * 2**20
MOST_EVENTS = 500
_CIS = "X-INCIDENTD-CI"
_CALLED_OFF = frozenset({ChangeStatus.CANCELLED, ChangeStatus.REJECTED})
_FIRM = frozenset({ChangeStatus.APPROVED, ChangeStatus.IN_PROGRESS, ChangeStatus.DONE, ChangeStatus.CLOSED})


class BadCalendar(IncidentdError):
    """The text is not a calendar that can be used; the text says why."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Event:
    """One event of a calendar, as far as a change is made of it; texts are empty where it has none."""

    uid: str
    title: str
    description: str
    starts_at: datetime
    ends_at: datetime
    cis: tuple[str, ...]
    url: str
    is_cancelled: bool


def write_changes(changes: Iterable[Change]) -> bytes:
    """One event for each change, in UTC; the same change is the same event (UID) in every export."""
    calendar = icalendar.Calendar()
    calendar.add("prodid", "-//incidentd//changes//EN")
    calendar.add("version", "2.0")
    calendar.add("x-wr-calname", "Changes")
    for change in changes:
        calendar.add_component(_component(change))
    return bytes(calendar.to_ical())


def read_changes(raw: bytes) -> tuple[Event, ...]:
    """The events of a calendar by beginning and UID; times without a zone are in UTC. Raises BadCalendar."""
    if len(raw) > LARGEST_CALENDAR:
        raise BadCalendar(f"the calendar is larger than {LARGEST_CALENDAR >> 20} MiB")
    try:
        components = list(icalendar.Calendar.from_ical(raw).walk("VEVENT"))
        events = [_event(component) for component in components[: MOST_EVENTS + 1]]
    except BadCalendar:
        raise
    except Exception as error:  # noqa: BLE001  the library raises what it likes about bad input
        raise BadCalendar(f"this is not a calendar (iCalendar, RFC 5545): {str(error)[:200]}") from None
    if len(events) > MOST_EVENTS:
        raise BadCalendar(f"the calendar has more than {MOST_EVENTS} events")
    return tuple(sorted(events, key=lambda e: (e.starts_at, e.uid)))


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


def _event(component: Any) -> Event:
    uid, title = str(component.get("UID", "")).strip(), str(component.get("SUMMARY", "")).strip()
    if not uid:
        raise BadCalendar(f'the event "{title[:80]}" has no UID')
    if "RRULE" in component or "RDATE" in component:
        raise BadCalendar(f'the event "{title[:80]}" repeats; allowed: events that happen once')
    starts_at, ends_at = _instant(component.start), _instant(component.end)
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
        is_cancelled=str(component.get("STATUS", "")).upper() == "CANCELLED",
    )


def _instant(value: date | datetime) -> datetime:
    if not isinstance(value, datetime):
        value = datetime(value.year, value.month, value.day, tzinfo=UTC)
    return (value if value.tzinfo is not None else value.replace(tzinfo=UTC)).astimezone(UTC)


def _texts(component: Any, name: str) -> list[str]:
    """The words of a property that may stand several times and hold several of them, with commas between."""
    given = component.get(name, [])
    values = given if isinstance(given, list) else [given]
    return [word.strip() for value in values for word in str(value).split(",") if word.strip()]
