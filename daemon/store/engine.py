"""Connections to SQLite and PostgreSQL with transactions that lose nothing.

On SQLite a write transaction begins with `BEGIN IMMEDIATE`: a plain `BEGIN` that reads first and writes later loses
updates under concurrency. There is one writing connection, so threads of this process queue fairly for it instead of
polling a lock; readers have their own connections, which never wait for the writer (WAL). `synchronous=FULL` because
a push is acknowledged only when it survives a power failure.
"""

import os
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import quote

from sqlalchemy import Connection, Engine, create_engine, event, make_url
from sqlalchemy.engine import URL
from sqlalchemy.exc import ArgumentError
from sqlalchemy.pool import QueuePool

from daemon.errors import StoreError
from daemon.store.faults import plain_words

BUSY_TIMEOUT_MS = 10_000
POOL_TIMEOUT_S = 20
READERS = 20
_POSTGRESQL_SETTINGS = (
    "-c timezone=UTC -c statement_timeout=30000 -c lock_timeout=10000 -c idle_in_transaction_session_timeout=60000"
)


class Database:
    """Where the rows are: one engine for writing, one for reading, and the name people know it by (`place`)."""

    def __init__(self, place: str, writer: Engine, reader: Engine, path: Path | None = None) -> None:
        self.place = place
        self.path = path
        self._writer = writer
        self._reader = reader

    @property
    def is_sqlite(self) -> bool:
        """Whether this is a file of this machine."""
        return self.path is not None

    @contextmanager
    def write(self) -> Iterator[Connection]:
        """One transaction, committed at the end of the block; StoreError with plain words where it fails."""
        with plain_words(self.place), self._writer.begin() as connection:
            yield connection

    @contextmanager
    def read(self) -> Iterator[Connection]:
        """One snapshot to read from; StoreError with plain words where it fails."""
        with plain_words(self.place), self._reader.begin() as connection:
            yield connection

    def create_file(self) -> None:
        """Make the SQLite file, readable for its owner only, where there is none."""
        if self.path is None or self.path.exists():
            return
        try:
            os.close(os.open(self.path, os.O_CREAT | os.O_RDWR, 0o600))
        except OSError as error:
            raise StoreError(f"{self.place}: the file cannot be created: {error.strerror}") from error

    def close(self) -> None:
        """Give every connection back."""
        self._writer.dispose()
        self._reader.dispose()


def open_database(url: str) -> Database:
    """Connect to `sqlite:///path` or `postgresql://…`; StoreError where that cannot work.

    A missing SQLite file is no error yet: upgrading creates it.
    """
    try:
        parsed = make_url(url)
    except (ArgumentError, ValueError):
        raise StoreError("the database URL cannot be read; allowed: sqlite:///FILE, postgresql://…") from None
    if parsed.drivername in {"sqlite", "sqlite+pysqlite"}:
        return _open_sqlite(parsed)
    if parsed.drivername in {"postgresql", "postgresql+psycopg"}:
        return _open_postgresql(parsed)
    raise StoreError(f"database {parsed.drivername!r} is not supported; allowed: sqlite:///FILE, postgresql://…")


def _open_sqlite(url: URL) -> Database:
    name = url.database or ":memory:"
    if name == ":memory:" or name.startswith("file:") or url.query or url.host:
        raise StoreError(
            "an SQLite database must be a plain file, as in sqlite:///incidentd.db or sqlite:////var/lib/incidentd.db; "
            "one in memory would forget every incident"
        )
    path = Path(name).absolute()
    place = f"database {path}"
    if not path.parent.is_dir():
        raise StoreError(f"{place}: the directory {path.parent} does not exist")
    if path.is_dir():
        raise StoreError(f"{place}: this is a directory, not a file")
    database = Database(place, _sqlite_engine(path, writes=True), _sqlite_engine(path, writes=False), path)
    if path.exists():
        _try(database)
    return database


def _sqlite_engine(path: Path, *, writes: bool) -> Engine:
    def connect() -> sqlite3.Connection:
        return _connect_sqlite(path, writes=writes)

    engine = create_engine(
        "sqlite://",
        creator=connect,
        poolclass=QueuePool,
        pool_size=1 if writes else READERS,
        max_overflow=0,
        pool_timeout=POOL_TIMEOUT_S,
        hide_parameters=True,
    )
    begin = "BEGIN IMMEDIATE" if writes else "BEGIN"
    event.listen(engine, "begin", lambda connection: connection.exec_driver_sql(begin))
    return engine


def _connect_sqlite(path: Path, *, writes: bool) -> sqlite3.Connection:
    # mode=rw: reading must never create an empty database where the name was mistyped.
    connection = sqlite3.connect(
        f"file:{quote(str(path))}?mode=rw", uri=True, isolation_level=None, check_same_thread=False
    )
    try:
        connection.execute(f"PRAGMA busy_timeout={BUSY_TIMEOUT_MS}")
        connection.execute("PRAGMA temp_store=MEMORY")
        connection.execute("PRAGMA cache_size=-16384")
        if not writes:
            connection.execute("PRAGMA query_only=ON")
            return connection
        if connection.execute("PRAGMA journal_mode").fetchone() != ("wal",):
            connection.execute("PRAGMA journal_mode=WAL")
        connection.execute("PRAGMA synchronous=FULL")
        # Some builds overwrite deleted rows with zeros: that doubles the work of emptying the inbox.
        connection.execute("PRAGMA secure_delete=FAST")
        connection.execute(f"PRAGMA journal_size_limit={64 * 1024 * 1024}")
    except sqlite3.Error:
        connection.close()
        raise
    return connection


def _open_postgresql(url: URL) -> Database:
    options = url.query.get("options", "")
    extra = options if isinstance(options, str) else " ".join(options)
    arguments: dict[str, Any] = {
        "connect_timeout": 5,
        "application_name": "incidentd",
        "client_encoding": "utf8",
        "options": f"{_POSTGRESQL_SETTINGS} {extra}".strip(),
        "keepalives_idle": 10,
        "keepalives_interval": 5,
        "keepalives_count": 3,
        "tcp_user_timeout": 15_000,
    }
    writer = create_engine(
        url.set(drivername="postgresql+psycopg").difference_update_query(["options"]),
        connect_args=arguments,
        pool_size=5,
        max_overflow=READERS,
        pool_timeout=POOL_TIMEOUT_S,
        pool_pre_ping=True,
        hide_parameters=True,
    )
    # A snapshot for the whole block: incidents and their alerts must be of the same moment.
    reader = writer.execution_options(isolation_level="REPEATABLE READ", postgresql_readonly=True)
    host = url.host or "the local socket"
    database = Database(f"database {url.database or ''} at {host}".replace("  ", " "), writer, reader)
    _try(database)
    return database


def _try(database: Database) -> None:
    try:
        with database.read() as connection:
            connection.exec_driver_sql("SELECT 1" if not database.is_sqlite else "SELECT count(*) FROM sqlite_master")
    except StoreError:
        database.close()
        raise
