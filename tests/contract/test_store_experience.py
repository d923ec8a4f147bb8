"""What was learnt is added up in the transaction that decides, on every database."""

from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import pytest
from alembic import command
from alembic.config import Config
from sqlalchemy import create_engine, insert, select

from cmdb.graph import Estate
from cmdb.model import CI
from daemon.clock import ManualClock
from daemon.cycle import Cycle
from daemon.errors import LeaseLost
from daemon.store.schema import alerts, experience
from daemon.store.store import Store
from rules.decision import Listing
from rules.experience import Experience
from rules.incident import Status
from rules.lesson import Lesson, ended, heard
from rules.policy import Policy
from rules.situation import Situation
from tests.builders import T0, at, decision, incident, sighting
from tests.contract.stores import OpenStore, restarted

Commit = Callable[..., None]
DOWN, SLOW = Lesson("alert", "Down", "episodes", 2), Lesson("alert", "Slow", "episodes", 5)


def test_lessons_add_up_and_survive_a_restart(store: Store, commit: Commit, open_store: OpenStore) -> None:
    assert store.lessons() == ()
    commit(lessons=(DOWN, SLOW))
    commit(lessons=(Lesson("alert", "Down", "episodes", 40), Lesson("alert", "Slow", "episodes", -5)))
    known = (Lesson("alert", "Down", "episodes", 42),)
    assert store.lessons() == known
    again = restarted(open_store, store)
    assert again.load(at(0)).lessons == again.lessons() == known


def test_a_daemon_without_the_lease_teaches_nothing(store: Store, commit: Commit) -> None:
    commit(lessons=(DOWN,))
    with pytest.raises(LeaseLost):
        store.commit(decision(lessons=(DOWN, SLOW)), epoch=99)
    assert store.lessons() == (DOWN,)


def test_names_that_databases_refuse_are_kept_as_far_as_they_can_be(store: Store, commit: Commit) -> None:
    long = "𝄞" * 5000
    commit(lessons=(ended("a\x00b\ud800"), heard(long), ended(long)))
    assert [one.key for one in store.lessons()] == ["ab?", long[:256], long[:256]]


def test_what_an_incident_taught_is_kept_with_it(store: Store, commit: Commit) -> None:
    told = incident(1, taught=(DOWN, SLOW), confirmed_root="db1")
    commit(incidents=(told,))
    assert store.incident(1) == told


def test_an_older_database_begins_with_the_cis_that_have_alerted(url: str, open_store: OpenStore) -> None:
    store = open_store()
    if url.startswith("sqlite"):
        Path(url.removeprefix("sqlite:///")).touch()
    engine = create_engine(url)
    config = Config()
    config.set_main_option("script_location", "daemon.store:migrations")
    config.set_main_option("path_separator", "os")
    columns = {"fingerprint": "f", "starts_at": T0, "record": "{}"}
    rows = [{"id": f"a{n}", "ci": ci, **columns} for n, ci in enumerate(["db1", None, "db2", "db1"])]
    with engine.begin() as connection:
        config.attributes["connection"] = connection
        command.upgrade(config, "0001")
        connection.execute(insert(alerts), rows)
    assert not store.is_current()
    store.upgrade()
    with engine.begin() as connection:
        assert sorted(connection.execute(select(experience)).all()) == [
            ("ci", "db1", "heard", 1),
            ("ci", "db2", "heard", 1),
        ]
    engine.dispose()
    assert store.lessons() == (heard("db1"), heard("db2"))


def test_daemons_that_follow_each_other_count_every_episode_once(store: Store, clock: ManualClock) -> None:
    estate = Estate.of([CI(id="db1", type="database"), CI(id="db2", type="database")])

    def cycle() -> Cycle:
        """A daemon that has just been started."""
        situation = Situation(estate, Policy())
        made = Cycle(store, situation, store.acquire("the daemon", timedelta(hours=1)), clock, sources=("prom",))
        made.load()
        return made

    def hear(*cis: str) -> Experience:
        clock.advance(timedelta(seconds=180))
        seen = tuple(sighting("Down", labels={"ci": ci}, starts_at=clock.now()) for ci in cis)
        daemon = cycle()
        daemon.offer(Listing(source="prom", at=clock.now(), sightings=seen))
        daemon.run_once()
        stored = Experience(estate)
        stored.take(store.lessons())
        assert stored.lessons() == daemon.situation.experience.lessons()
        return stored

    for episodes in (1, 2):
        for cis in (("db1",), (), ()):
            found = hear(*cis)
        assert (found.episodes("Down"), found.lone("Down")) == (episodes, episodes)
    assert [i.status for i in store.incidents()] == [Status.RESOLVED]
    assert (found.is_heard("db1"), found.heard_of_type("database")) == (True, 1)
