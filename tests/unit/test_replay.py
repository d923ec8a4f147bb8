"""`incidentd replay`: what it explains, and what it says would change."""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from daemon.cli.main import app
from daemon.replay_difference import EVENTS, Difference, difference, result_of
from tests.builders import at

CMDB = """
cis:
  - {id: shop, type: business-service, name: Shop, criticality: high, depends_on: [web-1, web-2]}
  - {id: web-1, type: server, aliases: [w1], depends_on: [tor-1]}
  - {id: web-2, type: server, depends_on: [tor-1]}
  - {id: tor-1, type: switch, owner: network}
  - {id: mail, type: server, owner: office}
"""


def event(seconds: float, name: str, ci: str, status: str = "firing", *, since: float = 0, **labels: str) -> str:
    fields = {"alertname": name, "ci": ci, "severity": "critical", **labels}
    starts, received = at(since).isoformat(), at(seconds).isoformat()
    return json.dumps({"receivedAt": received, "status": status, "labels": fields, "startsAt": starts})


STORY = [
    event(0, "HostDown", "web-1"),
    event(30, "HostDown", "web-2", since=30),
    event(60, "SwitchDown", "tor-1", since=60),
    event(60, "JobDone", "mail", since=60, severity="info"),
    event(120, "HostDown", "web-1", "resolved"),
    event(120, "HostDown", "web-2", "resolved", since=30),
    event(120, "SwitchDown", "tor-1", "resolved", since=60),
]


class Bench:
    """A CMDB and recorded events in files, and the command over them."""

    def __init__(self, directory: Path, events: list[str]) -> None:
        self.directory = directory
        (directory / "cmdb.yaml").write_text(CMDB)
        (directory / "events.jsonl").write_text("\n".join(events))
        self.words = ["replay", "--cmdb", str(directory / "cmdb.yaml"), "--events", str(directory / "events.jsonl")]

    def run(self, *words: str, code: int = 0) -> str:
        result = CliRunner().invoke(app, [*self.words, *words], env={"COLUMNS": "200"})
        assert result.exit_code == code, (result.output, result.exception)
        return result.output

    def json(self, *words: str) -> Any:
        return json.loads(self.run(*words, "--json"))

    def file(self, name: str, text: str) -> str:
        path = self.directory / name
        path.write_text(text)
        return str(path)


@pytest.fixture
def bench(tmp_path: Path) -> Bench:
    return Bench(tmp_path, STORY)


def test_explaining_adds_a_key_and_changes_nothing_else(bench: Bench) -> None:
    plain, explained = bench.run("--json"), bench.json("--explain")
    steps = explained.pop("explain")
    assert json.loads(plain) == explained
    assert list(explained) == list(json.loads(plain)) == ["incidents", "events"]
    moments = [step["at"] for step in steps]
    assert moments == sorted(set(moments))
    assert sum(len(step["fired"]) for step in steps) == 4
    assert sum(len(step["cleared"]) for step in steps) == 3
    assert [(e["labels"]["alertname"], e["reason"]) for step in steps for e in step["events"]] == [
        ("JobDone", "severity info is kept as an event")
    ]
    starts = {a["startsAt"] for step in steps for a in step["fired"]}
    assert starts == {at(0).isoformat(), at(30).isoformat(), at(60).isoformat()}, "spelled as in the events"


def test_steps_say_what_was_decided_and_why(bench: Bench) -> None:
    about = [i for step in bench.json("--explain")["explain"] for i in step["incidents"] if i["number"] == "INC-1"]
    assert [i["event"] for i in about if i["event"] != "changed"] == ["opened", "resolved"]
    opened = about[0]
    assert (opened["was"], opened["root"], opened["alerts"]) == (None, "web-1", 1)
    assert opened["evidence"]
    assert opened["priority_reason"]
    (turned,) = [i for i in about if i["was"] and i["was"]["root"] != i["root"]]
    assert turned["root"] == "tor-1"
    assert "root_changed" in [entry["kind"] for entry in turned["entries"]]
    assert turned["evidence"]
    assert about[-1]["was"]["status"] == "open"


def test_a_person_reads_when_the_root_changed_and_why(bench: Bench) -> None:
    said = bench.run("--explain")
    assert "1 alert fired: HostDown on web-1" in said
    assert "INC-1 opened: web-1" in said
    assert "→ tor-1" in said
    assert "why tor-1: " in said
    assert "1 alert opened nothing, severity info is kept as an event: JobDone on mail" in said
    assert "INC-1 resolved: tor-1" in said
    assert said.index("INC-1 opened") < said.index("→ tor-1") < said.index("INC-1 resolved")
    assert said.endswith(bench.run()), "the usual summary follows"


def test_one_incident_can_be_followed(tmp_path: Path) -> None:
    bench = Bench(tmp_path, [*STORY[:2], event(20, "HostDown", "mail", since=20)])
    assert [i["root_cause"]["ci"] for i in bench.json()["incidents"]][1] == "mail"
    said = bench.run("--incident", "2")
    assert "HostDown on mail" in said
    assert "HostDown on web-1" not in said
    assert {i["number"] for s in bench.json("--incident", "inc-2")["explain"] for i in s["incidents"]} == {"INC-2"}
    assert "there is no INC-7: the replay made 2 incidents" in str(
        CliRunner().invoke(app, [*bench.words, "--incident", "7"]).exception
    )


def test_much_is_folded_for_people_but_not_for_programs(tmp_path: Path) -> None:
    storm = [event(0, f"Noise{n:03d}", "mail", severity="info") for n in range(300)]
    slow = [event(60 + 30 * n, "Flap", "mail", "resolved" if n % 2 else "firing", since=60) for n in range(240)]
    bench = Bench(tmp_path, [*storm, *slow])
    said = bench.run("--explain")
    assert "300 alerts fired: Noise000 on mail, Noise001 on mail" in said
    assert "and 296 more" in said
    assert "more steps; --incident NUMBER follows one incident" in said
    steps = bench.json("--explain")["explain"]
    assert len(steps[0]["fired"]) == 300
    assert len(steps) > 200


def test_names_of_alerts_cannot_talk_to_the_terminal(tmp_path: Path) -> None:
    bench = Bench(tmp_path, [event(0, "\x1b[31mred\x1b]0;owned\x07", "mail"), event(0, "a\x1bc", "x", severity="info")])
    earlier = bench.file("earlier.json", '{"incidents": [], "events": []}')
    for said in (bench.run("--explain"), bench.run("--compare", earlier)):
        assert not set(said) & {"\x1b", "\x07"}


def test_the_same_again_would_change_nothing(bench: Bench) -> None:
    earlier = bench.file("earlier.json", bench.run("--json"))
    assert "Nothing would change." in bench.run("--compare", earlier)
    assert bench.json("--compare", earlier)["is_equal"] is True
    same = bench.file("same.yaml", "incidents: {resolve_after: 2m}")
    assert bench.json("--compare", same)["is_equal"] is True


def test_other_rules_are_tried(bench: Bench) -> None:
    bench.file("rules.yaml", "incidents: {resolve_after: 10m}\nmapping: {labels: [instance]}\n")
    other = bench.file("other.yaml", "rules: rules.yaml")
    found = bench.json("--compare", other)
    assert found["is_equal"] is False
    assert [i["root"] for i in found["only_before"]] != [i["root"] for i in found["only_after"]]
    slower = bench.json("--compare", bench.file("slower.yaml", "incidents: {resolve_after: 10m}"))
    (changed,) = slower["changed"]
    assert [c["what"] for c in changed["changes"]] == ["resolved_at"]
    said = bench.run("--compare", bench.file("slower.yaml", "incidents: {resolve_after: 10m}"))
    assert "resolved 8 min later" in said
    assert "Would change: 1 incident changed." in said


@pytest.mark.parametrize(
    ("name", "text", "said"),
    [
        ("gone.json", None, "gone.json: cannot be read: No such file or directory"),
        ("cut.json", '{"incidents": [', "cut.json: is not one whole JSON document"),
        ("odd.json", '{"incidents": [{"number": "INC-1"}]}', "odd.json: is not the result of a replay: "),
        ("other.json", '{"alerts": []}', "is neither the result of a replay nor a configuration"),
        ("cmdb.yaml", CMDB, "is neither the result of a replay nor a configuration; allowed: what `incidentd replay"),
        ("list.yaml", "[1, 2]", "is neither the result of a replay nor a configuration"),
        ("typo.yaml", "incidents: {resolve_aftr: 1m}", "typo.yaml:1: unknown key"),
        ("broken.yaml", "incidents: {", "broken.yaml:"),
    ],
)
def test_what_cannot_be_compared_is_named(bench: Bench, name: str, text: str | None, said: str) -> None:
    path = bench.directory / name if text is None else Path(bench.file(name, text))
    result = CliRunner().invoke(app, [*bench.words, "--compare", str(path)])
    assert result.exit_code == 1
    assert said in str(result.exception)


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--explain", "--compare", "x.json"], "exclude each other"),
        (["--incident", "x"], "allowed: a number as in INC-3 or 3"),
        (["--interval", "0s"], "allowed: 1s to 1d"),
    ],
)
def test_wrong_usage(bench: Bench, words: list[str], said: str) -> None:
    assert said in " ".join(bench.run(*words, code=2).replace("│", "").split())


@pytest.mark.slow
def test_results_do_not_depend_on_hash_seed_or_time_zone(bench: Bench) -> None:
    earlier = bench.file("earlier.json", '{"incidents": [], "events": []}')
    code = "from daemon.cli.main import main; main()"
    for more in (["--explain", "--json"], ["--compare", earlier, "--json"]):
        said = set()
        for seed, zone in (("1", "UTC"), ("2", "Asia/Tokyo")):
            env = {
                "PATH": os.environ["PATH"],
                "PYTHONHASHSEED": seed,
                "TZ": zone,
                "PYTHONPATH": os.pathsep.join(sys.path),
            }
            command = [sys.executable, "-c", code, *bench.words, *more]
            said.add(subprocess.run(command, env=env, capture_output=True, check=True, timeout=60).stdout)
        assert len(said) == 1


def inc(number: str, *alerts: str, root: str = "a", **fields: Any) -> dict[str, Any]:
    known = {"status": "open", "priority": "P3", "opened_at": "2026-11-24T08:00:00.000Z"}
    shown = [{"labels": {"alertname": a}, "startsAt": "2026-11-24T08:00:00Z"} for a in alerts]
    return {"number": number, **known, "root_cause": {"ci": root, "confidence": 0.9}, "alerts": shown, **fields}


def other(*names: str, reason: str = "info") -> list[dict[str, Any]]:
    return [{"labels": {"alertname": n}, "startsAt": "2026-11-24T09:00:00+01:00", "reason": reason} for n in names]


def compared(before: list[Any], after: list[Any], old: Any = (), new: Any = ()) -> Difference:
    first = result_of({"incidents": before, "events": list(old)})
    return difference(first, result_of({"incidents": after, "events": list(new)}))


def test_incidents_are_matched_by_their_alerts_not_their_numbers() -> None:
    found = compared([inc("INC-1", "x", "y"), inc("INC-2", "z")], [inc("INC-1", "z"), inc("INC-2", "x", "y")])
    assert found.is_equal


def test_what_would_change_of_an_incident_is_named_gravest_first() -> None:
    after = inc("INC-9", "x", root="b", priority="P1", opened_at="2026-11-24T07:59:00.000Z")
    (changed,) = compared([inc("INC-1", "x")], [after]).changed
    assert (changed.before, changed.after) == ("INC-1", "INC-9")
    assert [(c.what, c.before, c.after) for c in changed.changes] == [
        ("root", "a", "b"),
        ("priority", "P3", "P1"),
        ("opened_at", "2026-11-24T08:00:00.000Z", "2026-11-24T07:59:00.000Z"),
    ]


def test_alerts_that_go_elsewhere_are_named() -> None:
    found = compared([inc("INC-1", "x", "y"), inc("INC-2", "z")], [inc("INC-1", "x", "z")], other("w"), other("y", "w"))
    assert [(m.labels["alertname"], m.before, m.after, m.reason) for m in found.moved] == [
        ("y", "INC-1", EVENTS, "info"),
        ("z", "INC-2", "INC-1", ""),
    ]
    (gone,) = found.only_before
    assert (gone.number, [(s.place, s.alerts) for s in gone.elsewhere]) == ("INC-2", [("INC-1", 1)])
    assert found.only_after == ()


def test_an_incident_that_was_merged_away_is_missed_where_it_is_not() -> None:
    merged = inc("INC-2", root="b", status="merged", merged_into="INC-1")
    assert compared([inc("INC-1", "x"), merged], [inc("INC-1", "x"), {**merged, "number": "INC-3"}]).is_equal
    found = compared([inc("INC-1", "x"), merged], [inc("INC-1", "x")])
    assert [(i.number, i.merged_into) for i in found.only_before] == [("INC-2", "INC-1")]


def test_incidents_without_alerts_are_the_same_where_they_are_alike() -> None:
    both = [inc("INC-1", root="b", status="merged", merged_into="INC-2"), inc("INC-2"), inc("INC-3", root="c")]
    assert compared(both, both).is_equal
    assert [i.number for i in compared(both, both[:2]).only_before] == ["INC-3"]


def test_other_reasons_and_unknown_alerts_are_told() -> None:
    found = compared([], [inc("INC-1", "new")], other("x", "y"), other("x", reason="silenced"))
    assert [(r.before, r.after, r.alerts) for r in found.reasons] == [("info", "silenced", 1)]
    assert (found.alerts_only_before, found.alerts_only_after, found.is_equal) == (1, 1, False)


def test_times_that_name_no_zone_are_compared_as_they_stand() -> None:
    plain = inc("INC-1", "x", opened_at="yesterday")
    assert compared([plain], [plain]).is_equal
    (changed,) = compared([plain], [inc("INC-1", "x", opened_at="today")]).changed
    assert [(c.before, c.after) for c in changed.changes] == [("yesterday", "today")]
