"""An incident's alerts as they came and went, moment by moment."""

from daemon.console.storm import MOST_MOMENTS, moments_of
from rules.incident import RootCause
from tests.builders import alert, at, entry, incident


def test_each_moment_says_who_alerts_and_what_was_thought() -> None:
    failed = incident(opened_at=at(10), root=RootCause(ci="tor"))
    alerts = [alert("a"), alert("b", starts_at=at(10), cleared_at=at(30)), alert(None, starts_at=at(10))]
    turn = entry(kind="root_changed", at=at(20), old="a", new="tor")
    moments = moments_of(failed, alerts, [turn])
    assert [(m.at, dict(m.alerting), m.unmapped, m.root) for m in moments] == [
        (at(0), {"a": 1}, 0, None),
        (at(10), {"a": 1, "b": 1}, 1, "a"),
        (at(20), {"a": 1, "b": 1}, 1, "tor"),
        (at(30), {"a": 1}, 1, "tor"),
    ]
    assert [m.words for m in moments] == [
        "1 alert began",
        "2 alerts began",
        "the root cause was named",
        "1 alert ended",
    ]


def test_a_long_storm_is_told_in_so_many_steps_that_one_can_follow() -> None:
    alerts = [alert(f"h{n}", starts_at=at(n)) for n in range(1000)]
    moments = moments_of(incident(), alerts, [])
    assert len(moments) == MOST_MOMENTS
    assert sum(m.began for m in moments) == 1000
    assert len(moments[-1].alerting) == 1000


def test_what_was_registered_by_hand_has_no_storm() -> None:
    assert moments_of(incident(), [], []) == ()
