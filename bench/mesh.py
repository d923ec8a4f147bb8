"""A mesh of services that call each other, for cases of one failure in which most of the estate works badly.

About 60 CIs: services, each on two to four pods, the pods on few hosts. As in recorded cases, calls are plain
dependencies, though a bad callee takes nobody down.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from random import Random
from statistics import fmean

from bench.shapes import Ci

_WORDS = (
    "account", "basket", "billing", "catalog", "coupon", "delivery", "gateway", "geo", "inventory", "ledger", "mailer",
    "media", "orders", "pricing", "profile", "quote", "rating", "search", "session", "stock", "tax", "wishlist",
)  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class Mesh:
    """The CIs, hosts first; what each service calls; the pods of each service; the host of each pod."""

    cis: tuple[Ci, ...]
    calls: Mapping[str, tuple[str, ...]]
    pods: Mapping[str, tuple[str, ...]]
    hosts: Mapping[str, str]

    def beside(self, ci: str) -> tuple[str, ...]:
        """The pods on a host, or on the host of a pod."""
        host = self.hosts.get(ci, ci)
        return tuple(pod for pod, its in self.hosts.items() if its == host)


def mesh(chance: Random) -> Mesh:
    """Eight to fourteen services, five to eight hosts; services need one of their pods, or name them plainly."""
    hosts = [f"worker-{n}" for n in range(1, chance.randint(5, 8) + 1)]
    services = chance.sample(_WORDS, chance.randint(9, 14))
    calls = _calls(chance, services)
    is_plain, do_pods_call = chance.random() < 0.5, chance.random() < 0.5
    cis: list[Ci] = [{"id": host, "type": "host", "depends_on": []} for host in hosts]
    pods: dict[str, tuple[str, ...]] = {}
    on: dict[str, str] = {}
    for service in services:
        count = chance.choice((2, 4, 4, 4))
        pods[service] = tuple(f"{service}-{n}" for n in range(count))
        for pod in pods[service]:
            on[pod] = chance.choice(hosts)
            needs = [on[pod], *(calls[service] if do_pods_call else ())]
            cis.append({"id": pod, "type": "pod", "depends_on": needs})
        hosted = list(pods[service]) if is_plain else [{"any_of": list(pods[service]), "need": 1}]
        cis.append({"id": service, "type": "service", "depends_on": [*calls[service], *hosted]})
    return Mesh(cis=tuple(cis), calls=calls, pods=pods, hosts=on)


def _calls(chance: Random, services: list[str]) -> dict[str, tuple[str, ...]]:
    """The first is called from outside and calls many; everything is called by something before it."""
    found: dict[str, set[str]] = {service: set() for service in services}
    for number, service in enumerate(services[1:], 1):
        callers = services[: max(1, number // 2 + 1)]
        found[callers[0] if chance.random() < 0.4 else chance.choice(callers)].add(service)
        if number > 2 and chance.random() < 0.4:
            found[chance.choice(services[1:number])].add(service)
    return {service: tuple(sorted(called)) for service, called in found.items()}


def spread(chance: Random, estate: Mesh, own: Mapping[str, float]) -> dict[str, float]:
    """How badly pods and services work, 0 to 1, where some pods have trouble of their own.

    What calls them feels it, and what those call in turn is flooded by their repeats.
    """
    carried = {(s, t): chance.uniform(0.6, 1.0) for s, called in estate.calls.items() for t in called}
    bad = {pod: own.get(pod, 0.0) for pods in estate.pods.values() for pod in pods}
    level: dict[str, float] = {}
    for _ in estate.pods:
        level = {service: fmean(bad[pod] for pod in pods) ** 0.5 for service, pods in estate.pods.items()}
        for service, called in estate.calls.items():
            felt = max((level[t] * carried[service, t] for t in called), default=0.0)
            bad.update({pod: max(bad[pod], felt) for pod in estate.pods[service]})
    flooded = dict(bad)
    for service, called in estate.calls.items():
        for pod in (pod for t in called for pod in estate.pods[t]):
            flooded[pod] = max(flooded[pod], chance.uniform(0.2, 0.7) * level[service])
    return flooded | level
