"""What one decision costs: storms on estates of growing size, and a quiet cycle with many active alerts.

The failing part is the same in every estate (10,000 alerts behind one switch, or behind 50), the rest is a data centre
that works. So the ratio against the smallest estate of the same run says whether the cost follows the size of the
estate: it should stay near 1. All times are those of the processor, and none includes building the estate.
"""

import argparse
import gc
import os
import statistics
from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta
from time import process_time

from rich.console import Console
from rich.table import Table

from bench.estate import Site, site
from bench.storms import estate_of
from cmdb.graph import Estate
from rules.alert import Sighting
from rules.decide import decide
from rules.decision import Change, Decision, Listing, Push
from rules.policy import Policy
from rules.situation import Situation
from rules.subscriptions import Subscription

_NOW = datetime(2026, 3, 2, 8, 0, tzinfo=UTC)
_CYCLE = timedelta(seconds=15)
_ALERTS = 10_000
_ACTIVE = 100_000
_FAILURES = (1, 50)
_BEHIND_A_SWITCH = 2_000
_TOLD = (Subscription(to="noc"),)


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure and print; 1 where a storm did not become one incident for each failure."""
    asked = _asked(arguments)
    console = Console()
    table = Table(title=f"One decision on a storm of {_ALERTS:,} alerts, median of {asked.runs}")
    for heading in ("CIs", "failures", "incidents", "CPU s", "ratio"):
        table.add_column(heading, justify="right")
    first: dict[int, float] = {}
    wrong = False
    for size in asked.cis:
        for failures in _FAILURES:
            seconds, incidents = _storm(size, failures, asked.runs)
            ratio = seconds / first.setdefault(failures, seconds)
            table.add_row(f"{size:,}", str(failures), str(incidents), f"{seconds:.2f}", f"{ratio:.2f}")
            wrong = wrong or incidents != failures
    console.print(table)
    console.print(_quiet_table(asked.runs))
    console.print(f"{os.cpu_count()} cores; of the CIs that work {_BEHIND_A_SWITCH:,} stand behind each switch")
    return int(wrong)


def _asked(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m bench.diagnosis_scale", description=__doc__.splitlines()[0])
    parser.add_argument("--cis", type=int, nargs="+", default=[11_000, 100_000], help="sizes of the estates")
    parser.add_argument("--runs", type=int, default=5)
    asked = parser.parse_args(arguments)
    least = _ALERTS + 2 * max(_FAILURES)
    if min(asked.cis) < least:
        parser.error(f"--cis is {min(asked.cis)}; allowed: {least} and more")
    return asked


def _storm(size: int, failures: int, runs: int) -> tuple[float, int]:
    """Seconds of the decision on the whole storm at once, and how many incidents it opened."""
    failing = site(_ALERTS, failures)
    estate = _grown(failing, size)
    push = Push(source="push", at=_NOW, sightings=_sightings(failing))
    seconds, decision = _median(lambda: Situation(estate, Policy(), _TOLD), [push], _NOW, runs)
    return seconds, len(decision.incidents)


def _quiet_table(runs: int) -> Table:
    """Cycles after a storm of many alerts: nothing new, nothing new with all of it listed again, one alert more."""
    made = site(_ACTIVE, _FAILURES[-1])
    estate = _grown(made, _ACTIVE + 2_000)
    situation = Situation(estate, Policy(), _TOLD)
    listed = _sightings(made)
    for cycle in range(2):
        at = _NOW + cycle * _CYCLE
        situation.apply(decide(situation, [Listing(source="main", at=at, sightings=listed)], at))
    now = _NOW + 2 * _CYCLE
    rows: list[tuple[str, list[Change]]] = [
        ("nothing came in", []),
        ("one new alert elsewhere", [_new("calm-switch-0-r1-h0", now)]),
        ("one more alert in the storm", [_new("switch-0-r1-h0", now)]),
        ("all listed again", [Listing(source="main", at=now, sightings=listed)]),
    ]
    table = Table(title=f"One cycle with {_ACTIVE:,} active alerts, median of {runs}")
    table.add_column("cycle")
    table.add_column("CPU ms", justify="right")
    for name, changes in rows:
        seconds, _ = _median(lambda: situation, changes, now, runs)
        table.add_row(name, f"{1000 * seconds:.1f}")
    return table


def _median(
    make: Callable[[], Situation], changes: Sequence[Change], now: datetime, runs: int
) -> tuple[float, Decision]:
    """The median of the seconds that the decision takes, and the decision, on the situation that `make` gives."""
    took = []
    for _ in range(runs):
        situation = make()
        gc.collect()
        began = process_time()
        decision = decide(situation, changes, now)
        took.append(process_time() - began)
    return statistics.median(took), decision


def _grown(failing: Site, size: int) -> Estate:
    """The failing part, and as much of a data centre that works as is missing to `size` CIs."""
    missing = size - len(failing.entries)
    switches = max(1, missing // _BEHIND_A_SWITCH)
    calm = site(missing - switches, switches, prefix="calm-")
    return estate_of([*failing.entries, *calm.entries])


def _sightings(made: Site) -> tuple[Sighting, ...]:
    return tuple(Sighting(labels=a["labels"], annotations=a["annotations"], starts_at=_NOW) for a in made.alerts("1"))


def _new(ci: str, at: datetime) -> Push:
    labels = {"alertname": "NotSeenBefore", "ci": ci, "severity": "critical"}
    return Push(source="push", at=at, sightings=(Sighting(labels=labels, starts_at=at),))


if __name__ == "__main__":
    raise SystemExit(main())
