"""Who hears of what."""

from collections.abc import Collection
from dataclasses import dataclass

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
    "resolved",
    "reopened",
    "closed",
    "merged",
    "split",
    "converted",
    "known_error",
    *CLOCK_EVENTS,
    *CHANGE_EVENTS,
    "source_down",
    "source_up",
)
"""Every event that people can be told of, in the order of an incident's life; the last ones are about changes and about
a source."""


@dataclass(frozen=True, slots=True, kw_only=True)
class When:
    """What a recipient wants to hear of; an empty set asks for nothing in particular, that is for everything.

    `priority` holds P1 to P5, `event` words of `EVENTS`, `service` ids of business services of which one must be
    hit, `group` owners of the failed CI.
    """

    priority: frozenset[str] = frozenset()
    event: frozenset[str] = frozenset()
    service: frozenset[str] = frozenset()
    group: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True, kw_only=True)
class Subscription:
    """One recipient, a notifier's name, and what it wants to hear of."""

    to: str
    when: When = When()


def matches(when: When, *, priority: str, event: str, services: Collection[str], group: str) -> bool:
    """Whether a notice with these properties is wanted.

    Word about a source has the priority "": nobody is spared the news that monitoring is blind because of asking
    for some priorities only. Who asked for some services or groups only is.
    """
    return (
        (not when.priority or not priority or priority in when.priority)
        and (not when.event or event in when.event)
        and (not when.service or not when.service.isdisjoint(services))
        and (not when.group or group in when.group)
    )


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
