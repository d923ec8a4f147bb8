"""The `calendars` of `rules.yaml`: from what people write to hours and dates.

Public holidays are looked up here, once, so that the core only ever sees dates.
"""

from collections.abc import Mapping
from datetime import date
from typing import Any
from zoneinfo import ZoneInfo

from pydantic import Field

from daemon.config.context import Context
from daemon.config.document import Loc
from daemon.config.fields import Name, Texts, suggestion
from daemon.config.hours import HOURS_ALLOWED, minutes_of, read_hours
from daemon.config.schema import Section, Zone
from rules.calendar import ALWAYS, Calendar
from rules.wallclock import DAYS

HOLIDAY_YEARS = range(2015, 2051)
"""Years whose public holidays are known; recordings from before have none, and nothing is promised for after."""


class CalendarSection(Section):
    """When work is owed: hours by weekday, less holidays and other closed days."""

    name: Name
    time_zone: Zone = "UTC"
    hours: Any
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
    week: list[tuple[tuple[int, int], ...]] = [()] * len(DAYS)
    for hours in read_hours(context, (*loc, "hours"), section.hours):
        for day in hours.days:
            week[day] += (minutes_of(hours),)
    closed = {at for text in section.closed if (at := _date(context, (*loc, "closed"), text)) is not None}
    for place_name in section.holidays:
        closed |= _holidays(context, (*loc, "holidays"), place_name)
    calendar = Calendar(
        name=section.name, zone=ZoneInfo(section.time_zone), hours=tuple(week), closed=frozenset(closed)
    )
    if not section.hours:
        context.problem((*loc, "hours"), "hours is empty", "allowed: one or more")
    elif not calendar.weekly:
        context.problem((*loc, "hours"), "hours holds no working time", HOURS_ALLOWED)
    return calendar


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
