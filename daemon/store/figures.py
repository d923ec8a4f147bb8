"""What figures are made of, read in one go: streamed, so that memory holds no more than what is counted."""

from collections.abc import Collection, Iterator
from dataclasses import dataclass
from datetime import datetime

import msgspec
from sqlalchemy import ColumnElement, and_, or_, select

from daemon.errors import StoreError
from daemon.store.engine import Database
from daemon.store.schema import alerts, incidents, timeline
from rules.availability import ServicesChanged
from rules.figures import Line

_AT_ONCE = 2_000


class _Labels(msgspec.Struct, frozen=True, gc=False):
    alertname: str = "alert"


class _AlertLine(msgspec.Struct, frozen=True, gc=False):
    labels: _Labels = _Labels()


@dataclass(frozen=True, slots=True, kw_only=True)
class AlertSeen:
    """One episode: the name of its rule, and the incident that it is part of."""

    name: str
    incident: int | None


class Readings:
    """Incidents and alerts of a period, as far as they are counted."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def lines(self, since: datetime, until: datetime) -> Iterator[Line]:
        """Every incident that was opened before `until` and not settled before `since`, or opened since, by number."""
        decoder = msgspec.json.Decoder(Line)
        query = select(incidents.c.record).where(_within(since, until)).order_by(incidents.c.number)
        with self._database.read() as connection:
            for record in connection.execution_options(yield_per=_AT_ONCE).execute(query).scalars():
                try:
                    yield decoder.decode(record)
                except msgspec.DecodeError as error:
                    raise StoreError(f"an incident in the database cannot be read: {error}") from error

    def services_changed(self, since: datetime, until: datetime) -> dict[int, list[ServicesChanged]]:
        """When those incidents began to hit other services, by number, in order of time."""
        numbers = select(incidents.c.number).where(_within(since, until))
        columns = timeline.c.incident, timeline.c.at, timeline.c.old, timeline.c.new
        query = select(*columns).where(timeline.c.incident.in_(numbers), timeline.c.field == "services")
        found: dict[int, list[ServicesChanged]] = {}
        with self._database.read() as connection:
            for row in connection.execution_options(yield_per=_AT_ONCE).execute(query.order_by(timeline.c.id)):
                found.setdefault(row.incident, []).append(ServicesChanged(at=row.at, old=row.old, new=row.new))
        return found

    def alerts(self, since: datetime, until: datetime, of: Collection[int] | None = None) -> Iterator[AlertSeen]:
        """Every alert that began from `since` to just before `until`; only those of these incidents where given."""
        decoder = msgspec.json.Decoder(_AlertLine)
        query = select(alerts.c.incident, alerts.c.record).where(
            alerts.c.starts_at >= since, alerts.c.starts_at < until
        )
        with self._database.read() as connection:
            for number, record in connection.execution_options(yield_per=_AT_ONCE).execute(query):
                if of is None or number in of:
                    try:
                        yield AlertSeen(name=decoder.decode(record).labels.alertname, incident=number)
                    except msgspec.DecodeError as error:
                        raise StoreError(f"an alert in the database cannot be read: {error}") from error


def _within(since: datetime, until: datetime) -> ColumnElement[bool]:
    lasting = or_(incidents.c.settled_at.is_(None), incidents.c.settled_at >= since)
    return and_(incidents.c.opened_at < until, or_(incidents.c.opened_at >= since, lasting))
