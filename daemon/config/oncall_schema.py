"""The sections of `rules.yaml` about people: who there is, who works on what, who is on call, how they are called."""

import re
from datetime import date, time, timedelta
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BeforeValidator, Field

from daemon.config.fields import Duration, Name, Names, Number, OneOrMany, Refused, Texts, one_of, shown
from daemon.config.schema import PriorityWord, Section, Zone
from rules.rotation import SHORTEST_TURN
from rules.wallclock import DAYS

_CLOCK = re.compile(r"([01]?[0-9]|2[0-3]):([0-5][0-9])", re.ASCII)
_TURNS = {"daily": timedelta(days=1), "weekly": timedelta(weeks=1)}
_EVERY_DAY = {"weekdays": DAYS[:5], "weekend": DAYS[5:]}
_LONGEST_WAIT = timedelta(days=7)


def _clock(value: Any) -> Any:
    if isinstance(value, time):
        return value
    found = _CLOCK.fullmatch(value) if isinstance(value, str) else None
    if found is None:
        if value == "24:00":
            return time(0, 0)
        raise Refused(f"{shown(value)} is no time of day", "allowed: 00:00 to 24:00, as in 08:30")
    return time(int(found[1]), int(found[2]))


def _day(value: Any) -> Any:
    if isinstance(value, date):
        return value
    try:
        return date.fromisoformat(value)
    except (TypeError, ValueError):
        raise Refused(f"{shown(value)} is no day", "allowed: a date, as in 2026-11-30") from None


def _turn(value: Any) -> Any:
    return _TURNS.get(value, value) if isinstance(value, str) else value


def _long_enough(value: timedelta) -> timedelta:
    if value < SHORTEST_TURN or value % SHORTEST_TURN:
        raise Refused("is out of range", "allowed: daily, weekly, or whole hours and days, as in 12h or 3d")
    return value


def _wait(value: timedelta) -> timedelta:
    if value > _LONGEST_WAIT:
        raise Refused("is out of range", "allowed: up to 7d")
    return value


def _days(value: Any) -> Any:
    words = [value] if isinstance(value, str) else value
    return [day for word in words for day in _EVERY_DAY.get(word, (word,))] if isinstance(words, list) else value


def _teams(value: Any) -> Any:
    """Each turn's people as a list; one that stands alone is a list of one."""
    if not isinstance(value, list):
        return value
    return [[team] if isinstance(team, str) else team for team in value]


ClockTime = Annotated[time, BeforeValidator(_clock)]
Wait = Annotated[Duration, AfterValidator(_wait)]


class HoursSection(Section):
    """A span of the day on some weekdays."""

    days: Annotated[list[Annotated[str, one_of(DAYS)]], BeforeValidator(_days), Field(min_length=1)] = Field(
        default_factory=lambda: list(DAYS)
    )
    begin: Annotated[ClockTime, Field(alias="from")] = time(0, 0)
    end: Annotated[ClockTime, Field(alias="to")] = time(0, 0)


class ContactSection(Section):
    """A way to reach a person."""

    via: Name
    address: Annotated[str, Field(alias="to", max_length=500)] = ""


class PersonSection(Section):
    """Somebody who can be called."""

    id: Name
    name: Annotated[str, Field(min_length=1, max_length=120)] | None = None
    time_zone: Zone = "UTC"
    kind: Literal["employee", "contractor"] = "employee"
    organisation: str = ""
    department: str = ""
    manager: Name | None = None
    contact: list[ContactSection] = Field(default_factory=list)


class GroupSection(Section):
    """People who work on the same CIs."""

    name: Annotated[str, Field(min_length=1, max_length=120)]
    members: Names = Field(default_factory=list)
    department: str = ""
    lead: Name | None = None
    manager: Name | None = None
    schedule: Name | None = None
    escalation: Name | None = None


class RouteWhen(Section):
    """Conditions of a route, all of which must hold; within one, any of its words."""

    owner: Texts = Field(default_factory=list)
    ci: Texts = Field(default_factory=list)
    type: Texts = Field(default_factory=list)
    service: Texts = Field(default_factory=list)
    category: Texts = Field(default_factory=list)
    hours: list[HoursSection] = Field(default_factory=list)


class RouteSection(Section):
    """Which incidents go to which group."""

    group: Annotated[str, Field(min_length=1)]
    name: str = ""
    when: RouteWhen = Field(default_factory=RouteWhen)
    time_zone: Zone = "UTC"


class LayerSection(Section):
    """People who take turns."""

    name: Name
    people: Annotated[list[list[Name]], BeforeValidator(_teams), Field(min_length=1)]
    turn: Annotated[Duration, BeforeValidator(_turn), AfterValidator(_long_enough)] = timedelta(weeks=1)
    begin: Annotated[date, BeforeValidator(_day), Field(alias="from")]
    hand_over: ClockTime = time(8, 0)
    hours: list[HoursSection] = Field(default_factory=list)


class ScheduleSection(Section):
    """Who is on call when."""

    name: Name
    time_zone: Zone = "UTC"
    layers: list[LayerSection] = Field(default_factory=list)


class StepWhen(Section):
    """When a step counts."""

    priority: Annotated[list[PriorityWord], OneOrMany] = Field(default_factory=list)
    hours: list[HoursSection] = Field(default_factory=list)


class StepSection(Section):
    """Whom to call, and after how long."""

    after: Wait = timedelta()
    person: Names = Field(default_factory=list)
    group: Texts = Field(default_factory=list)
    schedule: Names = Field(default_factory=list)
    on_call: bool = False
    lead: bool = False
    manager: bool = False
    hand_to: str | None = None
    when: StepWhen = Field(default_factory=StepWhen)


class EscalationSection(Section):
    """How people are called until somebody acknowledges."""

    name: Name
    steps: Annotated[list[StepSection], Field(min_length=1)]
    repeat: Annotated[Number, Field(ge=0, le=100)] = 0
    repeat_after: Wait = timedelta(minutes=15)
