"""How people are called one after the other until somebody acknowledges, and how far an incident has come in it."""

import enum
from dataclasses import dataclass
from datetime import datetime, timedelta

from rules.wallclock import Hours

MOST_CALLS = 200
"""So many of its last calls an incident shows; the timeline has all of them."""


ON = ("response_warning", "response_breached", "resolution_warning", "resolution_breached")
"""What happens to promised times (`rules.timekeeping`) that a step can wait for."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ClockEvent:
    """Something of `ON` that has happened to an incident; `share` (0 to 1) of the target where it is a warning."""

    incident: int
    event: str
    share: float = 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class EscalationStep:
    """Whom to call once nobody has acknowledged for `after` since the step before (or since the incident was routed).

    `people` are ids; of `groups` every member is called, of `schedules` who is on call, and with `on_call` who is on
    call for the incident's own group. `lead` and `manager` are those of that group. `hand_to` gives the incident to
    another group, whose own escalation then begins; such a step calls nobody itself.
    A step with `on` (one of `ON`) is none of those that follow on each other: it is taken `after` that has happened to
    a promised time, acknowledged or not; where it has a `share` (0 to 1), only at that warning. A step counts only for
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
    on: str = ""
    share: float = 0.0
    priorities: frozenset[str] = frozenset()
    hours: tuple[Hours, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class EscalationPolicy:
    """Steps in order; after the last they begin again `repeat` times, each time after `repeat_after`."""

    name: str
    steps: tuple[EscalationStep, ...]
    repeat: int = 0
    repeat_after: timedelta = timedelta(minutes=15)

    def next_timed(self, index: int) -> int:
        """The first step from `index` on that follows on another, from 0; the number of steps where there is none."""
        return next((n for n in range(index, len(self.steps)) if not self.steps[n].on), len(self.steps))


class Progress(enum.StrEnum):
    """Whether the steps of an escalation are still taken."""

    NONE = "none"
    RUNNING = "running"
    STOPPED = "stopped"
    EXHAUSTED = "exhausted"


@dataclass(frozen=True, slots=True, kw_only=True)
class Call:
    """One person called: when, at which step (from 1) of which policy, why this person, and by which notifiers.

    `round` (from 0) counts how often the steps had been through, `turn` how often they had been begun anew. By the
    notifiers in `failed` it could not be delivered.
    """

    person: str
    at: datetime
    policy: str
    step: int
    why: str
    via: tuple[str, ...]
    round: int = 0
    turn: int = 0
    failed: tuple[str, ...] = ()

    @property
    def is_in_vain(self) -> bool:
        """Whether no word of it can have arrived."""
        return set(self.via) <= set(self.failed)


@dataclass(frozen=True, slots=True, kw_only=True)
class Snooze:
    """Nobody is called before `until`, unless things get worse than `priority` and `services` (ids), as they were."""

    until: datetime
    by: str
    reason: str
    priority: str
    services: frozenset[str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Parked:
    """How far an incident had come for a group that it was taken from, unacknowledged."""

    group: str
    policy: str
    step: int
    round: int
    next_at: datetime | None
    left: timedelta | None


@dataclass(frozen=True, slots=True, kw_only=True)
class WaitingStep:
    """A step (from 0) of a policy that something of `ON` has called for, and when it is due; while that is frozen
    `due_at` is None and `left` is the time that was left."""

    policy: str
    step: int
    event: str
    due_at: datetime | None
    left: timedelta | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Escalation:
    """How far an incident has come: the next step (from 0) of the policy begun for `group`, and when it is due.

    While a snooze or maintenance freezes it, `next_at` is None and `left` is the time that was left. `turn` counts
    how often it was begun anew; `parked` is how far it has come for other groups in this turn. `waiting` are steps that
    wait for the time since something happened to a promise.
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
    turn: int = 0
    parked: tuple[Parked, ...] = ()
    waiting: tuple[WaitingStep, ...] = ()

    @property
    def wakes_at(self) -> datetime | None:
        """When it has to be looked at again, though nothing else happens; None where never."""
        ends = self.snooze.until if self.snooze is not None else None
        moments = (self.next_at, ends, *(w.due_at for w in self.waiting))
        return min((at for at in moments if at is not None), default=None)

    @property
    def called(self) -> tuple[str, ...]:
        """Ids of everybody who was called, once each, in the order of their first call."""
        return tuple(dict.fromkeys(call.person for call in self.calls))
