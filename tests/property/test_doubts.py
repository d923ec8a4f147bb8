"""What must hold of doubts whatever has happened."""

import networkx as nx
from hypothesis import given, settings
from hypothesis import strategies as st

from cmdb.graph import Estate
from cmdb.model import CI, Strength
from rules.doubt import WORTH_TELLING, Doubt, DoubtKind, odds_of
from rules.doubts import doubts
from rules.incident import RootCause
from rules.past import History
from tests.builders import T0, alert, at, incident
from tests.desk import needs
from tests.property.estates import IDS, dependencies

HOUR = 3600.0


@st.composite
def sparse_estates(draw: st.DrawFn) -> Estate:
    """Seven CIs with a dependency each at the most, cycles among them: much is apart that may fail together."""
    plain = st.sampled_from(IDS).map(needs)
    written = draw(st.lists(st.none() | plain | dependencies(), min_size=len(IDS), max_size=len(IDS)))
    return Estate.of(CI(id=ci, depends_on=() if d is None else (d,)) for ci, d in zip(IDS, written, strict=True))


_PATTERNS = st.lists(
    st.tuples(st.permutations(IDS), st.integers(1, 4), st.integers(0, 2), st.integers(1, 6)), min_size=1, max_size=3
)


@st.composite
def histories(draw: st.DrawFn) -> tuple[Estate, History]:
    """Any record of a few failures that come again and again: a root, some CIs in its incident, some that fail apart.

    Before all that each CI has alerted once, so that all are known to be monitored.
    """
    told: list[tuple[float, str, list[str]]] = [(n * HOUR, ci, [ci]) for n, ci in enumerate(IDS)]
    began = len(IDS) * HOUR
    for cis, inside, apart, times in draw(_PATTERNS):
        for _ in range(times):
            began += 6 * HOUR
            told.append((began, cis[0], cis[1 : 1 + inside]))
            told += [(began + 20, ci, [ci]) for ci in cis[1 + inside : 1 + inside + apart]]
    incidents, alerts = [], []
    for number, (second, root, heard) in enumerate(told, 1):
        cause = RootCause(ci=root, confidence=draw(st.sampled_from([0.6, 0.9])))
        pinned = frozenset(draw(st.sampled_from([(), ("root",)])))
        incidents.append(incident(number, opened_at=at(second), root=cause, pinned=pinned))
        lasted = {"starts_at": at(second), "cleared_at": at(second + 600)}
        alerts += [alert(ci, incident=number, **lasted) for ci in heard]
    until = at(began + 6 * HOUR)
    return draw(sparse_estates()), History(since=T0, until=until, incidents=tuple(incidents), alerts=tuple(alerts))


@settings(deadline=None, max_examples=100)
@given(histories())
def test_missing_is_nothing_that_is_there_and_false_is_nothing_that_is_not(told: tuple[Estate, History]) -> None:
    estate, history = told
    for doubt in doubts(estate, history):
        if doubt.kind is DoubtKind.MISSING:
            assert not nx.has_path(estate.graph, doubt.ci, doubt.needs)
            assert not nx.has_path(estate.graph, doubt.needs, doubt.ci)
        else:
            assert any(
                doubt.needs in d.providers and d.strength is Strength.HARD and not d.is_group
                for d in estate.dependencies(doubt.ci)
            )
        assert 0 < doubt.seen <= doubt.possible
        assert doubt.odds >= odds_of(WORTH_TELLING)
        assert set(doubt.proof) <= {i.number for i in history.incidents}


@settings(deadline=None, max_examples=30)
@given(histories(), st.randoms(use_true_random=False))
def test_the_order_of_the_record_never_matters(told: tuple[Estate, History], random) -> None:  # type: ignore[no-untyped-def]
    def shuffled() -> tuple[Doubt, ...]:
        incidents, alerts = list(history.incidents), list(history.alerts)
        random.shuffle(incidents)
        random.shuffle(alerts)
        again = History(since=history.since, until=history.until, incidents=tuple(incidents), alerts=tuple(alerts))
        return doubts(estate, again)

    estate, history = told
    assert shuffled() == doubts(estate, history)
