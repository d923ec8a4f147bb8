"""The first route whose conditions hold takes the incident, and says why; else the owner has it."""

from datetime import datetime, time
from typing import Any

import pytest

from rules.routing import Facts, Route, routed
from rules.wallclock import Hours
from tests.builders import T0
from tests.desk import Desk, down
from tests.rosters import BERLIN, policy, wall

FACTS = Facts(
    at=T0, owner="dba", ci="pay-db", ci_type="database", services=frozenset({"pay"}), categories=frozenset({"disk"})
)


def route(**fields: Any) -> Route:
    return Route(**{"group": "night", "zone": BERLIN, **fields})


@pytest.mark.parametrize(
    ("conditions", "why"),
    [
        ({"owners": frozenset({"dba"})}, "its owner is dba"),
        ({"cis": frozenset({"pay-db"})}, "the CI is pay-db"),
        ({"types": frozenset({"database", "host"})}, "the type of its CI is database"),
        ({"services": frozenset({"pay"})}, "it hits pay"),
        ({"categories": frozenset({"disk"})}, "its category is disk"),
        ({"hours": (Hours(begin=time(9), end=time(10)),)}, "it opened every day from 09:00 to 10:00 (Europe/Berlin)"),
        (
            {"types": frozenset({"database"}), "services": frozenset({"pay"})},
            "the type of its CI is database and it hits pay",
        ),
        ({}, "the route is first that takes everything"),
        ({"owners": frozenset({"other"})}, ""),
        ({"types": frozenset({"database"}), "services": frozenset({"shop"})}, ""),
        ({"hours": (Hours(begin=time(8), end=time(9)),)}, ""),
        ({"hours": (Hours(days=frozenset({0})),)}, ""),
    ],
)
def test_a_route_takes_what_meets_every_condition(conditions: dict[str, Any], why: str) -> None:
    assert route(**conditions).why(FACTS) == why


def test_the_first_that_holds_wins_and_is_named() -> None:
    routes = [
        route(types=frozenset({"host"})),
        route(name="databases", types=frozenset({"database"})),
        route(group="x"),
    ]
    assert routed(routes, FACTS) == (
        "night",
        "routed to night because the type of its CI is database (route “databases”)",
    )


@pytest.mark.parametrize(
    ("facts", "group", "reason"),
    [
        (FACTS, "dba", "routed to dba because it owns pay-db"),
        (Facts(at=T0, ci="x"), "", "routed to nobody because x has no owner"),
        (Facts(at=T0), "", "routed to nobody because no failed CI is known"),
    ],
)
def test_without_a_route_the_owner_has_it(facts: Facts, group: str, reason: str) -> None:
    assert routed((), facts) == (group, reason)


@pytest.mark.parametrize(
    ("hours", "shown", "inside"),
    [
        (Hours(begin=time(18), end=time(8)), wall(24, 7, 59), True),
        (Hours(begin=time(18), end=time(8)), wall(24, 8, 0), False),
        (Hours(begin=time(18), end=time(8), days=frozenset({0})), wall(24, 7, 59), True),
        (Hours(begin=time(18), end=time(8), days=frozenset({1})), wall(24, 7, 59), False),
        (Hours(days=frozenset({1})), wall(24, 23, 59), True),
        (Hours(days=frozenset({1})), wall(25, 0, 0), False),
    ],
)
def test_hours_go_on_into_the_next_day(hours: Hours, shown: datetime, inside: bool) -> None:
    assert hours.holds(shown) is inside


def test_the_incident_bears_its_group_and_the_reason() -> None:
    desk = Desk(policy=policy())
    desk.hear(*down("tor-3a"))
    (incident,) = desk.open()
    assert (incident.group, incident.group_reason) == ("network", "routed to network because it owns tor-3a")
    assert "routed to network because it owns tor-3a" in desk.history()
