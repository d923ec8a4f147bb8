"""A stretch of the record to learn from: what is in it, and from when on it is whole."""

from collections.abc import Callable
from datetime import timedelta

from daemon.store.engine import open_database
from daemon.store.history import history
from daemon.store.store import Store
from rules.incident import Status
from tests.builders import T0, alert, at, incident

Commit = Callable[..., None]
DAY = 86_400.0


def fill(commit: Commit) -> None:
    """An incident with an alert every day for five days, and an event every noon."""
    days = range(5)
    commit(
        incidents=tuple(incident(n + 1, opened_at=at(n * DAY), status=Status.CLOSED) for n in days),
        alerts=(
            *(alert("db1", incident=n + 1, starts_at=at(n * DAY - 60)) for n in days),
            *(alert("db2", reason="a lone warning", starts_at=at((n + 0.5) * DAY)) for n in days),
        ),
    )


def test_it_holds_what_happened_since(store: Store, commit: Commit) -> None:
    fill(commit)
    found = store.history(at(2.2 * DAY), at(5 * DAY))
    assert (found.since, found.until) == (at(2.2 * DAY), at(5 * DAY))
    assert sorted(i.number for i in found.incidents) == [4, 5]
    starts = sorted(a.starts_at for a in found.alerts)
    assert starts == [at(2.5 * DAY), at(3 * DAY - 60), at(3.5 * DAY), at(4 * DAY - 60), at(4.5 * DAY)]


def test_it_begins_with_the_oldest_thing_known(store: Store, commit: Commit) -> None:
    fill(commit)
    assert store.history(at(-300 * DAY), at(5 * DAY)).since == at(-60)


def test_an_empty_record_holds_nothing(store: Store) -> None:
    found = store.history(T0, T0 + timedelta(days=1))
    assert (found.since, found.incidents, found.alerts) == (T0, (), ())


def test_where_it_is_cut_off_it_says_so(url: str, store: Store, commit: Commit) -> None:
    fill(commit)
    database = open_database(url)
    try:
        by_incidents = history(database, T0, at(5 * DAY), most_incidents=2)
        assert by_incidents.since == at(3 * DAY)
        assert sorted(i.number for i in by_incidents.incidents) == [4, 5]
        by_alerts = history(database, T0, at(5 * DAY), most_alerts=2)
        assert by_alerts.since == at(3.5 * DAY), "events are known from then on"
        assert [i.number for i in by_alerts.incidents] == [5]
    finally:
        database.close()
