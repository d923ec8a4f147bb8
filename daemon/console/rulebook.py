"""The organisation's rules as they are in force, in words, each with an anchor by which an incident can point to it."""

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, fields, is_dataclass
from datetime import datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from rules.calendar import Calendar
from rules.incident import Level, Priority
from rules.matchers import Matcher
from rules.policy import Policy
from rules.service_level import Target
from rules.subscriptions import Digest, Subscription
from rules.wallclock import Hours
from rules.words import percent, span

_SLUG = re.compile(r"[^a-z0-9]+")
_LEFT_OUT = frozenset({"name"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    """One rule: where it can be pointed to, what it is called, and what it says."""

    anchor: str
    name: str
    facts: tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Chapter:
    """Rules of one kind, in the order in which they are tried; `note` says how they decide."""

    title: str
    note: str
    rules: tuple[Rule, ...]


def rule_anchor(kind: str, name: str) -> str:
    """Where on the page of rules the rule of that kind and name is, as in `priority-night-shift`."""
    return f"{kind}-{_SLUG.sub('-', name.lower()).strip('-') or 'unnamed'}"


def priority_anchor(made_by: str) -> str:
    """Where on the page of rules that is by which an incident got its priority (`Incident.priority_rule`); empty where
    a person set it."""
    kind, _, name = made_by.partition(": ")
    match kind:
        case "rule":
            return rule_anchor("priority", name)
        case "template":
            return rule_anchor("template", name)
    return "priority-matrix" if made_by.startswith("matrix") else ""


def chapters(policy: Policy, subscriptions: Iterable[Subscription]) -> tuple[Chapter, ...]:
    """Everything that rules say, chapter by chapter, those without any rule too: one sees that there is none."""
    roster = policy.roster
    return (
        _chapter("Priority rules", "priority", "The first that fits decides; else the matrix.", policy.priority_rules),
        _chapter("Routes", "route", "The first that fits decides; else the owner of the failed CI.", roster.routes),
        _chapter("Promised times", "service-level", "The first SLA and OLA that fit hold.", policy.service_levels),
        _chapter("Who hears of what", "notify", "Every entry that fits tells its people.", tuple(subscriptions)),
        _chapter(
            "Escalations", "escalation", "Steps in order, until somebody acknowledges.", roster.escalations.values()
        ),
        _chapter("Templates", "template", "The first whose conditions fit is used.", policy.templates),
        _chapter("Service requests", "request", "Such alerts ask for something.", policy.requests),
        _chapter("Calendars", "calendar", "By which promised times count.", policy.calendars),
        Chapter(title="Waiting times", note="How long things are waited for.", rules=(_waiting(policy),)),
    )


def matrix(policy: Policy) -> list[tuple[Level, list[Priority]]]:
    """Impact by urgency: a row for each impact, with the priority for each urgency from high to low."""
    levels = (Level.HIGH, Level.MEDIUM, Level.LOW)
    return [(impact, [policy.priority(impact, urgency) for urgency in levels]) for impact in levels]


def _chapter(title: str, kind: str, note: str, rules: Iterable[Any]) -> Chapter:
    seen: dict[str, int] = {}
    made = []
    for place, rule in enumerate(rules, start=1):
        name = _name_of(rule, place)
        anchor = rule_anchor(kind, name)
        seen[anchor] = seen.get(anchor, 0) + 1
        unique = anchor if seen[anchor] == 1 else f"{anchor}-{seen[anchor]}"
        made.append(Rule(anchor=unique, name=name, facts=tuple(facts_of(rule))))
    return Chapter(title=title, note=note, rules=tuple(made))


def _name_of(rule: Any, place: int) -> str:
    if isinstance(rule, Subscription):
        return rule.name or rule.words
    return getattr(rule, "name", "") or f"number {place}"


def _waiting(policy: Policy) -> Rule:
    names = ("resolve_after", "reopen_within", "settle", "update_every", "close_after", "blind_after")
    facts = tuple((name.replace("_", " "), span(getattr(policy, name))) for name in names)
    return Rule(anchor="waiting-times", name="Waiting times", facts=facts)


def facts_of(rule: Any, prefix: str = "") -> Iterator[tuple[str, str]]:
    """What a rule says, name and value; what asks for nothing is left out, its conditions are named by themselves."""
    for each in fields(rule):
        value = getattr(rule, each.name)
        name = (prefix + each.name).replace("_", " ")
        if each.name in _LEFT_OUT or value in (None, "", 0, (), frozenset(), timedelta()) or value == {}:
            continue
        if each.name == "when":
            yield from facts_of(value, "if ")
        elif isinstance(value, Mapping):
            yield from ((f"{name} {key}", _in_words(item)) for key, item in sorted(value.items()))
        elif (
            isinstance(value, tuple) and value and is_dataclass(value[0]) and not isinstance(value[0], Hours | Matcher)
        ):
            yield from ((f"{name} {n}", _flat(item)) for n, item in enumerate(value, start=1))
        else:
            yield name, _in_words(value)


def _flat(rule: Any) -> str:
    return "; ".join(f"{name}: {words}" for name, words in facts_of(rule)) or "at once"


def _in_words(value: Any) -> str:
    match value:
        case bool():
            return "yes" if value else "no"
        case timedelta():
            return span(value)
        case float():
            return percent(value)
        case datetime():
            return f"{value:%Y-%m-%d %H:%M}"
        case Hours():
            return value.words
        case Matcher():
            return value.text
        case Calendar():
            return value.name
        case ZoneInfo():
            return value.key
        case Digest():
            return "at " + ", ".join(f"{m // 60:02d}:{m % 60:02d}" for m in value.minutes)
        case Target():
            promised = (("response", value.response), ("resolution", value.resolution))
            words = ", ".join(f"{goal} within {span(length)}" for goal, length in promised if length is not None)
            return f"{words or 'nothing'} ({value.calendar.name})"
        case frozenset() | set():
            return ", ".join(sorted(map(_in_words, value)))
        case tuple() | list():
            return ", ".join(map(_in_words, value))
    return _flat(value) if is_dataclass(value) else str(value)
