"""Figures over the record: the report."""

from typing import Annotated

import anyio
from fastapi import APIRouter, Depends, Query, Response
from pydantic import StringConstraints

from daemon.api.access import Caller, limited, require
from daemon.api.documents import json_response
from daemon.api.openapi import answers
from daemon.api.ports import Ports
from daemon.api.problems import wrong_field
from daemon.reports.asking import USUAL, WrongPeriod, asked_of
from daemon.reports.report import make_report, service_names
from rules.figures import Asked
from rules.figures_shapes import ReportDocument

AT_ONCE = 2
"""So many reports are counted at a time: each may take seconds, and must not hold the threads of others."""
Word = Annotated[str, StringConstraints(max_length=256)]
Words = Annotated[list[Word], Query(max_length=100)]
Moment = Annotated[str, Query(max_length=40)]


class Question:
    """The period and the filters of a report."""

    def __init__(
        self,
        since: Annotated[Moment, Query(description="Opened then or later: RFC 3339, or a time ago as in 30d.")] = USUAL,
        until: Annotated[Moment, Query(description="Opened before: RFC 3339, now, or a time ago.")] = "now",
        service: Annotated[Words, Query(description="Hits any of these business services.")] = [],  # noqa: B006
        ci: Annotated[Words, Query(description="Any of these CIs is named as the root cause.")] = [],  # noqa: B006
        priority: Annotated[Words, Query(description="Any of these.")] = [],  # noqa: B006
        group: Annotated[Words, Query(description="Any of these groups has it.")] = [],  # noqa: B006
    ) -> None:
        self.since, self.until = since, until
        # A form sends what was not chosen as empty.
        self.service, self.ci = list(filter(None, service)), list(filter(None, ci))
        self.priority, self.group = list(filter(None, priority)), list(filter(None, group))


def question(ports: Ports, asked: Question, caller: Caller) -> Asked:
    """What is asked for; WrongPeriod where that cannot be answered, a 403 where the caller does not see a service
    that it names. Whoever is limited to some services asks about these where they name none."""
    if caller.services and not caller.services.issuperset(asked.service):
        raise limited(caller)
    return asked_of(
        asked.since,
        asked.until,
        ports.clock.now(),
        services=asked.service or sorted(caller.services),
        cis=asked.ci,
        priorities=asked.priority,
        groups=asked.group,
    )


def report_of(ports: Ports, asked: Asked) -> ReportDocument:
    """The whole report."""
    after = ports.policy().suggest
    return make_report(ports.store, asked, service_names(ports.estate()), after, ports.clock.now())


def figure_routes(ports: Ports) -> APIRouter:
    """/api/v1/report."""
    router = APIRouter(tags=["reports"])
    room = anyio.CapacityLimiter(AT_ONCE)

    @router.get(
        "/api/v1/report",
        summary="Figures of a period: how many, how fast, what was promised and kept",
        responses=answers(ReportDocument),
    )
    async def report(
        asked: Annotated[Question, Depends()],
        caller: Annotated[Caller, Depends(require(ports, "read", by_service=True))],
    ) -> Response:
        try:
            wanted = question(ports, asked, caller)
        except WrongPeriod as error:
            raise wrong_field(error.field, str(error)) from None
        return json_response(await anyio.to_thread.run_sync(report_of, ports, wanted, limiter=room))

    return router
