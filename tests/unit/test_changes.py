"""Changes: the window that an approved one is, what it explains, what it risks."""

from typing import Any

import pytest

from rules.change_risk import risk_of
from rules.decision import RecordOrder, RecordVerb
from rules.incident import Level
from rules.record import Change, Given, Kind
from tests.builders import T0, at
from tests.clerk import Clerk
from tests.desk import down


def test_alerts_and_the_change_that_was_expected_to_cause_them_name_each_other(clerk: Clerk) -> None:
    clerk.change("tor-3a", begin=60)
    clerk.step("CHG-1", "approve")
    clerk.desk.wait(120)
    clerk.desk.hear(*down("host-1", starts_at=at(100)))
    change = clerk.record("CHG-1")
    assert isinstance(change, Change)
    assert [(e.alert, e.ci, e.at) for e in change.evidence] == [("HostDown", "host-1", at(100))]
    (alert,) = clerk.desk.situation.alerts.values()
    assert (alert.evidence_of, alert.incident) == (("CHG-1",), None)
    clerk.desk.wait(60)
    clerk.step("CHG-1", "complete")
    clerk.desk.wait(200)
    clerk.desk.decide()
    (found,) = clerk.desk.open()
    assert ("shares alerts with", "CHG-1") in clerk.links(found.key)
    assert ("shares alerts with", found.key) in clerk.links("CHG-1")
    clerk.desk.restart()
    assert next(iter(clerk.desk.situation.alerts.values())).evidence_of == ("CHG-1",)


def test_an_alert_may_be_evidence_of_two_changes(clerk: Clerk) -> None:
    for _ in range(2):
        clerk.step(clerk.change("tor-3a"), "approve")
    clerk.desk.hear(*down("host-1"))
    (alert,) = clerk.desk.situation.alerts.values()
    assert alert.evidence_of == ("CHG-1", "CHG-2")
    for key in alert.evidence_of:
        change = clerk.record(key)
        assert isinstance(change, Change)
        assert [e.ci for e in change.evidence] == ["host-1"]


# -- changes


def test_an_approved_change_is_a_window_and_its_alerts_are_its_evidence(clerk: Clerk) -> None:
    clerk.change("tor-3a", begin=60)
    assert clerk.step("CHG-1", "approve") == "CHG-1 is approved"
    clerk.desk.wait(120)
    clerk.desk.hear(*down("tor-3a", "host-1", starts_at=at(100)), *down("tor-1a", starts_at=at(100)))
    assert [i.root.ci for i in clerk.desk.open()] == ["tor-1a"]
    assert clerk.desk.reasons() == {"silenced by change CHG-1: switch firmware"}
    assert "expected under it: HostDown on host-1, HostDown on tor-3a" in clerk.history("CHG-1")
    clerk.desk.wait(60)
    clerk.step("CHG-1", "complete", "went well")
    clerk.desk.wait(60)
    clerk.desk.decide()
    assert len(clerk.desk.open()) == 1
    clerk.desk.wait(61)
    clerk.desk.decide()
    assert {i.root.ci for i in clerk.desk.open()} == {"tor-1a", "tor-3a"}


@pytest.mark.parametrize("steps", [(), ("approve", "cancel"), ("reject",)])
def test_a_change_that_is_not_approved_covers_nothing(clerk: Clerk, steps: tuple[str, ...]) -> None:
    clerk.change("tor-3a")
    for step in steps:
        clerk.step("CHG-1", step)
    clerk.desk.hear(*down("tor-3a"))
    assert [i.root.ci for i in clerk.desk.open()] == ["tor-3a"]


def test_an_approved_change_that_is_planned_anew_needs_approval_again(clerk: Clerk) -> None:
    clerk.change("tor-3a")
    clerk.step("CHG-1", "approve")
    clerk.order(Kind.CHANGE, RecordVerb.EDIT, number=1, given=Given(cis=("tor-1a",)))
    change = clerk.record("CHG-1")
    assert isinstance(change, Change)
    assert (change.status, change.approved_at, change.cis) == ("planned", None, ("tor-1a",))
    clerk.step("CHG-1", "approve")
    clerk.step("CHG-1", "start")
    assert not clerk.order(Kind.CHANGE, RecordVerb.EDIT, number=1, given=Given(cis=("tor-3a",))).done
    assert clerk.order(Kind.CHANGE, RecordVerb.EDIT, number=1, given=Given(ends_at=at(9000))).done


def test_a_deployment_that_is_over_covers_nothing_but_is_a_suspect(clerk: Clerk) -> None:
    clerk.change("tor-1a", begin=-600, end=-300, status="done", uid="build-7", title="deploy 7")
    assert clerk.change("tor-1a", begin=-600, end=-300, status="done", uid="build-7", title="deploy 7") == "CHG-1"
    clerk.desk.hear(*down("tor-1a"))
    (found,) = clerk.desk.open()
    assert 'change CHG-1 "deploy 7" ended 5 min before' in found.root.evidence


def test_nobody_replaces_another_ones_change_without_leave(clerk: Clerk) -> None:
    clerk.change("tor-1a", uid="build-7")
    told = {"given": Given(uid="build-7", title="mine now"), "may_replace": False}
    order = RecordOrder(id="r", at=T0, actor="bert", kind=Kind.CHANGE, verb=RecordVerb.CREATE, **told)  # type: ignore[arg-type]
    (reply,) = clerk.desk.decide(order).replies
    assert reply.message.startswith("build-7 is CHG-1 already, which anna has made")
    assert clerk.order(Kind.CHANGE, RecordVerb.CREATE, **told).done


def test_what_has_been_does_not_lie_ahead(clerk: Clerk) -> None:
    clerk.change("tor-1a", begin=-60, end=9000, status="done")
    made = clerk.record("CHG-1")
    assert made.ended_at == T0


def test_a_change_outlives_a_restart(clerk: Clerk) -> None:
    clerk.change("tor-3a")
    clerk.step("CHG-1", "approve")
    clerk.desk.restart()
    clerk.desk.hear(*down("tor-3a"))
    assert clerk.desk.open() == []
    assert clerk.change("tor-3a") == "CHG-2"


def change(*cis: str, number: int = 1, **fields: Any) -> Change:
    known = {"title": "x", "opened_at": T0, "opened_by": "anna", "updated_at": T0, "starts_at": T0, "ends_at": at(60)}
    return Change(number=number, cis=cis, **{**known, **fields})


def test_the_risk_of_a_change_comes_of_what_it_would_take_down(clerk: Clerk) -> None:
    estate = clerk.desk.situation.estate
    high, none = (risk_of(estate, change(ci), (), ()) for ci in ("host-1", "lonely"))
    assert (high.level, [s.ci for s in high.services], high.owners) == (Level.HIGH, ["checkout"], ("compute",))
    assert none.level is None
    assert risk_of(estate, change("tor-1a"), (), ()).level is Level.LOW


def test_the_risk_counts_the_redundancy_that_is_gone_at_that_time(clerk: Clerk) -> None:
    estate = clerk.desk.situation.estate
    mine = change("tor-1a")
    other = change("tor-1b", number=2, starts_at=at(30), ends_at=at(90))
    later = change("tor-1b", number=3, starts_at=at(60), ends_at=at(90))
    assert risk_of(estate, mine, (), (later,)).level is Level.LOW
    risk = risk_of(estate, mine, (), (mine, other))
    assert (risk.level, [s.ci for s in risk.services]) == (Level.HIGH, ["search"])
    assert risk.together[0] == "host-11 would be down: without tor-1b (CHG-2) it has no redundancy left"
    clerk.desk.hear(*down("tor-1b"))
    assert risk_of(estate, mine, clerk.desk.open(), ()).level is Level.HIGH


# -- the tables
