"""What the daemon says about itself: its diary and its metrics."""

import logging
import logging.config
import sys
from collections import Counter as Tally
from collections.abc import Iterable
from typing import Any

import structlog
from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram
from prometheus_client.gc_collector import GCCollector
from prometheus_client.platform_collector import PlatformCollector
from prometheus_client.process_collector import ProcessCollector
from structlog.typing import Processor

from daemon.config.config import LogSettings
from rules.incident import Incident, Priority

_CYCLE_BUCKETS_S = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)
_NOTICE_BUCKETS_S = (0.1, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0, 300.0, 1800.0)
# Libraries that tell at INFO what is our own business to tell.
_QUIET = ("apscheduler", "alembic", "mail.log", "urllib3", "uvicorn")


def set_up_logging(settings: LogSettings) -> None:
    """Send everything that is logged, by us and by libraries, to standard error in one format."""
    shared: list[Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
    ]
    structlog.configure(
        processors=[
            structlog.stdlib.filter_by_level,
            *shared,
            structlog.stdlib.PositionalArgumentsFormatter(),
            structlog.stdlib.ProcessorFormatter.wrap_for_formatter,
        ],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.stdlib.BoundLogger,
        cache_logger_on_first_use=False,
    )
    formatter = structlog.stdlib.ProcessorFormatter(
        foreign_pre_chain=shared,
        processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, *_last(settings)],
    )
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(formatter)
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(settings.level.upper())
    for name in _QUIET:
        logging.getLogger(name).setLevel(max(logging.WARNING, root.level))


def _last(settings: LogSettings) -> list[Processor]:
    if settings.format == "json":
        return [structlog.processors.dict_tracebacks, structlog.processors.JSONRenderer(ensure_ascii=False)]
    return [
        structlog.dev.ConsoleRenderer(colors=sys.stderr.isatty(), exception_formatter=structlog.dev.plain_traceback)
    ]


class Metrics:
    """Everything that is counted, in a registry of its own; docs/metrics-exported.md explains each."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        ProcessCollector(registry=self.registry)
        PlatformCollector(registry=self.registry)
        GCCollector(registry=self.registry)
        self.cycles = self._counter("cycles", "Cycles run, by outcome.", "outcome")
        self.quarantined = self._counter("quarantined", "What could not be decided on and was put aside.", "kind")
        self.polls = self._counter("polls", "Polls of a source, by outcome.", "source", "outcome")
        self.notices = self._counter("notices", "Attempts to deliver a notice, by outcome.", "to", "outcome")
        self.reloads = self._counter("reloads", "Reloads of the configuration, by outcome.", "outcome")
        self.jobs_failed = self._counter("jobs_failed", "Runs of a scheduled job that failed.", "job")
        self.mails = self._counter("mails", "Mails that came in, by what became of them.", "fate")
        self.mailbox_polls = self._counter("mailbox_polls", "Times that the mailbox was read, by outcome.", "outcome")
        self.cycle_seconds = self._histogram("cycle_seconds", "Time of one cycle.", _CYCLE_BUCKETS_S)
        self.notice_seconds = self._histogram(
            "notice_seconds", "Time from the decision to a notice's delivery.", _NOTICE_BUCKETS_S
        )
        self.alerts_firing = self._gauge("alerts_firing", "Alerts that fire now.")
        self.incidents_open = self._gauge("incidents_open", "Incidents not yet resolved, by priority.", "priority")
        self.source_up = self._gauge("source_up", "Whether a source could be read at the last poll.", "source")
        self.inbox_depth = self._gauge("inbox_depth", "Pushes and orders that wait for a decision.")
        self.cis = self._gauge("cmdb_cis", "Configuration items in the CMDB.")

    def count_incidents(self, incidents: Iterable[Incident]) -> None:
        """Set the gauge of open incidents for every priority."""
        tally = Tally(i.priority for i in incidents if i.is_active)
        for priority in Priority:
            self.incidents_open.labels(str(priority)).set(tally[priority])

    def _counter(self, name: str, text: str, *labels: str) -> Counter:
        return Counter(f"incidentd_{name}", text, labels, registry=self.registry)

    def _gauge(self, name: str, text: str, *labels: str) -> Gauge:
        return Gauge(f"incidentd_{name}", text, labels, registry=self.registry)

    def _histogram(self, name: str, text: str, buckets: tuple[float, ...]) -> Histogram:
        return Histogram(f"incidentd_{name}", text, registry=self.registry, buckets=buckets)


def logger(name: str) -> Any:
    """The logger of one module."""
    return structlog.get_logger(name)
