"""The pre-flight check finds by day what would go wrong at night."""

from dataclasses import replace
from datetime import time, timedelta
from typing import Any

import pytest

from cmdb.graph import Estate
from cmdb.model import CI
from rules.escalation import EscalationPolicy, EscalationStep
from rules.preflight import Finding, Flaw, preflight
from rules.roster import Group, Roster
from rules.rotation import shifts
from rules.routing import Route
from rules.wallclock import Hours
from tests.builders import T0
from tests.rosters import BERLIN, override, person, roster, schedule, wall, weekly

ESTATE = Estate.of([CI(id="tor", type="switch", owner="network"), CI(id="host", type="host", owner="compute")])
DAYS = timedelta(days=7)
OFFICE = Hours(days=frozenset(range(5)), begin=time(8), end=time(18))


def flaws(found: list[Finding]) -> list[str]:
    return [f"{f.flaw} {f.subject}: {f.words}" for f in found]


def look(*overrides: Any, estate: Estate = ESTATE, **fields: Any) -> list[str]:
    return flaws(preflight(roster(**fields), overrides, estate, T0, DAYS))


def groups(**fields: Any) -> dict[str, Group]:
    known = roster().groups
    return {**known, "network": replace(known["network"], **fields)}


def test_a_sound_organisation_has_nothing_to_find() -> None:
    assert look() == []


def test_without_an_organisation_nobody_is_ever_called() -> None:
    (finding,) = preflight(Roster(), (), ESTATE, T0, DAYS)
    assert finding.flaw is Flaw.UNREACHED


def test_gaps_are_named_to_the_minute_in_the_zone_of_the_schedule() -> None:
    rota = schedule(weekly("anna", starts=wall(16, 8), hours=(OFFICE,)))
    found = [f for f in preflight(roster(schedules={"rota": rota}), (), ESTATE, T0, DAYS) if f.flaw is Flaw.GAP]
    assert len(found) == 5
    assert found[3].words == "nobody is on call from Fri 2026-11-27 18:00 to Mon 2026-11-30 08:00 CET (2 d 14 h)"


def test_an_override_closes_a_gap() -> None:
    rota = schedule(weekly("anna", starts=wall(24, 10)))
    alone = EscalationPolicy(name="default", steps=(EscalationStep(on_call=True),))
    policies = {**roster().escalations, "default": alone}
    late = look(schedules={"rota": rota}, escalations=policies)
    assert late[0].startswith("gap schedule rota: nobody is on call from Tue 2026-11-24 09:00 to Tue 2026-11-24 10:00")
    assert any("unreached group network: escalation default reaches nobody from" in line for line in late)
    (left,) = look(override("ben"), schedules={"rota": rota}, escalations=policies)
    assert left == "unreached incidents of unknown CIs: escalation default reaches nobody at any hour"


def test_people_who_are_to_be_called_need_a_channel() -> None:
    people = {**roster().people, "ben": person("ben", contacts=()), "idle": person("idle", contacts=())}
    assert look(people=people) == [
        "no_channel person Ben: is to be called, but has no contact, so no call would arrive"
    ]


def test_overrides_of_people_and_schedules_that_are_gone_are_found() -> None:
    gone = override("kim", id="o1"), override("ben", id="o2", schedule="old")
    assert look(*gone) == [
        "unknown override o1: puts kim on call in rota, whom rules.yaml does not know any more",
        "unknown override o2: is for the schedule old, which rules.yaml does not have any more",
    ]


@pytest.mark.parametrize(
    ("changed", "says"),
    [
        ({"manager": ""}, "step 3 of escalation default never reaches anybody: the group network has no manager"),
        ({"schedule": ""}, "step 1 of escalation default never reaches anybody: the group network has no schedule"),
        ({"members": ()}, "step 2 of escalation default never reaches anybody: the group network has no members"),
    ],
)
def test_steps_that_never_reach_anybody_are_found(changed: dict[str, Any], says: str) -> None:
    assert f"unreached group network: {says}" in look(groups=groups(**changed))


def test_a_group_whose_escalation_reaches_nobody_at_some_hours_is_found() -> None:
    nights = EscalationPolicy(name="default", steps=(EscalationStep(people=("anna",), hours=(OFFICE,)),))
    found = look(escalations={**roster().escalations, "default": nights})
    assert (
        "unreached group network: escalation default reaches nobody"
        " from Tue 2026-11-24 17:00 to Wed 2026-11-25 07:00 UTC (14 h)" in found
    )


def test_an_owner_without_a_group_is_found_where_there_is_no_default() -> None:
    estate = Estate.of([CI(id="disk", owner="storage"), CI(id="disk2", owner="storage")])
    only = {"lead": roster().escalations["lead"]}
    known = {"compute": roster().groups["compute"]}
    found = look(estate=estate, groups=known, escalations=only)
    assert found == [
        "unreached incidents of unknown CIs: nobody is called: it has no escalation, and there is none named default",
        "unreached group storage, owner of 2 CIs and no group of rules.yaml: "
        "nobody is called: it has no escalation, and there is none named default",
    ]


def test_a_step_that_waits_for_a_promise_does_not_count_as_reaching_anybody() -> None:
    breach = EscalationPolicy(name="default", steps=(EscalationStep(on="resolution_breached", people=("anna",)),))
    found = look(escalations={**roster().escalations, "default": breach})
    assert "unreached group network: escalation default reaches nobody at any hour" in found


def test_it_says_how_far_it_has_come() -> None:
    heard: list[tuple[int, int]] = []
    preflight(roster(), (), ESTATE, T0, DAYS, lambda done, total: heard.append((done, total)))
    assert heard == [(n, 4) for n in range(1, 5)]  # one schedule, two groups, incidents of unknown CIs


def test_handing_over_counts_as_reaching_whom_the_other_group_reaches() -> None:
    handing = (EscalationStep(after=timedelta(minutes=1), hand_to="compute"),)
    ring = EscalationPolicy(name="lead", steps=(EscalationStep(after=timedelta(minutes=1), hand_to="network"),))
    known = {**roster().escalations, "default": EscalationPolicy(name="default", steps=handing)}
    assert look(escalations=known) == []
    assert len(look(escalations={**known, "lead": ring})) == 3


def test_routes_that_can_never_count_are_found() -> None:
    routes = (
        Route(group="network", name="typo", types=frozenset({"swich"}), zone=BERLIN),
        Route(group="network", zone=BERLIN),
        Route(group="compute", cis=frozenset({"host"}), zone=BERLIN),
    )
    assert look(routes=routes) == [
        "unknown route 1 “typo”: asks for the type swich, which the CMDB does not have",
        "unreached route 3: never counts: route 2, which stands before it, takes everything",
    ]


def test_layers_of_one_name_are_told_apart() -> None:
    rota = schedule(weekly("anna", starts=wall(16, 8), hours=(OFFICE,)), weekly("ben", starts=wall(16, 8)))
    found = shifts(rota, (), T0, T0 + timedelta(days=1))
    assert [shift.people for shift in found] == [("anna",), ("ben",), ("anna",)]
