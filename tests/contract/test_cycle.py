"""The cycle on a real store: what it keeps, what it puts aside and what it takes up again."""

import sqlite3
from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path

import msgspec
import pytest

from cmdb.graph import Estate
from cmdb.model import CI
from daemon.clock import ManualClock
from daemon.cycle import Cycle
from daemon.errors import LeaseLost
from daemon.store.store import Store
from daemon.telemetry import Metrics
from rules.alert import Sighting
from rules.decision import Command, Listing, Reply, Verb
from rules.policy import Policy
from rules.situation import Situation
from tests.builders import T0, at, sighting

TTL = timedelta(minutes=5)


class Brittle(Estate):
    """An estate in which looking for `poison` breaks."""

    def find(self, name: str) -> str | None:
        """As an estate does, but for the one name."""
        if name == "poison":
            raise ZeroDivisionError("poisoned")
        return super().find(name)


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock(T0)


@pytest.fixture
def store(tmp_path: Path, clock: ManualClock) -> Iterator[Store]:
    with Store.open(f"sqlite:///{tmp_path / 'incidentd.db'}", clock) as opened:
        opened.upgrade()
        yield opened


@pytest.fixture
def metrics() -> Metrics:
    return Metrics()


@pytest.fixture
def make(store: Store, clock: ManualClock, metrics: Metrics) -> Callable[..., Cycle]:
    def cycle(*sources: str) -> Cycle:
        situation = Situation(Brittle.of([CI(id="db1", type="host"), CI(id="db2", type="host")]), Policy())
        epoch = store.acquire("test", TTL)
        return Cycle(store, situation, epoch, clock, sources=sources, metrics=metrics)

    return cycle


def fires(ci: str) -> Sighting:
    return sighting("Down", labels={"ci": ci, "severity": "critical"})


def listing(*cis: str, seconds: float = 0) -> Listing:
    return Listing(source="prom", at=at(seconds), sightings=tuple(map(fires, cis)))


def put_push(store: Store, *sightings: Sighting) -> None:
    store.put("push", "push", msgspec.json.encode(sightings))


def quarantined(metrics: Metrics, kind: str) -> float:
    return metrics.registry.get_sample_value("incidentd_quarantined_total", {"kind": kind}) or 0


def test_one_bad_alert_stops_no_other(make: Callable[..., Cycle], store: Store, metrics: Metrics) -> None:
    cycle = make("prom")
    cycle.offer(listing("db1", "poison"))
    put_push(store, fires("db2"), fires("poison"))
    assert cycle.run_once()
    assert {i.root.ci for i in store.incidents()} == {"db1", "db2"}
    assert store.inbox_depth() == 0
    assert quarantined(metrics, "alert") == 2
    assert not cycle.is_broken


def test_rows_that_nobody_can_read_are_put_aside(make: Callable[..., Cycle], store: Store, metrics: Metrics) -> None:
    store.put("push", "push", b"\xff")
    store.put("command", "anna", b"[]")
    put_push(store, fires("db1"))
    assert make("prom").run_once()
    assert store.inbox_depth() == 0
    assert len(store.incidents()) == 1
    assert (quarantined(metrics, "push"), quarantined(metrics, "command")) == (1, 1)


def test_nothing_is_lost_while_the_store_fails(make: Callable[..., Cycle], store: Store, tmp_path: Path) -> None:
    cycle = make("prom")
    cycle.offer(listing("db1"))
    with sqlite3.connect(tmp_path / "incidentd.db", isolation_level=None) as other:
        other.execute("alter table timeline rename to elsewhere")
        assert not cycle.run_once()
        assert cycle.is_broken
        other.execute("alter table elsewhere rename to timeline")
    other.close()
    assert cycle.run_once()
    assert [i.root.ci for i in store.incidents()] == ["db1"]
    assert not cycle.is_broken


def test_a_daemon_without_the_lease_decides_nothing(make: Callable[..., Cycle], store: Store, tmp_path: Path) -> None:
    cycle = make("prom")
    with sqlite3.connect(tmp_path / "incidentd.db") as other:
        other.execute("update lease set epoch = epoch + 1")
    other.close()
    cycle.offer(listing("db1"))
    with pytest.raises(LeaseLost):
        cycle.run_once()
    assert store.incidents() == []


def test_pushed_alerts_get_time_to_come_again_after_downtime(
    make: Callable[..., Cycle], store: Store, clock: ManualClock
) -> None:
    put_push(store, msgspec.structs.replace(fires("db1"), ends_at=at(60)))
    make("push").run_once()
    clock.advance(timedelta(hours=1))
    later = make("push")
    later.load()
    later.run_once()
    assert len(later.situation.current) == 1
    clock.advance(timedelta(minutes=6))
    later.run_once()
    assert len(later.situation.current) == 0


def test_alerts_of_a_source_that_was_taken_out_end(make: Callable[..., Cycle], clock: ManualClock) -> None:
    first = make("prom")
    first.offer(listing("db1"))
    first.run_once()
    same = make("prom")
    same.run_once()
    assert len(same.situation.current) == 1
    without = make()
    without.load()
    without.run_once()
    assert len(without.situation.current) == 0


def test_every_order_is_answered(make: Callable[..., Cycle], store: Store) -> None:
    cycle = make("prom")
    cycle.offer(listing("db1"))
    cycle.run_once()
    for number in (1, 99):
        order = Command(id=f"c{number}", at=T0, actor="anna", verb=Verb.ACKNOWLEDGE, number=number)
        store.put("command", "anna", msgspec.json.encode(order))
    cycle.run_once()
    replies = [store.reply("c1"), store.reply("c99")]
    assert [r.done for r in replies if isinstance(r, Reply)] == [True, False]


def test_what_was_promised_is_kept_in_mind_over_a_restart(
    make: Callable[..., Cycle], store: Store, clock: ManualClock
) -> None:
    first = make("prom")
    first.offer(listing("db1"))
    first.run_once()
    (incident,) = store.incidents()
    due = incident.due
    assert due is not None
    assert due.due_at is not None
    second = make("prom")
    second.load()
    clock.advance(due.due_at - clock.now() + timedelta(seconds=1))
    assert second.run_once()
    kinds = [e.kind for e in store.timeline(incident.number)]
    assert kinds.count("response_breached") == 1
    assert not second.run_once(), "it is told once"
