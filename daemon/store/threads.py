"""The conversations that channels have begun: how each names the first message of one, to answer to and to change."""

from datetime import timedelta

from sqlalchemy import delete, select

from daemon.clock import Clock
from daemon.store.engine import Database
from daemon.store.records import clean
from daemon.store.schema import threads
from daemon.store.upsert import upsert

KEPT = timedelta(days=90)
"""Longer than any incident stays open to replies."""


class Threads:
    """The conversations of one database. `to` is a notifier, `address` the one there, `thread` as in `Message`."""

    def __init__(self, database: Database, clock: Clock) -> None:
        self._database = database
        self._clock = clock

    def ref(self, to: str, address: str, thread: str) -> str:
        """How the channel names the first message of it; empty where none is known."""
        there = (threads.c.to == clean(to), threads.c.address == clean(address), threads.c.thread == clean(thread))
        with self._database.read() as connection:
            return connection.execute(select(threads.c.ref).where(*there)).scalar() or ""

    def keep(self, to: str, address: str, thread: str, ref: str) -> None:
        """Remember the first message of a conversation, in place of one that is gone."""
        now = self._clock.now()
        row = {"to": clean(to), "address": clean(address), "thread": clean(thread), "ref": clean(ref), "at": now}
        with self._database.write() as connection:
            upsert(connection, threads, ("to", "address", "thread"), [row])
            connection.execute(delete(threads).where(threads.c.at < now - KEPT))

    def thread_of(self, to: str, ref: str) -> str:
        """The conversation that began with this message; empty where none is known."""
        query = select(threads.c.thread).where(threads.c.to == clean(to), threads.c.ref == clean(ref)).limit(1)
        with self._database.read() as connection:
            return connection.execute(query).scalar() or ""
