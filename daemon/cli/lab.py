"""`incidentd lab`: a made-up data centre under real monitoring, in which anything can be broken and mended."""

from __future__ import annotations

import contextlib
import json
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

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
        seconds=seconds,
    )
    with _refusals():
        code = run(wishes, lambda line: print(line, flush=True))  # noqa: T201  the lab's log is its output
    raise typer.Exit(code)


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
    with _lab(directory) as lab:
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
    with _lab(directory) as lab:
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
    with _lab(directory) as lab:
        rows = [ci for ci in lab.catalogue() if ci["fault"] or not broken]
    if as_json:
        _show({"cis": rows}, [], as_json)
        return
    cells = [[r["id"], r["type"], r["name"], r["owner"], "" if r["watched"] else "no alert", r["fault"]] for r in rows]
    _table(["CI", "type", "name", "owner", "monitoring", "broken"], cells)


@app.command()
def status(directory: Directory = DEFAULT_DIRECTORY, *, as_json: AsJson = False) -> None:
    """What is broken now, what that means by the CMDB, and the alerts that fire."""
    with _lab(directory) as lab:
        found = lab.status()
    if as_json:
        _show(found, [], as_json)
        return
    if not found["broken"]:
        print("Nothing is broken.")  # noqa: T201
    else:
        _table(
            ["broken", "name", "how", "since"], [[b["ci"], b["name"], b["fault"], b["since"]] for b in found["broken"]]
        )
        services = [m for m in found["means"] if m["type"] == "business-service"]
        others = len(found["means"]) - len(services)
        _table(["business service", "state by the CMDB"], [[s["name"], s["state"]] for s in services])
        print(f"and {others} other CIs that are not well (--json names them)\n")  # noqa: T201
    _alerts(found["alerts"])


def _alerts(alerts: list[dict[str, Any]] | None) -> None:
    if alerts is None:
        print("Prometheus does not answer, so nothing is known of its alerts.")  # noqa: T201
        return
    cells = [
        [
            a["labels"].get("alertname", ""),
            a["labels"].get("severity", ""),
            a["state"],
            a["activeAt"][:19],
            a["annotations"].get("summary", ""),
        ]
        for a in alerts
    ]
    _table(["alert", "severity", "state", "since (UTC)", "summary"], cells)


@contextlib.contextmanager
def _lab(directory: Path) -> Iterator[LabClient]:
    from daemon.lab.client import LabClient

    with _refusals(), LabClient(directory) as lab:
        yield lab


@contextlib.contextmanager
def _refusals() -> Iterator[None]:
    """What the lab refuses is one sentence and exit code 1."""
    from daemon.lab.errors import LabError

    try:
        yield
    except LabError as error:
        typer.echo(f"incidentd: {error}", err=True)
        raise typer.Exit(1) from None


def _show(document: dict[str, Any], lines: list[str], as_json: bool) -> None:
    print(json.dumps(document, indent=1) if as_json else "\n".join(lines))  # noqa: T201


def _table(headings: list[str], rows: list[list[str]]) -> None:
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    table = Table(box=None, pad_edge=False)
    for heading in headings:
        table.add_column(heading, overflow="fold")
    for row in rows:
        table.add_row(*(Text(cell) for cell in row))
    console = Console()
    console.print(table)
    console.print()
