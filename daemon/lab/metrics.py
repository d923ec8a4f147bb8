"""What the exporter shows of the data centre: one list of samples per scrape job. Pure.

The samples carry the labels that such monitoring carries in life, so that alerts find their CI by different ways:
`instance` with a host name and port, `device`, `host`, `node`, `service`, or a label set that the CMDB's `match` knows.
"""

import zlib
from collections.abc import Callable, Iterable
from dataclasses import dataclass

from cmdb.graph import Estate
from cmdb.model import CI, State
from daemon.lab.world import View

JOBS = ("node", "snmp", "database", "application", "probe")

# Nobody watches these: the caged rack's switches are not in the network team's monitoring, power comes from outside.
UNWATCHED = frozenset({"tor-3a", "tor-3b", "power-feed-a", "power-feed-b"})
_UNWATCHED_MACHINES_IN = 3

_DEVICE_LABEL = {"load-balancer": "host", "name-server": "node"}
_DEVICE_TYPES = frozenset(
    (
        "tor-switch",
        "core-switch",
        "storage-switch",
        "firewall",
        "load-balancer",
        "name-server",
        "internet-line",
        "pdu",
        "ups",
        "storage-array",
        "storage-controller",
    )
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Sample:
    """One number with its labels, as scraped. `instance` is always named: empty where there is none."""

    metric: str
    labels: tuple[tuple[str, str], ...]
    value: float


def is_watched(ci: CI) -> bool:
    """Whether monitoring has any probe for this CI; a third of the virtual machines has none."""
    if ci.type == "virtual-machine":
        return _number(ci) % _UNWATCHED_MACHINES_IN != 0
    return ci.id not in UNWATCHED


def samples(estate: Estate, seen: View, job: str) -> list[Sample]:
    """All samples of one scrape job, in the estate's order."""
    read = _READERS[job]
    found = [s for ci_id in estate.ids() if is_watched(estate.ci(ci_id)) for s in read(estate, seen, estate.ci(ci_id))]
    return [*found, *_BACKGROUND.get(job, ())]


def exposition(found: Iterable[Sample]) -> str:
    """Prometheus's text format, one metric's samples together."""
    lines: list[str] = []
    last = ""
    for sample in sorted(found, key=lambda s: s.metric):
        if sample.metric != last:
            lines.append(f"# TYPE {sample.metric} gauge")
            last = sample.metric
        labels = ",".join(f'{name}="{_escaped(value)}"' for name, value in sample.labels)
        lines.append(f"{sample.metric}{{{labels}}} {sample.value:g}")
    return "\n".join(lines) + "\n"


def _escaped(value: str) -> str:
    return value.replace("\\", r"\\").replace('"', r"\"").replace("\n", r"\n")


def _number(ci: CI) -> int:
    """A number that is always the same for one CI, to make its figures its own."""
    return zlib.crc32(ci.id.encode())


def _sample(metric: str, value: float, *, instance: str = "", **labels: str) -> Sample:
    return Sample(metric=metric, labels=tuple(sorted({"instance": instance, **labels}.items())), value=value)


def _missing(estate: Estate, seen: View, ci: CI, type_: str) -> int:
    """How many of the providers of one type are lost to this CI, where it has more than one."""
    providers = [p for p in estate.providers(ci.id) if estate.ci(p).type == type_]
    return sum(seen.state(p) is State.DOWN for p in providers) if len(providers) > 1 else 0


def _node(estate: Estate, seen: View, ci: CI) -> list[Sample]:
    if ci.type not in {"hypervisor", "virtual-machine"}:
        return []
    where = f"{ci.aliases[0]}:9100"
    state = seen.state(ci.id)
    if state is State.DOWN:
        return [_sample("node_up", 0, instance=where)]
    busy = 0.98 if state is State.DEGRADED else 0.15 + _number(ci) % 40 / 100
    disk = 0.96 if ci.id in seen.full_disks else 0.3 + _number(ci) % 35 / 100
    found = [
        _sample("node_up", 1, instance=where),
        _sample("node_cpu_busy_ratio", busy, instance=where),
        _sample("node_disk_used_ratio", disk, instance=where, mountpoint="/"),
    ]
    if ci.type == "hypervisor":
        uplinks = _missing(estate, seen, ci, "tor-switch")
        found.append(_sample("node_uplinks_missing", uplinks, instance=where))
        found.append(_sample("node_power_supplies_missing", _missing(estate, seen, ci, "pdu"), instance=where))
    return found


def _snmp(estate: Estate, seen: View, ci: CI) -> list[Sample]:
    if ci.type not in _DEVICE_TYPES:
        return []
    name = ci.aliases[0] if ci.type in {"load-balancer", "pdu"} else ci.id
    labels = {_DEVICE_LABEL.get(ci.type, "device"): name, "role": ci.type}
    state = seen.state(ci.id)
    found = [_sample("device_up", float(state is not State.DOWN), **labels)]
    if state is not State.DOWN:
        found.append(_sample("device_error_ratio", 0.2 if state is State.DEGRADED else 0.0, **labels))
    return found


def _database(estate: Estate, seen: View, ci: CI) -> list[Sample]:
    state = seen.state(ci.id)
    works = float(state is not State.DOWN)
    match ci.type:
        case "database-instance":
            where = f"{ci.aliases[0]}:9187"
            slow = (
                [_sample("pg_query_seconds", 4.0 if state is State.DEGRADED else 0.02, instance=where)] if works else []
            )
            return [_sample("pg_up", works, instance=where), *slow]
        case "message-queue-instance":
            return [_sample("broker_up", works, instance=f"{ci.aliases[0]}:9419")]
        case "cache":
            return [_sample("cache_up", works, instance=f"{ci.aliases[0]}:9121")]
        case "database" | "message-queue":
            labels = {"cluster": ci.id, "component": ci.type}
            lost = [_sample("cluster_members_missing", _missing(estate, seen, ci, f"{ci.type}-instance"), **labels)]
            return [_sample("cluster_up", works, **labels), *(lost if works else [])]
    return []


def _application(estate: Estate, seen: View, ci: CI) -> list[Sample]:
    if ci.type != "application":
        return []
    state = seen.state(ci.id)
    errors = {State.DOWN: 1.0, State.DEGRADED: 0.14}.get(state, 0.002)
    found = [_sample("service_error_ratio", errors, service=ci.id)]
    if state is not State.DOWN:
        usual = 0.05 + _number(ci) % 100 / 1000
        found.append(_sample("service_latency_seconds", 2.6 if state is State.DEGRADED else usual, service=ci.id))
    return found


def _probe(estate: Estate, seen: View, ci: CI) -> list[Sample]:
    if ci.type not in {"application", "business-service", "external-service"}:
        return []
    state = seen.state(ci.id)
    found = [_sample("probe_success", float(state is not State.DOWN), service=ci.id, kind=ci.type)]
    if ci.type == "business-service" and state is not State.DOWN:
        slow = state is State.DEGRADED
        found.append(_sample("probe_duration_seconds", 3.1 if slow else 0.2 + _number(ci) % 100 / 500, service=ci.id))
    return found


_READERS: dict[str, Callable[[Estate, View, CI], list[Sample]]] = {
    "node": _node,
    "snmp": _snmp,
    "database": _database,
    "application": _application,
    "probe": _probe,
}

# What every data centre says all day long and nobody needs to get up for.
_BACKGROUND: dict[str, tuple[Sample, ...]] = {
    "probe": (_sample("certificate_days_left", 20, service="customer-portal"),),
    "database": (_sample("backup_age_hours", 27, instance="report-db-1.dc1.example:9187"),),
    "snmp": (
        _sample("firmware_releases_behind", 2, device="lb-2.dc1.example"),
        _sample("printer_toner_ratio", 0.06, instance="printer-7.office.example:161"),
    ),
}
