"""What must hold whatever monitoring says and in whatever order, whatever people order and whenever the daemon dies."""

from collections import Counter
from random import Random

import networkx as nx
import pytest
from hypothesis import given
from hypothesis import strategies as st

from cmdb.graph import Estate
from cmdb.impact import impact
from cmdb.model import CI, State
from rules.alert import Alert, Severity
from rules.decide import decide
from rules.decision import Listing, TimelineEntry
from rules.experience import Experience
from rules.incident import Incident, Status
from rules.intake import ALREADY_OVER
from rules.kinds import Kind, caller_of, is_outage, kind_of
from rules.lesson import Lesson, summed
from rules.lifecycle import TRANSITIONS
from tests.desk import Desk, down, needs
from tests.property.histories import NAMES, Step, alerts, estates, kept, play, stories

_BEYOND = ("works badly with it, though it does not need it", "fail with it: ")
_ALLOWED = {(before, after) for (before, _), after in TRANSITIONS.items()}
_LESSONS = st.builds(
    Lesson,
    st.sampled_from(["alert", "ci", "type"]),
    st.sampled_from(["host", "Down"]),
    st.sampled_from(["episodes", "heard", "confirmed"]),
    st.integers(-3, 3),
)


def _lived(estate: Estate, story: list[Step]) -> Desk:
    desk = Desk(estate)
    play(desk, story)
    return desk


@given(estates(), stories(), st.lists(alerts(), max_size=10, unique_by=lambda a: a.labels), st.integers(0, 9))
def test_the_order_of_simultaneous_alerts_never_matters(estate: Estate, story: list[Step], seen, seed: int) -> None:  # type: ignore[no-untyped-def]
    desk = _lived(estate, story)
    said = [s.sighting(desk.now) for s in seen]
    shuffled = Random(seed).sample(said, len(said))
    one, other = (Listing(source="main", at=desk.now, sightings=tuple(s)) for s in (said, shuffled))
    assert decide(desk.situation, [one], desk.now) == decide(desk.situation, [other], desk.now)


@given(estates(), stories())
def test_hearing_the_same_again_changes_nothing(estate: Estate, story: list[Step]) -> None:
    desk = Desk(estate)
    for step in story:
        desk.wait(step.wait)
        desk.decide(*step.changes(desk.now))
        before = dict(desk.alerts)
        again = desk.decide(*Step(wait=0, says=step.says[-1:]).changes(desk.now))
        assert (again.incidents, again.notices, again.timeline, again.lessons) == ((), (), (), ())
        assert all(before.get(a.id) == a for a in again.alerts if a.reason != ALREADY_OVER)


@given(estates(), stories())
def test_every_alert_is_in_one_incident_or_has_a_reason(estate: Estate, story: list[Step]) -> None:
    desk = _lived(estate, story)
    for alert in desk.alerts.values():
        assert (alert.incident is None) == bool(alert.reason)
        if alert.incident is not None:
            assert desk.incidents[alert.incident].status is not Status.MERGED
    for number, members in desk.situation.members.items():
        assert members == {a.id for a in desk.alerts.values() if a.incident == number}


@given(estates(), stories(ordered=False))
def test_no_incident_holds_an_outage_outside_its_roots_reach(estate: Estate, story: list[Step]) -> None:
    desk = _lived(estate, story)
    for incident in desk.open():
        members = [a for a in desk.alerts.values() if a.incident == incident.number]
        held = {a.ci for a in members}
        if incident.root.ci is None:
            assert held == {None}
        elif all(is_outage(a.labels) and kind_of(a.labels) is Kind.SERVICE for a in members):
            reach = impact(estate, {incident.root.ci: State.DOWN}).keys()
            instances = {ci for ci in held if ci and estate.dependents(ci) == (incident.root.ci,)}
            assert held <= reach | instances
        else:
            assert nx.is_connected(_touching(estate, incident.root.ci, members))


@given(estates(), stories(ordered=False))
def test_an_incident_says_where_it_holds_alerts_outside_its_roots_reach(estate: Estate, story: list[Step]) -> None:
    desk = Desk(estate)
    for decision in play(desk, story):
        opened = {e.incident for e in decision.timeline if e.kind == "opened" and not e.subject}
        for incident in decision.incidents:
            if incident.number in opened and incident.root.ci is not None:
                reach = impact(estate, {incident.root.ci: State.DOWN})
                held = {a.ci for a in decision.alerts if a.incident == incident.number}
                said = "\n".join(incident.root.evidence)
                assert held <= reach.keys() or any(words in said for words in _BEYOND)


def _touching(estate: Estate, root: str, members: list[Alert]) -> "nx.Graph[str]":
    """The CIs of an incident of bad work, joined where one needs the other, one's calls to the other are slow, or the
    failure of a single CI would reach both."""
    held = {root} | {a.ci for a in members if a.ci is not None}
    graph: nx.Graph[str] = nx.Graph()
    graph.add_nodes_from(held)
    for ci in estate.ids():
        nx.add_path(graph, sorted(held & impact(estate, {ci: State.DOWN}).keys()))
    graph.add_edges_from((ci, p) for ci in held for p in estate.providers(ci) if p in held)
    for caller in {caller_of(a.labels) for a in members} - {""}:
        callees = {a.ci for a in members if a.ci is not None and caller_of(a.labels) == caller}
        nx.add_path(graph, sorted(callees | (held & {caller})))
    return graph


@given(estates(), stories())
def test_histories_stay_inside_the_lifecycle_table(estate: Estate, story: list[Step]) -> None:
    desk = Desk(estate)
    known: dict[int, Status] = {}
    for decision in play(desk, story):
        for entry in (e for e in decision.timeline if not e.subject):
            known[entry.incident] = _after(known.get(entry.incident), entry)
        assert all(known[i.number] is i.status for i in decision.incidents)


def _after(status: Status | None, entry: TimelineEntry) -> Status:
    """The state after a line of an incident's history; every change of state has its line."""
    if status is None:
        assert entry.kind == "opened"
        return Status.OPEN
    if entry.kind == "merged" and not entry.old:
        assert (status, Status.MERGED) in _ALLOWED
        return Status.MERGED
    if entry.new in set(Status) and entry.old in set(Status):
        assert Status(entry.old) is status
        assert (status, Status(entry.new)) in _ALLOWED
        return Status(entry.new)
    return status


@given(estates(), stories(), st.integers(0, 9))
def test_a_restart_changes_nothing_in_what_is_decided(estate: Estate, story: list[Step], restart_at: int) -> None:
    through, anew = Desk(estate), Desk(estate)
    expected = play(through, story)
    found = play(anew, story, before=lambda number: anew.restart() if number == restart_at else None)
    for one, other in zip(found, expected, strict=True):
        assert kept(one) == kept(other)


@given(estates(), stories(most=14))
def test_numbers_and_histories_stay_straight_through_merge_and_split(estate: Estate, story: list[Step]) -> None:
    desk = _lived(estate, story)
    assert sorted(desk.incidents) == list(range(1, len(desk.incidents) + 1))
    by_incident: dict[int, list[TimelineEntry]] = {number: [] for number in desk.incidents}
    for entry in (e for e in desk.timeline if not e.subject):
        by_incident[entry.incident].append(entry)
    for number, entries in by_incident.items():
        assert [e.kind for e in entries].index("opened") == 0
        assert Counter(e.kind for e in entries)["opened"] == 1
        assert [e.at for e in entries] == sorted(e.at for e in entries)
        _check_merge(desk.incidents, number, entries)


def _check_merge(incidents: dict[int, Incident], number: int, entries: list[TimelineEntry]) -> None:
    into = incidents[number].merged_into
    told = [e.new for e in entries if e.kind == "merged" and not e.old]
    assert told == ([incidents[into].key] if into is not None else [])
    seen = {number}
    while into is not None:
        assert into not in seen
        seen.add(into)
        into = incidents[into].merged_into


@pytest.mark.parametrize("chords", [(), (2,), (2, 3), (2, 3, 4, 5, 6, 7)])
def test_cycles_in_the_estate_come_to_an_end(chords: tuple[int, ...]) -> None:
    """A ring in which every CI needs the next one, and those so many places on: a failure of any takes all down."""
    ring = [
        CI(id=name, depends_on=tuple(needs(NAMES[(place + hop) % len(NAMES)]) for hop in (1, *chords)))
        for place, name in enumerate(NAMES)
    ]
    desk = Desk(Estate.of(ring))
    desk.hear(*down(*NAMES[3:]))
    (incident,) = desk.open()
    assert incident.root.ci in NAMES
    assert {a.incident for a in desk.alerts.values()} == {1}


@given(estates(), stories())
def test_every_episode_that_is_over_was_learnt_once(estate: Estate, story: list[Step]) -> None:
    desk, heard, outside = Desk(estate), set[str | None](), Counter[str]()
    inside: dict[int, Counter[str]] = {}
    for step in story:
        before = dict(desk.situation.alerts)
        (decision,) = play(desk, [step])
        fired = [a for a in decision.alerts if a.is_firing or a.reason != ALREADY_OVER]
        heard |= {a.ci for a in fired}
        outside.update(a.name for a in fired if a.incident is None and _is_over(a) and _was_lively(before.get(a.id)))
        for number in (i.number for i in decision.incidents if not i.is_active):
            # What proved a service request was no failure, and teaches nothing.
            teaches = desk.incidents[number].status is not Status.CONVERTED
            held = (a for a in desk.alerts.values() if a.incident == number and teaches)
            inside[number] = Counter(a.name for a in held if not a.is_firing)
    experience = desk.situation.experience
    assert {name: experience.episodes(name) for name in experience.names()} == sum(inside.values(), outside)
    assert {ci for ci in NAMES if experience.is_heard(ci)} == heard - {None}


def _is_over(alert: Alert) -> bool:
    was_silenced = any(seen.suppressed for seen in alert.seen_by.values())
    return not alert.is_firing and alert.severity > Severity.INFO and not was_silenced


def _was_lively(before: Alert | None) -> bool:
    return before is None or before.is_firing or before.incident is not None


@given(st.lists(_LESSONS, max_size=40), st.data())
def test_lessons_may_be_taken_in_any_portions(lessons: list[Lesson], data: st.DataObject) -> None:
    at_once, by_portions = Experience(Estate.of([])), Experience(Estate.of([]))
    at_once.take(lessons)
    order = data.draw(st.permutations(lessons))
    cuts = sorted(data.draw(st.lists(st.integers(0, len(order)), max_size=4)))
    for start, end in zip([0, *cuts], [*cuts, len(order)], strict=True):
        by_portions.take(summed(order[start:end]))
    assert by_portions.lessons() == at_once.lessons() == summed(lessons)
    assert by_portions.prior("host") == at_once.prior("host")
