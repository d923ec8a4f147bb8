"""How long a report takes over a large record: `python -m bench.report_scale [incidents]`."""

import sys
import tempfile
from datetime import UTC, datetime, timedelta
from time import perf_counter

from cmdb.model import State
from daemon.clock import ManualClock
from daemon.reports.report import days_and_whole, make_report
from daemon.store.store import Store
from rules.alert import Alert, SeenBy, alert_id, fingerprint_of
from rules.calendar import ALWAYS
from rules.clock import Agreement, Goal, Terms, meet, start
from rules.decision import Decision, TimelineEntry
from rules.figures import Asked
from rules.incident import Candidate, HitService, Incident, Level, Priority, RootCause, Status
from rules.recurrence import SuggestAfter

SERVICES = {f"service-{n}": f"Service {n}" for n in range(20)}
T0 = datetime(2026, 11, 24, 8, tzinfo=UTC)
SPAN = timedelta(days=365)


def incident(number: int, of: int) -> Incident:
    """One that looks like those of a daemon: with candidates, evidence, services and both promises."""
    opened = T0 - SPAN + SPAN * number / of
    took = timedelta(minutes=5 + number % 300)
    ci = f"host-{number % 5_000}"
    terms = Terms(level="standard", priority="P3", target=timedelta(hours=4), calendar=ALWAYS.name)
    clocks = [start(Agreement.SLA, goal, terms, ALWAYS, opened) for goal in Goal]
    return Incident(
        number=number,
        status=Status.CLOSED,
        title=f"{ci} is down: Service {number % 20} is down",
        priority=list(Priority)[number % 5],
        impact=Level.HIGH,
        urgency=Level.MEDIUM,
        priority_reason="impact high (critical service is down), urgency medium",
        opened_at=opened,
        updated_at=opened + took,
        acknowledged_at=opened + took / 3,
        resolved_at=opened + took,
        closed_at=opened + took,
        group=f"group-{number % 12}",
        assignee=f"person-{number % 60}",
        root=RootCause(
            ci=ci,
            confidence=0.8,
            evidence=("it reports that it is down", "everything on it is silent"),
            candidates=tuple(Candidate(ci=f"host-{number + n}", confidence=0.1) for n in range(5)),
        ),
        impacted=tuple(f"vm-{number + n}" for n in range(10)),
        services=(HitService(ci=f"service-{number % 20}", name=f"Service {number % 20}", state=State.DOWN),),
        clocks=tuple(meet(clock, ALWAYS, opened + took) for clock in clocks),
    )


def alert(number: int, of: int) -> Alert:
    """One of its alerts."""
    labels = {
        "alertname": f"Rule{number % 80}",
        "ci": f"host-{number % 5_000}",
        "severity": "critical",
        "n": str(number),
    }
    starts_at = T0 - SPAN + SPAN * number / of
    mark = fingerprint_of(labels)
    seen = {"prometheus": SeenBy(starts_at=starts_at, firing=False)}
    return Alert(
        id=alert_id(mark, starts_at),
        fingerprint=mark,
        labels=labels,
        annotations={"summary": "it does not answer"},
        starts_at=starts_at,
        first_seen_at=starts_at,
        cleared_at=starts_at + timedelta(minutes=9),
        seen_by=seen,
        ci=labels["ci"],
        incident=number // 3 + 1,
    )


def main() -> None:
    """Fill a database, ask for the report of a year and of a week, and say how long each took."""
    count = int(sys.argv[1]) if len(sys.argv) > 1 else 100_000
    with (
        tempfile.TemporaryDirectory() as directory,
        Store.open(f"sqlite:///{directory}/i.db", ManualClock(T0)) as store,
    ):
        store.upgrade()
        epoch = store.acquire("bench", timedelta(days=1))
        for begin in range(1, count + 1, 10_000):
            store.commit(_decision(range(begin, min(begin + 10_000, count + 1)), count), epoch=epoch)
        _measure(store, count)


def _decision(numbers: range, count: int) -> Decision:
    made = tuple(incident(n, count) for n in numbers)
    lines = (TimelineEntry(incident=i.number, at=i.opened_at, kind="note", text="done", actor="anna") for i in made)
    return Decision(
        at=T0,
        incidents=made,
        alerts=tuple(alert(n * 3 + k, count * 3) for n in numbers for k in range(3)),
        timeline=tuple(line for line in lines for _ in range(8)),
    )


def _measure(store: Store, count: int) -> None:
    for words, length in (("a year", SPAN), ("a week", timedelta(days=7))):
        asked = Asked(since=T0 - length, until=T0 + timedelta(minutes=1))
        begin = perf_counter()
        found = make_report(store, asked, SERVICES, SuggestAfter(), T0)
        whole = perf_counter() - begin
        begin = perf_counter()
        days_and_whole(store, asked)
        quick = perf_counter() - begin
        print(f"{words}: {found.incidents} of {count} incidents, report {whole:.2f} s, trend only {quick:.2f} s")


if __name__ == "__main__":
    main()
