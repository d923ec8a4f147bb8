"""Service requests, problems and changes on the command line, without a daemon."""

from datetime import timedelta
from typing import Any

import pytest

from daemon.cli.main import app
from daemon.cli.records import STEPS as COMMANDS
from daemon.clock import SystemClock
from rules.record import Kind
from rules.record_lifecycles import STEPS
from tests.cli_site import Site

CALENDAR = """\
BEGIN:VCALENDAR\r
VERSION:2.0\r
PRODID:-//test//EN\r
BEGIN:VEVENT\r
UID:42@calendar\r
DTSTAMP:20261124T080000Z\r
DTSTART:{begin}\r
DTEND:20991124T230000Z\r
SUMMARY:switch firmware\r
RESOURCES:switch-1\r
STATUS:{status}\r
{more}END:VEVENT\r
END:VCALENDAR\r
"""

NOTIFY = """
notifiers:
  - {name: desk, type: webhook, url: "http://127.0.0.1:9/in"}
notify:
  - {to: desk, when: {event: [change_scheduled, change_cancelled]}}
"""


def order(site: Site, *words: str) -> Any:
    (answer,) = site.json(*words)["orders"]
    assert answer["done"], answer
    return answer


def spoken(site: Site, *words: str) -> str:
    """What a person reads, on one line."""
    return " ".join(site.run(*words).replace("•", "").split())


def test_the_commands_are_the_steps_of_the_tables() -> None:
    for kind in Kind:
        assert {*COMMANDS[kind]} == {str(step) for step in STEPS[kind]} - {"revise"}


def test_records_are_made_from_an_incident(recorded: Site) -> None:
    made = order(recorded, "problem", "create", "--from", "INC-1", "--workaround", "power cycle it", "--by", "anna")
    assert made == {"number": "PRB-1", "done": True, "message": "PRB-1 is known error"}
    order(recorded, "request", "create", "a new switch", "--from", "1")
    shown = recorded.json("problem", "show", "PRB-1")
    assert shown["problem"]["links"] == [{"kind": "cause of", "number": "INC-1"}]
    assert [e["actor"] for e in shown["timeline"]] == ["anna", "anna"]
    incident = recorded.json("incident", "show", "1")["incident"]
    assert {"kind": "caused by", "number": "PRB-1"} in incident["links"]
    assert {"kind": "led to", "number": "REQ-1"} in incident["links"]
    assert incident["known_errors"][0]["workaround"] == "power cycle it"
    assert "until it is mended: power cycle it" in spoken(recorded, "incident", "show", "1")


def test_a_known_error_is_matched_by_category(recorded: Site) -> None:
    words = ["problem", "create", "the line is cut", "--workaround", "use the other one", "--category", "network"]
    order(recorded, *words)
    recorded.run("incident", "open", "Nobody gets through", "--ci", "switch-1")
    opened = "INC-3"
    order(recorded, "incident", "set", opened, "category", "network")
    (error,) = recorded.json("incident", "show", opened)["incident"]["known_errors"]
    assert (error["problem"], error["why"]) == ("PRB-1", "category network")
    assert "matches categories: network" in spoken(recorded, "problem", "show", "1")
    order(recorded, "problem", "edit", "1", "--category", "hardware")
    assert recorded.json("incident", "show", opened)["incident"]["known_errors"] == []
    assert "allowed: hardware" in recorded.run("problem", "edit", "1", "--category", "hardwear", code=1)


def test_a_record_lives_on_the_command_line(recorded: Site) -> None:
    order(recorded, "request", "create", "a laptop", "--group", "desk")
    order(recorded, "request", "edit", "1", "--title", "two laptops", "--ci", "switch-1")
    order(recorded, "request", "note", "REQ-1", "which colour?")
    order(recorded, "request", "start", "1")
    order(recorded, "request", "link", "1", "INC-2", "--relation", "related to")
    order(recorded, "request", "link", "1", "INC-2", "--remove")
    order(recorded, "request", "fulfil", "1", "--text", "handed over")
    text = spoken(recorded, "request", "show", "1")
    assert "two laptops REQ-1 fulfilled" in text
    assert "You may reopen, close it." in text
    assert "handed over" in text
    assert [
        r["number"] for r in recorded.json("request", "list", "--ci", "switch-1", "--text", "LAPTOPS")["requests"]
    ] == ["REQ-1"]
    assert recorded.json("request", "list", "--status", "on-hold")["requests"] == []
    assert "cannot hold a service request that is fulfilled" in recorded.run("request", "hold", "1", code=1)
    assert "is not the number of a service request" in recorded.run("request", "show", "PRB-1", code=2)
    assert "is not known" in recorded.run("request", "list", "--status", "opne", code=2)


def test_incidents_are_linked_and_converted(recorded: Site) -> None:
    order(recorded, "incident", "link", "INC-1", "--duplicate-of", "INC-2")
    order(recorded, "incident", "unlink", "INC-1", "INC-2")
    assert recorded.run("incident", "link", "1", code=2)
    order(recorded, "incident", "convert", "INC-1", "planned by the tenant")
    assert recorded.json("request", "show", "1")["request"]["links"] == [{"kind": "converted from", "number": "INC-1"}]
    assert "It goes on as REQ-1." in recorded.run("incident", "show", "1")


def test_a_change_is_planned_weighed_and_approved(recorded: Site) -> None:
    words = ["change", "create", "switch firmware", "--ci", "switch-1", "--begin", "1h", "--end", "2h"]
    assert order(recorded, *words)["number"] == "CHG-1"
    order(recorded, *words)
    shown = recorded.json("change", "show", "CHG-1")
    assert shown["risk"]["level"] in ("high", "medium")
    assert shown["overlapping"] == ["CHG-2"]
    order(recorded, "change", "approve", "1", "--by", "maria")
    text = spoken(recorded, "change", "show", "1")
    assert "by maria" in text
    assert "at the same time: CHG-2" in text
    order(recorded, "change", "edit", "1", "--end", "3h")
    assert recorded.json("change", "show", "1")["change"]["status"] == "planned"
    assert "cannot end before it begins" in recorded.run(
        "change", "create", "x", "--begin", "2h", "--end", "1h", code=1
    )


def test_who_was_told_of_a_change_is_shown_with_it(recorded: Site) -> None:
    with recorded.config.open("a", encoding="utf-8") as file:
        file.write(NOTIFY)
    order(recorded, "change", "create", "switch firmware", "--ci", "switch-1", "--begin", "1h", "--end", "2h")
    order(recorded, "change", "approve", "1", "--by", "maria")
    (notice,) = recorded.json("change", "show", "1")["notices"]
    assert (notice["event"], notice["to"], notice["change"]) == ("change_scheduled", "desk", "CHG-1")
    order(recorded, "change", "cancel", "1", "--text", "the parts are late")
    text = spoken(recorded, "change", "show", "1")
    assert "Notices (2)" in text
    assert "CHG-1 change_cancelled desk pending it is cancelled" in text
    assert "CHG-1" in recorded.run("notices")


def calendar(site: Site, begin: str = "20991124T220000Z", status: str = "CONFIRMED", more: str = "") -> str:
    path = site.config.parent / "changes.ics"
    path.write_text(CALENDAR.format(begin=begin, status=status, more=more), encoding="utf-8", newline="")
    return str(path)


def test_changes_come_from_a_calendar_and_move_with_it(recorded: Site) -> None:
    order(recorded, "change", "import", calendar(recorded))
    made = recorded.json("change", "show", "1")["change"]
    assert (made["title"], made["cis"], made["uid"]) == ("switch firmware", ["switch-1"], "42@calendar")
    order(recorded, "change", "import", calendar(recorded, begin="20991124T210000Z"))
    (moved,) = recorded.json("change", "list")["changes"]
    assert moved["starts_at"] == "2099-11-24T21:00:00.000Z"
    order(recorded, "change", "import", calendar(recorded, status="CANCELLED"))
    assert [c["status"] for c in recorded.json("change", "list")["changes"]] == ["cancelled"]


def test_what_repeats_in_a_calendar_is_a_change_each_time(recorded: Site) -> None:
    first = SystemClock().now() + timedelta(days=1)
    path = recorded.directory / "weekly.ics"

    def imported(*rows: str) -> list[tuple[str, str]]:
        event = "UID:patch@x\nDTSTAMP:20261101T000000Z\nSUMMARY:patch day\nRESOURCES:switch-1\n" + "\n".join(rows)
        path.write_text(f"BEGIN:VCALENDAR\nBEGIN:VEVENT\n{event}\nEND:VEVENT\nEND:VCALENDAR\n", encoding="utf-8")
        for answer in recorded.json("change", "import", str(path))["orders"]:
            assert answer["done"], answer
        return [(c["number"], c["status"]) for c in recorded.json("change", "list")["changes"]]

    times = f"DTSTART:{first:%Y%m%dT%H%M%SZ}", "DURATION:PT1H"
    planned = [(f"CHG-{n}", "planned") for n in (3, 2, 1)]
    assert imported(*times, "RRULE:FREQ=WEEKLY;COUNT=3") == planned
    assert imported(*times, "RRULE:FREQ=WEEKLY;COUNT=3") == planned
    away = f"EXDATE:{first + timedelta(days=7):%Y%m%dT%H%M%SZ}"
    assert imported(*times, "RRULE:FREQ=WEEKLY;COUNT=3", away) == [planned[0], ("CHG-2", "cancelled"), planned[2]]
    assert "called off in the calendar" in recorded.run("change", "show", "2")
    order(recorded, "change", "reject", "CHG-1")
    assert imported(*times, "RRULE:FREQ=WEEKLY;COUNT=3") == [
        ("CHG-4", "planned"),
        planned[0],
        ("CHG-2", "cancelled"),
        ("CHG-1", "rejected"),
    ]
    assert imported(*times, "RRULE:FREQ=WEEKLY;UNTIL=20200101T000000Z")[:2] == [
        ("CHG-4", "cancelled"),
        ("CHG-3", "cancelled"),
    ]
    assert "There is nothing new in it." in recorded.run("change", "import", str(path))


@pytest.mark.parametrize(
    ("more", "begin", "says"),
    [
        ("RRULE:FREQ=HOURLY\r\n", "20991124T220000Z", "repeats too often; allowed: DAILY"),
        ("", "20991124T230000Z", "does not end after it begins"),
        ("", "tomorrow", "this is not a calendar"),
    ],
)
def test_a_calendar_that_cannot_be_used_is_refused_in_words(recorded: Site, more: str, begin: str, says: str) -> None:
    result = recorded.runner.invoke(app, recorded.words("change", "import", calendar(recorded, begin, more=more)))
    assert result.exit_code == 1
    assert says in str(result.exception)
