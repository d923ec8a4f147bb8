"""People who may log in, their sessions, and their attempts at it. Passwords are here as hashes only, sessions as
digests."""

from datetime import datetime
from typing import Any

from sqlalchemy import Connection, delete, exc, exists, insert, select, update

from daemon.clock import Clock
from daemon.errors import StoreError
from daemon.store.audit import note_act
from daemon.store.engine import Database
from daemon.store.login_tables import half_logins, identities, second_factors
from daemon.store.records import clean, encode, names_of
from daemon.store.rows import ITSELF, Bearer, Credentials, Doer, UserRow
from daemon.store.schema import login_attempts, sessions, users
from rules.access import Role
from rules.throttle import MOST_PER_ADDRESS, MOST_PER_NAME, WINDOW, retry_at

_HAS_FACTOR = (
    exists()
    .where(second_factors.c.user == users.c.name, second_factors.c.confirmed_at.is_not(None))
    .label("has_second_factor")
)
_IS_EXTERNAL = exists().where(identities.c.user == users.c.name).label("is_external")
_MORE = (_HAS_FACTOR, _IS_EXTERNAL)
_COLUMNS = [*(c for c in users.c if c.name != "password"), *_MORE]


class Users:
    """The users of one database."""

    def __init__(self, database: Database, clock: Clock) -> None:
        self._database = database
        self._clock = clock

    def add(
        self,
        name: str,
        role: Role,
        groups: tuple[str, ...],
        password_hash: str,
        *,
        is_temporary: bool = False,
        services: tuple[str, ...] = (),
        by: Doer = ITSELF,
    ) -> None:
        """Remember a user, whose password must be changed first where it `is_temporary`, limited to business services
        where some are named; StoreError where the name is taken."""
        row = {"name": name, "password": password_hash, "is_temporary": is_temporary}
        with self._database.write() as connection:
            put_user(connection, self._clock.now(), row, role, groups, services, by=by)

    def all(self) -> list[UserRow]:
        """Every user, by name."""
        with self._database.read() as connection:
            return [_user_of(row) for row in connection.execute(select(*_COLUMNS).order_by(users.c.name))]

    def user(self, name: str) -> UserRow | None:
        """The user of that name."""
        with self._database.read() as connection:
            return user_in(connection, name)

    def credentials(self, name: str) -> Credentials | None:
        """What a login of this name is checked against; None where there is no such user or the user is disabled."""
        query = select(users, *_MORE).where(users.c.name == clean(name), users.c.disabled_at.is_(None))
        with self._database.read() as connection:
            row = connection.execute(query).one_or_none()
            return None if row is None else _credentials_of(row)

    def set_role(self, name: str, role: Role, groups: tuple[str, ...] | None = None, *, by: Doer = ITSELF) -> bool:
        """Give a user another role, and other groups where they are given; every session ends. Whether there is such
        a user."""
        values = {"role": str(role)} if groups is None else {"role": str(role), "groups": " ".join(groups)}
        return self._change(name, values, by, "role changed", _standing(role, groups))

    def set_services(self, name: str, services: tuple[str, ...], *, by: Doer = ITSELF) -> bool:
        """Limit a user to business services, by their ids, or to none any more; every session ends. Whether there is
        such a user."""
        return self._change(name, {"services": encode(services)}, by, "limit changed", _seen(services))

    def set_password(self, name: str, password_hash: str, *, is_temporary: bool = False, by: Doer = ITSELF) -> bool:
        """Give a user another password, to be changed first where it `is_temporary`, and end every session; whether
        there is such a user."""
        values = {"password": password_hash, "is_temporary": is_temporary}
        return self._change(name, values, by, "password changed")

    def set_disabled(self, name: str, *, disabled: bool, by: Doer = ITSELF) -> bool:
        """Let a user in no more, or again, and end every session; whether there is such a user."""
        at = self._clock.now() if disabled else None
        return self._change(name, {"disabled_at": at}, by, "user disabled" if disabled else "user enabled")

    def _change(self, name: str, values: dict[str, Any], by: Doer, action: str, details: str = "") -> bool:
        with self._database.write() as connection:
            # The user first: a login that is under way holds this row until its session can be seen and ended.
            found = connection.execute(update(users).where(users.c.name == clean(name)).values(**values)).rowcount > 0
            if found:
                end_sessions(connection, name)
                note_act(connection, self._clock.now(), by, action, name, details)
            return found

    # Logging in

    def begin_login(self, name: str, address: str) -> datetime | None:
        """Count an attempt before it is known how it ends; when it may be made where there were too many, else None."""
        now = self._clock.now()
        name, address = clean(name), clean(address)
        with self._database.write() as connection:
            if not self._database.is_sqlite:
                # Otherwise attempts made at the same time would not see each other.
                connection.exec_driver_sql("LOCK TABLE login_attempts IN EXCLUSIVE MODE")
            connection.execute(delete(login_attempts).where(login_attempts.c.at <= now - WINDOW))
            for column, value, most in (
                (login_attempts.c.name, name, MOST_PER_NAME),
                (login_attempts.c.address, address, MOST_PER_ADDRESS),
            ):
                made = connection.execute(select(login_attempts.c.at).where(column == value)).scalars().all()
                if (wait := retry_at(made, most, now)) is not None:
                    return wait
            connection.execute(insert(login_attempts), [{"name": name, "address": address, "at": now}])
            return None

    def forget_attempts(self, name: str) -> None:
        """Whoever they were by, they came to a good end."""
        with self._database.write() as connection:
            connection.execute(delete(login_attempts).where(login_attempts.c.name == clean(name)))

    def open_session(self, name: str, digest: str, expires_at: datetime, checked: Credentials | None = None) -> bool:
        """The attempt succeeded: forget those of that name, and remember the session by the SHA-256 of its id.

        False, and nothing is remembered, where the user is no longer as they were when the password was `checked`.
        """
        now = self._clock.now()
        row = {"digest": digest, "user": clean(name), "created_at": now, "expires_at": expires_at}
        with self._database.write() as connection:
            if checked is not None and checked != _credentials_now(connection, name):
                return False
            connection.execute(delete(login_attempts).where(login_attempts.c.name == clean(name)))
            connection.execute(delete(sessions).where(sessions.c.expires_at <= now))
            connection.execute(insert(sessions), [row])
            return True

    def close_session(self, digest: str) -> None:
        """End a session; nothing happens where there is none."""
        with self._database.write() as connection:
            connection.execute(delete(sessions).where(sessions.c.digest == clean(digest)))

    def session_bearer(self, digest: str) -> Bearer | None:
        """Who stands behind the session of that digest, None where there is none."""
        with self._database.read() as connection:
            row = connection.execute(select(sessions).where(sessions.c.digest == clean(digest))).one_or_none()
            user = None if row is None else user_in(connection, row.user)
            return None if row is None or user is None else Bearer(user=user, expires_at=row.expires_at)


def put_user(
    connection: Connection,
    at: datetime,
    row: dict[str, Any],
    role: Role,
    groups: tuple[str, ...] = (),
    services: tuple[str, ...] = (),
    *,
    by: Doer,
) -> None:
    """Add a user within a transaction: `row` has the name, the password's hash, which is empty for who has none, and
    whether it is temporary. StoreError where the name is taken."""
    standing = {"role": str(role), "groups": " ".join(groups), "services": encode(services), "created_at": at}
    try:
        connection.execute(insert(users), [{**row, **standing}])
    except exc.IntegrityError:
        raise StoreError(f"there is a user named {row['name']!r} already") from None
    limit = f", {_seen(services)}" if services else ""
    note_act(connection, at, by, "user added", row["name"], _standing(role, groups) + limit)


def hold_user(connection: Connection, name: str) -> None:
    """Let nobody else change a user, and no login of theirs come to its end, before this transaction has."""
    connection.execute(select(users.c.name).where(users.c.name == clean(name)).with_for_update())


def end_sessions(connection: Connection, name: str, *, keep: str = "") -> None:
    """End a user's sessions, but the one with the digest `keep`, and their logins that are under way."""
    connection.execute(delete(sessions).where(sessions.c.user == clean(name), sessions.c.digest != clean(keep)))
    connection.execute(delete(half_logins).where(half_logins.c.user == clean(name)))


def user_in(connection: Connection, name: str) -> UserRow | None:
    """The user of that name, within a transaction."""
    row = connection.execute(select(*_COLUMNS).where(users.c.name == clean(name))).one_or_none()
    return None if row is None else _user_of(row)


def _credentials_now(connection: Connection, name: str) -> Credentials | None:
    """The same within a transaction, in which nobody else changes the user any more."""
    # Two steps: what is read in the first one may be older than the moment at which the row could be held.
    hold_user(connection, name)
    row = connection.execute(select(users, *_MORE).where(users.c.name == clean(name))).one_or_none()
    return None if row is None else _credentials_of(row)


def _credentials_of(row: Any) -> Credentials:
    return Credentials(user=_user_of(row), password_hash=row.password)


def _standing(role: Role, groups: tuple[str, ...] | None) -> str:
    """A role, and groups where they are spoken of, in words."""
    return f"role {role}" + ("" if groups is None else f", groups {' '.join(groups) or 'none'}")


def _seen(services: tuple[str, ...]) -> str:
    """Which services a user sees, in words."""
    return f"sees only {', '.join(services)}" if services else "sees everything"


def _user_of(row: Any) -> UserRow:
    return UserRow(
        name=row.name,
        role=Role(row.role),
        groups=tuple(row.groups.split()),
        created_at=row.created_at,
        disabled_at=row.disabled_at,
        is_temporary=row.is_temporary,
        has_second_factor=bool(row.has_second_factor),
        is_external=bool(row.is_external),
        services=names_of(row.services),
    )
