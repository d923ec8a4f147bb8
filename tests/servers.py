"""The real programs that tests talk to: each a context manager, on a free port, ready when it is entered."""

import contextlib
import os
import shutil
import socket
import subprocess
import time
from abc import ABC, abstractmethod
from collections.abc import Callable
from pathlib import Path
from types import TracebackType
from typing import IO, Any, Self, TypeVar

import pytest
import requests
import yaml

READY_WITHIN_S = 60.0

DEVICE_RULES = """
groups:
  - name: estate
    rules:
      - alert: DeviceDown
        expr: device_up == 0
        labels: {severity: critical}
        annotations: {summary: "{{ $labels.device }} is down"}
"""
"""What a real Prometheus makes of `device_up`, which an exporter of a test shows."""

T = TypeVar("T")


def free_port() -> int:
    """A TCP port on the loopback that nobody listens on at this moment."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def program(*names: str) -> str:
    """Path of the first of these programs that is installed; else the test is skipped by name (in CI it fails)."""
    for name in names:
        found = shutil.which(name) or (f"/usr/bin/{name}" if Path(f"/usr/bin/{name}").exists() else None)
        if found:
            return found
    message = f"{names[0]} is not installed"
    if os.environ.get("CI") == "true":
        pytest.fail(message)
    pytest.skip(message)


def wait_until(
    what: str, ask: Callable[[], T], within_s: float = READY_WITHIN_S, alive: Callable[[], None] | None = None
) -> T:
    """The first true answer of `ask`, asked again and again; fails loudly once `within_s` has passed.

    The deadline is there for broken runs only and far beyond what a slow machine needs. `alive` may raise at once
    where waiting longer is in vain.
    """
    deadline = time.monotonic() + within_s
    pause = 0.01
    while not (answer := ask()):
        if alive is not None:
            alive()
        if time.monotonic() > deadline:
            raise AssertionError(f"not within {within_s:.0f} s: {what}")
        time.sleep(pause)
        pause = min(pause * 1.5, 0.25)
    return answer


class Server(ABC):
    """One program with its own directory and port. `url` holds while it lives, restarts included."""

    def __init__(self, directory: Path, name: str, ready_path: str) -> None:
        self.directory = directory / name
        self.directory.mkdir(parents=True, exist_ok=True)
        self.name = name
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self._ready_url = f"{self.url}{ready_path}"
        self._process: subprocess.Popen[bytes] | None = None
        self._log: IO[bytes] | None = None

    @abstractmethod
    def command(self) -> list[str]:
        """What to start."""

    def start(self) -> None:
        """Start it and wait until it answers that it is ready."""
        self._log = (self.directory / "log").open("ab")
        self._process = subprocess.Popen(
            self.command(), cwd=self.directory, stdout=self._log, stderr=subprocess.STDOUT, stdin=subprocess.DEVNULL
        )
        wait_until(f"{self.name} ready", self._is_ready, alive=self._check_alive)

    def stop(self) -> None:
        """End it as its operator would (SIGTERM)."""
        self._end(subprocess.Popen.terminate)

    def kill(self) -> None:
        """End it as a power cut would (SIGKILL)."""
        self._end(subprocess.Popen.kill)

    def restart(self) -> None:
        """Stop and start on the same port with the same data."""
        self.stop()
        self.start()

    @property
    def pid(self) -> int:
        """Process id of what runs."""
        assert self._process is not None
        return self._process.pid

    @property
    def log(self) -> str:
        """Everything it has written so far."""
        return (self.directory / "log").read_text(errors="replace")

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._end(subprocess.Popen.terminate)

    def _end(self, how: Callable[[subprocess.Popen[bytes]], None]) -> None:
        process, self._process = self._process, None
        if process is not None:
            how(process)
            try:
                process.wait(timeout=READY_WITHIN_S)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
        if self._log is not None:
            self._log.close()
            self._log = None

    def _is_ready(self) -> bool:
        with contextlib.suppress(requests.RequestException):
            return requests.get(self._ready_url, timeout=5).ok
        return False

    def _check_alive(self) -> None:
        if self._process is not None and self._process.poll() is not None:
            raise AssertionError(f"{self.name} ended with {self._process.returncode}:\n{self.log[-2000:]}")


class Prometheus(Server):
    """A real Prometheus that scrapes `targets` ("host:port") and evaluates `rules` (the text of a rules file) every
    `interval`; it sends alerts to the Alertmanagers in `alertmanagers` ("host:port")."""

    def __init__(
        self,
        directory: Path,
        rules: str = "groups: []\n",
        *,
        targets: tuple[str, ...] = (),
        alertmanagers: tuple[str, ...] = (),
        external_labels: dict[str, str] | None = None,
        interval: str = "1s",
        flags: tuple[str, ...] = (),
    ) -> None:
        super().__init__(directory, "prometheus", "/-/ready")
        self._binary = program("prometheus")
        self._flags = flags
        self.write_rules(rules)
        config: dict[str, Any] = {
            "global": {
                "scrape_interval": interval,
                "scrape_timeout": interval,
                "evaluation_interval": interval,
                "external_labels": external_labels or {},
            },
            "rule_files": ["rules.yml"],
            "scrape_configs": [{"job_name": "lab", "static_configs": [{"targets": list(targets)}]}],
        }
        if alertmanagers:
            config["alerting"] = {"alertmanagers": [{"static_configs": [{"targets": list(alertmanagers)}]}]}
        (self.directory / "prometheus.yml").write_text(yaml.safe_dump(config))

    def write_rules(self, rules: str) -> None:
        """Put another rules file in place; it counts after `reload` or a restart."""
        (self.directory / "rules.yml").write_text(rules)

    def reload(self) -> None:
        """Make it read its configuration again."""
        requests.post(f"{self.url}/-/reload", timeout=30).raise_for_status()

    def command(self) -> list[str]:
        """The Debian binary with everything inside the test's directory."""
        return [
            self._binary,
            f"--config.file={self.directory / 'prometheus.yml'}",
            f"--storage.tsdb.path={self.directory / 'data'}",
            f"--web.listen-address=127.0.0.1:{self.port}",
            "--web.enable-lifecycle",
            # What it fails to send is sent again only after this long; a minute by default.
            "--rules.alert.resend-delay=5s",
            *self._flags,
        ]


_ALERTMANAGER_CONFIG = """
route: {receiver: default, group_by: [alertname], group_wait: 0s, group_interval: 1s, repeat_interval: 1h}
receivers: [{name: default}]
"""


class Alertmanager(Server):
    """A real Alertmanager without a cluster; `config` is the text of its configuration file."""

    def __init__(self, directory: Path, config: str = _ALERTMANAGER_CONFIG) -> None:
        super().__init__(directory, "alertmanager", "/-/ready")
        self._binary = program("prometheus-alertmanager", "alertmanager")
        (self.directory / "alertmanager.yml").write_text(config)

    @property
    def target(self) -> str:
        """`host:port`, as a Prometheus's configuration wants it."""
        return f"127.0.0.1:{self.port}"

    def command(self) -> list[str]:
        """The Debian binary with everything inside the test's directory."""
        return [
            self._binary,
            f"--config.file={self.directory / 'alertmanager.yml'}",
            f"--storage.path={self.directory / 'data'}",
            f"--web.listen-address=127.0.0.1:{self.port}",
            "--cluster.listen-address=",
        ]
