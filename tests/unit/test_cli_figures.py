"""`incidentd report`."""

import pytest

from tests.cli_site import Site

PERIOD = ("--since", "2026-11-24T00:00:00Z", "--until", "2026-11-25T00:00:00Z")


def test_the_report_says_how_many_and_how_fast(recorded: Site) -> None:
    said = recorded.run("report", *PERIOD)
    assert "2, 1 still open" in said
    assert "time to resolve: median 5 min" in said
    assert "Odd" in said
    document = recorded.json("report", *PERIOD)
    assert (document["incidents"], document["resolve"]["median_s"]) == (2, 300)


@pytest.mark.parametrize("by", ["service", "ci", "priority", "group", "person", "day"])
def test_by_prints_one_row_each(recorded: Site, by: str) -> None:
    assert f"By {by}" in recorded.run("report", *PERIOD, "--by", by)


def test_a_question_without_an_answer_is_wrong_usage(recorded: Site) -> None:
    assert "allowed: service, ci" in recorded.run("report", "--by", "weather", code=2)
    assert "ends before it begins" in recorded.run("report", "--since", "1h", "--until", "2h", code=2)
