"""`incidentd lab up`: the lab, the daemon on it, and the script, until Ctrl-C."""

import contextlib
import shutil
import signal
import sys
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

from daemon.accounts import FIRST_USER, add_user
from daemon.clock import Clock
from daemon.lab.errors import LabError
from daemon.lab.lab import Lab, Ports, held
from daemon.lab.processes import Program, free_port, is_free
from daemon.lab.scenario import SCENARIO, Script
from daemon.store.rows import Doer
from daemon.store.store import Store
from rules.access import Role

USUAL_DIRECTORY = Path("var")
_TICK_S = 0.5
# What a run leaves behind, and `--fresh` removes; anything else in the directory is somebody's own.
_LEFT_BEHIND = ("prometheus", "alertmanager", "mail", "webhooks", "logs")
_LEFT_FILES = ("incidentd.db", "incidentd.db-wal", "incidentd.db-shm")
_USUAL_PORTS = {"exporter": 9491, "prometheus": 9490, "alertmanager": 9493, "smtp": 9425, "hook": 9499}


@dataclass(frozen=True, slots=True, kw_only=True)
class Wishes:
    """How the lab should be run. `seconds` ends it by itself; None runs until it is told to stop."""

    directory: Path
    api_port: int = 8420
    scenario: bool = True
    daemon: bool = True
    stand_in: bool = False
    fresh: bool = False
    is_open: bool = False
    seconds: float | None = None


def run(wishes: Wishes, say: Callable[[str], None]) -> int:
    """Run the lab until SIGINT or SIGTERM; returns the exit code. Raises LabError where it cannot start."""
    stop = threading.Event()
    with _signals(stop), contextlib.ExitStack() as closing:
        # The last thing that is said, after everything has stopped.
        closing.callback(say, "lab: stopped")
        say("lab: starting (Ctrl-C stops all of it) ...")
        _prepare(wishes, say)
        lab = Lab(
            wishes.directory, ports=_ports(say), stand_in=wishes.stand_in, say=lambda line: say(_with_prefix(line))
        )
        closing.enter_context(lab)
        closing.callback(say, "lab: stopping ...")
        access = "open" if wishes.is_open else "login"
        config = lab.write_config(listen=f"127.0.0.1:{wishes.api_port}", access=access)
        password = first_login(lab) if wishes.daemon else ""
        daemon = _daemon(config, wishes.api_port)
        if wishes.daemon:
            closing.callback(daemon.stop)
            daemon.launch()
            daemon.await_ready(stop=stop)
        lab.announce(api_url=daemon.url if wishes.daemon else "")
        for line in greeting(lab, config, wishes, password):
            say(line)
        return _watch(lab, daemon if wishes.daemon else None, wishes, stop, say)


def _prepare(wishes: Wishes, say: Callable[[str], None]) -> None:
    """Find out whether the directory and the port can be used, and forget earlier runs where that is asked."""
    with held(wishes.directory):
        if wishes.daemon and not is_free(wishes.api_port):
            raise LabError(f"port {wishes.api_port} is taken, perhaps by another incidentd; choose one with --port")
        if wishes.fresh:
            _forget(wishes.directory)
        elif (wishes.directory / "incidentd.db").exists():
            say(f"lab: incidents of earlier runs are kept in {wishes.directory}/incidentd.db; --fresh forgets them")


def _with_prefix(line: str) -> str:
    return line if line.startswith(("mail:", "webhook:")) else f"lab: {line}"


def _watch(lab: Lab, daemon: Program | None, wishes: Wishes, stop: threading.Event, say: Callable[[str], None]) -> int:
    """Play the script and look after the programs until told to stop; 1 where the daemon ended by itself."""
    script = Script() if wishes.scenario else Script(())
    watched = [p for p in (lab.prometheus, lab.alertmanager) if isinstance(p, Program)]
    clock: Clock = lab.clock
    started_at = clock.now()
    while not stop.wait(_TICK_S):
        since = clock.now() - started_at
        for step in script.due(since):
            (lab.break_ if step.verb == "break" else lab.mend)(step.ci)
            say(f"lab: {step.words}")
        for program in [p for p in watched if not p.is_running]:
            watched.remove(program)
            say(f"lab: {program.name} has ended (exit code {program.exit_code}); see {lab.directory}/logs")
        if daemon is not None and not daemon.is_running:
            say(f"lab: the daemon has ended (exit code {daemon.exit_code})")
            return 1
        if wishes.seconds is not None and since >= timedelta(seconds=wishes.seconds):
            break
    return 0


def first_login(lab: Lab) -> str:
    """Make the user `FIRST_USER` in the lab's database; the password, or nothing where the user is there already.

    Only a hash of it is kept: this is the one time at which it can be told.
    """
    with Store.open(lab.database_url, lab.clock) as store:
        store.upgrade()
        if store.users.user(FIRST_USER) is not None:
            return ""
        return add_user(store, FIRST_USER, Role.ADMIN, (), by=Doer(name="the lab"))


def greeting(lab: Lab, config: Path, wishes: Wishes, password: str = "") -> list[str]:
    """Where everything is and what to try, in plain words; with the first login's password where it is new."""
    command = _command()
    place = "" if wishes.directory == USUAL_DIRECTORY else f" --dir {wishes.directory}"
    api_url = f"http://127.0.0.1:{wishes.api_port}" if wishes.daemon else ""
    size = len(lab.control.estate)
    lines = ["", f"The lab is up: a made-up data centre of {size} CIs, drawn in docs/lab.md.", ""]
    if api_url:
        door = "open to everybody on this machine" if wishes.is_open else "asks for a login"
        lines.append(f"  incidentd      {api_url}  ({door}; API in /api/openapi.json)")
        again = f"the password was shown at the first start; {command} --config {config} user passwd {FIRST_USER}"
        told = f"password {password}  (shown this once)" if password else again
        lines.append(f"  first login    user {FIRST_USER}, {told}")
    if lab.is_stand_in:
        why = "as asked" if wishes.stand_in else "not installed"
        lines.append(f"  Prometheus     {why}, the lab itself serves its API: {lab.prometheus.url}")
        lines.append("  Alertmanager   left out, since there is no Prometheus to send to it")
    else:
        lines.append(f"  Prometheus     {lab.prometheus.url}")
        missing = "is not installed: left out"
        lines.append(f"  Alertmanager   {lab.alertmanager.url if lab.alertmanager else missing}")
    lines += [
        f"  mail           {lab.catcher.mails}",
        f"  webhooks       {lab.catcher.webhooks}",
        f"  configuration  {config}",
        "",
        "Try in another terminal:",
        f"  {command} lab break tor-1a{place}",
        f"  {command} lab status{place}",
        f"  {command} --config {wishes.directory / config.name} incident list",
        f"  {command} lab mend --all{place}",
        "",
    ]
    if wishes.scenario:
        first = SCENARIO[0]
        lines += [
            f"In {first.after.seconds} seconds the script breaks {first.ci}; --no-scenario leaves that to you.",
            "",
        ]
    return lines


def _command() -> str:
    """How to call incidentd from the directory the user stands in."""
    script = Path(sys.executable).parent / "incidentd"
    with contextlib.suppress(ValueError):
        return str(script.relative_to(Path.cwd()))
    return str(script) if script.exists() else "incidentd"


def _daemon(config: Path, port: int) -> Program:
    script = Path(sys.executable).parent / "incidentd"
    start = [str(script)] if script.exists() else [sys.executable, "-c", "from daemon.cli.main import main; main()"]
    return Program(
        "incidentd", [*start, "--config", str(config), "run"], url=f"http://127.0.0.1:{port}", ready_path="/readyz"
    )


def _ports(say: Callable[[str], None]) -> Ports:
    """The usual ports, and any free one in place of each that is taken."""
    chosen = {}
    for name, port in _USUAL_PORTS.items():
        chosen[name] = port if is_free(port) else free_port()
        if chosen[name] != port:
            say(f"lab: port {port} ({name}) is taken; using {chosen[name]}")
    return Ports(**chosen)


def _forget(directory: Path) -> None:
    for name in _LEFT_BEHIND:
        shutil.rmtree(directory / name, ignore_errors=True)
    for name in _LEFT_FILES:
        (directory / name).unlink(missing_ok=True)


@contextlib.contextmanager
def _signals(stop: threading.Event) -> Iterator[None]:
    """SIGINT and SIGTERM ask for an orderly end; asking again changes nothing."""
    before = {sig: signal.signal(sig, lambda *_: stop.set()) for sig in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)}
    try:
        yield
    finally:
        for sig, handler in before.items():
            signal.signal(sig, handler)
