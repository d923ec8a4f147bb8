"""The shape in which incidents and notices leave the daemon: replay, CLI, API, webhooks and mails all show this."""

from collections.abc import Iterable, Sequence
from datetime import datetime

import msgspec

from cmdb.model import State
from rules.alert import Alert
from rules.doubt import Doubt
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


class IncidentDocument(msgspec.Struct, frozen=True, kw_only=True):
    """An incident as programs and templates see it. `confirmed_root` is the CI that a person says has failed."""

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


class NoticeContent(msgspec.Struct, frozen=True, kw_only=True):
    """What one notice is made from; the webhook sends it as it is."""

    event: str
    reason: str
    at: str
    idempotency_key: str
    incident: IncidentDocument | None = None
    source: SourceDocument | None = None


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
