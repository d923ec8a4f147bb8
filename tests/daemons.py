"""The real daemon as a process of its own, on a free port and a database in its own directory."""

import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import requests
import yaml

from tests.servers import Server, wait_until

PATIENCE_S = 120.0


class Incidentd(Server):
    """`incidentd run`, with open access, on SQLite. `settings` are put over a configuration with a push source only.

    `cmdb` is the text of the CMDB file, as YAML or JSON.
    """

    def __init__(self, directory: Path, cmdb: str, **settings: Any) -> None:
        super().__init__(directory, "incidentd", "/readyz")
        (self.directory / "cmdb.yaml").write_text(cmdb)
        self.write_config(**settings)

    def write_config(self, **settings: Any) -> None:
        """Put a configuration in place; it counts after a reload or a restart."""
        document: dict[str, Any] = {
            "database": "sqlite:///incidentd.db",
            "http": {"listen": f"127.0.0.1:{self.port}", "access": "open"},
            "sources": [{"name": "push", "type": "push"}],
            "cmdb": [{"type": "yaml", "path": "cmdb.yaml"}],
            **settings,
        }
        (self.directory / "incidentd.yaml").write_text(yaml.safe_dump(document))

    def command(self) -> list[str]:
        """As a service manager would start it."""
        return [*self._program(), "run"]

    def _program(self) -> list[str]:
        return [str(Path(sys.executable).with_name("incidentd")), "--config", str(self.directory / "incidentd.yaml")]

    def cli(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        """Call the command line as the owner would."""
        return subprocess.run(
            [*self._program(), *arguments],
            cwd=self.directory,
            capture_output=True,
            text=True,
            timeout=PATIENCE_S,
            check=False,
        )

    def signal(self, number: signal.Signals) -> None:
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
        """What the API says; incidents that were merged into others are left out."""
        answer = requests.get(f"{self.url}/api/v1/incidents?limit=200", timeout=60)
        answer.raise_for_status()
        found: list[dict[str, Any]] = answer.json()["incidents"]
        return [i for i in found if i["merged_into"] is None]

    def incident(self, number: int) -> dict[str, Any]:
        """All that the API says of one incident."""
        answer = requests.get(f"{self.url}/api/v1/incidents/{number}", timeout=60)
        answer.raise_for_status()
        found: dict[str, Any] = answer.json()
        return found

    def one_incident(self) -> dict[str, Any]:
        """The only incident there is, once there is one."""
        (found,) = wait_until("an incident", self.incidents, PATIENCE_S)
        return found

    def metric(self, name: str) -> float:
        """The value of one series without labels."""
        lines = requests.get(f"{self.url}/metrics", timeout=60).text.splitlines()
        return float(next(line for line in lines if line.startswith(f"{name} ")).split()[-1])
