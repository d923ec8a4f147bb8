"""The real daemon as a process of its own: started, used over HTTP and from the command line, reloaded, stopped."""

import json
import re
import signal
import sqlite3
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import requests

from tests.daemons import PATIENCE_S, Incidentd
from tests.servers import free_port, wait_until

CMDB = """
cis:
  - {id: shop, type: business-service, criticality: high, depends_on: [db1]}
  - {id: db1, type: database}
"""
ALERT = {"labels": {"alertname": "HostDown", "severity": "critical", "ci": "db1"}}


class Speaking(Incidentd):
    """A daemon whose diary can be read line by line."""

    def __init__(self, directory: Path) -> None:
        super().__init__(directory, CMDB)

    def write_config(self, **settings: Any) -> None:
        """The diary is JSON."""
        super().write_config(**{"log": {"format": "json"}, **settings})

    def events(self) -> list[dict[str, Any]]:
        """The diary."""
        return [json.loads(line) for line in self.log.splitlines() if line.startswith("{")]

    def await_event(self, name: str) -> dict[str, Any]:
        """The first line of the diary with that name."""
        return wait_until(name, lambda: next((e for e in self.events() if e["event"] == name), None) or {}, PATIENCE_S)


@pytest.fixture
def incidentd(tmp_path: Path) -> Iterator[Speaking]:
    """Running."""
    with Speaking(tmp_path) as server:
        yield server


def test_pushed_alert_becomes_an_incident_and_survives_a_restart(incidentd: Speaking) -> None:
    incidentd.push(ALERT)
    found = incidentd.one_incident()
    assert (found["number"], found["status"], found["root_cause"]["ci"]) == ("INC-1", "open", "db1")
    assert found["impacted_services"] == ["shop"]
    assert incidentd.await_event("incident_opened")["incident"] == "INC-1"

    incidentd.restart()
    assert incidentd.one_incident()["status"] == "open"
    incidentd.push(ALERT)
    wait_until("the push decided", lambda: incidentd.metric("incidentd_inbox_depth") == 0, PATIENCE_S)
    assert incidentd.metric("incidentd_alerts_firing") == 1
    assert len(incidentd.incidents()) == 1


def test_kill_loses_nothing_that_was_acknowledged(incidentd: Speaking) -> None:
    incidentd.push(ALERT)
    incidentd.kill()
    incidentd.start()
    assert incidentd.one_incident()["root_cause"]["ci"] == "db1"


def test_sigterm_ends_it_cleanly_and_frees_the_database(incidentd: Speaking) -> None:
    incidentd.signal(signal.SIGTERM)
    assert incidentd.exit_code() == 0
    assert incidentd.events()[-1]["event"] == "stopped"
    answer = incidentd.cli("db", "check", "--json")
    assert json.loads(answer.stdout)["daemon"] is None


def test_second_daemon_on_the_same_database_is_refused(incidentd: Speaking) -> None:
    answer = incidentd.cli("run")
    assert answer.returncode == 1
    assert "another incidentd" in answer.stderr
    assert incidentd.incidents() == []


def test_orders_reach_the_running_daemon_and_are_carried_out_without_one(incidentd: Speaking) -> None:
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


def test_reload_takes_all_or_nothing(incidentd: Speaking) -> None:
    incidentd.write_config(sources=[{"name": "push", "type": "nonsense"}])
    incidentd.signal(signal.SIGHUP)
    assert "nonsense" in incidentd.await_event("reload_refused")["problem"]
    incidentd.write_config()
    (incidentd.directory / "cmdb.yaml").write_text(CMDB + "  - {id: db2, type: database}\n")
    incidentd.signal(signal.SIGHUP)
    assert incidentd.await_event("reloaded")["cis"] == 3
    incidentd.push({"labels": {"alertname": "HostDown", "severity": "critical", "ci": "db2"}})
    assert incidentd.one_incident()["root_cause"]["ci"] == "db2"


def test_reload_survives_a_cmdb_that_lost_the_failed_ci(incidentd: Speaking) -> None:
    incidentd.push(ALERT)
    incidentd.one_incident()
    (incidentd.directory / "cmdb.yaml").write_text("cis:\n  - {id: other, type: database}\n")
    incidentd.signal(signal.SIGHUP)
    incidentd.await_event("reloaded")
    incidentd.push(ALERT, {"labels": {"alertname": "HostDown", "severity": "critical", "ci": "other"}})
    wait_until("the other incident", lambda: len(incidentd.incidents()) > 1, PATIENCE_S)
    assert incidentd.metric('incidentd_cycles_total{outcome="ok"}') > 0
    assert not [e for e in incidentd.events() if e["event"] in ("cycle_broke", "decision_failed", "quarantined")]


def test_source_that_is_down_is_known_and_ends_nothing(incidentd: Speaking) -> None:
    gone = f"http://127.0.0.1:{free_port()}"
    prometheus = {"name": "prom", "type": "prometheus", "url": gone, "interval": "1s", "timeout": "1s"}
    incidentd.write_config(sources=[{"name": "push", "type": "push"}, prometheus])
    incidentd.signal(signal.SIGHUP)
    assert incidentd.await_event("source_down")["source"] == "prom"
    assert incidentd.metric('incidentd_source_up{source="prom"}') == 0


def test_unreadable_inbox_rows_are_put_aside(incidentd: Speaking) -> None:
    with sqlite3.connect(incidentd.directory / "incidentd.db", timeout=60) as connection:
        connection.execute(
            "insert into inbox (kind, source, body, at) values ('push', 'x', x'00', ?)", ("2026-01-01 00:00:00.000000",)
        )
    connection.close()
    assert incidentd.await_event("quarantined")["kind"] == "push"
    incidentd.push(ALERT)
    assert incidentd.one_incident()["status"] == "open"
    assert incidentd.metric('incidentd_quarantined_total{kind="push"}') == 1


def test_mistakes_in_the_configuration_are_told_all_at_once(tmp_path: Path) -> None:
    server = Speaking(tmp_path)
    server.write_config(nonsense=1, sources=[{"name": "push", "type": "nonsense"}])
    answer = server.cli("run")
    assert answer.returncode == 1
    assert len(answer.stderr.splitlines()) == 2


def test_the_first_start_makes_an_administrator_who_chooses_a_password_first(tmp_path: Path) -> None:
    with Speaking(tmp_path) as server:
        assert "first login" not in server.log
        server.write_config(http={"listen": f"127.0.0.1:{server.port}", "access": "login"})
        server.restart()
        told = r"^first login: user admin, password (\S+) \(shown this once; it must be changed then\)$"
        found = re.search(told, server.log, re.MULTILINE)
        assert found is not None
        with requests.Session() as session:
            session.trust_env = False
            session.headers["Origin"] = server.url
            login = {"name": "admin", "password": found[1]}
            assert session.post(f"{server.url}/api/v1/session", json=login, timeout=10).status_code == 200
            assert session.get(f"{server.url}/api/v1/incidents", timeout=10).status_code == 403
            assert session.get(f"{server.url}/", timeout=10).url == f"{server.url}/account"
        server.restart()
        assert server.log.count("first login") == 1
    for file in tmp_path.rglob("*.db*"):
        assert found[1].encode() not in file.read_bytes()
