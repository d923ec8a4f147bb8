"""Keys that are made here when they are first needed, and are the same for every daemon of a database."""

import secrets as chance

from sqlalchemy import select

from daemon.store.engine import Database
from daemon.store.schema import secrets
from daemon.store.upsert import insert_new

_KEY_BYTES = 32


def own_key(database: Database, name: str) -> bytes:
    """The key of that name, 32 random bytes."""
    query = select(secrets.c.value).where(secrets.c.name == name)
    with database.read() as connection:
        found = connection.execute(query).scalar()
    if found is not None:
        return bytes(found)
    with database.write() as connection:
        insert_new(connection, secrets, {"name": name, "value": chance.token_bytes(_KEY_BYTES)})
        return bytes(connection.execute(query).scalar_one())
