"""How content people were with the handling of an incident."""

from datetime import datetime

from sqlalchemy import insert, select

from daemon.store.engine import Database
from daemon.store.record import timeline_row
from daemon.store.records import clean
from daemon.store.schema import ratings, timeline
from daemon.store.upsert import insert_new
from rules.decision import TimelineEntry
from rules.satisfaction import Rating

MOST_READ = 100_000


class Ratings:
    """The answers in one database. An answer decides nothing, so it is stored at once, with its line of history."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def add(self, rating: Rating) -> bool:
        """Keep an answer; False, and nothing is kept, where its link has been answered before."""
        row = {
            "link": clean(rating.link),
            "incident": rating.incident,
            "by": clean(rating.by),
            "score": rating.score,
            "remark": clean(rating.remark),
            "at": rating.at,
        }
        said = f": {rating.remark}" if rating.remark else ""
        entry = TimelineEntry(
            incident=rating.incident,
            at=rating.at,
            kind="rated",
            text=f"rated {rating.score} of 5{said}",
            actor=rating.by,
            new=str(rating.score),
            actor_kind="person",
        )
        with self._database.write() as connection:
            if not insert_new(connection, ratings, row):
                return False
            connection.execute(insert(timeline), [timeline_row(entry)])
            return True

    def of_link(self, link: str) -> Rating | None:
        """The answer that a link got, None while there is none."""
        with self._database.read() as connection:
            row = connection.execute(select(ratings).where(ratings.c.link == clean(link))).mappings().one_or_none()
            return None if row is None else Rating(**row)

    def of_incident(self, number: int) -> list[Rating]:
        """The answers about one incident, in order of time."""
        query = select(ratings).where(ratings.c.incident == number).order_by(ratings.c.at, ratings.c.link)
        with self._database.read() as connection:
            return [Rating(**row) for row in connection.execute(query).mappings()]

    def since(self, since: datetime) -> list[Rating]:
        """The answers given then or later, newest first; at most `MOST_READ`."""
        query = select(ratings).where(ratings.c.at >= since).order_by(ratings.c.at.desc(), ratings.c.link)
        with self._database.read() as connection:
            return [Rating(**row) for row in connection.execute(query.limit(MOST_READ)).mappings()]
