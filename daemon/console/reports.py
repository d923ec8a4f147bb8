"""Reports: figures of a period, the incidents behind each, and the same as CSV."""

import csv
import io
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import timedelta
from http import HTTPStatus
from itertools import islice
from typing import Annotated, Any
from urllib.parse import urlencode

import anyio
from fastapi import APIRouter, Depends, Query, Request, Response

from daemon.api.access import Caller
from daemon.api.figures import AT_ONCE, Question, question, report_of
from daemon.api.ports import Ports
from daemon.api.problems import Problem
from daemon.api.sight import seen_services
from daemon.console.drawn import Chart, chart_of
from daemon.console.pages import Pages
from daemon.console.visitor import PageRefused, visit
from daemon.reports.asking import USUAL, WrongPeriod, asked_of
from daemon.reports.report import counted, service_names
from rules.figures import DIMENSIONS, WHICH, Asked, Line
from rules.figures_shapes import PartFigures, ReportDocument
from rules.incident import Priority, incident_key

MOST_LISTED = 500
PERIODS = (("1d", "Day"), ("7d", "Week"), ("30d", "30 days"), ("90d", "90 days"), ("365d", "Year"))
_UNSAFE = ("=", "+", "-", "@", "\t", "\r")


@dataclass(frozen=True, slots=True)
class Address:
    """Where the report that is shown is, and everything that can be reached from it."""

    since: str
    until: str
    filters: tuple[tuple[str, str], ...]

    def report(self, since: str = "", until: str = "") -> str:
        """The report, with another period where one is given."""
        moved = replace(self, since=since or self.since, until=until or self.until)
        return "/reports" + self._query(moved.pairs)

    def without(self, name: str, value: str) -> str:
        """The report with one filter less."""
        kept = tuple(pair for pair in self.filters if pair != (name, value))
        return "/reports" + self._query(replace(self, filters=kept).pairs)

    def only(self, dimension: str, key: str) -> str:
        """The list of the incidents of one part."""
        pair = (dimension, key) if key else ("without", dimension)
        return "/reports/incidents" + self._query([*self.pairs, pair])

    def which(self, which: str) -> str:
        """The list of the incidents behind a figure."""
        return "/reports/incidents" + self._query([*self.pairs, ("which", which)])

    @property
    def csv(self) -> str:
        """The same for a spreadsheet."""
        return "/reports.csv" + self._query(self.pairs)

    @property
    def pairs(self) -> list[tuple[str, str]]:
        """What stands in the address."""
        return [("since", self.since), ("until", self.until), *self.filters]

    @staticmethod
    def _query(pairs: list[tuple[str, str]]) -> str:
        return f"?{urlencode(pairs)}" if pairs else ""


def report_pages(ports: Ports, pages: Pages) -> APIRouter:
    """/reports, /reports/incidents and /reports.csv."""
    router = APIRouter(include_in_schema=False)
    reading = Depends(visit(ports, by_service=True))
    shows = _Reports(ports, pages)
    room = anyio.CapacityLimiter(AT_ONCE)

    @router.get("/reports")
    async def show(
        request: Request, caller: Annotated[Caller, reading], given: Annotated[Question, Depends()]
    ) -> Response:
        return await anyio.to_thread.run_sync(shows.figures, request, caller, given, limiter=room)

    @router.get("/reports.csv")
    async def export(caller: Annotated[Caller, reading], given: Annotated[Question, Depends()]) -> Response:
        return await anyio.to_thread.run_sync(shows.export, caller, given, limiter=room)

    @router.get("/reports/definitions")
    def define(request: Request, caller: Annotated[Caller, reading]) -> Response:
        return pages.page(request, caller, "definitions.html")

    @router.get("/reports/incidents")
    async def listed(
        request: Request,
        caller: Annotated[Caller, reading],
        given: Annotated[Question, Depends()],
        narrowed: Annotated[Narrowed, Depends()],
    ) -> Response:
        return await anyio.to_thread.run_sync(shows.incidents, request, caller, given, narrowed, limiter=room)

    return router


class _Reports:
    """Makes the pages of reports; each may read the whole period, so few are made at a time."""

    def __init__(self, ports: Ports, pages: Pages) -> None:
        self._ports = ports
        self._pages = pages

    def figures(self, request: Request, caller: Caller, given: Question) -> Response:
        asked, wrong = _asked(self._ports, given, caller)
        report = report_of(self._ports, asked)
        values = _values(self._ports, given, caller, report)
        status = HTTPStatus.BAD_REQUEST if wrong else HTTPStatus.OK
        return self._pages.page(request, caller, "reports.html", status=status, wrong=wrong, report=report, **values)

    def export(self, caller: Caller, given: Question) -> Response:
        asked, _ = _asked(self._ports, given, caller)
        headers = {"Content-Disposition": 'attachment; filename="incidentd-report.csv"'}
        return Response(csv_of(report_of(self._ports, asked)), headers=headers, media_type="text/csv; charset=utf-8")

    def incidents(self, request: Request, caller: Caller, given: Question, narrowed: "Narrowed") -> Response:
        asked, wrong = _asked(self._ports, given, caller)
        found = counted(self._ports.store, asked, narrowed.which)
        lines = list(islice(filter(narrowed.lets_through, found), MOST_LISTED + 1))
        return self._pages.page(
            request,
            caller,
            "report_incidents.html",
            lines=lines[:MOST_LISTED],
            has_more=len(lines) > MOST_LISTED,
            wrong=wrong,
            narrowed=narrowed,
            key_of=incident_key,
            to=_address(given),
            asked=asked,
        )


class Narrowed:
    """Which of the incidents of a report are listed: those behind a figure, of a day, of a person, or without a root
    cause or group."""

    def __init__(
        self,
        which: Annotated[str, Query(max_length=40)] = "all",
        day: Annotated[str, Query(max_length=10)] = "",
        person: Annotated[str, Query(max_length=256)] = "",
        without: Annotated[str, Query(max_length=10)] = "",
    ) -> None:
        self.which = which if which in WHICH else "all"
        self.day, self.person, self.without = day, person, without

    def lets_through(self, line: Line) -> bool:
        """Whether it is one of them."""
        return (
            (not self.day or line.opened_at.date().isoformat() == self.day)
            and (not self.person or line.assignee == self.person)
            and (self.without != "ci" or not line.root.ci)
            and (self.without != "group" or not line.group)
        )


def _asked(ports: Ports, given: Question, caller: Caller) -> tuple[Asked, str]:
    """What is asked for, else the usual period, and what was wrong, in words."""
    try:
        return question(ports, given, caller), ""
    except Problem as problem:
        raise PageRefused(problem) from None
    except WrongPeriod as error:
        usual = asked_of(USUAL, "now", ports.clock.now(), services=sorted(caller.services))
        return usual, f"{error.field}: {error}"


def _address(given: Question) -> Address:
    named = (("service", given.service), ("ci", given.ci), ("priority", given.priority), ("group", given.group))
    filters = tuple((name, value) for name, values in named for value in values)
    return Address(given.since, given.until, filters)


def _values(ports: Ports, given: Question, caller: Caller, report: ReportDocument) -> dict[str, Any]:
    """What the page needs beside the report."""
    return {
        "to": _address(given),
        "given": given,
        "periods": PERIODS,
        "dimensions": [name for name in DIMENSIONS if name != "day"],
        "days": days_chart(report.by["day"]),
        "services": seen_services(caller, service_names(ports.estate())),
        "groups": sorted({p.key for p in report.by["group"] if p.key} | set(given.group)),
        "priorities": [str(p) for p in Priority],
        "length": lambda seconds: None if seconds is None else timedelta(seconds=seconds),
    }


def days_chart(days: tuple[PartFigures, ...]) -> Chart:
    """Incidents by day, or by week where there are too many days to see."""
    if len(days) <= 100:
        return chart_of([(f"{d.key}: {d.incidents}", d.incidents) for d in days])
    weeks = [days[start : start + 7] for start in range(0, len(days), 7)]
    return chart_of([(f"week of {w[0].key}: {(n := sum(d.incidents for d in w))}", n) for w in weeks])


def csv_of(report: ReportDocument) -> str:
    """The report as one table: what, of which part, figure by figure."""
    out = io.StringIO()
    writer = csv.writer(out)
    writer.writerow(("part", "key", "name", "figure", "value"))
    for row in _rows(report):
        writer.writerow([_harmless(cell) for cell in row])
    return "\ufeff" + out.getvalue()


def _rows(report: ReportDocument) -> Iterator[tuple[Any, ...]]:
    for name in ("since", "until", "incidents", "open", "merged", "converted"):
        yield "all", "", "", name, getattr(report, name)
    for name in ("acknowledge", "resolve"):
        for field in ("count", "mean_s", "median_s", "p90_s"):
            yield "all", "", "", f"{name}_{field}", getattr(getattr(report, name), field)
    for promise in report.promises:
        for field in ("met", "breached", "open", "compliance"):
            yield "promise", f"{promise.agreement} {promise.goal}", "", field, getattr(promise, field)
    for dimension, parts in report.by.items():
        for part in parts:
            yield from _part_rows(dimension, part)
    for tables, key, name in (
        (report.availability, "service", "name"),
        (report.recurring, "ci", ""),
        (report.alert_rules, "alert", ""),
    ):
        for each in tables:
            fields = [f for f in each.__struct_fields__ if f not in (key, name)]
            for field in fields:
                named = getattr(each, name) if name else ""
                yield (
                    type(each).__name__.removesuffix("Figures"),
                    getattr(each, key),
                    named,
                    field,
                    getattr(each, field),
                )
    for label, found in (("diagnosis", report.diagnosis), ("satisfaction", report.satisfaction)):
        for field in found.__struct_fields__:
            yield label, "", "", field, getattr(found, field)


def _part_rows(dimension: str, part: PartFigures) -> Iterator[tuple[Any, ...]]:
    yield dimension, part.key, part.name, "incidents", part.incidents
    yield dimension, part.key, part.name, "open", part.open
    for name in ("acknowledge", "resolve"):
        for field in ("count", "mean_s", "median_s", "p90_s"):
            yield dimension, part.key, part.name, f"{name}_{field}", getattr(getattr(part, name), field)
    for field in ("sla_met", "sla_breached", "sla_compliance", "calls"):
        yield dimension, part.key, part.name, field, getattr(part, field)


def _harmless(cell: Any) -> Any:
    """The cell as no spreadsheet takes it for a formula (OWASP, CSV injection); numbers are no text."""
    if cell is None:
        return ""
    return f"'{cell}" if isinstance(cell, str) and cell.startswith(_UNSAFE) else cell
