"""Second factors of people, as sealed secrets; recovery codes, as digests; and logins that wait for a code."""

from collections.abc import Iterable
from datetime import datetime

from sqlalchemy import Connection, delete, func, insert, select, update

from daemon.clock import Clock
from daemon.store.audit import note_act
from daemon.store.engine import Database
from daemon.store.keys import own_key
from daemon.store.login_tables import half_logins, recovery_codes, second_factors
from daemon.store.records import clean
from daemon.store.rows import ITSELF, Doer, FactorRow
from daemon.store.upsert import upsert
from daemon.store.users import end_sessions, hold_user

_KEY = "second factors"
_NEVER = -1


class SecondFactors:
    """The second factors of the users of one database."""

    def __init__(self, database: Database, clock: Clock) -> None:
        self._database = database
        self._clock = clock

    def key(self) -> bytes:
        """What secrets are sealed with where the configuration has no key of its own."""
        return own_key(self._database, _KEY)

    def begin(self, user: str, sealed: bytes) -> bool:
        """Keep the secret of a factor that counts once it is confirmed, in place of any that never was; False, and
        nothing is kept, where the user has one that counts."""
        row = {"user": clean(user), "sealed": sealed, "confirmed_at": None, "last_step": _NEVER}
        with self._database.write() as connection:
            if _has(connection, user):
                return False
            upsert(connection, second_factors, ["user"], [row])
            return True

    def of(self, user: str) -> FactorRow | None:
        """The factor of a user, confirmed or not."""
        left = select(func.count()).where(recovery_codes.c.user == second_factors.c.user).scalar_subquery()
        query = select(second_factors, left.label("codes_left")).where(second_factors.c.user == clean(user))
        with self._database.read() as connection:
            row = connection.execute(query).one_or_none()
        if row is None:
            return None
        return FactorRow(sealed=bytes(row.sealed), is_confirmed=row.confirmed_at is not None, codes_left=row.codes_left)

    def confirm(self, user: str, sealed: bytes, step: int, codes: Iterable[str], *, keep: str, by: Doer) -> bool:
        """Let the factor with that secret count from now on, by a code of `step`, with digests of recovery `codes`.

        Every session of the user ends but the one with the digest `keep`. False where there is no such factor to
        confirm (any more).
        """
        which = (second_factors.c.user == clean(user), second_factors.c.sealed == sealed)
        now = self._clock.now()
        with self._database.write() as connection:
            hold_user(connection, user)
            waits = update(second_factors).where(*which, second_factors.c.confirmed_at.is_(None))
            if connection.execute(waits.values(confirmed_at=now, last_step=step)).rowcount == 0:
                return False
            _put_codes(connection, user, codes)
            end_sessions(connection, user, keep=keep)
            note_act(connection, now, by, "second factor set up", user)
            return True

    def take_step(self, user: str, step: int, sealed: bytes) -> bool:
        """Accept the code of a step, once: False where that one or a later one was accepted before. `sealed` is the
        secret as it is kept from now on."""
        which = (second_factors.c.user == clean(user), second_factors.c.confirmed_at.is_not(None))
        change = update(second_factors).where(*which, second_factors.c.last_step < step)
        with self._database.write() as connection:
            return connection.execute(change.values(last_step=step, sealed=sealed)).rowcount > 0

    def take_code(self, user: str, digest: str) -> bool:
        """Accept a recovery code, once; False where there is none with that digest (any more)."""
        which = (recovery_codes.c.user == clean(user), recovery_codes.c.digest == clean(digest))
        with self._database.write() as connection:
            if connection.execute(delete(recovery_codes).where(*which)).rowcount == 0:
                return False
            count = select(func.count()).where(recovery_codes.c.user == clean(user))
            left = connection.execute(count).scalar_one()
            note_act(
                connection, self._clock.now(), Doer(name=user, via="login"), "recovery code used", user, f"{left} left"
            )
            return True

    def renew_codes(self, user: str, codes: Iterable[str], *, by: Doer) -> bool:
        """Keep the digests of other recovery codes instead of those there were; False where there is no factor."""
        with self._database.write() as connection:
            if not _has(connection, user):
                return False
            _put_codes(connection, user, codes)
            note_act(connection, self._clock.now(), by, "recovery codes made", user)
            return True

    def remove(self, user: str, *, keep: str = "", by: Doer = ITSELF, action: str = "second factor reset") -> bool:
        """Forget a user's factor and codes, and end every session of theirs but the one with the digest `keep`;
        whether there was one that counted."""
        with self._database.write() as connection:
            hold_user(connection, user)
            had = _has(connection, user)
            connection.execute(delete(second_factors).where(second_factors.c.user == clean(user)))
            connection.execute(delete(recovery_codes).where(recovery_codes.c.user == clean(user)))
            if had:
                end_sessions(connection, user, keep=keep)
                note_act(connection, self._clock.now(), by, action, user)
            return had

    # Logins that wait for a code

    def begin_login(self, digest: str, user: str, expires_at: datetime) -> None:
        """The password was right: wait for the code, in the browser that knows what `digest` is of."""
        row = {"digest": digest, "user": clean(user), "expires_at": expires_at}
        with self._database.write() as connection:
            connection.execute(delete(half_logins).where(half_logins.c.expires_at <= self._clock.now()))
            connection.execute(insert(half_logins), [row])

    def waiting(self, digest: str) -> str | None:
        """Whose login waits in that browser; None where none does (any more)."""
        live = (half_logins.c.digest == clean(digest), half_logins.c.expires_at > self._clock.now())
        with self._database.read() as connection:
            found: str | None = connection.execute(select(half_logins.c.user).where(*live)).scalar()
            return found

    def end_login(self, digest: str) -> bool:
        """The login waits no more; whether it did, which one of many at once is told."""
        with self._database.write() as connection:
            return connection.execute(delete(half_logins).where(half_logins.c.digest == clean(digest))).rowcount > 0


def _has(connection: Connection, user: str) -> bool:
    """Whether a factor of the user counts, held until the transaction ends."""
    query = select(second_factors.c.confirmed_at).where(second_factors.c.user == clean(user)).with_for_update()
    return connection.execute(query).scalar() is not None


def _put_codes(connection: Connection, user: str, codes: Iterable[str]) -> None:
    connection.execute(delete(recovery_codes).where(recovery_codes.c.user == clean(user)))
    connection.execute(insert(recovery_codes), [{"user": clean(user), "digest": digest} for digest in codes])
