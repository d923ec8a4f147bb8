"""Who administered users and tokens, when and how: lines that are only ever added to, each written together with what
it tells of."""

from datetime import datetime

from sqlalchemy import Connection, insert, select

from daemon.store.engine import Database
from daemon.store.records import clean
from daemon.store.rows import Act, Doer
from daemon.store.schema import audit


class Audit:
    """The acts of administration in one database."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def latest(self, limit: int, offset: int = 0, subject: str = "") -> list[Act]:
        """The newest acts first; of one user or token only, where `subject` names it."""
        query = select(audit).order_by(audit.c.id.desc()).limit(limit).offset(offset)
        if subject:
            query = query.where(audit.c.subject == clean(subject))
        with self._database.read() as connection:
            return [
                Act(
                    at=row.at,
                    by=Doer(name=row.actor, via=row.via),
                    action=row.action,
                    subject=row.subject,
                    details=row.details,
                )
                for row in connection.execute(query)
            ]


def note_act(connection: Connection, at: datetime, by: Doer, action: str, subject: str, details: str = "") -> None:
    """Add a line within the transaction that does what it says."""
    row = {
        "at": at,
        "actor": clean(by.name),
        "via": clean(by.via),
        "action": action,
        "subject": clean(subject),
        "details": clean(details),
    }
    connection.execute(insert(audit), [row])
