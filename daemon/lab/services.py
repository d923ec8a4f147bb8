"""What runs in the machine room: virtual machines, databases, caches, queues, applications and business services.

Each `Workload` names the hosts its virtual machines run on. Card data may live in rack 3 only, so everything that
Checkout and Payments cannot do without runs there: two of each on different servers, behind the same switch.
"""

from dataclasses import dataclass

from cmdb.model import BUSINESS_SERVICE, CI, Criticality, Dependency
from daemon.lab.machine_room import dns_name, needs

LOW, MEDIUM, HIGH, CRITICAL = Criticality.LOW, Criticality.MEDIUM, Criticality.HIGH, Criticality.CRITICAL
LB = ("lb-1", "lb-2")


@dataclass(frozen=True, slots=True, kw_only=True)
class Workload:
    """An application and where it runs. `need` of its machines must work; `one_of` are redundancy groups."""

    id: str
    name: str
    owner: str
    hosts: tuple[int, ...]
    need: int = 1
    criticality: Criticality = MEDIUM
    hard: tuple[str, ...] = ()
    soft: tuple[str, ...] = ()
    one_of: tuple[tuple[str, ...], ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Cluster:
    """Databases or queue brokers that stand in for each other: an instance on each host, `need` must work."""

    id: str
    name: str
    owner: str
    hosts: tuple[int, ...]
    type: str = "database"
    need: int = 1
    criticality: Criticality = HIGH


CLUSTERS = (
    Cluster(id="pay-db", name="Payments database", owner="dba", hosts=(31, 34), criticality=CRITICAL),
    Cluster(id="order-db", name="Orders database", owner="dba", hosts=(22, 51), criticality=CRITICAL),
    Cluster(id="catalog-db", name="Catalogue database", owner="dba", hosts=(23, 52)),
    Cluster(id="user-db", name="Accounts database", owner="dba", hosts=(21, 41)),
    Cluster(id="stock-db", name="Stock database", owner="dba", hosts=(24,)),
    Cluster(id="report-db", name="Reporting database", owner="data-team", hosts=(63,), criticality=LOW),
    Cluster(id="hr-db", name="Staff directory database", owner="dba", hosts=(62,), criticality=LOW),
    Cluster(id="order-queue", name="Order queue", owner="platform", hosts=(11, 22, 43), type="message-queue", need=2),
)

CACHES = (
    ("cart-cache", "Cart cache", "shop-team", 32),
    ("search-cache", "Search result cache", "search-team", 13),
    ("session-cache", "Login session cache", "platform", 13),
    ("price-cache", "Price cache", "shop-team", 42),
)

WORKLOADS = (
    Workload(id="payments-api", name="Payments engine", owner="payments-team", hosts=(32, 34), criticality=CRITICAL,
             hard=("pay-db", "card-acquirer"), soft=("fraud-check",)),
    Workload(id="fraud-check", name="Fraud check", owner="payments-team", hosts=(33,), hard=("pay-db",)),
    Workload(id="checkout-api", name="Checkout engine", owner="shop-team", hosts=(31, 33), criticality=CRITICAL,
             hard=("payments-api", "order-queue"), soft=("cart-cache", "price-cache")),
    Workload(id="checkout-web", name="Checkout pages", owner="shop-team", hosts=(32, 34), criticality=CRITICAL,
             hard=("checkout-api",), one_of=(LB,)),
    Workload(id="auth-api", name="Login", owner="platform", hosts=(11, 21, 44), criticality=HIGH,
             hard=("user-db",), soft=("session-cache",)),
    Workload(id="catalog-api", name="Catalogue", owner="shop-team", hosts=(43, 53), criticality=HIGH,
             hard=("catalog-db",), soft=("price-cache",)),
    Workload(id="search-index", name="Search index", owner="search-team", hosts=(42, 52, 54), need=2,
             criticality=HIGH),
    Workload(id="search-api", name="Search engine", owner="search-team", hosts=(41, 51, 53), criticality=HIGH,
             hard=("search-index",), soft=("search-cache", "catalog-api"), one_of=(LB,)),
    Workload(id="image-store", name="Product pictures", owner="platform", hosts=(44, 51)),
    Workload(id="order-api", name="Orders", owner="shop-team", hosts=(42, 52), criticality=HIGH,
             hard=("order-db", "order-queue")),
    Workload(id="portal-api", name="Portal engine", owner="shop-team", hosts=(41, 53), criticality=HIGH,
             hard=("auth-api", "catalog-api"), soft=("order-api",)),
    Workload(id="portal-web", name="Portal pages", owner="shop-team", hosts=(12, 44, 54), criticality=HIGH,
             hard=("portal-api",), soft=("image-store",), one_of=(LB,)),
    Workload(id="tracking-api", name="Order tracking engine", owner="logistics-team", hosts=(43, 54),
             hard=("order-db",), soft=("carrier-gateway",)),
    Workload(id="tracking-web", name="Order tracking pages", owner="logistics-team", hosts=(12, 51),
             hard=("tracking-api",), one_of=(LB,)),
    Workload(id="stock-api", name="Stock levels", owner="logistics-team", hosts=(14, 24), criticality=HIGH,
             hard=("stock-db",)),
    Workload(id="warehouse-app", name="Warehouse floor", owner="logistics-team", hosts=(14, 24), criticality=HIGH,
             hard=("stock-api", "auth-api", "scanner-gateway"), soft=("label-printing",)),
    Workload(id="scanner-gateway", name="Hand scanner gateway", owner="logistics-team", hosts=(14,)),
    Workload(id="label-printing", name="Parcel label printing", owner="logistics-team", hosts=(23,)),
    Workload(id="carrier-gateway", name="Carrier gateway", owner="logistics-team", hosts=(53,), hard=("carrier-feed",)),
    Workload(id="notify-mail", name="Customer mails", owner="platform", hosts=(44,), hard=("order-queue",)),
    Workload(id="report-etl", name="Nightly load", owner="data-team", hosts=(62,), criticality=LOW,
             hard=("report-db",)),
    Workload(id="report-web", name="Report pages", owner="data-team", hosts=(61,), criticality=LOW,
             hard=("report-db",), soft=("report-etl",)),
    Workload(id="wiki", name="Staff wiki", owner="it-workplace", hosts=(64,), criticality=LOW, soft=("file-share",)),
    Workload(id="staff-directory", name="Staff directory", owner="it-workplace", hosts=(62,), criticality=LOW,
             hard=("hr-db",)),
    Workload(id="file-share", name="Shared files", owner="it-workplace", hosts=(61,), criticality=LOW),
)  # fmt: skip

OUTSIDE = (
    CI(id="card-acquirer", type="external-service", name="Card acquirer", owner="payments-team", criticality=CRITICAL),
    CI(id="carrier-feed", type="external-service", name="Carriers' parcel feed", owner="logistics-team"),
)

BUSINESS = (
    ("checkout", "Checkout", "shop-team", CRITICAL, ("checkout-web", "checkout-api"), ("notify-mail",)),
    ("payments", "Payments", "payments-team", CRITICAL, ("payments-api",), ()),
    ("search", "Search", "search-team", HIGH, ("search-api",), ()),
    ("customer-portal", "Customer Portal", "shop-team", HIGH, ("portal-web",), ("search-api",)),
    ("order-tracking", "Order Tracking", "logistics-team", MEDIUM, ("tracking-web",), ("notify-mail",)),
    ("warehouse", "Warehouse", "logistics-team", HIGH, ("warehouse-app",), ("carrier-gateway",)),
    ("reporting", "Reporting", "data-team", LOW, ("report-web",), ()),
    ("intranet", "Intranet", "it-workplace", LOW, ("wiki", "staff-directory"), ("file-share",)),
)


def services() -> list[CI]:
    """Everything that runs, providers before dependents as far as there is an order."""
    return [
        *OUTSIDE,
        *(ci for cluster in CLUSTERS for ci in _cluster(cluster)),
        *(ci for cache in CACHES for ci in _cache(*cache)),
        *(ci for workload in WORKLOADS for ci in _workload(workload)),
        *(_business(*row) for row in BUSINESS),
    ]


def _machine(purpose: str, number: int, host: int, owner: str) -> CI:
    """A virtual machine; its disk is on the array of its rack's side of the room."""
    name = f"vm-{purpose}-{number}"
    array = "san-1" if (host // 10) % 2 else "san-2"
    return CI(
        id=name,
        type="virtual-machine",
        name=f"Machine {number} of {purpose}",
        owner=owner,
        aliases=(dns_name(name),),
        depends_on=(needs(f"host-{host}"), needs(array)),
    )


def _cluster(cluster: Cluster) -> list[CI]:
    found = []
    instances = tuple(f"{cluster.id}-{n}" for n in range(1, len(cluster.hosts) + 1))
    for number, (instance, host) in enumerate(zip(instances, cluster.hosts, strict=True), start=1):
        machine = _machine(cluster.id, number, host, "compute")
        found += [
            machine,
            CI(
                id=instance,
                type=f"{cluster.type}-instance",
                name=f"{cluster.name}, copy {number}",
                owner=cluster.owner,
                aliases=(dns_name(instance),),
                depends_on=(needs(machine.id),),
            ),
        ]
    found.append(
        CI(
            id=cluster.id,
            type=cluster.type,
            name=cluster.name,
            owner=cluster.owner,
            criticality=cluster.criticality,
            match=((("cluster", cluster.id), ("component", cluster.type)),),
            depends_on=(needs(*instances, need=cluster.need),),
        )
    )
    return found


def _cache(id_: str, name: str, owner: str, host: int) -> list[CI]:
    machine = _machine(id_, 1, host, "compute")
    cache = CI(id=id_, type="cache", name=name, owner=owner, aliases=(dns_name(id_),), depends_on=(needs(machine.id),))
    return [machine, cache]


def _workload(work: Workload) -> list[CI]:
    machines = [_machine(work.id, n, host, "compute") for n, host in enumerate(work.hosts, start=1)]
    depends_on: list[Dependency] = [needs(*(m.id for m in machines), need=work.need)]
    depends_on += [needs(p) for p in work.hard]
    depends_on += [needs(*group) for group in work.one_of]
    depends_on.append(needs("dns-1", "dns-2"))
    depends_on += [needs(p, soft=True) for p in work.soft]
    application = CI(
        id=work.id,
        type="application",
        name=work.name,
        owner=work.owner,
        criticality=work.criticality,
        depends_on=tuple(depends_on),
    )
    return [*machines, application]


def _business(
    id_: str, name: str, owner: str, criticality: Criticality, hard: tuple[str, ...], soft: tuple[str, ...]
) -> CI:
    return CI(
        id=id_,
        type=BUSINESS_SERVICE,
        name=name,
        owner=owner,
        criticality=criticality,
        depends_on=(*(needs(p) for p in hard), *(needs(p, soft=True) for p in soft)),
    )
