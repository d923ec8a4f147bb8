"""What is learnt from alerts and incidents, and that everything counts once."""

from datetime import timedelta

from rules.decision import Command, Push, Verb
from rules.experience import Experience
from rules.incident import Status
from rules.lesson import summed
from rules.situation import Situation, rebuild
from tests.builders import sighting
from tests.desk import Desk, down

RACK = ("host-1", "host-2", "host-3", "host-4")


def learnt(desk: Desk) -> Experience:
    return desk.situation.experience


def pass_over(desk: Desk, *cis: str, firing: float = 60) -> None:
    """These CIs alert for so many seconds, and the incident resolves by itself."""
    desk.hear(*down(*cis, starts_at=desk.now))
    desk.wait(firing)
    desk.hear()
    desk.wait(481)  # four times the usual, for those that come and go
    desk.hear()
    assert desk.open() == []


def resolve(desk: Desk, number: int, how: str = "", root: str = "") -> str:
    command = Command(
        id=f"r{desk.now}", at=desk.now, actor="anna", verb=Verb.RESOLVE, number=number, value=how, root=root
    )
    return desk.decide(command).replies[0].message


def restart(desk: Desk, lessons: tuple[object, ...]) -> None:
    """Go on from what a store would hold."""
    old = desk.situation
    desk.situation = Situation(old.estate, old.policy, old.subscriptions)
    alerts = [a for a in desk.alerts.values() if a.is_firing or a.incident is not None]
    rebuild(desk.situation, desk.incidents.values(), alerts, old.sources.values(), desk.now, lessons=lessons)  # type: ignore[arg-type]


def test_an_alert_in_no_incident_teaches_when_it_clears() -> None:
    desk = Desk()
    desk.hear(sighting("Paper", labels={"ci": "lonely", "severity": "warning"}))
    assert (desk.open(), learnt(desk).episodes("Paper")) == ([], 0)
    desk.wait(90)
    desk.hear()
    found = learnt(desk)
    assert (found.episodes("Paper"), found.lone("Paper")) == (1, 1)
    assert found.lone_for("Paper") == timedelta(minutes=2)
    desk.wait(15)
    assert desk.hear().lessons == ()


def test_what_is_silenced_information_or_over_already_teaches_nothing() -> None:
    desk = Desk()
    desk.hear(
        sighting("Quiet", labels={"ci": "lonely"}, suppressed="silenced"),
        sighting("Info", labels={"ci": "lonely", "severity": "info"}),
    )
    desk.wait(15)
    desk.hear()
    for _ in range(2):
        over = sighting("Over", labels={"ci": "lonely"}, firing=False, ends_at=desk.now)
        desk.decide(Push(source="push", at=desk.now, sightings=(over,)))
    assert learnt(desk).names() == []


def test_what_our_own_silence_covers_teaches_nothing() -> None:
    desk = Desk()
    desk.silence("ci=host-1")
    pass_over(desk, "host-1", firing=200)
    assert learnt(desk).names() == []


def test_an_incident_about_one_ci_is_lone_and_one_about_several_is_not() -> None:
    desk = Desk()
    pass_over(desk, "host-1", firing=200)
    found = learnt(desk)
    assert (found.episodes("HostDown"), found.lone("HostDown"), found.delays("HostDown")) == (1, 1, 0)
    assert found.lone_for("HostDown") == timedelta(minutes=5)
    desk.wait(3600)
    pass_over(desk, *RACK)
    found = learnt(desk)
    assert (found.episodes("HostDown"), found.lone("HostDown"), found.delays("HostDown")) == (5, 1, 4)


def test_delays_count_from_the_first_sign_and_once_for_an_alert_that_flaps() -> None:
    desk = Desk()
    first = down("host-1", "host-2")
    desk.hear(*first)
    desk.wait(45)
    late = sighting("Late", labels={"ci": "host-3", "severity": "critical"}, starts_at=desk.now)
    desk.hear(*first, late)
    desk.wait(15)
    desk.hear(*first)
    desk.wait(30)
    again = sighting("Late", labels={"ci": "host-3", "severity": "critical"}, starts_at=desk.now)
    desk.hear(*first, again)
    desk.wait(15)
    desk.hear()
    desk.wait(121)
    desk.hear()
    found = learnt(desk)
    assert (found.episodes("Late"), found.delays("Late"), found.delay("Late")) == (2, 1, timedelta(seconds=60))
    assert found.delay("HostDown", 1.0) == timedelta(seconds=15)


def test_what_somebody_took_care_of_is_no_noise() -> None:
    desk = Desk()
    desk.hear(*down("host-1"))
    desk.ask(Verb.ACKNOWLEDGE, 1)
    desk.wait(60)
    desk.hear()
    desk.wait(121)
    desk.hear()
    assert (learnt(desk).episodes("HostDown"), learnt(desk).lone("HostDown")) == (1, 0)


def test_a_reopened_incident_counts_every_episode_once() -> None:
    desk = Desk()
    pass_over(desk, "host-1")
    pass_over(desk, "host-1")
    assert [i.number for i in desk.incidents.values()] == [1]
    assert (learnt(desk).episodes("HostDown"), learnt(desk).lone("HostDown")) == (2, 2)


def test_what_seemed_lone_is_taken_back_when_its_incident_proves_larger() -> None:
    desk = Desk()
    pass_over(desk, "tor-3a")
    assert learnt(desk).lone("HostDown") == 1
    pass_over(desk, "tor-3a", *RACK)
    assert [i.number for i in desk.incidents.values()] == [1]
    found = learnt(desk)
    assert (found.episodes("HostDown"), found.lone("HostDown"), found.delays("HostDown")) == (6, 0, 5)


def test_what_still_fires_when_a_person_resolves_counts_at_closing() -> None:
    desk = Desk()
    desk.hear(*down("host-1"))
    resolve(desk, 1)
    assert learnt(desk).episodes("HostDown") == 0
    desk.wait(60)
    desk.hear()
    desk.ask(Verb.CLOSE, 1)
    assert (learnt(desk).episodes("HostDown"), learnt(desk).lone("HostDown")) == (1, 0)


def test_a_merged_incident_teaches_through_the_one_that_goes_on() -> None:
    desk = Desk()
    desk.hear(*down("host-1"))
    desk.wait(60)
    desk.hear()
    resolve(desk, 1)
    assert learnt(desk).lone("HostDown") == 1
    desk.wait(5)
    desk.hear(*down("tor-1a", starts_at=desk.now))
    desk.ask(Verb.MERGE, 1, "2")
    assert learnt(desk).episodes("HostDown") == 0
    desk.wait(60)
    desk.hear()
    desk.wait(121)
    desk.hear()
    assert {i.number: i.status for i in desk.incidents.values()} == {1: Status.MERGED, 2: Status.RESOLVED}
    found = learnt(desk)
    assert (found.episodes("HostDown"), found.lone("HostDown"), found.delays("HostDown")) == (2, 0, 2)


def test_an_alert_that_goes_on_in_another_incident_counts_there_only() -> None:
    desk = Desk()
    desk.hear(*down("host-1"))
    desk.wait(30)
    desk.hear()
    resolve(desk, 1)
    assert learnt(desk).episodes("HostDown") == 1
    desk.wait(40 * 60)
    desk.hear(*down("host-1"))  # under its old start: a source had wrongly ended it
    assert [i.number for i in desk.open()] == [2]
    assert learnt(desk).episodes("HostDown") == 0
    desk.wait(30)
    desk.hear()
    desk.wait(121)
    desk.hear()
    assert learnt(desk).episodes("HostDown") == 1


def test_a_ci_is_heard_when_its_first_alert_fires() -> None:
    desk = Desk()
    first = desk.hear(*down("host-1"), sighting("Odd", labels={"ci": "stranger"}))
    assert [(one.kind, one.key, one.field) for one in first.lessons] == [("ci", "host-1", "heard")]
    desk.wait(15)
    desk.hear()
    desk.wait(15)
    assert desk.hear(*down("host-1", starts_at=desk.now)).lessons == ()
    assert (learnt(desk).heard_of_type("host"), learnt(desk).heard_of_type("switch")) == (1, 0)


def test_a_restart_forgets_nothing_and_counts_nothing_twice() -> None:
    desk = Desk()
    desk.hear(*down(*RACK))
    restart(desk, learnt(desk).lessons())
    desk.wait(60)
    desk.hear()
    desk.wait(121)
    desk.hear()
    known = learnt(desk).lessons()
    assert learnt(desk).episodes("HostDown") == 4
    restart(desk, known)
    desk.wait(15)
    assert desk.hear().lessons == ()
    pass_over(desk, *RACK)
    assert [i.number for i in desk.incidents.values()] == [1]
    assert learnt(desk).episodes("HostDown") == 8
    desk.ask(Verb.CLOSE, 1)
    assert learnt(desk).episodes("HostDown") == 8


def test_resolving_with_the_named_root_confirms_it() -> None:
    desk = Desk()
    desk.hear(*down(*RACK))
    before = desk.open()[0].root
    assert resolve(desk, 1, "swapped", "TOR-3a") == "INC-1 is resolved; its root cause is tor-3a"
    incident = desk.incidents[1]
    assert (incident.confirmed_root, incident.root, incident.resolution) == ("tor-3a", before, "swapped")
    assert "root cause tor-3a confirmed" in desk.history()
    found = learnt(desk)
    assert (found.confirmed("switch"), found.confirmed_ci("tor-3a"), found.refuted("switch")) == (1, 1, 0)


def test_resolving_with_another_root_corrects_it() -> None:
    desk = Desk()
    desk.hear(*down(*RACK))
    resolve(desk, 1, root="host-2")
    incident = desk.incidents[1]
    assert (incident.confirmed_root, incident.root.ci, incident.diagnosed_root) == ("host-2", "host-2", "tor-3a")
    assert "root" in incident.pinned
    assert "root cause set to host-2: set by hand" in desk.history()
    found = learnt(desk)
    assert (found.confirmed("host"), found.refuted("switch"), found.refuted_ci("tor-3a")) == (1, 1, 1)
    assert found.corrections() == [("switch", "host", 1)]


def test_resolving_without_a_root_confirms_nothing() -> None:
    desk = Desk()
    desk.hear(*down(*RACK))
    resolve(desk, 1, "swapped")
    assert (desk.incidents[1].confirmed_root, learnt(desk).roots()) == (None, [])


def test_a_root_that_a_person_set_before_counts_when_the_incident_resolves() -> None:
    desk = Desk()
    desk.hear(*down(*RACK))
    desk.ask(Verb.SET_ROOT, 1, "host-2")
    assert learnt(desk).roots() == []
    resolve(desk, 1)
    assert learnt(desk).corrections() == [("switch", "host", 1)]


def test_a_second_thought_replaces_the_first() -> None:
    desk = Desk()
    pass_over(desk, *RACK)
    desk.ask(Verb.SET_ROOT, 1, "host-2")
    assert learnt(desk).corrections() == [("switch", "host", 1)]
    desk.ask(Verb.SET_ROOT, 1, "tor-3a")
    found = learnt(desk)
    assert (found.corrections(), found.confirmed("switch"), found.confirmed("host")) == ([], 1, 0)


def test_an_order_that_is_refused_changes_nothing() -> None:
    desk = Desk()
    desk.hear(*down(*RACK))
    assert resolve(desk, 1, root="nothing") == "the CMDB has no CI called 'nothing'"
    assert [i.number for i in desk.open()] == [1]
    resolve(desk, 1)
    desk.wait(1)
    assert resolve(desk, 1, root="host-2").startswith("cannot resolve an incident that is resolved")
    assert desk.incidents[1].confirmed_root is None


def test_a_failure_that_a_person_confirmed_is_no_noise() -> None:
    desk = Desk()
    pass_over(desk, "host-1")
    desk.ask(Verb.SET_ROOT, 1, "host-1")
    assert (learnt(desk).episodes("HostDown"), learnt(desk).lone("HostDown")) == (1, 0)


def test_lessons_of_a_cycle_are_summed() -> None:
    desk = Desk()
    pass_over(desk, *RACK)
    for incident in desk.incidents.values():
        assert incident.taught == summed(incident.taught) != ()
