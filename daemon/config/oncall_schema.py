"""The sections of `rules.yaml` about people: who there is, who works on what, who is on call, how they are called."""

from datetime import date, time, timedelta
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BeforeValidator, Field

from daemon.config.fields import Duration, Name, Names, Number, OneOrMany, Refused, Texts, one_of, shown
from daemon.config.hours import ClockTime
from daemon.config.notify_schema import Audience, OwnNotify
from daemon.config.schema import PriorityWord, Section, Zone
from rules.document import CONTACT
from rules.escalation import ON
from rules.rotation import SHORTEST_TURN
from rules.telling import OPERATOR

_TURNS = {"daily": timedelta(days=1), "weekly": timedelta(weeks=1)}
_LONGEST_WAIT = timedelta(days=7)


def _who(value: str) -> str:
    if value == CONTACT:
        raise Refused(f"{CONTACT} means whoever reported an incident", "allowed: another short name")
    return value


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


def _teams(value: Any) -> Any:
    """Each turn's people as a list; one that stands alone is a list of one."""
    if not isinstance(value, list):
        return value
    return [[team] if isinstance(team, str) else team for team in value]


Wait = Annotated[Duration, AfterValidator(_wait)]


class ContactSection(Section):
    """A way to reach a person."""

    via: Name
    address: Annotated[str, Field(alias="to", max_length=500)] = ""


class PersonSection(Section):
    """Somebody who can be called."""

    id: Annotated[Name, AfterValidator(_who)]
    name: Annotated[str, Field(min_length=1, max_length=120)] | None = None
    time_zone: Zone = "UTC"
    kind: Literal["employee", "contractor"] = "employee"
    organisation: str = ""
    department: str = ""
    manager: Name | None = None
    contact: list[ContactSection] = Field(default_factory=list)
    audience: Audience = OPERATOR
    language: Annotated[str, Field(pattern=r"^[a-z]{2,3}(_[A-Z]{2})?$")] | None = None
    services: Texts = Field(default_factory=list)
    quiet: Any = None
    notify: list[OwnNotify] = Field(default_factory=list)


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
    hours: Any = None


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
    hours: Any = None


class ScheduleSection(Section):
    """Who is on call when."""

    name: Name
    time_zone: Zone = "UTC"
    layers: list[LayerSection] = Field(default_factory=list)


class StepWhen(Section):
    """When a step counts."""

    priority: Annotated[list[PriorityWord], OneOrMany] = Field(default_factory=list)
    hours: Any = None


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
    on: Annotated[str, one_of(ON)] | None = None
    share: Annotated[Number, Field(ge=1, le=99)] | None = None
    when: StepWhen = Field(default_factory=StepWhen)


class EscalationSection(Section):
    """How people are called until somebody acknowledges."""

    name: Name
    steps: Annotated[list[StepSection], Field(min_length=1)]
    repeat: Annotated[Number, Field(ge=0, le=100)] = 0
    repeat_after: Wait = timedelta(minutes=15)
