"""The alerts of a storm: what monitoring says of what is true, with all that goes wrong on the way.

Times are seconds since the storm began. Every number of `Weather` is drawn anew for each storm, so that a set of
storms sweeps the ranges.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from random import Random

from bench.faults import HOURS, Failure, Moment
from cmdb.graph import Estate
from cmdb.model import State

_LATE_SHARE, _LATE_S = 0.03, (30.0, 90.0)
_UNHEARD = 0.05
"""Share of the CIs, other than roots, that nobody monitors."""

# By type: alerts for down, for degraded, and those that come and go for no reason.
_NAMES = {
    "machine": (("HostDown", "PingLost"), ("HostDegraded",), ("HighLoad", "DiskFilling", "ClockSkew")),
    "device": (("DeviceDown", "SnmpUnreachable"), ("LinkDegraded",), ("InterfaceErrors", "FanSpeed")),
    "process": (("ServiceDown", "ServiceErrors"), ("HighLatency", "ServiceErrors"), ("HighLatency", "SlowQueries")),
    "pod": (("PodNotReady", "PodUnreachable"), ("PodDegraded",), ("PodRestarted", "HighCPU")),
    "business-service": (("SyntheticCheckFailed",), ("SyntheticCheckSlow",), ("SyntheticCheckSlow",)),
}
_KINDS = {
    "host": "machine", "node": "machine", "hypervisor": "machine", "virtual-machine": "machine",
    "power-feed": "device", "pdu": "device", "core-switch": "device", "switch": "device", "fabric-switch": "device",
    "controller": "device", "storage-array": "device", "zone": "device", "volume": "device",
    "pod": "pod", "business-service": "business-service",
}  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class Weather:
    """How bad monitoring is. Shares are of 1.

    `missing` alerts never arrive; `noise_an_hour` alerts belong to no failure; `flapping` ones clear and fire again;
    `silent` roots have no alert of their own; `reduced` and `at_risk` are how often a CI that merely lost redundancy,
    or stands on one that did, has a warning.
    """

    missing: float = 0.15
    noise_an_hour: float = 15.0
    flapping: float = 0.1
    silent: float = 0.25
    reduced: float = 0.2
    at_risk: float = 0.1

    @staticmethod
    def draw(chance: Random) -> "Weather":
        """A weather within the ranges that are swept."""
        return Weather(
            missing=chance.uniform(0.05, 0.25),
            noise_an_hour=chance.uniform(5, 30),
            silent=chance.uniform(0.2, 0.3),
            at_risk=chance.choice((0.0, 0.1, 0.2)),
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Firing:
    """An alert that fires from `at` to `until`, and the failures, by number, that it is a symptom of; none: noise."""

    ci: str
    name: str
    severity: str
    at: float
    until: float
    causes: frozenset[int] = frozenset()


@dataclass(slots=True)
class _Spell:
    """A CI in one state without a break."""

    ci: str
    state: State
    hops: int
    at: float
    until: float
    causes: frozenset[int]


def firings(
    chance: Random, estate: Estate, weather: Weather, failures: Sequence[Failure], spans: Sequence[Moment]
) -> list[Firing]:
    """Every alert that arrives, one after the other; no alert fires twice at the same time."""
    roots = {f.root for f in failures}
    unheard = {ci for ci in estate.ids() if chance.random() < (weather.silent if ci in roots else _UNHEARD)}
    heard = [ci for ci in estate.ids() if ci not in unheard]
    found = [f for spell in _spells(spans) if spell.ci not in unheard for f in _of(chance, estate, weather, spell)]
    found += _noise(chance, estate, weather, heard)
    parts = [part for firing in found for part in _flapped(chance, weather, firing)]
    return [_begun(firing, failures) for firing in _one_at_a_time(parts)]


def _begun(firing: Firing, failures: Sequence[Failure]) -> Firing:
    """Without the failures that only later came to account for the same state: this alert fires without them."""
    return replace(firing, causes=frozenset(n for n in firing.causes if failures[n].at <= firing.at))


def _spells(spans: Sequence[Moment]) -> list[_Spell]:
    found: list[_Spell] = []
    running: dict[str, _Spell] = {}
    for span in spans:
        for ci, hit in span.hits.items():
            spell = running.get(ci)
            if spell is not None and spell.state is hit.state and spell.until == span.at:
                spell.until = span.until
                spell.causes |= span.causes[ci]
            else:
                running[ci] = _Spell(ci, hit.state, hit.hops, span.at, span.until, span.causes[ci])
                found.append(running[ci])
    return found


def _of(chance: Random, estate: Estate, weather: Weather, spell: _Spell) -> Iterator[Firing]:
    """The alerts of a CI in a bad state: one or two, after scrape and `for:`, later the farther from the root."""
    share = {State.REDUCED: weather.reduced, State.AT_RISK: weather.at_risk}.get(spell.state, 1.0)
    if chance.random() >= share:
        return
    down, degraded, _ = _names(estate, spell.ci)
    names = down if spell.state is State.DOWN else degraded if spell.state is State.DEGRADED else ("RedundancyLost",)
    severity = "critical" if spell.state is State.DOWN else "warning"
    for name in chance.sample(names, chance.randint(1, len(names))):
        wait = chance.uniform(0, 15) + chance.choice((15, 15, 30, 60)) + spell.hops * chance.uniform(0, 8)
        at = spell.at + min(wait, 120.0)
        until = spell.until + chance.uniform(15, 60) + spell.hops * chance.uniform(5, 15)
        if at < spell.until and chance.random() >= weather.missing:
            yield Firing(ci=spell.ci, name=name, severity=severity, at=at, until=until, causes=spell.causes)


def _noise(chance: Random, estate: Estate, weather: Weather, heard: Sequence[str]) -> Iterator[Firing]:
    at = 0.0
    while (at := at + chance.expovariate(weather.noise_an_hour / 3600)) < HOURS * 3600:
        ci = chance.choice(heard)
        severity = "critical" if chance.random() < 0.2 else "warning"
        until = at + chance.uniform(60, 600)
        yield Firing(ci=ci, name=chance.choice(_names(estate, ci)[2]), severity=severity, at=at, until=until)


def _flapped(chance: Random, weather: Weather, firing: Firing) -> Iterator[Firing]:
    """The alert itself or, for a few, two to four parts of it with gaps between."""
    at = firing.at
    if chance.random() < weather.flapping:
        for _ in range(chance.randint(1, 3)):
            until, gap = at + chance.uniform(20, 120), chance.uniform(20, 90)
            if until + gap >= firing.until - 10:
                break
            yield _part(firing, at, until)
            at = until + gap
    yield _part(firing, at, firing.until)


def _part(firing: Firing, at: float, until: float) -> Firing:
    return replace(firing, at=round(at, 3), until=round(until, 3))


def _one_at_a_time(found: Sequence[Firing]) -> list[Firing]:
    """By start, without those whose alert fires already."""
    kept: list[Firing] = []
    busy: dict[tuple[str, str], float] = {}
    for firing in sorted(found, key=lambda f: (f.at, f.ci, f.name)):
        if busy.get((firing.ci, firing.name), -1.0) < firing.at:
            busy[firing.ci, firing.name] = firing.until
            kept.append(firing)
    return kept


def heard_after_s(chance: Random) -> float:
    """How long an event is on its way: mostly a moment, for a few long enough to be overtaken."""
    return chance.uniform(*_LATE_S) if chance.random() < _LATE_SHARE else chance.uniform(0.1, 3.0)


def _names(estate: Estate, ci: str) -> tuple[tuple[str, ...], tuple[str, ...], tuple[str, ...]]:
    return _NAMES[_KINDS.get(estate.ci(ci).type, "process")]
