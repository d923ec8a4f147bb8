"""The manager's view: what the business feels now, since when, what is done by whom, when the next word comes, and how
the week went. It names services, people and groups, and no component."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Annotated

from fastapi import APIRouter, Depends, Request, Response

from cmdb.model import State
from daemon.api.access import Caller
from daemon.api.ports import Ports
from daemon.api.sight import only_seen, seen_services, within
from daemon.console.drawn import chart_of
from daemon.console.pages import Pages
from daemon.console.visitor import visit
from daemon.reports.report import days_and_whole, service_names
from daemon.store.rows import Search
from rules.clock import Agreement, Clock
from rules.figures import Asked
from rules.figures_shapes import PartFigures
from rules.incident import ACTIVE, Incident, Status
from rules.policy import Policy
from rules.roster import Roster

MOST = 500
WEEK = timedelta(days=7)
FRESH = timedelta(minutes=1)
_MOST_KEPT = 100


@dataclass(frozen=True, slots=True, kw_only=True)
class Trouble:
    """One failure in the words of the business: the services it hits, worst first, and what is done about it."""

    key: str
    priority: str
    state: State
    services: tuple[tuple[str, State], ...]
    since: datetime
    doing: str
    by: str
    next_word: datetime | None
    due: Clock | None
    risk: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Trend:
    """A week, and the week before."""

    now: PartFigures
    before: PartFigures


def overview_routes(ports: Ports, pages: Pages) -> APIRouter:
    """/overview."""
    router = APIRouter(include_in_schema=False)
    week = Week(ports)

    @router.get("/overview")
    def overview(request: Request, caller: Annotated[Caller, Depends(visit(ports, by_service=True))]) -> Response:
        now = ports.clock.now()
        active = Search(statuses=[str(s) for s in ACTIVE], sort="priority")
        found = [only_seen(caller, i) for i in ports.store.incidents(within(caller, active), limit=MOST)]
        felt = [i for i in found if _is_felt(i)]
        risky = [i for i in found if i.services and not _is_felt(i)]
        troubles = sorted((_trouble(i, ports.policy(), now) for i in felt), key=lambda t: (-t.state, t.since))
        now_days, trend = week.at(now, caller.services)
        return pages.page(
            request,
            caller,
            "overview.html",
            troubles=troubles,
            risky=[_trouble(i, ports.policy(), now) for i in risky],
            unfelt=len(found) - len(felt) - len(risky),
            states=_states(felt),
            well=len(seen_services(caller, service_names(ports.estate()))) - len(_states(felt)),
            trend=trend,
            opened=chart_of([(f"{d.key}: {d.incidents}", d.incidents) for d in now_days]),
            took=chart_of([(_took(d), d.resolve.median_s or 0) for d in now_days]),
            days=now_days,
            length=lambda seconds: None if seconds is None else timedelta(seconds=seconds),
        )

    return router


def _is_felt(incident: Incident) -> bool:
    """Whether a business service is down or works in part only."""
    return any(s.state > State.AT_RISK for s in incident.services)


def _states(felt: Iterable[Incident]) -> dict[str, State]:
    """The worst state of every service that is down or works in part, by name, the worst first."""
    worst: dict[str, State] = {}
    for incident in felt:
        for service in incident.services:
            if service.state > State.AT_RISK:
                name = service.name or service.ci
                worst[name] = max(worst.get(name, State.UP), service.state)
    return dict(sorted(worst.items(), key=lambda pair: (-pair[1], pair[0])))


def _trouble(incident: Incident, policy: Policy, now: datetime) -> Trouble:
    hit = sorted(incident.services, key=lambda s: (-s.state, s.name))
    return Trouble(
        key=incident.key,
        priority=str(incident.priority),
        state=hit[0].state,
        services=tuple((s.name or s.ci, s.state) for s in hit),
        since=incident.opened_at,
        doing=doing_words(incident, policy.roster),
        by=" · ".join(filter(None, [policy.roster.name(incident.assignee), incident.group])),
        next_word=_next_word(incident, policy, now),
        due=next((c for c in sla_owed(incident)), None),
        risk=risk_words(incident, now),
    )


def doing_words(incident: Incident, roster: Roster) -> str:
    """What is being done, for people who do not do it."""
    match incident.status:
        case Status.ACKNOWLEDGED:
            return "Somebody has taken it and looks into it"
        case Status.IN_PROGRESS:
            return "It is being repaired"
        case Status.ON_HOLD:
            return f"On hold: {incident.hold_reason}" if incident.hold_reason else "On hold"
    called = [roster.name(person) for person in incident.escalation.called]
    if called:
        return f"Nobody has taken it yet; called so far: {', '.join(called)}"
    return "Nobody has taken it yet"


def sla_owed(incident: Incident) -> Iterator[Clock]:
    """The promises to the customer that are still to be kept, the next first."""
    owed = [c for c in incident.clocks if c.agreement is Agreement.SLA and c.ended_at is None and c.due_at is not None]
    return iter(sorted(owed, key=lambda c: (c.due_at or c.started_at, c.goal)))


def risk_words(incident: Incident, now: datetime) -> str:
    """`broken` or `at risk` (the last warning was given) where a promise to the customer is; empty where none is."""
    owed = list(sla_owed(incident))
    if any(c.breached_at is not None or (c.due_at is not None and c.due_at < now) for c in owed):
        return "broken"
    return "at risk" if any(c.terms.shares and c.told >= c.terms.shares[-1] for c in owed) else ""


def _next_word(incident: Incident, policy: Policy, now: datetime) -> datetime | None:
    """When people of the business hear again though nothing changes; None where that is not said or overdue."""
    every = policy.manners.updates.get(str(incident.priority))
    if every is None or not incident.told:
        return None
    next_at = max(told.at for told in incident.told) + every
    return next_at if next_at > now else None


class Week:
    """The week's figures, counted anew after a minute: the page asks again whenever anything changes."""

    def __init__(self, ports: Ports) -> None:
        self._ports = ports
        self._known: dict[frozenset[str], tuple[datetime, tuple[PartFigures, ...], Trend]] = {}

    def at(self, now: datetime, services: frozenset[str]) -> tuple[tuple[PartFigures, ...], Trend]:
        """The days of the last week, and how it went beside the one before; of some services only, where they are
        named."""
        known = self._known.get(services)
        if known is None or not timedelta() <= now - known[0] < FRESH:
            store, wanted = self._ports.store, sorted(services)
            this = Asked(since=now - WEEK, until=now + timedelta(seconds=1), services=wanted)
            whole, days = days_and_whole(store, this)
            before, _ = days_and_whole(store, Asked(since=now - 2 * WEEK, until=now - WEEK, services=wanted))
            known = (now, days, Trend(now=whole, before=before))
            if len(self._known) >= _MOST_KEPT:
                self._known = {}
            self._known[services] = known
        return known[1:]


def _took(day: PartFigures) -> str:
    median = day.resolve.median_s
    return f"{day.key}: {'nothing resolved' if median is None else f'{median / 60:.0f} min'}"
