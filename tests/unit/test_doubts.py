"""What past failures say against the CMDB, told through the daemon's own decisions."""

from dataclasses import replace

import pytest

from cmdb.graph import Estate
from cmdb.model import CI, Criticality, Dependency
from rules.decision import Verb
from rules.doubt import Doubt, DoubtKind
from rules.doubts import doubts
from rules.incident import RootCause
from rules.past import History
from tests.builders import T0, alert, at, incident, sighting
from tests.desk import Desk, down, needs, service

RACK = ("host-1", "host-2", "host-3", "host-4")
HOUR = 3600.0


def racks(*more: CI, stray: tuple[Dependency, ...] = ()) -> Estate:
    """A rack of four hosts with a machine on the last, a host that the CMDB knows no switch of, and a rack apart."""
    return Estate.of(
        [
            CI(id="tor-1", type="switch"),
            CI(id="tor-2", type="switch"),
            *[CI(id=host, type="host", depends_on=(needs("tor-1"),)) for host in RACK],
            *[CI(id=host, type="host", depends_on=(needs("tor-2"),)) for host in ("host-5", "host-6")],
            CI(id="vm-4", type="vm", depends_on=(needs("host-4"),)),
            CI(id="stray", type="host", depends_on=stray),
            CI(id="vm-9", type="vm", depends_on=(needs("stray"),)),
            CI(id="vm-10", type="vm", depends_on=(needs("stray"),)),
            service("shop", "Shop", Criticality.CRITICAL, needs("vm-9")),
            *more,
        ]
    )


def fail(desk: Desk, *cis: str, later: tuple[str, ...] = (), slow: str = "", lasts: float = 600) -> None:
    """These alert for a while, others 20 seconds later, and one merely warns; then all is well for some hours."""
    warned = [sighting("Slow", labels={"ci": slow, "severity": "warning"}, starts_at=desk.now)] if slow else []
    first = (*down(*cis, starts_at=desk.now), *warned)
    desk.hear(*first)
    desk.wait(20)
    desk.hear(*first, *down(*later, starts_at=desk.now))
    desk.wait(lasts)
    desk.hear()
    desk.wait(150)
    desk.hear()
    desk.wait(4 * HOUR)


def past(desk: Desk) -> History:
    incidents, alerts = desk.incidents.values(), desk.alerts.values()
    return History(since=T0, until=desk.now, incidents=tuple(incidents), alerts=tuple(alerts))


def doubted(desk: Desk, estate: Estate | None = None) -> list[tuple[str, str, str]]:
    return [(str(d.kind), d.ci, d.needs) for d in doubts(estate or desk.situation.estate, past(desk))]


def only(desk: Desk) -> Doubt:
    (found,) = doubts(desk.situation.estate, past(desk))
    return found


# Dependencies that are missing


def test_what_alerts_in_every_failure_of_a_ci_seems_to_need_it() -> None:
    desk = Desk(racks())
    for _ in range(3):
        fail(desk, *RACK, later=("stray",))
    found = only(desk)
    assert (found.kind, found.ci, found.needs, found.seen, found.possible) == (
        DoubtKind.MISSING,
        "stray",
        "tor-1",
        3,
        3,
    )
    assert found.services == ("shop",)
    assert "in 3 of 3 failures of tor-1 it alerted within 20 s; nothing in the CMDB says so" in found.words
    assert {desk.incidents[number].root.ci for number in found.proof} == {"tor-1", "stray"}


def test_a_warning_that_opened_nothing_counts_as_well() -> None:
    desk = Desk(racks(CI(id="probe", type="host")))
    for _ in range(3):
        fail(desk, *RACK, slow="probe")
    assert [a.incident for a in desk.alerts.values() if a.ci == "probe"] == [None] * 3
    assert doubted(desk) == [("missing", "probe", "tor-1")]


def test_a_chain_is_named_at_its_lowest_ci_only() -> None:
    desk = Desk(racks())
    for _ in range(3):
        fail(desk, *RACK, later=("stray", "vm-9", "vm-10", "shop"))
    assert doubted(desk) == [("missing", "stray", "tor-1")]
    assert "and up to 3 CIs with it" in only(desk).words


def test_a_ci_that_nobody_monitors_is_known_by_what_needs_it() -> None:
    desk = Desk(racks())
    for _ in range(3):
        fail(desk, *RACK, later=("vm-9", "vm-10", "shop"))
    found = only(desk)
    assert (found.ci, found.needs) == ("stray", "tor-1")
    assert "what needs it alerted" in found.words


def test_two_failures_within_a_minute_may_be_an_accident() -> None:
    desk = Desk(racks())
    fail(desk, *RACK, later=("stray", "vm-9", "vm-10"))
    fail(desk, "host-5", "host-6")
    fail(desk, "stray", "vm-9", "vm-10")
    assert doubted(desk) == []


def test_a_ci_that_alerts_all_the_time_alerts_with_everything() -> None:
    desk = Desk(racks())
    for _ in range(2):
        fail(desk, *RACK, later=("stray",))
    assert ("missing", "stray", "tor-1") in doubted(desk)
    for _ in range(60):
        desk.hear(*down("stray", starts_at=desk.now))
        desk.wait(60)
        desk.hear()
        desk.wait(660)
    assert doubted(desk) == []


def test_failures_without_it_speak_against_it() -> None:
    desk = Desk(racks())
    for _ in range(3):
        fail(desk, *RACK, later=("stray",))
    before = only(desk)
    for _ in range(2):
        fail(desk, *RACK)
    after = only(desk)
    assert (after.seen, after.possible) == (3, 5)
    assert after.odds < before.odds


def test_of_two_that_fail_together_the_types_say_which_needs_the_other() -> None:
    desk = Desk(racks())
    for _ in range(3):
        fail(desk, "stray", later=RACK)
        fail(desk, *RACK)
    assert doubted(desk) == [("missing", "stray", "tor-1")], "hosts stand on switches"
    untyped = Estate.of([replace(ci, type="unknown") for ci in racks()])
    assert doubted(desk, untyped) == [("missing", "tor-1", "stray")], "the switch was down in every failure of the host"


def test_where_something_that_both_need_may_have_failed_nothing_is_missing() -> None:
    def history(estate: Estate) -> list[tuple[str, str]]:
        incidents, alerts = [], []
        for n in range(4):
            began = at(n * 6 * HOUR)
            for number, ci in ((2 * n + 1, "a"), (2 * n + 2, "b")):
                incidents.append(incident(number, opened_at=began, root=RootCause(ci=ci, confidence=0.9)))
                cleared = at(n * 6 * HOUR + 600)
                alerts.append(alert(ci, incident=number, starts_at=began, cleared_at=cleared))
        told = History(since=T0, until=at(24 * HOUR), incidents=tuple(incidents), alerts=tuple(alerts))
        return [(d.ci, d.needs) for d in doubts(estate, told)]

    apart = [CI(id="a"), CI(id="b"), CI(id="c")]
    assert history(Estate.of(apart)) == [("a", "b")]
    on_power = [CI(id=ci, depends_on=(needs("power"),)) for ci in ("a", "b")]
    assert history(Estate.of([CI(id="power"), *on_power])) == []
    bystanders = [CI(id=f"x{n}", depends_on=(needs("power"),)) for n in range(4)]
    assert history(Estate.of([CI(id="power"), *on_power, *bystanders])) == [], "nobody knows whether they are monitored"


def test_a_merge_by_hand_makes_one_case_enough() -> None:
    desk = Desk(racks())
    fail(desk, "host-5", "host-6")
    began = desk.now
    desk.hear(*down(*RACK, "stray", starts_at=began))
    first, second = sorted(desk.open(), key=lambda i: i.root.ci != "tor-1")
    told = desk.ask(Verb.MERGE, second.number, first.key)
    desk.wait(600)
    desk.hear()
    desk.wait(20 * HOUR)
    assert "is merged into" in told
    found = only(desk)
    assert (found.kind, found.ci, found.needs, found.seen) == (DoubtKind.MISSING, "stray", "tor-1", 1)
    assert "a person has merged them" in found.words


def test_what_went_down_in_two_incidents_at_once_went_down_once() -> None:
    desk = Desk(racks())
    desk.hear(*down(*RACK, "stray", starts_at=desk.now))
    (rack,) = (i for i in desk.open() if i.root.ci == "tor-1")
    desk.ask(Verb.SPLIT, rack.number, "host-1")
    desk.wait(20 * HOUR)
    assert [i.root.ci for i in desk.incidents.values() if i.root.ci != "stray"] == ["tor-1", "host-1"]
    assert doubted(desk) == [], "host-1 has failed once, by itself or with its switch"


def test_only_a_persons_merge_is_a_persons_word() -> None:
    desk = Desk(racks())
    fail(desk, "host-5", "host-6")
    desk.hear(*down(*RACK, "stray", starts_at=desk.now))
    first, second = sorted(desk.open(), key=lambda i: i.root.ci != "tor-1")
    desk.ask(Verb.MERGE, second.number, first.key)
    desk.ask(Verb.SPLIT, first.number, "host-1")
    desk.wait(20 * HOUR)
    assert doubted(desk) == [("missing", "stray", "tor-1")], "a split elsewhere does not take it back"
    told = past(desk)
    by_itself = [replace(i, pinned=frozenset()) if i.number == second.number else i for i in told.incidents]
    assert doubts(desk.situation.estate, replace(told, incidents=tuple(by_itself))) == (), (
        "but splitting alone says nothing"
    )


# Dependencies that are false


def test_what_stays_silent_while_what_it_needs_is_down_may_not_need_it() -> None:
    desk = Desk(racks())
    fail(desk, "host-4")
    for _ in range(4):
        fail(desk, "tor-1", "host-1", "host-2", "host-3")
    found = only(desk)
    assert (found.kind, found.ci, found.needs, found.seen, found.possible) == (
        DoubtKind.FALSE,
        "host-4",
        "tor-1",
        4,
        4,
    )
    assert "yet in 4 of 4 failures of tor-1 it said nothing, though it is monitored: it alerted once" in found.words
    assert {desk.incidents[number].root.ci for number in found.proof} == {"tor-1"}


def test_the_silence_is_told_where_it_begins() -> None:
    desk = Desk(racks())
    fail(desk, "host-4", "vm-4")
    for _ in range(4):
        fail(desk, "tor-1", "host-1", "host-2", "host-3")
    assert doubted(desk) == [("false", "host-4", "tor-1")], "and not for vm-4, of whose host nothing is known"
    further = Desk(racks())
    fail(further, "vm-4")
    for _ in range(4):
        fail(further, "tor-1", *RACK)
    assert doubted(further) == [("false", "vm-4", "host-4")]


@pytest.mark.parametrize(
    ("story", "why"),
    [
        (lambda d: None, "nobody knows whether it is monitored"),
        (lambda d: fail(d, "tor-1", *RACK), "it did alert in one of the failures"),
        (lambda d: fail(d, slow="host-4"), "it is watched, but perhaps not for being down"),
    ],
)
def test_silence_says_nothing_of_a_ci_that_may_not_be_watched(story, why: str) -> None:  # type: ignore[no-untyped-def]
    desk = Desk(racks())
    story(desk)
    for _ in range(4):
        fail(desk, "tor-1", "host-1", "host-2", "host-3")
    assert doubted(desk) == [], why


def test_a_failure_must_be_long_and_certain_for_silence_to_count() -> None:
    short, lone = Desk(racks()), Desk(racks())
    for desk in (short, lone):
        fail(desk, "host-4")
    for _ in range(5):
        fail(short, "tor-1", "host-1", "host-2", "host-3", lasts=60)
        fail(lone, "tor-1")
    assert doubted(short) == []
    assert doubted(lone) == [], "a lone critical alert need not mean that the switch was down"


def test_an_unsure_root_counts_once_a_person_has_confirmed_it() -> None:
    desk = Desk(racks())
    fail(desk, "host-4")
    for _ in range(4):
        fail(desk, "tor-1", "host-1", "host-2", "host-3")
    told = past(desk)
    unsure = [replace(i, root=replace(i.root, confidence=0.5)) for i in told.incidents]
    confirmed = [replace(i, pinned=frozenset({"root"})) for i in unsure]
    estate = desk.situation.estate
    assert doubts(estate, replace(told, incidents=tuple(unsure))) == ()
    (found,) = doubts(estate, replace(told, incidents=tuple(confirmed)))
    assert (found.kind, found.ci, found.needs) == (DoubtKind.FALSE, "host-4", "tor-1")


# All together


def test_the_worst_comes_first() -> None:
    desk = Desk(racks(CI(id="idle", type="host")))
    fail(desk, "host-4")
    for _ in range(5):
        fail(desk, "tor-1", "host-1", "host-2", "host-3", later=("stray", "idle"))
    assert doubted(desk)[0] == ("missing", "stray", "tor-1"), "a critical service hangs on it"
    assert set(doubted(desk)[1:]) == {("missing", "idle", "tor-1"), ("false", "host-4", "tor-1")}


def test_cycles_do_no_harm() -> None:
    ring = [CI(id="left", depends_on=(needs("right"),)), CI(id="right", depends_on=(needs("left"),))]
    desk = Desk(racks(*ring))
    for _ in range(3):
        fail(desk, *RACK, later=("left", "right"))
    ((kind, ci, needed),) = doubted(desk)
    assert (kind, needed) == ("missing", "tor-1")
    assert ci in {"left", "right"}


def test_a_ci_that_has_left_the_cmdb_is_passed_over() -> None:
    desk = Desk(racks())
    for _ in range(3):
        fail(desk, *RACK, later=("stray",))
    assert doubted(desk, Estate.of([CI(id="tor-1"), CI(id="host-1", depends_on=(needs("tor-1"),))])) == []


def test_no_history_no_doubts() -> None:
    assert doubts(racks(), History(since=T0, until=T0, incidents=(), alerts=())) == ()
