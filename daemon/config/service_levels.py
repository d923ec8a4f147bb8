"""The `service_levels` of `rules.yaml`: what is promised, to whom and in which calendar."""

from collections.abc import Mapping
from datetime import timedelta
from types import MappingProxyType
from typing import Annotated, Any, Literal

from pydantic import Field

from daemon.config.context import Context
from daemon.config.document import Loc
from daemon.config.fields import Duration, Name, Number, Texts, suggestion
from daemon.config.schema import Section
from rules.calendar import ALWAYS, FARTHEST, Calendar
from rules.clock import Agreement
from rules.incident import Priority
from rules.service_level import STANDARD, WARN_AT, Scope, ServiceLevel, Target

_WEEK = timedelta(weeks=1)


class ScopeSection(Section):
    """For which incidents a level is meant; a key left out asks for nothing in particular."""

    service: Texts = Field(default_factory=list)
    ci_type: Texts = Field(default_factory=list)
    group: Texts = Field(default_factory=list)


class TargetSection(Section):
    """What is promised for one priority; what is left out is not."""

    response: Duration | None = None
    resolution: Duration | None = None
    calendar: Name | None = None


class ServiceLevelSection(Section):
    """One SLA (to the customer) or OLA (of a group)."""

    name: Name
    agreement: Literal["sla", "ola"] = "sla"
    when: ScopeSection = Field(default_factory=ScopeSection)
    calendar: Name = ALWAYS.name
    targets: Annotated[dict[str, Any], Field(min_length=1)]
    warn_at: list[Annotated[Number, Field(ge=1, le=99)]] | None = None
    on_hold: Literal["pause", "run"] = "pause"
    on_reopen: Literal["continue", "restart"] = "continue"


def read_service_levels(
    context: Context, raw: Mapping[str, Any], calendars: Mapping[str, Calendar]
) -> tuple[ServiceLevel, ...]:
    """All levels in order; the standard one where the file does not speak of any."""
    if raw.get("service_levels") is None:
        return (STANDARD,)
    found: dict[str, ServiceLevel] = {}
    for loc, item in context.items(("service_levels",), raw["service_levels"]):
        section = context.section(loc, item, ServiceLevelSection)
        if section is None:
            continue
        if section.name in found:
            context.problem((*loc, "name"), f'the name "{section.name}" is taken', "allowed: each name once")
        found.setdefault(section.name, _level(context, loc, section, calendars))
    return tuple(found.values())


def _level(context: Context, loc: Loc, section: ServiceLevelSection, calendars: Mapping[str, Calendar]) -> ServiceLevel:
    usual = named_calendar(context, (*loc, "calendar"), section.calendar, calendars)
    targets = {}
    for word, value in section.targets.items():
        place = (*loc, "targets", word)
        if word not in list(Priority):
            context.problem(place, f'targets: "{word[:40]}" is no priority', suggestion(word, list(Priority)))
            continue
        target = context.section(place, value, TargetSection)
        if target is not None:
            targets[Priority(word)] = _target(context, place, target, usual, calendars)
    return ServiceLevel(
        name=section.name,
        agreement=Agreement(section.agreement.upper()),
        when=make_scope(section.when),
        targets=MappingProxyType(targets),
        warn_at=WARN_AT if section.warn_at is None else tuple(sorted({n / 100 for n in section.warn_at})),
        pauses_on_hold=section.on_hold == "pause",
        restarts_on_reopen=section.on_reopen == "restart",
    )


def make_scope(section: ScopeSection) -> Scope:
    """The conditions as the core knows them."""
    return Scope(service=frozenset(section.service), ci_type=frozenset(section.ci_type), group=frozenset(section.group))


def named_calendar(context: Context, loc: Loc, name: str, calendars: Mapping[str, Calendar]) -> Calendar:
    """The calendar of that name; a problem where there is none."""
    if name not in calendars:
        context.problem(loc, f'calendar: there is no calendar "{name}"', suggestion(name, calendars))
    return calendars.get(name, ALWAYS)


def _target(
    context: Context, loc: Loc, section: TargetSection, usual: Calendar, calendars: Mapping[str, Calendar]
) -> Target:
    own = section.calendar
    calendar = usual if own is None else named_calendar(context, (*loc, "calendar"), own, calendars)
    for key in ("response", "resolution"):
        length = getattr(section, key)
        if length is None:
            continue
        if not length:
            context.problem((*loc, key), f"{key} is no time at all", "allowed: more than 0s")
        elif calendar.weekly and length / calendar.weekly * _WEEK > FARTHEST:
            context.problem(
                (*loc, key), f"{key} takes more than ten years of calendar {calendar.name}", "allowed: less"
            )
    return Target(response=section.response, resolution=section.resolution, calendar=calendar)
