"""The impact walk against the plainest possible reading of its rules, on random estates with cycles and groups."""

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cmdb.graph import Estate
from cmdb.impact import Hit, TooWide, impact, states
from cmdb.model import CI, State
from tests.property.estates import IDS, by_iteration, effect, estates, failures


def bad(all_states: dict[str, State]) -> dict[str, State]:
    return {ci: state for ci, state in all_states.items() if state is not State.UP}


def worst_of(one: dict[str, State], other: dict[str, State]) -> dict[str, State]:
    return {ci: max(one.get(ci, State.UP), other.get(ci, State.UP)) for ci in {*one, *other}}


@given(estates(), failures())
def test_settles_the_least_states_that_satisfy_every_dependency(cis: list[CI], failed: dict[str, State]) -> None:
    hits = impact(Estate.of(cis), failed)
    assert bad({ci: hit.state for ci, hit in hits.items()}) == bad(by_iteration(cis, failed))
    assert states(Estate.of(cis), failed) == {ci: hit.state for ci, hit in hits.items()}


@given(estates(), failures(), failures())
def test_trouble_that_was_there_before_counts_but_is_not_returned(
    cis: list[CI], failed: dict[str, State], earlier: dict[str, State]
) -> None:
    before = bad(by_iteration(cis, earlier))
    jointly = by_iteration(cis, worst_of(failed, earlier))
    hits = impact(Estate.of(cis), failed, given=before)
    changed = {ci: state for ci, state in jointly.items() if state > before.get(ci, State.UP) or ci in failed}
    assert {ci: hit.state for ci, hit in hits.items()} == changed


@given(estates(), failures(), failures())
def test_failing_more_makes_nothing_better(cis: list[CI], failed: dict[str, State], more: dict[str, State]) -> None:
    estate = Estate.of(cis)
    fewer, all_of_them = states(estate, failed), states(estate, worst_of(failed, more))
    assert all(all_of_them[ci] >= state for ci, state in fewer.items())


@given(estates(), failures(), failures(), st.randoms(use_true_random=False))
def test_the_order_of_the_failures_is_irrelevant(
    cis: list[CI], failed: dict[str, State], earlier: dict[str, State], rng: random.Random
) -> None:
    estate = Estate.of(cis)
    shuffled = rng.sample(list(failed.items()), len(failed))
    earlier_shuffled = rng.sample(list(earlier.items()), len(earlier))
    first = impact(estate, failed, given=earlier)
    second = impact(estate, dict(shuffled), given=dict(earlier_shuffled))
    assert list(first.items()) == list(second.items())


@given(estates(), failures(), st.randoms(use_true_random=False))
def test_the_order_of_the_cmdb_is_irrelevant_to_states_and_distances(
    cis: list[CI], failed: dict[str, State], rng: random.Random
) -> None:
    def summary(hits: dict[str, Hit]) -> dict[str, tuple[State, int]]:
        return {ci: (hit.state, hit.hops) for ci, hit in hits.items()}

    shuffled = rng.sample(cis, len(cis))
    assert summary(impact(Estate.of(cis), failed)) == summary(impact(Estate.of(shuffled), failed))


@given(estates(), failures())
def test_every_hit_names_the_provider_that_explains_it(cis: list[CI], failed: dict[str, State]) -> None:
    final = by_iteration(cis, failed)
    by_id = {ci.id: ci for ci in cis}
    hits = impact(Estate.of(cis), failed)
    for hit in hits.values():
        if hit.ci in failed:
            assert (hit.hops, hit.via) == (0, None)
            continue
        explaining = [need for need in by_id[hit.ci].depends_on if effect(need, final) is hit.state]
        assert any(hit.via in need.providers for need in explaining)
        assert hit.via is not None
        assert hit.hops == hits[hit.via].hops + 1
    distances = [hit.hops for hit in hits.values()]
    assert distances == sorted(distances)


@given(estates(), failures(), st.integers(0, len(IDS)))
def test_refuses_to_look_at_more_than_the_limit(cis: list[CI], failed: dict[str, State], limit: int) -> None:
    estate = Estate.of(cis)
    hits = impact(estate, failed)
    if len(hits) <= limit:
        assert impact(estate, failed, limit=limit) == hits
    else:
        with pytest.raises(TooWide):
            impact(estate, failed, limit=limit)
