"""The real daemon as a process of its own: started, used over HTTP and from the command line, reloaded, stopped."""

import json
import signal
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import requests
import yaml

from tests.servers import Server, wait_until

CMDB = """
cis:
  - {id: shop, type: business-service, criticality: high, depends_on: [db1]}
  - {id: db1, type: database}
"""
ALERT = {"labels": {"alertname": "HostDown", "severity": "critical", "ci": "db1"}}
PATIENCE_S = 120


class Incidentd(Server):
    """The daemon on SQLite with open access, on a free port."""

    def __init__(self, directory: Path) -> None:
        super().__init__(directory, "incidentd", "/readyz")
        (self.directory / "cmdb.yaml").write_text(CMDB)
        self.write_config()

    def write_config(self, **changes: Any) -> None:
        """Put a configuration in place; it counts after a reload or a restart."""
        settings: dict[str, Any] = {
            "database": "sqlite:///incidentd.db",
            "http": {"listen": f"127.0.0.1:{self.port}", "access": "open"},
            "sources": [{"name": "push", "type": "push"}],
            "cmdb": [{"type": "yaml", "path": "cmdb.yaml"}],
            "log": {"format": "json"},
            **changes,
        }
        (self.directory / "incidentd.yaml").write_text(yaml.safe_dump(settings))

    def command(self) -> list[str]:
        """`incidentd run`."""
        return [str(Path(sys.executable).with_name("incidentd")), "--config", "incidentd.yaml", "run"]

    def cli(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        """Call the command line as the owner would."""
        return subprocess.run(
            [*self.command()[:-1], *arguments],
            cwd=self.directory,
            capture_output=True,
            text=True,
            timeout=PATIENCE_S,
            check=False,
        )

    def signal(self, number: int) -> None:
        """Send a signal to the process."""
        assert self._process is not None
        self._process.send_signal(number)

    def exit_code(self) -> int:
        """How it ended, once it has."""
        assert self._process is not None
        return self._process.wait(PATIENCE_S)

    def push(self, *alerts: dict[str, Any]) -> None:
        """Send alerts as a Prometheus does."""
        requests.post(f"{self.url}/api/v2/alerts", json=list(alerts), timeout=30).raise_for_status()

    def incidents(self) -> list[dict[str, Any]]:
        """What the API says."""
        answer = requests.get(f"{self.url}/api/v1/incidents", timeout=30)
        answer.raise_for_status()
        found: list[dict[str, Any]] = answer.json()["incidents"]
        return found

    def one_incident(self) -> dict[str, Any]:
        """The only incident there is, once there is one."""
        (found,) = wait_until("an incident", self.incidents, PATIENCE_S)
        return found

    def events(self) -> list[dict[str, Any]]:
        """The diary, line by line."""
        return [json.loads(line) for line in self.log.splitlines() if line.startswith("{")]

    def await_event(self, name: str) -> dict[str, Any]:
        """The first line of the diary with that name."""
        return wait_until(name, lambda: next((e for e in self.events() if e["event"] == name), None) or {}, PATIENCE_S)


@pytest.fixture
def incidentd(tmp_path: Path) -> Iterator[Incidentd]:
    """Running."""
    with Incidentd(tmp_path) as server:
        yield server


def metric(server: Incidentd, name: str) -> float:
    """The value of one series."""
    lines = requests.get(f"{server.url}/metrics", timeout=30).text.splitlines()
    return float(next(line for line in lines if line.startswith(f"{name} ")).split()[-1])


def test_pushed_alert_becomes_an_incident_and_survives_a_restart(incidentd: Incidentd) -> None:
    incidentd.push(ALERT)
    found = incidentd.one_incident()
    assert (found["number"], found["status"], found["root_cause"]["ci"]) == ("INC-1", "open", "db1")
    assert found["impacted_services"] == ["shop"]
    assert incidentd.await_event("incident_opened")["incident"] == "INC-1"

    incidentd.restart()
    assert incidentd.one_incident()["status"] == "open"
    incidentd.push(ALERT)
    wait_until("the push decided", lambda: metric(incidentd, "incidentd_inbox_depth") == 0, PATIENCE_S)
    assert metric(incidentd, "incidentd_alerts_firing") == 1
    assert len(incidentd.incidents()) == 1


def test_kill_loses_nothing_that_was_acknowledged(incidentd: Incidentd) -> None:
    incidentd.push(ALERT)
    incidentd.kill()
    incidentd.start()
    assert incidentd.one_incident()["root_cause"]["ci"] == "db1"


def test_sigterm_ends_it_cleanly_and_frees_the_database(incidentd: Incidentd) -> None:
    incidentd.signal(signal.SIGTERM)
    assert incidentd.exit_code() == 0
    assert incidentd.events()[-1]["event"] == "stopped"
    answer = incidentd.cli("db", "check", "--json")
    assert json.loads(answer.stdout)["daemon"] is None


def test_second_daemon_on_the_same_database_is_refused(incidentd: Incidentd) -> None:
    answer = incidentd.cli("run")
    assert answer.returncode == 1
    assert "another incidentd" in answer.stderr
    assert incidentd.incidents() == []


def test_orders_reach_the_running_daemon_and_are_carried_out_without_one(incidentd: Incidentd) -> None:
    incidentd.push(ALERT)
    incidentd.one_incident()
    answer = incidentd.cli("incident", "ack", "INC-1", "--by", "anna")
    assert (answer.returncode, answer.stderr) == (0, "")
    assert incidentd.one_incident()["status"] == "acknowledged"

    incidentd.stop()
    answer = incidentd.cli("incident", "resolve", "1", "disk replaced", "--by", "bob", "--json")
    assert answer.returncode == 0, answer.stderr
    assert json.loads(answer.stdout)["orders"][0]["done"]
    answer = incidentd.cli("incident", "list", "--json")
    (found,) = json.loads(answer.stdout)["incidents"]
    assert (found["status"], found["resolution"]) == ("resolved", "disk replaced")
    assert incidentd.cli("incident", "ack", "99").returncode == 1


def test_reload_takes_all_or_nothing(incidentd: Incidentd) -> None:
    incidentd.write_config(sources=[{"name": "push", "type": "nonsense"}])
    incidentd.signal(signal.SIGHUP)
    assert "nonsense" in incidentd.await_event("reload_refused")["problem"]
    incidentd.write_config()
    (incidentd.directory / "cmdb.yaml").write_text(CMDB + "  - {id: db2, type: database}\n")
    incidentd.signal(signal.SIGHUP)
    assert incidentd.await_event("reloaded")["cis"] == 3
    incidentd.push({"labels": {"alertname": "HostDown", "severity": "critical", "ci": "db2"}})
    assert incidentd.one_incident()["root_cause"]["ci"] == "db2"


def test_reload_survives_a_cmdb_that_lost_the_failed_ci(incidentd: Incidentd) -> None:
    incidentd.push(ALERT)
    incidentd.one_incident()
    (incidentd.directory / "cmdb.yaml").write_text("cis:\n  - {id: other, type: database}\n")
    incidentd.signal(signal.SIGHUP)
    incidentd.await_event("reloaded")
    incidentd.push(ALERT, {"labels": {"alertname": "HostDown", "severity": "critical", "ci": "other"}})
    wait_until("the other incident", lambda: len(incidentd.incidents()) > 1, PATIENCE_S)
    assert metric(incidentd, 'incidentd_cycles_total{outcome="ok"}') > 0
    assert not [e for e in incidentd.events() if e["event"] in ("cycle_broke", "decision_failed", "quarantined")]


def test_source_that_is_down_is_known_and_ends_nothing(incidentd: Incidentd, tmp_path: Path) -> None:
    gone = Server(tmp_path, "nobody", "/")
    prometheus = {"name": "prom", "type": "prometheus", "url": gone.url, "interval": "1s", "timeout": "1s"}
    incidentd.write_config(sources=[{"name": "push", "type": "push"}, prometheus])
    incidentd.signal(signal.SIGHUP)
    assert incidentd.await_event("source_down")["source"] == "prom"
    assert metric(incidentd, 'incidentd_source_up{source="prom"}') == 0


def test_unreadable_inbox_rows_are_put_aside(incidentd: Incidentd) -> None:
    with sqlite3.connect(incidentd.directory / "incidentd.db", timeout=60) as connection:
        connection.execute(
            "insert into inbox (kind, source, body, at) values ('push', 'x', x'00', ?)", ("2026-01-01 00:00:00.000000",)
        )
    connection.close()
    assert incidentd.await_event("quarantined")["kind"] == "push"
    incidentd.push(ALERT)
    assert incidentd.one_incident()["status"] == "open"
    assert metric(incidentd, 'incidentd_quarantined_total{kind="push"}') == 1


def test_mistakes_in_the_configuration_are_told_all_at_once(tmp_path: Path) -> None:
    server = Incidentd(tmp_path)
    server.write_config(nonsense=1, sources=[{"name": "push", "type": "nonsense"}])
    answer = server.cli("run")
    assert answer.returncode == 1
    assert len(answer.stderr.splitlines()) == 2
