"""An incident in the words of those who mend it."""

from dataclasses import dataclass

from notifiers.language import marked
from notifiers.reader import Reader
from notifiers.views.links import Link, LinkTemplate, at_its_time, filled_links, span_of
from notifiers.views.promises import PromiseLine, promise_lines
from notifiers.views.services import ServiceGroup, more_words, service_groups, service_sentence
from notifiers.wording import console_link, one_line, web_link
from rules.document import AlertDocument, IncidentDocument, NoticeContent
from rules.words import TELL_APART, WORTH_NAMING

MAX_ALERTS = 10
MAX_EVIDENCE = 8
MAX_CANDIDATES = 4
MAX_KNOWN_ERRORS = 3
MAX_RUNBOOKS = 5
MAX_STEPS = 20

OVER = ("resolved", "closed", "merged", "converted")
"""Statuses in which an incident is no longer worked on."""

_STATUSES = {
    "open": marked("open"),
    "acknowledged": marked("acknowledged"),
    "in_progress": marked("in progress"),
    "on_hold": marked("on hold"),
    "resolved": marked("resolved"),
    "closed": marked("closed"),
    "merged": marked("merged"),
    "converted": marked("converted"),
}
_RANKS = (
    (0.9, marked("almost certain")),
    (0.7, marked("very likely")),
    (0.5, marked("likely")),
    (0.25, marked("possible")),
)
_GUESS = marked("only a guess")


@dataclass(frozen=True, slots=True, kw_only=True)
class AlertLine:
    """One alert: since when, which rule, where and what it says; links are empty where there are none.

    `time` is `since` without the day where that is the notice's own.
    """

    since: str
    time: str
    name: str
    place: str
    summary: str
    ended: str
    link: str
    runbook: str


@dataclass(frozen=True, slots=True, kw_only=True)
class CandidateLine:
    """Another CI that could be the root cause."""

    ci: str
    percent: str


@dataclass(frozen=True, slots=True, kw_only=True)
class StepLine:
    """One thing that handling requires; `done_by` is empty while it is not done."""

    number: int
    text: str
    is_done: bool
    done_by: str


@dataclass(frozen=True, slots=True, kw_only=True)
class IncidentView:
    """An incident for operators. Texts are empty where nothing is known; instants are in the reader's zone.

    `state` is its status as programs know it, `status` as people read it. `root_name` is
    the failed CI's name and type, `look` the one look that would tell the root from what else it could be.
    """

    number: str
    title: str
    priority: str
    priority_reason: str
    status: str
    state: str
    is_over: bool
    root: str
    root_name: str
    sureness: str
    look: str
    evidence: tuple[str, ...]
    candidates: tuple[CandidateLine, ...]
    services: tuple[ServiceGroup, ...]
    impact: str
    impacted: int
    users: str
    opened: str
    lasted: str
    group: str
    assignee: str
    acknowledged: str
    work: str
    resolution: str
    merged_into: str
    steps: tuple[StepLine, ...]
    runbooks: tuple[Link, ...]
    known_errors: tuple[str, ...]
    workarounds: tuple[str, ...]
    suspects: tuple[str, ...]
    promises: tuple[PromiseLine, ...]
    alerts: tuple[AlertLine, ...]
    alert_count: str
    alert_noun: str
    more_alerts: str
    links: tuple[Link, ...]
    link: str


def is_over(incident: IncidentDocument) -> bool:
    """Whether nobody works on it any more."""
    return incident.status in OVER


def incident_view(
    content: NoticeContent, incident: IncidentDocument, reader: Reader, link_base: str, links: tuple[LinkTemplate, ...]
) -> IncidentView:
    """What operators are shown of an incident, as of the moment of the notice."""
    over, root, span = is_over(incident), incident.root_cause, span_of(incident)
    groups = service_groups(incident.services, reader, is_over=over)
    alerts = _worst_first(incident.alerts)
    lines = tuple(one_line(line, 300) for line in root.evidence)
    count = len(incident.alerts)
    return IncidentView(
        number=one_line(incident.number, 30),
        title=one_line(incident.title, 160),
        priority=one_line(incident.priority, 10),
        priority_reason=one_line(incident.priority_reason, 300),
        status=status_words(incident.status, reader),
        state=one_line(incident.status, 20),
        is_over=over,
        root=one_line(root.ci or "", 120),
        root_name=one_line(content.root_name, 120),
        sureness=_sureness(incident, reader),
        look=next((line.removeprefix(TELL_APART) for line in lines if line.startswith(TELL_APART)), ""),
        evidence=tuple(line for line in lines if not line.startswith(TELL_APART))[:MAX_EVIDENCE],
        candidates=_candidates(incident, reader),
        services=groups,
        impact=service_sentence(groups) or _no_impact(incident, reader, is_over=over),
        impacted=len(incident.impacted),
        users=reader.language.number(incident.users) if incident.users else "",
        opened=reader.moment(incident.opened_at),
        lasted=reader.lasted(incident.opened_at, end_of(content, incident)),
        group=one_line(incident.group, 80),
        assignee=assignee_of(content, incident),
        acknowledged=reader.moment(incident.acknowledged_at) if incident.acknowledged_at else "",
        work=_work(content, incident, reader, is_over=over),
        resolution=one_line(incident.resolution, 500),
        merged_into=one_line(incident.merged_into or "", 30),
        steps=_steps(incident),
        runbooks=_runbooks(alerts),
        known_errors=tuple(
            f"{one_line(e.problem, 30)} {one_line(e.title, 160)}: {one_line(e.workaround, 500)}"
            for e in incident.known_errors[:MAX_KNOWN_ERRORS]
        ),
        workarounds=tuple(one_line(e.workaround, 500) for e in incident.known_errors[:MAX_KNOWN_ERRORS]),
        suspects=tuple(one_line(f"{s.what} {s.when}, {s.where}", 300) for s in incident.suspects),
        promises=promise_lines(incident.clocks, reader),
        alerts=tuple(_alert_line(a, reader, at_its_time(a.generatorURL, span)) for a in alerts[:MAX_ALERTS]),
        alert_count=reader.language.number(count),
        alert_noun=reader.ngettext("alert", "alerts", count),
        more_alerts=more_words(count - MAX_ALERTS, reader),
        links=filled_links(links, incident),
        link=incident_link(link_base, incident.number),
    )


def status_words(status: str, reader: Reader) -> str:
    """Where an incident stands in its life; a status that is unknown here is shown as it is."""
    plain = one_line(status, 20)
    return reader.gettext(_STATUSES[plain]) if plain in _STATUSES else plain.replace("_", " ")


def assignee_of(content: NoticeContent, incident: IncidentDocument) -> str:
    """Who has it, by name; empty where nobody in person does."""
    return one_line(content.called(incident.assignee), 80)


def end_of(content: NoticeContent, incident: IncidentDocument) -> str:
    """Up to when it has been going on at the moment of the notice."""
    return (incident.resolved_at if is_over(incident) else None) or content.at


def incident_link(link_base: str, number: str) -> str:
    """Where the incident's page is; empty where there is none."""
    return console_link(link_base, "incidents", number)


def _no_impact(incident: IncidentDocument, reader: Reader, *, is_over: bool) -> str:
    none = reader.gettext("No business service was hit") if is_over else reader.gettext("No business service is hit")
    others = len(incident.impacted) - 1
    if others <= 0:
        return none
    also = reader.ngettext("%(num)s other component affected", "%(num)s other components affected", others)
    return f"{none}; {also}"


def _is_confirmed(incident: IncidentDocument) -> bool:
    return incident.root_cause.ci is not None and incident.root_cause.ci == incident.confirmed_root


def _sureness(incident: IncidentDocument, reader: Reader) -> str:
    root = incident.root_cause
    if _is_confirmed(incident):
        return reader.gettext("confirmed by a person")
    words = next((words for least, words in _RANKS if root.confidence >= least), _GUESS)
    return f"{reader.gettext(words)}, {reader.percent(root.confidence)}"


def _candidates(incident: IncidentDocument, reader: Reader) -> tuple[CandidateLine, ...]:
    root = incident.root_cause
    if _is_confirmed(incident):
        return ()
    others = [c for c in root.candidates if c.ci != root.ci and c.confidence >= WORTH_NAMING]
    return tuple(
        CandidateLine(ci=one_line(c.ci, 120), percent=reader.percent(c.confidence)) for c in others[:MAX_CANDIDATES]
    )


def _work(content: NoticeContent, incident: IncidentDocument, reader: Reader, *, is_over: bool) -> str:
    group, person = one_line(incident.group, 80), assignee_of(content, incident)
    if person:
        return f"{person} ({group})" if group else person
    if is_over:
        return group or reader.gettext("nobody was assigned")
    return reader.gettext("%(group)s, nobody in person yet", group=group) if group else reader.gettext("nobody yet")


def _steps(incident: IncidentDocument) -> tuple[StepLine, ...]:
    return tuple(
        StepLine(number=s.number, text=one_line(s.text, 300), is_done=bool(s.done_at), done_by=one_line(s.done_by, 80))
        for s in incident.steps[:MAX_STEPS]
    )


def _runbooks(alerts: list[AlertDocument]) -> tuple[Link, ...]:
    """The different runbooks of the alerts, each by the name of the first alert that has it."""
    found: dict[str, str] = {}
    for alert in alerts:
        url = web_link(alert.annotations.get("runbook_url", ""))
        if url:
            found.setdefault(url, one_line(alert.labels.get("alertname", "alert"), 80))
    return tuple(Link(name=name, url=url) for url, name in list(found.items())[:MAX_RUNBOOKS])


def _worst_first(alerts: tuple[AlertDocument, ...]) -> list[AlertDocument]:
    """Those that still fire first, then as they came: the first alerts are nearest to the cause."""
    return sorted(alerts, key=lambda a: a.cleared_at is not None)


def _alert_line(alert: AlertDocument, reader: Reader, link: str) -> AlertLine:
    labels, notes = alert.labels, alert.annotations
    place = alert.ci or labels.get("instance", "") or labels.get("host", "")
    return AlertLine(
        since=reader.moment(alert.startsAt),
        time=reader.exact_time(alert.startsAt),
        name=one_line(labels.get("alertname", "alert"), 80),
        place=one_line(place, 120),
        summary=one_line(notes.get("summary") or notes.get("description") or notes.get("message") or "", 200),
        ended=reader.moment(alert.cleared_at) if alert.cleared_at else "",
        link=link,
        runbook=web_link(notes.get("runbook_url", "")),
    )
