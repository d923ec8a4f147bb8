"""How monitoring speaks in a storm: names, severities, delays, what it leaves out; and what tends to fail there.

A diagnosis that is tuned on one way to monitor learns its words. So there are several, and most numbers of each are
drawn anew for each storm: a set of storms sweeps the ranges.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from random import Random
from typing import NamedTuple

from bench.faults import Mix
from cmdb.model import State


@dataclass(frozen=True, slots=True, kw_only=True)
class Weather:
    """How bad monitoring is. Shares are of 1.

    `missing` alerts never arrive; `noise_an_hour` alerts belong to no failure; `flapping` ones clear and fire again;
    `silent` roots have no alert of their own, `unheard` other CIs neither, nor has any CI of the types of which
    `deaf` are drawn; `degraded`, `reduced` and `at_risk` are how often a CI has an alert that is degraded, merely lost
    redundancy, or stands on one that did.
    """

    missing: float = 0.15
    noise_an_hour: float = 15.0
    flapping: float = 0.1
    silent: float = 0.25
    unheard: float = 0.05
    deaf: float = 0.0
    degraded: float = 1.0
    reduced: float = 0.2
    at_risk: float = 0.1


class Words(NamedTuple):
    """Names of the alerts about a CI that is down, degraded, less redundant, and of those that come for no reason."""

    down: tuple[str, ...]
    degraded: tuple[str, ...]
    reduced: tuple[str, ...]
    noise: tuple[str, ...]


class Timing(NamedTuple):
    """Seconds: how long a condition must hold (one is drawn for each alert), how much later each hop from the root is
    seen (evenly up to `hop_s`, or with that mean where `is_skewed`) up to `most_s`, and how long after its end an alert
    still fires, of a noise alert its length."""

    holds_s: tuple[float, ...]
    hop_s: float
    is_skewed: bool
    most_s: float
    late_s: tuple[float, float]
    late_hop_s: tuple[float, float]
    noise_s: tuple[float, float]


@dataclass(frozen=True, slots=True, kw_only=True)
class Dialect:
    """One way to monitor. `words` are by CI type, of which a state has up to `most_names` at a time; severities are
    drawn evenly, "" is an alert without that label."""

    words: Callable[[str], Words]
    severities: Mapping[State, tuple[str, ...]]
    noise_severities: tuple[str, ...]
    timing: Timing
    weather: Weather
    mix: Mix = field(default_factory=Mix)
    most_names: int = 1


# By type: alerts for down, for degraded, and those that come and go for no reason.
_RICH = {
    "machine": (("HostDown", "PingLost"), ("HostDegraded",), ("HighLoad", "DiskFilling", "ClockSkew")),
    "device": (("DeviceDown", "SnmpUnreachable"), ("LinkDegraded",), ("InterfaceErrors", "FanSpeed")),
    "process": (("ServiceDown", "ServiceErrors"), ("HighLatency", "ServiceErrors"), ("HighLatency", "SlowQueries")),
    "pod": (("PodNotReady", "PodUnreachable"), ("PodDegraded",), ("PodRestarted", "HighCPU")),
    "business-service": (("SyntheticCheckFailed",), ("SyntheticCheckSlow",), ("SyntheticCheckSlow",)),
}
_CHECKS = {
    "machine": ("PING", "SSH", "LOAD"),
    "device": ("PING", "SNMP", "UPTIME"),
    "process": ("HTTP", "PROC", "RESPONSE"),
    "pod": ("READY", "RESTARTS"),
    "business-service": ("END2END",),
}
_KINDS = {
    "host": "machine", "node": "machine", "hypervisor": "machine", "virtual-machine": "machine",
    "power-feed": "device", "pdu": "device", "core-switch": "device", "switch": "device", "fabric-switch": "device",
    "controller": "device", "storage-array": "device", "zone": "device", "volume": "device",
    "pod": "pod", "business-service": "business-service",
}  # fmt: skip


def rich(chance: Random) -> Dialect:
    """Names that tell outage, trouble and noise apart, severities that agree with them, infrastructure that fails."""

    def words(kind: str) -> Words:
        down, degraded, noise = _RICH[_KINDS.get(kind, "process")]
        return Words(down, degraded, ("RedundancyLost",), noise)

    mild = dict.fromkeys((State.DEGRADED, State.REDUCED, State.AT_RISK), ("warning",))
    return Dialect(
        words=words,
        severities={State.DOWN: ("critical",), **mild},
        noise_severities=("critical", "warning", "warning", "warning", "warning"),
        timing=Timing((15, 15, 30, 60), 8, False, 120, (15, 60), (5, 15), (60, 600)),
        weather=Weather(
            missing=chance.uniform(0.05, 0.25),
            noise_an_hour=chance.uniform(5, 30),
            silent=chance.uniform(0.25, 0.4),
            at_risk=chance.choice((0.0, 0.1, 0.2)),
        ),
        mix=Mix(crowded=chance.uniform(0, 0.5)),
        most_names=chance.choice((1, 2)),
    )


def bare(chance: Random) -> Dialect:
    """One name for a type's troubles or for all of them; noise looks just like the truth; anything fails, any time."""
    scheme = chance.choice((_typed, _shared, _single))
    soft = chance.choice((("critical",), ("critical", "warning"), ("warning",)))
    mild = dict.fromkeys((State.REDUCED, State.AT_RISK), ("warning",))
    return Dialect(
        words=scheme,
        severities={State.DOWN: ("critical",), State.DEGRADED: soft, **mild},
        noise_severities=("critical", "warning"),
        timing=_slow(chance),
        weather=_rough(chance, reduced=chance.uniform(0, 0.8)),
        mix=_wild(chance),
    )


def checks(chance: Random) -> Dialect:
    """Alerts named after checks, the same for every state; no severity, or always the same."""
    severity = chance.choice(("", "", "warning", "critical"))

    def words(kind: str) -> Words:
        names = _CHECKS[_KINDS.get(kind, "process")]
        return Words(names[:2], names[-1:], names[-1:], names)

    return Dialect(
        words=words,
        severities=dict.fromkeys(State, (severity,)),
        noise_severities=(severity,),
        timing=_slow(chance),
        weather=_rough(chance, reduced=chance.choice((0.0, 0.0, 0.3))),
        mix=_wild(chance),
    )


def _typed(kind: str) -> Words:
    """`SwitchDown`, and `SwitchDegraded` for everything milder."""
    name = "".join(part.title() for part in kind.split("-"))
    down, degraded = (f"{name}Down",), (f"{name}Degraded",)
    return Words(down, degraded, degraded, (*down, *degraded))


def _shared(kind: str) -> Words:
    return Words(("Down",), ("Degraded",), ("Degraded",), ("Down", "Degraded"))


def _single(kind: str) -> Words:
    return Words(*[("Unhealthy",)] * 4)


def _slow(chance: Random) -> Timing:
    """Skewed delays, alerts that are late to clear, noise that lasts up to an hour."""
    hold = chance.choice((0, 30, 60, 120))
    late = chance.uniform(60, 300)
    return Timing((0, hold, hold), chance.uniform(2, 30), True, 420, (15, late), (0, 30), (60, 3600))


def _rough(chance: Random, *, reduced: float) -> Weather:
    return Weather(
        missing=chance.uniform(0.05, 0.25),
        noise_an_hour=chance.uniform(5, 30),
        silent=chance.uniform(0.3, 0.5),
        unheard=chance.choice((0.05, 0.15, 0.3)),
        deaf=chance.choice((0.0, 0.1, 0.2)),
        degraded=chance.choice((0.3, 0.7, 1.0)),
        reduced=reduced,
        at_risk=0.0,
    )


def _wild(chance: Random) -> Mix:
    return Mix(
        even=chance.uniform(0.1, 0.5),
        degraded=chance.choice((0.0, 0.15, 0.3)),
        crowded=chance.uniform(0.2, 0.6),
        restless=chance.choice((0.0, 0.1, 0.2)),
        longest_s=chance.choice((3600.0, 7200.0)),
        twins=chance.randint(0, 2),
        far_twins=chance.randint(0, 2),
    )


DIALECTS: Mapping[str, Callable[[Random], Dialect]] = {"rich": rich, "bare": bare, "checks": checks}
