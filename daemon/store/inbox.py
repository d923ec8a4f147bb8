"""What came in and waits for a decision, written many at a time.

Each caller must be told only once its row is durable, and a durable commit costs a disk flush. So callers hand their
rows to one thread, which writes everything that waits in one transaction and then lets all of them go.
"""

import threading
from collections import deque
from collections.abc import Collection, Sequence
from concurrent.futures import Future
from dataclasses import dataclass, field
from itertools import islice
from typing import Any

from sqlalchemy import Connection, delete, func, insert, select

from daemon.clock import Clock
from daemon.errors import StoreError
from daemon.store.engine import Database
from daemon.store.records import clean
from daemon.store.rows import InboxKind, InboxRow
from daemon.store.schema import inbox

PUT_TIMEOUT_S = 10.0
MAX_WAITING = 2_000
MAX_BATCH_ROWS = 500
MAX_BATCH_BYTES = 16 * 1024 * 1024
_DELETE_CHUNK = 500


@dataclass(slots=True, eq=False)
class _Put:
    row: dict[str, Any]
    done: "Future[int]" = field(default_factory=Future)


class Inbox:
    """The inbox of one database. `put` may be called by many threads.

    A caller waits at most `patience_s` seconds, and at most `max_waiting` callers wait.
    """

    def __init__(
        self, database: Database, clock: Clock, *, patience_s: float = PUT_TIMEOUT_S, max_waiting: int = MAX_WAITING
    ) -> None:
        self._database = database
        self._clock = clock
        self._patience_s = patience_s
        self._max_waiting = max_waiting
        self._waiting: deque[_Put] = deque()
        self._changed = threading.Condition()
        self._writer: threading.Thread | None = None
        self._closed = False

    def put(self, kind: InboxKind, source: str, body: bytes) -> int:
        """Store it durably; the row's id. StoreError where it was not stored, or not known to be in time."""
        put = _Put({"kind": kind, "source": clean(source), "body": body, "at": self._clock.now()})
        with self._changed:
            if self._closed:
                raise StoreError(f"{self._database.place}: it is being closed")
            if len(self._waiting) >= self._max_waiting:
                raise StoreError(f"{self._database.place}: {self._max_waiting} requests wait to be written already")
            self._waiting.append(put)
            self._start()
            self._changed.notify()
        try:
            return put.done.result(self._patience_s)
        except TimeoutError:
            # Still in the queue: it is taken out and never stored. Being written: nobody can tell.
            put.done.cancel()
            raise StoreError(f"{self._database.place}: nothing could be written for {self._patience_s:g} s") from None

    def pending(self, limit: int) -> list[InboxRow]:
        """The oldest rows that no decision has taken, at most `limit`."""
        with self._database.read() as connection:
            found = connection.execute(select(inbox).order_by(inbox.c.id).limit(limit)).mappings()
            return [InboxRow(**row) for row in found]

    def depth(self) -> int:
        """How many rows wait."""
        with self._database.read() as connection:
            return int(connection.execute(select(func.count()).select_from(inbox)).scalar_one())

    def close(self) -> None:
        """Write what waits, then refuse everything."""
        with self._changed:
            self._closed = True
            self._changed.notify()
        if self._writer is not None:
            self._writer.join()

    def _start(self) -> None:
        if self._writer is None:
            self._writer = threading.Thread(target=self._write_all, name="inbox-writer", daemon=True)
            self._writer.start()

    def _write_all(self) -> None:
        while batch := self._next_batch():
            live = [put for put in batch if put.done.set_running_or_notify_cancel()]
            try:
                ids = self._write(live)
            except Exception as error:  # noqa: BLE001  whatever it is, the callers that wait must hear of it
                said = str(error) if isinstance(error, StoreError) else f"unexpected error ({type(error).__name__})"
                for put in live:
                    put.done.set_exception(StoreError(said))
            else:
                for put, id_ in zip(live, ids, strict=True):
                    put.done.set_result(id_)

    def _next_batch(self) -> list[_Put]:
        """Everything that waits, within bounds; empty only once closed."""
        with self._changed:
            self._changed.wait_for(lambda: self._waiting or self._closed)
            size, count = 0, 0
            for put in islice(self._waiting, MAX_BATCH_ROWS):
                size += len(put.row["body"])
                if count and size > MAX_BATCH_BYTES:
                    break
                count += 1
            return [self._waiting.popleft() for _ in range(count)]

    def _write(self, puts: Sequence[_Put]) -> list[int]:
        if not puts:
            return []
        statement = insert(inbox).returning(inbox.c.id, sort_by_parameter_order=True)
        with self._database.write() as connection:
            return list(connection.execute(statement, [put.row for put in puts]).scalars())


def forget(connection: Connection, ids: Collection[int]) -> None:
    """Delete rows that a decision has taken, within its transaction."""
    ordered = sorted(ids)
    for start in range(0, len(ordered), _DELETE_CHUNK):
        connection.execute(delete(inbox).where(inbox.c.id.in_(ordered[start : start + _DELETE_CHUNK])))
