"""Which daemon may decide: one at a time, each with an epoch that fences off those before it.

On PostgreSQL the lease is a row that runs out by the server's clock. On SQLite the truth is a lock of the operating
system on `<database>.lock`: it ends with the process, however that ends, so a crashed daemon never blocks the next.
"""

import fcntl
import json
import os
import threading
import uuid
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, func, select, update

from daemon.clock import Clock
from daemon.errors import LeaseLost, StoreBusy, StoreError
from daemon.store.engine import Database
from daemon.store.records import clean
from daemon.store.schema import lease
from daemon.store.upsert import upsert

_ROW = 1
_NEVER = datetime(1970, 1, 1, tzinfo=UTC)
_LOCK_TRIES = 5
_LOCK_PAUSE_S = 0.05


class FileLock:
    """An exclusive lock on a file beside the database, held until released or until the process ends."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._descriptor: int | None = None

    def take(self, holder: str, since: datetime) -> bool:
        """Hold it from now on; whether it is newly held. `StoreBusy` in the other's words where another has it."""
        if self._descriptor is not None:
            return False
        descriptor = self._open(os.O_RDWR | os.O_CREAT)
        if not _lock(descriptor, fcntl.LOCK_EX):
            other = _read(descriptor)
            os.close(descriptor)
            raise busy(other.get("holder", "unknown"), other.get("since", "an unknown time"))
        os.ftruncate(descriptor, 0)
        os.pwrite(descriptor, json.dumps({"holder": holder, "since": when(since)}).encode(), 0)
        self._descriptor = descriptor
        return True

    def release(self) -> None:
        """Let others have it. The file stays: removing it would let two processes lock two different files."""
        if self._descriptor is not None:
            os.close(self._descriptor)
            self._descriptor = None

    def holder(self) -> str | None:
        """The words of the living process that holds it, None where nobody does."""
        if not self._path.exists():
            return None
        descriptor = self._open(os.O_RDONLY)
        try:
            # A glance, not a claim: `take` tries again for a moment, so this never turns a daemon away.
            if _lock(descriptor, fcntl.LOCK_SH, tries=1):
                return None
            return str(_read(descriptor).get("holder", "unknown"))
        finally:
            os.close(descriptor)

    def _open(self, flags: int) -> int:
        try:
            return os.open(self._path, flags | os.O_CLOEXEC, 0o600)
        except OSError as error:
            raise StoreError(f"the lock file {self._path} cannot be opened: {error.strerror}") from error


class Leases:
    """The lease of one database, as one daemon sees it."""

    def __init__(self, database: Database, clock: Clock) -> None:
        self._database = database
        self._clock = clock
        self._instance = uuid.uuid4().hex
        path = database.path
        self._file = None if path is None else FileLock(path.with_name(path.name + ".lock"))

    def acquire(self, holder: str, ttl: timedelta) -> int:
        """Become the one that decides; the epoch to show with each commit. `StoreBusy` where another daemon is."""
        is_new = self._file is not None and self._file.take(holder, self._clock.now())
        try:
            with self._database.write() as connection:
                return self._take_row(connection, clean(holder), ttl)
        except StoreError:
            if is_new:
                self.let_go()
            raise

    def renew(self, epoch: int, ttl: timedelta) -> None:
        """Stay the one for another `ttl`; `LeaseLost` where that is over."""
        with self._database.write() as connection:
            now = self._now(connection)
            held = lease.c.id == _ROW, lease.c.epoch == epoch, lease.c.instance == self._instance
            if connection.execute(update(lease).where(*held).values(expires_at=now + ttl)).rowcount != 1:
                raise lost(epoch)

    def release(self, epoch: int) -> None:
        """Let another daemon have it at once; nothing happens where it was lost already."""
        with self._database.write() as connection:
            held = lease.c.id == _ROW, lease.c.epoch == epoch, lease.c.instance == self._instance
            connection.execute(update(lease).where(*held).values(expires_at=self._now(connection)))
        self.let_go()

    def let_go(self) -> None:
        """Release the lock of the operating system, where there is one."""
        if self._file is not None:
            self._file.release()

    def holder(self) -> str | None:
        """The name of the daemon at work, None where there is none."""
        if self._file is not None:
            return self._file.holder()
        with self._database.read() as connection:
            row = connection.execute(select(lease.c.holder, lease.c.expires_at)).one_or_none()
            return None if row is None or row.expires_at <= self._now(connection) else str(row.holder)

    def _take_row(self, connection: Connection, holder: str, ttl: timedelta) -> int:
        # The first daemon ever finds no row; of two that come at once, the second waits here for the first.
        nobody = {"id": _ROW, "instance": "", "holder": "", "epoch": 0, "since": _NEVER, "expires_at": _NEVER}
        upsert(connection, lease, ("id",), [nobody], replace=False)
        row = connection.execute(select(lease).where(lease.c.id == _ROW).with_for_update()).one()
        now = self._now(connection)
        if row.instance == self._instance:
            connection.execute(update(lease).values(holder=holder, expires_at=now + ttl))
            return int(row.epoch)
        if not self._database.is_sqlite and row.expires_at > now:
            raise busy(row.holder, when(row.since))
        epoch = int(row.epoch) + 1
        mine = {"instance": self._instance, "holder": holder, "epoch": epoch, "since": now, "expires_at": now + ttl}
        connection.execute(update(lease).values(**mine))
        return epoch

    def _now(self, connection: Connection) -> datetime:
        if self._database.is_sqlite:
            return self._clock.now()
        # Not now(): that is the start of the transaction, which may have waited for a lock.
        at: datetime = connection.execute(select(func.clock_timestamp())).scalar_one()
        return at.astimezone(UTC)


def fence(connection: Connection, epoch: int, *, hold: bool) -> None:
    """`LeaseLost` unless `epoch` is the current one; `hold` keeps it so until the transaction ends."""
    query = select(lease.c.epoch).where(lease.c.id == _ROW)
    current = connection.execute(query.with_for_update(read=True) if hold else query).scalar()
    if current != epoch:
        raise lost(epoch)


def lost(epoch: int) -> LeaseLost:
    """The error for a daemon whose time is over."""
    return LeaseLost(f"another incidentd has taken over this database (epoch {epoch} is no longer the current one)")


def busy(holder: str, since: str) -> StoreBusy:
    """The error for a daemon that comes second."""
    return StoreBusy(f"another incidentd ({holder}) has worked on this database since {since}")


def when(at: datetime) -> str:
    """An instant as people read it."""
    return at.strftime("%Y-%m-%d %H:%M:%S UTC")


def _lock(descriptor: int, kind: int, tries: int = _LOCK_TRIES) -> bool:
    for left in reversed(range(tries)):
        try:
            fcntl.flock(descriptor, kind | fcntl.LOCK_NB)
        except BlockingIOError:
            if left:
                threading.Event().wait(_LOCK_PAUSE_S)
        else:
            return True
    return False


def _read(descriptor: int) -> dict[str, Any]:
    try:
        found = json.loads(os.pread(descriptor, 4096, 0))
    except ValueError:
        return {}
    return found if isinstance(found, dict) else {}
