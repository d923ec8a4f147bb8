"""Hours of the week in `rules.yaml`: one meaning in two notations, of which every key called `hours` takes either.

By weekday, as in `{mon-thu: ["08:00-12:00", "13:00-17:00"], fri: "08:00-14:00"}`, or as a list of spans, as in
`[{days: weekdays, from: "08:00", to: "18:00"}]`.
"""

import re
from collections.abc import Iterable, Iterator
from datetime import time
from typing import Annotated, Any

from pydantic import BeforeValidator, Field

from daemon.config.context import Context
from daemon.config.document import Loc
from daemon.config.fields import Refused, shown
from daemon.config.schema import Section
from rules.wallclock import DAYS, MIDNIGHT, Hours

_WHOLE_NAMES = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
_SEVERAL = {"weekdays": (0, 1, 2, 3, 4), "weekend": (5, 6)}
_CLOCK = re.compile(r"([01]?[0-9]|2[0-4]):([0-5][0-9])", re.ASCII)
_DAYS_ALLOWED = "allowed: mon to sun, several as in mon-fri, weekdays or weekend"
HOURS_ALLOWED = "allowed: as in 08:00-17:00, or 22:00-06:00 into the next day"
_DAY_MINUTES = 24 * 60


def clock_time(value: Any) -> Any:
    """A time of day, for fields; 24:00 is the midnight at the end of the day."""
    if isinstance(value, time):
        return value
    minutes = _minutes(value) if isinstance(value, str) else None
    if minutes is None or minutes > _DAY_MINUTES:
        raise Refused(f"{shown(value)} is no time of day", "allowed: 00:00 to 24:00, as in 08:30")
    return _time(minutes)


ClockTime = Annotated[time, BeforeValidator(clock_time)]


def _day_numbers(value: Any) -> Any:
    words = [value] if isinstance(value, str) else value
    if not isinstance(words, list):
        return value
    found: list[Any] = []
    for word in words:
        days = weekdays(word) if isinstance(word, str) else None
        if days is None:
            raise Refused(f"{shown(word)} is no day of the week", _DAYS_ALLOWED)
        found += days
    return found


class HoursSection(Section):
    """A span of the day on some weekdays, 0 being Monday."""

    days: Annotated[list[int], BeforeValidator(_day_numbers), Field(min_length=1)] = Field(
        default_factory=lambda: list(range(len(DAYS)))
    )
    begin: Annotated[ClockTime, Field(alias="from")] = MIDNIGHT
    end: Annotated[ClockTime, Field(alias="to")] = MIDNIGHT


def weekdays(words: str) -> tuple[int, ...] | None:
    """The weekdays, from Monday as 0, that `mon`, `Monday`, `fri-mon` or `weekdays` means; None where it means none."""
    if (several := _SEVERAL.get(words.strip().lower())) is not None:
        return several
    ends = [_day(word) for word in words.lower().split("-")]
    first, last = ends[0], ends[-1]
    if len(ends) > 2 or first is None or last is None:
        return None
    return tuple((first + step) % len(DAYS) for step in range((last - first) % len(DAYS) + 1))


def read_hours(context: Context, loc: Loc, value: object) -> tuple[Hours, ...]:
    """The hours in either notation; every mistake is a problem of the document. None stands for no hours."""
    if isinstance(value, dict):
        return tuple(_by_weekday(context, loc, value))
    sections = (context.section(place, item, HoursSection) for place, item in context.items(loc, value))
    return tuple(Hours(days=frozenset(s.days), begin=s.begin, end=s.end) for s in sections if s is not None)


def minutes_of(hours: Hours) -> tuple[int, int]:
    """Beginning and end in minutes since the midnight before; an end on the next day is past 1440."""
    begin, end = (at.hour * 60 + at.minute for at in (hours.begin, hours.end))
    return begin, end if end > begin else end + _DAY_MINUTES


def _by_weekday(context: Context, loc: Loc, value: dict[Any, Any]) -> Iterator[Hours]:
    for words, texts in value.items():
        place = (*loc, words)
        spans = list(_spans(context, place, texts if isinstance(texts, list) else [texts]))
        days = weekdays(words) if isinstance(words, str) else None
        if days is None:
            context.problem(place, f'"{str(words)[:40]}" is no day of the week', _DAYS_ALLOWED)
            continue
        for begin, end in spans:
            yield Hours(days=frozenset(days), begin=begin, end=end)


def _spans(context: Context, loc: Loc, texts: Iterable[object]) -> Iterator[tuple[time, time]]:
    for text in texts:
        ends = [_minutes(part) for part in str(text).replace(" ", "").split("-")] if isinstance(text, str) else []
        begin, end = ends if len(ends) == 2 else (None, None)
        if begin is None or end is None:
            context.problem(loc, f'"{str(text)[:40]}" is not working hours', HOURS_ALLOWED)
        elif begin >= _DAY_MINUTES or end > _DAY_MINUTES:
            context.problem(loc, f'"{str(text)[:40]}" leaves the day', "allowed: 00:00 to 24:00")
        else:
            yield _time(begin), _time(end)


def _day(word: str) -> int | None:
    word = word.strip()
    return next((names.index(word) for names in (DAYS, _WHOLE_NAMES) if word in names), None)


def _minutes(text: str) -> int | None:
    """Minutes since midnight, up to 24:59; None where it is no time of day."""
    found = _CLOCK.fullmatch(text)
    return None if found is None else int(found[1]) * 60 + int(found[2])


def _time(minutes: int) -> time:
    return time(minutes // 60 % 24, minutes % 60)
