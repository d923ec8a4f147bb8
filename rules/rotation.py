"""On-call schedules: whose turn it is at a moment, and the shifts of a stretch of time.

Turns are counted on the wall of the rotation's own zone, so a hand-over at 08:00 is at 08:00 in summer and winter,
and the shift over a change of clocks is an hour shorter or longer.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import pairwise
from zoneinfo import ZoneInfo

from rules.wallclock import MIDNIGHT, Hours, instant_of, wall_of

SHORTEST_TURN = timedelta(hours=1)
OVERRIDES_KEPT = timedelta(days=90)
"""How long an override can still be seen after its end; a choice: a quarter is about as far back as people ask."""
_DAY = timedelta(days=1)


@dataclass(frozen=True, slots=True, kw_only=True)
class Layer:
    """People (each member of `teams` is one or more persons who serve together) who take turns of length `turn`.

    `starts` is the first hand-over, on the wall of the schedule's zone. With `hours` the layer has somebody only then.
    """

    name: str
    teams: tuple[tuple[str, ...], ...]
    turn: timedelta
    starts: datetime
    hours: tuple[Hours, ...] = ()

    def turn_at(self, instant: datetime, zone: ZoneInfo) -> int | None:
        """The number of the turn under way, from 0; None before the first."""
        number = (wall_of(instant, zone) - self.starts) // self.turn
        # Where clocks went back, the wall shows a time again that was before a hand-over which has been.
        while instant_of(self.starts + (number + 1) * self.turn, zone) <= instant:
            number += 1
        return number if number >= 0 else None

    def is_open(self, instant: datetime, zone: ZoneInfo) -> bool:
        """Whether it has somebody at that time of day."""
        if not self.hours:
            return True
        wall = wall_of(instant, zone)
        return any(self._is_inside(hours, instant, wall, zone) for hours in self.hours)

    def _is_inside(self, hours: Hours, instant: datetime, wall: datetime, zone: ZoneInfo) -> bool:
        today = datetime.combine(wall, MIDNIGHT)
        for day in (today - _DAY, today, today + _DAY):
            span = hours.span_on(day)
            if span is not None and instant_of(span[0], zone) <= instant < instant_of(span[1], zone):
                return True
        return False

    def edges(self, begin: datetime, end: datetime, zone: ZoneInfo) -> Iterator[datetime]:
        """Every instant between at which the layer's answer can change."""
        first = max(0, (wall_of(begin, zone) - self.starts) // self.turn)
        number = first
        while (edge := instant_of(self.starts + number * self.turn, zone)) < end:
            yield edge
            number += 1
        day = datetime.combine(wall_of(begin, zone), MIDNIGHT) - 2 * _DAY
        last = wall_of(end, zone) + _DAY
        while self.hours and day <= last:
            for hours in self.hours:
                yield from (instant_of(edge, zone) for edge in hours.span_on(day) or ())
            day += _DAY


@dataclass(frozen=True, slots=True, kw_only=True)
class Schedule:
    """Who is on call: the first layer that has somebody. What people put over it is no part of it."""

    name: str
    zone: ZoneInfo
    layers: tuple[Layer, ...] = ()

    @property
    def people(self) -> tuple[str, ...]:
        """Everybody who takes turns, once each."""
        return tuple(dict.fromkeys(p for layer in self.layers for team in layer.teams for p in team))


@dataclass(frozen=True, slots=True, kw_only=True)
class Override:
    """Somebody put in a schedule's place for a time: by a person, or (`is_imported`) by a calendar.

    What was made later goes before what was made earlier, and a person's word before a calendar's; several shifts of a
    calendar at one time are people who serve together. One that begins and ends at once counts for nothing.
    """

    id: str
    schedule: str
    people: tuple[str, ...]
    starts_at: datetime
    ends_at: datetime
    made_by: str
    made_at: datetime
    reason: str = ""
    is_imported: bool = False

    def holds_at(self, instant: datetime) -> bool:
        """Whether it is in force."""
        return self.starts_at <= instant < self.ends_at


@dataclass(frozen=True, slots=True, kw_only=True)
class Shift:
    """A stretch of time with the people on call, by id and in order, and what put them there; nobody in a gap."""

    starts_at: datetime
    ends_at: datetime
    people: tuple[str, ...]
    source: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Duty:
    """Who is on call at a moment. `key` tells one shift from the next of the same people."""

    people: tuple[str, ...] = ()
    source: str = "nobody"
    key: tuple[str, ...] = ()


def duty_at(schedule: Schedule, overrides: Sequence[Override], instant: datetime) -> Duty:
    """Who is on call, and why. `overrides` may be of other schedules and times."""
    found = [o for o in overrides if o.schedule == schedule.name and o.holds_at(instant) and o.people]
    own = [o for o in found if not o.is_imported]
    if own:
        last = max(own, key=lambda o: (o.made_at, o.id))
        return Duty(people=tuple(sorted(last.people)), source=f"override by {last.made_by}", key=("override", last.id))
    if found:
        people = tuple(sorted({p for o in found for p in o.people}))
        return Duty(people=people, source="calendar", key=("calendar", *sorted(o.id for o in found)))
    for place, layer in enumerate(schedule.layers):
        turn = layer.turn_at(instant, schedule.zone)
        if turn is not None and layer.teams and layer.is_open(instant, schedule.zone):
            team = layer.teams[turn % len(layer.teams)]
            return Duty(people=tuple(sorted(team)), source=layer.name, key=("layer", str(place), str(turn)))
    return Duty()


def on_call(schedule: Schedule, overrides: Sequence[Override], instant: datetime) -> tuple[str, ...]:
    """Ids of the people on call, in order; nobody in a gap."""
    return duty_at(schedule, overrides, instant).people


def shifts(schedule: Schedule, overrides: Iterable[Override], begin: datetime, end: datetime) -> list[Shift]:
    """The shifts that tile the time from `begin` until `end`, gaps among them, each cut to that stretch."""
    mine = [o for o in overrides if o.schedule == schedule.name and o.starts_at < end and o.ends_at > begin]
    edges = {begin, end}
    for layer in schedule.layers:
        edges.update(layer.edges(begin, end, schedule.zone))
    edges.update(at for o in mine for at in (o.starts_at, o.ends_at))
    moments = sorted(at for at in edges if begin <= at <= end)
    found: list[tuple[Duty, Shift]] = []
    for starts_at, ends_at in pairwise(moments):
        duty = duty_at(schedule, mine, starts_at)
        if found and found[-1][0].key == duty.key:
            starts_at = found.pop()[1].starts_at
        found.append((duty, Shift(starts_at=starts_at, ends_at=ends_at, people=duty.people, source=duty.source)))
    return [shift for _, shift in found]
