"""Failures that only together take something down, and those that a wider failure hides: stories on two switches."""

from collections.abc import Iterable
from dataclasses import replace

from cmdb.graph import Estate
from cmdb.model import CI, Criticality, State, Strength
from rules.alert import Sighting
from rules.decision import Command, Verb
from rules.incident import Incident
from rules.situation import Situation
from tests.builders import at, sighting
from tests.desk import Desk, needs, service

HOSTS = tuple(f"host-{n}" for n in range(1, 7))
MACHINES = tuple(f"vm-{n}" for n in range(1, 7))


def hall() -> Estate:
    """Six hosts on two switches of which one is enough, a machine on each host, and a shop on two of these."""
    return Estate.of(
        [
            CI(id="switch-a", type="switch"),
            CI(id="switch-b", type="switch"),
            *(CI(id=host, type="host", depends_on=(needs("switch-a", "switch-b"),)) for host in HOSTS),
            *(
                CI(id=vm, type="virtual-machine", depends_on=(needs(host),))
                for vm, host in zip(MACHINES, HOSTS, strict=True)
            ),
            service("shop", "Shop", Criticality.HIGH, needs("vm-1", "vm-2")),
        ]
    )


def dead(cis: Iterable[str], seconds: float) -> list[Sighting]:
    return [sighting("HostDown", labels={"ci": ci, "severity": "critical"}, starts_at=at(seconds)) for ci in cis]


def weakened(seconds: float) -> list[Sighting]:
    return [
        sighting("RedundancyLost", labels={"ci": ci, "severity": "warning"}, starts_at=at(seconds)) for ci in HOSTS[:4]
    ]


def test_two_silent_members_of_a_redundant_pair_are_one_failure() -> None:
    desk = Desk(hall())
    desk.hear(*dead([*HOSTS, *MACHINES], 0))
    (incident,) = desk.open()
    switches = {"switch-a", "switch-b"}
    assert {incident.root.ci, *incident.root.beside} == switches
    assert {c.ci for c in incident.root.candidates[:2]} == switches
    assert any("must have failed too" in line for line in incident.root.evidence)
    assert {s.ci: s.state for s in incident.services} == {"shop": State.DOWN}


def test_no_second_failure_is_supposed_where_one_is_enough() -> None:
    desk = Desk(hall())
    desk.hear(*dead(["host-1", "vm-1"], 0))
    (incident,) = desk.open()
    assert (incident.root.ci, incident.root.beside) == ("host-1", ())


def both_lost() -> tuple[Desk, Incident, Incident]:
    """A switch is lost without a word of its own, and half an hour later the other: what was said of the first clears,
    as the hosts are worse off now. The desk an hour after that, and the incident of each."""
    desk = Desk(hall())
    desk.hear(*weakened(0))
    (first,) = desk.open()
    desk.wait(1800)
    desk.hear(*weakened(0))
    desk.wait(15)
    for _ in range(60):
        desk.hear(*dead([*HOSTS, *MACHINES], 1810))
        desk.wait(60)
    first, second = desk.incidents[first.number], desk.incidents[2]
    assert len(desk.incidents) == 2
    return desk, first, second


def test_the_second_of_a_pair_is_told_apart_from_the_first() -> None:
    _, first, second = both_lost()
    assert {first.root.ci, second.root.ci} == {"switch-a", "switch-b"}
    assert (first.root.beside, second.root.beside) == ((), (first.root.ci,))
    assert second.root.candidates[1].ci == first.root.ci
    assert second.root.candidates[1].evidence[0] == f"may have failed beside {second.root.ci}, not in its place"


def test_what_the_second_of_a_pair_supposes_stays_open_as_long_as_both_last() -> None:
    desk, first, second = both_lost()
    assert first.is_active
    assert second.is_active
    desk.hear()
    desk.wait(600)
    desk.hear()
    assert not desk.open()


def test_a_late_symptom_of_both_joins_the_second() -> None:
    desk, _, second = both_lost()
    late = sighting("SlowShop", labels={"ci": "shop", "severity": "critical"}, starts_at=desk.now)
    desk.hear(*dead([*HOSTS, *MACHINES], 1810), late)
    assert [a.incident for a in desk.alerts.values() if a.ci == "shop"] == [second.number]


def test_after_one_of_both_is_back_a_failure_of_its_own_stands_alone() -> None:
    desk, _, _ = both_lost()
    desk.hear(*weakened(5500))
    desk.wait(600)
    desk.hear(*weakened(5500), *dead(["host-5", "vm-5"], 6000))
    assert "host-5" in {incident.root.ci for incident in desk.open()}


def test_another_failure_nearby_does_not_make_the_first_of_two_that_look_alike_surer() -> None:
    desk = Desk(hall())
    desk.hear(*weakened(0), *dead(["host-5", "vm-5", "host-6", "vm-6"], 5))
    first = next(incident for incident in desk.open() if incident.root.ci in {"switch-a", "switch-b"})
    one, other = first.root.candidates[:2]
    assert {one.ci, other.ci} == {"switch-a", "switch-b"}
    assert one.confidence == other.confidence


def cabinet() -> Estate:
    """A store that four services need; a report can do without three of them and needs nothing else."""
    names = ("cart", "login", "search", "price")
    soft = (needs(name, strength=Strength.SOFT) for name in names[1:])
    return Estate.of(
        [
            CI(id="store", type="datastore"),
            *(CI(id=name, type="service", depends_on=(needs("store"),)) for name in names),
            CI(id="report", type="service", depends_on=tuple(soft)),
        ]
    )


def test_what_one_failure_hides_is_named_beside_it() -> None:
    desk = Desk(cabinet())
    desk.hear(*dead(["store", "cart", "login", "search", "price", "report"], 0))
    (incident,) = desk.open()
    root, second = incident.root.candidates[:2]
    assert (root.ci, second.ci) == ("store", "report")
    assert root.confidence > 0.9 > second.confidence > 0
    assert "may have failed beside store, not in its place" in second.evidence
    assert not any("to tell them apart" in line for line in incident.root.evidence)


def shelf() -> Estate:
    """A store under the machines of three hosts; the machines need host and store."""
    machines = {f"vm-{host}{n}": f"host-{host}" for host in "abc" for n in range(1, 5)}
    return Estate.of(
        [
            CI(id="store", type="datastore"),
            *(CI(id=f"host-{name}", type="host") for name in "abc"),
            *(
                CI(id=vm, type="virtual-machine", depends_on=(needs(host), needs("store")))
                for vm, host in machines.items()
            ),
        ]
    )


def test_two_small_causes_that_say_so_themselves_explain_more_than_a_silent_wide_one() -> None:
    desk = Desk(shelf())
    first, second = (f"vm-a{n}" for n in (1, 2, 3)), (f"vm-b{n}" for n in (1, 2, 3))
    desk.hear(*dead(["host-a", *first], 0), *dead(["host-b", *second], 5))
    assert {incident.root.ci for incident in desk.open()} == {"host-a", "host-b"}


def test_the_other_of_two_may_be_taken_out_of_the_cmdb() -> None:
    desk = Desk(hall())
    desk.hear(*dead([*HOSTS, *MACHINES], 0))
    (incident,) = desk.open()
    (gone,) = incident.root.beside
    other = needs(incident.root.ci or "")
    left = [replace(ci, depends_on=(other,)) if ci.id in HOSTS else ci for ci in hall() if ci.id != gone]
    desk.situation = Situation(Estate.of(left), desk.situation.policy, desk.situation.subscriptions)
    desk.restart()
    order = Command(id="c1", at=desk.now, actor="anna", verb=Verb.SET, number=1, field="category", value="network")
    assert desk.decide(order).replies[0].done
    assert {s.ci: s.state for s in desk.incidents[1].services} == {"shop": State.DOWN}
