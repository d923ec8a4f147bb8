"""How people are called one after the other until somebody acknowledges, and how far an incident has come in it."""

import enum
from dataclasses import dataclass
from datetime import datetime, timedelta

from rules.wallclock import Hours

MOST_CALLS = 200
"""So many of its last calls an incident shows; the timeline has all of them."""


@dataclass(frozen=True, slots=True, kw_only=True)
class EscalationStep:
    """Whom to call once nobody has acknowledged for `after` since the step before (or since the incident was routed).

    `people` are ids; of `groups` every member is called, of `schedules` who is on call, and with `on_call` who is on
    call for the incident's own group. `lead` and `manager` are those of that group. `hand_to` gives the incident to
    another group, whose own escalation then begins; such a step calls nobody itself. A step counts only for
    `priorities`, where there are any, and calls only people in whose own local time it is within `hours`.
    """

    after: timedelta = timedelta()
    people: tuple[str, ...] = ()
    groups: tuple[str, ...] = ()
    schedules: tuple[str, ...] = ()
    on_call: bool = False
    lead: bool = False
    manager: bool = False
    hand_to: str = ""
    priorities: frozenset[str] = frozenset()
    hours: tuple[Hours, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class EscalationPolicy:
    """Steps in order; after the last they begin again `repeat` times, each time after `repeat_after`."""

    name: str
    steps: tuple[EscalationStep, ...]
    repeat: int = 0
    repeat_after: timedelta = timedelta(minutes=15)


class Progress(enum.StrEnum):
    """Whether the steps of an escalation are still taken."""

    NONE = "none"
    RUNNING = "running"
    STOPPED = "stopped"
    EXHAUSTED = "exhausted"


@dataclass(frozen=True, slots=True, kw_only=True)
class Call:
    """One person called: when, at which step (from 1) of which policy, why this person, and by which notifiers."""

    person: str
    at: datetime
    policy: str
    step: int
    why: str
    via: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Snooze:
    """Nobody is called before `until`, unless things get worse than `priority` and `services` (ids), as they were."""

    until: datetime
    by: str
    reason: str
    priority: str
    services: frozenset[str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Escalation:
    """How far an incident has come: the next step (from 0) of the policy begun for `group`, and when it is due.

    While a snooze or maintenance freezes it, `next_at` is None and `left` is the time that was left.
    """

    policy: str = ""
    group: str = ""
    progress: Progress = Progress.NONE
    step: int = 0
    round: int = 0
    next_at: datetime | None = None
    left: timedelta | None = None
    calls: tuple[Call, ...] = ()
    snooze: Snooze | None = None

    @property
    def wakes_at(self) -> datetime | None:
        """When it has to be looked at again, though nothing else happens; None where never."""
        moments = (self.next_at, self.snooze.until if self.snooze is not None else None)
        return min((at for at in moments if at is not None), default=None)

    @property
    def called(self) -> tuple[str, ...]:
        """Ids of everybody who was called, once each, in the order of their first call."""
        return tuple(dict.fromkeys(call.person for call in self.calls))
