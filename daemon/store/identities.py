"""Users who log in at a provider of single sign-on: who they are there, and logins that are under way."""

from sqlalchemy import delete, exc, func, insert, select

from daemon.clock import Clock
from daemon.errors import StoreError
from daemon.store.engine import Database
from daemon.store.login_tables import identities, sign_ons
from daemon.store.records import clean
from daemon.store.rows import Doer, SignOnRow
from daemon.store.users import put_user
from rules.access import Role

MOST_UNDER_WAY = 10_000
"""Anybody may begin a login: beyond this the oldest are forgotten."""


class Identities:
    """Who the users of one database are elsewhere."""

    def __init__(self, database: Database, clock: Clock, most_under_way: int = MOST_UNDER_WAY) -> None:
        self._database = database
        self._clock = clock
        self._most = most_under_way

    def user_of(self, issuer: str, subject: str) -> str | None:
        """The name of the user who is this at the provider; None where nobody is."""
        which = (identities.c.issuer == clean(issuer), identities.c.subject == clean(subject))
        with self._database.read() as connection:
            found: str | None = connection.execute(select(identities.c.user).where(*which)).scalar()
            return found

    def add(self, issuer: str, subject: str, name: str, role: Role, *, by: Doer) -> None:
        """Remember a user who has no password and is this at the provider; StoreError where the name is taken, or
        somebody is this already."""
        row = {"issuer": clean(issuer), "subject": clean(subject), "user": clean(name)}
        with self._database.write() as connection:
            known = {"name": name, "password": "", "is_temporary": False}
            put_user(connection, self._clock.now(), known, role, by=by)
            try:
                connection.execute(insert(identities), [row])
            except exc.IntegrityError:
                raise StoreError("somebody is known as this already") from None

    def begin(self, sign_on: SignOnRow) -> None:
        """Remember a login that goes on at the provider."""
        row = {name: clean(getattr(sign_on, name)) for name in ("state", "browser", "nonce", "verifier", "back")}
        with self._database.write() as connection:
            connection.execute(delete(sign_ons).where(sign_ons.c.expires_at <= self._clock.now()))
            if connection.execute(select(func.count()).select_from(sign_ons)).scalar_one() >= self._most:
                oldest = select(sign_ons.c.state).order_by(sign_ons.c.expires_at).limit(max(1, self._most // 10))
                connection.execute(delete(sign_ons).where(sign_ons.c.state.in_(oldest.scalar_subquery())))
            connection.execute(insert(sign_ons), [{**row, "expires_at": sign_on.expires_at}])

    def take(self, state: str, browser: str) -> SignOnRow | None:
        """A login that comes back, once; None where none with that state is under way in that browser (any more)."""
        which = (sign_ons.c.state == clean(state), sign_ons.c.browser == clean(browser))
        live = sign_ons.c.expires_at > self._clock.now()
        with self._database.write() as connection:
            row = connection.execute(delete(sign_ons).where(*which, live).returning(sign_ons)).mappings().one_or_none()
            return None if row is None else SignOnRow(**row)
