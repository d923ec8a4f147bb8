"""The report over HTTP."""

from tests.contract.api_world import Session, World, fill, problem


def test_the_report_counts_what_was_opened_in_the_period(world: World, http: Session) -> None:
    fill(world)
    report = http.get(f"{world.url}/api/v1/report?since=1d&until=2026-11-25T00:00:00Z").json()
    assert (report["incidents"], report["open"]) == (3, 2)
    assert [(p["key"], p["incidents"]) for p in report["by"]["priority"]] == [("P1", 1), ("P3", 2)]
    assert report["alert_rules"] == [{"alert": "Down", "episodes": 4, "without_incident": 1, "incidents": 2}]
    assert http.get(f"{world.url}/api/v1/report?since=2h&until=1h").json()["incidents"] == 0
    only = http.get(f"{world.url}/api/v1/report?until=2026-11-25T00:00:00Z&priority=P1").json()
    assert (only["incidents"], only["priorities"]) == (1, ["P1"])


def test_a_period_that_cannot_be_is_refused_with_its_field(world: World, http: Session) -> None:
    for query, words in (
        ("since=1h&until=2h", "the period ends before it begins"),
        ("since=soon", "is not a moment"),
        ("since=2026-11-24T08:00:00", "has no time zone"),
        ("priority=P9", "allowed: P1"),
    ):
        found = problem(http.get(f"{world.url}/api/v1/report?{query}"), 400)
        assert words in str(found), found
