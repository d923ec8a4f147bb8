"""The shape in which incidents and notices leave the daemon: replay, CLI, API, webhooks and mails all show this."""

from collections.abc import Iterable, Sequence
from datetime import datetime

import msgspec

from cmdb.model import State
from rules.alert import Alert
from rules.clock import Clock
from rules.doubt import Doubt
from rules.escalation import Call, Escalation, Progress
from rules.incident import Candidate, Incident, RootCause, incident_key
from rules.past import History
from rules.silence import Silence


class AlertDocument(msgspec.Struct, frozen=True, kw_only=True):
    """An alert episode; times are RFC 3339 in UTC."""

    labels: dict[str, str]
    startsAt: str  # noqa: N815  Alertmanager's spelling is part of the contract
    ci: str | None = None
    annotations: dict[str, str] = {}
    cleared_at: str | None = None
    generatorURL: str = ""  # noqa: N815


class EventDocument(msgspec.Struct, frozen=True, kw_only=True):
    """An alert that opened nothing, and why."""

    labels: dict[str, str]
    startsAt: str  # noqa: N815
    reason: str
    ci: str | None = None


class CandidateDocument(msgspec.Struct, frozen=True, kw_only=True):
    """A possible root cause with its probability among the candidates."""

    ci: str
    confidence: float
    evidence: tuple[str, ...] = ()


class RootDocument(msgspec.Struct, frozen=True, kw_only=True):
    """The root cause, why, and what else it could be, best first."""

    ci: str | None
    confidence: float
    evidence: tuple[str, ...]
    candidates: tuple[CandidateDocument, ...]


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


class EscalationDocument(msgspec.Struct, frozen=True, kw_only=True):
    """Who was called, and who is next: `progress` is none, running, stopped or exhausted, `next_step` counts from 1 and
    `next_at` is null where nothing is due."""

    policy: str
    progress: str
    next_step: int
    next_at: str | None
    calls: tuple[CallDocument, ...]
    snooze: SnoozeDocument | None


class IncidentDocument(msgspec.Struct, frozen=True, kw_only=True):
    """An incident as programs and templates see it. `confirmed_root` is the CI that a person says has failed.

    `priority_rule` says what made the priority; `users` is how many are known to be hit.
    """

    number: str
    title: str
    status: str
    priority: str
    impact: str
    urgency: str
    priority_reason: str
    opened_at: str
    resolved_at: str | None
    merged_into: str | None
    root_cause: RootDocument
    impacted: tuple[str, ...]
    impacted_services: tuple[str, ...]
    services: tuple[ServiceDocument, ...]
    group: str
    assignee: str
    acknowledged_at: str | None
    closed_at: str | None
    resolution: str
    links: tuple[dict[str, str], ...]
    alerts: tuple[AlertDocument, ...]
    confirmed_root: str | None = None
    known_errors: tuple[KnownErrorDocument, ...] = ()
    group_reason: str = ""
    responders: tuple[str, ...] = ()
    escalation: EscalationDocument | None = None
    priority_rule: str = ""
    users: int = 0
    hold_reason: str = ""
    clocks: tuple[ClockDocument, ...] = ()


class DoubtDocument(msgspec.Struct, frozen=True, kw_only=True):
    """A doubt about the CMDB: `kind` is missing or false; `odds` to one speak for it."""

    kind: str
    ci: str
    needs: str
    odds: float
    seen: int
    possible: int
    incidents: tuple[str, ...]
    services: tuple[str, ...]
    words: str


class DoubtList(msgspec.Struct, frozen=True, kw_only=True):
    """The worst of `total` doubts, and the stretch of the record that was looked at."""

    doubts: tuple[DoubtDocument, ...]
    total: int
    since: str
    until: str
    incidents: int
    alerts: int


class SourceDocument(msgspec.Struct, frozen=True, kw_only=True):
    """Word about a source of alerts, for the notices that monitoring is blind or sees again."""

    name: str
    is_up: bool
    since: str
    error: str


class RecipientDocument(msgspec.Struct, frozen=True, kw_only=True):
    """The person whom a notice is for. `address` is empty where the notifier's own recipients are meant."""

    id: str
    name: str
    address: str


class NoticeContent(msgspec.Struct, frozen=True, kw_only=True):
    """What one notice is made from; the webhook sends it as it is. `recipient` is set where one person is called."""

    event: str
    reason: str
    at: str
    idempotency_key: str
    incident: IncidentDocument | None = None
    source: SourceDocument | None = None
    recipient: RecipientDocument | None = None


class MatcherDocument(msgspec.Struct, frozen=True, kw_only=True):
    """One condition on a label; without `isEqual` it is met by what matches."""

    name: str
    value: str
    isRegex: bool  # noqa: N815  Alertmanager's spelling
    isEqual: bool = True  # noqa: N815


class SilenceStatus(msgspec.Struct, frozen=True):
    """`pending`, `active` or `expired`."""

    state: str


class GettableSilence(msgspec.Struct, frozen=True, kw_only=True):
    """A silence in Alertmanager's shape."""

    id: str
    status: SilenceStatus
    updatedAt: str  # noqa: N815
    matchers: tuple[MatcherDocument, ...]
    startsAt: str  # noqa: N815
    endsAt: str  # noqa: N815
    createdBy: str  # noqa: N815
    comment: str


def rfc3339(at: datetime) -> str:
    """UTC with milliseconds, as in `2026-11-24T08:00:00.000Z`."""
    return at.strftime("%Y-%m-%dT%H:%M:%S.") + f"{at.microsecond // 1000:03d}Z"


def _maybe(at: datetime | None) -> str | None:
    return None if at is None else rfc3339(at)


def alert_document(alert: Alert) -> AlertDocument:
    """One alert of an incident."""
    return AlertDocument(
        labels=alert.labels,
        startsAt=rfc3339(alert.starts_at),
        ci=alert.ci,
        annotations=alert.annotations,
        cleared_at=_maybe(alert.cleared_at),
        generatorURL=alert.generator_url,
    )


def event_document(alert: Alert) -> EventDocument:
    """One alert that opened nothing."""
    return EventDocument(labels=alert.labels, startsAt=rfc3339(alert.starts_at), reason=alert.reason, ci=alert.ci)


def incident_document(incident: Incident, alerts: Iterable[Alert]) -> IncidentDocument:
    """The whole record, alerts in order of start and identity."""
    hit = [s for s in incident.services if s.state > State.AT_RISK]
    return IncidentDocument(
        number=incident.key,
        title=incident.title,
        status=str(incident.status),
        priority=str(incident.priority),
        impact=str(incident.impact),
        urgency=str(incident.urgency),
        priority_reason=incident.priority_reason,
        opened_at=rfc3339(incident.opened_at),
        resolved_at=_maybe(incident.resolved_at),
        merged_into=None if incident.merged_into is None else incident_key(incident.merged_into),
        root_cause=_root_document(incident.root),
        impacted=incident.impacted,
        impacted_services=tuple(s.ci for s in hit),
        services=tuple(ServiceDocument(id=s.ci, name=s.name, state=s.state.word) for s in incident.services),
        group=incident.group,
        assignee=incident.assignee,
        acknowledged_at=_maybe(incident.acknowledged_at),
        closed_at=_maybe(incident.closed_at),
        resolution=incident.resolution,
        links=tuple({"kind": link.kind, "number": link.key} for link in incident.links),
        alerts=tuple(alert_document(a) for a in sorted(alerts, key=lambda a: (a.starts_at, a.id))),
        confirmed_root=incident.confirmed_root,
        known_errors=tuple(
            KnownErrorDocument(problem=e.key, title=e.title, workaround=e.workaround, why=e.why)
            for e in incident.known_errors
        ),
        group_reason=incident.group_reason,
        responders=incident.responders,
        escalation=_escalation_document(incident.escalation),
        priority_rule=incident.priority_rule,
        users=incident.users,
        hold_reason=incident.hold_reason,
        clocks=tuple(map(_clock_document, incident.clocks)),
    )


def _clock_document(clock: Clock) -> ClockDocument:
    pause = clock.pause
    is_late = clock.breached_at is not None and clock.ended_at is not None
    return ClockDocument(
        agreement=str(clock.agreement),
        goal=str(clock.goal),
        level=clock.terms.level,
        priority=clock.terms.priority,
        group=clock.terms.party,
        state=str(clock.state),
        target_s=clock.terms.target.total_seconds(),
        calendar=clock.terms.calendar,
        started_at=rfc3339(clock.started_at),
        due_at=_maybe(clock.due_at),
        next_at=_maybe(clock.next_at),
        paused_at=_maybe(pause.since if pause is not None else None),
        pause_reason=pause.reason if pause is not None else "",
        left_s=clock.left.total_seconds() if pause is not None else None,
        warned=round(clock.told * 100),
        breached_at=_maybe(clock.breached_at),
        ended_at=_maybe(clock.ended_at),
        late_s=clock.late.total_seconds() if is_late else None,
    )


def _escalation_document(escalation: Escalation) -> EscalationDocument | None:
    """None where nobody was ever to be called."""
    snooze = escalation.snooze
    if escalation.progress is Progress.NONE and not escalation.calls and snooze is None:
        return None
    return EscalationDocument(
        policy=escalation.policy,
        progress=str(escalation.progress),
        next_step=escalation.step + 1,
        next_at=_maybe(escalation.next_at),
        calls=tuple(map(_call_document, escalation.calls)),
        snooze=None
        if snooze is None
        else SnoozeDocument(until=rfc3339(snooze.until), by=snooze.by, reason=snooze.reason),
    )


def _call_document(call: Call) -> CallDocument:
    return CallDocument(
        person=call.person, at=rfc3339(call.at), policy=call.policy, step=call.step, why=call.why, via=call.via
    )


def doubts_document(found: Sequence[Doubt], history: History, limit: int) -> DoubtList:
    """The first doubts, with what was looked at."""
    return DoubtList(
        doubts=tuple(_doubt_document(d) for d in found[:limit]),
        total=len(found),
        since=rfc3339(history.since),
        until=rfc3339(history.until),
        incidents=len(history.incidents),
        alerts=len(history.alerts),
    )


def _doubt_document(doubt: Doubt) -> DoubtDocument:
    return DoubtDocument(
        kind=str(doubt.kind),
        ci=doubt.ci,
        needs=doubt.needs,
        odds=doubt.odds,
        seen=doubt.seen,
        possible=doubt.possible,
        incidents=tuple(map(incident_key, doubt.proof)),
        services=doubt.services,
        words=doubt.words,
    )


def _root_document(root: RootCause) -> RootDocument:
    return RootDocument(
        ci=root.ci,
        confidence=root.confidence,
        evidence=root.evidence,
        candidates=tuple(_candidate_document(c) for c in root.candidates),
    )


def _candidate_document(candidate: Candidate) -> CandidateDocument:
    return CandidateDocument(ci=candidate.ci, confidence=candidate.confidence, evidence=candidate.evidence)


def silence_document(silence: Silence, now: datetime) -> GettableSilence:
    """The silence as programs see it at this moment."""
    return GettableSilence(
        id=silence.id,
        status=SilenceStatus(str(silence.state_at(now))),
        updatedAt=rfc3339(silence.updated_at),
        matchers=tuple(
            MatcherDocument(name=m.name, value=m.value, isRegex=m.is_regex, isEqual=m.is_equal)
            for m in silence.matchers
        ),
        startsAt=rfc3339(silence.starts_at),
        endsAt=rfc3339(silence.ends_at),
        createdBy=silence.created_by,
        comment=silence.comment,
    )
