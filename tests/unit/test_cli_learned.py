"""`incidentd learned`, and confirming a root by the command line while no daemon runs."""

import json
from datetime import timedelta

from rules.incident import Candidate, RootCause
from rules.lesson import Lesson, delayed, ended, ended_alone, heard, root_confirmed, root_refuted, summed
from tests.builders import alert, incident
from tests.cli_site import Site

HISTORY = (
    *(lesson for _ in range(9) for lesson in (ended("Flap7"), ended_alone("Flap8", timedelta(seconds=80)))),
    ended("Flap9"),
    ended("Slow"),
    ended("Slow"),
    ended_alone("Slow", timedelta(days=9)),
    delayed("Slow", timedelta(seconds=40)),
    heard("web-1"),
    heard("web-2"),
    *root_confirmed("switch-1", "switch"),
    *root_refuted("shop-db", "database", "switch"),
)


def test_what_was_learnt_is_shown_with_the_noisiest_alert_first(site: Site) -> None:
    site.commit(lessons=summed(HISTORY))
    found = site.json("learned")
    assert found["alerts"] == [
        {"name": "Flap#", "episodes": 10, "lone": 9, "noise": 0.864, "lone_for_s": 120, "delays": 0, "delay_s": None},
        {"name": "Slow", "episodes": 2, "lone": 1, "noise": 0.5, "lone_for_s": 86400, "delays": 1, "delay_s": 60},
    ]
    switch = next(t for t in found["types"] if t["type"] == "switch")
    assert (switch["cis"], switch["heard"], switch["confirmed"], switch["refuted"]) == (1, 0, 1, 0)
    assert switch["prior"] > 0
    assert [t["heard"] for t in found["types"]] != [0] * len(found["types"])
    assert found["roots"] == [
        {"ci": "switch-1", "confirmed": 1, "refuted": 0},
        {"ci": "shop-db", "confirmed": 0, "refuted": 1},
    ]
    assert found["corrections"] == [{"named": "database", "right": "switch", "count": 1}]
    limited = site.json("learned", "--limit", "1")
    assert [a["name"] for a in limited["alerts"]] == ["Flap#"]


def test_the_tables_fit_a_terminal(site: Site) -> None:
    site.commit(lessons=summed((*HISTORY, Lesson("alert", "\x1b[31mred" * 9, "episodes"))))
    said = site.run("learned", "--limit", "2")
    assert max(map(len, said.splitlines())) <= 80
    assert "\x1b" not in site.run("learned")
    for words in ("Flap#", "86 %", "≤ 2 min", "longer", "≤ 1 min", "unknown", "… and 1 more alert", "was right"):
        assert words in said, said


def test_without_history_it_says_so(site: Site) -> None:
    site.commit()
    said = site.run("learned")
    assert "No alert has ended yet." in said
    assert "incident resolve NUMBER --root CI" in said
    assert site.json("learned")["alerts"] == []


def test_a_root_is_confirmed_without_a_daemon(site: Site) -> None:
    named = RootCause(ci="web-1", confidence=0.8, candidates=(Candidate(ci="web-1", confidence=0.8),))
    held = [alert(ci, incident=number) for number, ci in ((1, "web-1"), (2, "web-2"))]
    site.commit(incidents=(incident(1, root=named), incident(2, root=named)), alerts=tuple(held))
    assert "allowed: a CI's id or alias" in site.run("incident", "resolve", "1", "--root", " ", code=2)
    (refused,) = json.loads(site.run("incident", "resolve", "1", "--root", "nothing", "--json", code=1))["orders"]
    assert refused["message"] == "the CMDB has no CI called 'nothing'"
    said = site.run("incident", "resolve", "1", "restarted", "--root", "WEB-1")
    assert said == "INC-1 is resolved; its root cause is web-1\n"
    assert "Why web-1, confirmed by a person" in site.run("incident", "show", "1")
    assert site.json("incident", "show", "1")["incident"]["confirmed_root"] == "web-1"
    site.run("incident", "resolve", "2", "--root", "switch-1")
    assert "Why switch-1, set by a person" in site.run("incident", "show", "2")
    roots = site.json("learned")["roots"]
    assert roots == [{"ci": "web-1", "confirmed": 1, "refuted": 1}, {"ci": "switch-1", "confirmed": 1, "refuted": 0}]
