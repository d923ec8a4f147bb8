"""Which schema a database has, and bringing it to ours.

Alembic is slow to import and needed once in the life of a version, so only `upgrade` of an old database loads it.
"""

from sqlalchemy import Connection, inspect, text

from daemon.errors import StoreError
from daemon.store.engine import Database
from daemon.store.schema import REVISIONS

_LOCK = 0x1C1D_E47D
"""Any number that nobody else takes for an advisory lock in this database."""


def is_current(database: Database) -> bool:
    """Whether the tables are there and of this version; StoreError where they are of a newer one."""
    if database.path is not None and not database.path.exists():
        return False
    with database.read() as connection:
        return _revision(connection, database.place) == REVISIONS[-1]


def upgrade(database: Database) -> None:
    """Create or change the tables in one transaction; several daemons may do so at once, one does the work."""
    database.create_file()
    if is_current(database):
        return
    with database.write() as connection:
        if not database.is_sqlite:
            connection.exec_driver_sql("SET LOCAL statement_timeout = 0")
            connection.exec_driver_sql("SET LOCAL lock_timeout = '300s'")
            connection.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": _LOCK})
        if _revision(connection, database.place) != REVISIONS[-1]:
            _run_migrations(connection)


def _revision(connection: Connection, place: str) -> str | None:
    if not inspect(connection).has_table("alembic_version"):
        return None
    found = connection.execute(text("SELECT version_num FROM alembic_version")).scalar()
    if found is None:
        return None
    if found not in REVISIONS:
        raise StoreError(
            f"{place}: it was made by a newer incidentd (schema {found}; this one knows {REVISIONS[-1]}); "
            "install that version again or restore a backup"
        )
    return str(found)


def _run_migrations(connection: Connection) -> None:
    from alembic import command
    from alembic.config import Config

    config = Config()
    config.set_main_option("script_location", "daemon.store:migrations")
    config.set_main_option("path_separator", "os")
    config.attributes["connection"] = connection
    command.upgrade(config, "head")
