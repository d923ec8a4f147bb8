"""A stretch of the record, for what judges by experience."""

from datetime import datetime

from sqlalchemy import func, select

from daemon.store.engine import Database
from daemon.store.records import alert_of, incident_of
from daemon.store.schema import alerts, incidents
from rules.past import History

MOST_INCIDENTS = 5_000
MOST_ALERTS = 100_000
"""The newest so many are read, and of alerts so many in incidents and as many outside: a few seconds' work."""


def history(
    database: Database,
    since: datetime,
    until: datetime,
    *,
    most_incidents: int = MOST_INCIDENTS,
    most_alerts: int = MOST_ALERTS,
) -> History:
    """The incidents opened since then and what has alerted, as far back as the limits allow.

    `since` of the answer is from when on it is complete, and never before the oldest thing on record.
    """
    newest = select(incidents.c.opened_at, incidents.c.record).where(incidents.c.opened_at >= since)
    newest = newest.order_by(incidents.c.opened_at.desc(), incidents.c.number.desc()).limit(most_incidents)
    columns = select(alerts.c.starts_at, alerts.c.record)
    with database.read() as connection:
        opened = connection.execute(newest).all()
        begin = max(since, opened[-1].opened_at) if len(opened) == most_incidents else since
        numbers = select(incidents.c.number).where(incidents.c.opened_at >= begin)
        kinds = (
            columns.where(alerts.c.incident.in_(numbers)),
            columns.where(alerts.c.incident.is_(None), alerts.c.starts_at >= begin),
        )
        order = alerts.c.starts_at.desc(), alerts.c.id.desc()
        begun = [connection.execute(query.order_by(*order).limit(most_alerts)).all() for query in kinds]
        firsts = (
            select(func.min(incidents.c.opened_at)),
            select(func.min(alerts.c.starts_at)).where(alerts.c.incident.is_(None)),
        )
        known = [at for at in (connection.execute(query).scalar() for query in firsts) if at is not None]
    known += [rows[-1].starts_at for rows in begun if rows]
    cuts = [rows[-1].starts_at for rows in begun if len(rows) == most_alerts]
    begin = max(begin, min(known, default=begin), *cuts)
    return History(
        since=begin,
        until=until,
        incidents=tuple(incident_of(row.record) for row in opened if row.opened_at >= begin),
        alerts=tuple(alert_of(row.record) for rows in begun for row in rows),
    )
