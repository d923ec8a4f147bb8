"""What the tests of the command line share: a place with a configuration, and ways to call the program."""

import json
import os
import subprocess
import sys
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any

import msgspec
import pytest
from typer.testing import CliRunner

from cmdb.model import State
from daemon.cli.main import app, main
from daemon.clock import ManualClock
from daemon.config.sample import write_samples
from daemon.store.store import Store
from rules.alert import Alert, alert_id, fingerprint_of
from rules.decision import Notice, TimelineEntry
from rules.document import NoticeContent
from rules.incident import Candidate, HitService, Incident, Level, Priority, RootCause, Status
from tests.builders import T0, decision

ROOT = Path(__file__).parents[1]
HOSTILE = "\x1b[31mred\x1b]0;owned\x07 [bold]markup[/bold] \u202egnp.exe\x00\r\nsecond"


def incident(number: int, **fields: Any) -> Incident:
    """An incident of the record."""
    known: dict[str, Any] = {
        "number": number,
        "status": Status.OPEN,
        "title": "tor-3a is down: Payments is down",
        "priority": Priority.P1,
        "impact": Level.HIGH,
        "urgency": Level.HIGH,
        "priority_reason": "impact high (critical service Payments is down), urgency high",
        "opened_at": T0,
        "updated_at": T0,
        "root": RootCause(
            ci="tor-3a",
            confidence=0.87,
            evidence=("tor-3a itself reports that it is down",),
            candidates=(Candidate(ci="tor-3a", confidence=0.87), Candidate(ci="pdu-3", confidence=0.08)),
        ),
        "impacted": ("tor-3a", "pay-db", "payments"),
        "services": (HitService(ci="payments", name="Payments", state=State.DOWN),),
        "group": "network",
    }
    return Incident(**{**known, **fields})


def alert(name: str, number: int | None, **labels: str) -> Alert:
    """An alert of the record."""
    pairs = {"alertname": name, "severity": "critical", **labels}
    mark = fingerprint_of(pairs)
    return Alert(
        id=alert_id(mark, T0),
        fingerprint=mark,
        labels=pairs,
        annotations={"summary": HOSTILE},
        starts_at=T0,
        first_seen_at=T0,
        ci=labels.get("ci"),
        incident=number,
        reason="" if number else "information only",
    )


def notice(key: str, number: int) -> Notice:
    """A notice of the record."""
    content = NoticeContent(event="opened", reason="new", at="2026-11-24T08:00:00.000Z", idempotency_key=key)
    body = msgspec.json.encode(content)
    return Notice(key=key, to="noc", event="opened", reason="P1 opened", at=T0, incident=number, content=body)


class Site:
    """A directory with the sample configuration and, once something is committed, a record."""

    def __init__(self, directory: Path) -> None:
        self.config, self.cmdb = write_samples(directory)
        self.directory = directory
        self.runner = CliRunner()

    def store(self) -> Store:
        """The record, to be closed by the caller."""
        return Store.open(f"sqlite:///{self.directory}/incidentd.db", ManualClock(T0))

    def commit(self, **fields: Any) -> None:
        """Have a daemon decide on these things."""
        with self.store() as store:
            store.upgrade()
            epoch = store.acquire("test", timedelta(minutes=1))
            store.commit(decision(**fields), epoch=epoch)
            store.release(epoch)

    def record(self) -> None:
        """Have a daemon open two incidents, one of them with texts that are up to no good."""
        self.commit(
            alerts=(alert("SwitchDown", 1, ci="tor-3a"), alert("Odd", None, device="x9")),
            incidents=(
                incident(1),
                incident(
                    2,
                    status=Status.RESOLVED,
                    title=HOSTILE,
                    resolved_at=T0 + timedelta(minutes=5),
                    priority=Priority.P3,
                    services=(),
                    root=RootCause(),
                    resolution="switch replaced",
                ),
            ),
            timeline=(TimelineEntry(incident=1, at=T0, kind="opened", text=f"opened {HOSTILE}"),),
            notices=(notice("n1", 1), notice("n2", 2)),
        )
        with self.store() as store:
            store.bury("n2", T0, "the server says no")

    def words(self, *words: str) -> list[str]:
        """The words of a command with this configuration."""
        return ["--config", str(self.config), *words]

    def run(self, *words: str, code: int = 0) -> str:
        """What the command prints on a terminal of 80 columns."""
        result = self.runner.invoke(app, self.words(*words), env={"COLUMNS": "80"})
        assert result.exit_code == code, (result.output, result.exception)
        return result.output

    def json(self, *words: str) -> Any:
        """What the command prints for programs."""
        return json.loads(self.run(*words, "--json"))


@pytest.fixture
def site(tmp_path: Path) -> Site:
    """A place with the sample configuration and nothing on record."""
    return Site(tmp_path)


@pytest.fixture
def recorded(site: Site) -> Site:
    """A place with two incidents on record."""
    site.record()
    return site


@dataclass(frozen=True)
class Done:
    """How the program ended."""

    returncode: int
    stdout: str
    stderr: str


class Shell:
    """Calls the program's entry point as a shell would, in a directory and environment of its own."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
        self._monkeypatch = monkeypatch
        self._capsys = capsys

    def __call__(self, *words: str, cwd: Path, **environ: str) -> Done:
        with self._monkeypatch.context() as patch:
            patch.chdir(cwd)
            patch.setattr(sys, "argv", ["incidentd", *words])
            for name in ("INCIDENTD_CONFIG", "INCIDENTD_DEBUG", "NO_COLOR", "FORCE_COLOR"):
                patch.delenv(name, raising=False)
            for name, value in environ.items():
                patch.setenv(name, value)
            with pytest.raises(SystemExit) as end:
                main()
        said = self._capsys.readouterr()
        code = end.value.code
        return Done(code if isinstance(code, int) else 0, said.out, said.err)


@pytest.fixture
def incidentd(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Shell:
    """The program as a shell calls it."""
    return Shell(monkeypatch, capsys)


def program(code: str, cwd: Path, **environ: str) -> "subprocess.CompletedProcess[str]":
    """A process of its own."""
    env = {"PATH": os.environ["PATH"], "PYTHONPATH": str(ROOT), **environ}
    command = [sys.executable, "-c", code]
    return subprocess.run(command, cwd=cwd, env=env, capture_output=True, text=True, timeout=60, check=False)
