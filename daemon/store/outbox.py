"""Notices on their way to people: claimed for a time, sent, then marked. At least once, never silently lost.

No lock is held while something is sent. A sender that dies leaves a claim that runs out, and the notice goes again
under the same key. Per recipient and incident notices leave in the order in which they were decided, so that nobody
reads "resolved" before "opened".
"""

from collections.abc import Collection, Sequence
from datetime import datetime, timedelta
from typing import Any

import msgspec
from sqlalchemy import (
    ColumnElement,
    Connection,
    RowMapping,
    Select,
    bindparam,
    exists,
    func,
    insert,
    not_,
    or_,
    select,
    update,
)
from sqlalchemy.sql.selectable import FromClause

from daemon.clock import Clock
from daemon.store.engine import Database
from daemon.store.record import notice_row, timeline_row
from daemon.store.records import clean, ways_of
from daemon.store.rows import NoticeRow, NoticeState
from daemon.store.schema import inbox, notices, timeline
from daemon.store.upsert import upsert
from rules.decision import Notice, TimelineEntry, Undelivered
from rules.document import NoticeContent
from rules.incident import incident_number
from rules.record import Kind

_OPEN: tuple[NoticeState, ...] = ("pending", "sending")
_COLUMNS = [c for c in notices.c if c.name != "id"]
_CHUNK = 500


def _undelivered(table: FromClause) -> ColumnElement[bool]:
    # Written out in the statement, since only then do databases see that the partial indexes serve it.
    return table.c.state.in_(bindparam(None, _OPEN, expanding=True, literal_execute=True))


def _is_next() -> ColumnElement[bool]:
    """No older notice to the same recipient about the same incident still waits."""
    older = notices.alias("older")
    # People who are called through one notifier do not wait for each other.
    same = (older.c[name] == notices.c[name] for name in ("to", "subject", "person"))
    return not_(exists().where(*same, older.c.id < notices.c.id, _undelivered(older)))


class Outbox:
    """The outbox of one database; any number of senders may work on it."""

    def __init__(self, database: Database, clock: Clock) -> None:
        self._database = database
        self._clock = clock

    def claim(self, now: datetime, lease: timedelta, limit: int, exclude: Collection[str]) -> list[NoticeRow]:
        """Take up to `limit` notices that are due, longest due first, for the time of `lease`.

        Nobody else gets them before it runs out. None goes through a notifier in `exclude`.
        """
        conditions = [notices.c.due_at <= now]
        if exclude:
            conditions.append(notices.c.to.not_in(sorted(exclude)))
        return self._claim(conditions, now, lease, limit)

    def claim_stuck(
        self, now: datetime, lease: timedelta, limit: int, to: str, *, with_other_ways: bool
    ) -> list[NoticeRow]:
        """Take notices that wait to go through the notifier `to`, whenever they were to be tried again; only those that
        have other ways of their own where that is asked."""
        conditions = [notices.c.to == clean(to)]
        if with_other_ways:
            conditions.append(notices.c.others != "[]")
        return self._claim(conditions, now, lease, limit)

    def _claim(
        self, conditions: Sequence[ColumnElement[bool]], now: datetime, lease: timedelta, limit: int
    ) -> list[NoticeRow]:
        due = (
            select(notices.c.key)
            .where(_undelivered(notices), *conditions)
            .where(or_(notices.c.lease_until.is_(None), notices.c.lease_until <= now))
            .where(_is_next())
            .order_by(notices.c.due_at, notices.c.id)
            .limit(limit)
        )
        with self._database.write() as connection:
            # Rows that another sender is just claiming are passed over (SQLite has one writer at a time anyhow).
            keys = connection.execute(due.with_for_update(skip_locked=True, of=notices)).scalars().all()
            claimed: list[NoticeRow] = []
            for start in range(0, len(keys), _CHUNK):
                taken = update(notices).where(notices.c.key.in_(keys[start : start + _CHUNK]))
                taken = taken.values(state="sending", lease_until=now + lease, attempts=notices.c.attempts + 1)
                claimed += [_row(row) for row in connection.execute(taken.returning(*_COLUMNS)).mappings()]
            place = {key: number for number, key in enumerate(keys)}
            return sorted(claimed, key=lambda row: place[row.key])

    def free_claims(self) -> int:
        """Let go of what a daemon before this one had claimed and can no longer send; how many those were."""
        stuck = update(notices).where(_undelivered(notices), notices.c.state == "sending")
        with self._database.write() as connection:
            return connection.execute(stuck.values(state="pending", lease_until=None)).rowcount

    def delivered(self, key: str, at: datetime, latency_s: float) -> None:
        """It has arrived, `latency_s` seconds after sending began. True even where another sender has it by now."""
        arrived = update(notices).where(notices.c.key == clean(key))
        with self._database.write() as connection:
            connection.execute(
                arrived.values(state="delivered", delivered_at=at, lease_until=None, latency_s=latency_s)
            )

    def retry_at(self, key: str, at: datetime, error: str) -> None:
        """It did not arrive: try again at that moment. Nothing happens where it has been delivered or buried."""
        again = update(notices).where(notices.c.key == clean(key), _undelivered(notices))
        with self._database.write() as connection:
            connection.execute(again.values(state="pending", due_at=at, lease_until=None, last_error=clean(error)))

    def postpone(self, key: str, at: datetime) -> None:
        """It was not tried: its turn is at that moment, and the claim does not count."""
        later = update(notices).where(notices.c.key == clean(key), _undelivered(notices))
        with self._database.write() as connection:
            connection.execute(
                later.values(state="pending", due_at=at, lease_until=None, attempts=notices.c.attempts - 1)
            )

    def bury(self, key: str, at: datetime, error: str) -> None:
        """It can never arrive: a dead letter, told on the timeline of its incident or change. Where it was a call, the
        next decision hears of it."""
        dead = update(notices).where(notices.c.key == clean(key), _undelivered(notices))
        dead = dead.values(state="dead", lease_until=None, last_error=clean(error))
        with self._database.write() as connection:
            found = connection.execute(dead.returning(*_COLUMNS)).mappings().one_or_none()
            row = None if found is None else _row(found)
            if row is not None and (row.incident is not None or row.subject):
                words = f"{row.recipient} could not be told of “{row.event}”: {error}"
                connection.execute(insert(timeline), [timeline_row(_failure(row, at, words))])
            if row is not None and row.is_call and (failed := _undelivered_rows(row, at, error)):
                connection.execute(insert(inbox), failed)

    def pass_on(self, row: NoticeRow, at: datetime, error: str, by: Notice) -> None:
        """It did not arrive and goes `by` another way from now on, in one step; nothing where it has been settled."""
        passed = update(notices).where(notices.c.key == clean(row.key), _undelivered(notices))
        passed = passed.values(state="passed", lease_until=None, last_error=clean(error))
        with self._database.write() as connection:
            if connection.execute(passed).rowcount:
                upsert(connection, notices, ("key",), [notice_row(by, at)], replace=False)
                if row.incident is not None or row.subject:
                    words = f"{row.recipient} could not be told of “{row.event}”, so {by.recipient} is: {error}"
                    connection.execute(insert(timeline), [timeline_row(_failure(row, at, words))])

    def revive(self, keys: Collection[str]) -> int:
        """Send dead letters after all, from now on; how many there were."""
        wanted = sorted(map(clean, keys))
        now = self._clock.now()
        with self._database.write() as connection:
            return sum(
                _revive(connection, wanted[start : start + _CHUNK], now) for start in range(0, len(wanted), _CHUNK)
            )

    def next_due(self) -> datetime | None:
        """When the next notice can be claimed, None where nothing waits. It may lie in the past."""
        pending = select(notices.c.due_at).where(_undelivered(notices), notices.c.state == "pending", _is_next())
        pending = pending.order_by(notices.c.due_at, notices.c.id).limit(1)
        claimed = select(func.min(notices.c.lease_until)).where(notices.c.state == "sending")
        with self._database.read() as connection:
            moments = [connection.execute(query).scalar() for query in (pending, claimed)]
            return min((at for at in moments if at is not None), default=None)

    def notices(self, states: Collection[str], incident: int | None, limit: int) -> list[NoticeRow]:
        """The newest notices, newest first; an empty filter lets everything through."""
        query = select(*_COLUMNS).order_by(notices.c.id.desc()).limit(limit)
        if states:
            query = query.where(notices.c.state.in_(sorted(map(str, states))))
        if incident is not None:
            query = query.where(notices.c.incident == incident)
        with self._database.read() as connection:
            return [_row(row) for row in connection.execute(query).mappings()]

    def with_keys(self, keys: Collection[str]) -> dict[str, NoticeRow]:
        """The notices of these keys that there are, by key."""
        wanted = sorted(map(clean, keys))
        with self._database.read() as connection:
            queries = (wanted[start : start + _CHUNK] for start in range(0, len(wanted), _CHUNK))
            rows = [r for q in queries for r in connection.execute(_with_keys(q)).mappings()]
            return {row["key"]: _row(row) for row in rows}


def _with_keys(keys: list[str]) -> Select[Any]:
    return select(*_COLUMNS).where(notices.c.key.in_(keys))


def _revive(connection: Connection, keys: list[str], now: datetime) -> int:
    dead = update(notices).where(notices.c.key.in_(keys), notices.c.state == "dead")
    return connection.execute(dead.values(state="pending", due_at=now, attempts=0)).rowcount


def _failure(row: NoticeRow, at: datetime, words: str) -> TimelineEntry:
    return TimelineEntry(incident=row.incident or 0, at=at, kind="notice_failed", text=words, subject=row.subject)


def _undelivered_rows(row: NoticeRow, at: datetime, error: str) -> list[dict[str, Any]]:
    """What the next decision hears of a call that reached nobody: of each incident that it was about."""
    via, found = row.instead_of or row.to, []
    for number in [row.incident] if row.incident is not None else _numbers_in(row.content):
        failed = Undelivered(at=at, incident=number, person=row.person, via=via, error=clean(error))
        found.append({"kind": "undelivered", "source": "outbox", "body": msgspec.json.encode(failed), "at": at})
    return found


def _numbers_in(content: bytes) -> list[int]:
    """The incidents that a summary names."""
    summary = msgspec.json.decode(content, type=NoticeContent).summary
    return [incident_number(item.number) for item in (summary.items if summary is not None else ())]


def _row(found: RowMapping) -> NoticeRow:
    row: dict[str, Any] = {str(name): value for name, value in found.items()}
    number = -row.pop("subject")
    row["others"] = ways_of(row["others"])
    return NoticeRow(**row, subject=f"{Kind.CHANGE.series}-{number}" if number > 0 else "")
