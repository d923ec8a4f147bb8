"""Made-up cases of the recorded kind: one fault in a mesh, and 30 to 50 of about 60 CIs alert within minutes.

A fault strains a pod, all pods of a service, or a host. Callers feel it and say so, what shares the host or is flooded
is strained too, and thresholds on metrics are crossed everywhere without any need. Case N of the tuning half is made
from seed N, of the reporting half from seed 1000 + N, always the same bytes; written as `bench.cases` reads them.
"""

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from random import Random
from typing import Any, NamedTuple

from bench.mesh import Mesh, mesh, spread
from bench.storms import NEVER, REPORTING, TUNING, spelled

DATASET = "mesh"
_FROM_S = 300.0
"""When the fault begins, since the case did."""
_OWN_S, _FELT_S, _NOISE_S = (0.0, 150.0), (10.0, 300.0), (0.0, 420.0)
"""From the fault on, when alerts begin: of what is faulty, of what feels it, and without a reason."""

# What is measured of pods and hosts, by the kind of fault that moves it.
_METRICS = {
    "cpu": ("cpu_usage", "cpu_throttled_periods", "load_1m", "cpu_user"),
    "memory": ("memory_usage", "memory_working_set", "memory_cache", "page_faults"),
    "disk": ("fs_reads", "fs_writes", "disk_await", "disk_utilisation"),
    "network": ("network_receive_drops", "network_transmit_bytes", "tcp_retransmits", "network_receive_bytes"),
    "process": ("restarts", "threads", "open_files", "sockets"),
}
_LATENCY = ("LatencyP95", "ResponseTimeHigh", "slow_spans", "ApdexLow")
_ERRORS = ("ErrorRatio", "Http5xx", "failed_spans", "ErrorLogBurst")
_CALLS = ("CallLatency", "ClientErrors", "call_failures", "rpc_duration")
_CALLERS = ("source", "client", "caller", "source_workload", "src")


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """The documents of a case."""

    cmdb: Mapping[str, Any]
    events: tuple[Mapping[str, Any], ...]
    truth: Mapping[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class _Speech:
    """How one mesh is monitored: names, labels, and how much of what is seen is said. Shares are of 1."""

    latency: str
    errors: str
    calls: tuple[str, ...]
    caller: str
    is_called_service: bool
    metric: str
    directions: bool
    severities: tuple[str, ...]
    missing: float
    noise: float
    silent: float


def case(seed: int) -> Case:
    """Make a case."""
    chance = Random(f"mesh-{seed}")
    estate = mesh(chance)
    root, pods = _root(chance, estate)
    kind = chance.choice(tuple(_METRICS))
    speech = _speech(chance)
    own = {pod: chance.uniform(0.5, 1.0) for pod in pods}
    bad = spread(chance, estate, own)
    said = [*_calls_said(chance, estate, speech, bad), *_services_said(chance, speech, own, bad)]
    said += _strained(chance, estate, speech, _Fault(root, kind, own), bad)
    once = {tuple(sorted(alert.labels.items())): alert for alert in said}
    heard = [alert for alert in once.values() if chance.random() >= speech.missing]
    events = sorted((event for alert in heard for event in _events(chance, alert)), key=lambda e: e["receivedAt"])
    truth = {"root": [root], "at": spelled(_FROM_S), "kind": kind}
    return Case(cmdb={"cis": list(estate.cis)}, events=tuple(events), truth=truth)


def write(directory: Path, each: int) -> list[Path]:
    """Write so many cases for tuning and as many for reporting by turns; their folders, in order."""
    folders = []
    for place, seed in enumerate(seed for pair in zip(TUNING[:each], REPORTING[:each], strict=True) for seed in pair):
        folder, made = directory / f"{place:03}", case(seed)
        folder.mkdir(parents=True)
        (folder / "cmdb.yaml").write_text(json.dumps(made.cmdb))
        (folder / "events.jsonl").write_text("".join(f"{json.dumps(event)}\n" for event in made.events))
        (folder / "truth.json").write_text(json.dumps(made.truth))
        folders.append(folder)
    return folders


@dataclass(frozen=True, slots=True)
class _Fault:
    root: str
    kind: str
    own: Mapping[str, float]


class _Said(NamedTuple):
    """An alert that begins in a span of seconds from the fault on."""

    labels: Mapping[str, str]
    within_s: tuple[float, float]


def _root(chance: Random, estate: Mesh) -> tuple[str, Sequence[str]]:
    """A pod, service or host, and the pods that have trouble of their own for it."""
    kind = chance.choice(("pod", "pod", "service", "host"))
    if kind == "service":
        service = chance.choice(tuple(estate.pods))
        return service, estate.pods[service]
    pod = chance.choice(tuple(estate.hosts))
    return (pod, (pod,)) if kind == "pod" else (estate.hosts[pod], estate.beside(pod))


def _speech(chance: Random) -> _Speech:
    return _Speech(
        latency=chance.choice(_LATENCY),
        errors=chance.choice(_ERRORS),
        calls=tuple(chance.sample(_CALLS, 2)),
        caller=chance.choice(_CALLERS),
        is_called_service=chance.random() < 0.3,
        metric=chance.choice(("{}", "container_{}", "anomaly:{}", "")),
        directions=chance.random() < 0.7,
        severities=chance.choice((("warning",), ("warning", "critical"), ("",), ("critical",))),
        missing=chance.uniform(0.05, 0.25),
        noise=chance.uniform(0.3, 0.6),
        silent=chance.uniform(0.0, 0.2),
    )


def _calls_said(chance: Random, estate: Mesh, speech: _Speech, bad: Mapping[str, float]) -> Iterator[_Said]:
    """Alerts on what is called, labelled with who calls: services, or pods and services."""
    for caller, called in estate.calls.items():
        for service in called:
            for target in (service,) if speech.is_called_service else estate.pods[service]:
                source = caller if speech.is_called_service else chance.choice(estate.pods[caller])
                for name in speech.calls:
                    if chance.random() < 0.7 * bad[target] + 0.02:
                        yield _said(chance, speech, _FELT_S, name, target, **{speech.caller: source})


def _services_said(
    chance: Random, speech: _Speech, own: Mapping[str, float], bad: Mapping[str, float]
) -> Iterator[_Said]:
    for ci, level in bad.items():
        for name in (speech.latency, speech.errors):
            if chance.random() < 0.7 * level + 0.02:
                yield _said(chance, speech, _OWN_S if ci in own else _FELT_S, name, ci)


def _strained(
    chance: Random, estate: Mesh, speech: _Speech, fault: _Fault, bad: Mapping[str, float]
) -> Iterator[_Said]:
    """Alerts about metrics: of the faulty CI, of what shares its host, of what works badly, and of anything at all."""
    faulty = {fault.root, *fault.own}
    hosts = {estate.hosts.get(ci, ci) for ci in faulty}
    for ci in (*dict.fromkeys(estate.hosts.values()), *estate.hosts):
        if ci in faulty and chance.random() >= speech.silent:
            also = chance.choice(_METRICS[chance.choice(tuple(_METRICS))])
            metrics = [*chance.sample(_METRICS[fault.kind], chance.randint(2, 4)), also]
            yield from _moved(chance, speech, ci, metrics, _OWN_S, is_up=True)
        elif ci not in faulty and estate.hosts.get(ci, ci) in hosts and chance.random() < 0.3:
            yield from _moved(chance, speech, ci, chance.sample(_METRICS[fault.kind], 1), _FELT_S, is_up=True)
        if chance.random() < speech.noise * (ci in estate.hosts or 0.25) + 0.5 * bad.get(ci, 0.0):
            metrics = chance.sample(_METRICS[chance.choice(tuple(_METRICS))], chance.randint(1, 3))
            yield from _moved(chance, speech, ci, metrics, _NOISE_S, is_up=chance.random() < 0.5)


def _moved(
    chance: Random, speech: _Speech, ci: str, metrics: Sequence[str], within_s: tuple[float, float], *, is_up: bool
) -> Iterator[_Said]:
    more = {"direction": "up" if is_up else "down"} if speech.directions else {}
    for metric in metrics:
        if speech.metric:
            yield _said(chance, speech, within_s, speech.metric.format(metric), ci, **more)
        else:
            yield _said(chance, speech, within_s, "MetricAnomaly", ci, metric=metric, **more)


def _said(chance: Random, speech: _Speech, within_s: tuple[float, float], name: str, ci: str, **more: str) -> _Said:
    severity = chance.choice(speech.severities)
    return _Said({"alertname": name, "ci": ci, **({"severity": severity} if severity else {}), **more}, within_s)


def _events(chance: Random, said: _Said) -> Iterator[Mapping[str, Any]]:
    """It fires, and mostly clears in the end."""
    at = round(_FROM_S + chance.uniform(*said.within_s), 3)
    until = round(at + chance.uniform(300, 900), 3)
    fired = {"labels": said.labels, "annotations": {}, "startsAt": spelled(at)}
    yield {"receivedAt": spelled(at), "status": "firing", **fired, "endsAt": NEVER}
    if chance.random() < 0.7:
        yield {"receivedAt": spelled(until), "status": "resolved", **fired, "endsAt": spelled(until)}
