"""What must hold whatever monitoring says and in whatever order."""

from collections import Counter

import networkx as nx
from hypothesis import given, settings
from hypothesis import strategies as st

from cmdb.graph import Estate
from cmdb.impact import impact
from cmdb.model import CI, State
from rules.alert import Alert, Severity, Sighting
from rules.decide import decide
from rules.decision import Listing
from rules.experience import Experience
from rules.incident import Status
from rules.kinds import is_outage
from rules.lesson import Lesson, summed
from rules.lifecycle import TRANSITIONS
from tests.builders import at, sighting
from tests.desk import Desk, needs

_NAMES = [f"ci-{n}" for n in range(9)]


@st.composite
def estates(draw: st.DrawFn) -> Estate:
    """A small estate with redundancy and cycles."""
    cis = []
    for name in _NAMES:
        others = [n for n in _NAMES if n != name]
        plain = draw(st.lists(st.sampled_from(others), max_size=2, unique=True))
        pair = draw(st.lists(st.sampled_from(others), min_size=2, max_size=2, unique=True) | st.none())
        groups = [needs(*pair)] if pair else []
        kind = draw(st.sampled_from(["host", "switch", "business-service"]))
        cis.append(CI(id=name, type=kind, depends_on=(*(needs(p) for p in plain), *groups)))
    return Estate.of(cis)


@st.composite
def sightings(draw: st.DrawFn) -> tuple[Sighting, ...]:
    """What one poll sees."""
    found = {}
    for _ in range(draw(st.integers(0, 8))):
        labels = {"ci": draw(st.sampled_from([*_NAMES, "stranger"]))}
        labels["severity"] = draw(st.sampled_from(["critical", "warning", "info"]))
        name = draw(st.sampled_from(["Down", "Slow", "HighCPU"]))
        found[name, *labels.values()] = sighting(
            name,
            labels=labels,
            starts_at=at(draw(st.integers(-900, 0))),
            suppressed=draw(st.sampled_from(["", "silenced"])),
        )
    return tuple(found.values())


_LESSONS = st.builds(
    Lesson,
    st.sampled_from(["alert", "ci", "type"]),
    st.sampled_from(["host", "Down"]),
    st.sampled_from(["episodes", "heard", "confirmed"]),
    st.integers(-3, 3),
)
_STORIES = st.lists(st.tuples(st.integers(0, 400), sightings()), max_size=8)


def _play(estate: Estate, story: list[tuple[int, tuple[Sighting, ...]]]) -> Desk:
    desk = Desk(estate)
    for seconds, seen in story:
        desk.wait(seconds)
        desk.hear(*seen)
    return desk


@settings(deadline=None, max_examples=60)
@given(estates(), sightings(), st.randoms(use_true_random=False))
def test_the_order_of_simultaneous_alerts_never_matters(estate: Estate, seen: tuple[Sighting, ...], random) -> None:  # type: ignore[no-untyped-def]
    shuffled = list(seen)
    random.shuffle(shuffled)
    assert Desk(estate).hear(*seen) == Desk(estate).hear(*shuffled)


@settings(deadline=None, max_examples=40)
@given(estates(), _STORIES, sightings())
def test_deciding_twice_changes_nothing(
    estate: Estate, story: list[tuple[int, tuple[Sighting, ...]]], seen: tuple[Sighting, ...]
) -> None:
    desk = _play(estate, story)
    desk.hear(*seen)
    again = desk.hear(*seen)
    assert (again.incidents, again.alerts, again.notices, again.timeline, again.lessons) == ((), (), (), (), ())


@settings(deadline=None, max_examples=60)
@given(estates(), _STORIES)
def test_every_alert_is_in_one_incident_or_has_a_reason(
    estate: Estate, story: list[tuple[int, tuple[Sighting, ...]]]
) -> None:
    desk = _play(estate, story)
    for alert in desk.alerts.values():
        assert (alert.incident is None) == bool(alert.reason)
        if alert.incident is not None:
            assert desk.incidents[alert.incident].status is not Status.MERGED


@settings(deadline=None, max_examples=60)
@given(estates(), _STORIES)
def test_no_open_incident_holds_an_outage_outside_its_roots_reach(
    estate: Estate, story: list[tuple[int, tuple[Sighting, ...]]]
) -> None:
    desk = _play(estate, story)
    for incident in desk.open():
        alerts = [a for a in desk.alerts.values() if a.incident == incident.number]
        held, outages = {a.ci for a in alerts}, {a.ci for a in alerts if is_outage(a.labels)}
        if incident.root.ci is None:
            assert held == {None}
        elif outages == held:
            assert held <= set(impact(estate, {incident.root.ci: State.DOWN}))
        else:  # bad work spreads both ways, but never from one island of the estate to another
            assert held <= nx.node_connected_component(estate.graph.to_undirected(), incident.root.ci)


@settings(deadline=None, max_examples=40)
@given(estates(), _STORIES)
def test_histories_stay_inside_the_lifecycle_table(
    estate: Estate, story: list[tuple[int, tuple[Sighting, ...]]]
) -> None:
    allowed = {(before, after) for (before, _), after in TRANSITIONS.items()}
    desk = Desk(estate)
    for seconds, seen in story:
        desk.wait(seconds)
        before = dict(desk.situation.incidents)
        decision = decide(desk.situation, [Listing(source="main", at=desk.now, sightings=seen)], desk.now)
        for incident in decision.incidents:
            was = before.get(incident.number)
            if was is not None and was.status is not incident.status:
                assert (was.status, incident.status) in allowed
        desk.situation.apply(decision)


@settings(deadline=None, max_examples=60)
@given(estates(), _STORIES)
def test_every_episode_that_is_over_was_learnt_once(
    estate: Estate, story: list[tuple[int, tuple[Sighting, ...]]]
) -> None:
    desk, outside = Desk(estate), Counter[str]()
    inside: dict[int, Counter[str]] = {}
    for seconds, seen in story:
        desk.wait(seconds)
        decision = desk.hear(*seen)
        outside.update(a.name for a in decision.alerts if a.incident is None and _is_over(a))
        for number in (i.number for i in decision.incidents if not i.is_active):
            held = (a for a in desk.alerts.values() if a.incident == number)
            inside[number] = Counter(a.name for a in held if not a.is_firing)
    experience = desk.situation.experience
    assert {name: experience.episodes(name) for name in experience.names()} == sum(inside.values(), outside)
    assert {ci for ci in _NAMES if experience.is_heard(ci)} == {a.ci for a in desk.alerts.values()} - {None}


def _is_over(alert: Alert) -> bool:
    was_silenced = any(seen.suppressed for seen in alert.seen_by.values())
    return not alert.is_firing and alert.severity > Severity.INFO and not was_silenced


@settings(deadline=None, max_examples=100)
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
