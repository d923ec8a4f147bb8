"""The record of what was decided: written by one transaction per decision, read back whole after a restart."""

from collections.abc import Collection
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Connection, delete, func, insert, or_, select

from daemon.store.engine import Database
from daemon.store.inbox import forget
from daemon.store.keeping import kept_records, next_records, record_row
from daemon.store.lease import fence
from daemon.store.records import (
    alert_of,
    clean,
    clean_or_none,
    encode,
    incident_of,
    mailbox_of,
    override_of,
    silence_of,
    source_of,
)
from daemon.store.rows import Loaded
from daemon.store.schema import (
    alerts,
    experience,
    incidents,
    mailboxes,
    notices,
    overrides,
    records,
    replies,
    silences,
    sources,
    timeline,
)
from daemon.store.search import index
from daemon.store.upsert import upsert
from rules.alert import Alert
from rules.decision import Decision, Notice, Reply, SourceState, TimelineEntry
from rules.incident import Incident
from rules.lesson import Lesson
from rules.record import parse_key
from rules.rotation import OVERRIDES_KEPT, Override
from rules.silence import KEPT, Silence
from rules.telling import Mailbox

REPLIES_KEPT = timedelta(days=1)
_CHUNK = 500


def commit(database: Database, decision: Decision, inbox_ids: Collection[int], epoch: int) -> None:
    """Write the decision and forget the inbox rows it took, all or nothing; `LeaseLost` where `epoch` is over."""
    # Encoded before the transaction begins: others wait for the writer.
    writes = [
        (alerts, ("id",), [_alert_row(a) for a in decision.episodes(_remembered(database, decision.begun))]),
        (incidents, ("number",), [_incident_row(i) for i in decision.incidents]),
        (sources, ("name",), [_source_row(s) for s in decision.sources]),
        (replies, ("command",), [_reply_row(r, decision.at) for r in decision.replies]),
        (silences, ("id",), [_silence_row(s) for s in decision.silences]),
        (records, ("kind", "number"), [record_row(r) for r in decision.records]),
        (overrides, ("id",), [_override_row(o) for o in decision.overrides]),
        (mailboxes, ("to",), [_mailbox_row(m) for m in decision.mailboxes]),
    ]
    entries = [timeline_row(e) for e in decision.timeline]
    told = [notice_row(n, n.at) for n in decision.notices]
    learnt = [_lesson_row(lesson) for lesson in decision.lessons]
    with database.write() as connection:
        fence(connection, epoch, hold=False)
        for table, key, rows in writes:
            upsert(connection, table, key, rows)
        if entries:
            connection.execute(insert(timeline), entries)
        index(connection, decision.incidents)
        upsert(connection, notices, ("key",), told, replace=False)
        upsert(connection, experience, ("kind", "key", "field"), learnt, added=("count",))
        forget(connection, inbox_ids)
        if decision.replies:
            connection.execute(delete(replies).where(replies.c.at < decision.at - REPLIES_KEPT))
        if decision.silences:
            connection.execute(delete(silences).where(silences.c.ends_at < decision.at - KEPT))
        if decision.overrides:
            connection.execute(delete(overrides).where(overrides.c.ends_at < decision.at - OVERRIDES_KEPT))
        # Checked again at the end, where holding the row delays nobody's renewal.
        fence(connection, epoch, hold=True)


def _remembered(database: Database, ids: Collection[str]) -> dict[str, Alert]:
    """Those of the alerts that the record holds, by id."""
    if not ids:
        return {}
    ordered = sorted(map(clean, ids))
    found = []
    with database.read() as connection:
        for start in range(0, len(ordered), _CHUNK):
            query = select(alerts.c.record).where(alerts.c.id.in_(ordered[start : start + _CHUNK]))
            found += [alert_of(record) for record in connection.execute(query).scalars()]
    return {alert.id: alert for alert in found}


def load(database: Database, since: datetime) -> Loaded:
    """Everything that may still change or that holds a firing alert, and what was settled after `since`, with all of
    their alerts."""
    held = select(alerts.c.incident).where(alerts.c.cleared_at.is_(None), alerts.c.incident.is_not(None))
    lively = or_(incidents.c.settled_at.is_(None), incidents.c.settled_at >= since, incidents.c.number.in_(held))
    with database.read() as connection:
        found = connection.execute(select(incidents.c.record).where(lively).order_by(incidents.c.number)).scalars()
        kept = tuple(incident_of(record) for record in found)
        firing = select(alerts.c.record).where(alerts.c.cleared_at.is_(None))
        numbers = select(incidents.c.number).where(lively)
        cleared = select(alerts.c.record).where(alerts.c.cleared_at.is_not(None), alerts.c.incident.in_(numbers))
        episodes = [alert_of(r) for query in (firing, cleared) for r in connection.execute(query).scalars()]
        states = connection.execute(select(sources.c.record).order_by(sources.c.name)).scalars()
        quiet = connection.execute(select(silences.c.record).order_by(silences.c.id)).scalars()
        shifted = connection.execute(select(overrides.c.record).order_by(overrides.c.id)).scalars()
        boxes = connection.execute(select(mailboxes.c.record).order_by(mailboxes.c.to)).scalars()
        last = connection.execute(select(func.max(incidents.c.number))).scalar()
        return Loaded(
            incidents=kept,
            alerts=tuple(sorted(episodes, key=lambda a: (a.starts_at, a.id))),
            sources=tuple(source_of(record) for record in states),
            lessons=lessons_in(connection),
            silences=tuple(silence_of(record) for record in quiet),
            records=kept_records(connection, since),
            next_record=next_records(connection),
            overrides=tuple(override_of(record) for record in shifted),
            mailboxes=tuple(mailbox_of(record) for record in boxes),
            next_number=(last or 0) + 1,
        )


def lessons_in(connection: Connection) -> tuple[Lesson, ...]:
    """Everything learnt so far, as lessons that a fresh experience can take in."""
    columns = [experience.c[name] for name in ("kind", "key", "field", "count")]
    found = connection.execute(select(*columns).where(experience.c["count"] != 0))
    return tuple(sorted(Lesson(*row) for row in found))


def timeline_row(entry: TimelineEntry) -> dict[str, Any]:
    """The columns of one line of history."""
    return {
        "incident": entry.incident,
        "at": entry.at,
        "kind": clean(entry.kind),
        "text": clean(entry.text),
        "actor": clean(entry.actor),
        "old": clean(entry.old),
        "new": clean(entry.new),
        "actor_kind": entry.actor_kind,
        "field": clean(entry.field),
        "reason": clean(entry.reason),
        "subject": clean(entry.subject) or None,
    }


def _alert_row(alert: Alert) -> dict[str, Any]:
    return {
        "id": clean(alert.id),
        "fingerprint": clean(alert.fingerprint),
        "incident": alert.incident,
        "ci": clean_or_none(alert.ci),
        "starts_at": alert.starts_at,
        "cleared_at": alert.cleared_at,
        "record": encode(alert),
    }


def _incident_row(incident: Incident) -> dict[str, Any]:
    return {
        "number": incident.number,
        "status": str(incident.status),
        "priority": str(incident.priority),
        "opened_at": incident.opened_at,
        "settled_at": incident.settled_at,
        "group": clean(incident.group),
        "ci": clean_or_none(incident.root.ci),
        "updated_at": incident.updated_at,
        "record": encode(incident),
    }


def _lesson_row(lesson: Lesson) -> dict[str, Any]:
    return {"kind": lesson.kind, "key": lesson.key, "field": lesson.field, "count": lesson.amount}


def _source_row(state: SourceState) -> dict[str, Any]:
    return {"name": clean(state.name), "record": encode(state)}


def _silence_row(silence: Silence) -> dict[str, Any]:
    return {"id": clean(silence.id), "ends_at": silence.ends_at, "record": encode(silence)}


def _override_row(override: Override) -> dict[str, Any]:
    return {"id": clean(override.id), "ends_at": override.ends_at, "record": encode(override)}


def _mailbox_row(mailbox: Mailbox) -> dict[str, Any]:
    return {"to": clean(mailbox.to), "record": encode(mailbox)}


def _reply_row(reply: Reply, at: datetime) -> dict[str, Any]:
    return {
        "command": clean(reply.command),
        "done": reply.done,
        "message": clean(reply.message),
        "at": at,
        "stale": reply.stale,
        "forbidden": reply.forbidden,
        "incident": reply.incident,
        "subject": clean(reply.subject) or None,
    }


def notice_row(notice: Notice, due_at: datetime) -> dict[str, Any]:
    """The columns of a notice that is to leave at `due_at`."""
    return {
        "key": clean(notice.key),
        "to": clean(notice.to),
        "person": clean(notice.person),
        "event": clean(notice.event),
        "reason": clean(notice.reason),
        "at": notice.at,
        "incident": notice.incident,
        "subject": notice.incident or -(parse_key(notice.subject)[1] if notice.subject else 0),
        "content": notice.content,
        "state": "pending",
        "attempts": 0,
        "due_at": due_at,
        "last_error": "",
        "others": encode(notice.others),
        "is_call": notice.is_call,
        "is_urgent": notice.is_urgent,
        "instead_of": clean(notice.instead_of),
    }
