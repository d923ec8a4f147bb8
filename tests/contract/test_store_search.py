"""Looking for incidents, on every database."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from alembic import command
from alembic.config import Config
from sqlalchemy import create_engine, make_url

from cmdb.model import State
from daemon.store.records import encode
from daemon.store.rows import SORTS, Search
from daemon.store.store import Store
from rules.incident import HitService, Incident, Priority, RootCause, Status
from rules.report import Contact
from tests.builders import at, incident
from tests.contract.stores import OpenStore

Commit = Callable[..., None]


def hit(*services: str) -> tuple[HitService, ...]:
    return tuple(HitService(ci=s, name=s.title(), state=State.DOWN) for s in services)


INCIDENTS = (
    incident(1, group="dba", root=RootCause(ci="db1"), services=hit("shop", "pay"), opened_at=at(0), title="Disk full"),
    incident(
        2,
        group="dba",
        root=RootCause(ci="db2"),
        services=hit("pay"),
        opened_at=at(10),
        updated_at=at(90),
        registered_by="anna",
        contact=Contact(mail="Ben@Example.net"),
    ),
    incident(3, group="network", root=RootCause(ci="tor"), opened_at=at(20), priority=Priority.P1, assignee="Ärna"),
    incident(4, opened_at=at(20), status=Status.CLOSED, closed_at=at(30), resolution="changed the 100% disk_1"),
)


@pytest.mark.parametrize(
    ("which", "wanted"),
    [
        ({}, [4, 3, 2, 1]),
        ({"groups": ["dba"]}, [2, 1]),
        ({"groups": ["dba", "network"]}, [3, 2, 1]),
        ({"cis": ["db2"]}, [2]),
        ({"services": ["pay"]}, [2, 1]),
        ({"services": ["pay", "shop"]}, [2, 1]),
        ({"reporters": ["Anna"]}, [2]),
        ({"reporters": ["ben@example.net", "carl"]}, [2]),
        ({"reporters": ["carl"]}, []),
        ({"since": at(10)}, [4, 3, 2]),
        ({"until": at(20)}, [2, 1]),
        ({"since": at(10), "until": at(20)}, [2]),
        ({"text": "disk"}, [4, 1]),
        ({"text": "full DISK"}, [1]),
        ({"text": "100%"}, [4]),
        ({"text": "k_1"}, [4]),
        ({"text": "_"}, [4]),
        ({"text": "ärna"}, [3]),
        ({"text": "tor"}, [3]),
        ({"text": "inc-2"}, [2]),
        ({"text": "nothing"}, []),
        ({"statuses": ["open"], "services": ["pay"], "text": "db1"}, [1]),
        ({"sort": "number"}, [1, 2, 3, 4]),
        ({"sort": "opened_at"}, [1, 2, 3, 4]),
        ({"sort": "-opened_at"}, [4, 3, 2, 1]),
        ({"sort": "-updated_at"}, [2, 4, 3, 1]),
        ({"sort": "priority"}, [3, 1, 2, 4]),
        ({"sort": "-status", "statuses": ["open", "closed"]}, [3, 2, 1, 4]),
    ],
)
def test_incidents_are_found_and_sorted(store: Store, commit: Commit, which: dict[str, Any], wanted: list[int]) -> None:
    commit(incidents=INCIDENTS)
    search = Search(**which)
    assert [i.number for i in store.incidents(search)] == wanted
    assert [i.number for i in store.incidents(search, limit=2, offset=1)] == wanted[1:3]


def test_what_an_incident_no_longer_is_it_is_not_found_by(store: Store, commit: Commit) -> None:
    commit(incidents=INCIDENTS)
    commit(incidents=(incident(1, group="network", root=RootCause(ci="tor"), services=hit("mail"), title="Link lost"),))
    for gone in ({"groups": ["dba"]}, {"cis": ["db1"]}, {"services": ["pay"]}, {"text": "disk"}):
        assert 1 not in [i.number for i in store.incidents(Search(**gone))]  # type: ignore[arg-type]
    assert [i.number for i in store.incidents(Search(services=["mail"], text="link", cis=["tor"]))] == [1]


def test_an_older_record_can_be_searched_after_the_upgrade(url: str, open_store: OpenStore) -> None:
    if url.startswith("sqlite"):
        Path(str(make_url(url).database)).touch()
    engine = create_engine(url)
    with engine.begin() as connection:
        config = Config()
        config.set_main_option("script_location", "daemon.store:migrations")
        config.set_main_option("path_separator", "os")
        config.attributes["connection"] = connection
        command.upgrade(config, "0001")
        for each in INCIDENTS:
            connection.exec_driver_sql(*_old_row(each, is_sqlite=url.startswith("sqlite")))
    engine.dispose()
    store = open_store()
    store.upgrade()
    for search in (Search(groups=["dba"]), Search(services=["pay"]), Search(cis=["db1", "db2"])):
        assert [i.number for i in store.incidents(search)] == [2, 1]
    assert [i.number for i in store.incidents(Search(text="DISK", sort="-updated_at"))] == [4, 1]


def _old_row(each: Incident, *, is_sqlite: bool) -> tuple[str, tuple[Any, ...]]:
    mark = "?" if is_sqlite else "%s"
    opened: Any = each.opened_at.strftime("%Y-%m-%d %H:%M:%S.%f") if is_sqlite else each.opened_at
    sql = "INSERT INTO incidents (number, status, priority, opened_at, record) VALUES ({0}, {0}, {0}, {0}, {0})"
    return sql.format(mark), (each.number, str(each.status), str(each.priority), opened, encode(each))


def test_nothing_that_is_asked_for_by_index_is_sorted_by_hand(store: Store, commit: Commit, url: str) -> None:
    if not url.startswith("sqlite"):
        pytest.skip("PostgreSQL plans by what a table holds, which is nothing here")
    commit(incidents=INCIDENTS)
    engine = create_engine(url)
    with engine.connect() as connection:
        for name in SORTS:
            plan = connection.exec_driver_sql(
                f'EXPLAIN QUERY PLAN SELECT number FROM incidents ORDER BY "{name}" DESC, number DESC LIMIT 50'  # noqa: S608
            )
            steps = "\n".join(str(row) for row in plan)
            assert "TEMP B-TREE FOR ORDER BY" not in steps, (name, steps)
    engine.dispose()
