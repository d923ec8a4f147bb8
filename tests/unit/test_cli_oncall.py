"""`incidentd oncall` and the orders about escalations, from the command line without a daemon."""

import json
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from daemon.cli.main import app
from daemon.clock import ManualClock, SystemClock
from daemon.store.store import Store
from rules.decision import Decision
from rules.escalation import Call, Escalation, Progress, Snooze
from rules.rotation import Override
from tests.builders import T0, at, incident
from tests.unit.test_config_oncall import CONFIG, manual

CMDB = "cis:\n  - {id: db, type: database, owner: dba}\n  - {id: sw, type: switch, owner: network}\n"
FROM, TO = "2026-12-24T20:00:00+01:00", "2026-12-25T08:00:00+01:00"


class Site:
    """A directory with the example of the manual, and nothing recorded."""

    def __init__(self, directory: Path, rules: str) -> None:
        self.directory = directory
        self.config = directory / "incidentd.yaml"
        self.config.write_text(f"cmdb: [{{type: yaml, path: cmdb.yaml}}]\n{CONFIG}", encoding="utf-8")
        (directory / "cmdb.yaml").write_text(CMDB, encoding="utf-8")
        (directory / "rules.yaml").write_text(rules, encoding="utf-8")

    def store(self, **fields: Any) -> None:
        """Make the database, and put something in."""
        with Store.open(f"sqlite:///{self.directory}/incidentd.db", ManualClock(T0)) as store:
            store.upgrade()
            epoch = store.acquire("test", timedelta(minutes=1))
            store.commit(Decision(at=T0, **fields), epoch=epoch)
            store.release(epoch)

    def call(self, *words: str, code: int = 0) -> str:
        """What the command prints, and says on standard error."""
        result = CliRunner().invoke(app, ["--config", str(self.config), *words], env={"COLUMNS": "200"})
        assert result.exit_code == code, (result.output, result.exception)
        return result.output or str(result.exception)

    def json(self, *words: str, code: int = 0) -> Any:
        return json.loads(self.call(*words, "--json", code=code))


@pytest.fixture
def site(tmp_path: Path) -> Site:
    return Site(tmp_path, manual())


def test_who_is_on_call_needs_no_database(site: Site) -> None:
    found = site.json("oncall", "show", "--at", "2026-11-24T08:00:00Z")
    assert found["schedules"] == [
        {
            "schedule": "dba",
            "people": [{"id": "ben", "name": "Ben Roth"}],
            "source": "weekly",
            "until": "2026-11-30T07:00:00.000Z",
        }
    ]
    assert "Ben Roth" in site.call("oncall", "show", "--at", "2026-11-24T08:00:00Z")
    assert not (site.directory / "incidentd.db").exists()


def test_shifts_are_shown_in_the_time_of_the_schedule(site: Site) -> None:
    words = ("oncall", "shifts", "dba", "--from", "2026-10-20T00:00:00Z", "--days", "28")
    shown = site.call(*words)
    assert "Mon 2026-11-02 08:00 CET" in shown
    assert "nobody" in shown
    assert [len(s["people"]) for s in site.json(*words)["shifts"]] == [0, 1, 1, 1]
    assert "there is no schedule dbx; did you mean" in site.call("oncall", "shifts", "dbx", code=1)


def test_overrides_are_made_listed_and_ended(site: Site) -> None:
    site.store()
    made = site.json(
        "oncall", "override", "dba", "olga", "--from", FROM, "--to", TO, "--reason", "Christmas", "--by", "anna"
    )
    assert made["message"] == "dba: Olga Maier from 2026-12-24 19:00 UTC to 2026-12-25 07:00 UTC"
    (listed,) = site.json("oncall", "overrides")["overrides"]
    assert (listed["id"], listed["made_by"], listed["reason"]) == (made["override"], "anna", "Christmas")
    assert "Olga Maier" in site.call("oncall", "show", "--at", "2026-12-24T20:00:00Z")
    assert "anna: Christmas" in site.call("oncall", "overrides")
    assert site.call("oncall", "end", made["override"][:6]) == f"override {made['override']} is over\n"
    assert site.json("oncall", "overrides")["overrides"] == []
    assert "there is no override" in site.call("oncall", "end", "zzz", code=1)


@pytest.mark.parametrize(
    ("words", "code", "says"),
    [
        (("dba", "kim", "--for", "1h"), 1, "nobody is known as kim; allowed: anna, ben, olga"),
        (("xxx", "ben", "--for", "1h"), 1, "there is no schedule xxx; allowed: dba"),
        (("dba", "ben", "--from", TO, "--to", FROM), 1, "it ends before it begins"),
        (("dba", "ben", "--to", "2020-01-01T00:00:00Z", "--from", "2019-01-01T00:00:00Z"), 1, "it is over already"),
        (("dba", "ben"), 2, "give one of --for TIME and --to T"),
        (("dba", "ben", "--to", "soon"), 2, "is not a moment"),
    ],
)
def test_an_override_that_makes_no_sense_is_refused(site: Site, words: tuple[str, ...], code: int, says: str) -> None:
    site.store()
    assert says in " ".join(site.call("oncall", "override", *words, code=code).replace("│", " ").split())


def test_a_calendar_goes_out_and_comes_back(site: Site, tmp_path: Path) -> None:
    site.store()
    text = site.call("oncall", "export", "dba", "--days", "30")
    assert text.startswith("BEGIN:VCALENDAR")
    assert site.json("oncall", "export", "dba")["schedule"] == "dba"
    (tmp_path / "team.ics").write_text(text, encoding="utf-8", newline="")
    done = site.json("oncall", "import", "dba", str(tmp_path / "team.ics"))
    assert done["done"]
    assert done["shifts"] == text.count("BEGIN:VEVENT")
    assert all(o["is_imported"] for o in site.json("oncall", "overrides")["overrides"])


def test_a_calendar_that_names_strangers_is_refused_or_taken_without_them(site: Site, tmp_path: Path) -> None:
    site.store()
    text = (
        site.call("oncall", "export", "dba", "--days", "30")
        .replace("Anna Berg", "Kim")
        .replace("PERSON:anna", "PERSON:kim")
    )
    file = tmp_path / "team.ics"
    file.write_text(text.replace("anna@example.net", "kim@example.net"), encoding="utf-8", newline="")
    assert "name nobody of rules.yaml, the first “On call: Kim”" in site.call(
        "oncall", "import", "dba", str(file), code=1
    )
    assert site.json("oncall", "import", "dba", str(file), "--skip-unknown")["skipped"] > 0
    file.write_text("hello", encoding="utf-8")
    assert "this is not a calendar" in site.call("oncall", "import", "dba", str(file), code=1)


def test_check_ends_with_1_and_human_words_where_something_is_wrong(tmp_path: Path) -> None:
    whole = manual().replace("2026-11-02", "2020-01-06")
    sound = Site(tmp_path, whole.replace(', when: {hours: [{from: "08:00", to: "20:00"}]}', ""))
    assert sound.call("oncall", "check").startswith("All is well for the next 14 days: 3 people, 1 schedule")
    assert sound.json("oncall", "check")["ok"]
    odd = whole.replace("contact: [{via: mail, to: olga@example.net}]", "department: board")
    broken = Site(tmp_path, odd.replace('hand_over: "08:00"', "hours: [{days: weekend}]"))
    assert not (tmp_path / "incidentd.db").exists()
    said = broken.call("oncall", "check", code=1)
    assert "schedule dba: nobody is on call from" in said
    assert "person Olga Maier: is to be called, but has no contact" in said
    assert {f["flaw"] for f in broken.json("oncall", "check", code=1)["findings"]} >= {"gap", "no_channel"}


def test_an_override_of_somebody_who_left_is_found_and_counts_for_nothing(site: Site) -> None:
    now = SystemClock().now()
    gone = Override(
        id="o1",
        schedule="dba",
        people=("kim",),
        starts_at=now - timedelta(hours=1),
        ends_at=now + timedelta(hours=1),
        made_by="x",
        made_at=T0,
    )
    site.store(overrides=(gone,))
    assert "kim" not in site.call("oncall", "show")
    assert "puts kim on call in dba, whom rules.yaml does not know any more" in site.call("oncall", "check", code=1)


def test_an_incident_shows_who_was_called_and_who_is_next(site: Site) -> None:
    call = Call(person="anna", at=T0, policy="default", step=1, why="on call in dba (weekly)", via=("mail", "pager"))
    running = Escalation(
        policy="default", group="dba", progress=Progress.RUNNING, step=1, next_at=at(600), calls=(call,)
    )
    snooze = Snooze(until=at(900), by="ben", reason="disk is on order", priority="P3", services=frozenset())
    site.store(
        incidents=(
            incident(1, group="dba", group_reason="routed to dba because it owns db", escalation=running),
            incident(2, escalation=Escalation(policy="default", progress=Progress.RUNNING, step=1, snooze=snooze)),
            incident(3, escalation=Escalation(policy="default", progress=Progress.EXHAUSTED, step=3)),
        )
    )
    shown = site.call("incident", "show", "1")
    assert "Called (1)" in shown
    assert "Anna Berg" in shown
    assert "routed to dba because it owns db" in shown
    said = "Unless it is acknowledged, the group dba will be called at 2026-11-24 08:10:00Z (step 2 of default)."
    assert said in " ".join(shown.split())
    document = site.json("incident", "show", "1")["incident"]
    assert document["escalation"]["calls"][0]["person"] == "anna"
    assert document["escalation"]["next_step"] == 2
    snoozed = " ".join(site.call("incident", "show", "2").split())
    assert "Snoozed by ben until 2026-11-24 08:15:00Z, or until it gets worse: disk is on order." in snoozed
    assert "has come to its end: nobody else is called" in site.call("incident", "show", "3")


def test_orders_about_an_escalation_go_through_the_decision(site: Site) -> None:
    now = SystemClock().now()
    site.store(incidents=(incident(1, opened_at=now, updated_at=now, group="dba"),))
    assert "INC-1 is snoozed until" in site.call("incident", "snooze", "1", "--for", "1h", "--reason", "known")
    assert site.call("incident", "unsnooze", "INC-1") == "INC-1 is no longer snoozed\n"
    assert site.call("incident", "route", "1", "network", "--reason", "it is the switch") == "INC-1 is with network\n"
    assert site.call("incident", "escalate", "1").startswith("INC-1: called: ")
    assert "there is no group board; allowed: dba, network" in site.call("incident", "route", "1", "board", code=1)
    document = site.json("incident", "show", "1")["incident"]
    assert document["group"] == "network"
    assert document["responders"]
