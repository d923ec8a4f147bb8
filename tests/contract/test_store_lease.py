"""One daemon decides, and one whose time is over can write nothing."""

import threading
from collections.abc import Callable
from contextlib import suppress
from datetime import timedelta

import psycopg
import pytest
from sqlalchemy import make_url

from daemon.clock import ManualClock
from daemon.errors import LeaseLost, StoreBusy
from daemon.store.store import Store
from tests.builders import alert, at, decision, entry, incident, notice
from tests.contract.stores import TTL, WITHIN_S, OpenStore, child, restarted, together
from tests.postgres import Cluster
from tests.servers import wait_until

Commit = Callable[..., None]

HOLD_FOR_EVER = """
import sys, time
from datetime import timedelta
from daemon.clock import SystemClock
from daemon.store.store import Store
store = Store.open(sys.argv[1], SystemClock())
print(store.acquire("pid 123 on host x", timedelta(days=1)), flush=True)
sys.stdin.read()
time.sleep(1000)
"""


on_sqlite = pytest.mark.parametrize("url", ["sqlite"], indirect=True)
on_postgresql = pytest.mark.parametrize("url", ["postgresql"], indirect=True)


def test_a_second_daemon_is_refused_and_told_why(store: Store, open_store: OpenStore) -> None:
    store.acquire("pid 123 on host x", TTL)
    second = open_store()
    with pytest.raises(StoreBusy, match=r"\(pid 123 on host x\) has worked on this database since \d{4}-"):
        second.acquire("pid 456 on host y", TTL)
    assert second.holder() == "pid 123 on host x"


def test_release_lets_the_next_one_in_with_a_greater_epoch(store: Store, open_store: OpenStore) -> None:
    assert store.holder() is None
    first = store.acquire("one", TTL)
    assert store.acquire("one", TTL) == first
    store.release(first)
    assert store.holder() is None
    second = open_store()
    assert second.acquire("two", TTL) > first
    assert store.holder() == "two"


def test_every_daemon_gets_its_own_epoch(store: Store, open_store: OpenStore) -> None:
    epochs = [store.acquire("one", TTL)]
    for _ in range(3):
        store.release(epochs[-1])
        store = restarted(open_store, store)
        epochs.append(store.acquire("one", TTL))
    assert epochs == sorted(set(epochs))


def test_one_that_lost_the_lease_writes_nothing(store: Store, open_store: OpenStore) -> None:
    old = store.acquire("old", TTL)
    row = store.put("push", "am", b"")
    store.release(old)
    new = open_store().acquire("new", TTL)
    late = decision(alerts=(alert(),), incidents=(incident(),), timeline=(entry(),), notices=(notice(),))
    with pytest.raises(LeaseLost):
        store.commit(late, inbox_ids=[row], epoch=old)
    with pytest.raises(LeaseLost):
        store.commit(late, inbox_ids=[row], epoch=new + 1)
    with pytest.raises(LeaseLost):
        store.renew(old, TTL)
    store.release(old)
    assert store.holder() == "new"
    assert store.load(at(0)).incidents == ()
    assert (store.timeline(1), store.notices(), store.inbox_depth()) == ([], [], 1)


def test_without_any_lease_nothing_is_written(store: Store) -> None:
    with pytest.raises(LeaseLost):
        store.commit(decision(incidents=(incident(),)), epoch=1)


def test_of_many_daemons_that_come_at_once_one_wins(store: Store, open_store: OpenStore) -> None:
    stores = [store, *(open_store() for _ in range(5))]

    def try_it(candidate: Store) -> int | None:
        with suppress(StoreBusy):
            return candidate.acquire("somebody", TTL)
        return None

    results = together(*(lambda candidate=candidate: try_it(candidate) for candidate in stores))
    assert [epoch for epoch in results if epoch is not None] == [1]


@on_sqlite
def test_a_killed_daemon_never_blocks_the_next_on_sqlite(url: str, store: Store) -> None:
    with child(HOLD_FOR_EVER, url) as process:
        assert process.stdout is not None
        first = int(process.stdout.readline())
        assert store.holder() == "pid 123 on host x"
        with pytest.raises(StoreBusy, match="pid 123 on host x"):
            store.acquire("next", TTL)
        process.kill()
    assert store.holder() is None
    assert store.acquire("next", TTL) > first


@on_postgresql
def test_a_lease_runs_out_on_postgresql(store: Store, open_store: OpenStore) -> None:
    old = store.acquire("old", timedelta(0))
    assert store.holder() is None
    new = open_store().acquire("new", TTL)
    assert new > old
    with pytest.raises(LeaseLost):
        store.renew(old, TTL)


def test_renewing_keeps_others_out(store: Store, open_store: OpenStore, clock: ManualClock) -> None:
    epoch = store.acquire("one", timedelta(0))
    store.renew(epoch, TTL)
    clock.advance(timedelta(seconds=29))
    with pytest.raises(StoreBusy):
        open_store().acquire("two", TTL)


@on_postgresql
def test_a_takeover_during_a_commit_undoes_it(
    url: str, store: Store, open_store: OpenStore, postgres_cluster: Cluster
) -> None:
    first = store.acquire("old", TTL)
    store.commit(decision(incidents=(incident(1),)), epoch=first)
    epoch_over = threading.Event()
    name = str(make_url(url).database)
    old = store.acquire("old", timedelta(0))

    def commit_slowly() -> None:
        with pytest.raises(LeaseLost):
            store.commit(decision(alerts=(alert(),), incidents=(incident(1, title="late"),)), epoch=old)
        epoch_over.set()

    with psycopg.connect(host=str(postgres_cluster.directory), user="postgres", dbname=name) as blocker:
        blocker.execute("SELECT * FROM incidents FOR UPDATE")
        worker = threading.Thread(target=commit_slowly)
        worker.start()
        waiting = "SELECT count(*) FROM pg_locks WHERE NOT granted"
        with postgres_cluster.connect(name) as looker:
            wait_until("the commit to wait", lambda: looker.execute(waiting).fetchone() != (0,))
        open_store().acquire("new", TTL)
        blocker.rollback()
    worker.join(WITHIN_S)
    assert epoch_over.is_set()
    assert store.incidents() == [incident(1)]
    assert store.events(10) == []
