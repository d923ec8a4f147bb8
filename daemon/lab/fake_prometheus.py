"""Stands in for Prometheus where it cannot be installed: the same alerting rules, the part of its API that is read.

It understands no PromQL, and says so when it is asked to.
"""

import threading
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from daemon.clock import Clock
from daemon.lab.alerting import GROUPS, AlertRule, filled
from daemon.lab.control import Control
from daemon.lab.loopback import Answer, HttpServer, Request, json_answer
from daemon.lab.metrics import JOBS, Sample
from rules.document import rfc3339

VERSION = "stand-in"

_Labels = tuple[tuple[str, str], ...]


@dataclass(slots=True, kw_only=True)
class _Watch:
    """One rule and since when each of its label sets is true."""

    group: str
    rule: AlertRule
    hold: timedelta
    active: dict[_Labels, tuple[datetime, float]] = field(default_factory=dict)

    def evaluate(self, found: Mapping[_Labels, float], now: datetime) -> None:
        self.active = {
            labels: (self.active[labels][0] if labels in self.active else now, value)
            for labels, value in sorted(found.items())
        }

    def alerts(self, now: datetime) -> list[dict[str, Any]]:
        return [
            {
                "labels": dict(labels),
                "annotations": {k: filled(v, dict(labels)) for k, v in self.rule.annotations().items()},
                "state": "firing" if now - since >= self.hold else "pending",
                "activeAt": rfc3339(since),
                "value": f"{value:e}",
            }
            for labels, (since, value) in self.active.items()
        ]


class FakePrometheus:
    """Evaluates the lab's rules every `interval_s` seconds and answers as Prometheus would."""

    def __init__(self, control: Control, clock: Clock, *, config: str, interval_s: float = 5.0, port: int = 0) -> None:
        self._control = control
        self._clock = clock
        self._config = config
        self._interval_s = interval_s
        self._lock = threading.Lock()
        self._watches = [
            _Watch(group=group, rule=rule, hold=timedelta(seconds=rule.ticks * interval_s))
            for group, rules in GROUPS.items()
            for rule in rules
        ]
        self._started_at = self._evaluated_at = clock.now()
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._run, name="stand-in for Prometheus", daemon=True)
        self._server = HttpServer("the stand-in for Prometheus", port, self._respond)
        self.url = self._server.url

    def start(self) -> None:
        """Evaluate and answer from now on."""
        self.evaluate()
        self._server.start()
        self._thread.start()

    def stop(self) -> None:
        """Stop both."""
        self._ended.set()
        if self._thread.is_alive():
            self._thread.join(5)
        self._server.stop()

    @property
    def is_running(self) -> bool:
        """Whether it evaluates."""
        return self._thread.is_alive()

    def evaluate(self) -> None:
        """Look at every rule once."""
        samples = [(job, sample) for job in JOBS for sample in self._control.samples((job,))]
        now = self._clock.now()
        with self._lock:
            for watch in self._watches:
                true = {_labels(watch.rule, job, s): s.value for job, s in samples if watch.rule.fires_on(s)}
                watch.evaluate(true, now)
            self._evaluated_at = now

    def _run(self) -> None:
        while not self._ended.wait(self._interval_s):
            self.evaluate()

    def _respond(self, request: Request) -> Answer:
        match request.path:
            case "/-/ready" | "/-/healthy":
                return Answer(body=b"The stand-in for Prometheus is ready.\n", content_type="text/plain")
            case "/api/v1/alerts":
                with self._lock:
                    return _success({"alerts": [a for w in self._watches for a in w.alerts(self._evaluated_at)]})
            case "/api/v1/rules":
                return _success({"groups": self._groups()})
            case "/api/v1/status/config":
                return _success({"yaml": self._config})
            case "/api/v1/status/runtimeinfo":
                started = rfc3339(self._started_at)
                return _success({"startTime": started, "lastConfigTime": started, "reloadConfigSuccess": True})
            case "/api/v1/status/buildinfo":
                return _success({"version": VERSION})
            case "/api/v1/alertmanagers":
                return _success({"activeAlertmanagers": [], "droppedAlertmanagers": []})
        error = "this is the lab's stand-in for Prometheus: it answers alerts, rules and status only"
        return json_answer({"status": "error", "errorType": "not_found", "error": error}, 404)

    def _groups(self) -> list[dict[str, Any]]:
        with self._lock:
            at = self._evaluated_at
            return [
                {
                    "name": group,
                    "file": "rules.yml",
                    "interval": self._interval_s,
                    "limit": 0,
                    "evaluationTime": 0.001,
                    "lastEvaluation": rfc3339(at),
                    "rules": [_rule(watch, at) for watch in self._watches if watch.group == group],
                }
                for group in GROUPS
            ]


def _labels(rule: AlertRule, job: str, sample: Sample) -> _Labels:
    """The labels of the alert that a rule makes of a sample; as in Prometheus an empty label is none."""
    named = {name: value for name, value in sample.labels if value}
    return tuple(sorted({**named, "alertname": rule.name, "job": job, "severity": rule.severity}.items()))


def _rule(watch: _Watch, at: datetime) -> dict[str, Any]:
    alerts = watch.alerts(at)
    states = {alert["state"] for alert in alerts}
    return {
        "type": "alerting",
        "name": watch.rule.name,
        "query": watch.rule.expression,
        "duration": watch.hold.total_seconds(),
        "keepFiringFor": 0,
        "labels": {"severity": watch.rule.severity},
        "annotations": watch.rule.annotations(),
        "alerts": alerts,
        "state": next((s for s in ("firing", "pending") if s in states), "inactive"),
        "health": "ok",
        "evaluationTime": 0.001,
        "lastEvaluation": rfc3339(at),
    }


def _success(data: dict[str, Any]) -> Answer:
    return json_answer({"status": "success", "data": data})
