"""Naming the root where things work badly: stories on a small shop of services that call each other."""

from cmdb.graph import Estate
from cmdb.model import CI, Criticality, State
from rules.alert import Sighting
from rules.incident import Incident
from tests.builders import at, sighting
from tests.desk import Desk, needs, service


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
    desk.hear(bad("store", "HighCPU"), bad("host-ads", "HighCPU"))
    assert {i.root.ci for i in desk.open()} == {"store", "host-ads"}
