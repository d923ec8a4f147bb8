"""Stories from the alert to the notice, in the core alone."""

from datetime import timedelta

import msgspec
import pytest

from cmdb.graph import Estate
from cmdb.model import CI, State
from rules.decision import Listing, Push, Verb
from rules.grouping import ALONE
from rules.incident import Priority, Status
from rules.policy import Policy
from tests.builders import at, sighting
from tests.desk import Desk, down, needs

RACK = ("host-1", "host-2", "host-3", "host-4")


def test_a_silent_switch_is_one_incident_with_one_open_and_one_resolved_notice() -> None:
    desk = Desk()
    desk.hear(*down(*RACK), *down("checkout"))
    desk.wait(15)
    desk.hear(*down(*RACK), *down("checkout"))
    (incident,) = desk.open()
    assert incident.root.ci == "tor-3a"
    assert incident.title == "tor-3a (switch) failed: Checkout down"
    assert incident.priority is Priority.P1
    assert incident.group == "network"
    assert [s.ci for s in incident.services] == ["checkout"]
    assert desk.told() == ["opened"]
    desk.wait(15)
    desk.hear()
    desk.wait(121)
    desk.hear()
    assert desk.open() == []
    assert desk.told() == ["opened", "resolved"]


def test_one_of_two_redundant_switches_takes_nothing_down() -> None:
    desk = Desk()
    desk.hear(sighting("SwitchDown", labels={"ci": "tor-1a", "severity": "critical"}))
    (incident,) = desk.open()
    assert {s.state for s in incident.services} == {State.AT_RISK}
    assert incident.title == "tor-1a (switch) failed: Search at risk"
    assert "at risk" in incident.priority_reason
    assert incident.priority is Priority.P3


def test_both_of_two_redundant_switches_take_the_service_down() -> None:
    desk = Desk()
    desk.hear(*down("tor-1a"))
    desk.wait(60)
    desk.hear(*down("tor-1a", "tor-1b"))
    assert any(s.state is State.DOWN for i in desk.open() for s in i.services)


def test_two_unrelated_failures_are_two_incidents() -> None:
    desk = Desk()
    desk.hear(*down(*RACK), *down("tor-1a"))
    assert [i.root.ci for i in desk.open()] == ["tor-3a", "tor-1a"]


def test_later_symptoms_merge_what_was_opened_apart() -> None:
    desk = Desk()
    desk.hear(*down("host-3"))
    desk.wait(1)
    desk.hear(*down(*RACK))
    (incident,) = desk.open()
    assert (incident.number, incident.root.ci) == (1, "tor-3a")


def test_a_source_that_cannot_be_heard_resolves_nothing_and_is_told_once() -> None:
    desk = Desk(policy=Policy(service_levels=()))
    desk.hear(*down(*RACK))
    for _ in range(40):
        desk.wait(15)
        desk.lose()
    assert len(desk.open()) == 1
    assert desk.told() == ["opened", "source_down"]
    desk.hear(*down(*RACK))
    desk.wait(15)
    desk.hear(*down(*RACK))
    assert desk.told() == ["opened", "source_down", "source_up"]


def test_one_member_clearing_resolves_nothing() -> None:
    desk = Desk()
    desk.hear(*down(*RACK))
    desk.wait(15)
    desk.hear(*down("host-4"))
    desk.wait(600)
    desk.hear(*down("host-4"))
    assert len(desk.open()) == 1


def test_two_sources_see_one_alert_and_both_must_see_it_end() -> None:
    desk = Desk()
    desk.hear(*down("host-1"), source="a")
    desk.hear(*down("host-1", starts_at=at(30)), source="b")
    assert len(desk.alerts) == 1
    desk.hear(source="a")
    desk.wait(600)
    desk.hear(source="a")
    assert len(desk.open()) == 1
    desk.hear(source="b")
    desk.wait(121)
    desk.hear(source="b")
    assert desk.open() == []


def test_of_two_listings_in_one_cycle_the_later_one_counts() -> None:
    desk = Desk()
    desk.decide(*(Listing(source="main", at=desk.now, sightings=seen) for seen in (down("host-1"), ())))
    assert [a.is_firing for a in desk.alerts.values()] == [False]
    assert desk.open() == []


def test_a_rule_that_cannot_be_evaluated_is_not_taken_for_a_cleared_alert() -> None:
    desk = Desk()
    desk.hear(*down("host-1"))
    desk.wait(600)
    desk.hear(held=frozenset({"HostDown"}))
    assert all(a.is_firing for a in desk.alerts.values())


def test_a_relapse_reopens_within_the_time_and_opens_anew_after_it() -> None:
    desk = Desk()
    for expected in ((1, Status.OPEN), (1, Status.OPEN)):
        desk.hear(*down("host-1", starts_at=desk.now))
        assert [(i.number, i.status) for i in desk.open()] == [expected]
        desk.wait(15)
        desk.hear()
        desk.wait(121)
        desk.hear()
        assert desk.open() == []
    desk.wait(31 * 60)
    desk.hear(*down("host-1", starts_at=desk.now))
    (incident,) = desk.open()
    assert incident.number == 2
    assert [(link.kind, link.number) for link in incident.links] == [("relapse of", 1)]


@pytest.mark.parametrize(
    ("labels", "suppressed", "reason"),
    [
        ({"ci": "host-1", "severity": "info"}, "", "severity info is kept as an event"),
        ({"ci": "lonely", "severity": "warning"}, "", ALONE),
        ({"ci": "host-1", "severity": "critical"}, "silenced", "silenced at its source"),
    ],
)
def test_what_opens_nothing_is_kept_with_the_reason(labels: dict[str, str], suppressed: str, reason: str) -> None:
    desk = Desk()
    desk.hear(sighting(labels=labels, suppressed=suppressed))
    assert desk.open() == []
    assert [a.reason for a in desk.alerts.values()] == [reason]


def test_a_lone_warning_opens_once_it_has_outlasted_what_noise_does() -> None:
    desk = Desk()
    warning = sighting(labels={"ci": "host-1", "severity": "warning"})
    opened_after = None
    for minute in range(30):
        desk.hear(warning)
        if desk.open() and opened_after is None:
            opened_after = minute
        desk.wait(60)
    assert opened_after is not None
    assert 3 <= opened_after <= 25
    assert [i.number for i in desk.open()] == [1]


def test_a_lone_warning_opens_at_once_when_another_alert_goes_with_it() -> None:
    desk = Desk()
    warning = sighting("HighLatency", labels={"ci": "host-1", "severity": "warning"})
    desk.hear(warning)
    desk.wait(15)
    desk.hear(warning, *down("host-2", "host-3", starts_at=desk.now))
    (incident,) = desk.open()
    assert incident.root.ci == "tor-3a"
    assert len([a for a in desk.alerts.values() if a.incident == 1]) == 3


def test_what_still_fires_counts_when_its_silence_ends() -> None:
    desk = Desk()
    desk.hear(sighting(labels={"ci": "host-1"}, suppressed="silenced"))
    desk.wait(15)
    desk.hear(sighting(labels={"ci": "host-1"}))
    assert len(desk.open()) == 1


def test_a_silence_keeps_people_from_being_called_but_not_the_incident_from_resolving() -> None:
    desk = Desk()
    desk.hear(*down("host-1"))
    desk.hear(sighting("HostDown", labels={"ci": "host-1", "severity": "critical"}, suppressed="silenced"))
    desk.wait(60)
    desk.hear(sighting("HostDown", labels={"ci": "host-1", "severity": "critical"}, suppressed="silenced"))
    assert (len(desk.open()), desk.told()) == (1, [])
    desk.hear()
    desk.wait(121)
    desk.hear()
    assert desk.open() == []


def test_an_unmapped_alert_gets_its_own_incident() -> None:
    desk = Desk()
    desk.hear(sighting("DiskFull", labels={"instance": "nowhere-7:9100"}))
    (incident,) = desk.open()
    assert incident.root.ci is None
    assert incident.title == "DiskFull on nowhere-7, which the CMDB does not know"


def test_a_restart_says_nothing_twice() -> None:
    desk = Desk()
    desk.hear(*down(*RACK))
    desk.wait(15)
    desk.hear(*down(*RACK))
    desk.restart()
    decision = desk.hear(*reversed(down(*RACK)))
    assert (decision.incidents, decision.notices, decision.alerts) == ((), (), ())


def test_what_still_fires_when_people_close_its_incident_opens_no_other() -> None:
    desk = Desk()
    desk.hear(*down("host-1"))
    desk.ask(Verb.RESOLVE, 1)
    desk.ask(Verb.CLOSE, 1)
    for _ in range(3):
        desk.wait(20 * 60)
        desk.hear(*down("host-1"))
    desk.restart()
    desk.hear(*down("host-1"))
    assert list(desk.incidents) == [1]
    assert [a.first_seen_at for a in desk.alerts.values()] == [at(0)]


def test_a_restart_brings_nothing_back_that_was_forgotten() -> None:
    desk = Desk()
    desk.hear(*down("host-1"))
    desk.hear()
    for verb in (Verb.RESOLVE, Verb.CLOSE):
        desk.ask(verb, 1)
    desk.wait(31 * 60)
    desk.hear()
    desk.restart()
    assert desk.ask(Verb.REOPEN, 1).startswith("INC-1 is not known")


def test_a_restart_forgets_no_type_of_ci_that_is_monitored() -> None:
    desk = Desk()
    desk.hear(*down("lonely", severity="warning"))
    desk.hear()
    desk.restart()
    assert desk.situation.experience.heard_of_type("printer") == 1


def test_flapping_waits_longer_before_it_resolves() -> None:
    desk = Desk(policy=Policy(resolve_after=timedelta(seconds=60)))
    for _ in range(5):
        desk.hear(*down("host-1", starts_at=desk.now))
        desk.wait(15)
        desk.hear()
        desk.wait(15)
    desk.wait(60)
    desk.hear()
    assert len(desk.open()) == 1
    desk.wait(240)
    desk.hear()
    assert desk.open() == []
    assert desk.told() == ["opened", "resolved"]


def test_a_pushed_alert_ends_when_its_end_passes() -> None:
    desk = Desk()
    desk.decide(Push(source="push", at=desk.now, sightings=(sighting(labels={"ci": "host-1"}, ends_at=at(60)),)))
    assert len(desk.open()) == 1
    desk.wait(61)
    desk.decide()
    assert [a.cleared_at for a in desk.alerts.values()] == [at(60)]


def test_an_end_that_is_pushed_again_leaves_the_record_as_it_is() -> None:
    desk = Desk()
    for firing, suppressed in ((True, "silenced"), (False, ""), (False, "")):
        pushed = sighting(labels={"ci": "host-1"}, firing=firing, suppressed=suppressed, ends_at=at(60 + 600 * firing))
        desk.decide(Push(source="push", at=desk.now, sightings=(pushed,)))
        desk.wait(60)
    assert [(a.first_seen_at, a.reason) for a in desk.alerts.values()] == [(at(0), "silenced at its source")]


@pytest.mark.parametrize("fires", [False, True])
def test_what_comes_again_after_its_incident_was_forgotten_leaves_that_as_it_is(fires: bool) -> None:
    desk = Desk()
    desk.hear(*down("host-1"))
    for verb in (Verb.RESOLVE, Verb.CLOSE):
        desk.ask(verb, 1)
    desk.wait(31 * 60)
    desk.hear()
    (before,) = desk.alerts.values()
    assert desk.situation.incidents == {}
    (again,) = down("host-1")
    desk.decide(Push(source="push", at=desk.now, sightings=(msgspec.structs.replace(again, firing=fires),)))
    kept = [(a.incident, a.cleared_at) for a in desk.alerts.values()]
    assert sorted(kept, key=str) == [(1, before.cleared_at), *([(2, None)] if fires else [])]


def test_a_push_that_names_no_start_goes_on_with_the_episode() -> None:
    desk = Desk()
    for seconds in (0, 30):
        pushed = sighting(labels={"ci": "host-1"}, starts_at=at(seconds), is_start_known=False)
        desk.decide(Push(source="push", at=at(seconds), sightings=(pushed,)))
    assert [a.starts_at for a in desk.alerts.values()] == [at(0)]


def test_people_win_over_the_daemon() -> None:
    desk = Desk()
    desk.hear(*down(*RACK))
    assert desk.ask(Verb.SET_PRIORITY, 1, "P4") == "INC-1 is P4"
    assert desk.ask(Verb.SET_ROOT, 1, "host-1") == "the root cause of INC-1 is host-1"
    desk.wait(15)
    desk.hear(*down(*RACK), *down("checkout"))
    (incident,) = desk.open()
    assert (incident.priority, incident.root.ci) == (Priority.P4, "host-1")
    assert desk.ask(Verb.RESOLVE, 1, "switch swapped") == "INC-1 is resolved"
    desk.wait(15)
    desk.hear(*down(*RACK), *down("checkout"))
    assert desk.open() == []


def test_orders_that_make_no_sense_are_refused_in_words() -> None:
    desk = Desk()
    desk.hear(*down("host-1"))
    assert desk.ask(Verb.CLOSE, 1).startswith("cannot close an incident that is open; allowed now: acknowledge")
    assert desk.ask(Verb.ACKNOWLEDGE, 9).startswith("INC-9 is not known")
    assert desk.ask(Verb.MERGE, 1, "1").startswith("cannot merge into INC-1")
    assert desk.ask(Verb.SET_ROOT, 1, "nothing") == "the CMDB has no CI called 'nothing'"


def test_split_and_merge_by_hand_are_kept() -> None:
    desk = Desk()
    desk.hear(*down(*RACK))
    assert desk.ask(Verb.SPLIT, 1, "host-4") == "the alerts on host-4 are now INC-2"
    desk.wait(15)
    desk.hear(*down(*RACK))
    assert [i.number for i in desk.open()] == [1, 2]
    assert desk.ask(Verb.MERGE, 2, "1") == "INC-2 is merged into INC-1"
    assert [i.number for i in desk.open()] == [1]


def test_the_notice_carries_the_incident() -> None:
    desk = Desk()
    desk.hear(*down(*RACK))
    desk.wait(15)
    desk.hear(*down(*RACK))
    content = msgspec.json.decode(desk.notices[0].content)
    assert content["event"] == "opened"
    assert content["incident"]["root_cause"]["ci"] == "tor-3a"
    assert content["incident"]["impacted_services"] == ["checkout"]


def test_where_two_look_alike_it_says_so_and_what_would_tell() -> None:
    pair = [CI(id=f"core-{n}", type="switch") for n in (1, 2)]
    racks = [CI(id=f"host-{n}", type="host", depends_on=(needs("core-1"), needs("core-2"))) for n in range(6)]
    desk = Desk(Estate.of([*pair, *racks]))
    desk.hear(*down(*(f"host-{n}" for n in range(6))))
    (incident,) = desk.open()
    first, second = incident.root.candidates[:2]
    assert {first.ci, second.ci} == {"core-1", "core-2"}
    assert first.confidence == pytest.approx(second.confidence, abs=0.01)
    words = "\n".join(incident.root.evidence)
    assert "core-1 or core-2: each could explain what the 6 CIs say" in words
    assert "to tell them apart: check core-1; if it works, it is core-2" in words
    assert second.evidence == ("would explain 6 of the 6 alerting CIs", "has no alert of its own")


def test_where_only_one_alerts_its_provider_is_named_beside_it() -> None:
    desk = Desk(Estate.of([CI(id="host-12", type="host"), CI(id="vm-31", type="vm", depends_on=(needs("host-12"),))]))
    desk.hear(*down("vm-31"))
    (incident,) = desk.open()
    assert [c.ci for c in incident.root.candidates[:2]] == ["vm-31", "host-12"]
