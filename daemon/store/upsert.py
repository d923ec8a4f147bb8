"""Insert or replace, in the words of either database."""

from collections.abc import Collection, Sequence
from typing import Any

from sqlalchemy import Connection, Table
from sqlalchemy.dialects import postgresql, sqlite


def upsert(
    connection: Connection,
    table: Table,
    key: Sequence[str],
    rows: list[dict[str, Any]],
    *,
    replace: bool = True,
    added: Collection[str] = (),
) -> None:
    """Insert the rows; one with a known key replaces the old row, or is passed over where `replace` is False.

    The columns named in `added` are numbers to which those of the new row are added.
    """
    if not rows:
        return
    dialect = sqlite if connection.dialect.name == "sqlite" else postgresql
    statement = dialect.insert(table)
    if replace:
        new = {
            name: table.c[name] + statement.excluded[name] if name in added else statement.excluded[name]
            for name in rows[0]
            if name not in key
        }
        statement = statement.on_conflict_do_update(index_elements=key, set_=new)
    else:
        statement = statement.on_conflict_do_nothing(index_elements=key)
    connection.execute(statement, rows)


def insert_new(connection: Connection, table: Table, row: dict[str, Any]) -> bool:
    """Insert the row unless its key is taken; whether it was inserted."""
    dialect = sqlite if connection.dialect.name == "sqlite" else postgresql
    key = next(iter(table.primary_key))
    statement = dialect.insert(table).on_conflict_do_nothing().returning(key)
    return connection.execute(statement, row).first() is not None
