"""What takes long is worked out once, is kept, and never leaves anybody waiting for ever."""

import threading
from datetime import timedelta

from daemon.clock import ManualClock
from daemon.console.background import Background, Progress
from daemon.errors import StoreError
from tests.builders import T0


def test_it_is_worked_out_once_for_everybody_and_says_how_far_it_is() -> None:
    may_end, has_begun, runs = threading.Event(), threading.Event(), []
    work_of: Background[str] = Background(ManualClock(T0))

    def work(on_progress: Progress) -> str:
        runs.append(1)
        on_progress(3, 10)
        has_begun.set()
        may_end.wait(10)
        return "done"

    key = object()
    first = work_of.ask(key, work)
    assert has_begun.wait(10)
    second = work_of.ask(key, work)
    assert (second.is_there, second.done, second.total) == (False, 3, 10)
    may_end.set()
    while not first.is_there:
        work_of.ask(key, work)
    assert (second.value, len(runs)) == ("done", 1)


def test_it_is_kept_for_its_time_and_its_key() -> None:
    clock, runs = ManualClock(T0), []
    work_of: Background[int] = Background(clock, timedelta(minutes=5))

    def work(_: Progress) -> int:
        runs.append(1)
        return len(runs)

    key = object()
    assert [work_of.ask(key, work).value for _ in range(2)] == [1, 1]
    clock.advance(timedelta(minutes=5))
    assert work_of.ask(key, work).value == 2
    assert work_of.ask(object(), work).value == 3


def test_what_cannot_be_worked_out_is_said() -> None:
    def broken(_: Progress) -> int:
        raise StoreError("the database is gone")

    work_of: Background[int] = Background(ManualClock(T0))
    assert work_of.ask(object(), broken).problem == "the database is gone"
