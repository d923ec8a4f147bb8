"""Telling people: claims notices, sends them, and records what became of each. At least once, never silently lost."""

import random
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Literal

import msgspec
import structlog

from daemon.backoff import NO_LIMITS, Lane, Limits, RetryPolicy
from daemon.clock import Clock
from daemon.config.config import Config
from daemon.store.rows import NoticeRow
from daemon.store.store import Store
from notifiers.base import NO_EXTRAS, Channel, Extras, Message
from notifiers.errors import SendError
from notifiers.render import Renderer
from rules.decision import Notice, Way
from rules.document import NoticeContent, alert_document

Enrich = Callable[[NoticeRow], NoticeContent]
RatingLink = Callable[[NoticeRow, NoticeContent], str]
Outcome = Literal["delivered", "retry", "passed", "dead"]
ExtrasOf = Callable[[NoticeRow, NoticeContent], Extras]

_log = structlog.get_logger(__name__)
_SPARE = timedelta(seconds=20)
_STUCK = 200


def renderer_of(config: Config) -> Renderer:
    """What makes messages as the configuration wants them; without links where the port is not known beforehand."""
    return config.messages.renderer(config.http.base_url if config.http.port else "")


def by_another_way(row: NoticeRow, fallback: str) -> Notice | None:
    """The same notice by the next of its ways, after the last of them through the fallback; None where none is left.

    The fallback tells its own recipients: a person's address elsewhere means nothing there, and their answer is theirs.
    """
    ways = row.others or ((Way(via=fallback),) if fallback and fallback != row.to else ())
    if not ways:
        return None
    content, way = msgspec.json.decode(row.content, type=NoticeContent), ways[0]
    key = f"{row.key}~{way.via}"
    content = msgspec.structs.replace(content, idempotency_key=key)
    if content.recipient is not None:
        recipient = msgspec.structs.replace(content.recipient, address=way.address)
        content = msgspec.structs.replace(content, recipient=recipient)
    if not row.others:
        content = msgspec.structs.replace(content, asks_rating=False, rating_url="")
    return Notice(
        key=key,
        to=way.via,
        event=row.event,
        reason=row.reason,
        at=row.at,
        incident=row.incident,
        content=msgspec.json.encode(content),
        person=row.person,
        subject=row.subject,
        others=ways[1:],
        is_call=row.is_call,
        is_urgent=row.is_urgent,
        instead_of=row.instead_of or row.to,
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Result:
    """What became of one attempt, for the metrics. `latency_s` is how long sending took, `waited_s` the time from the
    decision to now."""

    to: str
    event: str
    outcome: Outcome
    attempt: int
    latency_s: float
    waited_s: float
    error: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Ways:
    """Through what notices leave: the channels by name and what each is allowed, who is asked when one fails, and what
    makes the messages."""

    channels: Mapping[str, Channel]
    renderer: Renderer
    fallback: str = ""
    limits: Mapping[str, Limits] = field(default_factory=dict)

    def limits_of(self, name: str) -> Limits:
        """What the named channel is allowed."""
        return self.limits.get(name, NO_LIMITS)


class Deliverer:
    """Sends what the outbox holds, `workers` notices at a time and at most `per_channel` of them through one channel,
    so that a channel that hangs delays no other.

    A notice is claimed only when it can be sent at once, for the time of `lease` or the longest send of any channel
    and some, whichever is more. A daemon that dies leaves claims that run out; the notice goes again under the same
    key. `on_result` hears of every attempt, from the sending thread. `rating_link` makes the address at which the
    recipient of a notice can say how content they are, `extras` what its reader can do from it.
    """

    def __init__(
        self,
        store: Store,
        channels: Mapping[str, Channel],
        clock: Clock,
        *,
        renderer: Renderer | None = None,
        enrich: Enrich | None = None,
        on_result: Callable[[Result], None] | None = None,
        rating_link: RatingLink | None = None,
        extras: ExtrasOf | None = None,
        fallback: str = "",
        limits: Mapping[str, Limits] | None = None,
        retry: RetryPolicy | None = None,
        workers: int = 8,
        per_channel: int = 2,
        lease: timedelta = timedelta(seconds=60),
        rng: random.Random | None = None,
    ) -> None:
        self._store = store
        self._ways = Ways(
            channels=dict(channels), renderer=renderer or Renderer(), fallback=fallback, limits=limits or {}
        )
        self._clock = clock
        self._enrich = enrich or self._with_alerts
        self._on_result = on_result
        self._rating_link = rating_link
        self._extras = extras
        self._retry = retry or RetryPolicy()
        self._workers = workers
        self._per_channel = per_channel
        self._lease = lease
        self._rng = rng or random.Random()  # noqa: S311  jitter, not a secret
        self._lanes: dict[str, Lane] = {}
        self._change = threading.Condition()
        self._is_stopping = False

    def run_once(self) -> int:
        """Start sending everything that is due and has room; returns how many were started, without waiting for them.

        A thread that is done takes the next notice by itself. StoreError where the outbox cannot be read.
        """
        self._go_round_the_dead()
        started = 0
        while (row := self._take()) is not None:
            threading.Thread(target=self._work, args=(row,), name=f"deliver-{row.to}", daemon=True).start()
            started += 1
        return started

    def _go_round_the_dead(self) -> None:
        """Pass on what waits for a channel that has failed so often that nothing is to be expected of it."""
        after, fallback, now = self._retry.fallback_after, self._ways.fallback, self._clock.now()
        with self._change:
            dead = [n for n, lane in self._lanes.items() if lane.failures >= after and lane.is_resting(now)]
        for name in dead:
            error = SendError(f"{name} has failed {after} times in a row or more", permanent=False)
            has_fallback = fallback not in ("", name)
            for row in self._store.claim_stuck(now, self._lease, _STUCK, name, with_other_ways=not has_fallback):
                self._record_failure(row, error, now, 0.0, is_hopeless=True)

    def reconfigure(
        self,
        channels: Mapping[str, Channel],
        *,
        renderer: Renderer,
        fallback: str = "",
        limits: Mapping[str, Limits] | None = None,
    ) -> None:
        """Use these from the next notice on; what is under way ends as it began. Rests are forgotten."""
        with self._change:
            self._ways = Ways(channels=dict(channels), renderer=renderer, fallback=fallback, limits=limits or {})
            for lane in self._lanes.values():
                lane.succeeded()

    def drain(self, timeout: timedelta) -> bool:
        """Send until nothing that is due can be sent any more and all is recorded; False where `timeout` came first."""
        end = time.monotonic() + timeout.total_seconds()
        while True:
            started = self.run_once()
            if not self._is_idle_by(end):
                return False
            if not started:
                return True

    def stop(self, timeout: timedelta) -> bool:
        """Take nothing more and wait for what is under way; False where some of it was not done in time.

        That is abandoned: its claim runs out and it goes again after the next start.
        """
        with self._change:
            self._is_stopping = True
        return self._is_idle_by(time.monotonic() + timeout.total_seconds())

    @property
    def channels(self) -> Mapping[str, Channel]:
        """Through what notices leave now, by name."""
        return self._ways.channels

    @property
    def in_flight(self) -> int:
        """How many notices are being sent now."""
        with self._change:
            return self._busy()

    def resting(self) -> tuple[str, ...]:
        """The channels that rest because they failed again and again."""
        now = self._clock.now()
        with self._change:
            return tuple(sorted(name for name, lane in self._lanes.items() if lane.is_resting(now)))

    def _busy(self) -> int:
        return sum(lane.in_flight for lane in self._lanes.values())

    def _is_idle_by(self, end: float) -> bool:
        with self._change:
            return self._change.wait_for(lambda: not self._busy(), timeout=max(end - time.monotonic(), 0.0))

    def _take(self) -> NoticeRow | None:
        """Claim one notice whose channel has room. Asking and counting are one step, or two threads would overfill."""
        with self._change:
            if self._is_stopping or self._busy() >= self._workers:
                return None
            now = self._clock.now()
            full = [name for name, lane in self._lanes.items() if lane.is_full(now, self._width(name))]
            while rows := self._store.claim(now, self._lease_now(), 1, full):
                (row,) = rows
                lane, rate = self._lanes.setdefault(row.to, Lane()), self._ways.limits_of(row.to).rate
                opens = lane.open_at(now, rate)
                if rate is None or opens is None or row.is_urgent:
                    lane.begins(now, rate)
                    return row
                self._store.postpone(row.key, lane.turn_of_next(opens, rate))
            return None

    def _width(self, name: str) -> int:
        return self._ways.limits_of(name).concurrency or self._per_channel

    def _lease_now(self) -> timedelta:
        longest = max((channel.longest_s for channel in self._ways.channels.values()), default=0.0)
        return max(self._lease, timedelta(seconds=longest) + _SPARE)

    def _work(self, row: NoticeRow | None) -> None:
        while row is not None:
            try:
                self._deliver(row)
            except Exception as error:  # noqa: BLE001  one delivery never ends the others; its claim runs out
                _log.error("delivery_failed", key=row.key, to=row.to, error=type(error).__name__)
            row = self._next(row.to)

    def _next(self, done: str) -> NoticeRow | None:
        """Free the place and take what fits into it, in one step: whoever sees the outbox idle can believe it."""
        with self._change:
            self._lanes[done].in_flight -= 1
            try:
                return self._take()
            except Exception as error:  # noqa: BLE001  the next tick asks again
                _log.warning("outbox_unreadable", error=type(error).__name__)
                return None
            finally:
                self._change.notify_all()

    def _deliver(self, row: NoticeRow) -> None:
        began = time.monotonic()
        error = self._attempt(row)
        took_s = time.monotonic() - began
        now = self._clock.now()
        if error is None:
            self._settle(row.to, None, now)
            self._store.delivered(row.key, now, took_s)
            _log.info("notice_delivered", key=row.key, to=row.to, notice=row.event, attempt=row.attempts)
            self._report(row, "delivered", now, took_s)
            return
        self._settle(row.to, error, now)
        self._record_failure(row, error, now, took_s)

    def _attempt(self, row: NoticeRow) -> SendError | None:
        """Send through its channel; the error, if any, holds no secret."""
        channel = self._ways.channels.get(row.to)
        if channel is None:
            return SendError(f"no notifier named {row.to} is configured any more", permanent=True)
        try:
            message = self._message(row)
            receipt = channel.send(message)
            if receipt.ref and receipt.ref != message.anchor:
                self._store.threads.keep(row.to, _address(message.content), message.thread, receipt.ref)
        except SendError as error:
            return error
        except msgspec.DecodeError:
            return SendError("the notice's content cannot be read", permanent=True)
        except Exception as error:  # noqa: BLE001  whatever a channel does; its text might hold a secret
            return SendError(f"{row.to} failed unexpectedly ({type(error).__name__})", permanent=False)
        return None

    def _asking(self, row: NoticeRow, content: NoticeContent) -> NoticeContent:
        """The same, with the link to the one question where it is to be asked."""
        if not content.asks_rating or self._rating_link is None:
            return content
        return msgspec.structs.replace(content, rating_url=self._rating_link(row, content))

    def _message(self, row: NoticeRow) -> Message:
        """What is sent, as of now: in the conversation that it belongs to, with what its reader can do."""
        content = self._asking(row, self._enrich(row))
        extras = self._extras(row, content) if self._extras is not None else NO_EXTRAS
        message = self._ways.renderer.render(content, sent_at=self._clock.now(), extras=extras, to=row.to)
        if message.fault:
            _log.warning("template_failed", key=row.key, fault=message.fault)
        if message.picture_fault and row.attempts <= 1:
            _log.warning("picture_left_out", key=row.key, to=row.to, why=message.picture_fault)
        return replace(message, anchor=self._store.threads.ref(row.to, _address(content), message.thread))

    def _record_failure(
        self, row: NoticeRow, error: SendError, now: datetime, took_s: float, *, is_hopeless: bool = False
    ) -> None:
        known = {"key": row.key, "to": row.to, "notice": row.event, "attempt": row.attempts, "error": str(error)}
        is_spent = error.permanent or self._retry.is_spent(row.attempts, now - row.at)
        is_late = is_spent or is_hopeless or row.attempts >= self._retry.fallback_after
        if is_late and (by := self._another_way(row)) is not None:
            self._store.pass_on(row, now, str(error), by)
            _log.warning("notice_passed_on", **known, by=by.to)
            self._report(row, "passed", now, took_s, str(error))
            return
        if is_spent:
            self._store.bury(row.key, now, str(error))
            _log.error("notice_dead", **known)
            self._report(row, "dead", now, took_s, str(error))
            return
        at = now + self._retry.wait(row.attempts, self._rng, error.retry_after_s)
        self._store.retry_at(row.key, at, str(error))
        _log.warning("notice_retry", **known, retry_at=at.isoformat())
        self._report(row, "retry", now, took_s, str(error))

    def _another_way(self, row: NoticeRow) -> Notice | None:
        try:
            return by_another_way(row, self._ways.fallback)
        except msgspec.DecodeError:
            return None

    def _settle(self, name: str, error: SendError | None, now: datetime) -> None:
        # A refusal for good is an answer: the channel itself works.
        with self._change:
            lane = self._lanes[name]
            if error is None or error.permanent:
                lane.succeeded()
            else:
                lane.failed(now)

    def _report(
        self,
        row: NoticeRow,
        outcome: Outcome,
        now: datetime,
        took_s: float,
        error: str = "",
    ) -> None:
        if self._on_result is not None:
            waited_s = (now - row.at).total_seconds()
            self._on_result(
                Result(
                    to=row.to,
                    event=row.event,
                    outcome=outcome,
                    attempt=row.attempts,
                    latency_s=took_s,
                    waited_s=waited_s,
                    error=error,
                )
            )

    def _with_alerts(self, row: NoticeRow) -> NoticeContent:
        """The notice as decided, its incident's alerts filled in from the record where it was stored without."""
        content = msgspec.json.decode(row.content, type=NoticeContent)
        incident = content.incident
        if incident is None or incident.alerts or row.incident is None:
            return content
        alerts = sorted(self._store.alerts_of(row.incident), key=lambda a: (a.starts_at, a.id))
        documents = tuple(alert_document(a) for a in alerts)
        return msgspec.structs.replace(content, incident=msgspec.structs.replace(incident, alerts=documents))


def _address(content: NoticeContent) -> str:
    return content.recipient.address if content.recipient is not None else ""
