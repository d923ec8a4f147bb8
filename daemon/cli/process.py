"""`incidentd run`."""

import typer

from daemon.cli.place import config_path


def run(context: typer.Context) -> None:
    """Run the daemon in the foreground until SIGTERM or Ctrl-C; SIGHUP reloads."""
    from daemon.app import run as run_daemon

    raise typer.Exit(run_daemon(config_path(context)))


def add_to(app: typer.Typer) -> None:
    """Put the commands of this module into the command line."""
    app.command()(run)
