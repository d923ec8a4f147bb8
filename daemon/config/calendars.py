"""The `calendars` of `rules.yaml`: from what people write to hours and dates.

Public holidays are looked up here, once, so that the core only ever sees dates.
"""

import re
from collections.abc import Iterator, Mapping
from datetime import date
from typing import Annotated, Any
from zoneinfo import ZoneInfo

from pydantic import Field

from daemon.config.context import Context
from daemon.config.document import Loc
from daemon.config.fields import Name, Texts, suggestion
from daemon.config.schema import Section, Zone
from rules.calendar import ALWAYS, DAY_MINUTES, Calendar
from rules.wallclock import DAYS

HOLIDAY_YEARS = range(2015, 2051)
"""Years whose public holidays are known; recordings from before have none, and nothing is promised for after."""

_WHOLE_NAMES = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
_HOURS = re.compile(r"([01][0-9]|2[0-4]):([0-5][0-9])-([01][0-9]|2[0-4]):([0-5][0-9])", re.ASCII)
_HOURS_ALLOWED = "allowed: as in 08:00-17:00, or 22:00-06:00 into the next day"
_DAYS_ALLOWED = "allowed: mon to sun, or several as in mon-fri"

Hours = tuple[tuple[int, int], ...]


class CalendarSection(Section):
    """When work is owed: hours by weekday, less holidays and other closed days."""

    name: Name
    time_zone: Zone = "UTC"
    hours: Annotated[dict[str, Texts], Field(min_length=1)]
    holidays: Texts = Field(default_factory=list)
    closed: Texts = Field(default_factory=list)


def read_calendars(context: Context, raw: Mapping[str, Any]) -> dict[str, Calendar]:
    """All calendars by name, the one around the clock among them; every mistake is a problem of the document."""
    found = {ALWAYS.name: ALWAYS}
    for loc, item in context.items(("calendars",), raw.get("calendars")):
        section = context.section(loc, item, CalendarSection)
        if section is None:
            continue
        if section.name in found:
            context.problem((*loc, "name"), f'the name "{section.name}" is taken', "allowed: each name once, not 24x7")
        found.setdefault(section.name, _calendar(context, loc, section))
    return found


def _calendar(context: Context, loc: Loc, section: CalendarSection) -> Calendar:
    week: list[Hours] = [()] * len(DAYS)
    for words, texts in section.hours.items():
        place = (*loc, "hours", words)
        hours = tuple(h for text in texts if (h := _hours(context, place, text)) is not None)
        for day in _days(context, place, words):
            week[day] += hours
    closed = {at for text in section.closed if (at := _date(context, (*loc, "closed"), text)) is not None}
    for place_name in section.holidays:
        closed |= _holidays(context, (*loc, "holidays"), place_name)
    calendar = Calendar(
        name=section.name, zone=ZoneInfo(section.time_zone), hours=tuple(week), closed=frozenset(closed)
    )
    if not calendar.weekly:
        context.problem((*loc, "hours"), "hours holds no working time", _HOURS_ALLOWED)
    return calendar


def _days(context: Context, loc: Loc, words: str) -> Iterator[int]:
    """The weekdays that `mon`, `Monday` or `fri-mon` means, Monday being 0."""
    ends = [_day(word) for word in words.lower().split("-")]
    first, last = ends[0], ends[-1]
    if len(ends) > 2 or first is None or last is None:
        context.problem(loc, f'"{words[:40]}" is no day of the week', _DAYS_ALLOWED)
        return
    for step in range((last - first) % len(DAYS) + 1):
        yield (first + step) % len(DAYS)


def _day(word: str) -> int | None:
    word = word.strip()
    for names in (DAYS, _WHOLE_NAMES):
        if word in names:
            return names.index(word)
    return None


def _hours(context: Context, loc: Loc, text: str) -> tuple[int, int] | None:
    found = _HOURS.fullmatch(text.replace(" ", ""))
    if found is None:
        context.problem(loc, f'"{text[:40]}" is not working hours', _HOURS_ALLOWED)
        return None
    begin, end = int(found[1]) * 60 + int(found[2]), int(found[3]) * 60 + int(found[4])
    if begin >= DAY_MINUTES or end > DAY_MINUTES:
        context.problem(loc, f'"{text[:40]}" leaves the day', "allowed: 00:00 to 24:00")
        return None
    return begin, end if end > begin else end + DAY_MINUTES


def _date(context: Context, loc: Loc, text: str) -> date | None:
    try:
        return date.fromisoformat(text)
    except ValueError:
        context.problem(loc, f'closed: "{text[:40]}" is no date', "allowed: as in 2026-12-24")
        return None


def _holidays(context: Context, loc: Loc, text: str) -> set[date]:
    """The public holidays of `DE`, or of `DE-BY` with its subdivision."""
    import holidays  # takes its time, and few need it

    country, _, subdivision = text.partition("-")
    known = holidays.list_supported_countries()
    if country not in known:
        near = suggestion(country, known).partition("; allowed")[0]
        hint = f"{near}; " if near.startswith("did") else ""
        context.problem(
            loc, f'holidays: no country "{text[:40]}" is known', f"{hint}allowed: ISO 3166 codes, as in DE or DE-BY"
        )
        return set()
    if subdivision and subdivision not in known[country]:
        allowed = f"allowed: {', '.join(known[country])}" if known[country] else f"allowed: {country} alone"
        context.problem(loc, f'holidays: {country} has no part "{subdivision[:40]}"', allowed)
        return set()
    return set(holidays.country_holidays(country, subdiv=subdivision or None, years=HOLIDAY_YEARS))
