"""The machine room: power, network, storage, firewalls and the physical hosts, rack by rack.

Rack 3 is the caged rack for card data: it has one switch in use (`tor-3a`), and that switch is not monitored.
Rack 6 has one switch too, a monitored one. Every other rack has a pair, so that either may be lost.
"""

from cmdb.model import CI, Criticality, Dependency, Strength

DOMAIN = "dc1.example"
RACKS = (1, 2, 3, 4, 5, 6)
HOSTS_PER_RACK = 4
SINGLE_SWITCH_RACKS = frozenset({3, 6})


def needs(*providers: str, need: int = 1, soft: bool = False) -> Dependency:
    """One dependency: a single provider, or a redundancy group of which `need` must work."""
    return Dependency(providers=providers, need=need, strength=Strength.SOFT if soft else Strength.HARD)


def dns_name(host: str) -> str:
    """The full host name, which the CMDB lists as an alias."""
    return f"{host}.{DOMAIN}"


def switches_of(rack: int) -> tuple[str, ...]:
    """The top-of-rack switches that a rack's equipment is cabled to."""
    return (f"tor-{rack}a",) if rack in SINGLE_SWITCH_RACKS else (f"tor-{rack}a", f"tor-{rack}b")


def machine_room() -> list[CI]:
    """Every CI of the machine room, providers before dependents."""
    return [*_power(), *_network(), *_storage(), *_appliances(), *_hosts()]


def _power() -> list[CI]:
    found = [
        CI(id=f"power-feed-{side}", type="power-feed", name=f"Power feed {side.upper()}", owner="facilities")
        for side in "ab"
    ]
    found += [
        CI(
            id=f"ups-{side}",
            type="ups",
            name=f"Battery room {side.upper()}",
            owner="facilities",
            criticality=Criticality.HIGH,
            depends_on=(needs(f"power-feed-{side}"),),
        )
        for side in "ab"
    ]
    found += [
        CI(
            id=f"pdu-{rack}{side}",
            type="pdu",
            name=f"Power strip {side.upper()} of rack {rack}",
            owner="facilities",
            aliases=(f"rack{rack}-pdu-{side}",),
            depends_on=(needs(f"ups-{side}"),),
        )
        for rack in RACKS
        for side in "ab"
    ]
    return found


def _power_of(rack: int) -> Dependency:
    return needs(f"pdu-{rack}a", f"pdu-{rack}b")


def _network() -> list[CI]:
    found = [
        CI(
            id=f"core-{number}",
            type="core-switch",
            name=f"Core switch {number}",
            owner="network",
            criticality=Criticality.CRITICAL,
            depends_on=(_power_of(number),),
        )
        for number in (1, 2)
    ]
    uplink = needs("core-1", "core-2")
    for rack in RACKS:
        found += [
            CI(
                id=tor,
                type="tor-switch",
                name=f"Top-of-rack switch {tor[-1].upper()} of rack {rack}",
                owner="network",
                aliases=(dns_name(tor),),
                depends_on=(uplink, _power_of(rack)),
            )
            for tor in switches_of(rack)
        ]
    found.append(CI(id="tor-3b", type="tor-switch", name="Spare switch in rack 3, not cabled yet", owner="network"))
    found += [
        CI(id=f"wan-{number}", type="internet-line", name=f"Internet line {number}", owner="network")
        for number in (1, 2)
    ]
    return found


def _storage() -> list[CI]:
    found = [
        CI(
            id=f"fabric-{side}",
            type="storage-switch",
            name=f"Storage network {side.upper()}",
            owner="storage",
            depends_on=(needs("pdu-2a", "pdu-2b"),),
        )
        for side in "ab"
    ]
    for number in (1, 2):
        controllers = tuple(f"san-{number}-controller-{side}" for side in "ab")
        found += [
            CI(id=c, type="storage-controller", name=f"Controller {c[-1].upper()} of storage array {number}",
               owner="storage")
            for c in controllers
        ]  # fmt: skip
        found.append(
            CI(
                id=f"san-{number}",
                type="storage-array",
                name=f"Storage array {number}",
                owner="storage",
                criticality=Criticality.CRITICAL,
                depends_on=(needs(*controllers), _power_of(number), needs("fabric-a", "fabric-b")),
            )
        )
    return found


def _appliances() -> list[CI]:
    """Firewalls, name servers and load balancers: one of each in rack 1, its twin in rack 2."""
    kinds = (
        ("fw", "firewall", "Firewall", Criticality.CRITICAL, (needs("wan-1", "wan-2"),)),
        ("dns", "name-server", "Name server", Criticality.HIGH, ()),
        ("lb", "load-balancer", "Load balancer", Criticality.CRITICAL, (needs("fw-1", "fw-2"),)),
    )
    return [
        CI(
            id=f"{prefix}-{rack}",
            type=type_,
            name=f"{name} {rack}",
            owner="network",
            criticality=criticality,
            aliases=(dns_name(f"{prefix}-{rack}"),),
            depends_on=(needs(*switches_of(rack)), _power_of(rack), *more),
        )
        for prefix, type_, name, criticality, more in kinds
        for rack in (1, 2)
    ]


def _hosts() -> list[CI]:
    return [
        CI(
            id=f"host-{rack}{slot}",
            type="hypervisor",
            name=f"Server {slot} in rack {rack}",
            owner="compute",
            criticality=Criticality.MEDIUM,
            aliases=(dns_name(f"host-{rack}{slot}"),),
            depends_on=(needs(*switches_of(rack)), _power_of(rack), needs("fabric-a", "fabric-b")),
        )
        for rack in RACKS
        for slot in range(1, HOSTS_PER_RACK + 1)
    ]
