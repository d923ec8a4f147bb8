"""Mails that came in: each is taken once, together with the order that was made of it."""

from datetime import datetime, timedelta

from sqlalchemy import delete, func, insert, select, update

from daemon.store.engine import Database
from daemon.store.records import clean
from daemon.store.rows import InboxKind
from daemon.store.schema import inbox, mails
from daemon.store.upsert import insert_new

KEPT = timedelta(days=90)
"""How long a mail that comes again is known."""


class Mails:
    """The mails of one database, by their digest."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def take(self, digest: str, sender: str, at: datetime, kind: InboxKind, actor: str, body: bytes) -> bool:
        """Store a mail and, in the same transaction, its order for the next decision; False, and nothing is stored,
        where the mail was taken before."""
        row = {"digest": digest, "sender": clean(sender), "at": at, "outcome": ""}
        with self._database.write() as connection:
            connection.execute(delete(mails).where(mails.c.at <= at - KEPT))
            if not insert_new(connection, mails, row):
                return False
            connection.execute(insert(inbox), [{"kind": kind, "source": clean(actor), "body": body, "at": at}])
            return True

    def outcome(self, digest: str) -> str | None:
        """What became of a mail: empty where that is not known yet, None where it was never taken."""
        with self._database.read() as connection:
            found = connection.execute(select(mails.c.outcome).where(mails.c.digest == digest)).scalar()
            return None if found is None else str(found)

    def settle(self, digest: str, outcome: str) -> None:
        """Keep what became of a mail."""
        with self._database.write() as connection:
            connection.execute(update(mails).where(mails.c.digest == digest).values(outcome=clean(outcome)))

    def count(self, sender: str, since: datetime) -> int:
        """How many mails of a sender were taken since then."""
        query = select(func.count()).select_from(mails).where(mails.c.sender == clean(sender), mails.c.at > since)
        with self._database.read() as connection:
            return int(connection.execute(query).scalar_one())
