"""The one cycle: take what came in, decide, remember, and only then believe it."""

import threading
from collections import deque
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from time import perf_counter

import msgspec
import structlog

from daemon.clock import Clock
from daemon.diary import write_diary
from daemon.errors import LeaseLost, StoreError
from daemon.inbox import change_of
from daemon.isolate import without_bad_sightings
from daemon.recall import recalled
from daemon.resumption import graced, mapped, polled_no_more
from daemon.store.store import Store
from daemon.telemetry import Metrics
from rules.decide import decide
from rules.decision import (
    Change,
    Decision,
    Listing,
    Order,
    Push,
    Recalled,
    Reply,
)
from rules.record import KEPT as RECORDS_KEPT
from rules.situation import Situation, rebuild

_log = structlog.get_logger(__name__)
_BATCH = 500
_MOST_WAITING = 1_000
_FLAW = "the order could not be carried out because of a flaw in incidentd; the log says more"


@dataclass(frozen=True, slots=True)
class _Taken:
    """One change with the inbox row it came in; None where it came from a poll."""

    change: Change
    row: int | None = None


class Cycle:
    """Turns changes into stored decisions, one cycle at a time, for the daemon that holds the lease of `epoch`.

    `sources` are the names of all sources that are configured. `on_decision` hears of every decision once
    it is stored. `offer` may be called from any thread.
    """

    def __init__(
        self,
        store: Store,
        situation: Situation,
        epoch: int,
        clock: Clock,
        *,
        sources: Collection[str] = (),
        metrics: Metrics | None = None,
        on_decision: Callable[[Decision], None] | None = None,
    ) -> None:
        self.situation = situation
        self.is_broken = False
        self._store = store
        self._epoch = epoch
        self._clock = clock
        self._sources = frozenset(sources)
        self._metrics = metrics or Metrics()
        self._on_decision = on_decision
        self._waiting: deque[Change] = deque()
        self._arrivals = threading.Lock()
        self._running = threading.Lock()
        self._is_stale = True

    def offer(self, change: Change) -> None:
        """Have a change decided on in the next cycle. Where many wait, a source's new word replaces its old one."""
        with self._arrivals:
            if len(self._waiting) >= _MOST_WAITING:
                self._drop_oldest(change)
            self._waiting.append(change)

    def run_once(self) -> bool:
        """Run one cycle; whether there was anything to decide. Raises LeaseLost; everything else is dealt with."""
        with self._running:
            began = perf_counter()
            outcome = "failed"
            try:
                did = self._run()
                outcome = "ok"
                self.is_broken = False
                return did
            except LeaseLost:
                raise
            except StoreError as error:
                self._is_stale = self.is_broken = True
                _log.warning("cycle_failed", error=str(error))
                return False
            except Exception:  # noqa: BLE001  a flaw of ours must not end the daemon
                self._is_stale = self.is_broken = True
                _log.exception("cycle_broke")
                return False
            finally:
                self._metrics.cycles.labels(outcome).inc()
                self._metrics.cycle_seconds.observe(perf_counter() - began)

    def reconfigure(self, situation: Situation, sources: Collection[str]) -> None:
        """Decide by another estate, policy and subscriptions from the next cycle on. StoreError leaves all as it is."""
        with self._running:
            self._rebuild(situation, frozenset(sources))

    def load(self) -> None:
        """Take up what the store holds. Raises StoreError."""
        with self._running:
            self._rebuild(self.situation, self._sources)

    def _run(self) -> bool:
        if self._is_stale:
            self._rebuild(self.situation, self._sources)
        taken, bad_rows = self._take()
        now = self._clock.now()
        try:
            decision = decide(self.situation, [*self._recalled(taken), *(t.change for t in taken)], now)
        except Exception:  # noqa: BLE001  one change must not stop the others
            _log.exception("decision_failed", changes=len(taken))
            self._discard(bad_rows)
            return self._one_by_one(taken, now)
        rows = [t.row for t in taken if t.row is not None] + bad_rows
        try:
            self._settle(decision, rows)
        except LeaseLost:
            raise
        except StoreError:
            self._put_back(taken)
            raise
        return bool(taken) or not decision.is_empty

    def _recalled(self, taken: Sequence[_Taken]) -> list[Recalled]:
        return recalled(self._store, self.situation, [t.change for t in taken if isinstance(t.change, Order)])

    def _settle(self, decision: Decision, rows: Sequence[int]) -> None:
        """Remember the decision, then believe it, then tell of it."""
        if rows or not decision.is_empty:
            self._store.commit(decision, inbox_ids=rows, epoch=self._epoch)
        before = {s.name: self.situation.sources.get(s.name) for s in decision.sources}
        self.situation.apply(decision)
        write_diary(decision, self.situation, before)
        self._measure()
        if self._on_decision is not None:
            self._on_decision(decision)

    def _take(self) -> tuple[list[_Taken], list[int]]:
        """What waits, polls first and then the inbox; and the ids of rows that nobody can read."""
        with self._arrivals:
            taken = [_Taken(change) for change in self._waiting]
            self._waiting.clear()
        try:
            rows = self._store.pending(_BATCH)
        except StoreError:
            self._put_back(taken)
            raise
        bad = []
        for row in rows:
            try:
                taken.append(_Taken(change_of(row), row.id))
            except (msgspec.MsgspecError, ValueError) as error:
                bad.append(row.id)
                self._quarantined(row.kind, row=row.id, source=row.source, error=str(error))
        self._metrics.inbox_depth.set(len(rows))
        return taken, bad

    def _put_back(self, taken: Sequence[_Taken]) -> None:
        """Keep what came from polls for the next cycle; what came in by the inbox is there still."""
        with self._arrivals:
            self._waiting.extendleft(reversed([t.change for t in taken if t.row is None]))

    def _drop_oldest(self, change: Change) -> None:
        source = getattr(change, "source", None)
        old = next((c for c in self._waiting if getattr(c, "source", None) == source), self._waiting[0])
        self._waiting.remove(old)

    def _one_by_one(self, taken: Sequence[_Taken], now: datetime) -> bool:
        """After a failed decision: find the change at fault, put it aside, and decide on the others."""
        try:
            self._settle(decide(self.situation, (), now), ())
        except Exception:
            # Not the fault of anything that came in: nothing may be thrown away for it.
            self._put_back(taken)
            raise
        for position, each in enumerate(taken):
            try:
                self._decide_alone(each, now)
            except StoreError:
                self._put_back(taken[position:])
                raise
        return bool(taken)

    def _decide_alone(self, each: _Taken, now: datetime) -> None:
        rows = [] if each.row is None else [each.row]
        change: Change | None = each.change
        if isinstance(change, Listing | Push):
            change, bad = without_bad_sightings(self.situation, change, now)
            for labels, error in bad:
                self._quarantined("alert", source=each.change.source, labels=labels, error=error)  # type: ignore[union-attr]
        try:
            changes = () if change is None else (*self._recalled((each,)), change)
            decision = decide(self.situation, changes, now)
        except Exception as error:  # noqa: BLE001  this is the change at fault
            kind = type(each.change).__name__.lower()
            self._quarantined(kind, row=each.row, error=f"{type(error).__name__}: {error}"[:500])
            decision = Decision(at=now, replies=_refusal(each.change))
        self._settle(decision, rows)

    def _discard(self, rows: Sequence[int]) -> None:
        if rows:
            self._store.commit(Decision(at=self._clock.now()), inbox_ids=rows, epoch=self._epoch)

    def _quarantined(self, kind: str, **known: object) -> None:
        self._metrics.quarantined.labels(kind).inc()
        _log.error("quarantined", kind=kind, **known)

    def _rebuild(self, old: Situation, sources: frozenset[str]) -> None:
        """Build the situation anew from the store, with the estate, policy and subscriptions of `old`."""
        now = self._clock.now()
        loaded = self._store.load(now - max(old.policy.close_after, RECORDS_KEPT))
        fresh = Situation(old.estate, old.policy, old.subscriptions)
        alerts = [graced(mapped(a, fresh), now) for a in loaded.alerts]
        rebuild(
            fresh,
            loaded.incidents,
            alerts,
            loaded.sources,
            now,
            lessons=loaded.lessons,
            silences=loaded.silences,
            overrides=loaded.overrides,
            mailboxes=loaded.mailboxes,
            records=loaded.records,
            next_record=loaded.next_record,
        )
        fresh.next_number = max(fresh.next_number, loaded.next_number)
        self.situation, self._sources, self._is_stale = fresh, sources, False
        self._metrics.source_up.clear()
        for source in sorted(polled_no_more(alerts, sources)):
            _log.info("source_gone", source=source)
            self.offer(Listing(source=source, at=now, sightings=()))
        self._measure()

    def _measure(self) -> None:
        situation = self.situation
        self._metrics.alerts_firing.set(len(situation.current))
        self._metrics.count_incidents(situation.incidents.values())
        self._metrics.cis.set(len(situation.estate))
        for source in situation.sources.values():
            if source.name in self._sources:
                self._metrics.source_up.labels(source.name).set(source.is_up)


def _refusal(change: Change) -> tuple[Reply, ...]:
    return (Reply(command=change.id, done=False, message=_FLAW),) if isinstance(change, Order) else ()
