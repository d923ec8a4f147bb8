"""What a database's errors mean, in plain words and without any secret."""

from collections.abc import Iterator
from contextlib import contextmanager

from sqlalchemy import exc

from daemon.errors import StoreError

UPGRADE_HINT = "run `incidentd db upgrade`"

_MEANINGS = (
    ("file is not a database", "the file is not a SQLite database"),
    ("database disk image is malformed", "the file is damaged; restore a backup"),
    ("unable to open database file", f"the file does not exist or may not be opened; {UPGRADE_HINT} to create it"),
    ("attempt to write a readonly database", "this user may not write to the file or its directory"),
    ("readonly database", "this user may not write to the file or its directory"),
    ("database is locked", "another process has kept it locked for too long"),
    ("disk is full", "the disk is full"),
    ("no such table", f"it has no tables of incidentd; {UPGRADE_HINT}"),
    ("password authentication failed", "the server refuses the user's password"),
    ("no password supplied", "the server wants a password and none was given"),
    ("connection refused", "no server answers at that address"),
    ("could not translate host name", "the server's name cannot be resolved"),
    ("failed to resolve host", "the server's name cannot be resolved"),
    ("timeout expired", "the server does not answer in time"),
    ("no such file or directory", "no server answers at that socket"),
    ("too many connections", "the server takes no more connections"),
    ("too many clients", "the server takes no more connections"),
    ("lock timeout", "another process has kept a lock for too long"),
    ("statement timeout", "a statement took too long and was stopped"),
)


@contextmanager
def plain_words(place: str) -> Iterator[None]:
    """Turn every error of the database inside the block into a `StoreError` that names `place` and what is wrong."""
    try:
        yield
    except exc.SQLAlchemyError as error:
        raise StoreError(f"{place}: {meaning(error)}") from error


def meaning(error: exc.SQLAlchemyError) -> str:
    """One sentence for a person: what is wrong, and what to do about it where that is known."""
    if isinstance(error, exc.TimeoutError):
        return "every connection is in use; the database is too slow"
    if not isinstance(error, exc.StatementError) or error.orig is None:
        return f"unexpected error ({type(error).__name__})"
    said = str(error.orig)
    if type(error.orig).__name__ == "UndefinedTable":
        return f"it has no tables of incidentd; {UPGRADE_HINT}"
    lowered = said.lower()
    lines = said.strip().splitlines() or [type(error.orig).__name__]
    for words, plain in _MEANINGS:
        if words in lowered:
            return plain
    if "does not exist" in lowered and ("database" in lowered or "role" in lowered):
        return lines[0].rpartition("FATAL:")[2].strip()
    return lines[0][:300]
