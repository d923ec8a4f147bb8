"""How a business service was over the last days, by the incidents that hit it: day by day, and as shares of the time.

What an incident says of a service holds from its opening until the service was back, or is not yet. Pure.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta

from cmdb.model import State
from rules.incident import Incident, Status

_REAL = frozenset(Status) - {Status.MERGED, Status.CONVERTED}
"""One that proved part of another, or a request, tells of nothing by itself."""
SHOWN = (State.DOWN, State.DEGRADED)


@dataclass(frozen=True, slots=True, kw_only=True)
class Stretch:
    """A time in which one incident left the service in a state."""

    incident: str
    state: State
    since: datetime
    until: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Day:
    """One calendar day of UTC: the worst state of it, how long the service was down and degraded in it, and by which
    incidents."""

    day: date
    state: State
    down: timedelta
    degraded: timedelta
    incidents: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class ServiceHistory:
    """The days, the oldest first, and what they make together. `works` is the share of the time in which it was not
    down, `whole` in which it was neither down nor degraded; 0 to 1."""

    days: tuple[Day, ...]
    down: timedelta
    degraded: timedelta
    works: float
    whole: float


def service_history(service: str, incidents: Iterable[Incident], now: datetime, days: int = 90) -> ServiceHistory:
    """The history of a service over so many days, today included."""
    today = now.astimezone(UTC).date()
    first = datetime.combine(today - timedelta(days=days - 1), time(), UTC)
    stretches = [s for i in incidents for s in _stretches(service, i, now) if s.until > first]
    shown = tuple(_day(today - timedelta(days=back), stretches, now) for back in range(days - 1, -1, -1))
    length = now - first
    down, degraded = (sum((getattr(d, name) for d in shown), timedelta()) for name in ("down", "degraded"))
    works = 1 - down / length if length else 1.0
    return ServiceHistory(
        days=shown, down=down, degraded=degraded, works=works, whole=works - (degraded / length if length else 0.0)
    )


def _stretches(service: str, incident: Incident, now: datetime) -> Iterator[Stretch]:
    if incident.status not in _REAL:
        return
    until = now if incident.is_active else incident.restored_at or incident.resolved_at or incident.closed_at or now
    for hit in incident.services:
        state = _shown(hit.state)
        if hit.ci == service and state is not State.UP and until > incident.opened_at:
            yield Stretch(incident=incident.key, state=state, since=incident.opened_at, until=min(until, now))


def _shown(state: State) -> State:
    """As users see it: that redundancy is lost they do not."""
    return state if state in SHOWN else State.UP


def _day(day: date, stretches: Sequence[Stretch], now: datetime) -> Day:
    begin = datetime.combine(day, time(), UTC)
    end = min(begin + timedelta(days=1), now)
    inside = [s for s in stretches if s.since < end and s.until > begin]
    spans = {state: _covered([s for s in inside if s.state is state], begin, end) for state in SHOWN}
    either = _covered(inside, begin, end)
    return Day(
        day=day,
        state=max((s.state for s in inside), default=State.UP),
        down=spans[State.DOWN],
        degraded=either - spans[State.DOWN],
        incidents=tuple(dict.fromkeys(s.incident for s in inside)),
    )


def _covered(stretches: Sequence[Stretch], begin: datetime, end: datetime) -> timedelta:
    """How much of the time at least one of them covers."""
    covered, reached = timedelta(), begin
    for stretch in sorted(stretches, key=lambda s: s.since):
        since, until = max(stretch.since, reached), min(stretch.until, end)
        if until > since:
            covered += until - since
            reached = until
    return covered
