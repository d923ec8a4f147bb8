"""The board with a storm behind it: how long the first page takes, and how soon it shows what is new.

The real daemon on SQLite holds the storm; pages are asked for one after the other over one connection. The floor is the
liveness probe of the same daemon, asked in between. Nothing here leaves the loopback.
"""

import argparse
import gzip
import statistics
import tempfile
import threading
import time
from collections.abc import Sequence
from pathlib import Path

import requests
from rich.console import Console
from rich.table import Table

from bench.estate import site
from tests.daemons import Incidentd
from tests.servers import wait_until

_PATIENCE_S = 300.0
_A_REQUEST = 64


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure and print."""
    asked = _asked(arguments)
    storm, console = site(asked.alerts, asked.incidents), Console()
    settings = {"incidents": {"settle": "1s", "resolve_after": "1h"}}
    with (
        tempfile.TemporaryDirectory(prefix="board-") as folder,
        Incidentd(Path(folder), storm.cmdb, **settings) as daemon,
    ):
        alerts = storm.alerts("1")
        for start in range(0, len(alerts), _A_REQUEST):
            daemon.push(*alerts[start : start + _A_REQUEST])
        console.print(f"{len(alerts)} alerts pushed; waiting for {asked.incidents} incidents ...", style="dim")
        wait_until("the incidents", lambda: _is_settled(daemon, asked.incidents), _PATIENCE_S)
        pages, floor, size, small = _timed(daemon.url, asked.pages)
        live = [_heard_after(daemon, number) for number in range(asked.changes)]
    table = Table(title=f"The board: {asked.incidents} open incidents, {len(alerts)} active alerts")
    for heading in ("", "median, ms", "90 %, ms"):
        table.add_column(heading, justify="left" if not heading else "right")
    for name, times in (
        ("the first page", pages),
        ("liveness probe (floor)", floor),
        ("a push until the page hears", live),
    ):
        ordered = sorted(times)
        table.add_row(name, f"{statistics.median(times) * 1e3:.1f}", f"{ordered[int(len(ordered) * 0.9)] * 1e3:.1f}")
    console.print(table)
    console.print(
        f"the page is {size / 1e3:.0f} kB, {small / 1e3:.0f} kB compressed; {asked.pages} pages, one at a time"
    )
    return 0


def _asked(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m bench.board", description=__doc__.splitlines()[0])
    parser.add_argument("--alerts", type=int, default=20_000)
    parser.add_argument("--incidents", type=int, default=500)
    parser.add_argument("--pages", type=int, default=100)
    parser.add_argument("--changes", type=int, default=20)
    return parser.parse_args(arguments)


def _is_settled(daemon: Incidentd, incidents: int) -> bool:
    is_idle = daemon.metric("incidentd_inbox_depth") == 0
    return is_idle and len(requests.get(f"{daemon.url}/", timeout=60).text.split('<tr id="INC-')) - 1 >= incidents


def _timed(url: str, count: int) -> tuple[list[float], list[float], int, int]:
    pages, floor = [], []
    with requests.Session() as session:
        session.trust_env = False
        for _ in range(count):
            pages.append(_one(session, f"{url}/"))
            floor.append(_one(session, f"{url}/healthz"))
        body = session.get(f"{url}/", timeout=60).content
    return pages, floor, len(body), len(gzip.compress(body, 6))


def _one(session: requests.Session, url: str) -> float:
    began = time.perf_counter()
    answer = session.get(url, timeout=60)
    took = time.perf_counter() - began
    answer.raise_for_status()
    return took


def _heard_after(daemon: Incidentd, number: int) -> float:
    """Seconds from pushing a new alert until a page that listens is told that something has changed."""
    heard, ready = threading.Event(), threading.Event()
    at: list[float] = []

    def listen() -> None:
        with requests.get(f"{daemon.url}/live", stream=True, timeout=60) as stream:
            for line in stream.iter_lines(chunk_size=1):
                if line == b"event: hello":
                    ready.set()
                if line == b"event: changed":
                    at.append(time.perf_counter())
                    heard.set()
                    return

    threading.Thread(target=listen, daemon=True).start()
    ready.wait(_PATIENCE_S)
    began = time.perf_counter()
    daemon.push({"labels": {"alertname": "Late", "ci": f"nobody-{number}", "severity": "warning"}})
    heard.wait(_PATIENCE_S)
    return at[0] - began


if __name__ == "__main__":
    raise SystemExit(main())
