"""What one failure does to what stands on it, rule by rule."""

from collections.abc import Sequence

import pytest

from cmdb.graph import Estate
from cmdb.impact import Hit, TooWide, business_view, impact, states
from cmdb.model import BUSINESS_SERVICE, CI, Criticality, Dependency, State, Strength

UP, AT_RISK, REDUCED, DEGRADED, DOWN = State


def estate_of(**needs: Sequence[str | Dependency]) -> Estate:
    def ci(ci_id: str) -> CI:
        links = [Dependency(providers=(link,)) if isinstance(link, str) else link for link in needs.get(ci_id, [])]
        return CI(id=ci_id, depends_on=tuple(links))

    named = {provider for links in needs.values() for link in links for provider in _providers(link)}
    return Estate.of([ci(ci_id) for ci_id in dict.fromkeys([*needs, *sorted(named)])])


def _providers(link: str | Dependency) -> tuple[str, ...]:
    return (link,) if isinstance(link, str) else link.providers


def any_of(*providers: str, need: int = 1, strength: Strength = Strength.HARD) -> Dependency:
    return Dependency(providers=providers, need=need, strength=strength)


def soft(provider: str) -> Dependency:
    return Dependency(providers=(provider,), strength=Strength.SOFT)


@pytest.mark.parametrize(
    ("link", "failed", "then"),
    [
        ("p", {"p": DOWN}, DOWN),
        ("p", {"p": DEGRADED}, DEGRADED),
        ("p", {"p": REDUCED}, AT_RISK),
        ("p", {"p": AT_RISK}, AT_RISK),
        ("p", {"p": UP}, UP),
        (soft("p"), {"p": DOWN}, DEGRADED),
        (soft("p"), {"p": DEGRADED}, DEGRADED),
        (soft("p"), {"p": REDUCED}, UP),
        (soft("p"), {"p": AT_RISK}, UP),
        (any_of("p", "q"), {"p": DOWN}, REDUCED),
        (any_of("p", "q"), {"p": DEGRADED}, UP),
        (any_of("p", "q"), {"p": REDUCED, "q": REDUCED}, UP),
        (any_of("p", "q"), {"p": DOWN, "q": DOWN}, DOWN),
        (any_of("p", "q"), {"p": DOWN, "q": DEGRADED}, DEGRADED),
        (any_of("p", "q"), {"p": DEGRADED, "q": DEGRADED}, DEGRADED),
        (any_of("p", "q", "r", need=2), {"p": DOWN}, REDUCED),
        (any_of("p", "q", "r", need=2), {"p": DOWN, "q": DOWN}, DOWN),
        (any_of("p", "q", "r", need=2), {"p": DEGRADED, "q": DEGRADED}, DEGRADED),
        (any_of("p", "q", need=2), {"p": DOWN}, DOWN),
        (any_of("p", "q", need=2), {"q": REDUCED}, AT_RISK),
        (any_of("p", "q", strength=Strength.SOFT), {"p": DOWN}, REDUCED),
        (any_of("p", "q", strength=Strength.SOFT), {"p": DOWN, "q": DOWN}, DEGRADED),
        (any_of("p", "q", need=2, strength=Strength.SOFT), {"p": DOWN}, DEGRADED),
    ],
)
def test_what_a_dependency_hands_on(link: str | Dependency, failed: dict[str, State], then: State) -> None:
    estate = estate_of(top=[link], p=[], q=[], r=[])
    hits = impact(estate, failed)
    assert (hits["top"].state if "top" in hits else UP) is then
    assert all(hits[ci] == Hit(ci, state, 0, None) for ci, state in failed.items())


def test_the_worst_of_all_dependencies_and_the_own_state_counts() -> None:
    estate = estate_of(a=["b", soft("c")])
    assert states(estate, {"b": REDUCED, "c": DOWN})["a"] is DEGRADED
    assert states(estate, {"a": DEGRADED, "b": REDUCED})["a"] is DEGRADED
    assert states(estate, {"a": AT_RISK, "b": DOWN})["a"] is DOWN


def test_distances_and_ways() -> None:
    estate = estate_of(top=["left", "right"], left=["base"], right=["middle"], middle=["base"])
    assert impact(estate, {"base": DOWN}) == {
        "base": Hit("base", DOWN, 0, None),
        "left": Hit("left", DOWN, 1, "base"),
        "middle": Hit("middle", DOWN, 1, "base"),
        "top": Hit("top", DOWN, 2, "left"),
        "right": Hit("right", DOWN, 2, "middle"),
    }


def test_the_way_is_that_of_the_worst_state_not_the_nearest() -> None:
    estate = estate_of(top=[soft("base"), "middle"], middle=["lower"], lower=["base"])
    assert impact(estate, {"base": DOWN})["top"] == Hit("top", DOWN, 3, "middle")


def test_a_failed_ci_stays_at_no_distance_though_another_makes_it_worse() -> None:
    assert impact(estate_of(a=["b"]), {"a": AT_RISK, "b": DOWN})["a"] == Hit("a", DOWN, 0, None)


def test_cycles_fall_together_and_never_hold_themselves_down() -> None:
    estate = estate_of(a=["b"], b=["c"], c=["a"])
    assert set(impact(estate, {"b": DOWN})) == {"a", "b", "c"}
    assert impact(estate, {}) == {}


def test_earlier_trouble_tips_a_group() -> None:
    estate = estate_of(top=[any_of("p", "q", "r")])
    assert states(estate, {"p": DOWN}, given={"q": DOWN, "r": DOWN}) == {"p": DOWN, "top": DOWN}
    assert states(estate, {"p": DOWN}, given={"q": DOWN}) == {"p": DOWN, "top": REDUCED}
    assert states(estate, {"p": DOWN}, given={"q": DOWN, "top": REDUCED}) == {"p": DOWN}


def test_failing_what_was_down_already_changes_nothing_above() -> None:
    estate = estate_of(top=[any_of("p", "q")])
    assert impact(estate, {"p": DOWN}, given={"p": DOWN, "top": REDUCED}) == {"p": Hit("p", DOWN, 0, None)}
    assert impact(estate, {"p": UP}, given={"p": DEGRADED}) == {"p": Hit("p", DEGRADED, 0, None)}


def test_unknown_ids_are_refused() -> None:
    with pytest.raises(KeyError, match="no CI has the id nothing"):
        impact(estate_of(a=[]), {"nothing": DOWN})


def test_stops_at_the_limit() -> None:
    estate = estate_of(**{f"n{number}": ["base"] for number in range(10)})
    assert len(impact(estate, {"base": DOWN}, limit=11)) == 11
    with pytest.raises(TooWide, match="more than 10 CIs are hit"):
        impact(estate, {"base": DOWN}, limit=10)


def test_the_business_view_is_worst_and_most_critical_first() -> None:
    def service(ci_id: str, criticality: Criticality | None, *links: Dependency) -> CI:
        return CI(id=ci_id, type=BUSINESS_SERVICE, criticality=criticality, depends_on=links)

    base = any_of("base")
    estate = Estate.of(
        [
            service("unsaid", None, base),
            service("low", Criticality.LOW, base),
            service("critical", Criticality.CRITICAL, base),
            service("degraded", Criticality.CRITICAL, soft("base")),
            service("fine", Criticality.CRITICAL),
            CI(id="host", depends_on=(base,)),
            CI(id="base"),
        ]
    )
    hits = impact(estate, {"base": DOWN, "fine": UP})
    assert [hit.ci for hit in business_view(estate, hits)] == ["critical", "unsaid", "low", "degraded"]
    assert business_view(estate, hits.values()) == business_view(estate, hits)
