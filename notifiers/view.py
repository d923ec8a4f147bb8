"""A notice in plain words: what templates are given. Everything in it is clean, bounded text."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta, tzinfo

from notifiers.wording import one_line, web_link
from rules.document import AlertDocument, IncidentDocument, NoticeContent
from rules.incident_shapes import ServiceDocument
from rules.words import WORTH_NAMING, percent, span

MAX_ALERTS = 10
MAX_SERVICES = 12
MAX_EVIDENCE = 8
MAX_CANDIDATES = 4
MAX_KNOWN_ERRORS = 3
MAX_CIS = 10

_STATES = ("down", "degraded", "at risk")


@dataclass(frozen=True, slots=True, kw_only=True)
class AlertLine:
    """One alert: since when, which rule, where and what it says; links are empty where there are none."""

    since: str
    name: str
    place: str
    summary: str
    ended: str
    link: str
    runbook: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ServiceGroup:
    """The business services in one state, the first of them by name and how many more there are."""

    state: str
    names: tuple[str, ...]
    more: int


@dataclass(frozen=True, slots=True, kw_only=True)
class CandidateLine:
    """Another CI that could be the root cause."""

    ci: str
    percent: str


@dataclass(frozen=True, slots=True, kw_only=True)
class IncidentView:
    """An incident for people. Texts are empty where nothing is known; instants are in the reader's zone."""

    number: str
    title: str
    priority: str
    priority_reason: str
    status: str
    is_over: bool
    root: str
    sureness: str
    evidence: tuple[str, ...]
    candidates: tuple[CandidateLine, ...]
    services: tuple[ServiceGroup, ...]
    impact: str
    impacted: int
    opened: str
    lasted: str
    group: str
    assignee: str
    acknowledged: str
    work: str
    resolution: str
    merged_into: str
    known_errors: tuple[str, ...]
    workarounds: tuple[str, ...]
    suspects: tuple[str, ...]
    alerts: tuple[AlertLine, ...]
    alert_count: str
    alert_noun: str
    more_alerts: str
    link: str


@dataclass(frozen=True, slots=True, kw_only=True)
class SourceView:
    """A source of alerts, for people."""

    name: str
    is_up: bool
    since: str
    error: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ChangeView:
    """A change, for people. `when` is its planned time and `lasts` how long that is; `hit` says in a sentence what it
    would do to business services, `sure` what that was worked out from."""

    number: str
    title: str
    description: str
    status: str
    is_over: bool
    when: str
    lasts: str
    cis: str
    hit: str
    risk: str
    together: tuple[str, ...]
    sure: str
    owners: str
    work: str
    link: str


def incident_view(content: NoticeContent, incident: IncidentDocument, zone: tzinfo, link_base: str) -> IncidentView:
    """What people are shown of an incident, as of the moment of the notice."""
    status = one_line(incident.status, 20)
    is_over = status in ("resolved", "closed", "merged", "converted")
    root = incident.root_cause
    return IncidentView(
        number=one_line(incident.number, 30),
        title=one_line(incident.title, 160),
        priority=one_line(incident.priority, 10),
        priority_reason=one_line(incident.priority_reason, 300),
        status=status.replace("_", " "),
        is_over=is_over,
        root=one_line(root.ci or "", 120),
        sureness=_sureness(incident),
        evidence=tuple(one_line(line, 300) for line in root.evidence[:MAX_EVIDENCE]),
        candidates=_candidates(incident),
        services=_service_groups(incident.services),
        impact=impact_words(incident, is_over),
        impacted=len(incident.impacted),
        opened=moment(incident.opened_at, zone),
        lasted=duration(incident.opened_at, (incident.resolved_at if is_over else None) or content.at),
        group=one_line(incident.group, 80),
        assignee=one_line(incident.assignee, 80),
        acknowledged=moment(incident.acknowledged_at or "", zone),
        work=_work(incident, is_over),
        resolution=one_line(incident.resolution, 500),
        merged_into=one_line(incident.merged_into or "", 30),
        known_errors=tuple(
            f"{one_line(e.problem, 30)} {one_line(e.title, 160)}: {one_line(e.workaround, 500)}"
            for e in incident.known_errors[:MAX_KNOWN_ERRORS]
        ),
        workarounds=tuple(one_line(e.workaround, 500) for e in incident.known_errors[:MAX_KNOWN_ERRORS]),
        suspects=tuple(one_line(f"{s.what} {s.when}, {s.where}", 300) for s in incident.suspects),
        alerts=tuple(_alert_line(a, zone) for a in _worst_first(incident.alerts)),
        alert_count=f"{len(incident.alerts):,}",
        alert_noun="alert" if len(incident.alerts) == 1 else "alerts",
        more_alerts=f"{len(incident.alerts) - MAX_ALERTS:,}" if len(incident.alerts) > MAX_ALERTS else "",
        link=web_link(f"{link_base.rstrip('/')}/incidents/{incident.number}") if link_base else "",
    )


def source_view(content: NoticeContent, zone: tzinfo) -> SourceView | None:
    """What people are shown of a source; None where the notice is about none."""
    source = content.source
    if source is None:
        return None
    return SourceView(
        name=one_line(source.name, 80),
        is_up=source.is_up,
        since=moment(source.since, zone),
        error=one_line(source.error, 300),
    )


def change_view(content: NoticeContent, zone: tzinfo) -> ChangeView | None:
    """What people are shown of a change; None where the notice is about none."""
    change = content.change
    if change is None:
        return None
    status, risk = one_line(change.status, 20), change.risk
    more = f" and {len(change.cis) - MAX_CIS} more" if len(change.cis) > MAX_CIS else ""
    return ChangeView(
        number=one_line(change.number, 30),
        title=one_line(change.title, 160),
        description=one_line(change.description, 500),
        status=status.replace("_", " "),
        is_over=content.event in ("change_ended", "change_cancelled"),
        when=f"{moment(change.starts_at, zone)} to {moment(change.ends_at, zone)}",
        lasts=duration(change.starts_at, change.ends_at),
        cis=", ".join(one_line(ci, 120) for ci in change.cis[:MAX_CIS]) + more,
        hit=_service_words(risk.services) or "No business service would notice",
        risk=one_line(f"{risk.level}: {risk.reason}", 300),
        together=tuple(one_line(line, 300) for line in risk.together[:MAX_EVIDENCE]),
        sure=one_line(risk.basis, 300),
        owners=one_line(", ".join(risk.owners), 300),
        work=one_line(change.assignee or change.group, 80) or "nobody is named",
        link=web_link(change.url),
    )


def impact_words(incident: IncidentDocument, is_over: bool) -> str:
    """One sentence: which business services are hit and how, or that none is."""
    words = _service_words(incident.services, "Was " if is_over else "")
    if not words:
        others = len(incident.impacted) - 1
        also = f"; {_count(others, 'other component')} affected" if others > 0 else ""
        return f"No business service {'was' if is_over else 'is'} hit{also}"
    return words


def _service_words(services: Iterable[ServiceDocument], verb: str = "") -> str:
    """Which services are hit and how, as in `Down: Payments. Degraded: Reporting`; empty where none is."""
    return ". ".join(f"{(verb + g.state).capitalize()}: {_listed(g)}" for g in _service_groups(services))


def moment(text: str, zone: tzinfo) -> str:
    """An RFC 3339 instant as people write it, with its zone; what cannot be read is shown as it is."""
    try:
        at = datetime.fromisoformat(text).astimezone(zone)
    except (ValueError, OverflowError):
        return one_line(text, 40)
    return f"{at:%Y-%m-%d %H:%M:%S} {at.tzname() or 'UTC'}"


def duration(start: str, end: str) -> str:
    """Time between two RFC 3339 instants in words, its two largest units; empty where that makes no sense."""
    try:
        length = datetime.fromisoformat(end) - datetime.fromisoformat(start)
    except (ValueError, TypeError):
        return ""
    return "" if length < timedelta(0) else span(length)


def _is_confirmed(incident: IncidentDocument) -> bool:
    return incident.root_cause.ci is not None and incident.root_cause.ci == incident.confirmed_root


def _sureness(incident: IncidentDocument) -> str:
    root = incident.root_cause
    if _is_confirmed(incident):
        return "confirmed by a person"
    ranks = ((0.9, "almost certain"), (0.7, "very likely"), (0.5, "likely"), (0.25, "possible"))
    words = next((words for least, words in ranks if root.confidence >= least), "only a guess")
    return f"{words}, {percent(root.confidence)}"


def _candidates(incident: IncidentDocument) -> tuple[CandidateLine, ...]:
    root = incident.root_cause
    if _is_confirmed(incident):
        return ()
    others = [c for c in root.candidates if c.ci != root.ci and c.confidence >= WORTH_NAMING]
    return tuple(CandidateLine(ci=one_line(c.ci, 120), percent=percent(c.confidence)) for c in others[:MAX_CANDIDATES])


def _service_groups(services: Iterable[ServiceDocument]) -> tuple[ServiceGroup, ...]:
    names: dict[str, list[str]] = {}
    for service in services:
        names.setdefault(one_line(service.state, 20), []).append(one_line(service.name or service.id, 80))
    states = sorted(names, key=lambda s: (_STATES.index(s) if s in _STATES else len(_STATES), s))
    return tuple(
        ServiceGroup(
            state=state,
            names=tuple(sorted(names[state])[:MAX_SERVICES]),
            more=max(len(names[state]) - MAX_SERVICES, 0),
        )
        for state in states
    )


def _listed(group: ServiceGroup) -> str:
    more = f" and {group.more} more" if group.more else ""
    return ", ".join(group.names) + more


def _work(incident: IncidentDocument, is_over: bool) -> str:
    group, person = one_line(incident.group, 80), one_line(incident.assignee, 80)
    if person:
        return f"{person} ({group})" if group else person
    if is_over:
        return group or "nobody was assigned"
    return f"{group}, nobody in person yet" if group else "nobody yet"


def _worst_first(alerts: tuple[AlertDocument, ...]) -> list[AlertDocument]:
    """Those that still fire first, then as they came: the first alerts are nearest to the cause."""
    return sorted(alerts, key=lambda a: a.cleared_at is not None)[:MAX_ALERTS]


def _alert_line(alert: AlertDocument, zone: tzinfo) -> AlertLine:
    labels, notes = alert.labels, alert.annotations
    place = alert.ci or labels.get("instance", "") or labels.get("host", "")
    return AlertLine(
        since=moment(alert.startsAt, zone),
        name=one_line(labels.get("alertname", "alert"), 80),
        place=one_line(place, 120),
        summary=one_line(notes.get("summary") or notes.get("description") or notes.get("message") or "", 200),
        ended=moment(alert.cleared_at or "", zone),
        link=web_link(alert.generatorURL),
        runbook=web_link(notes.get("runbook_url", "")),
    )


def _count(number: int, noun: str) -> str:
    return f"{number:,} {noun}{'' if number == 1 else 's'}"
