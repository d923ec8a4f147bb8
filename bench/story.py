"""What a named scenario is made of: an estate, what monitoring says of it, what else happens, what people should see.

All times are seconds since the scenario began.
"""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

BEGAN_AT = datetime(2026, 3, 2, 8, 0, tzinfo=UTC)
_NEVER = "0001-01-01T00:00:00Z"


@dataclass(frozen=True, slots=True, kw_only=True)
class Spell:
    """One alert from firing to clearing, as it is received.

    `causes` are the failed CIs of which any explains it; none: it has nothing to do with any failure.
    """

    ci: str
    at: float
    until: float
    causes: frozenset[str]
    name: str = "Down"
    severity: str = "critical"

    @property
    def labels(self) -> dict[str, str]:
        """Its label set, which is its identity."""
        return {"alertname": self.name, "ci": self.ci, "severity": self.severity}

    def events(self) -> Iterator[tuple[float, Mapping[str, Any]]]:
        """The two events in Alertmanager's shape, each with when it is received."""
        for at, status, ends_at in ((self.at, "firing", _NEVER), (self.until, "resolved", spelled(self.until))):
            yield (
                at,
                {
                    "receivedAt": spelled(at),
                    "status": status,
                    "labels": self.labels,
                    "annotations": {},
                    "startsAt": spelled(self.at),
                    "endsAt": ends_at,
                },
            )


@dataclass(frozen=True, slots=True, kw_only=True)
class View:
    """What people should find open at one moment.

    `roots` are named by an incident each, `may` could be by one more; any other is wrong. `services` has the state
    in words of every business service that is not up: the worst that any open incident says. `priority` is that of
    the most urgent incident, or empty where it is not judged.
    """

    at: float
    roots: frozenset[str] = frozenset()
    may: frozenset[str] = frozenset()
    services: Mapping[str, str]
    priority: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Silence:
    """The alerts on these CIs are silenced at their source for some time."""

    cis: frozenset[str]
    at: float
    until: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Scenario:
    """A story with its truth.

    `incidents` may stand in the end at the most; people may be called (an incident opened or reopened) `calls` times,
    as often as there are incidents unless said otherwise. `lost` are the times in which the feed cannot be read,
    `restarts` the moments at which the daemon starts anew, which must change nothing.
    """

    name: str
    about: str
    cmdb: Mapping[str, Any]
    spells: tuple[Spell, ...]
    views: tuple[View, ...]
    incidents: int = 1
    calls: int | None = None
    lost: tuple[tuple[float, float], ...] = ()
    restarts: tuple[float, ...] = ()
    silences: tuple[Silence, ...] = ()

    @property
    def lasts(self) -> float:
        """How long it is watched: to its last view."""
        return max(view.at for view in self.views)

    def is_lost(self, at: float) -> bool:
        """Whether the feed cannot be read now."""
        return any(begin <= at < end for begin, end in self.lost)

    def is_silenced(self, ci: str, at: float) -> bool:
        """Whether alerts on this CI are silenced now."""
        return any(ci in silence.cis and silence.at <= at < silence.until for silence in self.silences)

    def write(self, directory: Path) -> tuple[Path, Path]:
        """Write `cmdb.yaml` (JSON, which is YAML) and `events.jsonl`; where they are."""
        cmdb, events = directory / "cmdb.yaml", directory / "events.jsonl"
        cmdb.write_text(json.dumps(self.cmdb))
        received = sorted((e for spell in self.spells for e in spell.events()), key=lambda e: e[0])
        events.write_text("".join(f"{json.dumps(event)}\n" for _, event in received))
        return cmdb, events


def moment(seconds: float) -> datetime:
    """The instant so many seconds into the scenario."""
    return BEGAN_AT + timedelta(seconds=seconds)


def spelled(seconds: float) -> str:
    """The same in RFC 3339."""
    return moment(seconds).isoformat(timespec="milliseconds").replace("+00:00", "Z")
