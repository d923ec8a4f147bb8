"""A small data centre for the named scenarios, as the document of a CMDB file.

Rack A stands on one switch, rack B on a pair, rack C on one; the virtual machines of each pair of numbers share a host.
Checkout runs in rack A, Search in rack B, Billing in rack C.
"""

from collections.abc import Mapping, Sequence
from typing import Any

Entry = dict[str, Any]


def ci(name: str, kind: str, *needs: Any, **more: Any) -> Entry:
    """One entry of a CMDB file."""
    return {"id": name, "type": kind, "depends_on": list(needs), **more}


def any_of(*members: str, need: int = 1) -> dict[str, Any]:
    """A redundancy group."""
    return {"any_of": list(members), "need": need}


def numbered(prefix: str, *numbers: int) -> tuple[str, ...]:
    """`host-a1`, `host-a2` …"""
    return tuple(f"{prefix}{n}" for n in numbers)


def service(name: str, criticality: str, *needs: Any) -> Entry:
    """A business service."""
    return ci(name, "business-service", *needs, criticality=criticality)


HOSTS_A, HOSTS_C = (numbered(f"host-{rack}", 1, 2, 3, 4) for rack in "ac")
VMS_A, VMS_B, VMS_C = (numbered(f"vm-{rack}", *range(1, 9)) for rack in "abc")
CHECKOUT = ("checkout-db", "checkout-web", "checkout")
BILLING = ("billing-app", "billing-db", "billing")
SEARCH = ("search-app", "search-index", "search")

_ENTRIES = (
    ci("core-1", "router"),
    ci("core-2", "router"),
    *(ci(name, "switch", any_of("core-1", "core-2")) for name in ("tor-a", "tor-b1", "tor-b2", "tor-c")),
    ci("san-1", "storage"),
    ci("san-2", "storage"),
    *(ci(host, "host", "tor-a") for host in HOSTS_A),
    *(ci(host, "host", any_of("tor-b1", "tor-b2")) for host in numbered("host-b", 1, 2, 3, 4)),
    *(ci(host, "host", "tor-c") for host in HOSTS_C),
    *(
        ci(f"vm-{rack}{n}", "virtual-machine", f"host-{rack}{(n + 1) // 2}", san)
        for rack, sans in (("a", "11112222"), ("b", "11111111"), ("c", "22222222"))
        for n, san in zip(range(1, 9), (f"san-{digit}" for digit in sans), strict=True)
    ),
    ci("checkout-db", "database", "vm-a1"),
    ci("checkout-web", "application", any_of("vm-a3", "vm-a5")),
    service("checkout", "critical", "checkout-web", "checkout-db"),
    ci("search-app", "application", "vm-b1"),
    ci("search-index", "application", "vm-b3"),
    service("search", "high", "search-app", "search-index"),
    ci("billing-app", "application", "vm-c1"),
    ci("billing-db", "database", "vm-c3"),
    service("billing", "high", "billing-app", "billing-db"),
    *(ci(name, "printer") for name in numbered("printer-", 1, 2)),
)


def shop(*more: Entry, needs: Mapping[str, Sequence[Any]] | None = None) -> dict[str, Any]:
    """The document, with more entries and with more `needs` of CIs that are there."""
    added = needs or {}
    entries = [{**entry, "depends_on": [*entry["depends_on"], *added.get(entry["id"], ())]} for entry in _ENTRIES]
    return {"cis": [*entries, *more]}
