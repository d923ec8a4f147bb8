"""Announced maintenance: what it causes opens nothing, what exceeds it does, and what fires on opens afterwards."""

from datetime import timedelta

import pytest

from cmdb.graph import Estate
from cmdb.model import CI
from rules.maintenance import RECENT, Maintenance, Window
from rules.policy import Policy
from tests.builders import T0, alert, at, sighting
from tests.desk import Desk, down, needs, rack_estate

RACK = ("host-1", "host-2", "host-3", "host-4")
GRACE = timedelta(minutes=2)


def window(*cis: str, begin: float = 0, end: float = 3600, name: str = "switch firmware") -> Window:
    return Window(name=name, starts_at=at(begin), ends_at=at(end), cis=cis)


def desk_under(*windows: Window) -> Desk:
    return Desk(policy=Policy(maintenance=windows))


def test_what_the_maintenance_causes_opens_nothing() -> None:
    desk = desk_under(window("tor-3a"))
    desk.hear(*down("tor-3a", *RACK), *down("checkout"))
    assert desk.open() == []
    assert desk.reasons() == {"silenced by maintenance: switch firmware"}


@pytest.mark.parametrize(
    ("ci", "name", "severity", "opens"),
    [
        ("tor-1a", "SwitchDown", "critical", False),
        ("host-11", "LinkFlapping", "warning", False),
        ("host-11", "HostDown", "critical", True),
        ("search", "ServiceDown", "warning", True),
        ("tor-1b", "SwitchDown", "critical", True),
        ("host-1", "HostDown", "critical", True),
    ],
)
def test_what_exceeds_it_opens_as_usual(ci: str, name: str, severity: str, opens: bool) -> None:
    """`tor-1a` has a twin: its hosts only lose redundancy, so an outage of one is something else."""
    desk = desk_under(window("tor-1a"))
    for _ in range(3):  # a lone warning must last before it opens anything
        desk.hear(sighting(name, labels={"ci": ci, "severity": severity}))
        desk.wait(900)
    assert bool(desk.open()) is opens


def test_both_of_a_pair_in_one_window_may_take_down_what_stands_on_them() -> None:
    desk = desk_under(window("tor-1a", "tor-1b"))
    desk.hear(*down("host-11", "search"))
    assert desk.open() == []


def test_two_windows_do_not_excuse_together_what_neither_causes() -> None:
    desk = desk_under(window("tor-1a", name="one"), window("tor-1b", name="two"))
    desk.hear(*down("host-11", "search"))
    assert len(desk.open()) == 1


def test_what_fires_on_after_the_window_opens_once_the_grace_is_over() -> None:
    desk = desk_under(window("tor-3a", end=600))
    desk.hear(*down("tor-3a", *RACK))
    desk.wait(600 + 119)
    desk.hear(*down("tor-3a", *RACK))
    assert desk.open() == []
    desk.wait(1)
    desk.hear(*down("tor-3a", *RACK))
    (incident,) = desk.open()
    assert incident.root.ci == "tor-3a"
    assert len(desk.situation.members[incident.number]) == 5


def test_what_cleared_before_the_end_never_opens() -> None:
    desk = desk_under(window("tor-3a", end=600))
    desk.hear(*down(*RACK))
    desk.wait(500)
    desk.hear()
    desk.wait(500)
    desk.hear()
    assert desk.incidents == {}


def test_what_failed_before_the_window_is_not_its_doing() -> None:
    desk = desk_under(window("tor-3a", begin=60))
    desk.hear(*down("host-3"))
    desk.wait(90)
    desk.hear(*down("host-3"))
    assert [i.root.ci for i in desk.open()] == ["host-3"]
    assert desk.told() == ["opened"]
    assert not any(a.holds for a in desk.alerts.values())


def test_an_outage_beside_the_maintenance_opens_and_is_told() -> None:
    desk = desk_under(window("tor-3a"))
    desk.hear(*down("host-1"), *down("tor-1a"))
    desk.wait(15)
    desk.hear(*down("host-1"), *down("tor-1a"))
    assert [i.root.ci for i in desk.open()] == ["tor-1a"]
    assert desk.told() == ["opened"]


def test_a_window_that_ended_while_the_daemon_was_away_is_noticed() -> None:
    desk = desk_under(window("tor-3a", end=600))
    desk.hear(*down("tor-3a"))
    desk.wait(900)
    desk.restart()
    desk.hear(*down("tor-3a"))
    assert len(desk.open()) == 1


def test_names_may_be_aliases_and_unknown_ones_count_for_nothing() -> None:
    desk = desk_under(window("TOR-3A", "nowhere"))
    desk.hear(*down("tor-3a"))
    assert desk.open() == []


def test_windows_come_and_go() -> None:
    known = Maintenance(
        rack_estate(), [window("tor-3a", end=100), window("tor-1a", begin=50, end=100, name="b")], GRACE
    )

    def names(ci: str, seconds: float) -> list[str]:
        return [w.name for w in known.covering(alert(ci, starts_at=at(seconds)), at(seconds))]

    for _ in range(2):
        assert names("tor-3a", -1) == []
        assert names("tor-3a", 0) == ["switch firmware"]
        assert names("tor-1a", 49) == []
        assert names("tor-1a", 50) == ["b"]
        assert names("host-1", 219) == ["switch firmware"]
        assert names("host-1", 220) == []
    assert known.covering(alert(None), T0) == []


def test_work_on_a_ci_is_suspected_until_an_hour_after_its_end() -> None:
    known = Maintenance(rack_estate(), [window("tor-3a", end=600), window("tor-1a", begin=60, name="b")], GRACE)
    for seconds in (0, 599, 600, 600 + RECENT.total_seconds() - 1):
        assert known.changed_recently("tor-3a", at(seconds)) == window("tor-3a", end=600)
    assert known.changed_recently("tor-3a", at(-1)) is None
    assert known.changed_recently("tor-3a", at(600) + RECENT) is None
    assert known.changed_recently("tor-1a", at(59)) is None
    assert known.changed_recently("host-1", at(60)) is None


def test_of_several_windows_the_latest_counts() -> None:
    known = Maintenance(rack_estate(), [window("tor-3a", begin=60, name="new"), window("tor-3a", name="old")], GRACE)
    found = known.changed_recently("tor-3a", at(100))
    assert found is not None
    assert found.name == "new"


def twin_providers() -> Estate:
    """Hosts that need a switch and a storage alike: only a change can tell which of the two has failed."""
    hosts = [CI(id=ci, type="host", depends_on=(needs("tor-3a"), needs("san-1"))) for ci in RACK]
    return Estate.of([CI(id="san-1", type="storage"), CI(id="tor-3a", type="switch"), *hosts])


@pytest.mark.parametrize(
    ("windows", "root", "said"),
    [
        ((), "san-1", []),
        ((window("tor-3a", end=300),), "tor-3a", ['announced maintenance "switch firmware" ended 7 min before']),
        ((window("tor-3a", end=780),), "tor-3a", ['announced maintenance "switch firmware" began 12 min before']),
        ((window("tor-3a", begin=721, end=780),), "san-1", []),
    ],
)
def test_what_was_just_worked_on_is_suspected_first(windows: tuple[Window, ...], root: str, said: list[str]) -> None:
    """Work that began after the last symptom caused none of them."""
    desk = Desk(twin_providers(), Policy(maintenance=windows))
    desk.wait(720)
    failed = down("host-1", "host-2", "host-3", starts_at=desk.now)
    for _ in range(3):
        desk.hear(*failed)
        desk.wait(120)
    (incident,) = desk.open()
    assert incident.root.ci == root
    assert [line for line in incident.root.evidence if "maintenance" in line] == said
