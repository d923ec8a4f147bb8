"""Service requests, problems and changes: how they are kept and found, and which incidents recur."""

from collections.abc import Collection
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Connection, func, or_, select

from daemon.store.engine import Database
from daemon.store.records import alert_of, clean, encode, record_of
from daemon.store.rows import RecordSearch
from daemon.store.schema import alerts, incidents, records
from rules.incident import SETTLED, Status
from rules.record import Change, Kind, Record
from rules.recurrence import Occurrence

_MOST_WORDS = 10
_MOST_OCCURRENCES = 2_000
MOST_PROBLEMS = 5_000
"""The newest so many are looked at for what has been dealt with already."""


def record_row(record: Record) -> dict[str, Any]:
    """The columns of one record."""
    said = (record.key, record.title, record.description, record.group, record.assignee, record.outcome)
    change = record if isinstance(record, Change) else None
    return {
        "kind": str(record.kind),
        "number": record.number,
        "status": str(record.status),
        "ci": clean("\n".join(("", *record.cis, ""))),
        "words": clean("\n".join(said)).casefold(),
        "opened_at": record.opened_at,
        "settled_at": record.settled_at,
        "starts_at": None if change is None else change.starts_at,
        "ends_at": None if change is None else change.ends_at,
        "record": encode(record),
    }


def kept_records(connection: Connection, since: datetime) -> tuple[Record, ...]:
    """All that may still change, and what was settled after `since`, by kind and number."""
    lively = or_(records.c.settled_at.is_(None), records.c.settled_at >= since)
    query = select(records.c.kind, records.c.record).where(lively).order_by(records.c.kind, records.c.number)
    return tuple(record_of(kind, record) for kind, record in connection.execute(query))


def next_records(connection: Connection) -> dict[Kind, int]:
    """The next number of every kind that has any."""
    query = select(records.c.kind, func.max(records.c.number)).group_by(records.c.kind)
    return {Kind(kind): last + 1 for kind, last in connection.execute(query)}


def record(database: Database, kind: Kind, number: int) -> Record | None:
    """The record of that number, None where there is none."""
    query = select(records.c.record).where(records.c.kind == str(kind), records.c.number == number)
    with database.read() as connection:
        found = connection.execute(query).scalar()
        return None if found is None else record_of(kind, found)


def search_records(database: Database, search: RecordSearch, limit: int, offset: int) -> list[Record]:
    """The records that are wanted, newest first, or by their plan."""
    query = select(records.c.kind, records.c.record).where(*_wanted(search))
    order = (records.c.starts_at, records.c.number) if search.by_plan else (records.c.number.desc(),)
    query = query.order_by(*order).limit(limit).offset(offset)
    with database.read() as connection:
        return [record_of(kind, found) for kind, found in connection.execute(query)]


def count_records(database: Database, search: RecordSearch) -> dict[str, int]:
    """How many of the records that are wanted are in each state."""
    query = select(records.c.status, func.count().label("found")).where(*_wanted(search)).group_by(records.c.status)
    with database.read() as connection:
        return {row.status: row.found for row in connection.execute(query)}


def occurrences(database: Database, since: datetime, least: int, ci: str = "") -> list[Occurrence]:
    """The incidents since then of every CI, or of this one, that was the root of at least so many, newest first."""
    real = [
        incidents.c.opened_at >= since,
        incidents.c.ci.is_not(None),
        incidents.c.status.not_in([str(s) for s in SETTLED if s is not Status.CLOSED]),
        *([incidents.c.ci == clean(ci)] if ci else []),
    ]
    often = select(incidents.c.ci).where(*real).group_by(incidents.c.ci).having(func.count() >= least)
    query = select(incidents.c.number, incidents.c.ci, incidents.c.opened_at).where(*real, incidents.c.ci.in_(often))
    query = query.order_by(incidents.c.opened_at.desc(), incidents.c.number.desc()).limit(_MOST_OCCURRENCES)
    with database.read() as connection:
        found = connection.execute(query).all()
        names = _alert_names(connection, {row.number: row.ci for row in found})
    return [
        Occurrence(incident=row.number, ci=row.ci, opened_at=row.opened_at, alerts=frozenset(names.get(row.number, ())))
        for row in found
    ]


def _alert_names(connection: Connection, roots: dict[int, str]) -> dict[int, set[str]]:
    """Names of the alerts that each incident had on its root."""
    names: dict[int, set[str]] = {}
    query = select(alerts.c.incident, alerts.c.ci, alerts.c.record)
    for number in _chunks(sorted(roots)):
        for incident, ci, found in connection.execute(query.where(alerts.c.incident.in_(number))):
            if ci == roots[incident]:
                names.setdefault(incident, set()).add(alert_of(found).name)
    return names


def _chunks(numbers: list[int], size: int = 500) -> Collection[list[int]]:
    return [numbers[start : start + size] for start in range(0, len(numbers), size)]


def _wanted(search: RecordSearch) -> list[ColumnElement[bool]]:
    found: list[ColumnElement[bool]] = [records.c.kind == str(search.kind)]
    if search.statuses:
        found.append(records.c.status.in_(sorted(map(str, search.statuses))))
    if search.cis:
        found.append(or_(*(records.c.ci.contains(f"\n{clean(ci)}\n", autoescape=True) for ci in sorted(search.cis))))
    # Keys and values as the record is written; no text inside a value holds a bare quotation mark.
    if search.opened_by:
        found.append(_written(f'"opened_by":{encode(clean(search.opened_by))},'))
    if search.groups:
        found.append(or_(*(_written(f'"group":{encode(clean(group))},') for group in sorted(search.groups))))
    if search.services:
        found.append(or_(*(_of_service(service) for service in sorted(search.services))))
    if search.since is not None:
        found.append(records.c.ends_at >= search.since)
    if search.until is not None:
        found.append(records.c.starts_at < search.until)
    words = clean(search.text).casefold().split()[:_MOST_WORDS]
    return [*found, *(records.c.words.contains(word, autoescape=True) for word in words)]


def _written(said: str) -> ColumnElement[bool]:
    return records.c.record.contains(said, autoescape=True)


def _of_service(service: str) -> ColumnElement[bool]:
    """Whether the list of services has this one: what stands between that key and the next is its members."""
    member = _escaped(encode(clean(service)))
    return records.c.record.like(f'%"services":[%{member}%],"outcome":%', escape="/")


def _escaped(text: str) -> str:
    return text.replace("/", "//").replace("%", "/%").replace("_", "/_")
