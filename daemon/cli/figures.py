"""`incidentd report`: how many incidents, how fast, what was promised and kept."""

from collections.abc import Iterable, Sequence
from datetime import timedelta
from typing import TYPE_CHECKING, Annotated

import typer

from daemon.cli.place import AsJson, config_path, open_store

if TYPE_CHECKING:
    from rules.figures_shapes import PartFigures, ReportDocument, TimesFigures

Since = Annotated[str, typer.Option("--since", metavar="TIME", help="Opened then or later; a moment, or 30d ago.")]
Until = Annotated[str, typer.Option("--until", metavar="TIME", help="Opened before.")]
By = Annotated[
    str | None, typer.Option("--by", metavar="WHAT", help="service, ci, priority, group, person or day: one row each.")
]
Services = Annotated[list[str] | None, typer.Option("--service", help="Only what hits this business service.")]
Cis = Annotated[list[str] | None, typer.Option("--ci", help="Only with this CI as the root cause.")]
Priorities = Annotated[list[str] | None, typer.Option("--priority", help="Only of this priority.")]
Groups = Annotated[list[str] | None, typer.Option("--group", help="Only of this group.")]


def report(
    context: typer.Context,
    *,
    since: Since = "30d",
    until: Until = "now",
    by: By = None,
    service: Services = None,
    ci: Cis = None,
    priority: Priorities = None,
    group: Groups = None,
    as_json: AsJson = False,
) -> None:
    """Figures of a period: volume, times, promises, availability, what recurs and what is noisy."""
    from daemon.cli.options import one_of
    from daemon.cli.out import emit
    from daemon.clock import SystemClock
    from daemon.config.estate import load_all
    from daemon.reports.asking import WrongPeriod, asked_of
    from daemon.reports.report import make_report, service_names
    from rules.figures import DIMENSIONS

    if by is not None:
        one_of(by, DIMENSIONS, "--by")
    now = SystemClock().now()
    filters = {"services": service or (), "cis": ci or (), "priorities": priority or (), "groups": group or ()}
    try:
        asked = asked_of(since, until, now, **filters)
    except WrongPeriod as error:
        raise typer.BadParameter(str(error), param_hint=f"--{error.field}") from None
    config, estate = load_all(config_path(context))
    with open_store(config) as store:
        document = make_report(store, asked, service_names(estate), config.policy.suggest, now)
    if as_json:
        emit(document)
    else:
        _show(document, by)


def _show(document: "ReportDocument", by: str | None) -> None:
    from daemon.cli.out import say

    say(f"Incidents opened from {document.since} to {document.until}: {document.incidents}, {document.open} still open")
    if by is not None:
        _show_parts(document.by[by], by, document.left_out[by])
        return
    if document.merged or document.converted:
        say(f"not counted: {document.merged} merged into others, {document.converted} turned into service requests")
    say(f"time to acknowledge: {_times(document.acknowledge)}", f"time to resolve: {_times(document.resolve)}")
    for promise in document.promises:
        kept = _percent(promise.compliance)
        say(f"{promise.agreement} {promise.goal}: {kept} kept, {promise.breached} broken, {promise.open} still open")
    _show_judgements(document)
    _show_tables(document)


def _show_judgements(document: "ReportDocument") -> None:
    from daemon.cli.out import say

    found, content = document.diagnosis, document.satisfaction
    if found.judged:
        say(f"diagnosis: right in {_percent(found.accuracy)} of {found.judged} that people have judged")
    if content.answers:
        share = _percent(content.content_share)
        say(f"satisfaction: {content.mean:.1f} of 5, {share} content, {content.answers} answers")


def _show_tables(document: "ReportDocument") -> None:
    from daemon.cli.out import heading

    _show_parts(document.by["priority"], "priority", 0)
    heading("Availability of business services")
    rows = [
        [a.name, _percent(a.availability, 3), _span(a.down_s), _span(a.degraded_s), a.incidents]
        for a in document.availability
    ]
    _table(["service", "available", "down", "degraded", "incidents"], rows)
    if document.recurring:
        heading("What recurs")
        often = [[r.ci, r.incidents, "problem suggested" if r.is_suggested else ""] for r in document.recurring]
        _table(["CI", "incidents", ""], often)
    if document.alert_rules:
        heading("Noisiest alert rules")
        rules = [[r.alert, r.episodes, r.without_incident, r.incidents] for r in document.alert_rules[:10]]
        _table(["alert", "fired", "for nothing", "incidents"], rules)


def _show_parts(parts: "Iterable[PartFigures]", by: str, left_out: int) -> None:
    from daemon.cli.out import heading, say

    heading(f"By {by}")
    headings = [by, "incidents", "open", "acknowledged within", "resolved within", "SLA kept"]
    rows = [
        [
            p.name or "–",
            p.incidents,
            p.open,
            _span(p.acknowledge.median_s),
            _span(p.resolve.median_s),
            _percent(p.sla_compliance),
        ]
        for p in parts
    ]
    _table([*headings, "called"] if by == "person" else headings, _with_calls(rows, parts) if by == "person" else rows)
    say("(times are medians)")
    if left_out:
        say(f"… and {left_out} more")


def _with_calls(rows: list[list[object]], parts: "Iterable[PartFigures]") -> list[list[object]]:
    return [[*row, p.calls] for row, p in zip(rows, parts, strict=True)]


def _table(headings: list[str], rows: Sequence[Sequence[object]]) -> None:
    from daemon.cli.out import say, table

    say(table(headings, rows))


def _times(times: "TimesFigures") -> str:
    if not times.count:
        return "nothing to say"
    median, ninth = _span(times.median_s), _span(times.p90_s)
    return f"median {median}, 90 % within {ninth}, mean {_span(times.mean_s)} ({times.count} incidents)"


def _span(seconds: float | None) -> str:
    from rules.words import span

    return "–" if seconds is None else span(timedelta(seconds=seconds))


def _percent(part: float | None, digits: int = 1) -> str:
    return "–" if part is None else f"{part * 100:.{digits}f} %"


def add_to(app: typer.Typer) -> None:
    """Put the commands of this module into the command line."""
    app.command()(report)
