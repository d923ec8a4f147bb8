"""A storm of alerts into incidentd and into Alertmanager: how long until all of it is kept and told, at what cost.

Each run starts each program anew, one after the other in turn, and pushes the same alerts: 64 a request over four
connections. The table gives medians; the ratio is of the medians. Nothing here leaves the loopback.
"""

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from rich.console import Console
from rich.table import Table

from bench.estate import Site, site
from bench.load import A_REQUEST, CLIENTS
from bench.peers import WAIT_S, Incidentd, Peer, PeerAlertmanager
from tests.fakes import Hook, hook

_PATIENCE_S = 300.0
_LOOK_EVERY_S = 0.05


@dataclass(frozen=True, slots=True, kw_only=True)
class Measured:
    """One run of one program: seconds since the first request, CPU seconds, and bytes of memory at the most."""

    kept_s: float
    told_s: float
    cpu_s: float
    memory: int
    outcome: str


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure and print; 1 where a program did not get there."""
    asked = _asked(arguments)
    storm = site(asked.alerts, asked.failures)
    console = Console()
    runs: dict[str, list[Measured]] = {Incidentd.name: [], PeerAlertmanager.name: []}
    for number in range(1, asked.runs + 1):
        for make in (Incidentd, PeerAlertmanager):
            console.print(f"run {number} of {asked.runs}: {make.name} ...", style="dim")
            runs[make.name].append(_measure(make, storm, str(number)))
    console.print(_table(runs, storm))
    for kind in (Incidentd, PeerAlertmanager):
        console.print(f"{kind.name}: {runs[kind.name][-1].outcome}; what it answers for is kept in {kind.kept_by}")
    console.print(
        f"{storm.size} alerts, {A_REQUEST} a request over {CLIENTS} connections; both gather for {WAIT_S} s before "
        f"they tell; medians of {asked.runs} runs on {os.cpu_count()} cores, which the load generator shares"
    )
    return 0


def _asked(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m bench.storm", description=__doc__.splitlines()[0])
    parser.add_argument("--alerts", type=int, default=10_000)
    parser.add_argument("--failures", type=int, default=1, help="how many components fail at once")
    parser.add_argument("--runs", type=int, default=3)
    return parser.parse_args(arguments)


def _measure(make: Callable[[Path, Site, Hook], Peer], storm: Site, run: str) -> Measured:
    with tempfile.TemporaryDirectory(prefix="storm-") as folder, hook() as receiver:
        directory = Path(folder)
        alerts = directory / "alerts.json"
        alerts.write_text(json.dumps(storm.alerts(run)))
        peer = make(directory, storm, receiver)
        with peer.server as server:
            cpu = _cpu_s(server.pid)
            pushing = subprocess.Popen(
                [sys.executable, "-m", "bench.load", f"{server.url}/api/v2/alerts", str(alerts)], stdout=subprocess.PIPE
            )
            told_at = _await(peer, receiver)
            began, kept_at = json.loads(pushing.communicate(timeout=_PATIENCE_S)[0])
            return Measured(
                kept_s=kept_at - began,
                told_s=max(told_at, kept_at) - began,
                cpu_s=_cpu_s(server.pid) - cpu,
                memory=_peak_memory(server.pid),
                outcome=peer.outcome(),
            )


def _await(peer: Peer, receiver: Hook) -> float:
    deadline = time.monotonic() + _PATIENCE_S
    while time.monotonic() < deadline:
        told_at = peer.told_at(receiver, time.monotonic())
        if told_at is not None:
            return told_at
        time.sleep(_LOOK_EVERY_S)
    raise SystemExit(f"{peer.name} had not told all within {_PATIENCE_S:.0f} s:\n{peer.server.log[-2000:]}")


def _cpu_s(pid: int) -> float:
    """User and system time of the process so far."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def _peak_memory(pid: int) -> int:
    status = Path(f"/proc/{pid}/status").read_text()
    line = next(line for line in status.splitlines() if line.startswith("VmHWM:"))
    return int(line.split()[1]) * 1024


def _table(runs: dict[str, list[Measured]], storm: Site) -> Table:
    ours, theirs = (runs[kind.name] for kind in (Incidentd, PeerAlertmanager))
    table = Table(title=f"A storm of {storm.size} alerts")
    for heading in ("", Incidentd.name, PeerAlertmanager.name, "ratio"):
        table.add_column(heading, justify="left" if not heading else "right")
    rows: list[tuple[str, Callable[[Measured], float], str]] = [
        ("all answered for, s", lambda m: m.kept_s, "{:.2f}"),
        ("all decided on and told, s", lambda m: m.told_s, "{:.2f}"),
        ("alerts/s answered for", lambda m: storm.size / m.kept_s, "{:.0f}"),
        ("alerts/s told", lambda m: storm.size / m.told_s, "{:.0f}"),
        ("CPU, s", lambda m: m.cpu_s, "{:.2f}"),
        ("most memory, MiB", lambda m: m.memory / 2**20, "{:.0f}"),
    ]
    for title, value, form in rows:
        a, b = (statistics.median(map(value, measured)) for measured in (ours, theirs))
        table.add_row(title, form.format(a), form.format(b), f"{a / b:.2f}" if b else "-")
    return table


if __name__ == "__main__":
    raise SystemExit(main())
