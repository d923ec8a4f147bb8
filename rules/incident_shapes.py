"""The shapes of what an incident document is made of: its root, services, promised times and calls."""

import msgspec


class CandidateDocument(msgspec.Struct, frozen=True, kw_only=True):
    """A possible root cause with its probability among the candidates."""

    ci: str
    confidence: float
    evidence: tuple[str, ...] = ()


class RootDocument(msgspec.Struct, frozen=True, kw_only=True):
    """The root cause, why, and what else it could be, best first. `state` is how badly it is off itself: down, degraded
    or at risk; `beside` are CIs that must have failed with it."""

    ci: str | None
    confidence: float
    evidence: tuple[str, ...]
    candidates: tuple[CandidateDocument, ...]
    state: str = ""
    beside: tuple[str, ...] = ()


class ServiceDocument(msgspec.Struct, frozen=True, kw_only=True):
    """A business service that is hit: `state` is down, degraded or at risk."""

    id: str
    name: str
    state: str


class KnownErrorDocument(msgspec.Struct, frozen=True, kw_only=True):
    """A known error that the incident is of: the problem's number, what helps until it is mended, why it matches."""

    problem: str
    title: str
    workaround: str
    why: str


class ClockDocument(msgspec.Struct, frozen=True, kw_only=True):
    """One promised time. `agreement` is SLA or OLA, `goal` response or resolution, `state` running, paused, met,
    breached or stopped.

    `target_s`, `left_s` and `late_s` are seconds of working time in `calendar`. `left_s` is given while it is paused,
    `late_s` once it was met too late. `warned` is the share of the target in percent that people were warned of.
    """

    agreement: str
    goal: str
    level: str
    priority: str
    group: str
    state: str
    target_s: float
    calendar: str
    started_at: str
    due_at: str | None
    next_at: str | None
    paused_at: str | None
    pause_reason: str
    left_s: float | None
    warned: float
    breached_at: str | None
    ended_at: str | None
    late_s: float | None


class CallDocument(msgspec.Struct, frozen=True, kw_only=True):
    """A person (id) who was called: when, at which step of which policy, why this person, and by which notifiers."""

    person: str
    at: str
    policy: str
    step: int
    why: str
    via: tuple[str, ...]


class SnoozeDocument(msgspec.Struct, frozen=True, kw_only=True):
    """Nobody is called until then, unless things get worse."""

    until: str
    by: str
    reason: str


class WaitingStepDocument(msgspec.Struct, frozen=True, kw_only=True):
    """A step (from 1) that was called for by what happened to a promised time, as in `resolution_breached`; `due_at` is
    null while it is frozen."""

    policy: str
    step: int
    on: str
    due_at: str | None


class EscalationDocument(msgspec.Struct, frozen=True, kw_only=True):
    """Who was called, and who is next: `progress` is none, running, stopped or exhausted, `next_step` counts from 1 and
    `next_at` is null where nothing is due."""

    policy: str
    progress: str
    next_step: int
    next_at: str | None
    calls: tuple[CallDocument, ...]
    snooze: SnoozeDocument | None
    waiting: tuple[WaitingStepDocument, ...] = ()
