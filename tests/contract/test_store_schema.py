"""Making, changing, copying and refusing databases."""

import sqlite3
import stat
import traceback
from contextlib import closing
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path

import pytest
from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import create_engine, inspect, make_url
from sqlalchemy.dialects import sqlite

from daemon.clock import ManualClock
from daemon.errors import StoreError
from daemon.store.schema import REVISIONS, UtcDateTime, metadata
from daemon.store.store import Store
from tests.builders import T0, at, decision, incident
from tests.contract.stores import TTL, OpenStore, together

CLOCK = ManualClock(T0)


def test_an_empty_database_is_not_current_until_upgraded(open_store: OpenStore) -> None:
    store = open_store()
    assert not store.is_current()
    with pytest.raises(StoreError, match="incidentd db upgrade"):
        store.load(at(0))
    with pytest.raises(StoreError, match="incidentd db upgrade"):
        store.put("push", "am", b"")
    store.upgrade()
    assert store.is_current()
    store.upgrade()
    assert store.load(at(0)).next_number == 1


def test_several_daemons_may_upgrade_at_once(open_store: OpenStore) -> None:
    stores = [open_store() for _ in range(4)]
    together(*(store.upgrade for store in stores))
    assert all(store.is_current() for store in stores)


def test_the_migrations_lead_to_the_tables_of_the_code(url: str, store: Store) -> None:
    engine = create_engine(url)
    with engine.connect() as connection:
        context = MigrationContext.configure(connection, opts={"compare_type": True, "compare_server_default": True})
        assert compare_metadata(context, metadata) == []
    engine.dispose()


def test_the_code_knows_every_revision() -> None:
    scripts = ScriptDirectory(str(Path(__file__).parents[2] / "daemon" / "store" / "migrations"))
    assert tuple(reversed([script.revision for script in scripts.walk_revisions()])) == REVISIONS


def test_an_older_database_is_brought_up_with_what_it_holds(url: str, open_store: OpenStore) -> None:
    if url.startswith("sqlite"):
        Path(str(make_url(url).database)).touch()
    engine = create_engine(url)
    with engine.begin() as connection:
        config = Config()
        config.set_main_option("script_location", "daemon.store:migrations")
        config.set_main_option("path_separator", "os")
        config.attributes["connection"] = connection
        command.upgrade(config, REVISIONS[0])
    engine.dispose()
    store = open_store()
    row = store.put("push", "am", b"kept")
    assert not store.is_current()
    store.upgrade()
    assert store.is_current()
    assert [(r.id, r.body) for r in store.pending(10)] == [(row, b"kept")]
    assert store.silences() == []


def test_a_newer_database_is_refused_in_plain_words(url: str, store: Store) -> None:
    engine = create_engine(url)
    with engine.begin() as connection:
        connection.exec_driver_sql("UPDATE alembic_version SET version_num = '9999'")
    engine.dispose()
    for ask in (store.is_current, store.upgrade):
        with pytest.raises(StoreError, match=r"newer incidentd \(schema 9999"):
            ask()


def test_an_upgrade_that_fails_leaves_nothing_behind(url: str, open_store: OpenStore) -> None:
    if url.startswith("sqlite"):
        Path(str(make_url(url).database)).touch()
    store = open_store()
    engine = create_engine(url)
    with engine.begin() as connection:
        connection.exec_driver_sql("CREATE TABLE tokens (stranger INTEGER)")
    with pytest.raises(StoreError, match="already exists"):
        store.upgrade()
    with engine.begin() as connection:
        assert inspect(connection).get_table_names() == ["tokens"]
        connection.exec_driver_sql("DROP TABLE tokens")
    engine.dispose()
    store.upgrade()
    assert store.is_current()


def test_instants_are_exact_and_never_without_a_zone() -> None:
    column, dialect = UtcDateTime(), sqlite.dialect()
    east = datetime(2026, 11, 24, 10, 0, 0, 1, tzinfo=timezone(timedelta(hours=2)))
    bound = column.process_bind_param(east, dialect)
    assert bound == datetime(2026, 11, 24, 8, 0, 0, 1, tzinfo=UTC)
    assert column.process_result_value(datetime(2026, 11, 24, 8), dialect) == T0  # noqa: DTZ001
    with pytest.raises(ValueError, match="time zone"):
        column.process_bind_param(datetime(2026, 11, 24, 8), dialect)  # noqa: DTZ001


@pytest.mark.parametrize(
    ("url", "says"),
    [
        ("sqlite://", "would forget"),
        ("sqlite:///:memory:", "would forget"),
        ("sqlite:///file:x?mode=memory&uri=true", "would forget"),
        ("sqlite:////no/such/directory/x.db", "directory /no/such/directory does not exist"),
        ("mysql://root:s3cret@localhost/x", "'mysql' is not supported"),
        ("s3cret", "cannot be read"),
        ("postgresql://joe:s3cret@127.0.0.1:1/x", "no server answers"),
        ("postgresql+psycopg://joe:s3cret@/x?host=/nowhere", "no server answers"),
        ("postgresql://joe:s3cret@127.0.0.1:nonsense/x", "cannot be read"),
    ],
)
def test_what_cannot_work_is_said_in_plain_words_without_the_password(url: str, says: str) -> None:
    with pytest.raises(StoreError, match=says) as caught:
        Store.open(url, CLOCK)
    assert "s3cret" not in "".join(traceback.format_exception(caught.value))
    assert "\n" not in str(caught.value)


def test_a_database_or_role_that_does_not_exist(postgres_cluster: object) -> None:
    url = postgres_cluster.url("nowhere")  # type: ignore[attr-defined]
    with pytest.raises(StoreError, match='database "nowhere" does not exist'):
        Store.open(url, CLOCK)


def test_another_file_or_a_directory_is_no_database(tmp_path: Path) -> None:
    (tmp_path / "text.db").write_text("no database at all, " * 100)
    with pytest.raises(StoreError, match="not a SQLite database"):
        Store.open(f"sqlite:///{tmp_path / 'text.db'}", CLOCK)
    with pytest.raises(StoreError, match="is a directory"):
        Store.open(f"sqlite:///{tmp_path}", CLOCK)


def test_a_file_is_private_and_made_by_upgrading_only(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    path = tmp_path / "relative % ü.db"
    with Store.open("sqlite:///relative % ü.db", CLOCK) as store:
        monkeypatch.chdir("/")
        assert not store.is_current()
        assert not path.exists()
        store.upgrade()
        store.put("push", "am", b"")
        for file in tmp_path.glob("relative*"):
            assert stat.S_IMODE(file.stat().st_mode) == 0o600


def test_backup_is_whole_and_overwrites_nothing(tmp_path: Path) -> None:
    copy = tmp_path / "copy.db"
    with Store.open(f"sqlite:///{tmp_path / 'a.db'}", CLOCK) as store:
        with pytest.raises(StoreError, match="no such file"):
            store.backup(copy)
        store.upgrade()
        store.commit(decision(incidents=(incident(1),)), epoch=store.acquire("x", TTL))
        store.backup(copy)
        with pytest.raises(StoreError, match="exists already"):
            store.backup(copy)
        with pytest.raises(StoreError, match="cannot be created"):
            store.backup(tmp_path / "nowhere" / "copy.db")
    assert stat.S_IMODE(copy.stat().st_mode) == 0o600
    assert sorted(path.name for path in tmp_path.glob("copy*")) == ["copy.db"]
    with Store.open(f"sqlite:///{copy}", CLOCK) as restored:
        assert restored.incidents() == [incident(1)]


def test_backup_of_postgresql_points_to_its_own_tool(postgres_cluster: object, tmp_path: Path) -> None:
    url = postgres_cluster.create_database()  # type: ignore[attr-defined]
    with Store.open(url, CLOCK) as store, pytest.raises(StoreError, match="pg_dump"):
        store.backup(tmp_path / "copy.db")


def test_a_record_that_cannot_be_read_is_named(tmp_path: Path) -> None:
    path = tmp_path / "a.db"
    with Store.open(f"sqlite:///{path}", CLOCK) as store:
        store.upgrade()
        store.commit(decision(incidents=(incident(1),)), epoch=store.acquire("x", TTL))
        with closing(sqlite3.connect(path)) as raw:
            raw.execute("UPDATE incidents SET record = '{}'")
            raw.commit()
        with pytest.raises(StoreError, match="incident in the database cannot be read"):
            store.load(at(0))
