"""`incidentd lab`: a made-up data centre under real monitoring, in which anything can be broken and mended."""

from __future__ import annotations

import contextlib
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.text import Text

from daemon.cli.out import emit, safe, say, state_cell, table

if TYPE_CHECKING:
    from daemon.lab.client import LabClient

app = typer.Typer(
    name="lab",
    help="A made-up data centre under real monitoring: break things and see the incident.",
    no_args_is_help=True,
)

Directory = Annotated[Path, typer.Option("--dir", help="Where the lab keeps its files.", show_default=True)]
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON.")]
DEFAULT_DIRECTORY = Path("var")


@app.command()
def up(
    directory: Directory = DEFAULT_DIRECTORY,
    *,
    scenario: Annotated[
        bool, typer.Option(help="Break and mend things by a script, the first within a minute.")
    ] = True,
    daemon: Annotated[bool, typer.Option(help="Start the daemon as well.")] = True,
    port: Annotated[int, typer.Option(min=1, max=65535, help="Where the daemon listens on this machine.")] = 8420,
    stand_in: Annotated[bool, typer.Option("--stand-in", help="Play Prometheus even where it is installed.")] = False,
    fresh: Annotated[bool, typer.Option("--fresh", help="Forget what earlier runs left in --dir.")] = False,
    is_open: Annotated[bool, typer.Option("--open", help="Let everybody on this machine do everything.")] = False,
    seconds: Annotated[float | None, typer.Option(min=1, help="Stop after so long.")] = None,
) -> None:
    """Start the data centre, Prometheus, Alertmanager, a mail catcher and the daemon; Ctrl-C stops all of it."""
    from daemon.lab.up import Wishes, run

    wishes = Wishes(
        directory=directory,
        api_port=port,
        scenario=scenario,
        daemon=daemon,
        stand_in=stand_in,
        fresh=fresh,
        is_open=is_open,
        seconds=seconds,
    )
    raise typer.Exit(run(wishes, _log))


def _log(line: str) -> None:
    """One line of the lab's own log, at once and uncut."""
    with contextlib.suppress(BrokenPipeError):
        typer.echo(line)


@app.command("break")
def break_(
    cis: Annotated[list[str], typer.Argument(metavar="CI...", help="Ids or aliases, as in tor-3a.")],
    *,
    slow: Annotated[bool, typer.Option("--slow", help="It works badly instead of not at all.")] = False,
    disk: Annotated[bool, typer.Option("--disk", help="Its disk fills up while it still works.")] = False,
    directory: Directory = DEFAULT_DIRECTORY,
    as_json: AsJson = False,
) -> None:
    """Break something by name."""
    if slow and disk:
        raise typer.BadParameter("choose one of --slow and --disk")
    fault = "slow" if slow else "disk" if disk else "down"
    with _client(directory) as lab:
        broken = lab.break_(cis, fault)
        _show({"broken": broken}, [f"broken: {ci}" for ci in broken], as_json)


@app.command()
def mend(
    cis: Annotated[list[str] | None, typer.Argument(metavar="[CI...]", help="Ids or aliases.")] = None,
    *,
    everything: Annotated[bool, typer.Option("--all", help="Mend everything that is broken.")] = False,
    directory: Directory = DEFAULT_DIRECTORY,
    as_json: AsJson = False,
) -> None:
    """Mend something by name, or everything."""
    if bool(cis) == everything:
        raise typer.BadParameter("name what to mend, or say --all")
    with _client(directory) as lab:
        mended = lab.mend(None if everything else cis)
        _show({"mended": mended}, [f"mended: {ci}" for ci in mended] or ["nothing of that was broken"], as_json)


@app.command("list")
def list_(
    *,
    broken: Annotated[bool, typer.Option("--broken", help="Only what is broken now.")] = False,
    directory: Directory = DEFAULT_DIRECTORY,
    as_json: AsJson = False,
) -> None:
    """What can be broken."""
    with _client(directory) as lab:
        rows = [ci for ci in lab.catalogue() if ci["fault"] or not broken]
    if as_json:
        emit({"cis": rows})
        return
    cells = [[r["id"], r["type"], r["name"], r["owner"], "" if r["watched"] else "no alert", r["fault"]] for r in rows]
    say(table(["CI", "type", "name", "owner", "monitoring", "broken"], cells, wide="name"))


@app.command()
def status(directory: Directory = DEFAULT_DIRECTORY, *, as_json: AsJson = False) -> None:
    """What is broken now, what that means by the CMDB, and the alerts that fire."""
    with _client(directory) as lab:
        found = lab.status()
    if as_json:
        emit(found)
        return
    _broken(found)
    _alerts(found["alerts"])


def _broken(found: dict[str, Any]) -> None:
    if not found["broken"]:
        say("Nothing is broken.", "")
        return
    rows = [[b["ci"], b["name"], b["fault"], b["since"][:19]] for b in found["broken"]]
    say(table(["broken", "name", "how", "since (UTC)"], rows, wide="name"), "")
    services = [m for m in found["means"] if m["type"] == "business-service"]
    if services:
        rows = [[Text(safe(s["name"])), state_cell(s["state"])] for s in services]
        say(table(["business service", "by the CMDB"], rows), "")
    others = Counter(m["state"] for m in found["means"] if m["type"] != "business-service")
    words = [f"{number} {state}" for state, number in others.items()]
    say(f"Other CIs: {', '.join(words) or 'all well'} (--json names them).", "")


def _alerts(alerts: list[dict[str, Any]] | None) -> None:
    if alerts is None:
        say("Prometheus does not answer, so nothing is known of its alerts.")
        return
    rows = [
        [
            a["labels"].get("alertname", ""),
            a["labels"].get("severity", ""),
            a["state"],
            a["activeAt"][11:19],
            a["annotations"].get("summary", ""),
        ]
        for a in alerts
    ]
    say(table(["alert", "severity", "state", "since (UTC)", "summary"], rows, wide="summary"))


def _client(directory: Path) -> LabClient:
    from daemon.lab.client import LabClient

    return LabClient(directory)


def _show(document: dict[str, Any], lines: list[str], as_json: bool) -> None:
    if as_json:
        emit(document)
    else:
        say(*(Text(safe(line)) for line in lines))
