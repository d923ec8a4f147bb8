"""What was worked on near the root cause, told as stories."""

from typing import Any

import pytest

from cmdb.graph import Estate
from cmdb.model import CI, Criticality, Strength
from rules.decision import RecordVerb, Verb
from rules.policy import Policy
from rules.record import Given, Kind
from tests.builders import at
from tests.clerk import Clerk
from tests.desk import Desk, down, needs, service


def stack() -> Estate:
    """A database on a stack of carriers, with a name server that it can do without and a pair that it cannot."""
    return Estate.of(
        [
            CI(id="power", type="pdu"),
            CI(id="cluster-1", type="cluster", depends_on=(needs("power"),)),
            CI(id="host-1", type="hypervisor", depends_on=(needs("cluster-1"),)),
            CI(id="vm-1", type="virtual-machine", depends_on=(needs("host-1"),)),
            CI(id="san-a", type="storage", depends_on=(needs("fabric"),)),
            CI(id="san-b", type="storage"),
            CI(id="fabric", type="switch", depends_on=(needs("power"),)),
            CI(id="dns", type="name-server"),
            CI(
                id="db1",
                type="database",
                depends_on=(needs("vm-1"), needs("san-a", "san-b"), needs("dns", strength=Strength.SOFT)),
            ),
            CI(id="app", type="application", depends_on=(needs("db1"),)),
            service("pay", "Payments", Criticality.CRITICAL, needs("db1")),
        ]
    )


@pytest.fixture
def clerk() -> Clerk:
    return Clerk(Desk(stack()))


def done(clerk: Clerk, *cis: str, begin: float = -600, end: float = -300, **fields: Any) -> str:
    known: dict[str, Any] = {"status": "done", "title": f"work on {', '.join(cis)}", **fields}
    return clerk.change(*cis, begin=begin, end=end, **known)


def fails(clerk: Clerk) -> None:
    """The database fails, as a person confirms: the diagnosis alone would rather blame what was worked on."""
    clerk.desk.hear(*down("db1"))
    clerk.desk.ask(Verb.SET_ROOT, 1, "db1")


def suspected(clerk: Clerk, number: int = 1) -> list[str]:
    return [s.words for s in clerk.desk.incidents[number].suspects]


@pytest.mark.parametrize(
    ("ci", "where"),
    [
        ("db1", "on the root cause itself"),
        ("vm-1", "one step below: on vm-1, which db1 needs"),
        ("san-b", "one step below: on san-b, one of those that db1 needs"),
        ("host-1", "two steps below: on host-1, which db1 needs by way of vm-1"),
        ("fabric", "two steps below: on fabric, which db1 needs by way of san-a"),
        ("cluster-1", "three steps below: on cluster-1, which db1 needs by way of vm-1, host-1"),
    ],
)
def test_work_near_the_root_is_suspected_with_its_distance(clerk: Clerk, ci: str, where: str) -> None:
    done(clerk, ci)
    fails(clerk)
    assert suspected(clerk) == [f'change CHG-1 "work on {ci}" ended 5 min before the first sign, {where}']
    assert clerk.links("INC-1") == [("suspects", "CHG-1")]
    assert clerk.links("CHG-1") == [("suspected in", "INC-1")]
    assert f"suspected: {suspected(clerk)[0]}" in clerk.history("INC-1")
    assert "suspected in INC-1" in clerk.history("CHG-1")


@pytest.mark.parametrize(
    ("ci", "fields"),
    [
        ("power", {}),
        ("dns", {}),
        ("app", {}),
        ("vm-1", {"begin": -9000, "end": -3601}),
        ("vm-1", {"begin": 60, "end": 600, "status": ""}),
        ("vm-1", {"status": ""}),
    ],
)
def test_what_is_far_over_for_long_or_not_carried_out_is_not(clerk: Clerk, ci: str, fields: dict[str, Any]) -> None:
    done(clerk, ci, **fields)
    fails(clerk)
    assert suspected(clerk) == []
    assert clerk.links("CHG-1") == []


def test_the_nearest_comes_first_then_the_latest(clerk: Clerk) -> None:
    done(clerk, "host-1", end=-60)
    done(clerk, "vm-1", begin=-3000, end=-2000)
    done(clerk, "vm-1", end=-120)
    clerk.change("vm-1", begin=-30, end=900, status="in_progress")
    fails(clerk)
    assert [s.change for s in clerk.desk.incidents[1].suspects] == ["CHG-4", "CHG-3", "CHG-2", "CHG-1"]
    assert clerk.desk.incidents[1].suspects[0].when == "began 30 s before the first sign"


def test_a_change_that_is_told_of_later_is_suspected_then(clerk: Clerk) -> None:
    clerk.desk.hear(*down("db1"))
    assert suspected(clerk) == []
    clerk.desk.wait(60)
    done(clerk, "host-1")
    assert [s.change for s in clerk.desk.incidents[1].suspects] == ["CHG-1"]
    assert clerk.links("CHG-1") == [("suspected in", "INC-1")]


def test_another_root_has_other_suspects(clerk: Clerk) -> None:
    done(clerk, "vm-1")
    done(clerk, "dns")
    fails(clerk)
    clerk.desk.ask(Verb.SET_ROOT, 1, "dns")
    assert [s.change for s in clerk.desk.incidents[1].suspects] == ["CHG-2"]
    assert clerk.links("CHG-1") == []
    assert clerk.links("INC-1") == [("suspects", "CHG-2")]
    assert "CHG-1 is no longer suspected" in clerk.history("INC-1")


def test_an_approved_change_that_is_called_off_is_suspected_no_more(clerk: Clerk) -> None:
    clerk.change("vm-1", begin=-60, end=600)
    clerk.step("CHG-1", "approve")
    clerk.desk.hear(*down("db1", starts_at=at(-30)))
    clerk.desk.wait(2000)
    clerk.desk.hear(*down("db1", starts_at=at(-30)))
    assert [s.change for s in clerk.desk.incidents[1].suspects] == ["CHG-1"]
    clerk.step("CHG-1", "cancel", "nobody came")
    assert suspected(clerk) == []


def test_a_suspect_is_kept_when_its_change_is_long_put_away(clerk: Clerk) -> None:
    clerk.desk.situation.policy = Policy()
    done(clerk, "vm-1")
    clerk.desk.hear(*down("db1"))
    words = suspected(clerk)
    clerk.step("CHG-1", "close")
    for _ in range(3):
        clerk.desk.wait(86_000)
        clerk.create(Kind.REQUEST, title="a laptop")
        clerk.desk.restart()
    assert "CHG-1" not in clerk.desk.situation.records
    clerk.desk.ask(Verb.NOTE, 1, "still off")
    clerk.order(Kind.REQUEST, RecordVerb.EDIT, number=1, given=Given(title="two laptops"))
    assert suspected(clerk) == words
