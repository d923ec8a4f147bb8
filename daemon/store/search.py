"""Incidents by what people search for, and the columns and rows that this needs."""

from collections.abc import Collection
from itertools import product
from typing import Any

from sqlalchemy import ColumnElement, Connection, delete, insert, select, union_all

from daemon.store.engine import Database
from daemon.store.records import clean, incident_of
from daemon.store.rows import Search
from daemon.store.schema import incident_reporters, incident_services, incident_words, incidents
from daemon.store.upsert import upsert
from rules.incident import Incident

_CHUNK = 500
_MOST_WORDS = 10


def search_incidents(database: Database, search: Search, limit: int, offset: int) -> list[Incident]:
    """The incidents that are wanted, in the order that is wanted."""
    # One branch per status and priority, each read off the end of an index: no history, however long, is sorted.
    branches = [
        select(incidents.c.number)
        .where(*_wanted(search), *which)
        .order_by(*_order(search.sort, incidents))
        .limit(limit + offset)
        .subquery()
        for which in product(*_choices(search.statuses, search.priorities))
    ]
    numbers = union_all(*(select(branch.c.number) for branch in branches)).subquery()
    query = select(incidents.c.record).join(numbers, incidents.c.number == numbers.c.number)
    query = query.order_by(*_order(search.sort, incidents)).limit(limit).offset(offset)
    with database.read() as connection:
        return [incident_of(record) for record in connection.execute(query).scalars()]


def index(connection: Connection, changed: Collection[Incident]) -> None:
    """Make changed incidents findable by their services and words, within the transaction of a decision."""
    numbers = [i.number for i in changed]
    for start in range(0, len(numbers), _CHUNK):
        old = incident_services.c.incident.in_(numbers[start : start + _CHUNK])
        connection.execute(delete(incident_services).where(old))
    hit = [{"service": clean(s), "incident": i.number} for i in changed for s in sorted({s.ci for s in i.services})]
    if hit:
        connection.execute(insert(incident_services), hit)
    _index_reporters(connection, changed, numbers)
    upsert(connection, incident_words, ("incident",), [{"incident": i.number, "words": _words(i)} for i in changed])


def _index_reporters(connection: Connection, changed: Collection[Incident], numbers: list[int]) -> None:
    for start in range(0, len(numbers), _CHUNK):
        old = incident_reporters.c.incident.in_(numbers[start : start + _CHUNK])
        connection.execute(delete(incident_reporters).where(old))
    rows = [{"reporter": name, "incident": i.number} for i in changed for name in _reporters(i)]
    if rows:
        connection.execute(insert(incident_reporters), rows)


def _reporters(incident: Incident) -> list[str]:
    """The names by which `rules.ownership` says whose own it is."""
    names = incident.registered_by, incident.contact.mail
    return sorted({clean(name).strip().lower() for name in names} - {""})


def _words(incident: Incident) -> str:
    parts = (
        incident.key,
        incident.title,
        incident.group,
        incident.assignee,
        incident.resolution,
        incident.root.ci or "",
    )
    return clean("\n".join(parts)).casefold()


def _choices(statuses: Collection[str], priorities: Collection[str]) -> list[list[ColumnElement[bool]]]:
    wanted = ((incidents.c.status, statuses), (incidents.c.priority, priorities))
    return [[column == word for word in sorted(set(map(str, words)))] for column, words in wanted if words]


def _wanted(search: Search) -> list[ColumnElement[bool]]:
    found: list[ColumnElement[bool]] = []
    for column, values in ((incidents.c.group, search.groups), (incidents.c.ci, search.cis)):
        if values:
            found.append(column.in_(sorted(map(clean, values))))
    for services in filter(None, (search.services, search.within)):
        hit = incident_services.c.service.in_(sorted(map(clean, services)))
        found.append(incidents.c.number.in_(select(incident_services.c.incident).where(hit)))
    if search.reporters:
        own = incident_reporters.c.reporter.in_(sorted(clean(r).strip().lower() for r in search.reporters))
        found.append(incidents.c.number.in_(select(incident_reporters.c.incident).where(own)))
    if search.since is not None:
        found.append(incidents.c.opened_at >= search.since)
    if search.until is not None:
        found.append(incidents.c.opened_at < search.until)
    words = clean(search.text).casefold().split()[:_MOST_WORDS]
    if words:
        said = [incident_words.c.words.contains(word, autoescape=True) for word in words]
        found.append(incidents.c.number.in_(select(incident_words.c.incident).where(*said)))
    return found


def _order(sort: str, table: Any) -> list[ColumnElement[Any]]:
    """By the column that is asked for, and by number where that is the same."""
    # Each column once: SQLite reads no index alone for an order that names one twice.
    columns = [table.c[name] for name in dict.fromkeys((sort.removeprefix("-"), "number"))]
    return [column.desc() if sort.startswith("-") else column.asc() for column in columns]
