"""Who hears of what: the conditions of a subscription, and whether an event of an incident meets them."""

from collections.abc import Collection
from dataclasses import dataclass, field
from datetime import datetime, timedelta, tzinfo

from rules.wallclock import MIDNIGHT, Hours, instant_of, wall_of

CLOCK_EVENTS = ("response_warning", "response_breached", "resolution_warning", "resolution_breached")
"""Word of promised times, also for those who have not heard of the incident before."""

CHANGE_EVENTS = ("change_scheduled", "change_moved", "change_started", "change_ended", "change_cancelled")
"""Word of changes, to those who must be told of one."""

EVENTS = (
    "opened",
    "changed",
    "acknowledged",
    "assigned",
    "escalated",
    "update",
    "resolved",
    "reopened",
    "closed",
    "merged",
    "split",
    "converted",
    "known_error",
    "nobody_reached",
    *CLOCK_EVENTS,
    *CHANGE_EVENTS,
    "source_down",
    "source_up",
)
"""Every event that people can be told of, in the order of an incident's life; the last ones are about changes and about
a source."""

KINDS_OF_CHANGE = ("root_changed", "priority_changed")
"""Kinds of `changed` that can be asked for by themselves; the notice is a `changed` all the same."""

ROLES = ("operator", "manager", "customer", "contractor", "user", "group", "lead", "group_manager")
"""Whom a subscription can mean beside people and groups by name: people of an audience, contractors, the users of a
service that is hit, and members, lead and manager of the group that has the incident."""


@dataclass(frozen=True, slots=True, kw_only=True)
class When:
    """What a recipient wants to hear of; an empty set asks for nothing in particular, that is for everything.

    `priority` holds P1 to P5, `event` words of `EVENTS`, `service` ids of business services of which one must be
    hit, `group` owners of the failed CI, `category` what incidents are about. One of `ci` must have failed or be hit;
    `under` holds CIs of which one must have failed, or reach the one that did. `hours` are those of the reader's zone.
    """

    priority: frozenset[str] = frozenset()
    event: frozenset[str] = frozenset()
    service: frozenset[str] = frozenset()
    group: frozenset[str] = frozenset()
    category: frozenset[str] = frozenset()
    ci: frozenset[str] = frozenset()
    under: frozenset[str] = frozenset()
    hours: tuple[Hours, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Digest:
    """What is wanted all together, at these times of the reader's day (`minutes` since midnight, in order)."""

    minutes: tuple[int, ...]

    def next_at(self, now: datetime, zone: tzinfo) -> datetime:
        """The first of its times after `now`."""
        midnight = datetime.combine(wall_of(now, zone), MIDNIGHT)
        walls = (midnight + timedelta(days=day, minutes=minute) for day in (0, 1) for minute in self.minutes)
        return next(at for at in (instant_of(wall, zone) for wall in walls) if at > now)


@dataclass(frozen=True, slots=True, kw_only=True)
class Subscription:
    """Recipients, and what they want to hear of.

    Either a notifier's own recipients (`to`), or people: by id, members of `groups`, or by `roles`. `name` is what the
    entry is called. `via` are the notifiers by which people are told, the first choice first; empty for their own
    order. `audience` is how it is worded where that is not each person's own. Where there is a `digest`, it is told
    together then. `batches` says whether many incidents at once become one summary; people always want that.
    """

    to: str = ""
    when: When = When()
    name: str = ""
    people: frozenset[str] = frozenset()
    groups: frozenset[str] = frozenset()
    roles: frozenset[str] = frozenset()
    via: tuple[str, ...] = ()
    audience: str = ""
    digest: Digest | None = None
    batches: bool = False

    @property
    def words(self) -> str:
        """What people call it."""
        return f"“{self.name}”" if self.name else f"the one for {self.to or ', '.join(self._whom())}"

    def _whom(self) -> list[str]:
        return [*sorted(self.people), *sorted(self.groups), *sorted(self.roles)]


@dataclass(frozen=True, slots=True, kw_only=True)
class Facts:
    """What conditions are held against. `priorities` are the present one and, where it has changed, the one before;
    none for word about a source, which passes any choice of them: nobody is spared the news that monitoring is blind.
    `cis` are the failed CI and what is hit, `above` CIs whose failure would reach it."""

    event: str
    priorities: frozenset[str] = frozenset()
    services: Collection[str] = ()
    group: str = ""
    category: str = ""
    cis: Collection[str] = ()
    above: Collection[str] = ()
    kinds: frozenset[str] = field(default_factory=frozenset)


def miss(when: When, facts: Facts, wall: datetime | None = None) -> str:
    """The name of the first condition that does not hold, empty where all do. `wall` is the reader's time of day."""
    if when.event and facts.event not in when.event and when.event.isdisjoint(facts.kinds):
        return "event"
    if when.priority and facts.priorities and when.priority.isdisjoint(facts.priorities):
        return "priority"
    for name, there in (("service", facts.services), ("ci", facts.cis), ("under", facts.above)):
        wanted: frozenset[str] = getattr(when, name)
        if wanted and wanted.isdisjoint(there):
            return name
    if when.group and facts.group not in when.group:
        return "group"
    if when.category and facts.category not in when.category:
        return "category"
    if when.hours and wall is not None and not any(h.holds(wall) for h in when.hours):
        return "hours"
    return ""


def wants_event_of_change(when: When, event: str) -> bool:
    """Whether such word of a change is wanted. It has no priority: who asks for some priorities must name the event."""
    return event in when.event if when.event else not when.priority


def wants_change(when: When, *, event: str, services: Collection[str], groups: Collection[str]) -> bool:
    """Whether such word is wanted of a change that hits these services and concerns these groups."""
    return (
        wants_event_of_change(when, event)
        and (not when.service or not when.service.isdisjoint(services))
        and (not when.group or not when.group.isdisjoint(groups))
    )
