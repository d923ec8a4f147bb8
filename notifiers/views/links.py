"""Where to look: links with the time in which it began."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from urllib.parse import quote, urlsplit, urlunsplit

from notifiers.views.services import STATES
from notifiers.wording import one_line, web_link
from rules.document import IncidentDocument

MARGIN = timedelta(minutes=30)
"""Shown before and after the start: enough to see what led to it, little enough to see it at once."""

PLACEHOLDERS = ("from_ms", "to_ms", "from", "to", "ci", "service", "group", "incident")
"""What a configured link may name: the time around the start in milliseconds and in RFC 3339, the failed CI, the
business service that is hit worst, the group that works on it, and the incident's number."""

_PLACEHOLDER = re.compile(r"\{(\w+)\}")
_TIME_KEYS = ("g0.range_input", "g0.end_input", "g0.tab", "g0.moment_input")


@dataclass(frozen=True, slots=True, kw_only=True)
class LinkTemplate:
    """A link as the owner wrote it: its address may name `PLACEHOLDERS` in braces."""

    name: str
    url: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Link:
    """A link, ready to be shown."""

    name: str
    url: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Span:
    """The time around the start of an incident, aware UTC."""

    start: datetime
    end: datetime


def unknown_placeholders(url: str) -> tuple[str, ...]:
    """Names in braces for which there is nothing to fill in."""
    return tuple(dict.fromkeys(name for name in _PLACEHOLDER.findall(url) if name not in PLACEHOLDERS))


def is_link(url: str) -> bool:
    """Whether a template makes an ordinary address."""
    return bool(web_link(_PLACEHOLDER.sub("x", url)))


def span_of(incident: IncidentDocument) -> Span | None:
    """The time around the first sign; None where no time can be read."""
    starts = [at for alert in incident.alerts if (at := _utc(alert.startsAt)) is not None]
    began = min(starts, default=None) or _utc(incident.opened_at)
    try:
        return None if began is None else Span(start=began - MARGIN, end=began + MARGIN)
    except OverflowError:
        return None


def filled_links(templates: Sequence[LinkTemplate], incident: IncidentDocument) -> tuple[Link, ...]:
    """The owner's links for this incident; one that names something which is not known is left out."""
    span = span_of(incident)
    values = {
        "ci": incident.root_cause.ci or "",
        "service": _worst(incident),
        "group": incident.group,
        "incident": incident.number,
    }
    if span is not None:
        values |= {"from_ms": _ms(span.start), "to_ms": _ms(span.end)}
        values |= {"from": span.start.isoformat(), "to": span.end.isoformat()}
    found = (Link(name=one_line(t.name, 60), url=_filled(t.url, values)) for t in templates)
    return tuple(link for link in found if link.url)


def at_its_time(url: str, span: Span | None) -> str:
    """The link to an alert's source; where that is a graph of Prometheus, at the time around the start."""
    link = web_link(url)
    try:
        parts = urlsplit(link)
    except ValueError:
        return ""
    if span is None or not parts.path.endswith("/graph") or "g0.expr=" not in parts.query:
        return link
    kept = [piece for piece in parts.query.split("&") if piece.partition("=")[0] not in _TIME_KEYS]
    length = (span.end - span.start) // timedelta(minutes=1)
    end = quote(f"{span.end:%Y-%m-%d %H:%M:%S}")
    query = "&".join([*kept, "g0.tab=0", f"g0.range_input={length}m", f"g0.end_input={end}"])
    return web_link(urlunsplit(parts._replace(query=query))) or link


def _worst(incident: IncidentDocument) -> str:
    ranked = sorted(incident.services, key=lambda s: STATES.index(s.state) if s.state in STATES else len(STATES))
    return ranked[0].id if ranked else ""


def _filled(url: str, values: Mapping[str, str]) -> str:
    if any(not values.get(name) for name in _PLACEHOLDER.findall(url)):
        return ""
    return web_link(_PLACEHOLDER.sub(lambda m: quote(values[m[1]], safe="", errors="replace"), url))


def _ms(at: datetime) -> str:
    return str(int(at.timestamp() * 1000))


def _utc(text: str) -> datetime | None:
    try:
        return datetime.fromisoformat(text).astimezone(UTC)
    except (ValueError, OverflowError):
        return None
