"""Single points of failure against failing every CI in turn."""

from hypothesis import given
from hypothesis import strategies as st

from cmdb.graph import Estate
from cmdb.model import BUSINESS_SERVICE, CI, State
from cmdb.spof import single_points_of_failure
from tests.property.estates import IDS, by_iteration, estates


@given(estates(), st.sets(st.sampled_from(IDS), max_size=4))
def test_finds_what_failing_every_ci_in_turn_would_find(cis: list[CI], services: set[str]) -> None:
    named = [
        CI(id=ci.id, type=BUSINESS_SERVICE if ci.id in services else "host", depends_on=ci.depends_on) for ci in cis
    ]
    estate = Estate.of(named)
    expected = {}
    for ci_id in IDS:
        after = by_iteration(named, {ci_id: State.DOWN})
        down = {other for other, state in after.items() if state is State.DOWN and other != ci_id}
        if down & estate.business_services:
            expected[ci_id] = (down & estate.business_services, len(down))
    found = single_points_of_failure(estate)
    assert {spof.ci: (set(spof.services), spof.impacted_count) for spof in found} == expected
    assert [spof.weight for spof in found] == sorted((spof.weight for spof in found), reverse=True)
