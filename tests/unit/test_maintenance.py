"""Announced maintenance: what it causes opens nothing, what exceeds it does, and what fires on opens afterwards."""

from datetime import timedelta

import pytest

from rules.maintenance import RECENT, Maintenance, Window
from rules.policy import Policy
from tests.builders import T0, alert, at, sighting
from tests.desk import Desk, down, rack_estate

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
    during, after = known.changed_recently("tor-3a", at(599)), known.changed_recently("tor-3a", at(600))
    assert during is not None
    assert during.text == "tor-3a in maintenance since 08:00 UTC: switch firmware"
    assert during.since == T0
    assert after is not None
    assert after.text == "tor-3a in maintenance until 08:10 UTC: switch firmware"
    assert known.changed_recently("tor-3a", at(600) + RECENT) is None
    assert known.changed_recently("tor-1a", at(59)) is None
    assert known.changed_recently("host-1", at(60)) is None


def test_of_several_windows_the_latest_counts() -> None:
    known = Maintenance(rack_estate(), [window("tor-3a", begin=60, name="new"), window("tor-3a", name="old")], GRACE)
    found = known.changed_recently("tor-3a", at(100))
    assert found is not None
    assert found.text.endswith("new")
