"""Jobs on the real scheduler."""

import threading
from collections.abc import Iterator
from datetime import timedelta

import pytest

from daemon.clock import SystemClock
from daemon.jobs import Jobs

PATIENCE_S = 60.0
NEVER = timedelta(hours=1)


@pytest.fixture
def failures() -> list[str]:
    return []


@pytest.fixture
def jobs(failures: list[str]) -> Iterator[Jobs]:
    running = Jobs(SystemClock(), threads=2, on_failure=failures.append)
    running.start()
    yield running
    running.stop()


def test_a_job_that_is_wanted_soon_does_not_wait_for_its_interval(jobs: Jobs) -> None:
    called = threading.Event()
    jobs.every(NEVER, "deliver", called.set, at_once=False)
    jobs.soon("deliver")
    assert called.wait(PATIENCE_S)


def test_nothing_happens_where_no_job_has_the_name(jobs: Jobs) -> None:
    called = threading.Event()
    jobs.every(NEVER, "poll:a", called.set, at_once=False)
    jobs.cancel("poll:")
    jobs.soon("poll:a")
    assert not called.is_set()


def test_a_job_that_raises_is_told_of_and_called_again(jobs: Jobs, failures: list[str]) -> None:
    calls = threading.Semaphore(0)

    def fail() -> None:
        calls.release()
        raise OSError("no")

    jobs.every(timedelta(seconds=0.05), "bad", fail)
    assert calls.acquire(timeout=PATIENCE_S)
    assert calls.acquire(timeout=PATIENCE_S)
    assert failures[0] == "bad"
