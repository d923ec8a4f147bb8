"""What the store's suites share: every test runs on SQLite and on PostgreSQL, each on a database of its own."""

import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from datetime import timedelta
from pathlib import Path
from typing import Any, TypeVar

import pytest

from daemon.clock import ManualClock
from daemon.store.store import Store
from rules.decision import Decision
from tests.builders import T0, at, decision

TTL = timedelta(seconds=30)
WITHIN_S = 60.0
"""Patience with threads and child processes: only a broken run ever waits so long."""

T = TypeVar("T")
OpenStore = Callable[[], Store]


def hash_of(store: Store, user: str) -> str | None:
    """The hash of a user's password; None for whom a login lets in by none."""
    found = store.users.credentials(user)
    return None if found is None else found.password_hash


@pytest.fixture
def clock() -> ManualClock:
    """Stands at the beginning of the story."""
    return ManualClock(T0)


@pytest.fixture(params=["sqlite", "postgresql"])
def url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """The address of a database that does not hold anything yet."""
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path / 'incidentd.db'}"
    cluster = request.getfixturevalue("postgres_cluster")
    made: str = cluster.create_database()
    return made


@pytest.fixture
def open_store(url: str, clock: ManualClock) -> Iterator[OpenStore]:
    """Opens the database once more, as another process would."""
    with ExitStack() as stack:
        yield lambda: stack.enter_context(Store.open(url, clock))


@pytest.fixture
def store(open_store: OpenStore) -> Store:
    """The database, with its tables."""
    opened = open_store()
    opened.upgrade()
    return opened


@pytest.fixture
def commit(store: Store) -> Callable[..., None]:
    """Commits a decision that is made of the given fields, as the daemon that holds the lease."""
    epoch = store.acquire("the daemon", TTL)

    def _commit(*, inbox_ids: tuple[int, ...] = (), **fields: Any) -> None:
        store.commit(decision(**fields), inbox_ids=inbox_ids, epoch=epoch)

    return _commit


def restarted(open_store: OpenStore, store: Store) -> Store:
    """The same database after the process has come to an end and begun anew."""
    store.close()
    return open_store()


def everything(store: Store) -> Decision:
    """All that a restart brings back, in the shape in which it was committed."""
    loaded = store.load(at(0))
    return decision(
        incidents=loaded.incidents,
        alerts=loaded.alerts,
        sources=loaded.sources,
        silences=loaded.silences,
        overrides=loaded.overrides,
    )


def together(*tasks: Callable[[], T]) -> list[T]:
    """Run all of them at the same time; their results in order. The first error is raised."""
    start = threading.Barrier(len(tasks))
    results: dict[int, T] = {}
    errors: list[BaseException] = []

    def work(place: int) -> None:
        start.wait(WITHIN_S)
        try:
            results[place] = tasks[place]()
        except BaseException as error:  # noqa: BLE001  carried to the thread of the test
            errors.append(error)

    threads = [threading.Thread(target=work, args=(place,)) for place in range(len(tasks))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(WITHIN_S)
        assert not thread.is_alive(), "a task hangs"
    if errors:
        raise errors[0]
    return [results[place] for place in range(len(tasks))]


def child(program: str, *arguments: str) -> "subprocess.Popen[str]":
    """Another Python process that runs `program`, its output readable line by line."""
    return subprocess.Popen([sys.executable, "-c", program, *arguments], stdout=subprocess.PIPE, text=True)
