"""The two programs that take the same storm, each started as its users would and told the same wait."""

import json
from pathlib import Path
from typing import Protocol

from bench.estate import Site
from tests import daemons
from tests.fakes import Hook
from tests.servers import Alertmanager, Server

WAIT_S = 1
"""How long each gathers before it tells: `incidents.settle` here, `group_wait` and `group_interval` there."""

_ALERTMANAGER = """
route: {{receiver: hook, group_by: [run], group_wait: {wait}s, group_interval: {wait}s, repeat_interval: 1h}}
receivers: [{{name: hook, webhook_configs: [{{url: "{url}", send_resolved: false}}]}}]
"""


class Peer(Protocol):
    """What the benchmark asks of a program under test."""

    name: str
    kept_by: str

    @property
    def server(self) -> Server:
        """The program as a process."""

    def told_at(self, receiver: Hook, now: float) -> float | None:
        """When the receiver knew of everything, in seconds of the monotonic clock; None while it does not."""

    def outcome(self) -> str:
        """What it made of the storm, in words."""


class Incidentd:
    """Told once every alert stands in an incident and the notice of every failed component has arrived."""

    name = "incidentd"
    kept_by = "SQLite, synced to disk"

    def __init__(self, directory: Path, site: Site, receiver: Hook) -> None:
        self.server = daemons.Incidentd(
            directory,
            site.cmdb,
            notifiers=[{"name": "hook", "type": "webhook", "url": receiver.url}],
            notify=[{"to": "hook"}],
            incidents={"settle": f"{WAIT_S}s"},
        )
        self._roots = frozenset(site.roots)
        self._expected = site.size
        self._decided_at: float | None = None

    def told_at(self, receiver: Hook, now: float) -> float | None:
        """The later of the last notice and the moment the last alert had been decided on."""
        if self._decided_at is None and self.server.metric("incidentd_alerts_firing") >= self._expected:
            self._decided_at = now
        if self._decided_at is None:
            return None
        told: dict[str, float] = {}
        for post in receiver.posts:
            told.setdefault(json.loads(post.body)["incident"]["root_cause"]["ci"], post.at)
        return max(self._decided_at, *told.values()) if self._roots <= told.keys() else None

    def outcome(self) -> str:
        """Incidents, and how many of the components that really failed they name."""
        found = self.server.incidents()
        named = self._roots & {i["root_cause"]["ci"] for i in found}
        return f"{len(found)} incident(s), {len(named)} of {len(self._roots)} failed components named"


class PeerAlertmanager:
    """Told once the notifications that have arrived hold every alert between them."""

    name = "Alertmanager"
    kept_by = "memory only"

    def __init__(self, directory: Path, site: Site, receiver: Hook) -> None:
        config = _ALERTMANAGER.format(wait=WAIT_S, url=receiver.url)
        self.server = Alertmanager(directory, config)
        self._expected = site.size
        self._told: set[str] = set()
        self._read = 0
        self._groups: set[str] = set()

    def told_at(self, receiver: Hook, now: float) -> float | None:
        """When the notification came that held the last alert."""
        while self._read < len(receiver.posts):
            post = receiver.posts[self._read]
            self._read += 1
            document = json.loads(post.body)
            self._groups.add(document["groupKey"])
            self._told |= {alert["labels"]["ci"] for alert in document["alerts"]}
            if len(self._told) >= self._expected:
                return post.at
        return None

    def outcome(self) -> str:
        """Groups; it knows of no components."""
        return f"{len(self._groups)} group(s) in {self._read} notification(s), no component named"
