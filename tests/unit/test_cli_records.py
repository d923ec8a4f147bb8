"""Commands on what the daemon has on record: incidents, notices, silences, tokens, and the database itself."""

import json
import re

from daemon.cli.main import app
from rules import clock as clocks
from rules.calendar import ALWAYS
from rules.clock import Goal
from tests.builders import at, clock, silence
from tests.cli_site import HOSTILE, Shell, Site, incident
from tests.fakes import hook


def test_incident_list(recorded: Site) -> None:
    found = recorded.json("incident", "list")["incidents"]
    assert [(i["number"], i["priority"], len(i["alerts"])) for i in found] == [("INC-2", "P3", 0), ("INC-1", "P1", 1)]
    assert [i["number"] for i in recorded.json("incident", "list", "--status", "active")["incidents"]] == ["INC-1"]
    assert [i["number"] for i in recorded.json("incident", "list", "--priority", "p3")["incidents"]] == ["INC-2"]
    said = recorded.run("incident", "list")
    assert max(map(len, said.splitlines())) <= 80
    assert "tor-3a is down" in said


def test_incident_show_begins_with_what_failed(recorded: Site) -> None:
    said = recorded.run("incident", "show", "inc-1")
    assert said.splitlines()[0] == "tor-3a is down: Payments is down"
    for words in ("INC-1  P1  open", "down  Payments (payments)", "Why tor-3a, 87 % sure", "pdu-3 8 %",
                  "Nobody has acknowledged it yet", "SwitchDown", "P1 opened"):  # fmt: skip
        assert words in said
    found = recorded.json("incident", "show", "1")
    assert found["incident"]["root_cause"]["ci"] == "tor-3a"
    assert [e["kind"] for e in found["timeline"]] == ["opened"]
    assert [n["key"] for n in found["notices"]] == ["n1"]
    over = recorded.run("incident", "show", "2")
    assert "A relapse before 2026-11-24 08:35:00Z reopens it" in over
    assert "closes by itself at 2026-11-27 08:05:00Z" in over
    assert "switch replaced" in over


def test_of_many_cis_that_are_hit_the_first_are_named(site: Site) -> None:
    site.commit(incidents=(incident(1, impacted=("tor-3a", *(f"host-{n}" for n in range(7)))),))
    said = site.run("incident", "show", "1")
    assert "and 7 other CIs down or degraded: host-0, host-1, host-2, host-3, host-4 and 2 more\n" in said


def test_promised_times_are_shown_with_what_is_left(site: Site) -> None:
    overdue = clock(Goal.RESPONSE, within=900, breached_at=at(900))
    held = clocks.pause(clock(), ALWAYS, at(600), HOSTILE)
    met = clocks.meet(clock(Goal.RESPONSE, within=900), ALWAYS, at(300))
    promised = {3: (overdue,), 4: (met, held), 5: (met, clock(within=10**10))}
    site.commit(incidents=tuple(incident(n, clocks=c) for n, c in promised.items()))
    listed = site.run("incident", "list").splitlines()
    assert max(map(len, listed)) <= 80
    assert [("respond" in line, "resolve in" in line) for line in listed if line.startswith("INC-")] == [
        (False, True),
        (False, False),
        (True, False),
    ]
    said = " ".join(site.run("incident", "show", "3").split())
    assert "Promised times" in said
    assert "breached respond within 15 min, by 2026-11-24 08:15:00Z (SLA gold, P1): overdue for" in said
    said = " ".join(site.run("incident", "show", "4").split())
    assert "paused resolve within 1 h (SLA gold, P1): 50 min left, on hold: red" in said
    assert "met respond within 15 min, by 2026-11-24 08:15:00Z (SLA gold, P1): met after 5 min, at" in said
    assert "owned" not in said


def test_alerts_cannot_talk_to_the_terminal(recorded: Site) -> None:
    for words in (["incident", "list"], ["incident", "show", "1"], ["incident", "show", "2"], ["cmdb", "unmapped"]):
        said = recorded.run(*words)
        assert not re.search(r"[\x00-\x09\x0b-\x1f\x7f-\x9f\u202e]", said), repr(said)
        assert "owned" not in said
    assert "[bold]markup[/bold]" in " ".join(recorded.run("incident", "show", "2").split())


def test_a_terminal_gets_colour_and_a_pipe_none(incidentd: Shell, recorded: Site) -> None:
    words = ["incident", "show", "1", "--config", str(recorded.config)]
    assert "\x1b" not in incidentd(*words, cwd=recorded.directory).stdout
    assert "\x1b[" in incidentd(*words, cwd=recorded.directory, FORCE_COLOR="1").stdout
    assert "\x1b[" not in incidentd(*words, cwd=recorded.directory, NO_COLOR="1").stdout


def test_notices_and_what_failed(recorded: Site) -> None:
    assert {n["key"] for n in recorded.json("notices")["notices"]} == {"n1", "n2"}
    (dead,) = recorded.json("notices", "--failed")["notices"]
    assert (dead["incident"], dead["state"], dead["last_error"]) == ("INC-2", "dead", "the server says no")
    assert "the server says no" in " ".join(recorded.run("notices", "--failed").split())
    result = recorded.runner.invoke(app, ["--config", str(recorded.config), "notify", "retry", "n1"])
    assert result.exit_code == 1
    assert recorded.json("notify", "retry") == {"retried": 1}
    assert recorded.run("notices", "--failed") == "No notice has failed.\n"


def test_notify_test_sends_for_real(incidentd: Shell, site: Site) -> None:
    with hook() as other_side:
        site.config.write_text(
            site.config.read_text()
            + f"notifiers:\n  - {{name: noc, type: webhook, url: '{other_side.url}', secret: geheim}}\n"
        )
        said = site.run("notify", "test", "noc")
        (post,) = other_side.posts
    assert said == "noc: sent, and taken by the other side\n"
    assert json.loads(post.body)["event"] == "test"
    refused = incidentd("notify", "test", "noc", cwd=site.directory)
    assert refused.returncode == 1
    assert refused.stderr.startswith("incidentd: noc: not sent: ")
    assert "geheim" not in refused.stderr
    unknown = incidentd("notify", "test", "nok", cwd=site.directory)
    assert unknown.stderr == 'incidentd: there is no notifier "nok"; did you mean "noc"?; allowed: noc\n'


def test_unmapped_alerts(recorded: Site) -> None:
    (found,) = recorded.json("cmdb", "unmapped")["alerts"]
    assert found["labels"]["device"] == "x9"


def test_tokens_are_shown_once(incidentd: Shell, recorded: Site) -> None:
    made = recorded.json("token", "create", "grafana", "--scope", "push", "--scope", "read")
    assert re.fullmatch(r"inc_[A-Za-z0-9_-]{43}", made["token"])
    assert made["scopes"] == ["push", "read"]
    (known,) = recorded.json("token", "list")["tokens"]
    assert known["name"] == "grafana"
    assert made["token"] not in recorded.run("token", "list")
    assert made["token"].encode() not in (recorded.directory / "incidentd.db").read_bytes()
    assert incidentd("token", "create", "grafana", cwd=recorded.directory).returncode == 1
    assert incidentd("token", "create", "x", "--scope", "all", cwd=recorded.directory).returncode == 2
    assert recorded.json("token", "revoke", "grafana") == {"name": "grafana", "revoked": True}
    assert incidentd("token", "revoke", "grafana", cwd=recorded.directory).returncode == 1


def test_db(incidentd: Shell, site: Site) -> None:
    assert "not there" in site.run("db", "check", code=1)
    missing = incidentd("incident", "list", cwd=site.directory)
    assert missing.returncode == 1
    assert "incidentd db upgrade" in missing.stderr
    assert site.json("db", "upgrade")["changed"] is True
    assert site.json("db", "upgrade")["changed"] is False
    assert site.json("db", "check")["current"] is True
    copy = site.directory / "copy.db"
    assert site.json("db", "backup", str(copy))["file"] == str(copy)
    assert copy.stat().st_size > 0
    assert incidentd("db", "backup", str(copy), cwd=site.directory).returncode == 1


def test_silences_are_made_listed_and_ended_without_a_daemon(recorded: Site) -> None:
    made = recorded.json(
        "silence", "add", "SwitchDown", 'ci=~"tor-.*"', "--for", "2h", "--comment", HOSTILE, "--by", "anna"
    )
    assert made["done"]
    assert recorded.run("silence", "add", "ci=x9", "--for", "1h", "--comment", "work").startswith("silence ")
    (second, first) = recorded.json("silence", "list")["silences"]
    assert first["id"] == made["silenceID"]
    assert [m["name"] for m in first["matchers"]] == ["alertname", "ci"]
    assert (first["createdBy"], first["status"]["state"]) == ("anna", "active")
    shown = recorded.run("silence", "list")
    assert first["id"][:8] in shown
    assert "\x1b" not in shown
    assert recorded.run("silence", "end", second["id"][:8]) == f"silence {second['id']} has ended\n"
    assert [s["id"] for s in recorded.json("silence", "list")["silences"]] == [first["id"]]
    states = {s["id"]: s["status"]["state"] for s in recorded.json("silence", "list", "--all")["silences"]}
    assert states == {first["id"]: "active", second["id"]: "expired"}
    assert "there is no silence nope" in str(
        recorded.runner.invoke(app, recorded.words("silence", "end", "nope")).exception
    )


def test_an_ambiguous_silence_is_not_ended(recorded: Site) -> None:
    recorded.commit(silences=(silence("ci=a", id="aa1"), silence("ci=b", id="aa2")))
    result = recorded.runner.invoke(app, recorded.words("silence", "end", "aa"))
    assert "2 silences begin with aa" in str(result.exception)
