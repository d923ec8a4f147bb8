"""What happens again and again: the only user of APScheduler, which only ticks. No deadline lives here."""

import threading
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import structlog
from apscheduler.events import EVENT_JOB_ERROR, EVENT_JOB_MAX_INSTANCES, EVENT_JOB_MISSED
from apscheduler.executors.pool import ThreadPoolExecutor
from apscheduler.schedulers.background import BackgroundScheduler

from daemon.clock import Clock

_log = structlog.get_logger(__name__)
_MOST_THREADS = 64


class Jobs:
    """Calls functions at intervals, each in one thread at a time. `on_failure` hears the name of a job that raised."""

    def __init__(self, clock: Clock, *, threads: int, on_failure: Callable[[str], None]) -> None:
        self._clock = clock
        self._on_failure = on_failure
        self._lock = threading.Lock()
        self._scheduler = BackgroundScheduler(
            timezone=UTC,
            executors={"default": ThreadPoolExecutor(min(threads, _MOST_THREADS))},
            job_defaults={"coalesce": True, "max_instances": 1, "misfire_grace_time": None},
        )
        self._scheduler.add_listener(self._failed, EVENT_JOB_ERROR | EVENT_JOB_MISSED | EVENT_JOB_MAX_INSTANCES)

    def every(self, interval: timedelta, name: str, call: Callable[[], object], *, at_once: bool = True) -> None:
        """Call it every `interval` from now on; a job of the same name is replaced."""
        first: datetime = self._clock.now() + (timedelta() if at_once else interval)
        with self._lock:
            self._scheduler.add_job(
                call,
                "interval",
                seconds=interval.total_seconds(),
                id=name,
                name=name,
                next_run_time=first,
                replace_existing=True,
            )

    def soon(self, name: str) -> None:
        """Call it at once and then again at its interval; nothing where no job is named so."""
        with self._lock:
            if self._scheduler.get_job(name) is not None:
                self._scheduler.modify_job(name, next_run_time=self._clock.now())

    def cancel(self, prefix: str) -> None:
        """Forget every job whose name begins so; a call under way ends by itself."""
        with self._lock:
            for job in self._scheduler.get_jobs():
                if job.id.startswith(prefix):
                    job.remove()

    def start(self) -> None:
        """Begin."""
        self._scheduler.start()

    def stop(self) -> None:
        """Call nothing any more; calls under way are not waited for."""
        if self._scheduler.running:
            self._scheduler.shutdown(wait=False)

    def _failed(self, event: Any) -> None:
        if event.code == EVENT_JOB_ERROR:
            _log.error("job_failed", job=event.job_id, error=f"{type(event.exception).__name__}: {event.exception}")
            self._on_failure(event.job_id)
