"""`incidentd notify explain` on the record of a daemon."""

from pathlib import Path

import pytest

from rules.decision import TimelineEntry
from rules.incident import Priority
from rules.telling import Mailbox, Telling, Waiting
from tests.builders import T0, at, incident, notice
from tests.unit.test_cli_oncall import Site
from tests.unit.test_config_notify import PEOPLE

NOTIFY = "notify: [{name: urgent, role: manager, when: {priority: P1}}, {name: all of it, person: mia}]\n"


@pytest.fixture
def site(tmp_path: Path) -> Site:
    made = Site(tmp_path, PEOPLE.replace("ci: db", "ci: sw") + NOTIFY)
    word = Telling(incident=1, to="@mia", event="opened", reason="r")
    waiting = Waiting(word=word, at=T0, due_at=at(60), kept="gather")
    made.store(
        incidents=(incident(1, priority=Priority.P3, title="The switch is off"),),
        notices=(notice("n1", to="mail", person="mia"), notice("n2", to="pager")),
        mailboxes=(Mailbox(to="@mia", waiting=(waiting,)),),
        timeline=(TimelineEntry(incident=1, at=T0, kind="notice_waits", text="Mia is to be told", new="mia"),),
    )
    return made


def test_it_says_why_and_why_not_and_what_was_sent(site: Site) -> None:
    said = site.call("notify", "explain", "INC-1", "--to", "mia@x.net")
    assert "mia is told of INC-1 (P3, open): The switch is off" in said
    words = " ".join(said.split())
    assert "no “urgent” means manager, and INC-1 hits none of mia's services" in words
    assert "yes “all of it” asks for everything" in words
    assert "“opened” waits until" in said
    assert "Mia is to be told" in said


def test_programs_get_the_same(site: Site) -> None:
    found = site.json("notify", "explain", "1", "--to", "mia")
    assert (found["incident"], found["to"], found["wanted"]) == ("INC-1", "mia", True)
    assert [(g["subscription"], g["fits"]) for g in found["grounds"]] == [
        ("“urgent”", False),
        ("“all of it”", True),
        ("“your own”", False),
    ]
    assert found["waiting"] == {"event": "opened", "kept": "gather", "due_at": "2026-11-24T08:01:00.000Z"}
    assert [n["key"] for n in found["notices"]] == ["n1"]


def test_whom_nothing_means_is_told_so(site: Site) -> None:
    said = site.call("notify", "explain", "1", "--to", "pager")
    assert "pager is not told of INC-1" in said
    assert "No subscription means them" in said


def test_unknown_names_are_refused_with_what_may_have_been_meant(site: Site) -> None:
    assert 'did you mean "mia"' in site.call("notify", "explain", "1", "--to", "miia", code=1)
    assert "there is no incident 7" in site.call("notify", "explain", "7", "--to", "mia", code=1)
