"""The made-up data centre: what it holds, what breaking things means, and what monitoring sees of it."""

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
import yaml

from cmdb.graph import Estate
from cmdb.importers.yaml_file import load_cmdb
from cmdb.model import CI, State
from daemon.clock import ManualClock
from daemon.config.load import load_config
from daemon.lab.alerting import GROUPS, AlertRule, filled
from daemon.lab.control import Control
from daemon.lab.errors import UnknownCi
from daemon.lab.estate import lab_cis, lab_estate, write_cmdb
from daemon.lab.files import Ways, write_daemon_config
from daemon.lab.metrics import JOBS, UNWATCHED, Sample, exposition, is_watched
from daemon.lab.scenario import SCENARIO, Script
from daemon.lab.world import MAX_LAG, Fault, World, consequences, lag_of, view

START = datetime(2026, 11, 24, 8, 0, tzinfo=UTC)
RULES = [rule for rules in GROUPS.values() for rule in rules]
QUIET = {"CertificateExpires", "BackupLate", "FirmwareOutdated", "TonerLow"}
MAPPING = ("ci", "service", "instance", "host", "node", "pod", "device", "job")


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock(START)


@pytest.fixture
def control(clock: ManualClock) -> Control:
    return Control(lab_estate(), clock)


def services_hit(*broken: str) -> dict[str, State]:
    estate = lab_estate()
    found = consequences(estate, dict.fromkeys(broken, Fault.DOWN))
    return {ci: state for ci, state in found.items() if ci in estate.business_services and state > State.AT_RISK}


def alerts(control: Control) -> list[tuple[AlertRule, dict[str, str]]]:
    """Every alert that a Prometheus would hold now, `for` aside."""
    return [
        (rule, {name: value for name, value in sample.labels if value} | {"job": job})
        for job in JOBS
        for sample in control.samples((job,))
        for rule in RULES
        if rule.fires_on(sample)
    ]


def ci_of(estate: Estate, labels: Mapping[str, str]) -> str | None:
    """The default mapping of the contract, in its simplest words."""
    for name in MAPPING:
        value = labels.get(name, "")
        found = estate.find(value) or estate.find(value.rpartition(":")[0])
        if value and found:
            return found
    return next(iter(estate.matching(labels)), None)


def test_the_data_centre_is_of_the_promised_size_and_whole() -> None:
    estate = lab_estate()
    assert 180 <= len(estate) <= 220
    assert len({ci.id for ci in lab_cis()}) == len(lab_cis())
    assert all(provider in estate for ci in lab_cis() for d in ci.depends_on for provider in d.providers)
    assert not estate.cycles()
    assert len(estate.business_services) == 8
    assert all(ci.owner for ci in lab_cis())


def test_the_cmdb_file_says_the_same_every_time(tmp_path: Path) -> None:
    write_cmdb(tmp_path / "one.yaml")
    write_cmdb(tmp_path / "two.yaml")
    text = (tmp_path / "one.yaml").read_text(encoding="utf-8")
    assert text == (tmp_path / "two.yaml").read_text(encoding="utf-8")
    entries = yaml.safe_load(text)["cis"]
    assert [entry["id"] for entry in entries] == [ci.id for ci in lab_cis()]
    host = next(entry for entry in entries if entry["id"] == "host-31")
    assert host["depends_on"][0] == "tor-3a"
    assert {"any_of": ["pdu-3a", "pdu-3b"], "need": 1} in host["depends_on"]


def test_the_written_files_are_good_to_the_daemon(tmp_path: Path) -> None:
    write_cmdb(tmp_path / "cmdb.yaml")
    estate = load_cmdb(tmp_path / "cmdb.yaml")
    assert [estate.ci(ci) for ci in estate.ids()] == list(lab_cis())
    ways = Ways(prometheus_url="http://127.0.0.1:1", alertmanager_url="", smtp_port=2, hook_url="http://127.0.0.1:3/h")
    config = load_config(write_daemon_config(tmp_path, ways, listen="127.0.0.1:8420", interval_s=5))
    assert [source.name for source in config.sources] == ["prometheus", "push"]
    assert config.http.access == "open"


@pytest.mark.parametrize(
    ("broken", "hit"),
    [
        (["tor-3a"], {"checkout": State.DOWN, "payments": State.DOWN}),
        (["tor-1a"], {}),
        (["tor-1a", "tor-1b"], {"warehouse": State.DOWN}),
        (["tor-3b"], {}),
        (["tor-6a"], {"reporting": State.DOWN, "intranet": State.DOWN}),
        (["core-1"], {}),
        (["pdu-3a"], {}),
        (["power-feed-a"], {}),
        (["search-cache"], {"search": State.DEGRADED, "customer-portal": State.DEGRADED}),
        (["pay-db-1"], {}),
        (["pay-db-1", "pay-db-2"], {"checkout": State.DOWN, "payments": State.DOWN}),
    ],
)
def test_what_a_failure_takes_down(broken: list[str], hit: dict[str, State]) -> None:
    found = services_hit(*broken)
    assert {ci: found.get(ci) for ci in hit} == hit
    if broken != ["tor-1a", "tor-1b"]:
        assert found == hit


def test_one_switch_of_two_puts_at_risk_what_has_no_other_home() -> None:
    assert consequences(lab_estate(), {"tor-1a": Fault.DOWN})["warehouse"] is State.AT_RISK


def test_symptoms_come_and_go_late_and_the_dependents_last(control: Control, clock: ManualClock) -> None:
    estate = lab_estate()
    control.break_(["tor-3a"])
    shown: dict[str, int] = {}
    for second in range(int(MAX_LAG.total_seconds()) + 1):
        for ci in control.seen().states:
            shown.setdefault(ci, second)
        clock.advance(timedelta(seconds=1))
    assert set(shown) == set(consequences(estate, {"tor-3a": Fault.DOWN}))
    assert len(set(shown.values())) >= 4
    assert max(shown["host-31"], shown["host-32"]) < shown["checkout"]
    control.mend(["tor-3a"])
    assert control.seen().states
    clock.advance(MAX_LAG)
    assert not control.seen().states


def test_every_lag_ends_within_the_time_that_is_remembered() -> None:
    assert max(lag_of(ci) for ci in lab_cis()) < MAX_LAG
    assert min(lag_of(ci) for ci in lab_cis()) >= timedelta(0)


def test_a_world_forgets_what_can_no_longer_be_seen() -> None:
    world = World()
    for minute in range(50):
        world = world.breaking("tor-1a", Fault.DOWN, START + timedelta(minutes=minute))
        world = world.mending(frozenset({"tor-1a"}), START + timedelta(minutes=minute, seconds=30))
    assert len(world.eras) <= 3
    assert not view(lab_estate(), world, START + timedelta(hours=2)).states


def test_the_silent_switch_has_no_alert_but_its_victims_do(control: Control, clock: ManualClock) -> None:
    control.break_(["tor-3a"])
    clock.advance(MAX_LAG)
    found = {(rule.name, ci_of(lab_estate(), labels)) for rule, labels in alerts(control) if rule.name not in QUIET}
    assert "tor-3a" in UNWATCHED
    assert not [ci for _, ci in found if ci in UNWATCHED]
    assert {("HostDown", f"host-3{slot}") for slot in (1, 2, 3, 4)} <= found
    assert {("ServiceDown", "checkout"), ("ServiceDown", "payments"), ("ClusterDown", "pay-db")} <= found


def test_a_switch_with_a_twin_speaks_for_itself(control: Control, clock: ManualClock) -> None:
    control.break_(["tor-1a"])
    clock.advance(MAX_LAG)
    found = {(rule.name, ci_of(lab_estate(), labels)) for rule, labels in alerts(control) if rule.name not in QUIET}
    assert found == {("SwitchDown", "tor-1a"), *(("UplinkLost", f"host-1{slot}") for slot in (1, 2, 3, 4))}


@pytest.mark.parametrize("fault", [Fault.DOWN, Fault.SLOW])
def test_every_alert_of_every_failure_is_about_something_that_is_hit(fault: Fault) -> None:
    estate = lab_estate()
    clock = ManualClock(START)
    control = Control(estate, clock)
    for ci in lab_cis():
        control.break_([ci.id], fault)
        clock.advance(MAX_LAG)
        hit = consequences(estate, {ci.id: fault})
        found = [(rule.name, labels) for rule, labels in alerts(control) if rule.name not in QUIET]
        assert all(ci_of(estate, labels) in hit for _, labels in found), ci.id
        watched = is_watched(ci) and (fault is Fault.DOWN or ci.type in {"application", "hypervisor"})
        assert not watched or ci.id in {ci_of(estate, labels) for _, labels in found}, ci.id
        control.mend([ci.id])
        clock.advance(MAX_LAG)
    assert {rule.name for rule, _ in alerts(control)} == QUIET


def test_only_information_is_there_on_a_quiet_day(control: Control) -> None:
    assert {rule.name for rule, _ in alerts(control)} == QUIET
    assert {rule.severity for rule, _ in alerts(control)} == {"info"}


def test_a_full_disk_is_a_warning_before_anything_fails(control: Control, clock: ManualClock) -> None:
    control.break_(["host-52"], Fault.DISK)
    clock.advance(MAX_LAG)
    assert {rule.name for rule, _ in alerts(control)} - QUIET == {"DiskFillingUp"}
    assert control.status()["means"] == []
    assert control.status()["broken"][0]["fault"] == "disk"


def test_names_may_be_aliases_and_unknown_ones_change_nothing(control: Control) -> None:
    assert control.break_(["host-31.dc1.example"]) == ("host-31",)
    with pytest.raises(UnknownCi, match="did you mean tor-3a") as refused:
        control.break_(["tor-1a", "tor3a"])
    assert "tor-3a" in refused.value.near
    assert [broken["ci"] for broken in control.status()["broken"]] == ["host-31"]
    assert control.mend(["tor-1a"]) == ()
    assert control.mend_all() == ("host-31",)


def test_every_label_of_the_exposition_is_escaped() -> None:
    sample = Sample(metric="m", labels=(("a", 'x"\\\n'),), value=0.5)
    assert exposition([sample]) == '# TYPE m gauge\nm{a="x\\"\\\\\\n"} 0.5\n'


def test_every_summary_can_be_filled_in(control: Control, clock: ManualClock) -> None:
    control.break_(["san-1", "core-1", "core-2"])
    clock.advance(MAX_LAG)
    for rule, labels in alerts(control):
        assert "{{" not in filled(rule.summary + rule.detail, labels)


def test_a_script_hands_out_each_step_once_and_in_time() -> None:
    script = Script()
    assert script.due(timedelta(seconds=1)) == []
    assert [step.ci for step in script.due(timedelta(seconds=59))] == ["tor-3a"]
    assert len(script.due(timedelta(hours=1))) == len(SCENARIO) - 1
    assert script.due(timedelta(hours=2)) == []


def test_the_script_mends_what_it_breaks(control: Control) -> None:
    for step in SCENARIO:
        (control.break_ if step.verb == "break" else control.mend)([step.ci])
    assert control.status()["broken"] == []


def test_the_manual_names_every_rule_and_business_service() -> None:
    manual = (Path(__file__).parents[2] / "docs" / "lab.md").read_text(encoding="utf-8")
    assert not [rule.name for rule in RULES if rule.name not in manual]
    business: list[CI] = [lab_estate().ci(ci) for ci in sorted(lab_estate().business_services)]
    assert not [ci.id for ci in business if ci.title not in manual]
