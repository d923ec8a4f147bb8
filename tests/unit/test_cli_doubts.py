"""`incidentd cmdb doubts`: on recorded alerts, and on the record of a daemon."""

import json
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner, Result

from daemon.cli.main import app
from daemon.clock import ManualClock
from daemon.config.estate import load_estate
from daemon.replay import replay_history
from daemon.store.store import Store
from rules.decision import Decision
from rules.policy import Policy
from tests.builders import T0, at

CMDB = """
cis:
  - {id: tor-1, type: switch}
  - {id: host-1, type: host, depends_on: [tor-1]}
  - {id: host-2, type: host, depends_on: [tor-1]}
  - {id: host-3, type: host}
  - {id: shop, type: business-service, depends_on: [host-3]}
"""
CONFIG = """
database: sqlite:///incidentd.db
cmdb: [{type: yaml, path: cmdb.yaml}]
sources: [{name: push, type: push}]
"""


@pytest.fixture
def place(tmp_path: Path) -> Path:
    (tmp_path / "cmdb.yaml").write_text(CMDB)
    (tmp_path / "incidentd.yaml").write_text(CONFIG)
    (tmp_path / "events.jsonl").write_text("".join(f"{json.dumps(e)}\n" for e in events()))
    return tmp_path


def events() -> Iterator[dict[str, Any]]:
    """The switch fails three times, and the host of which the CMDB knows no switch fails with it."""
    for began in (0, 6 * 3600, 12 * 3600):
        for after, status in ((10, "firing"), (900, "resolved")):
            for ci in ("host-1", "host-2", "host-3"):
                yield {
                    "receivedAt": at(began + after).isoformat(),
                    "status": status,
                    "labels": {"alertname": "HostDown", "ci": ci, "severity": "critical"},
                    "startsAt": at(began).isoformat(),
                }


def incidentd(place: Path, *words: str) -> Result:
    found = [str(place / word) if (place / word).is_file() else word for word in words]
    return CliRunner().invoke(app, ["cmdb", "doubts", *found], env={"COLUMNS": "100"})


def test_recorded_alerts_need_no_database(place: Path) -> None:
    words = ["--cmdb", "cmdb.yaml", "--events", "events.jsonl"]
    said = incidentd(place, *words)
    assert said.exit_code == 0, said.output
    lines = said.output.splitlines()
    assert lines[0] == (
        "1 doubt about the CMDB, the worst first, by 6 incidents and 9 alerts"
        " from 2026-11-24 08:00:10Z to 2026-11-24 20:15:00Z:"
    )
    assert lines[3].split()[:3] == ["missing", "host-3", "tor-1"]
    assert "in 3 of 3 failures of tor-1 it alerted within 1 s; nothing in the CMDB says so. See INC-" in lines[-1]
    document = json.loads(incidentd(place, *words, "--json").output)
    (doubt,) = document["doubts"]
    assert (doubt["kind"], doubt["ci"], doubt["needs"], doubt["seen"]) == ("missing", "host-3", "tor-1", 3)
    assert (document["total"], document["incidents"], document["alerts"]) == (1, 6, 9)
    assert len(doubt["incidents"]) == 6


def test_the_record_of_a_daemon_gives_the_same_doubts(place: Path) -> None:
    past = replay_history(load_estate([place / "cmdb.yaml"]), place / "events.jsonl", Policy())
    with Store.open(f"sqlite:///{place / 'incidentd.db'}", ManualClock(T0)) as store:
        store.upgrade()
        epoch = store.acquire("test", timedelta(minutes=1))
        store.commit(Decision(at=T0, incidents=past.incidents, alerts=past.alerts), epoch=epoch)
        store.release(epoch)
    words = ["--config", "incidentd.yaml", "--since", "3650d"]
    (doubt,) = json.loads(incidentd(place, *words, "--json").output)["doubts"]
    assert (doubt["kind"], doubt["ci"], doubt["needs"]) == ("missing", "host-3", "tor-1")


def test_without_doubts_it_says_what_was_looked_at(place: Path) -> None:
    (place / "events.jsonl").write_text("".join(f"{json.dumps(e)}\n" for e in list(events())[:6]))
    said = incidentd(place, "--cmdb", "cmdb.yaml", "--events", "events.jsonl")
    assert said.output == (
        "No doubts: 2 incidents and 3 alerts from 2026-11-24 08:00:10Z to 2026-11-24 08:15:00Z fit the CMDB.\n"
    )


@pytest.mark.parametrize(
    ("words", "code", "said"),
    [
        (["--since", "soon", "--cmdb", "cmdb.yaml"], 2, '"soon" is not a length of time'),
        (["--since", "0s", "--cmdb", "cmdb.yaml"], 2, "no time at all"),
        (["--events", "events.jsonl", "--config", "incidentd.yaml"], 2, "--cmdb FILE"),
    ],
)
def test_mistakes_are_told(place: Path, words: list[str], code: int, said: str) -> None:
    result = incidentd(place, *words)
    assert result.exit_code == code
    assert said in result.output
