"""The incident record: what is known, decided and told about one failure."""

import enum
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from cmdb.model import State
from rules.clock import Clock
from rules.escalation import Escalation
from rules.lesson import Lesson
from rules.report import Channel, Contact, Finding, ReportSource


class Status(enum.StrEnum):
    """Where an incident stands in its life; the allowed steps are in `rules.lifecycle`."""

    OPEN = "open"
    ACKNOWLEDGED = "acknowledged"
    IN_PROGRESS = "in_progress"
    ON_HOLD = "on_hold"
    RESOLVED = "resolved"
    CLOSED = "closed"
    MERGED = "merged"
    CONVERTED = "converted"


class Priority(enum.StrEnum):
    """ITIL priority; P1 is the most urgent."""

    P1 = "P1"
    P2 = "P2"
    P3 = "P3"
    P4 = "P4"
    P5 = "P5"


class Level(enum.StrEnum):
    """A degree of impact or urgency."""

    HIGH = "high"
    MEDIUM = "medium"
    LOW = "low"


@dataclass(frozen=True, slots=True, kw_only=True)
class Candidate:
    """A CI that could be the root cause. `confidence` is a probability among the candidates, 0 to 1."""

    ci: str
    confidence: float
    evidence: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class RootCause:
    """The best explanation of an incident's alerts. `ci` is None where no alert maps onto the CMDB.

    `beside` are ids of CIs that must have failed too, since redundancy would have borne the loss of `ci` alone.
    """

    ci: str | None = None
    confidence: float = 0.0
    beside: tuple[str, ...] = ()
    evidence: tuple[str, ...] = ()
    candidates: tuple[Candidate, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class HitService:
    """A business service that the failure reaches, and how badly."""

    ci: str
    name: str
    state: State


@dataclass(frozen=True, slots=True, kw_only=True)
class Told:
    """What one recipient (by key) was last told, so that nothing is said twice, not even after a restart."""

    to: str
    event: str
    at: datetime
    priority: Priority
    root: str | None
    services: tuple[tuple[str, int], ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Link:
    """A named relation to another record, as seen from this one; `rules.linking` has them all. `series` is what stands
    before the number: INC, REQ, PRB or CHG."""

    kind: str
    number: int
    series: str = "INC"

    @property
    def key(self) -> str:
        """The other record's number as people write it."""
        return f"{self.series}-{self.number}"


@dataclass(frozen=True, slots=True, kw_only=True)
class KnownError:
    """A problem that is known to make such incidents: its number, what helps until it is mended, and why it matches."""

    problem: int
    title: str
    workaround: str
    why: str

    @property
    def key(self) -> str:
        """The problem's number as people write it."""
        return f"PRB-{self.problem}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Suspect:
    """Work that may have broken it: what it was, when as seen from the first sign, and on which CI.

    `hops` says how many dependencies lie between that and the root cause, `where` the same in words; `change` is the
    number of the change, empty for announced maintenance.
    """

    what: str
    when: str
    ci: str
    hops: int
    where: str
    change: str = ""

    @property
    def words(self) -> str:
        """All of it in a line."""
        return f"{self.what} {self.when}, {self.where}"


class Restoration(enum.StrEnum):
    """How the service came back."""

    FIX = "fix"
    WORKAROUND = "workaround"
    ITSELF = "itself"


@dataclass(frozen=True, slots=True, kw_only=True)
class HandlingStep:
    """One thing that handling an incident requires; `done_by` is empty while it is not done."""

    text: str
    done_by: str = ""
    done_at: datetime | None = None

    @property
    def is_done(self) -> bool:
        """Whether somebody has checked it off."""
        return self.done_at is not None


@dataclass(frozen=True, slots=True, kw_only=True)
class Incident:
    """One failure, from the first sign to closing.

    `state` is how badly the root itself is off. `impacted` holds ids of the CIs that are down or degraded, the root
    included; `services` the business services reached, at risk included. `group` owns the failed CI. `pinned` names the
    fields a person has set, which the daemon then leaves alone. `quiet_since` is when the last of its alerts cleared.
    `confirmed_root` is the CI that a person says has failed; `taught` is what was learnt from the incident so far.
    `suspects` is work near the root before its first sign, likeliest first. `known_errors` are those that match it now;
    `known_told` says that people have been told that the error is known. `watchers` are ids of people who are told of
    everything about it.
    `group_reason` says in words why that group; `responders` are ids of the people who were called last.
    `priority_rule` names what the priority was made by: the matrix, a rule of the organisation's or a person; at
    `priority_until` a calendar that it depends on may make another. `users` is how many are known to be hit.
    `hold_reason` says what is waited for while it is on hold. `clocks` are what is promised about it, in order of their
    start; of those with one agreement and goal the last one counts, the others are history.
    `registered_by` is the person who registered it, empty where the daemon opened it for alerts; `observed_at` is when
    the reporter noticed it, `detected_at` when monitoring or another tool did. `affected_ci`, `affected_service` and
    `disruption` are what the report says. `template` is the name of the one it was made by, which lends it its steps
    and `least_priority`; `is_waiting_for_steps` that it would be resolved but for them. `resolution_code` is a word of
    the organisation's list; `restored_at` and `restoration` say when and how the service came back.
    Instants are aware UTC.
    """

    number: int
    status: Status
    title: str
    priority: Priority
    impact: Level
    urgency: Level
    priority_reason: str
    opened_at: datetime
    updated_at: datetime
    root: RootCause = field(default_factory=RootCause)
    state: State = State.DOWN
    impacted: tuple[str, ...] = ()
    services: tuple[HitService, ...] = ()
    group: str = ""
    assignee: str = ""
    acknowledged_at: datetime | None = None
    resolved_at: datetime | None = None
    closed_at: datetime | None = None
    quiet_since: datetime | None = None
    resolution: str = ""
    merged_into: int | None = None
    links: tuple[Link, ...] = ()
    pinned: frozenset[str] = frozenset()
    refired: int = 0
    told: tuple[Told, ...] = ()
    confirmed_root: str | None = None
    taught: tuple[Lesson, ...] = ()
    known_errors: tuple[KnownError, ...] = ()
    suspects: tuple[Suspect, ...] = ()
    known_told: bool = False
    watchers: tuple[str, ...] = ()
    group_reason: str = ""
    responders: tuple[str, ...] = ()
    escalation: Escalation = field(default_factory=Escalation)
    priority_rule: str = ""
    priority_until: datetime | None = None
    users: int = 0
    hold_reason: str = ""
    clocks: tuple[Clock, ...] = ()
    description: str = ""
    category: str = ""
    source: ReportSource = ReportSource.EVENT
    channel: Channel = Channel.MONITORING
    registered_by: str = ""
    contact: Contact = field(default_factory=Contact)
    observed_at: datetime | None = None
    detected_at: datetime | None = None
    affected_ci: str | None = None
    affected_service: str | None = None
    disruption: State = State.UP
    signs: tuple[Finding, ...] = ()
    findings: tuple[Finding, ...] = ()
    template: str = ""
    least_priority: Priority | None = None
    steps: tuple[HandlingStep, ...] = ()
    steps_required: bool = False
    is_waiting_for_steps: bool = False
    resolution_code: str = ""
    resolved_by: str = ""
    restored_at: datetime | None = None
    restoration: Restoration | None = None
    version: int = 1

    @property
    def key(self) -> str:
        """The number as people write it."""
        return incident_key(self.number)

    @property
    def diagnosed_root(self) -> str | None:
        """The CI that the diagnosis named, whatever a person has said since."""
        return self.root.candidates[0].ci if self.root.candidates else None

    @property
    def next_at(self) -> datetime | None:
        """When to look at it because time passes: a clock warns, a promise is due, a calendar asks for a priority,
        somebody is to be called."""
        moments = [c.next_at for c in self.clocks]
        if self.is_active:
            moments += (self.priority_until, self.escalation.wakes_at)
        return min((at for at in moments if at is not None), default=None)

    @property
    def due(self) -> Clock | None:
        """The promise to be kept next, or the one that is overdue longest; None where none is due."""
        owed = [c for c in self.clocks if c.ended_at is None and c.due_at is not None]
        return min(owed, key=lambda c: (c.due_at, c.goal), default=None)

    @property
    def is_active(self) -> bool:
        """Whether work on it may still be due."""
        return self.status in ACTIVE

    @property
    def is_settled(self) -> bool:
        """Whether nothing more is expected to happen to it."""
        return self.status in SETTLED

    @property
    def settled_at(self) -> datetime | None:
        """When nothing more was expected to happen to it; None before. What is linked to it later changes nothing."""
        return (self.closed_at or self.updated_at) if self.is_settled else None

    @property
    def is_by_hand(self) -> bool:
        """Whether a person registered it."""
        return bool(self.registered_by)

    @property
    def open_steps(self) -> tuple[int, ...]:
        """The numbers, from 1, of the steps that are not done."""
        return tuple(place for place, step in enumerate(self.steps, start=1) if not step.is_done)


ACTIVE = frozenset({Status.OPEN, Status.ACKNOWLEDGED, Status.IN_PROGRESS, Status.ON_HOLD})
SETTLED = frozenset({Status.CLOSED, Status.MERGED, Status.CONVERTED})


NOT_RESOLVED: dict[str, Any] = {
    "resolved_at": None,
    "closed_at": None,
    "resolution": "",
    "resolution_code": "",
    "resolved_by": "",
    "restored_at": None,
    "restoration": None,
    "is_waiting_for_steps": False,
}
"""What an incident that is open again no longer says of its end."""


def incident_key(number: int) -> str:
    """`INC-42` for 42."""
    return f"INC-{number}"


def incident_number(key: str) -> int:
    """42 for `INC-42`, `inc-42` or `42`; ValueError where it is neither."""
    return int(key.strip().upper().removeprefix("INC-"))
