"""Naming the root where things work badly: stories on a small shop of services that call each other."""

import pytest

from cmdb.graph import Estate
from cmdb.model import CI, Criticality, State
from rules.alert import Sighting
from rules.incident import Incident
from tests.builders import at, sighting
from tests.desk import Desk, down, needs, service


def shop() -> Estate:
    """front → cart, ads; cart → store; each on a host of its own."""
    calls = {"front": ("cart", "ads"), "cart": ("store",), "ads": (), "store": ()}
    return Estate.of(
        [
            *(CI(id=f"host-{name}", type="host") for name in calls),
            *(
                CI(
                    id=name,
                    type="service",
                    owner=f"{name}-team",
                    depends_on=(*map(needs, below), needs(f"host-{name}")),
                )
                for name, below in calls.items()
            ),
            service("shop", "Shop", Criticality.HIGH, needs("front")),
        ]
    )


def bad(ci: str, name: str, **labels: str) -> Sighting:
    return sighting(name, labels={"ci": ci, "severity": "warning", **labels}, starts_at=at(0))


def named(*seen: Sighting) -> Incident:
    desk = Desk(shop())
    desk.hear(*seen)
    (incident,) = desk.open()
    return incident


def test_strain_on_its_own_resources_outweighs_a_wider_reach() -> None:
    slow = [bad(ci, "HighLatency") for ci in ("front", "cart", "store")]
    incident = named(*slow, bad("cart", "HighCPU"))
    assert incident.root.ci == "cart"
    assert incident.title == "cart (service) works badly: Shop degraded"
    assert {s.state for s in incident.services} == {State.DEGRADED}
    assert any("speak of its own resources" in line for line in incident.root.evidence)


def test_what_every_ci_shows_says_little() -> None:
    everywhere = [bad(ci, "HighMemory") for ci in ("front", "cart", "ads", "store")]
    assert named(*everywhere, bad("ads", "HighCPU")).root.ci == "ads"


def test_the_more_callers_complain_the_likelier_it_is() -> None:
    complaints = [bad("cart", "SlowCalls", source="front"), bad("cart", "SlowCalls", source="shop")]
    incident = named(*complaints, bad("store", "SlowCalls", source="cart"))
    assert incident.root.ci == "cart"
    assert "calls to it are slow or fail for front, shop" in incident.root.evidence


def test_a_caller_that_is_silent_itself_is_among_the_candidates() -> None:
    incident = named(bad("cart", "SlowCalls", source="front"), bad("ads", "SlowCalls", source="front"))
    assert "front" in {c.ci for c in incident.root.candidates}


def test_an_outage_is_explained_by_what_reaches_all_of_it() -> None:
    down = [sighting("Down", labels={"ci": ci, "severity": "critical"}) for ci in ("front", "cart", "store", "shop")]
    incident = named(*down, bad("front", "HighCPU"))
    assert incident.root.ci == "store"
    assert incident.title == "store (service) failed: Shop down"


def test_bad_work_that_does_not_touch_stays_apart() -> None:
    desk = Desk(shop())
    apart = (bad("store", "HighCPU"), bad("host-ads", "HighCPU"))
    for _ in range(8):
        desk.hear(*apart)
        desk.wait(1800)
    assert {i.root.ci for i in desk.open()} == {"store", "host-ads"}


def racked() -> Estate:
    """Three services of three pods each; pod n of each runs on host n."""
    hosts = [f"host-{n}" for n in range(3)]
    pods = [CI(id=f"{name}-{n}", type="pod", depends_on=(needs(hosts[n]),)) for name in "abc" for n in range(3)]
    services = [
        CI(id=name, type="service", depends_on=(needs(*(f"{name}-{n}" for n in range(3)), need=2),)) for name in "abc"
    ]
    return Estate.of([*(CI(id=host, type="host") for host in hosts), *pods, *services])


@pytest.mark.parametrize(
    ("strained", "root"),
    [(("a-1", "b-1", "c-1"), "host-1"), (("a-0", "a-1", "a-2"), "a"), (("b-2",), "b-2")],
    ids=["what runs on a host", "the pods of a service", "one pod"],
)
def test_what_strained_cis_share_is_named_for_them(strained: tuple[str, ...], root: str) -> None:
    desk = Desk(racked())
    slow = [bad(f"{name}-{n}", "SlowCalls", source=name) for name in "abc" for n in range(3)]
    desk.hear(*slow, *(bad(ci, name) for ci in strained for name in ("memory_usage", "memory_faults")))
    largest = max(desk.open(), key=lambda i: len(members(desk, i)))
    assert largest.root.ci == root


def test_candidates_that_look_alike_are_equally_likely_also_after_one_was_named() -> None:
    desk = Desk(racked())
    desk.hear(bad("a-0", "HighCPU"), bad("a-1", "HighCPU"), bad("a", "SlowCalls", source="b"))
    desk.wait(60)
    desk.hear(bad("a-0", "HighCPU"), bad("a-1", "HighCPU"), bad("a", "SlowCalls", source="c"))
    (incident,) = desk.open()
    likely = {c.ci: c.confidence for c in incident.root.candidates}
    assert likely["a-0"] == likely["a-1"]
    assert likely["host-0"] == likely["host-1"]
    assert 0.98 < sum(likely.values()) < 1.02


def zone() -> Estate:
    """One zone with six nodes of eight pods each."""
    nodes = [f"node-{n}" for n in range(6)]
    pods = [CI(id=f"{node}-pod-{n}", type="pod", depends_on=(needs(node),)) for node in nodes for n in range(8)]
    return Estate.of(
        [CI(id="zone", type="zone"), *(CI(id=n, type="node", depends_on=(needs("zone"),)) for n in nodes), *pods]
    )


def test_two_that_failed_explain_more_than_a_part_of_what_both_need() -> None:
    desk = Desk(zone())
    desk.hear(*down(*(f"node-{n}{pod}" for n in (1, 4) for pod in ("", *(f"-pod-{p}" for p in range(8))))))
    assert {i.root.ci for i in desk.open()} == {"node-1", "node-4"}


def test_what_comes_late_joins_but_turns_nothing() -> None:
    desk = Desk(zone())
    desk.hear(*down("node-1", *(f"node-1-pod-{p}" for p in range(6))))
    desk.wait(1200)
    late = [*down("node-1", "node-1-pod-7"), *down("node-2-pod-1", starts_at=desk.now)]
    desk.hear(*late)
    assert {i.root.ci: len(members(desk, i)) for i in desk.open()} == {"node-1": 8, "node-2-pod-1": 1}


def test_what_outlives_its_failure_explains_no_other() -> None:
    desk = Desk(zone())
    desk.hear(*down("node-1", *(f"node-1-pod-{p}" for p in range(6))))
    desk.wait(1200)
    desk.hear(*down("node-1-pod-0"))  # all else has recovered
    desk.wait(300)
    later = [sighting(name, labels={"ci": "node-1-pod-7"}, starts_at=desk.now) for name in ("Down", "Unreachable")]
    desk.hear(*down("node-1-pod-0"), *later)
    assert {i.root.ci: len(members(desk, i)) for i in desk.open()} == {"node-1": 7, "node-1-pod-7": 2}


@pytest.mark.parametrize(("kinds", "opened"), [(4, 1), (1, 0)])
def test_several_kinds_of_alert_at_once_are_no_noise(kinds: int, opened: int) -> None:
    desk, names = Desk(zone()), ("HighCPU", "HighMemory", "HighLatency", "FewReplies")
    desk.hear(*(sighting(name, labels={"ci": "node-1", "severity": "warning"}) for name in names[:kinds]))
    assert len(desk.open()) == opened


def test_an_incident_keeps_the_root_that_people_know_where_that_failed_indeed() -> None:
    hosts = [f"host-{n}" for n in range(8)]
    vms = {f"vm-{n}-{m}": host for n, host in enumerate(hosts) for m in range(4)}
    estate = Estate.of(
        [
            CI(id="tor", type="switch"),
            CI(id="san", type="storage"),
            *(CI(id=h, type="host", depends_on=(needs("tor"),) if h in hosts[:2] else ()) for h in hosts),
            *(CI(id=vm, type="vm", depends_on=(needs(host), needs("san"))) for vm, host in vms.items()),
        ]
    )
    desk = Desk(estate)
    first = down("tor", *hosts[:2], *(vm for vm, host in vms.items() if host in hosts[:2]))
    desk.hear(*first)
    desk.wait(30)
    desk.hear(*first, *down("san", *(vm for vm, host in vms.items() if host not in hosts[:2]), starts_at=desk.now))
    assert {i.number: i.root.ci for i in desk.open()} == {1: "tor", 2: "san"}


def members(desk: Desk, incident: Incident) -> list[str | None]:
    return [a.ci for a in desk.alerts.values() if a.incident == incident.number]


def test_what_fails_again_after_a_long_quiet_is_another_failure() -> None:
    desk = Desk(zone())
    desk.hear(*down("node-1", *(f"node-1-pod-{p}" for p in range(8))))
    desk.wait(300)
    desk.hear(*down("node-1"))  # its pods have found another node
    desk.wait(400)
    again = down(*(f"node-{n}-pod-{p}" for n in (1, 2) for p in range(8)), starts_at=desk.now)
    desk.hear(*down("node-1"), *again)
    assert {i.root.ci for i in desk.open()} >= {"node-1", "node-2"}
