"""Access tokens: names, scopes and the digests by which they are recognised. The tokens themselves are never here."""

from sqlalchemy import delete, exc, insert, select

from daemon.clock import Clock
from daemon.errors import StoreError
from daemon.store.engine import Database
from daemon.store.records import clean
from daemon.store.rows import TokenRow
from daemon.store.schema import tokens


class Tokens:
    """The access tokens of one database."""

    def __init__(self, database: Database, clock: Clock) -> None:
        self._database = database
        self._clock = clock

    def add(self, name: str, digest: str, scopes: frozenset[str]) -> None:
        """Remember a token by the SHA-256 of it, in hex; StoreError where the name or the token is taken."""
        row = {
            "name": clean(name),
            "digest": digest,
            "scopes": " ".join(sorted(scopes)),
            "created_at": self._clock.now(),
        }
        with self._database.write() as connection:
            try:
                connection.execute(insert(tokens), [row])
            except exc.IntegrityError:
                raise StoreError(f"there is a token named {name!r} already") from None

    def all(self) -> list[TokenRow]:
        """Every token, by name."""
        columns = tokens.c.name, tokens.c.scopes, tokens.c.created_at
        with self._database.read() as connection:
            found = connection.execute(select(*columns).order_by(tokens.c.name))
            return [
                TokenRow(name=row.name, scopes=frozenset(row.scopes.split()), created_at=row.created_at)
                for row in found
            ]

    def revoke(self, name: str) -> bool:
        """Forget a token; whether there was one of that name."""
        with self._database.write() as connection:
            return connection.execute(delete(tokens).where(tokens.c.name == clean(name))).rowcount > 0

    def scopes(self, digest: str) -> tuple[str, frozenset[str]] | None:
        """Name and scopes of the token with that digest, None where there is none."""
        query = select(tokens.c.name, tokens.c.scopes).where(tokens.c.digest == clean(digest))
        with self._database.read() as connection:
            row = connection.execute(query).one_or_none()
            return None if row is None else (row.name, frozenset(row.scopes.split()))
