"""A stretch of the record, for what judges by experience."""

from datetime import datetime

from sqlalchemy import Connection, Select, select

from daemon.store.engine import Database
from daemon.store.records import alert_of, incident_of
from daemon.store.schema import alerts, incidents
from rules.alert import Alert
from rules.past import History

MOST_INCIDENTS = 5_000
MOST_ALERTS = 100_000
"""The newest so many are read, and of alerts so many in incidents and as many outside: a few seconds' work."""


def history(database: Database, since: datetime, until: datetime) -> History:
    """The incidents opened since then and what has alerted, as far back as `MOST_INCIDENTS` and `MOST_ALERTS` allow.

    `since` of the answer is from when on it is complete, and never before the oldest thing on record.
    """
    opened = incidents.c.opened_at >= since
    newest = select(incidents).where(opened).order_by(incidents.c.opened_at.desc(), incidents.c.number.desc())
    with database.read() as connection:
        rows = connection.execute(newest.limit(MOST_INCIDENTS)).all()
        begin = max(since, rows[-1].opened_at) if len(rows) == MOST_INCIDENTS else since
        numbers = select(incidents.c.number).where(incidents.c.opened_at >= begin)
        inside, from_inside = _newest(connection, select(alerts).where(alerts.c.incident.in_(numbers)))
        events = select(alerts).where(alerts.c.incident.is_(None), alerts.c.starts_at >= begin)
        outside, from_outside = _newest(connection, events)
    cuts = [begin, *(cut for cut in (from_inside, from_outside) if cut is not None)]
    found = [incident_of(row.record) for row in rows]
    oldest = min([i.opened_at for i in found] + [a.starts_at for a in (*inside, *outside)], default=begin)
    begin = max(*cuts, oldest)
    return History(
        since=begin,
        until=until,
        incidents=tuple(i for i in found if i.opened_at >= begin),
        alerts=(*inside, *outside),
    )


def _newest(connection: Connection, query: Select[tuple[object, ...]]) -> tuple[list[Alert], datetime | None]:
    """The newest alerts, and where it was cut off; None where it was not."""
    rows = connection.execute(query.order_by(alerts.c.starts_at.desc(), alerts.c.id.desc()).limit(MOST_ALERTS)).all()
    return [alert_of(row.record) for row in rows], rows[-1].starts_at if len(rows) == MOST_ALERTS else None
