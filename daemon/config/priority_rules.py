"""The `priority.rules` of `rules.yaml`: which incidents get another priority than the matrix gives."""

from collections.abc import Mapping, Sequence
from typing import Annotated, Any, Literal

from pydantic import Field

from daemon.config.context import Context
from daemon.config.document import Loc
from daemon.config.fields import Name, Number, OneOrMany, Texts
from daemon.config.schema import LevelWord, PriorityWord, Section
from daemon.config.service_levels import named_calendar
from rules.calendar import Calendar
from rules.incident import Level, Priority
from rules.priority_rule import Occasion, PriorityRule

_PLACE: Loc = ("priority", "rules")
_SETS = "allowed: priority, or impact, urgency or both, which go into the matrix"


class OccasionSection(Section):
    """When a rule fits; a key left out asks for nothing in particular."""

    ci_type: Texts = Field(default_factory=list)
    service: Texts = Field(default_factory=list)
    disruption: Annotated[list[Literal["down", "degraded", "at risk"]], OneOrMany] = Field(default_factory=list)
    users: Annotated[Number, Field(ge=1)] | None = None
    user_class: Texts = Field(default_factory=list)
    within: Name | None = None
    outside: Name | None = None


class PriorityRuleSection(Section):
    """One rule and what it sets."""

    name: Annotated[str, Field(min_length=1, max_length=100)]
    when: OccasionSection
    priority: PriorityWord | None = None
    impact: LevelWord | None = None
    urgency: LevelWord | None = None


def read_priority_rules(
    context: Context, items: Sequence[object], calendars: Mapping[str, Calendar]
) -> tuple[PriorityRule, ...]:
    """All rules in order; every mistake is a problem of the document."""
    found: dict[str, PriorityRule] = {}
    for index, item in enumerate(items):
        loc = (*_PLACE, index)
        section = context.section(loc, item, PriorityRuleSection)
        if section is None:
            continue
        if section.name in found:
            context.problem((*loc, "name"), f'the name "{section.name}" is taken', "allowed: each name once")
        found.setdefault(section.name, _rule(context, loc, section, calendars))
    return tuple(found.values())


def _rule(context: Context, loc: Loc, section: PriorityRuleSection, calendars: Mapping[str, Calendar]) -> PriorityRule:
    levels = [level for level in (section.impact, section.urgency) if level is not None]
    if section.priority is None and not levels:
        context.problem(loc, "the rule sets nothing", _SETS)
    elif section.priority is not None and levels:
        context.problem((*loc, "priority"), "priority leaves nothing to impact and urgency", _SETS)
    return PriorityRule(
        name=section.name,
        when=_occasion(context, (*loc, "when"), section.when, calendars),
        priority=Priority(section.priority) if section.priority else None,
        impact=Level(section.impact) if section.impact else None,
        urgency=Level(section.urgency) if section.urgency else None,
    )


def _occasion(context: Context, loc: Loc, section: OccasionSection, calendars: Mapping[str, Calendar]) -> Occasion:
    if section.within is not None and section.outside is not None:
        context.problem((*loc, "outside"), "within and outside exclude each other", "allowed: one of them")
    key = "within" if section.within is not None else "outside"
    name = section.within or section.outside
    asked: dict[str, Any] = {"users": section.users} if section.users is not None else {}
    return Occasion(
        ci_type=frozenset(section.ci_type),
        service=frozenset(section.service),
        disruption=frozenset(section.disruption),
        user_class=frozenset(section.user_class),
        calendar=None if name is None else named_calendar(context, (*loc, key), name, calendars),
        is_within=section.outside is None,
        **asked,
    )
