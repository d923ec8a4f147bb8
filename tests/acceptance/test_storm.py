"""Power cuts in the middle of a storm: what was answered for is decided on, and told once."""

import json
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from bench.estate import site
from tests.daemons import PATIENCE_S, Incidentd
from tests.fakes import Hook, hook
from tests.servers import wait_until

pytestmark = pytest.mark.acceptance

STORM = site(alerts=3_000, failures=3)
A_REQUEST = 64


@pytest.fixture
def receiver() -> Iterator[Hook]:
    with hook() as state:
        yield state


@pytest.fixture
def daemon(tmp_path: Path, receiver: Hook) -> Iterator[Incidentd]:
    notifiers = [{"name": "hook", "type": "webhook", "url": receiver.url}]
    waits = {"settle": "2s", "resolve_after": "5m"}
    with Incidentd(tmp_path, STORM.cmdb, notifiers=notifiers, notify=[{"to": "hook"}], incidents=waits) as running:
        yield running


def requests_of(alerts: list[dict[str, Any]]) -> list[list[dict[str, Any]]]:
    return [alerts[n : n + A_REQUEST] for n in range(0, len(alerts), A_REQUEST)]


def placed(daemon: Incidentd) -> Counter[str]:
    """In how many incidents the alert of each CI stands."""
    return Counter(a["ci"] for i in daemon.incidents() for a in i["alerts"])


def test_power_cuts_in_a_storm_lose_and_double_nothing(daemon: Incidentd, receiver: Hook) -> None:
    storm = requests_of(STORM.alerts("1"))
    answered: set[str] = set()

    def all_placed() -> bool:
        return answered <= placed(daemon).keys()

    for number, alerts in enumerate(storm):
        daemon.push(*alerts)
        answered |= {a["labels"]["ci"] for a in alerts}
        if number in (len(storm) // 3, 2 * len(storm) // 3):
            daemon.kill()
            daemon.start()
            wait_until("all that was answered for", all_placed, PATIENCE_S)
    for alerts in storm:  # as Prometheus repeats what still fires
        daemon.push(*alerts)
    wait_until("a notice of each failure", lambda: len(told(receiver)) >= len(STORM.roots), PATIENCE_S)
    daemon.kill()
    daemon.start()
    wait_until("the repeats decided", lambda: daemon.metric("incidentd_inbox_depth") == 0, PATIENCE_S)

    assert sorted(i["root_cause"]["ci"] for i in daemon.incidents()) == sorted(STORM.roots)
    assert set(placed(daemon).values()) == {1}
    assert placed(daemon).keys() == answered
    wait_until("nothing left to tell", lambda: not pending(daemon), PATIENCE_S)
    assert sorted(told(receiver).values()) == sorted(STORM.roots)


def told(receiver: Hook) -> dict[str, str]:
    """The failed CI of each opened notice, by idempotency key: a repeat after a crash counts once."""
    bodies = [json.loads(post.body) for post in receiver.posts]
    return {b["idempotency_key"]: b["incident"]["root_cause"]["ci"] for b in bodies if b["event"] == "opened"}


def pending(daemon: Incidentd) -> list[dict[str, Any]]:
    """Notices that have not been delivered."""
    shown = json.loads(daemon.cli("notices", "--json").stdout)["notices"]
    return [n for n in shown if n["state"] != "delivered"]
