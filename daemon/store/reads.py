"""Questions that pages, the API and the command line ask of the record."""

from typing import Any

from sqlalchemy import ColumnElement, func, select

from daemon.store.engine import Database
from daemon.store.record import lessons_in
from daemon.store.records import alert_of, clean, incident_of, mailbox_of, override_of, silence_of, source_of
from daemon.store.schema import alerts, incidents, mailboxes, overrides, replies, silences, sources, timeline
from rules.alert import Alert
from rules.decision import ActorKind, Reply, SourceState, TimelineEntry
from rules.draft import DAEMON
from rules.incident import Incident
from rules.lesson import Lesson
from rules.rotation import Override
from rules.silence import Silence
from rules.telling import Mailbox


def incident(database: Database, number: int) -> Incident | None:
    """The incident of that number, None where there is none."""
    with database.read() as connection:
        query = select(incidents.c.record).where(incidents.c.number == number)
        record = connection.execute(query).scalar()
        return None if record is None else incident_of(record)


def alerts_of(database: Database, number: int, limit: int | None = None) -> list[Alert]:
    """The alerts of one incident, in order of start; the first so many."""
    query = select(alerts.c.record).where(alerts.c.incident == number).order_by(alerts.c.starts_at, alerts.c.id)
    query = query.limit(limit)
    with database.read() as connection:
        return [alert_of(record) for record in connection.execute(query).scalars()]


def firing_on(database: Database, ci: str, limit: int) -> list[Alert]:
    """The alerts that fire on a CI, newest first."""
    query = select(alerts.c.record).where(alerts.c.ci == clean(ci), alerts.c.cleared_at.is_(None))
    with database.read() as connection:
        found = connection.execute(query.order_by(alerts.c.starts_at.desc(), alerts.c.id).limit(limit)).scalars()
        return [alert_of(record) for record in found]


def alert(database: Database, alert_id: str) -> Alert | None:
    """The alert of that id, None where there is none."""
    with database.read() as connection:
        record = connection.execute(select(alerts.c.record).where(alerts.c.id == clean(alert_id))).scalar()
        return None if record is None else alert_of(record)


def events(database: Database, limit: int) -> list[Alert]:
    """The newest alerts that opened nothing."""
    return _newest(database, alerts.c.incident.is_(None), limit)


def unmapped(database: Database, limit: int) -> list[Alert]:
    """The newest alerts that no CI is known for."""
    return _newest(database, alerts.c.ci.is_(None), limit)


def _newest(database: Database, which: ColumnElement[bool], limit: int) -> list[Alert]:
    query = select(alerts.c.record).where(which).order_by(alerts.c.starts_at.desc(), alerts.c.id.desc()).limit(limit)
    with database.read() as connection:
        return [alert_of(record) for record in connection.execute(query).scalars()]


def timeline_of(database: Database, number: int) -> list[TimelineEntry]:
    """The history of one incident, as it was written."""
    return _entries(database, timeline.c.incident == number)


def timeline_of_record(database: Database, key: str) -> list[TimelineEntry]:
    """The history of one service request, problem or change, as it was written."""
    return _entries(database, timeline.c.subject == clean(key))


def _entries(database: Database, whose: ColumnElement[bool]) -> list[TimelineEntry]:
    columns = [c for c in timeline.c if c.name not in ("id", "subject")]
    query = (
        select(*columns, func.coalesce(timeline.c.subject, "").label("subject")).where(whose).order_by(timeline.c.id)
    )
    with database.read() as connection:
        return [_entry(dict(row)) for row in connection.execute(query).mappings()]


def _entry(row: dict[str, Any]) -> TimelineEntry:
    """A line as it was written; those of older versions do not say what kind of actor theirs is."""
    kind: ActorKind = row.pop("actor_kind") or ("daemon" if row["actor"] == DAEMON else "person")
    return TimelineEntry(actor_kind=kind, field=row.pop("field") or "", reason=row.pop("reason") or "", **row)


def reply(database: Database, command_id: str) -> Reply | None:
    """The answer to a command, None while there is none or once it is more than a day old."""
    answer = replies.c.done, replies.c.message, replies.c.stale, replies.c.incident, replies.c.subject
    columns = replies.c.command, replies.c.forbidden, *answer
    with database.read() as connection:
        row = connection.execute(select(*columns).where(replies.c.command == clean(command_id))).one_or_none()
        if row is None:
            return None
        return Reply(
            command=row.command,
            done=row.done,
            message=row.message,
            stale=bool(row.stale),
            forbidden=bool(row.forbidden),
            incident=row.incident,
            subject=row.subject or "",
        )


def list_mailboxes(database: Database) -> list[Mailbox]:
    """What waits to be told to whom, by recipient."""
    with database.read() as connection:
        found = connection.execute(select(mailboxes.c.record).order_by(mailboxes.c.to)).scalars()
        return [mailbox_of(record) for record in found]


def list_silences(database: Database) -> list[Silence]:
    """Every silence that is kept, by id."""
    with database.read() as connection:
        found = connection.execute(select(silences.c.record).order_by(silences.c.id)).scalars()
        return [silence_of(record) for record in found]


def silence(database: Database, silence_id: str) -> Silence | None:
    """The silence of that id, None where there is none."""
    with database.read() as connection:
        record = connection.execute(select(silences.c.record).where(silences.c.id == clean(silence_id))).scalar()
        return None if record is None else silence_of(record)


def list_overrides(database: Database) -> list[Override]:
    """Every override of a schedule that is kept, by id."""
    with database.read() as connection:
        found = connection.execute(select(overrides.c.record).order_by(overrides.c.id)).scalars()
        return [override_of(record) for record in found]


def lessons(database: Database) -> tuple[Lesson, ...]:
    """Everything learnt so far, one lesson for each counter, in order."""
    with database.read() as connection:
        return lessons_in(connection)


def source_states(database: Database) -> list[SourceState]:
    """What is known of every source, by name."""
    with database.read() as connection:
        found = connection.execute(select(sources.c.record).order_by(sources.c.name)).scalars()
        return [source_of(record) for record in found]
