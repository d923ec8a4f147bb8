"""Answers to requests that carry an idempotency key, so that one that comes again is not carried out again."""

from datetime import timedelta

from sqlalchemy import delete, select, update

from daemon.clock import Clock
from daemon.store.engine import Database
from daemon.store.rows import AnswerRow
from daemon.store.schema import answers
from daemon.store.upsert import insert_new

KEPT = timedelta(hours=24)
"""A client that has not come back within a day has given up; the figure that payment services use."""


class Answers:
    """The kept answers of one database. A `key` stands for who asks and the key they sent."""

    def __init__(self, database: Database, clock: Clock) -> None:
        self._database = database
        self._clock = clock

    def begin(self, key: str, request: str) -> AnswerRow | None:
        """Claim a key for a request (a digest of it); None where it is new, else what it already stands for."""
        now = self._clock.now()
        fresh = {"key": key, "request": request, "expires_at": now + KEPT, "media_type": "", "body": b""}
        columns = answers.c.request, answers.c.status, answers.c.media_type, answers.c.body
        with self._database.write() as connection:
            connection.execute(delete(answers).where(answers.c.expires_at <= now))
            if insert_new(connection, answers, fresh):
                return None
            row = connection.execute(select(*columns).where(answers.c.key == key)).mappings().one()
            return AnswerRow(**row)

    def finish(self, key: str, status: int, media_type: str, body: bytes) -> None:
        """Keep the answer that a key stands for from now on."""
        kept = update(answers).where(answers.c.key == key).values(status=status, media_type=media_type, body=body)
        with self._database.write() as connection:
            connection.execute(kept)

    def forget(self, key: str) -> None:
        """Let the key be used again: nothing came of the request."""
        with self._database.write() as connection:
            connection.execute(delete(answers).where(answers.c.key == key))
