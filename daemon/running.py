"""The daemon, put together: the only place that knows all parts."""

import gc
import os
import signal
import sys
import threading
from collections.abc import Mapping
from datetime import timedelta
from functools import partial
from pathlib import Path
from urllib.parse import urlsplit

import structlog

from cmdb.graph import Estate
from daemon.accounts import FIRST_USER, make_first_user
from daemon.acts import actions_of
from daemon.api.app import create_api
from daemon.api.ports import Ports, Readiness
from daemon.api.server import HttpServer
from daemon.backoff import Limits
from daemon.clock import Clock, SystemClock
from daemon.config.config import Config
from daemon.config.estate import estate_remarks, load_all
from daemon.console.routes import console_routes
from daemon.cycle import Cycle
from daemon.deliver import Deliverer, Result, renderer_of
from daemon.errors import ConfigError, LeaseLost, StoreError
from daemon.heart import Heart
from daemon.inbound.matching import Surroundings
from daemon.inbound.reception import Reception
from daemon.jobs import Jobs
from daemon.links import Asked, token_of
from daemon.news import News
from daemon.notify_systemd import Systemd
from daemon.oidc.sign_on import SignOn
from daemon.orders import Orders, configured_names, holder_name
from daemon.sources.alertmanager import AlertmanagerSource
from daemon.sources.poller import Poller
from daemon.sources.prometheus import PrometheusSource
from daemon.sources.settings import DEFAULT_IGNORED_LABELS, SourceSettings
from daemon.store.rows import NoticeRow
from daemon.store.store import Store
from daemon.telemetry import Metrics, set_up_logging
from notifiers.base import Channel, Extras
from notifiers.drawing.illustration import is_pictured
from notifiers.errors import SettingsError
from notifiers.registry import build_channel
from notifiers.settings import EmailSettings
from rules.decision import Decision, SourceFailed
from rules.document import NoticeContent
from rules.situation import Situation

_log = structlog.get_logger(__name__)
_LEASE = timedelta(seconds=30)
_RENEW = timedelta(seconds=10)
_SECOND = timedelta(seconds=1)
_STALE_S = 30.0
_STOP_WITHIN = timedelta(seconds=10)
_MAIL_WITHIN_S = 3.0
_EXIT_WITHIN_S = 25.0


def run_daemon(config_path: Path) -> int:
    """Run until SIGTERM or SIGINT; 0 then, 1 where the lease was lost. What is wrong at the start is raised."""
    config, estate = load_all(config_path)
    set_up_logging(config.log)
    clock = SystemClock()
    with Store.open(config.database.reveal(), clock) as store:
        epoch = _take_over(store)
        try:
            if config.http.access == "login":
                _greet_first_user(make_first_user(store))
            daemon = Daemon(config, estate, store, epoch, clock)
            return daemon.run()
        finally:
            _release(store, epoch)


def _greet_first_user(password: str) -> None:
    """Show the first login, this once and to whoever started the daemon: it is no line of the log."""
    if password:
        words = f"first login: user {FIRST_USER}, password {password} (shown this once; it must be changed then)"
        print(words, file=sys.stderr, flush=True)  # noqa: T201


def _take_over(store: Store) -> int:
    """Make the database fit and become the one daemon that decides."""
    if store.is_current():
        return store.acquire(holder_name("incidentd"), _LEASE)
    store.upgrade()
    return store.acquire(holder_name("incidentd"), _LEASE)


def _release(store: Store, epoch: int) -> None:
    try:
        store.release(epoch)
    except StoreError as error:
        _log.warning("lease_not_released", error=str(error))


class Daemon:
    """Everything that runs, from `run` until a signal."""

    def __init__(self, config: Config, estate: Estate, store: Store, epoch: int, clock: Clock) -> None:
        self._config = config
        self._store = store
        self._epoch = epoch
        self._clock = clock
        self._systemd = Systemd()
        self._metrics = Metrics()
        self._woken = threading.Event()
        self._news = News()
        self._signals: list[int] = []
        self._lost = ""
        situation = Situation(estate, config.policy, config.notify)
        self._orders = Orders(store, self._wake)
        self._cycle = Cycle(
            store,
            situation,
            epoch,
            clock,
            sources=configured_names(config),
            metrics=self._metrics,
            on_decision=self._decided,
        )
        self._reception = self._make_reception(config)
        self._heart = Heart(self._cycle, self._lease_lost)
        self._deliverer = self._make_deliverer(config)
        self._jobs = Jobs(clock, threads=len(config.sources) + 9, on_failure=self._job_failed)
        api = create_api(self._ports(config), console_routes)
        self._server = HttpServer(api, config.http.host, config.http.port)

    def run(self) -> int:
        """Start all parts, wait for signals, stop all parts."""
        self._cycle.load()
        # Whoever held the lease before is gone, or goes: what they were sending must not wait for their claims to end.
        if freed := self._store.free_claims():
            _log.info("notices_taken_over", count=freed)
        for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
            signal.signal(number, self._on_signal)
        # The door first: who sees that the daemon is ready may hand over mail.
        if self._reception is not None:
            self._reception.start()
        self._server.start()
        self._heart.start()
        self._schedule()
        gc.collect()
        gc.freeze()
        self._say_where()
        try:
            return self._wait()
        finally:
            self._stop()

    def _wait(self) -> int:
        while True:
            # A wait without an end would keep Python from running signal handlers on some systems.
            self._woken.wait(60)
            self._woken.clear()
            if self._lost:
                return 1
            pending, self._signals = self._signals, []
            if signal.SIGTERM in pending or signal.SIGINT in pending:
                return 0
            if pending:
                self._reload()

    def _stop(self) -> None:
        """Stop within bounded time, whatever hangs: what is not done then is done after the next start."""
        _log.info("stopping")
        self._systemd.stopping()
        last_resort = threading.Timer(_EXIT_WITHIN_S, os._exit, (1,))
        last_resort.daemon = True
        last_resort.start()
        self._jobs.stop()
        if self._reception is not None:
            self._reception.stop(_MAIL_WITHIN_S)
        self._news.close()
        self._server.stop()
        self._heart.stop(_STOP_WITHIN.total_seconds())
        if not self._deliverer.stop(_STOP_WITHIN):
            _log.warning("notices_abandoned", count=self._deliverer.in_flight)
        last_resort.cancel()
        _log.info("stopped")

    def _on_signal(self, number: int, _: object) -> None:
        self._signals.append(number)
        self._woken.set()

    def _lease_lost(self, reason: str) -> None:
        self._lost = reason
        self._woken.set()

    def _wake(self) -> None:
        self._heart.wake()

    def _schedule(self) -> None:
        self._schedule_polls(self._config)
        self._jobs.every(_SECOND, "deliver", self._deliverer.run_once)
        self._jobs.every(_RENEW, "lease", self._renew)
        if self._reception is not None:
            self._reception.schedule(self._jobs.every)
        if self._systemd.watchdog_s:
            self._jobs.every(timedelta(seconds=self._systemd.watchdog_s / 3), "watchdog", self._feed_watchdog)
        self._jobs.start()

    def _schedule_polls(self, config: Config) -> None:
        for settings in config.sources:
            if settings.type != "push":
                poller = Poller(_source(settings, self._clock), self._clock, settings.interval)
                self._jobs.every(settings.interval, f"poll:{settings.name}", partial(self._poll, poller))

    def _poll(self, poller: Poller) -> None:
        change = poller.run()
        if change is None:
            return
        self._metrics.polls.labels(poller.name, "failed" if isinstance(change, SourceFailed) else "ok").inc()
        self._cycle.offer(change)
        self._wake()

    def _decided(self, decision: Decision) -> None:
        self._orders.answer(decision)
        if not decision.is_empty:
            self._news.tell()
        if decision.notices:
            self._jobs.soon("deliver")

    def _renew(self) -> None:
        try:
            self._store.renew(self._epoch, _LEASE)
        except LeaseLost as error:
            _log.error("lease_lost", error=str(error))
            self._lease_lost(str(error))

    def _feed_watchdog(self) -> None:
        if self._heart.age_s < _STALE_S:
            self._systemd.alive()

    def _job_failed(self, name: str) -> None:
        self._metrics.jobs_failed.labels(name).inc()

    def _accept(self, source: str, body: bytes) -> None:
        self._store.put("push", source, body)
        self._wake()

    def _readiness(self) -> Readiness:
        if self._lost:
            return Readiness(is_ready=False, reason=self._lost)
        if self._heart.age_s > _STALE_S:
            return Readiness(is_ready=False, reason=f"no decision was made for {self._heart.age_s:.0f} s")
        if self._cycle.is_broken:
            return Readiness(is_ready=False, reason="the last cycle failed; the log says why")
        try:
            self._store.inbox_depth()
        except StoreError as error:
            return Readiness(is_ready=False, reason=str(error))
        return Readiness(is_ready=True)

    def _ports(self, config: Config) -> Ports:
        push = next((s for s in config.sources if s.type == "push"), None)
        return Ports(
            store=self._store,
            accept=self._accept,
            order=self._orders.order,
            readiness=self._readiness,
            registry=self._metrics.registry,
            access=config.http.access,
            push_source=push.name if push else "push",
            estate=lambda: self._cycle.situation.estate,
            cmdb_files=lambda: self._config.cmdb,
            policy=lambda: self._cycle.situation.policy,
            roster=lambda: self._cycle.situation.policy.roster,
            subscriptions=lambda: self._cycle.situation.subscriptions,
            notifiers=lambda: [n.name for n in self._config.notifiers],
            channels=lambda: self._deliverer.channels,
            ignore_labels=push.ignore_labels if push else DEFAULT_IGNORED_LABELS,
            hosts=frozenset(filter(None, [urlsplit(config.http.public_url).hostname])),
            is_secure=config.http.public_url.startswith("https://"),
            status=config.http.status,
            status_of=config.http.status_of,
            public_url=config.http.public_url,
            session_lasts=config.http.session,
            second_factor_for=config.http.second_factor,
            second_factor_key=config.http.second_factor_key,
            sign_on=SignOn(config.http.oidc, self._store, self._clock) if config.http.oidc else None,
            clock=self._clock,
            news=self._news,
        )

    def _make_reception(self, config: Config) -> Reception | None:
        if config.inbound is None:
            return None
        around = Surroundings(
            roster=lambda: self._cycle.situation.policy.roster,
            mailers=lambda: [n for n in self._config.notifiers if isinstance(n, EmailSettings)],
            notifiers=lambda: [n.name for n in self._config.notifiers],
        )
        return Reception(
            config.inbound, self._store, self._clock, around, decide=self._orders.order, metrics=self._metrics
        )

    def _make_deliverer(self, config: Config) -> Deliverer:
        return Deliverer(
            self._store,
            _channels(config),
            self._clock,
            renderer=renderer_of(config),
            on_result=self._note_result,
            rating_link=self._rating_link,
            extras=self._extras,
            fallback=config.delivery.fallback,
            limits=_limits(config),
            retry=config.delivery.retry,
            workers=config.delivery.workers,
            per_channel=config.delivery.per_channel,
        )

    def _rating_link(self, row: NoticeRow, content: NoticeContent) -> str:
        """Where the recipient of this notice can say how content they are; the same at every attempt to send it."""
        asked = Asked(
            link=row.key,
            incident=row.incident or 0,
            by=content.recipient.name if content.recipient is not None else row.to,
            expires_at=row.at + self._config.policy.satisfaction.lasts,
        )
        return f"{self._base}/rate/{token_of(self._store.links.key(), asked)}"

    def _extras(self, row: NoticeRow, content: NoticeContent) -> Extras:
        reply_to = self._reception.reply_to(row, content) if self._reception is not None else ""
        estate = self._cycle.situation.estate if self._is_pictured(row, content) else None
        return Extras(actions=actions_of(self._store, row, content, self._base), reply_to=reply_to, estate=estate)

    def _is_pictured(self, row: NoticeRow, content: NoticeContent) -> bool:
        mailers = (n.name for n in self._config.notifiers if isinstance(n, EmailSettings) and n.pictures)
        return row.to in mailers and is_pictured(content, is_call=row.is_call)

    @property
    def _base(self) -> str:
        return self._config.http.public_url or self._server.address

    def _note_result(self, result: Result) -> None:
        self._metrics.notices.labels(result.to, result.outcome).inc()
        if result.outcome == "delivered":
            self._metrics.notice_seconds.observe(result.waited_s)

    def _say_where(self) -> None:
        estate = self._cycle.situation.estate
        _log.info(
            "started",
            address=self._server.address,
            access=self._config.http.access,
            database=self._config.database_shown,
            cis=len(estate),
            sources=[s.name for s in self._config.sources],
            notifiers=[n.name for n in self._config.notifiers],
            process=os.getpid(),
        )
        for remark in (*self._config.remarks, *estate_remarks(self._config, estate)):
            _log.warning("configuration_remark", remark=str(remark))
        self._systemd.ready(f"{self._server.address}, {len(estate)} CIs, {len(self._config.sources)} sources")

    def _reload(self) -> None:
        """Read everything anew and swap it in whole, or keep what there is and say why."""
        self._systemd.reloading()
        try:
            config, estate = load_all(self._config.file)
            channels, renderer = _channels(config), renderer_of(config)
            self._cycle.reconfigure(Situation(estate, config.policy, config.notify), configured_names(config))
        except (ConfigError, SettingsError, StoreError) as error:
            self._metrics.reloads.labels("refused").inc()
            for problem in getattr(error, "problems", (error,)):
                _log.error("reload_refused", problem=str(problem))
            self._systemd.ready("the new configuration is refused; the old one stays in use")
            return
        self._deliverer.reconfigure(
            channels, renderer=renderer, fallback=config.delivery.fallback, limits=_limits(config)
        )
        self._jobs.cancel("poll:")
        self._schedule_polls(config)
        set_up_logging(config.log)
        self._note_what_stays(config)
        self._config = config
        self._metrics.reloads.labels("done").inc()
        _log.info("reloaded", cis=len(estate), sources=[s.name for s in config.sources])
        self._systemd.ready(f"{self._server.address}, {len(estate)} CIs, {len(config.sources)} sources")

    def _note_what_stays(self, config: Config) -> None:
        old = self._config
        for name, is_changed in (
            ("database", old.database.reveal() != config.database.reveal()),
            ("http", old.http != config.http),
            ("inbound", old.inbound != config.inbound),
        ):
            if is_changed:
                _log.warning("needs_restart", setting=name)


def _source(settings: SourceSettings, clock: Clock) -> PrometheusSource | AlertmanagerSource:
    make = PrometheusSource if settings.type == "prometheus" else AlertmanagerSource
    return make(settings.name, settings, clock)


def _channels(config: Config) -> Mapping[str, Channel]:
    return {settings.name: build_channel(settings) for settings in config.notifiers}


def _limits(config: Config) -> dict[str, Limits]:
    return {n.name: Limits(rate=n.rate, concurrency=n.concurrency) for n in config.notifiers}
