"""The lab as one object: data centre, exporter, Prometheus, Alertmanager and catcher, without the daemon."""

import contextlib
import fcntl
import json
import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from daemon.clock import Clock, SystemClock
from daemon.lab import processes
from daemon.lab.catcher import Catcher
from daemon.lab.client import STATE_FILE
from daemon.lab.control import Control
from daemon.lab.errors import LabError
from daemon.lab.estate import lab_estate, write_cmdb
from daemon.lab.exporter import exporter
from daemon.lab.fake_prometheus import FakePrometheus
from daemon.lab.files import (
    SERVICE_DESK,
    Ways,
    database_url,
    write_alertmanager,
    write_daemon_config,
    write_prometheus,
)
from daemon.lab.world import Fault
from rules.document import rfc3339

USUAL_INTERVAL_S = 5.0
WRITTEN = (
    "cmdb.yaml",
    "incidentd.yaml",
    SERVICE_DESK,
    "prometheus.yml",
    "rules.yml",
    "alertmanager.yml",
    "incidentd.db",
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Ports:
    """The loopback ports to use; 0 takes any free one."""

    exporter: int = 0
    prometheus: int = 0
    alertmanager: int = 0
    smtp: int = 0
    hook: int = 0


class Lab:
    """The made-up data centre under a real Prometheus and Alertmanager, in `directory`.

    `interval_s` is how often Prometheus scrapes and evaluates; how late symptoms come is in proportion to it.
    `stand_in` asks for the stand-in even where Prometheus is installed. Usable as a context manager; start it from a
    thread that lives as long as it does.
    """

    def __init__(
        self,
        directory: Path,
        *,
        ports: Ports | None = None,
        interval_s: float = USUAL_INTERVAL_S,
        stand_in: bool = False,
        clock: Clock | None = None,
        say: Callable[[str], None] = lambda _: None,
    ) -> None:
        self.directory = directory.resolve()
        self.interval_s = interval_s
        self.clock: Clock = clock or SystemClock()
        self.say = say
        self.prometheus: processes.Program | FakePrometheus
        self.alertmanager: processes.Program | None = None
        self._ports = ports or Ports()
        self._program = None if stand_in else processes.prometheus_program()
        self._closing = contextlib.ExitStack()
        self.control = Control(lab_estate(), self.clock, pace=interval_s / USUAL_INTERVAL_S, say=say)

    def __enter__(self) -> "Lab":
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    @property
    def is_stand_in(self) -> bool:
        """Whether Prometheus is only played by the lab."""
        return self._program is None

    @property
    def cmdb_path(self) -> Path:
        """The data centre's CMDB file."""
        return self.directory / "cmdb.yaml"

    @property
    def database_url(self) -> str:
        """Where the daemon that works on this lab keeps its record."""
        return database_url(self.directory)

    @property
    def ways(self) -> Ways:
        """Where the daemon finds everything."""
        return Ways(
            prometheus_url=self.prometheus.url,
            alertmanager_url=self.alertmanager.url if self.alertmanager else "",
            smtp_port=self.catcher.smtp_port,
            hook_url=self.catcher.hook_url,
        )

    def start(self) -> None:
        """Start everything and return once it is ready; LabError where that fails, with nothing left running."""
        with contextlib.ExitStack() as undo:
            undo.enter_context(held(self.directory))
            (self.directory / "logs").mkdir(exist_ok=True)
            for old in (self.directory / "logs").glob("*.log"):
                old.unlink()
            write_cmdb(self.cmdb_path)
            self.exporter = exporter(self.control, self._ports.exporter)
            undo.callback(self.exporter.stop)
            self.exporter.start()
            self.catcher = Catcher(
                self.directory, self.clock, self.say, smtp_port=self._ports.smtp, hook_port=self._ports.hook
            )
            undo.callback(self.catcher.stop)
            self.catcher.start()
            self._start_monitoring(undo)
            self._closing = undo.pop_all()

    def _start_monitoring(self, undo: contextlib.ExitStack) -> None:
        if self._program is None:
            config = write_prometheus(self.directory, self.exporter.port, "", self.interval_s)
            stand_in = FakePrometheus(
                self.control,
                self.clock,
                config=config.read_text(encoding="utf-8"),
                interval_s=self.interval_s,
                port=self._ports.prometheus,
            )
            undo.callback(stand_in.stop)
            stand_in.start()
            self.prometheus = stand_in
            return
        manager = processes.alertmanager_program()
        if manager is not None:
            port = self._ports.alertmanager or processes.free_port()
            self.alertmanager = processes.alertmanager(
                manager, self.directory, write_alertmanager(self.directory), port
            )
            undo.callback(self.alertmanager.stop)
            self.alertmanager.launch()
        url = self.alertmanager.url if self.alertmanager else ""
        config = write_prometheus(self.directory, self.exporter.port, url, self.interval_s)
        port = self._ports.prometheus or processes.free_port()
        self.prometheus = processes.prometheus(self._program, self.directory, config, port)
        undo.callback(self.prometheus.stop)
        self.prometheus.start()
        if self.alertmanager is not None:
            self.alertmanager.await_ready()

    def stop(self) -> None:
        """Stop everything; may be called twice."""
        self._closing.close()

    def break_(self, *names: str, fault: Fault = Fault.DOWN) -> tuple[str, ...]:
        """Break CIs by id or alias; UnknownCi where there is no such thing."""
        return self.control.break_(names, fault)

    def mend(self, *names: str) -> tuple[str, ...]:
        """Mend CIs by id or alias."""
        return self.control.mend(names)

    def mend_all(self) -> tuple[str, ...]:
        """Mend everything."""
        return self.control.mend_all()

    def write_config(self, *, listen: str = "127.0.0.1:8420", access: str = "open") -> Path:
        """Write incidentd.yaml for a daemon that works on this lab."""
        return write_daemon_config(self.directory, self.ways, listen=listen, interval_s=self.interval_s, access=access)

    def announce(self, *, api_url: str = "") -> None:
        """Write lab.json, by which `incidentd lab break` finds this lab; it is removed at the end."""
        path = self.directory / STATE_FILE
        document: dict[str, Any] = {
            "pid": os.getpid(),
            "started_at": rfc3339(self.clock.now()),
            "exporter": self.exporter.url,
            "prometheus": self.prometheus.url,
            "alertmanager": self.ways.alertmanager_url,
            "api": api_url,
        }
        partial = path.with_suffix(".tmp")
        partial.write_text(json.dumps(document, indent=1), encoding="utf-8")
        partial.replace(path)
        self._closing.callback(path.unlink, missing_ok=True)


@contextlib.contextmanager
def held(directory: Path) -> Iterator[None]:
    """Hold a directory for one lab; the operating system lets go of it even after a crash.

    Raises LabError where another lab runs in it, or where it holds files that a lab would overwrite but did not write.
    """
    directory.mkdir(parents=True, exist_ok=True)
    path = directory / "lab.lock"
    foreign = [] if path.exists() else [name for name in WRITTEN if (directory / name).exists()]
    if foreign:
        raise LabError(f"{directory} holds a {foreign[0]} that no lab has written; choose another --dir")
    with path.open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            raise LabError(f"a lab is already running in {directory}; stop it, or use another --dir") from None
        yield
