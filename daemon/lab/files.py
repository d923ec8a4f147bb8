"""The configuration files that the lab writes for the programs it starts."""

from dataclasses import dataclass
from importlib import resources
from pathlib import Path
from typing import Any

import yaml

from daemon.lab.alerting import duration, rule_file
from daemon.lab.metrics import JOBS

SERVICE_DESK = "service-desk.yaml"
_WRITTEN = "# Written by the lab at every start; copy it before you change it.\n"


@dataclass(frozen=True, slots=True, kw_only=True)
class Ways:
    """Where the daemon finds the lab's programs; an empty `alertmanager_url` leaves that source out."""

    prometheus_url: str
    alertmanager_url: str
    smtp_port: int
    hook_url: str


def write_prometheus(directory: Path, exporter_port: int, alertmanager_url: str, interval_s: float) -> Path:
    """Write prometheus.yml and rules.yml; returns the path of the first."""
    (directory / "rules.yml").write_text(_WRITTEN + _yaml(rule_file(interval_s)), encoding="utf-8")
    path = directory / "prometheus.yml"
    path.write_text(_WRITTEN + _yaml(_prometheus(exporter_port, alertmanager_url, interval_s)), encoding="utf-8")
    return path


def _prometheus(exporter_port: int, alertmanager_url: str, interval_s: float) -> dict[str, Any]:
    interval = duration(interval_s)
    document: dict[str, Any] = {
        "global": {
            "scrape_interval": interval,
            "scrape_timeout": interval,
            "evaluation_interval": interval,
            "external_labels": {"datacenter": "dc1"},
        },
        "rule_files": ["rules.yml"],
        "scrape_configs": [
            {
                "job_name": job,
                "metrics_path": f"/metrics/{job}",
                # One exporter speaks for everything, so the labels it gives are the right ones.
                "honor_labels": True,
                "static_configs": [{"targets": [f"127.0.0.1:{exporter_port}"]}],
            }
            for job in JOBS
        ],
    }
    if alertmanager_url:
        target = alertmanager_url.removeprefix("http://")
        document["alerting"] = {"alertmanagers": [{"static_configs": [{"targets": [target]}]}]}
    return document


def write_alertmanager(directory: Path) -> Path:
    """Write alertmanager.yml, whose only receiver tells nobody: telling people is the daemon's work."""
    path = directory / "alertmanager.yml"
    document = {
        "route": {"receiver": "nobody", "group_by": ["alertname"], "group_wait": "5s"},
        "receivers": [{"name": "nobody"}],
    }
    path.write_text(_WRITTEN + _yaml(document), encoding="utf-8")
    return path


def database_url(directory: Path) -> str:
    """The database of a daemon that works in this directory."""
    return f"sqlite:///{(directory / 'incidentd.db').resolve()}"


def write_daemon_config(directory: Path, ways: Ways, *, listen: str, interval_s: float, access: str = "open") -> Path:
    """Write incidentd.yaml beside cmdb.yaml, and service-desk.yaml, its rules; returns the path of the first.

    It has the lab's sources, a short quiet time, mail and webhook to the catcher.
    """
    desk = resources.files("daemon.lab").joinpath(SERVICE_DESK).read_text(encoding="utf-8")
    (directory / SERVICE_DESK).write_text(desk, encoding="utf-8")
    every = duration(max(interval_s, 1.0))
    sources = [{"name": "prometheus", "type": "prometheus", "url": ways.prometheus_url, "interval": every}]
    if ways.alertmanager_url:
        sources.append(
            {"name": "alertmanager", "type": "alertmanager", "url": ways.alertmanager_url, "interval": every}
        )
    sources.append({"name": "push", "type": "push"})
    document = {
        "database": database_url(directory),
        "http": {"listen": listen, "access": access, "status": "login"},
        "sources": sources,
        "cmdb": [{"type": "yaml", "path": "cmdb.yaml"}],
        "rules": SERVICE_DESK,
        "notifiers": [
            {
                "name": "operations-mail",
                "type": "email",
                "host": "127.0.0.1",
                "port": ways.smtp_port,
                "tls": "none",
                "from": "incidentd@dc1.example",
                "to": ["operations@dc1.example"],
            },
            {"name": "service-desk", "type": "webhook", "url": ways.hook_url},
        ],
        "notify": [
            {"to": "operations-mail", "when": {"priority": ["P1", "P2", "P3"]}},
            {"to": "service-desk"},
        ],
        "incidents": {"resolve_after": "30s", "reopen_within": "10m", "settle": "10s"},
    }
    path = directory / "incidentd.yaml"
    path.write_text(_WRITTEN + _yaml(document), encoding="utf-8")
    return path


def _yaml(document: Any) -> str:
    return yaml.safe_dump(document, sort_keys=False, width=110)
