"""A copy of a living SQLite database."""

import os
import sqlite3
from contextlib import closing
from pathlib import Path
from urllib.parse import quote

from daemon.errors import StoreError
from daemon.store.engine import Database


def backup(database: Database, path: Path) -> None:
    """Copy the database as it is at this moment to a new file, while others go on working with it.

    StoreError where the file exists, cannot be written, or the database is not a file.
    """
    if database.path is None:
        raise StoreError(f"{database.place}: use pg_dump to back up PostgreSQL")
    if not database.path.exists():
        raise StoreError(f"{database.place}: there is no such file")
    target = path.absolute()
    if target.exists():
        raise StoreError(f"{target} exists already; a backup goes to a new file")
    # Under another name until it is whole, so that a half-written copy is never taken for a backup.
    part = target.with_name(target.name + ".part")
    try:
        os.close(os.open(part, os.O_CREAT | os.O_EXCL | os.O_RDWR, 0o600))
    except OSError as error:
        raise StoreError(f"{part} cannot be created: {error.strerror}") from error
    try:
        _copy(database.path, part)
        part.rename(target)
    except (sqlite3.Error, OSError) as error:
        part.unlink(missing_ok=True)
        raise StoreError(f"the backup to {target} failed: {error}") from error


def _copy(origin: Path, part: Path) -> None:
    with (
        closing(sqlite3.connect(f"file:{quote(str(origin))}?mode=rw", uri=True)) as source,
        closing(sqlite3.connect(part)) as copy,
    ):
        source.backup(copy)
        # One plain file: no write-ahead log has to travel with it.
        copy.execute("PRAGMA journal_mode=DELETE")
    with part.open("rb") as written:
        os.fsync(written.fileno())
