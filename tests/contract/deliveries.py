"""What the suites of delivery share: notices as the core writes them, and a deliverer that draws the longest waits."""

import random
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from typing import Any

import msgspec
import pytest

from daemon.clock import ManualClock
from daemon.deliver import Deliverer, Result
from daemon.store.rows import NoticeRow
from daemon.store.store import Store
from notifiers.errors import SendError
from notifiers.samples import samples
from rules.decision import Notice
from tests.builders import notice
from tests.fakes import WITHIN_S, ToldChannel

Commit = Callable[..., None]
LONG = timedelta(seconds=WITHIN_S)
SAMPLES = {content.event: content for content in samples()}
BUSY = SendError("the server is busy", permanent=False)
GONE = SendError("no such room", permanent=True)


class Longest(random.Random):
    """Draws the longest wait there is, so that waits can be told beforehand."""

    def uniform(self, a: float, b: float) -> float:
        """The upper end."""
        return b


def told(key: str, *, number: int = 1, event: str = "opened", to: str = "noc", **fields: Any) -> Notice:
    """A notice as the core writes it: the incident without its alerts."""
    sample = SAMPLES[event]
    assert sample.incident is not None
    record = msgspec.structs.replace(sample.incident, number=f"INC-{number}", alerts=())
    content = fields.pop("body", None) or msgspec.structs.replace(sample, idempotency_key=key, incident=record)
    body = msgspec.json.encode(content)
    return notice(key, to=to, incident=number, event=event, content=body, **fields)


@pytest.fixture
def results() -> list[Result]:
    return []


@pytest.fixture
def deliver(store: Store, clock: ManualClock, results: list[Result]) -> Callable[..., Deliverer]:
    """Makes a deliverer for the given channels."""

    def make(*channels: ToldChannel, **options: Any) -> Deliverer:
        named = {channel.name: channel for channel in channels}
        return Deliverer(store, named, clock, on_result=results.append, rng=Longest(), **options)

    return make


def states(store: Store) -> dict[str, str]:
    return {row.key: row.state for row in store.notices()}


def row_of(store: Store, key: str) -> NoticeRow:
    (row,) = [row for row in store.notices() if row.key == key]
    return row


@contextmanager
def held(*channels: ToldChannel) -> Iterator[None]:
    """Let the channels hang for the length of the block."""
    for channel in channels:
        channel.gate.clear()
    try:
        yield
    finally:
        for channel in channels:
            channel.gate.set()
