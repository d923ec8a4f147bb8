"""Programs the lab starts: real Prometheus, real Alertmanager, and the daemon."""

import contextlib
import secrets
import shutil
import signal
import socket
import subprocess
import threading
import time
from collections.abc import Sequence
from pathlib import Path

import requests

from daemon.lab.errors import LabError
from daemon.lab.listener import LOOPBACK

START_WITHIN_S = 60.0
STOP_WITHIN_S = 15.0
_POLL_S = 0.1
# Below the range from which Linux takes ports for outgoing connections, so that a port found free stays free.
_PORTS = range(20_000, 32_000)


def is_free(port: int) -> bool:
    """Whether a server could listen on this loopback port now."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((LOOPBACK, port))
        except OSError:
            return False
    return True


def free_port() -> int:
    """A loopback port that nobody listens on."""
    for _ in range(1000):
        port = _PORTS[secrets.randbelow(len(_PORTS))]
        if is_free(port):
            return port
    raise LabError("no free port was found between 20000 and 32000")


class Program:
    """A program in its own process group, with an address that says when it is ready.

    Where setpriv (util-linux) is installed the program also ends when the thread that started it does, so that it
    never outlives a lab that was killed; start it from a thread that lives as long as the lab.
    """

    def __init__(
        self, name: str, command: Sequence[str], *, url: str, ready_path: str = "/-/ready", log: Path | None = None
    ) -> None:
        self.name = name
        self.url = url
        self._command = list(command)
        self._ready_url = url + ready_path
        self._log = log
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def is_running(self) -> bool:
        """Whether it was started and has not ended."""
        return self._process is not None and self._process.poll() is None

    @property
    def pid(self) -> int | None:
        """Its process id while it runs."""
        return self._process.pid if self._process is not None and self.is_running else None

    @property
    def exit_code(self) -> int | None:
        """How it ended; negative is the signal that ended it."""
        return None if self._process is None else self._process.poll()

    def launch(self) -> None:
        """Start it without waiting until it is ready."""
        if self.is_running:
            return
        guard = shutil.which("setpriv")
        command = [guard, "--pdeathsig", "TERM", "--", *self._command] if guard else self._command
        with contextlib.ExitStack() as stack:
            output = stack.enter_context(self._log.open("ab")) if self._log else None
            self._process = subprocess.Popen(  # noqa: S603  our own command, no shell
                command, stdin=subprocess.DEVNULL, stdout=output, stderr=output, start_new_session=True
            )

    def await_ready(self, within_s: float = START_WITHIN_S, stop: threading.Event | None = None) -> None:
        """Return once it answers, or once `stop` is set; LabError where it ends before that or takes too long."""
        deadline = time.monotonic() + within_s
        waiting = stop or threading.Event()
        while time.monotonic() < deadline:
            if not self.is_running:
                raise LabError(f"{self.name} did not start{self._last_words()}")
            with contextlib.suppress(requests.RequestException):
                if requests.get(self._ready_url, timeout=2, allow_redirects=False).status_code == 200:
                    return
            if waiting.wait(_POLL_S):
                return
        raise LabError(f"{self.name} was not ready within {within_s:g} s{self._last_words()}")

    def start(self) -> None:
        """Start it and wait until it is ready."""
        self.launch()
        self.await_ready()

    def stop(self, within_s: float = STOP_WITHIN_S) -> None:
        """End it in good order; kill it when it takes too long."""
        self._end(signal.SIGTERM)
        if self._process is not None:
            try:
                self._process.wait(within_s)
            except subprocess.TimeoutExpired:
                self.kill()

    def kill(self) -> None:
        """End it at once, as a crash would."""
        self._end(signal.SIGKILL)
        if self._process is not None:
            self._process.wait(STOP_WITHIN_S)

    def restart(self) -> None:
        """Stop it where it runs, then start it on the same port with the same data."""
        self.stop()
        self.start()

    def _end(self, how: signal.Signals) -> None:
        if self._process is not None and self._process.poll() is None:
            with contextlib.suppress(ProcessLookupError):
                self._process.send_signal(how)

    def _last_words(self) -> str:
        if self._log is None or not self._log.exists():
            return "; what it said stands above"
        lines = self._log.read_bytes()[-4000:].decode("utf-8", "replace").strip().splitlines()
        return f"; its last words in {self._log}: {lines[-1][:400]}" if lines else f"; see {self._log}"


def prometheus_program() -> str | None:
    """Where Prometheus is installed."""
    return shutil.which("prometheus")


def alertmanager_program() -> str | None:
    """Where Alertmanager is installed, under either of its names."""
    return shutil.which("prometheus-alertmanager") or shutil.which("alertmanager")


def prometheus(program: str, directory: Path, config: Path, port: int) -> Program:
    """A Prometheus on loopback that keeps its data under `directory`."""
    command = [
        program,
        f"--config.file={config}",
        f"--storage.tsdb.path={directory / 'prometheus'}",
        "--storage.tsdb.retention.time=3d",
        f"--web.listen-address={LOOPBACK}:{port}",
        "--log.level=warn",
    ]
    return Program("Prometheus", command, url=f"http://{LOOPBACK}:{port}", log=directory / "logs" / "prometheus.log")


def alertmanager(program: str, directory: Path, config: Path, port: int) -> Program:
    """An Alertmanager on loopback, alone in its cluster."""
    command = [
        program,
        f"--config.file={config}",
        f"--storage.path={directory / 'alertmanager'}",
        f"--web.listen-address={LOOPBACK}:{port}",
        "--cluster.listen-address=",
        "--log.level=warn",
    ]
    return Program(
        "Alertmanager", command, url=f"http://{LOOPBACK}:{port}", log=directory / "logs" / "alertmanager.log"
    )
