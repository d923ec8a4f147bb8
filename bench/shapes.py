"""Made-up estates of 300 to 600 CIs, in three shapes, as CMDB documents.

Each function takes a source of chance and returns the CIs, in an order in which providers come first but for the
call edges that close a cycle.
"""

from collections.abc import Callable, Mapping, Sequence
from random import Random
from typing import Any

Ci = dict[str, Any]
_CRITICALITY = ("medium", "high", "critical")


def classic(chance: Random) -> list[Ci]:
    """A data centre: feeds, PDUs, racks with one switch or two, hosts, virtual machines, databases, applications."""
    cis = [_ci("power-feed", "feed-a"), _ci("power-feed", "feed-b")]
    cis += [_ci("core-switch", f"core-{n}", _any_of("feed-a", "feed-b")) for n in (1, 2)]
    machines: list[str] = []
    for rack in range(1, chance.randint(7, 9) + 1):
        found = _rack(chance, rack)
        cis += found
        machines += _ids(found, "virtual-machine")
    chance.shuffle(machines)
    cis += _applications(chance, machines, databases=14, applications=chance.randint(32, 44))
    return cis + _services(chance, _ids(cis, "application"), chance.randint(10, 16))


def _rack(chance: Random, rack: int) -> list[Ci]:
    pdus = [f"pdu-{rack}a", f"pdu-{rack}b"]
    cis = [_ci("pdu", pdus[0], "feed-a"), _ci("pdu", pdus[1], "feed-b")]
    core = _any_of("core-1", "core-2")
    if chance.random() < 0.5:
        cis += [_ci("switch", f"tor-{rack}{side}", f"pdu-{rack}{side}", core) for side in "ab"]
        network: Any = _any_of(f"tor-{rack}a", f"tor-{rack}b")
    else:
        cis.append(_ci("switch", f"tor-{rack}", _any_of(*pdus), core))
        network = f"tor-{rack}"
    for number in range(1, chance.randint(5, 7) + 1):
        host = f"host-{rack}-{number}"
        power = chance.choice(pdus) if chance.random() < 0.15 else _any_of(*pdus)
        cis.append(_ci("host", host, power, network))
        cis += [_ci("virtual-machine", f"vm-{rack}-{number}-{n}", host) for n in range(1, chance.randint(3, 5) + 1)]
    return cis


def pods(chance: Random) -> list[Ci]:
    """Services that call each other, each any of its pods, the pods on nodes; data on volumes; now and then a cycle."""
    zones = [f"zone-{z}" for z in "abc"]
    cis = [_ci("zone", zone) for zone in zones]
    nodes = [f"node-{n:02}" for n in range(1, chance.randint(18, 28) + 1)]
    cis += [_ci("node", node, zones[n % 3]) for n, node in enumerate(nodes)]
    cis.append(_ci("service", "dns", _any_of(*chance.sample(nodes, 3))))
    stores = [f"store-{n}" for n in range(1, chance.randint(8, 12) + 1)]
    for store in stores:
        cis.append(_ci("volume", f"{store}-vol"))
        cis += _replicated(chance, store, nodes, f"{store}-vol", kind="datastore")
    tiers: list[list[str]] = [stores]
    for tier, size in enumerate((22, 20, 14), 1):
        names = [f"svc-{tier}-{n:02}" for n in range(1, size + chance.randint(0, 5) + 1)]
        for name in names:
            called = [
                _soft(c) if chance.random() < 0.3 else c for c in _callees(chance, tiers, names[: names.index(name)])
            ]
            cis += _replicated(chance, name, nodes, *called, _soft("dns"), kind="service")
        tiers.append(names)
    if chance.random() < 0.5:
        _close_a_cycle(chance, cis, tiers)
    return cis + _services(chance, tiers[-1], chance.randint(8, 12))


def _replicated(chance: Random, name: str, nodes: Sequence[str], *needs: Any, kind: str) -> list[Ci]:
    """A service with its pods on different nodes; what it calls, it needs itself."""
    count = chance.choice((1, 2, 3, 3, 4, 5))
    chosen = chance.sample(nodes, count)
    found = [_ci("pod", f"{name}-pod-{n}", node) for n, node in enumerate(chosen, 1)]
    hosted = _any_of(*_ids(found, "pod"))
    return [*found, _ci(kind, name, hosted, *needs)]


def _callees(chance: Random, tiers: Sequence[Sequence[str]], peers: Sequence[str]) -> list[str]:
    found = chance.sample(tiers[-1], min(len(tiers[-1]), chance.choice((1, 1, 2, 2, 3))))
    if len(tiers) > 1 and chance.random() < 0.4:
        found.append(chance.choice(tiers[0]))
    if peers and chance.random() < 0.2:
        found.append(chance.choice(peers))
    return found


def _close_a_cycle(chance: Random, cis: Sequence[Ci], tiers: Sequence[Sequence[str]]) -> None:
    chosen = chance.choice(tiers[1])
    lower = next(ci for ci in cis if ci["id"] == chosen)
    callers = [ci["id"] for ci in cis if lower["id"] in ci["depends_on"] and ci["type"] == "service"]
    if callers:
        lower["depends_on"].append(_soft(chance.choice(callers)))


def storage(chance: Random) -> list[Ci]:
    """Virtualisation on shared storage: arrays with two controllers, two fabrics, clusters of hypervisors."""
    cis = [_ci("fabric-switch", f"fabric-{side}") for side in "ab"]
    cis += [_ci("switch", f"lan-{side}") for side in "ab"]
    datastores: list[str] = []
    for array in range(1, chance.randint(3, 4) + 1):
        controllers = [f"array-{array}-ctl-{side}" for side in "ab"]
        cis += [_ci("controller", controller, f"fabric-{controller[-1]}") for controller in controllers]
        cis.append(_ci("storage-array", f"array-{array}", _any_of(*controllers)))
        names = [f"ds-{array}-{n}" for n in range(1, chance.randint(3, 5) + 1)]
        cis += [_ci("datastore", name, f"array-{array}") for name in names]
        datastores += names
    machines: list[str] = []
    for cluster in range(1, chance.randint(4, 5) + 1):
        found = _hypervisors(chance, cluster, chance.sample(datastores, 4))
        cis += found
        machines += _ids(found, "virtual-machine")
    chance.shuffle(machines)
    cis += _applications(chance, machines, databases=20, applications=chance.randint(36, 48))
    return cis + _services(chance, _ids(cis, "application"), chance.randint(10, 14))


def _hypervisors(chance: Random, cluster: int, datastores: Sequence[str]) -> list[Ci]:
    cis: list[Ci] = []
    network, fabric = _any_of("lan-a", "lan-b"), _any_of("fabric-a", "fabric-b")
    for number in range(1, chance.randint(6, 8) + 1):
        host = f"esx-{cluster}-{number}"
        cis.append(_ci("hypervisor", host, network, fabric))
        cis += [
            _ci("virtual-machine", f"vm-{cluster}-{number}-{n}", host, chance.choice(datastores))
            for n in range(1, chance.randint(5, 8) + 1)
        ]
    return cis


def _applications(chance: Random, machines: list[str], *, databases: int, applications: int) -> list[Ci]:
    """Databases, caches and applications on machines, which are taken from the list's end."""
    cis: list[Ci] = []
    for number in range(1, databases + 1):
        instances = [f"db-{number}-{n}" for n in range(1, chance.choice((1, 2, 2, 3)) + 1)]
        cis += [_ci("database", instance, machines.pop()) for instance in instances]
        cis.append(_ci("database-cluster", f"db-{number}", _any_of(*instances)))
    cis += [_ci("cache", f"cache-{n}", machines.pop()) for n in range(1, 5)]
    cis.append(_ci("identity", "login", _any_of(machines.pop(), machines.pop())))
    names: list[str] = []
    for number in range(1, applications + 1):
        hosted = [machines.pop() for _ in range(min(len(machines) - 1, chance.choice((1, 2, 2, 3, 3))))]
        needs: list[Any] = [_any_of(*hosted), f"db-{chance.randint(1, databases)}"]
        if chance.random() < 0.4:
            needs.append(_soft(f"cache-{chance.randint(1, 4)}"))
        if chance.random() < 0.3:
            needs.append(_soft("login"))
        if names and chance.random() < 0.3:
            called = chance.choice(names)
            needs.append(_soft(called) if chance.random() < 0.4 else called)
        names.append(f"app-{number:02}")
        cis.append(_ci("application", names[-1], *needs))
    return cis


def _services(chance: Random, applications: Sequence[str], count: int) -> list[Ci]:
    cis: list[Ci] = []
    for number in range(1, count + 1):
        chosen = chance.sample(applications, chance.choice((1, 2, 2, 3)))
        needs: list[Any] = [chosen[0], *[_soft(a) if chance.random() < 0.4 else a for a in chosen[1:]]]
        service = _ci("business-service", f"business-{number:02}", *needs)
        cis.append(service | {"criticality": chance.choice(_CRITICALITY)})
    return cis


def _ci(kind: str, name: str, *needs: Any) -> Ci:
    return {"id": name, "type": kind, "depends_on": list(needs)}


def _any_of(*members: str) -> Any:
    return members[0] if len(members) == 1 else {"any_of": list(members), "need": 1}


def _soft(provider: str) -> Ci:
    return {"ci": provider, "strength": "soft"}


def _ids(cis: Sequence[Ci], kind: str) -> list[str]:
    return [ci["id"] for ci in cis if ci["type"] == kind]


SHAPES: Mapping[str, Callable[[Random], list[Ci]]] = {"classic": classic, "pods": pods, "storage": storage}
