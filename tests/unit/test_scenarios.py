"""The named scenarios, each as an operator would want it to end, and the judge that says whether it did."""

from dataclasses import replace
from typing import Any

import pytest

from bench.scenarios import SCENARIOS
from bench.stage import play
from bench.story import Scenario, Spell, View
from bench.verdict import Verdict, judge


def _param(name: str, scenario: Scenario) -> Any:
    return pytest.param(scenario, id=name, marks=[pytest.mark.slow] if len(scenario.cmdb["cis"]) > 1_000 else [])


@pytest.mark.parametrize("scenario", [_param(name, scenario) for name, scenario in SCENARIOS.items()])
def test_scenario(scenario: Scenario) -> None:
    assert judge(scenario).faults == ()


_GOOD = SCENARIOS["single root with all symptoms"]
_VIEW = _GOOD.views[1]


def _judged(**changes: object) -> Verdict:
    return judge(replace(_GOOD, **changes))  # type: ignore[arg-type]


def _with_view(**changes: object) -> tuple[View, ...]:
    return (replace(_VIEW, **changes), _GOOD.views[-1])  # type: ignore[arg-type]


def _noise(ci: str, at: float) -> Spell:
    return Spell(ci=ci, at=at, until=900, causes=frozenset(), name="Strange")


@pytest.mark.parametrize(
    ("views", "fault"),
    [
        (_with_view(roots=frozenset({"core-1"})), "at 300 s the roots were tor-a, not core-1"),
        (_with_view(roots=frozenset({"tor-a", "core-1"})), "at 300 s the roots were tor-a, not core-1, tor-a"),
        (_with_view(services={}), "at 300 s the services were checkout down, not none"),
        (
            _with_view(services={"checkout": "at risk"}),
            "at 300 s the services were checkout down, not checkout at risk",
        ),
        (_with_view(priority="P3"), "at 300 s the priority was P1, not P3"),
    ],
)
def test_the_judge_sees_what_people_would_see(views: tuple[View, ...], fault: str) -> None:
    assert fault in _judged(views=views).faults


def test_the_judge_counts_incidents_calls_and_noise() -> None:
    found = _judged(spells=(*_GOOD.spells, _noise("printer-1", 10)))
    assert (found.incidents, found.noise) == (2, 3)
    assert {"2 incidents, not 1", "people were called 2 times, not 1"} <= set(found.faults)


def test_the_judge_finds_alerts_that_are_in_the_wrong_incident_or_in_none() -> None:
    elsewhere = replace(_GOOD.spells[3], causes=frozenset({"san-2"}))
    dropped = Spell(ci="printer-1", at=9, until=100, causes=frozenset({"tor-a"}), severity="warning")
    found = _judged(spells=(*_GOOD.spells[:3], elsewhere, *_GOOD.spells[4:], dropped))
    assert (found.misplaced, found.cycles) == (2, None)


def test_the_judge_counts_the_cycles_until_an_incident_opens() -> None:
    early = Spell(ci="vm-b2", at=0, until=1000, causes=frozenset({"vm-b2"}), severity="warning")
    late = Spell(ci="vm-b2", at=40, until=900, causes=frozenset({"vm-b2"}))
    found = judge(replace(_GOOD, spells=(early, late), views=(View(at=1500, services={}),)))
    assert found.cycles == 4
    assert "opened only after 4 cycles" in found.faults


def test_the_judge_counts_the_roots_that_people_were_told() -> None:
    first = [Spell(ci="host-a1", at=5, until=900, causes=frozenset({"tor-a"}))]
    later = [replace(spell, at=40) for spell in _GOOD.spells if spell.ci.startswith(("host-a2", "host-a3", "vm-a"))]
    found = judge(replace(_GOOD, spells=(*first, *later), views=(_VIEW, _GOOD.views[-1])))
    assert found.root_changes == 1


def test_a_scenario_is_played_as_it_is_written() -> None:
    played = play(SCENARIOS["feed lost in mid-incident"])
    assert [n.event for n in played.notices] == ["opened", "source_down", "source_up", "resolved"]
