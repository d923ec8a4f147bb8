"""`incidentd db`: the database itself."""

from pathlib import Path
from typing import Annotated

import typer

from daemon.cli.place import AsJson, read_config

db = typer.Typer(name="db", help="The database: create, check, back up.", no_args_is_help=True)


@db.command()
def upgrade(context: typer.Context, *, as_json: AsJson = False) -> None:
    """Create the database, or bring it to this version; nothing happens where it is."""
    from daemon.clock import SystemClock
    from daemon.store.store import Store

    config = read_config(context)
    with Store.open(config.database.reveal(), SystemClock()) as store:
        was_current = store.is_current()
        store.upgrade()
    _tell(as_json, config.database_shown, "it is current" if was_current else "upgraded", changed=not was_current)


@db.command()
def check(context: typer.Context, *, as_json: AsJson = False) -> None:
    """Say whether the database can be used as it is; exit code 1 where not."""
    from daemon.clock import SystemClock
    from daemon.store.store import Store

    config = read_config(context)
    with Store.open(config.database.reveal(), SystemClock()) as store:
        is_current = store.is_current()
        holder = store.holder() if is_current else None
    words = "current" if is_current else "not there or of an older version; call `incidentd db upgrade`"
    at_work = f", used by the daemon {holder}" if holder else ""
    _tell(as_json, config.database_shown, words + at_work, current=is_current, daemon=holder)
    raise typer.Exit(0 if is_current else 1)


@db.command()
def backup(
    context: typer.Context,
    file: Annotated[Path, typer.Argument(metavar="FILE", help="A new file.")],
    *,
    as_json: AsJson = False,
) -> None:
    """Copy the database (SQLite) to a new file while the daemon works; for PostgreSQL use pg_dump."""
    from daemon.cli.place import open_store

    config = read_config(context)
    with open_store(config) as store:
        store.backup(file)
    _tell(as_json, config.database_shown, f"copied to {file}", file=str(file))


def _tell(as_json: bool, database: str, words: str, **facts: object) -> None:
    from daemon.cli.out import emit, safe, say

    if as_json:
        emit({"database": database, **facts})
    else:
        say(safe(f"{database}: {words}", 1000))


def add_to(app: typer.Typer) -> None:
    """Put the commands of this module into the command line."""
    app.add_typer(db)
