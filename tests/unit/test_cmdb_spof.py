"""Single points of failure."""

from pathlib import Path

from cmdb.graph import Estate
from cmdb.impact import impact
from cmdb.importers.yaml_file import load_cmdb
from cmdb.model import BUSINESS_SERVICE, CI, Criticality, Dependency, State, Strength
from cmdb.spof import WEIGHTS, Spof, single_points_of_failure

EXAMPLE = Path(__file__).parents[2] / "examples" / "cmdb.yaml"


def ci(ci_id: str, *links: str | Dependency, criticality: Criticality | None = None) -> CI:
    needs = tuple(Dependency(providers=(link,)) if isinstance(link, str) else link for link in links)
    kind = BUSINESS_SERVICE if ci_id.isupper() else "host"
    return CI(id=ci_id, type=kind, criticality=criticality, depends_on=needs)


def test_weighs_what_goes_down_and_puts_the_worst_first() -> None:
    estate = Estate.of(
        [
            ci("SHOP", "web", criticality=Criticality.CRITICAL),
            ci("BLOG", "web", "SHOP", criticality=Criticality.LOW),
            ci("MAIL", "host", Dependency(providers=("cache",), strength=Strength.SOFT)),
            ci("web", Dependency(providers=("host", "spare"))),
            ci("cache"),
            ci("host", "power"),
            ci("spare", "power"),
            ci("power"),
            ci("idle", "power"),
        ]
    )
    assert single_points_of_failure(estate) == (
        Spof(ci="power", services=("SHOP", "MAIL", "BLOG"), weight=31, impacted_count=7),
        Spof(ci="web", services=("SHOP", "BLOG"), weight=28, impacted_count=2),
        Spof(ci="host", services=("MAIL",), weight=3, impacted_count=1),
        Spof(ci="SHOP", services=("BLOG",), weight=1, impacted_count=1),
    )


def test_chains_and_cycles_are_walked_rightly() -> None:
    estate = Estate.of(
        [
            ci("TOP", "a"),
            ci("a", "b"),
            ci("b", "c"),
            ci("c", "d"),
            ci("d"),
            ci("OTHER", "x"),
            ci("x", "y"),
            ci("y", "x", "z"),
            ci("z"),
        ]
    )
    found = {spof.ci: spof for spof in single_points_of_failure(estate)}
    assert {ci_id: spof.impacted_count for ci_id, spof in found.items()} == {
        "a": 1, "b": 2, "c": 3, "d": 4, "x": 2, "y": 2, "z": 3,
    }  # fmt: skip
    assert found["z"].services == ("OTHER",)


def test_agrees_with_the_impact_of_every_ci_of_the_example() -> None:
    estate = load_cmdb(EXAMPLE)
    found = {spof.ci: spof for spof in single_points_of_failure(estate)}
    for ci_id in estate.ids():
        down = {hit.ci for hit in impact(estate, {ci_id: State.DOWN}).values() if hit.state is State.DOWN}
        services = (down & estate.business_services) - {ci_id}
        assert (ci_id in found) == bool(services)
        if services:
            assert set(found[ci_id].services) == services
            assert found[ci_id].impacted_count == len(down) - 1
    assert next(iter(found)) == "core"


def test_tells_how_far_it_is() -> None:
    told: list[tuple[int, int]] = []
    single_points_of_failure(load_cmdb(EXAMPLE), on_progress=lambda done, total: told.append((done, total)))
    assert told[0][0] == 0
    assert told[-1][0] == told[-1][1] > 0


def test_every_criticality_has_a_weight() -> None:
    assert set(WEIGHTS) == set(Criticality)
