"""A data centre of a given size, and the alerts that its failures raise."""

import json
from dataclasses import dataclass
from typing import Any

_HOSTS_A_RACK = 20
_MACHINES_A_HOST = 6
_MACHINES_AN_APPLICATION = 4


@dataclass(frozen=True, slots=True)
class Site:
    """CMDB entries, and the alerts of a storm in which `roots` fail without a word and all else raises one alert."""

    entries: tuple[dict[str, Any], ...]
    roots: tuple[str, ...]

    @property
    def size(self) -> int:
        """How many alerts the storm has."""
        return len(self.entries) - len(self.roots)

    def alerts(self, run: str) -> list[dict[str, Any]]:
        """One alert for every CI but the roots, hosts before what runs on them, in Prometheus's shape."""
        return [
            {
                "labels": {"alertname": f"{e['type']}-down", "ci": e["id"], "severity": "critical", "run": run},
                "annotations": {"summary": f"{e['id']} does not answer"},
                "generatorURL": "http://prometheus.example/graph",
            }
            for e in self.entries
            if e["id"] not in self.roots
        ]

    @property
    def cmdb(self) -> str:
        """The text of the CMDB file."""
        return json.dumps({"cis": self.entries})


def site(alerts: int, failures: int, prefix: str = "") -> Site:
    """A site with so many CIs that alert, under so many switches that fail, none of them redundant.

    Racks of 20 hosts, 6 virtual machines a host, an application on 4 machines of its rack, a business service on
    what is left over of each rack's share. All ids begin with the prefix.
    """
    roots = [f"{prefix}switch-{n}" for n in range(failures)]
    entries = [{"id": root, "type": "switch", "owner": "network"} for root in roots]
    shares = [alerts // failures + (n < alerts % failures) for n in range(failures)]
    for root, share in zip(roots, shares, strict=True):
        entries += _behind(root, share)
    return Site(tuple(entries), tuple(roots))


def _behind(root: str, count: int) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = []
    rack = 0
    while len(found) < count - 1:
        rack += 1
        found += _rack(f"{root}-r{rack}", root)[: count - 1 - len(found)]
    applications = [e["id"] for e in found if e["type"] == "application"]
    needs = applications[:50] or [found[0]["id"]]
    service = {"id": f"{root}-service", "type": "business-service", "criticality": "high", "depends_on": needs}
    return [*found, service]


def _rack(name: str, root: str) -> list[dict[str, Any]]:
    hosts = [f"{name}-h{n}" for n in range(_HOSTS_A_RACK)]
    found: list[dict[str, Any]] = [{"id": h, "type": "server", "owner": "compute", "depends_on": [root]} for h in hosts]
    machines = [f"{host}-v{n}" for n in range(_MACHINES_A_HOST) for host in hosts]
    found += [
        {"id": m, "type": "virtual-machine", "owner": "compute", "depends_on": [m.rpartition("-")[0]]} for m in machines
    ]
    for n in range(0, len(machines), _MACHINES_AN_APPLICATION):
        group = machines[n : n + _MACHINES_AN_APPLICATION]
        found.append(
            {"id": f"{name}-a{n}", "type": "application", "owner": "apps", "depends_on": [{"any_of": group, "need": 1}]}
        )
    return found
