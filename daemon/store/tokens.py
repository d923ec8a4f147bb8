"""Access tokens: names, scopes and the digests by which they are recognised. The tokens themselves are never here."""

from datetime import datetime
from typing import Any

from sqlalchemy import delete, exc, insert, select

from daemon.clock import Clock
from daemon.errors import StoreError
from daemon.store.audit import note_act
from daemon.store.engine import Database
from daemon.store.records import clean
from daemon.store.rows import ITSELF, Bearer, Doer, TokenRow
from daemon.store.schema import tokens
from daemon.store.users import user_in


class Tokens:
    """The access tokens of one database."""

    def __init__(self, database: Database, clock: Clock) -> None:
        self._database = database
        self._clock = clock

    def add(
        self,
        name: str,
        digest: str,
        scopes: frozenset[str],
        owner: str = "",
        expires_at: datetime | None = None,
        *,
        by: Doer = ITSELF,
    ) -> None:
        """Remember a token by the SHA-256 of it, in hex; StoreError where the name or the token is taken."""
        now = self._clock.now()
        row = {
            "name": clean(name),
            "digest": digest,
            "scopes": " ".join(sorted(scopes)),
            "created_at": now,
            "owner": clean(owner) or None,
            "expires_at": expires_at,
        }
        with self._database.write() as connection:
            try:
                connection.execute(insert(tokens), [row])
            except exc.IntegrityError:
                raise StoreError(f"there is a token named {name!r} already") from None
            what = f"scopes {row['scopes']}" + (f", of {owner}" if owner else "")
            ends = f", until {expires_at:%Y-%m-%dT%H:%M:%SZ}" if expires_at is not None else ""
            note_act(connection, now, by, "token created", name, what + ends)

    def all(self) -> list[TokenRow]:
        """Every token, by name."""
        with self._database.read() as connection:
            return [_token_of(row) for row in connection.execute(select(tokens).order_by(tokens.c.name))]

    def revoke(self, name: str, *, by: Doer = ITSELF) -> bool:
        """Forget a token; whether there was one of that name."""
        with self._database.write() as connection:
            found = connection.execute(delete(tokens).where(tokens.c.name == clean(name))).rowcount > 0
            if found:
                note_act(connection, self._clock.now(), by, "token revoked", name)
            return found

    def bearer(self, digest: str) -> Bearer | None:
        """Who stands behind the token with that digest, None where there is none."""
        with self._database.read() as connection:
            row = connection.execute(select(tokens).where(tokens.c.digest == clean(digest))).one_or_none()
            if row is None:
                return None
            owner = None if row.owner is None else user_in(connection, row.owner)
            return Bearer(user=owner, token=_token_of(row), expires_at=row.expires_at)


def _token_of(row: Any) -> TokenRow:
    return TokenRow(
        name=row.name,
        scopes=frozenset(row.scopes.split()),
        created_at=row.created_at,
        owner=row.owner or "",
        expires_at=row.expires_at,
    )
