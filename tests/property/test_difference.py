"""What two estates differ in, against looking at everything."""

from collections.abc import Sequence

from hypothesis import given
from hypothesis import strategies as st

from cmdb.difference import difference
from cmdb.graph import Estate
from cmdb.model import BUSINESS_SERVICE, CI, Dependency, State, provider_ids
from tests.property.estates import IDS, by_iteration, estates


def fitted(cis: Sequence[CI], gone: set[str], services: set[str]) -> list[CI]:
    """Without some of the CIs, and without what the others need of them."""
    found = []
    for ci in cis:
        if ci.id not in gone:
            left = [[p for p in d.providers if p not in gone] for d in ci.depends_on]
            needs = tuple(
                Dependency(providers=tuple(providers), need=min(d.need, len(providers)), strength=d.strength)
                for d, providers in zip(ci.depends_on, left, strict=True)
                if providers
            )
            found.append(CI(id=ci.id, type=BUSINESS_SERVICE if ci.id in services else "host", depends_on=needs))
    return found


some = st.sets(st.sampled_from(IDS), max_size=3)


@given(estates(), estates(), some, some, st.sets(st.sampled_from(IDS), min_size=4, max_size=4))
def test_the_difference_is_what_looking_at_everything_finds(
    first: list[CI], second: list[CI], gone: set[str], come: set[str], services: set[str]
) -> None:
    was, now = fitted(first, gone, services), fitted(second, come, services)
    before, after = Estate.of(was), Estate.of(now)
    found = difference(before, after)
    assert {ci.id for ci in found.added} == set(after.ids()) - set(before.ids())
    assert {ci.id for ci in found.removed} == set(before.ids()) - set(after.ids())
    both = set(before.ids()) & set(after.ids())
    needs = {ci for ci in both if set(before.dependencies(ci)) != set(after.dependencies(ci))}
    assert {c.ci.id for c in found.changed} == needs | {c for c in both if before.ci(c).type != after.ci(c).type}
    shifts = {(s.failed, s.service): (s.before, s.after) for s in found.shifts}
    assert len(shifts) == len(found.shifts)
    named = {p for ci in needs for e in (before, after) for p in provider_ids(e.dependencies(ci))}
    for failed in IDS:
        expected = changed_states(was, now, failed)
        seen = {service: pair for (f, service), pair in shifts.items() if f == failed}
        assert seen in ({}, expected)
        # What a changed dependency named, in one of the two only, has been tried.
        lost = named & {failed} and any(
            (failed in provider_ids(before.dependencies(ci))) != (failed in provider_ids(after.dependencies(ci)))
            for ci in needs
        )
        assert seen == expected or not lost


def changed_states(was: list[CI], now: list[CI], failed: str) -> dict[str, tuple[State, State]]:
    """The services that this failure hits otherwise, by trying both."""
    found = []
    for cis in (was, now):
        ids = {ci.id for ci in cis}
        hit = by_iteration(cis, {failed: State.DOWN}) if failed in ids else {}
        services = Estate.of(cis).business_services - {failed}
        found.append({ci: state for ci, state in hit.items() if ci in services and state > State.UP})
    before, after = found
    pairs = {ci: (before.get(ci, State.UP), after.get(ci, State.UP)) for ci in before.keys() | after.keys()}
    return {ci: pair for ci, pair in pairs.items() if pair[0] != pair[1]}


@given(estates(), estates())
def test_nothing_differs_from_itself_and_what_comes_one_way_goes_the_other(first: list[CI], second: list[CI]) -> None:
    one, other = Estate.of(first[:5] + fitted(first[5:], set(), set())), Estate.of(second)
    assert difference(one, one).is_none
    assert difference(one, Estate.of(reversed(list(one)))).is_none
    there, back = difference(one, other), difference(other, one)
    assert [c.ci.id for c in there.changed] == [c.ci.id for c in back.changed]
    assert [(c.needs_now, c.needs_no_more) for c in there.changed] == [
        (c.needs_no_more, c.needs_now) for c in back.changed
    ]
    assert {(s.failed, s.service, s.before, s.after) for s in there.shifts} == {
        (s.failed, s.service, s.after, s.before) for s in back.shifts
    }
