"""The scorer on documents small enough to judge by hand."""

from collections.abc import Mapping
from typing import Any

import pytest

from bench.answers import merged, place, ranking
from bench.baselines import Heard, causes, cover, deepest, earliest, explaining
from bench.dialects import Weather
from bench.faults import Failure
from bench.figures import calibration, storm_figures
from bench.online import grouped
from bench.plot import calibration_svg
from bench.score import Score, score
from bench.storms import Storm, Symptom, alert_key, estate_of

CIS = [
    {"id": "host", "type": "host", "depends_on": []},
    *({"id": f"vm-{n}", "type": "vm", "depends_on": ["host"]} for n in range(4)),
    {"id": "shop", "type": "business-service", "depends_on": ["vm-0"]},
    {"id": "disk", "type": "volume", "depends_on": []},
    *({"id": f"db-{n}", "type": "database", "depends_on": ["disk"]} for n in range(4)),
    {"id": "bank", "type": "business-service", "depends_on": ["db-0"]},
]
ESTATE = estate_of(CIS)
FAILURES = (
    Failure(root="host", at=100, until=1000, impacted_services=("shop",)),
    Failure(root="disk", at=100, until=1000, impacted_services=("bank",)),
)


def alert(ci: str) -> dict[str, Any]:
    return {"labels": {"alertname": "Down", "ci": ci}, "startsAt": "2026-03-02T00:02:00Z"}


def storm_of(**causes: set[int]) -> Storm:
    """Alerts by CI, `_` for `-`, with the failures they come from; each received at second 130."""
    symptoms = {
        alert_key(alert(ci.replace("_", "-"))): Symptom(
            received=130, ci=ci.replace("_", "-"), causes=frozenset(causes[ci])
        )
        for ci in causes
    }
    return Storm(
        shape="hand",
        dialect="hand",
        seed=0,
        weather=Weather(),
        cmdb={"cis": CIS},
        events=(),
        failures=FAILURES,
        symptoms=symptoms,
    )


def incident(number: str, *cis: str, roots: tuple[str, ...] = (), into: str | None = None, **more: Any) -> Any:
    candidates = [{"ci": ci, "confidence": 0.9 / n} for n, ci in enumerate(roots, 1)]
    root = candidates[0] if candidates else {"ci": None, "confidence": 0.0}
    return {
        "number": number,
        "opened_at": "2026-03-02T00:02:15Z",
        "merged_into": into,
        "root_cause": {**root, "candidates": candidates},
        "impacted_services": [],
        "alerts": [alert(ci) for ci in cis],
        **more,
    }


def judged(storm: Storm, *incidents: Mapping[str, Any]) -> Score:
    return score(storm, ESTATE, {"incidents": incidents, "events": []})


def test_a_right_answer() -> None:
    found = judged(
        storm_of(host={0}, vm_0={0}),
        incident("INC-1", "host", "vm-0", roots=("host", "vm-0"), impacted_services=["shop"]),
    )
    (verdict,) = found.verdicts
    assert (verdict.places["incidentd"], verdict.delay_s, verdict.is_silent) == (1, 5.0, False)
    assert (found.incidents, found.mixed, found.noise_only) == (1, 0, 0)
    assert (found.said, found.true, found.right) == (1, 1, 1)


def test_a_silent_root_named_second() -> None:
    (verdict,) = judged(storm_of(vm_0={0}), incident("INC-1", "vm-0", roots=("vm-0", "host"))).verdicts
    assert (verdict.places["incidentd"], verdict.is_silent, verdict.named) == (2, True, "vm-0")


def test_a_failure_without_symptoms_does_not_count_and_one_without_incident_is_missed() -> None:
    found = judged(storm_of(vm_0={0}))
    assert [(v.root, v.is_missed) for v in found.verdicts] == [("host", True)]
    assert (found.said, found.true) == (0, 1)


def test_noise_alone_is_counted_apart() -> None:
    found = judged(
        storm_of(vm_0={0}, db_1=set()), incident("INC-1", "vm-0", roots=("host",)), incident("INC-2", "db-1")
    )
    assert (found.incidents, found.noise_only) == (1, 1)


@pytest.mark.parametrize(("foreign", "mixed"), [(2, 0), (3, 1)])
def test_three_symptoms_of_another_failure_make_a_mixture(foreign: int, mixed: int) -> None:
    theirs = [f"db-{n}" for n in range(foreign)]
    storm = storm_of(host={0}, vm_0={0}, vm_1={0}, vm_2={0}, **{ci.replace("-", "_"): {1} for ci in theirs})
    found = judged(storm, incident("INC-1", "host", "vm-0", "vm-1", "vm-2", *theirs, roots=("host",)))
    assert found.mixed == mixed
    assert [v.places["incidentd"] for v in found.verdicts] == [1, None]


def test_a_merged_incident_counts_as_part_of_its_target() -> None:
    found = judged(
        storm_of(host={0}, vm_0={0}),
        incident("INC-1", "host", roots=("host",)),
        incident("INC-2", "vm-0", roots=("vm-0",), into="INC-1"),
    )
    assert (found.incidents, found.verdicts[0].named) == (1, "host")


def test_merges_are_followed_to_the_end() -> None:
    chain = [incident("INC-1", into="INC-2"), incident("INC-2", into="INC-3"), incident("INC-3")]
    assert {n: [i["number"] for i in parts] for n, parts in merged(chain).items()} == {
        "INC-3": ["INC-3", "INC-1", "INC-2"]
    }


def test_a_ranking_names_each_ci_once_and_the_root_first() -> None:
    document = incident("INC-1", roots=("b", "a", "b"))
    document["root_cause"]["ci"] = "a"
    assert [ranked.ci for ranked in ranking(document)] == ["a", "b"]
    assert (place(["a", "b"], ["b", "c"]), place(["a"], ["b"])) == (2, None)


def test_the_baselines() -> None:
    heard = [Heard(3, "shop"), Heard(1, "vm-0"), Heard(2, "vm-1"), Heard(4, "vm-0")]
    assert deepest(ESTATE, heard) == ["vm-0", "vm-1", "shop"]
    assert earliest(ESTATE, heard) == ["vm-0", "vm-1", "shop"]
    assert cover(ESTATE, heard)[0] == "host"


REDUNDANT = estate_of(
    [
        *({"id": f"switch-{side}", "type": "switch", "depends_on": []} for side in "ab"),
        *(
            {"id": f"vm-{n}", "type": "vm", "depends_on": [{"any_of": ["switch-a", "switch-b"], "need": 1}]}
            for n in "12"
        ),
        {"id": "disk", "type": "volume", "depends_on": []},
        *({"id": f"db-{n}", "type": "database", "depends_on": ["disk"]} for n in "12"),
    ]
)


def test_explaining_away_knows_redundancy() -> None:
    heard = [Heard(1, "vm-1"), Heard(2, "vm-2")]
    assert explaining(REDUNDANT, heard)[0] == "vm-1", "one switch alone takes neither down"
    named = [cause.ranking[0] for cause in causes(REDUNDANT, {"switch-a", "vm-1", "vm-2", "db-1", "db-2"})]
    assert named == ["disk", "switch-a"]
    assert [c.ranking[0] for c in causes(REDUNDANT, {"vm-1", "vm-2"}, ["switch-a"])] == ["switch-b"]
    assert explaining(REDUNDANT, []) == []


def test_explaining_online_finds_what_belongs_together() -> None:
    heard = [Heard(0, "db-1"), Heard(30, "switch-a"), Heard(60, "db-2"), Heard(300, "db-2"), Heard(2000, "vm-1")]
    groups = grouped(REDUNDANT, heard)
    assert [(g.cause.ranking[0], g.alerts) for g in groups] == [("disk", [0, 2, 3]), ("switch-a", [1]), ("vm-1", [4])]


def test_figures_over_storms() -> None:
    right = judged(storm_of(host={0}), incident("INC-1", "host", roots=("host",)))
    wrong = judged(storm_of(host={0}), incident("INC-1", "host", roots=("vm-0",)))
    figures = storm_figures([right, wrong])
    assert (figures["top1"], figures["failures"], figures["missed"], figures["delay_s"]) == (0.5, 2, 0, 5.0)


def test_calibration_and_its_plot() -> None:
    bins = calibration([(0.95, True), (1.0, True), (0.15, False)])
    assert [(b.size, b.accuracy) for b in bins] == [(1, 0.0), (2, 1.0)]
    svg = calibration_svg({"a < b": bins})
    assert svg.startswith("<svg")
    assert "a &lt; b (3)" in svg
    assert svg.count('fill="white" stroke=') == 3, "the dots of few answers are empty, and one explains them"
