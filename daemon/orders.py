"""People's orders: each waits for the one cycle that decides, in this process or in the daemon at work."""

import os
import socket
import threading
import time
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from concurrent.futures import TimeoutError as FutureTimeout
from datetime import timedelta

from daemon.clock import Clock, SystemClock
from daemon.config.config import Config, LogSettings
from daemon.config.estate import load_estate
from daemon.cycle import Cycle
from daemon.errors import StoreBusy, StoreError
from daemon.inbox import put_order
from daemon.store.store import Store
from daemon.telemetry import set_up_logging
from rules.decision import Decision, Order, Reply
from rules.situation import Situation

PATIENCE_S = 15.0
_ASK_EVERY_S = 0.1
_LEASE = timedelta(seconds=60)


class Orders:
    """The orders that wait for a decision in this process."""

    def __init__(self, store: Store, wake: Callable[[], None]) -> None:
        self._store = store
        self._wake = wake
        self._lock = threading.Lock()
        self._waiting: dict[str, Future[Reply]] = {}

    def order(self, command: Order, put: Callable[[], object] | None = None) -> Reply:
        """Store the order, by `put` where that is given, and wait for its answer; TimeoutError where none came in time,
        the order stays stored."""
        waiting: Future[Reply] = Future()
        with self._lock:
            self._waiting[command.id] = waiting
        try:
            if put is None:
                put_order(self._store, command)
            else:
                put()
            self._wake()
            return waiting.result(PATIENCE_S)
        except FutureTimeout:
            raise TimeoutError("no decision was made in time") from None
        finally:
            with self._lock:
                self._waiting.pop(command.id, None)

    def answer(self, decision: Decision) -> None:
        """Hand the decision's replies to those who wait for them."""
        for reply in decision.replies:
            with self._lock:
                waiting = self._waiting.get(reply.command)
            if waiting is not None and not waiting.done():
                waiting.set_result(reply)


def order_from_outside(config: Config, command: Order) -> Reply:
    """Have an order carried out: by the daemon where one runs, else here.

    TimeoutError where the daemon does not answer in time (the order stays stored); StoreError, ConfigError.
    """
    (reply,) = orders_from_outside(config, [command])
    if reply is None:
        raise TimeoutError("no decision was made in time")
    return reply


def orders_from_outside(config: Config, commands: Sequence[Order]) -> list[Reply | None]:
    """Have orders carried out together, one after the other; None for one that the daemon has not answered in time.

    Those stay stored. StoreError, ConfigError.
    """
    # The answer belongs to standard output, and the diary of one order to nobody.
    set_up_logging(LogSettings(level="error"))
    clock = SystemClock()
    with Store.open(config.database.reveal(), clock) as store:
        store.require_current(config.database_shown)
        for command in commands:
            put_order(store, command)
        if store.holder() is None:
            try:
                return _carry_out(config, store, clock, commands)
            except StoreBusy:
                pass  # a daemon, or another order, came first: it sees what is stored
        return _await_replies(store, commands)


def _await_replies(store: Store, commands: Sequence[Order]) -> list[Reply | None]:
    """Wait as long as answers go on to come."""
    found: dict[str, Reply] = {}
    end = time.monotonic() + PATIENCE_S
    while len(found) < len(commands) and time.monotonic() < end:
        fresh = {c.id: r for c in commands if c.id not in found and (r := store.reply(c.id)) is not None}
        if fresh:
            found |= fresh
            end = time.monotonic() + PATIENCE_S
        else:
            threading.Event().wait(_ASK_EVERY_S)
    return [found.get(c.id) for c in commands]


def _carry_out(config: Config, store: Store, clock: Clock, commands: Sequence[Order]) -> list[Reply | None]:
    """Be the daemon for as long as it takes to come to these orders."""
    estate = load_estate(config.cmdb)
    epoch = store.acquire(holder_name("order"), _LEASE)
    try:
        situation = Situation(estate, config.policy, config.notify)
        cycle = Cycle(store, situation, epoch, clock, sources=configured_names(config))
        cycle.load()
        while None in (replies := [store.reply(c.id) for c in commands]):
            depth = store.inbox_depth()
            cycle.run_once()
            is_stuck = store.inbox_depth() >= depth and any(store.reply(c.id) is None for c in commands)
            if cycle.is_broken or is_stuck:
                raise StoreError("the order is stored but could not be carried out now; the daemon will when it runs")
        return replies
    finally:
        store.release(epoch)


def holder_name(what: str) -> str:
    """How this process is named to others that come to the same database."""
    return f"{what} on {socket.gethostname()}, process {os.getpid()}"


def configured_names(config: Config) -> frozenset[str]:
    """Names of all sources, with the one under which pushes are booked where none is configured."""
    return frozenset({"push", *(source.name for source in config.sources)})
