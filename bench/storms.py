"""Storms with a known truth: a made-up estate, twelve hours of alerts, and what really failed.

The same shape, dialect and seed give the same storm, byte for byte. Seeds 0 to 99 are for tuning, 1000 to 1099 for
reporting: nothing may be chosen by what the latter show.
"""

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from random import Random
from typing import Any

from bench.dialects import DIALECTS, Weather
from bench.faults import Failure, draw, moments, with_services
from bench.shapes import SHAPES
from bench.symptoms import Firing, firings, heard_after_s
from cmdb.graph import Estate
from cmdb.model import CI, Dependency, Strength

TUNING, REPORTING = range(100), range(1000, 1100)
BEGAN_AT = datetime(2026, 3, 2, tzinfo=UTC)
NEVER = "0001-01-01T00:00:00Z"

AlertKey = tuple[frozenset[tuple[str, str]], str]
"""An episode of an alert as replay shows it: its label pairs, and when it started as it was spelled."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Symptom:
    """An episode of an alert that was delivered: when it was first received, in seconds since the storm began, the CI
    it speaks of, and the failures, by number, that it comes from; none: noise."""

    received: float
    ci: str
    causes: frozenset[int]


@dataclass(frozen=True, slots=True, kw_only=True)
class Storm:
    """The CMDB document, the events in order of `receivedAt`, and the truth: failures by time, and every alert's."""

    shape: str
    dialect: str
    seed: int
    weather: Weather
    cmdb: Mapping[str, Any]
    events: tuple[Mapping[str, Any], ...]
    failures: tuple[Failure, ...]
    symptoms: Mapping[AlertKey, Symptom]

    def write(self, directory: Path) -> tuple[Path, Path]:
        """Write `cmdb.yaml` (JSON, which is YAML) and `events.jsonl`; where they are."""
        cmdb, events = directory / "cmdb.yaml", directory / "events.jsonl"
        cmdb.write_text(json.dumps(self.cmdb))
        events.write_text("".join(f"{json.dumps(event)}\n" for event in self.events))
        return cmdb, events


def storm(shape: str, seed: int, dialect: str = "rich", weather: Weather | None = None, turn: int = 0) -> Storm:
    """Make a storm; the weather is the dialect's where none is given.

    Each `turn` is another twelve hours over the same estate and by the same monitoring; all of them begin at
    `BEGAN_AT`. Raises `KeyError` for an unknown shape or dialect.
    """
    name = f"{shape}-{seed}" if dialect == "rich" else f"{shape}-{dialect}-{seed}"
    chance = Random(name)
    cis = SHAPES[shape](chance)
    estate = estate_of(cis)
    spoken = DIALECTS[dialect](chance)
    if turn:
        chance = Random(f"{name}-{turn}")
    if weather is not None:
        spoken = replace(spoken, weather=weather)
    drawn = draw(chance, estate, spoken.mix)
    spans = list(moments(estate, drawn))
    failures = with_services(estate, drawn, spans)
    found = firings(chance, estate, spoken, failures, spans)
    events, symptoms = _delivered(chance, found)
    return Storm(
        shape=shape,
        dialect=dialect,
        seed=seed,
        weather=spoken.weather,
        cmdb={"cis": cis},
        events=events,
        failures=failures,
        symptoms=symptoms,
    )


def estate_of(cis: Sequence[Mapping[str, Any]]) -> Estate:
    """The estate of a made-up CMDB document, without reading a file."""
    return Estate.of(
        CI(id=ci["id"], type=ci["type"], depends_on=tuple(map(_dependency, ci.get("depends_on", ())))) for ci in cis
    )


def alert_key(alert: Mapping[str, Any]) -> AlertKey:
    """The key of an alert in an event or in a replay's document."""
    return frozenset(alert["labels"].items()), alert["startsAt"]


def _dependency(written: Any) -> Dependency:
    if isinstance(written, str):
        return Dependency(providers=(written,))
    if "any_of" in written:
        return Dependency(providers=tuple(written["any_of"]), need=written["need"])
    return Dependency(providers=(written["ci"],), strength=Strength(written["strength"]))


def _delivered(
    chance: Random, found: Sequence[Firing]
) -> tuple[tuple[Mapping[str, Any], ...], dict[AlertKey, Symptom]]:
    events: list[tuple[float, Mapping[str, Any]]] = []
    symptoms: dict[AlertKey, Symptom] = {}
    for firing in found:
        received = firing.at + heard_after_s(chance)
        events += _events(chance, firing, received)
        symptoms[alert_key(events[-1][1])] = Symptom(received=received, ci=firing.ci, causes=firing.causes)
    return tuple(event for _, event in sorted(events, key=lambda e: e[0])), symptoms


def _events(chance: Random, firing: Firing, received: float) -> Iterator[tuple[float, Mapping[str, Any]]]:
    labels = {"alertname": firing.name, "ci": firing.ci}
    if firing.severity:
        labels["severity"] = firing.severity
    cleared = max(firing.until, received) + heard_after_s(chance)
    for at, status, ends_at in ((received, "firing", NEVER), (cleared, "resolved", spelled(firing.until))):
        yield (
            at,
            {
                "receivedAt": spelled(at),
                "status": status,
                "labels": labels,
                "annotations": {},
                "startsAt": spelled(firing.at),
                "endsAt": ends_at,
            },
        )


def spelled(seconds: float) -> str:
    """A time in seconds since the storm began, as events have it."""
    return (BEGAN_AT + timedelta(seconds=seconds)).isoformat(timespec="milliseconds").replace("+00:00", "Z")
