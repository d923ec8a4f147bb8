"""What was done by links in notices, and the key that links are signed with."""

from sqlalchemy import select

from daemon.store.engine import Database
from daemon.store.keys import own_key
from daemon.store.records import clean
from daemon.store.rows import LinkUse
from daemon.store.schema import link_uses
from daemon.store.upsert import insert_new

# The name that it has had since links were for ratings only; another one would end every link that is out.
_KEY = "ratings"


class Links:
    """The links of one database."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def key(self) -> bytes:
        """The secret that links are signed with; made at the first call, and the same for every daemon here."""
        return own_key(self._database, _KEY)

    def use(self, use: LinkUse) -> bool:
        """Keep what was done by a link; False, and nothing is kept, where that was done before."""
        row = {
            "link": clean(use.link),
            "verb": clean(use.verb),
            "incident": use.incident,
            "by": clean(use.by),
            "message": clean(use.message),
            "at": use.at,
        }
        with self._database.write() as connection:
            return insert_new(connection, link_uses, row)

    def used(self, link: str, verb: str) -> LinkUse | None:
        """What was done by a link, None while nothing was."""
        query = select(link_uses).where(link_uses.c.link == clean(link), link_uses.c.verb == clean(verb))
        with self._database.read() as connection:
            row = connection.execute(query).mappings().one_or_none()
            return None if row is None else LinkUse(**row)
