"""`incidentd`: the command line.

Only typer and rich are imported here; each command imports what it needs when it is called, so that `--help` and
completion answer at once.
"""

import os
import sys
from pathlib import Path
from typing import Annotated, Any

import typer
from typer.core import TyperGroup

from daemon.cli import (
    backtest,
    change_forms,
    configuration,
    database,
    estate,
    figures,
    incidents,
    lab,
    learned,
    notices,
    oncall,
    process,
    recorded,
    silences,
    tokens,
    users,
)

DEBUG = "INCIDENTD_DEBUG"


class _Root(TyperGroup):
    """Takes `--config FILE` wherever it stands: people write it last."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        return super().parse_args(ctx, config_first(args))


def config_first(args: list[str]) -> list[str]:
    """The arguments with `--config FILE` moved to the front; what follows `--` stays as it is."""
    moved: list[str] = []
    rest: list[str] = []
    queue = list(args)
    while queue:
        word = queue.pop(0)
        if word == "--":
            return [*moved, *rest, word, *queue]
        if word.startswith("--config="):
            moved.append(word)
        elif word == "--config" and queue:
            moved += [word, queue.pop(0)]
        else:
            rest.append(word)
    return [*moved, *rest]


app = typer.Typer(
    cls=_Root,
    name="incidentd",
    help="Turns monitoring alerts into the right incident: one per failure, at the component that really failed.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
    epilog="Exit codes: 0 done, 1 refused or found wrong, 2 wrong usage.",
)


def _version(wanted: bool) -> None:
    if wanted:
        from importlib.metadata import version

        typer.echo(f"incidentd {version('incidentd')}")
        raise typer.Exit


@app.callback()
def root(
    *,
    config: Annotated[
        Path | None,
        typer.Option(
            "--config",
            metavar="FILE",
            help="The configuration; else $INCIDENTD_CONFIG, ./incidentd.yaml or /etc/incidentd/incidentd.yaml.",
        ),
    ] = None,
    version: Annotated[
        bool, typer.Option("--version", help="Print the version.", callback=_version, is_eager=True)
    ] = False,
) -> None:
    """Options of every command; `daemon.cli.place` looks them up."""


_GROUPS = (
    process,
    configuration,
    recorded,
    backtest,
    estate,
    incidents,
    change_forms,
    silences,
    oncall,
    learned,
    figures,
    notices,
    users,
    tokens,
    database,
)
for commands in _GROUPS:
    commands.add_to(app)
app.add_typer(lab.app)


def main() -> None:
    """Run a command and exit. A person's mistake is one sentence on standard error, never a traceback."""
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(errors="replace")
    try:
        app()
    except KeyboardInterrupt:
        sys.exit(130)
    except Exception as error:  # noqa: BLE001  the one place where an unexpected error becomes a sentence
        sys.exit(report(error))


def report(error: Exception) -> int:
    """Tell a person what went wrong; the exit code."""
    from daemon.cli.out import complain, safe
    from daemon.errors import ConfigError
    from rules.errors import IncidentdError

    if os.environ.get(DEBUG) == "1":
        raise error
    if isinstance(error, ConfigError) or hasattr(error, "problems"):
        for problem in getattr(error, "problems", ()):
            typer.echo(safe(problem, 1000), err=True)
        return 1
    if isinstance(error, IncidentdError):
        complain(safe(error, 1000))
        return 1
    if isinstance(error, OSError) and error.filename:
        complain(safe(f"{error.filename}: {error.strerror}", 1000))
        return 1
    complain(f"unexpected error ({type(error).__name__}); {_details(error)}")
    return 1


def _details(error: Exception) -> str:
    import tempfile
    import traceback

    try:
        with tempfile.NamedTemporaryFile(
            "w", prefix="incidentd-error-", suffix=".log", delete=False, encoding="utf-8", errors="replace"
        ) as file:
            file.write("".join(traceback.format_exception(error)))
        return f"details are in {file.name}; {DEBUG}=1 shows them here"
    except OSError:
        return f"{DEBUG}=1 shows the details"
