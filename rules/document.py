"""The shape in which incidents and notices leave the daemon: replay, CLI, API, webhooks and mails all show this."""

from collections.abc import Iterable
from datetime import datetime
from typing import TypedDict

import msgspec

from cmdb.model import State
from rules.alert import Alert
from rules.clock import Clock
from rules.escalation import Call, Escalation, Progress
from rules.incident import Candidate, HandlingStep, Incident, KnownError, RootCause, Suspect, incident_key
from rules.incident_shapes import (
    CallDocument,
    CandidateDocument,
    ClockDocument,
    EscalationDocument,
    KnownErrorDocument,
    RootDocument,
    ServiceDocument,
    SnoozeDocument,
    WaitingStepDocument,
)
from rules.record_shapes import ChangeDocument, FindingDocument, StepDocument, SuspectDocument
from rules.report import Finding

CONTACT = "contact"
"""The recipient's id in notices to whoever reported an incident; no person of the organisation has it."""


class AlertDocument(msgspec.Struct, frozen=True, kw_only=True):
    """An alert episode; times are RFC 3339 in UTC. `evidence_of` are changes that were expected to cause it."""

    labels: dict[str, str]
    startsAt: str  # noqa: N815  Alertmanager's spelling is part of the contract
    ci: str | None = None
    annotations: dict[str, str] = {}
    cleared_at: str | None = None
    generatorURL: str = ""  # noqa: N815
    evidence_of: tuple[str, ...] = ()


class EventDocument(msgspec.Struct, frozen=True, kw_only=True):
    """An alert that opened nothing, and why; `evidence_of` are changes that were expected to cause it."""

    labels: dict[str, str]
    startsAt: str  # noqa: N815
    reason: str
    ci: str | None = None
    evidence_of: tuple[str, ...] = ()


class IncidentDocument(msgspec.Struct, frozen=True, kw_only=True):
    """An incident as programs and templates see it. `confirmed_root` is the CI that a person says has failed;
    `affected_ci`, `affected_service` and `disruption` are what a report says. The contact is not here: these documents
    leave the house. `opened_at` is when the record was made.

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
    suspects: tuple[SuspectDocument, ...] = ()
    group_reason: str = ""
    responders: tuple[str, ...] = ()
    escalation: EscalationDocument | None = None
    priority_rule: str = ""
    users: int = 0
    hold_reason: str = ""
    clocks: tuple[ClockDocument, ...] = ()
    updated_at: str = ""
    description: str = ""
    category: str = ""
    source: str = "event"
    channel: str = "monitoring"
    registered_by: str = ""
    observed_at: str | None = None
    detected_at: str | None = None
    affected_ci: str | None = None
    affected_service: str | None = None
    disruption: str | None = None
    signs: tuple[FindingDocument, ...] = ()
    findings: tuple[FindingDocument, ...] = ()
    template: str = ""
    steps: tuple[StepDocument, ...] = ()
    steps_required: bool = False
    resolution_code: str = ""
    resolved_by: str = ""
    restored_at: str | None = None
    restoration: str | None = None


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


class SummaryItem(msgspec.Struct, frozen=True, kw_only=True):
    """One incident in a summary: the last event that the reader is told of, and how things are now; `services` are the
    business services that are hit."""

    number: str
    event: str
    reason: str
    title: str
    status: str
    priority: str
    opened_at: str
    resolved_at: str | None
    root: str | None
    services: tuple[ServiceDocument, ...]
    group: str
    assignee: str


class SummaryDocument(msgspec.Struct, frozen=True, kw_only=True):
    """Many incidents in one notice. `kind` is `burst` (many at once), `quiet` (what waited for quiet hours to end),
    `digest` (collected on purpose) or `limit` (one person had had enough notices). `since` is when the first of it
    happened. `total` counts incidents, `open` those that are not over, `priorities` the open ones by priority;
    `services` are the worst states of all business services hit by open ones. `items` are the worst first and bounded,
    so there may be fewer than `total`."""

    kind: str
    since: str
    total: int
    open: int
    priorities: dict[str, int]
    services: tuple[ServiceDocument, ...]
    items: tuple[SummaryItem, ...]


class NoticeContent(msgspec.Struct, frozen=True, kw_only=True):
    """What one notice is made from; the webhook sends it as it is. It is about an incident, several (`summary`), a
    source or a change; `recipient` is set where one person is meant.

    `audience` is for whom it is worded: `operator`, `manager` or `customer`; `language` is the reader's, empty for the
    usual one. `why` says why this recipient gets it, one sentence each. `next_word_at` is when they hear again even if
    nothing happens; empty where nobody has promised that.

    `names` says what those who have the incidents are called, by their ids, and `root_name` what the failed CI is: its
    name and type, empty where nobody has named it.

    Where `asks_rating`, whoever gets it is asked how content they are; `rating_url` is then filled in on the way out.
    """

    event: str
    reason: str
    at: str
    idempotency_key: str
    incident: IncidentDocument | None = None
    source: SourceDocument | None = None
    recipient: RecipientDocument | None = None
    change: ChangeDocument | None = None
    asks_rating: bool = False
    rating_url: str = ""
    summary: SummaryDocument | None = None
    audience: str = "operator"
    language: str = ""
    why: tuple[str, ...] = ()
    next_word_at: str = ""
    names: dict[str, str] = {}
    root_name: str = ""

    def called(self, person: str) -> str:
        """What a person is called; what is not known as an id is a name already."""
        return self.names.get(person, person)


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
        evidence_of=alert.evidence_of,
    )


def event_document(alert: Alert) -> EventDocument:
    """One alert that opened nothing."""
    return EventDocument(
        labels=alert.labels,
        startsAt=rfc3339(alert.starts_at),
        reason=alert.reason,
        ci=alert.ci,
        evidence_of=alert.evidence_of,
    )


def incident_document(incident: Incident, alerts: Iterable[Alert]) -> IncidentDocument:
    """The whole record, alerts in order of start and identity."""
    return IncidentDocument(
        number=incident.key,
        title=incident.title,
        status=str(incident.status),
        priority=str(incident.priority),
        impact=str(incident.impact),
        urgency=str(incident.urgency),
        priority_reason=incident.priority_reason,
        opened_at=rfc3339(incident.opened_at),
        merged_into=None if incident.merged_into is None else incident_key(incident.merged_into),
        root_cause=_root_document(incident.root, incident.state),
        impacted=incident.impacted,
        impacted_services=tuple(s.ci for s in incident.services if s.state > State.AT_RISK),
        services=tuple(ServiceDocument(id=s.ci, name=s.name, state=s.state.word) for s in incident.services),
        group=incident.group,
        assignee=incident.assignee,
        acknowledged_at=_maybe(incident.acknowledged_at),
        links=tuple({"kind": link.kind, "number": link.key} for link in incident.links),
        alerts=tuple(alert_document(a) for a in sorted(alerts, key=lambda a: (a.starts_at, a.id))),
        confirmed_root=incident.confirmed_root,
        known_errors=tuple(map(_known_error_document, incident.known_errors)),
        suspects=tuple(map(_suspect_document, incident.suspects)),
        group_reason=incident.group_reason,
        responders=incident.responders,
        escalation=_escalation_document(incident.escalation),
        priority_rule=incident.priority_rule,
        users=incident.users,
        hold_reason=incident.hold_reason,
        clocks=tuple(map(_clock_document, incident.clocks)),
        updated_at=rfc3339(incident.updated_at),
        description=incident.description,
        category=incident.category,
        source=str(incident.source),
        channel=str(incident.channel),
        registered_by=incident.registered_by,
        observed_at=_maybe(incident.observed_at),
        detected_at=_maybe(incident.detected_at),
        affected_ci=incident.affected_ci,
        affected_service=incident.affected_service,
        disruption=incident.disruption.word if incident.disruption else None,
        signs=_findings(incident.signs),
        findings=_findings(incident.findings),
        template=incident.template,
        steps=tuple(_step_document(n, step) for n, step in enumerate(incident.steps, start=1)),
        steps_required=incident.steps_required,
        **_end_of(incident),
    )


class _End(TypedDict):
    resolved_at: str | None
    closed_at: str | None
    resolution: str
    resolution_code: str
    resolved_by: str
    restored_at: str | None
    restoration: str | None


def _end_of(incident: Incident) -> _End:
    """How it ended, as far as it has."""
    return _End(
        resolved_at=_maybe(incident.resolved_at),
        closed_at=_maybe(incident.closed_at),
        resolution=incident.resolution,
        resolution_code=incident.resolution_code,
        resolved_by=incident.resolved_by,
        restored_at=_maybe(incident.restored_at),
        restoration=None if incident.restoration is None else str(incident.restoration),
    )


def _known_error_document(known: KnownError) -> KnownErrorDocument:
    return KnownErrorDocument(problem=known.key, title=known.title, workaround=known.workaround, why=known.why)


def _suspect_document(found: Suspect) -> SuspectDocument:
    return SuspectDocument(
        change=found.change or None, what=found.what, when=found.when, ci=found.ci, hops=found.hops, where=found.where
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
    said = escalation.calls or escalation.waiting or snooze is not None
    if escalation.progress is Progress.NONE and not said:
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
        waiting=tuple(
            WaitingStepDocument(policy=w.policy, step=w.step + 1, on=w.event, due_at=_maybe(w.due_at))
            for w in escalation.waiting
        ),
    )


def _call_document(call: Call) -> CallDocument:
    return CallDocument(
        person=call.person, at=rfc3339(call.at), policy=call.policy, step=call.step, why=call.why, via=call.via
    )


def _findings(findings: Iterable[Finding]) -> tuple[FindingDocument, ...]:
    return tuple(FindingDocument(name=f.name, value=f.value) for f in findings)


def _step_document(number: int, step: HandlingStep) -> StepDocument:
    return StepDocument(number=number, text=step.text, done_by=step.done_by, done_at=_maybe(step.done_at))


def _root_document(root: RootCause, state: State) -> RootDocument:
    return RootDocument(
        ci=root.ci,
        confidence=root.confidence,
        evidence=root.evidence,
        candidates=tuple(_candidate_document(c) for c in root.candidates),
        state=state.word,
        beside=root.beside,
    )


def _candidate_document(candidate: Candidate) -> CandidateDocument:
    return CandidateDocument(ci=candidate.ci, confidence=candidate.confidence, evidence=candidate.evidence)
