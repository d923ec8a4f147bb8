"""What is silenced opens nothing by itself, counts in the diagnosis of others, and opens when its silence ends."""

from datetime import timedelta

import pytest

from rules.decision import Verb
from rules.matchers import Matcher, all_of, parse_matcher
from rules.silence import KEPT, Silence, Silencer, SilenceState, can_change, ended, listed, wrong_with
from tests.builders import T0, at, sighting, silence
from tests.desk import Desk, down

RACK = ("host-1", "host-2", "host-3", "host-4")


@pytest.mark.parametrize(
    ("matcher", "labels", "holds"),
    [
        ('ci="db1"', {"ci": "db1"}, True),
        ("ci=db1", {"ci": "db10"}, False),
        ("ci!=db1", {}, True),
        ('ci=~"db[12]"', {"ci": "db1"}, True),
        ('ci=~"db[12]"', {"ci": "xdb1"}, False),
        ('ci=~"db1|web"', {"ci": "db1x"}, False),
        ('ci=~"(a+)+"', {"ci": "aaa"}, True),
        ('ci=~"(?i)DB.*"', {"ci": "db-ü"}, True),
        ('ci=~".*"', {}, True),
        ('ci!~"db.*"', {"ci": "db1"}, False),
        ('ci!~"db.*"', {}, True),
    ],
)
def test_matchers_mean_what_alertmanagers_do(matcher: str, labels: dict[str, str], holds: bool) -> None:
    parsed = parse_matcher(matcher)
    assert all_of([parsed])(labels) is holds
    assert parse_matcher(parsed.text) == parsed


def test_a_silence_is_found_by_its_matchers_whatever_their_kind() -> None:
    found = [
        silence("ci=db1", "alertname=~D.*", id="a"),
        silence("ci=~db.*", id="b", end=7200),
        silence("ci!=db1", "alertname=Down", id="c"),
    ]
    silencer = Silencer(found)
    assert [s.id for s in silencer.matching({"alertname": "Down", "ci": "db1"})] == ["b", "a"]
    assert [s.id for s in silencer.matching({"alertname": "Down", "ci": "web"})] == ["c"]
    assert silencer
    assert not Silencer([])


@pytest.mark.parametrize(
    ("wanted", "field"),
    [
        (silence(), "matchers"),
        (silence(*(f"l{n}=x" for n in range(32))), ""),
        (silence("ci=~.*"), "matchers"),
        (silence("ci=~.*", "a=b"), ""),
        (silence("ci=db1", end=0), "endsAt"),
        (silence("ci=db1", begin=-60, end=-30), "endsAt"),
        (silence("ci=db1", created_by=" "), "createdBy"),
        (silence("ci=db1", comment=""), "comment"),
        (silence("ci=db1", comment="x" * 4001), "comment"),
    ],
)
def test_what_is_wrong_with_a_silence_is_named(wanted: Silence, field: str) -> None:
    wrong = wrong_with(wanted, T0)
    assert (wrong[0] if wrong else "") == field


def test_an_expression_that_re2_does_not_take_is_named() -> None:
    for value in ("(", "(?=x)", r"(a)\1", "x" * 5000):
        bad = Silence(
            id="", matchers=(Matcher(name="ci", value=value, is_regex=True),), starts_at=T0, ends_at=at(60),
            updated_at=T0, created_by="a", comment="b",
        )  # fmt: skip
        wrong = wrong_with(bad, T0)
        assert wrong is not None
        assert wrong[0] == "matchers[0].value"


def test_a_silence_goes_from_pending_to_active_to_expired() -> None:
    known = silence("ci=db1", begin=60, end=120)
    assert [known.state_at(at(s)) for s in (59, 60, 119, 120)] == [
        SilenceState.PENDING, SilenceState.ACTIVE, SilenceState.ACTIVE, SilenceState.EXPIRED,
    ]  # fmt: skip
    assert ended(known, T0).state_at(T0) is SilenceState.EXPIRED
    assert ended(known, at(90)).ends_at == at(90)
    assert ended(known, at(200)) == known
    assert listed([known], at(120) + KEPT) == [known]
    assert listed([known], at(121) + KEPT) == []


@pytest.mark.parametrize(
    ("before", "wanted", "allowed"),
    [
        (silence("ci=db1"), silence("ci=db1", end=7200), True),
        (silence("ci=db1"), silence("ci=db2", end=7200), False),
        (silence("ci=db1"), silence("ci=db1", begin=5), False),
        (silence("ci=db1", end=9), silence("ci=db1", end=7200), False),
        (silence("ci=db1", begin=60), silence("ci=db1", begin=90), True),
        (silence("ci=db1", begin=60), silence("ci=db1", begin=5), False),
    ],
)
def test_what_may_change_follows_alertmanager(before: Silence, wanted: Silence, allowed: bool) -> None:
    assert can_change(before, wanted, at(10)) is allowed


def test_listing_follows_alertmanager() -> None:
    known = [
        silence("a=b", id="old", end=5),
        silence("a=b", id="newer", end=8),
        silence("a=b", id="soon", begin=20, end=30),
        silence("a=b", id="long"),
        silence("a=b", id="short", end=60),
    ]
    assert [s.id for s in listed(known, at(10))] == ["short", "long", "soon", "newer", "old"]


# Stories


def test_a_silenced_alert_opens_nothing_until_its_silence_runs_out() -> None:
    desk = Desk()
    assert desk.silence("ci=host-1", seconds=600) == "silence s1 is active"
    desk.hear(*down("host-1"))
    assert desk.open() == []
    assert desk.reasons() == {"silence s1 by anna: known"}
    desk.wait(599)
    desk.hear(*down("host-1"))
    assert desk.open() == []
    desk.wait(1)
    desk.hear(*down("host-1"))
    assert [i.root.ci for i in desk.open()] == ["host-1"]
    assert desk.reasons() == set()


def test_ending_a_silence_opens_what_fires_and_only_that() -> None:
    desk = Desk()
    desk.silence("alertname=HostDown")
    desk.hear(*down("host-1", "lonely"))
    desk.wait(15)
    desk.hear(*down("host-1"))
    assert desk.end_silence("s1") == "silence s1 has ended"
    assert [i.root.ci for i in desk.open()] == ["host-1"]
    assert desk.end_silence("s1") == "silence s1 had ended already"
    assert desk.end_silence("nope") == "there is no silence nope"


def test_what_is_silenced_is_still_evidence() -> None:
    desk = Desk()
    desk.silence("ci=~host-[123]")
    desk.hear(*down(*RACK), *down("checkout"))
    (incident,) = desk.open()
    assert incident.root.ci == "tor-3a"
    assert len(desk.situation.members[incident.number]) == 5


def test_a_silence_that_begins_later_keeps_notices_back_and_says_so() -> None:
    desk = Desk()
    desk.silence("ci=host-1", after=5)
    desk.hear(*down("host-1"))
    assert len(desk.open()) == 1
    desk.wait(60)
    desk.hear(*down("host-1"))
    assert desk.told() == []
    assert "1 of its alerts no longer to be called for: silence s1 by anna: known" in desk.history()
    desk.end_silence("s1")
    assert desk.told() == ["opened"]
    assert "1 of its alerts to be called for again; it is over: silence s1 by anna: known" in desk.history()


def test_a_change_keeps_the_id_where_it_can_and_makes_another_silence_where_not() -> None:
    desk = Desk()
    desk.silence("ci=host-1", seconds=60)
    desk.hear(*down("host-1", "tor-1a"))
    assert desk.silence("ci=host-1", seconds=3600, change="s1") == "silence s1 is active"
    desk.wait(120)
    assert {i.root.ci for i in desk.open()} == {"tor-1a"}
    assert desk.silence("ci=tor-1a", change="s1") == "silence s3 is active"
    assert desk.situation.silences["s1"].state_at(desk.now) is SilenceState.EXPIRED
    assert {i.root.ci for i in desk.open()} == {"host-1", "tor-1a"}
    assert desk.silence("ci=host-1", change="nope") == "there is no silence nope"


def test_two_silences_hold_an_alert_until_the_last_ends() -> None:
    desk = Desk()
    desk.silence("ci=host-1")
    desk.silence("alertname=HostDown")
    desk.hear(*down("host-1"))
    desk.end_silence("s1")
    assert desk.open() == []
    assert desk.reasons() == {"silence s2 by anna: known"}
    desk.end_silence("s2")
    assert len(desk.open()) == 1


def test_a_silence_that_ended_while_the_daemon_was_away_is_noticed() -> None:
    desk = Desk()
    desk.silence("ci=host-1", seconds=60)
    desk.hear(*down("host-1"))
    desk.restart()
    desk.hear(*down("host-1"))
    assert desk.open() == []
    desk.wait(120)
    desk.restart()
    desk.hear(*down("host-1"))
    assert len(desk.open()) == 1


def test_a_silence_of_ours_outlasts_one_at_the_source() -> None:
    desk = Desk()
    desk.silence("ci=host-1")
    desk.hear(sighting("HostDown", labels={"ci": "host-1", "severity": "critical"}, suppressed="silenced"))
    assert desk.reasons() == {"silenced at its source"}
    desk.wait(15)
    desk.hear(*down("host-1"))
    assert desk.open() == []


def test_expired_silences_are_forgotten_in_time() -> None:
    desk = Desk()
    desk.silence("ci=host-1", seconds=60)
    desk.wait(60 + KEPT / timedelta(seconds=1))
    desk.silence("ci=host-2")
    assert desk.situation.silences.keys() == {"s1", "s2"}
    desk.wait(1)
    desk.silence("ci=host-3")
    assert desk.situation.silences.keys() == {"s2", "s3"}


def test_a_silence_covers_what_fires_on_long_after_its_incident_was_closed() -> None:
    desk = Desk()
    desk.hear(*down("host-1"))
    desk.ask(Verb.RESOLVE, 1)
    desk.ask(Verb.CLOSE, 1)
    desk.wait(3600)
    desk.decide()
    assert desk.silence("ci=host-1") == "silence s3 is active"
    assert [a.suppressed for a in desk.situation.alerts.values()] == ["silence s3 by anna: known"]
    desk.hear(*down("host-1"))
    assert desk.open() == []


def test_deciding_again_changes_nothing() -> None:
    desk = Desk()
    desk.silence("ci=host-1")
    desk.hear(*down("host-1"))
    assert desk.hear(*down("host-1")).is_empty
    desk.restart()
    assert desk.hear(*down("host-1")).is_empty


def test_what_a_settled_incident_holds_calls_nobody_for_silenced_neighbours() -> None:
    desk = Desk()
    desk.silence("ci=~host-[234]")
    desk.hear(*down("host-1"))
    desk.wait(700)
    again = sighting("DiskLost", labels={"ci": "host-1", "severity": "critical"}, starts_at=desk.now)
    desk.hear(*down("host-1"), again)
    desk.wait(5)
    desk.hear(*down("host-1"), again, *down("host-2", "host-3", "host-4", starts_at=desk.now))
    assert [i.root.ci for i in desk.open()] == ["host-1"]
    assert desk.reasons() == {"silence s1 by anna: known"}
