"""Which types of CIs need which."""

from cmdb.graph import Estate
from cmdb.model import CI
from rules.type_links import TypeLinks
from tests.desk import needs


def test_types_are_joined_as_their_cis_are() -> None:
    links = TypeLinks(
        Estate.of(
            [
                CI(id="tor", type="switch"),
                CI(id="h1", type="host", depends_on=(needs("tor"),)),
                CI(id="h2", type="host"),
                CI(id="vm", type="vm", depends_on=(needs("h1"),)),
                CI(id="a", type="app", depends_on=(needs("b"), needs("vm"))),
                CI(id="b", type="service", depends_on=(needs("a"),)),
            ]
        )
    )
    assert (links.count("host"), links.total()) == (2, 6)
    assert links.are_joined("vm", "host")
    assert not links.are_joined("vm", "switch"), "only by way of a host"
    assert links.is_upside_down("switch", "vm")
    assert not links.is_upside_down("vm", "switch")
    assert not links.is_upside_down("app", "service"), "each needs the other"
    assert not links.is_upside_down("host", "host"), "hosts may need hosts"
