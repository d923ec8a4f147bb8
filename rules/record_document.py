"""The shape in which service requests, problems and changes leave the daemon: CLI and API both show this."""

from typing import Any

import msgspec

from rules.change_risk import Risk
from rules.decision import TimelineEntry
from rules.document import rfc3339
from rules.incident import incident_key
from rules.incident_shapes import ServiceDocument
from rules.record import Change, Problem, Record
from rules.record_lifecycles import LIFECYCLES
from rules.record_shapes import ChangeDocument, RiskDocument
from rules.recurrence import Suggestion


class RecordDocument(msgspec.Struct, frozen=True, kw_only=True):
    """A service request, and what all records have; times are RFC 3339 in UTC. `allowed` are the steps that may come
    next."""

    number: str
    kind: str
    status: str
    title: str
    description: str
    opened_at: str
    opened_by: str
    updated_at: str
    group: str
    assignee: str
    cis: tuple[str, ...]
    services: tuple[str, ...]
    outcome: str
    ended_at: str | None
    settled_at: str | None
    links: tuple[dict[str, str], ...]
    allowed: tuple[str, ...]
    version: int


class ProblemRecord(RecordDocument, frozen=True, kw_only=True):
    """A problem; a known error has a workaround, and `categories`, `cis`, `services`, `alerts` and `words` say what it
    matches."""

    cause: str
    workaround: str
    categories: tuple[str, ...]
    alerts: tuple[str, ...]
    words: tuple[str, ...]


class EvidenceDocument(msgspec.Struct, frozen=True, kw_only=True):
    """An alert that a change was expected to cause: its rule, the CI it speaks of, and when it began."""

    alert: str
    ci: str
    at: str


class ChangeRecord(RecordDocument, frozen=True, kw_only=True):
    """A change: when it is planned, when it really was, who approved it, and the first alerts it was expected to
    cause."""

    starts_at: str
    ends_at: str
    began_at: str | None
    approved_at: str | None
    approved_by: str
    url: str
    uid: str
    evidence: tuple[EvidenceDocument, ...]


class SuggestionDocument(msgspec.Struct, frozen=True, kw_only=True):
    """A problem that should be made: the CI, its incidents, and the alerts that recur in them."""

    ci: str
    incidents: tuple[str, ...]
    alerts: tuple[str, ...]
    first_at: str
    last_at: str
    words: str


class EntryDocument(msgspec.Struct, frozen=True, kw_only=True):
    """One line of a record's history."""

    at: str
    kind: str
    text: str
    actor: str
    old: str
    new: str


def record_document(record: Record) -> RecordDocument:
    """The record in the shape of its kind."""
    ended, settled = record.ended_at, record.settled_at
    common: dict[str, Any] = {
        "number": record.key,
        "kind": str(record.kind),
        "status": str(record.status),
        "opened_at": rfc3339(record.opened_at),
        "updated_at": rfc3339(record.updated_at),
        "ended_at": None if ended is None else rfc3339(ended),
        "settled_at": None if settled is None else rfc3339(settled),
        "links": tuple({"kind": link.kind, "number": link.key} for link in record.links),
        "allowed": LIFECYCLES[record.kind].allowed_steps(record.status),
    }
    same = ("title", "description", "opened_by", "group", "assignee", "cis", "services", "outcome", "version")
    common |= {name: getattr(record, name) for name in same}
    if isinstance(record, Problem):
        own = {name: getattr(record, name) for name in ("cause", "workaround", "categories", "alerts", "words")}
        return ProblemRecord(**common, **own)
    if isinstance(record, Change):
        own = {name: getattr(record, name) for name in ("approved_by", "url", "uid")}
        evidence = tuple(EvidenceDocument(alert=e.alert, ci=e.ci, at=rfc3339(e.at)) for e in record.evidence)
        return ChangeRecord(**common, **_times(record), **own, evidence=evidence)
    return RecordDocument(**common)


def _times(change: Change) -> dict[str, Any]:
    names = ("starts_at", "ends_at", "began_at", "approved_at")
    return {name: None if (at := getattr(change, name)) is None else rfc3339(at) for name in names}


def risk_document(risk: Risk) -> RiskDocument:
    """The risk of a change."""
    return RiskDocument(
        level="none" if risk.level is None else str(risk.level),
        reason=risk.reason,
        services=tuple(ServiceDocument(id=s.ci, name=s.name, state=s.state.word) for s in risk.services),
        reached=risk.reached,
        owners=risk.owners,
        together=risk.together,
        basis=risk.basis,
    )


def change_document(change: Change, risk: Risk) -> ChangeDocument:
    """A change and its risk as notices tell of it."""
    return ChangeDocument(
        number=change.key,
        title=change.title,
        description=change.description,
        status=str(change.status),
        starts_at=rfc3339(change.starts_at),
        ends_at=rfc3339(change.ends_at),
        opened_at=rfc3339(change.opened_at),
        cis=change.cis,
        group=change.group,
        assignee=change.assignee,
        outcome=change.outcome,
        url=change.url,
        risk=risk_document(risk),
    )


def suggestion_document(suggestion: Suggestion) -> SuggestionDocument:
    """A problem that should be made."""
    return SuggestionDocument(
        ci=suggestion.ci,
        incidents=tuple(map(incident_key, suggestion.incidents)),
        alerts=suggestion.alerts,
        first_at=rfc3339(suggestion.first_at),
        last_at=rfc3339(suggestion.last_at),
        words=suggestion.words,
    )


def entry_document(entry: TimelineEntry) -> EntryDocument:
    """One line of a record's history."""
    return EntryDocument(
        at=rfc3339(entry.at), kind=entry.kind, text=entry.text, actor=entry.actor, old=entry.old, new=entry.new
    )
