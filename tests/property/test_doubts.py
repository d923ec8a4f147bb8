"""What must hold of doubts whatever has happened."""

import networkx as nx
from hypothesis import given, settings
from hypothesis import strategies as st

from cmdb.graph import Estate
from cmdb.model import Strength
from rules.doubt import WORTH_TELLING, Doubt, DoubtKind, odds_of
from rules.doubts import doubts
from rules.past import History
from tests.builders import T0
from tests.desk import Desk, down
from tests.property.estates import IDS, estates

_TOGETHER = st.lists(st.sampled_from(IDS), min_size=1, max_size=4, unique=True)


@st.composite
def histories(draw: st.DrawFn) -> tuple[Estate, History]:
    """A few sets of CIs that fail together again and again, through the daemon's own decisions."""
    estate = Estate.of(draw(estates()))
    desk = Desk(estate)
    for cis in draw(st.lists(_TOGETHER, min_size=1, max_size=3)):
        for _ in range(draw(st.integers(1, 4))):
            desk.hear(*down(*cis, starts_at=desk.now))
            desk.wait(draw(st.sampled_from([60, 600])))
            desk.hear()
            desk.wait(draw(st.sampled_from([300, 20_000])))
            desk.hear()
    incidents, alerts = tuple(desk.incidents.values()), tuple(desk.alerts.values())
    return estate, History(since=T0, until=desk.now, incidents=incidents, alerts=alerts)


@settings(deadline=None, max_examples=60)
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


@settings(deadline=None, max_examples=25)
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
