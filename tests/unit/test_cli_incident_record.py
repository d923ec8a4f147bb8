"""The record that people keep, from the command line and without a daemon."""

from pathlib import Path
from typing import Any

import pytest

from daemon.cli.main import app
from daemon.clock import ManualClock
from daemon.store.store import Store
from rules.satisfaction import Rating
from tests.builders import T0, at
from tests.cli_site import HOSTILE, Site

RULES = """\
categories: [network, other]
templates:
  - name: till
    title: "{reporter} cannot pay: {ci_name}"
    text: "Ask {organisation}."
    category: network
    steps: [Look at the till, Tell the shop]
    steps_required: true
"""
PERSON = ("--contact", "Carla", "--organisation", "Shop", "--mail", "carla@example.net", "--phone", "4711")


@pytest.fixture
def desk(tmp_path: Path) -> Site:
    """The sample with rules of its own and an empty record."""
    site = Site(tmp_path)
    (tmp_path / "rules.yaml").write_text(RULES, encoding="utf-8")
    site.config.write_text(f"{site.config.read_text()}\nrules: rules.yaml\n", encoding="utf-8")
    site.runner.invoke(app, site.words("db", "upgrade"), catch_exceptions=False)
    return site


def refused(site: Site, *words: str) -> str:
    result = site.runner.invoke(app, site.words(*words))
    assert result.exit_code == 1
    return f"{result.stderr}{result.exception if not isinstance(result.exception, SystemExit) else ''}"


def misused(site: Site, *words: str) -> str:
    result = site.runner.invoke(app, site.words(*words))
    assert result.exit_code == 2
    return " ".join(result.stderr.replace("│", " ").split())


def test_an_incident_is_opened_worked_on_and_exported(desk: Site) -> None:
    opened = desk.json(
        "incident", "open", "--template", "till", "--ci", "switch-1", *PERSON, "--sign", "error=timeout", "--by", "bert"
    )
    assert opened == {"number": "INC-1", "done": True, "message": "INC-1 is open"}
    shown = desk.run("incident", "show", "1")
    for part in ("Carla cannot pay:", "contact: Carla, Shop, carla@example.net, 4711", "sign error: timeout", "○ 1."):
        assert part in shown
    assert desk.run("incident", "set", "1", "category", "other", "--reason", "asked") == "category of INC-1 is set\n"
    assert desk.run("incident", "step", "1", "2", "--by", "anna") == "step 2 of INC-1 is done\n"
    assert "step 1 (Look at the till)" in refused(desk, "incident", "resolve", "1", "rebooted")
    forced = ("--force", "--reason", "the shop is closed", "--code", "workaround", "--by", "anna")
    assert desk.run("incident", "resolve", "1", "rebooted", *forced) == "INC-1 is resolved\n"
    whole = desk.json("incident", "export", "1")
    document = whole["incident"]
    assert (document["category"], document["resolution_code"], document["resolved_by"]) == (
        "other",
        "workaround",
        "anna",
    )
    assert [s["done_by"] for s in document["steps"]] == ["", "anna"]
    line = next(e for e in whole["timeline"] if e["kind"] == "field_set")
    assert (line["field"], line["old"], line["new"], line["reason"]) == ("category", "network", "other", "asked")
    prose = desk.run("incident", "export", "1", "--text")
    assert prose.startswith("INC-1: Carla cannot pay:")
    assert prose == whole["review"]["text"] or "- step 1 is not done: Look at the till\n" in prose
    assert "resolved by anna: workaround, rebooted" in desk.run("incident", "show", "1")


def test_a_field_of_another_persons_writing_cannot_talk_to_the_terminal(desk: Site) -> None:
    desk.json("incident", "open", "Nobody can pay")
    desk.run("incident", "set", "1", "description", HOSTILE)
    for words in (("show", "1"), ("export", "1")):
        shown = desk.run("incident", *words)
        assert "\x1b" not in shown
        assert "[bold]markup[/bold]" in shown


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("open", "x", "--ci", "switch-2"), "did you mean switch-1"),
        (("open", "x", "--category", "netwrk"), 'did you mean "network"'),
        (("open",), "title: is missing"),
        (("set", "9", "title", "x"), "INC-9 is not known"),
        (("export", "9"), "there is no incident INC-9"),
    ],
)
def test_what_cannot_be_is_refused_in_words(desk: Site, words: tuple[str, ...], said: str) -> None:
    assert said in refused(desk, "incident", *words)


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("open", "x", "--mail", "carla"), '"carla" is not a mail address'),
        (("open", "x", "--channel", "pigeon"), '"pigeon" is not known'),
        (("open", "x", "--disruption", "broken"), '"broken" is not known'),
        (("open", "x", "--sign", "error"), '"error" gives no value'),
        (("open", "x", "--observed", "yesterday"), "--observed"),
        (("set", "1", "titel", "x"), 'did you mean "title"'),
        (("resolve", "1", "x", "--restored-by", "magic"), "fix, workaround, itself"),
        (("export", "1", "--json", "--text"), "exclude each other"),
    ],
)
def test_wrong_usage_is_explained(desk: Site, words: tuple[str, ...], said: str) -> None:
    assert said in misused(desk, "incident", *words)


def _rated(site: Site, *fields: dict[str, Any]) -> None:
    with Store.open(f"sqlite:///{site.directory}/incidentd.db", ManualClock(T0)) as store:
        for number, given in enumerate(fields):
            known = {"incident": 1, "by": "Carla", "score": 5, "remark": "", "at": at(number)}
            store.ratings.add(Rating(link=f"n{number}", **{**known, **given}))


def test_satisfaction_is_counted(desk: Site) -> None:
    since = ("--since", "2026-11-01T00:00:00Z")
    assert desk.run("satisfaction", *since) == "Nobody has answered since then.\n"
    _rated(desk, {"score": 5}, {"score": 2, "remark": HOSTILE})
    shown = desk.run("satisfaction", *since)
    assert shown.startswith("2 answers, 3.5 of 5 on average, 50% content (1: 0, 2: 1, 3: 0, 4: 0, 5: 1)")
    assert "\x1b" not in shown
    figures = desk.json("satisfaction", *since, "--limit", "1")
    assert (figures["answers"], figures["mean"], len(figures["latest"])) == (2, 3.5, 1)
