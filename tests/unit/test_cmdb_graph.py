"""The estate's lookups."""

import pytest

from cmdb.graph import Estate
from cmdb.model import BUSINESS_SERVICE, CI, Dependency, Strength


def needs(*providers: str, need: int | None = None, strength: Strength = Strength.HARD) -> Dependency:
    return Dependency(providers=providers, need=need or len(providers), strength=strength)


def ci(ci_id: str, *depends_on: str | Dependency, **rest: object) -> CI:
    links = tuple(needs(link) if isinstance(link, str) else link for link in depends_on)
    return CI(id=ci_id, depends_on=links, **rest)  # type: ignore[arg-type]


SHOP = Estate.of(
    [
        ci("shop", "web", needs("db", strength=Strength.SOFT), type=BUSINESS_SERVICE),
        ci("web", needs("host-1", "host-2", need=1), "db", aliases=("www", "WWW.example")),
        ci("report", needs("db", strength=Strength.SOFT), "web"),
        ci("db", "host-1", aliases=("Database",)),
        ci("host-1"),
        ci("host-2"),
        ci("WEB"),
    ]
)


def test_looks_up_cis() -> None:
    assert len(SHOP) == 7
    assert "db" in SHOP
    assert "no" not in SHOP
    assert SHOP.ci("db").aliases == ("Database",)
    assert SHOP.get("no") is None
    assert SHOP.ids() == ("shop", "web", "report", "db", "host-1", "host-2", "WEB")
    assert [found.id for found in SHOP] == list(SHOP.ids())
    with pytest.raises(KeyError, match="no CI has the id no"):
        SHOP.ci("no")


def test_follows_dependencies_both_ways_in_file_order() -> None:
    assert SHOP.providers("web") == ("host-1", "host-2", "db")
    assert SHOP.dependencies("db") == (needs("host-1"),)
    assert SHOP.dependents("db") == ("shop", "web", "report")
    assert SHOP.dependents("host-1") == ("web", "db")
    assert SHOP.dependents("shop") == ()
    for lookup in (SHOP.providers, SHOP.dependencies, SHOP.dependents):
        with pytest.raises(KeyError, match="no CI has the id no"):
            lookup("no")


def test_keeps_kinds_of_dependents_apart() -> None:
    up = SHOP.upward
    assert up.hard["db"] == ("web",)
    assert up.soft["db"] == ("shop", "report")
    assert [group.dependent for group in up.groups["host-2"]] == ["web"]
    assert "host-2" not in up.hard


def test_business_services_are_those_named() -> None:
    assert SHOP.business_services == {"shop"}


def test_where_none_is_named_the_tops_stand_in() -> None:
    assert Estate.of([ci("a", "b"), ci("b"), ci("c", "b")]).business_services == {"a", "c"}


@pytest.mark.parametrize(
    ("name", "found"),
    [
        ("web", "web"),
        ("WEB", "WEB"),
        ("Web", "web"),
        ("www", "web"),
        ("Www.Example", "web"),
        ("Database", "db"),
        ("DATABASE", "db"),
        ("HOST-1", "host-1"),
        ("host-3", None),
        ("", None),
    ],
)
def test_finds_by_id_then_alias_then_without_case(name: str, found: str | None) -> None:
    assert SHOP.find(name) == found


def test_the_first_of_two_cis_keeps_a_shared_alias() -> None:
    estate = Estate.of([ci("a", aliases=("x",)), ci("b", aliases=("x", "a"))])
    assert estate.find("x") == "a"
    assert estate.find("a") == "a"


@pytest.mark.parametrize(
    ("labels", "found"),
    [
        ({"service": "pay"}, ("late", "pay")),
        ({"service": "pay", "component": "db", "zone": "1"}, ("late", "pay-db", "pay")),
        ({"service": "other", "component": "db"}, ()),
        ({"job": "pay"}, ("pay",)),
        ({}, ()),
    ],
)
def test_matches_label_sets_that_are_wholly_there(labels: dict[str, str], found: tuple[str, ...]) -> None:
    estate = Estate.of(
        [
            ci("late", match=((("service", "pay"),),)),
            ci("pay-db", match=((("service", "pay"), ("component", "db")),)),
            ci("pay", match=((("service", "pay"),), (("job", "pay"),))),
            ci("never", match=((),)),
        ]
    )
    assert estate.matching(labels) == found


def test_an_estate_without_match_matches_nothing() -> None:
    assert SHOP.matching({"service": "pay"}) == ()


def test_reports_one_shortest_cycle_for_each_knot() -> None:
    estate = Estate.of(
        [
            ci("top", "a"),
            ci("a", "b"),
            ci("b", "c", "d"),
            ci("c", "a"),
            ci("d", "b", "between"),
            ci("between", "x"),
            ci("x", needs("y", "z", need=1)),
            ci("y", "x"),
            ci("z", "self"),
            ci("self", "self"),
        ]
    )
    assert estate.cycles() == (("a", "b", "c"), ("x", "y"), ("self",))
    assert "top" not in estate.near_cycles()
    assert SHOP.cycles() == ()
    assert SHOP.near_cycles() == ()


def test_is_a_networkx_graph_from_dependent_to_provider() -> None:
    assert list(SHOP.graph.nodes) == list(SHOP.ids())
    assert set(SHOP.graph.edges("web")) == {("web", "host-1"), ("web", "host-2"), ("web", "db")}
    assert SHOP.graph is SHOP.graph


@pytest.mark.parametrize(
    ("cis", "said"),
    [
        ([ci("a"), ci("a")], "two CIs have the id a"),
        ([ci("a", "b")], "a depends on b, which is not in the CMDB"),
        ([ci("a", needs("a", "b", need=1))], "a depends on b, which is not in the CMDB"),
    ],
)
def test_refuses_what_is_no_estate(cis: list[CI], said: str) -> None:
    with pytest.raises(ValueError, match=said):
        Estate.of(cis)


def test_an_empty_estate_is_legal() -> None:
    assert len(Estate.of([])) == 0
    assert Estate.of([]).business_services == frozenset()
    assert Estate.of([]).cycles() == ()
