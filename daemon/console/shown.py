"""How times and words are shown on pages. Instants are in UTC; the browser puts them into the reader's zone."""

from collections.abc import Callable, Iterable, Mapping
from datetime import date, datetime, timedelta
from typing import Any

from markupsafe import Markup

from cmdb.model import State
from rules.service_history import ServiceHistory
from rules.words import percent, span


def when(at: datetime | None) -> Markup:
    """An instant; the reader's zone comes by script, UTC stays on hover."""
    return Markup("–") if at is None else _time(at, f"{at:%Y-%m-%d %H:%M} UTC")


def age(at: datetime | None, now: datetime) -> Markup:
    """How long ago, its two largest units, the instant on hover."""
    return Markup("–") if at is None else _time(at, lasting(now - at), " data-age")


def _time(at: datetime, words: str, mark: str = "") -> Markup:
    # Put together here, of digits and units only: boards have thousands of these, and escaping costs most of a page.
    text = f'<time datetime="{at:%Y-%m-%dT%H:%M:%SZ}" title="{at:%Y-%m-%d %H:%M:%S} UTC"{mark}>{words}</time>'
    return Markup(text)  # noqa: S704


def lasting(of: timedelta | None) -> str:
    """A length of time in words; negative ones as if they were not."""
    return "–" if of is None else span(abs(of))


def humane(word: str) -> str:
    """`in_progress` as people say it."""
    return word.replace("_", " ")


def on_day(of: date) -> str:
    """A day as people say it, as in `Tuesday, 24 November 2026`."""
    return f"{of:%A}, {of.day} {of:%B} {of.year}"


def due(at: datetime, now: datetime) -> Markup:
    """How long until something is due, or by how much it is late; the script counts it on."""
    word, tone = ("late by", "due late") if at < now else ("in", "due")
    text = f'<span class="{tone}" data-due="{at:%Y-%m-%dT%H:%M:%SZ}">{word} {lasting(at - now)}</span>'
    return Markup(text)  # noqa: S704  digits and units only


def zipped(words: Iterable[str]) -> list[tuple[str, str]]:
    """Each word with itself, as choices are given."""
    return [(word, word) for word in words]


def named(ids: Iterable[str], name_of: Callable[[str], str]) -> list[tuple[str, str]]:
    """Each id with what people call it."""
    return [(one, name_of(one)) for one in ids]


def quiet_days(history: ServiceHistory) -> str:
    """The bars of the days without trouble as one path: ten units for each day, the bars eight wide and 16 high."""
    return "".join(f"M{place * 10 + 1} 19h8v16h-8z" for place, d in enumerate(history.days) if d.state is State.UP)


FILTERS: Mapping[str, Callable[..., Any]] = {
    "when": when,
    "age": age,
    "due": due,
    "on_day": on_day,
    "lasting": lasting,
    "humane": humane,
    "percent": percent,
    "zipped": zipped,
    "named": named,
    "quiet_days": quiet_days,
}
