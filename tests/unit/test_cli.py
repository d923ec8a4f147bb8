import json
import os
import re
import subprocess
import sys
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import msgspec
import pytest
import yaml
from typer.testing import CliRunner

from cmdb.model import State
from daemon.cli.main import app, config_first, main
from daemon.cli.out import safe
from daemon.clock import ManualClock
from daemon.config.sample import write_samples
from daemon.store.store import Store
from rules import clock as clocks
from rules.alert import Alert, alert_id, fingerprint_of
from rules.calendar import ALWAYS
from rules.clock import Goal
from rules.decision import Decision, Notice, TimelineEntry
from rules.document import NoticeContent
from rules.incident import Candidate, HitService, Incident, Level, Priority, RootCause, Status
from rules.words import span
from tests.builders import clock, silence
from tests.fakes import hook

ROOT = Path(__file__).parents[2]
T0 = datetime(2026, 11, 24, 8, 0, tzinfo=UTC)
HOSTILE = "\x1b[31mred\x1b]0;owned\x07 [bold]markup[/bold] \u202egnp.exe\x00\r\nsecond"


def incident(number: int, **fields: Any) -> Incident:
    known: dict[str, Any] = {
        "number": number,
        "status": Status.OPEN,
        "title": "tor-3a is down: Payments is down",
        "priority": Priority.P1,
        "impact": Level.HIGH,
        "urgency": Level.HIGH,
        "priority_reason": "impact high (critical service Payments is down), urgency high",
        "opened_at": T0,
        "updated_at": T0,
        "root": RootCause(
            ci="tor-3a",
            confidence=0.87,
            evidence=("tor-3a itself reports that it is down",),
            candidates=(Candidate(ci="tor-3a", confidence=0.87), Candidate(ci="pdu-3", confidence=0.08)),
        ),
        "impacted": ("tor-3a", "pay-db", "payments"),
        "services": (HitService(ci="payments", name="Payments", state=State.DOWN),),
        "group": "network",
    }
    return Incident(**{**known, **fields})


def alert(name: str, number: int | None, **labels: str) -> Alert:
    pairs = {"alertname": name, "severity": "critical", **labels}
    mark = fingerprint_of(pairs)
    return Alert(
        id=alert_id(mark, T0),
        fingerprint=mark,
        labels=pairs,
        annotations={"summary": HOSTILE},
        starts_at=T0,
        first_seen_at=T0,
        ci=labels.get("ci"),
        incident=number,
        reason="" if number else "information only",
    )


def notice(key: str, number: int) -> Notice:
    content = NoticeContent(event="opened", reason="new", at="2026-11-24T08:00:00.000Z", idempotency_key=key)
    body = msgspec.json.encode(content)
    return Notice(key=key, to="noc", event="opened", reason="P1 opened", at=T0, incident=number, content=body)


class Site:
    """A directory with the sample configuration and a record with two incidents."""

    def __init__(self, directory: Path) -> None:
        self.config, self.cmdb = write_samples(directory)
        self.directory = directory
        self.runner = CliRunner()

    def record(self) -> None:
        url = f"sqlite:///{self.directory}/incidentd.db"
        with Store.open(url, ManualClock(T0)) as store:
            store.upgrade()
            epoch = store.acquire("test", timedelta(minutes=1))
            store.commit(
                Decision(
                    at=T0,
                    alerts=(alert("SwitchDown", 1, ci="tor-3a"), alert("Odd", None, device="x9")),
                    incidents=(
                        incident(1),
                        incident(
                            2,
                            status=Status.RESOLVED,
                            title=HOSTILE,
                            resolved_at=T0 + timedelta(minutes=5),
                            priority=Priority.P3,
                            services=(),
                            root=RootCause(),
                            resolution="switch replaced",
                        ),
                    ),
                    timeline=(TimelineEntry(incident=1, at=T0, kind="opened", text=f"opened {HOSTILE}"),),
                    notices=(notice("n1", 1), notice("n2", 2)),
                ),
                epoch=epoch,
            )
            store.bury("n2", T0, "the server says no")
            store.release(epoch)

    def words(self, *words: str) -> list[str]:
        return ["--config", str(self.config), *words]

    def run(self, *words: str, code: int = 0) -> str:
        result = self.runner.invoke(app, self.words(*words), env={"COLUMNS": "80"})
        assert result.exit_code == code, (result.output, result.exception)
        return result.output

    def json(self, *words: str) -> Any:
        return json.loads(self.run(*words, "--json"))


@pytest.fixture
def site(tmp_path: Path) -> Site:
    return Site(tmp_path)


@pytest.fixture
def recorded(site: Site) -> Site:
    site.record()
    return site


@dataclass(frozen=True)
class Done:
    """How the program ended."""

    returncode: int
    stdout: str
    stderr: str


class Shell:
    """Calls the program's entry point as a shell would, in a directory and environment of its own."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
        self._monkeypatch = monkeypatch
        self._capsys = capsys

    def __call__(self, *words: str, cwd: Path, **environ: str) -> Done:
        with self._monkeypatch.context() as patch:
            patch.chdir(cwd)
            patch.setattr(sys, "argv", ["incidentd", *words])
            for name in ("INCIDENTD_CONFIG", "INCIDENTD_DEBUG", "NO_COLOR", "FORCE_COLOR"):
                patch.delenv(name, raising=False)
            for name, value in environ.items():
                patch.setenv(name, value)
            with pytest.raises(SystemExit) as end:
                main()
        said = self._capsys.readouterr()
        code = end.value.code
        return Done(code if isinstance(code, int) else 0, said.out, said.err)


@pytest.fixture
def incidentd(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Shell:
    return Shell(monkeypatch, capsys)


def program(code: str, cwd: Path, **environ: str) -> "subprocess.CompletedProcess[str]":
    """A process of its own."""
    env = {"PATH": os.environ["PATH"], "PYTHONPATH": str(ROOT), **environ}
    command = [sys.executable, "-c", code]
    return subprocess.run(command, cwd=cwd, env=env, capture_output=True, text=True, timeout=60, check=False)


def test_help_imports_nothing_heavy() -> None:
    code = (
        "import sys; sys.argv = ['incidentd', '--help']\n"
        "from daemon.cli.main import main\n"
        "try: main()\n"
        "except SystemExit: pass\n"
        "print('\\n'.join(sys.modules))"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, timeout=60, check=True
    )
    loaded = set(done.stdout.split("\n"))
    heavy = {"pydantic", "yaml", "sqlalchemy", "networkx", "requests", "fastapi", "msgspec", "jinja2", "structlog",
             "apscheduler", "prometheus_client", "daemon.config.load", "daemon.store.store", "daemon.app"}  # fmt: skip
    assert not loaded & heavy
    ours = {m for m in loaded if m.startswith("daemon.") and not m.startswith("daemon.cli")}
    assert not ours


@pytest.mark.parametrize(
    ("words", "code", "said"),
    [
        (["--version"], 0, "incidentd "),
        (["nonsense"], 2, "No such command"),
        ([], 2, "Usage"),
        (["impact"], 2, "Missing argument"),
        (["incident", "show", "x"], 2, '"x" is not the number of an incident'),
        (["incident", "list", "--status", "opne"], 2, "did you mean"),
        (["incident", "priority", "1", "P9"], 2, "allowed: P1 to P5"),
        (["silence", "add", "ci=x", "--for", "2 hours", "--comment", "x"], 2, "is not a length of time"),
        (["silence", "add", "ci=x", "--for", "0s", "--comment", "x"], 2, "it would end at once"),
        (["silence", "add", "ci=~(", "--for", "2h", "--comment", "x"], 2, "is no regular expression"),
        (["silence", "add", "ci=~.*", "--for", "2h", "--comment", "x"], 1, "matchers: at least one must not match"),
        (["silence", "add", "ci=x", "--for", "2h", "--comment", " "], 1, "comment: must have 1 to 4000 characters"),
        (["check"], 1, "no configuration found"),
        (["--config", "gone.yaml", "check"], 1, "gone.yaml: the file cannot be read: No such file or directory"),
        (["incident", "list", "--config", "gone.yaml"], 1, "gone.yaml: the file cannot be read"),
        (["impact", "x", "--cmdb", "gone.yaml"], 1, "gone.yaml"),
    ],
)
def test_exit_codes(incidentd: Shell, tmp_path: Path, words: list[str], code: int, said: str) -> None:
    done = incidentd(*words, cwd=tmp_path)
    output = " ".join((done.stdout + done.stderr).replace("│", "").split())
    assert (done.returncode, said in output, "Traceback" in output) == (code, True, False), output


def test_every_mistake_is_a_line_on_its_own(incidentd: Shell, site: Site) -> None:
    site.config.write_text(site.config.read_text() + "nonsense: 1\nlogg: {}\n")
    done = incidentd("check", cwd=site.directory)
    assert done.returncode == 1
    lines = done.stdout.splitlines()
    assert len(lines) == 2
    assert all(re.match(r"incidentd\.yaml:\d+: unknown key .*; allowed: ", line) for line in lines)
    refused = incidentd("incident", "list", cwd=site.directory)
    assert (refused.returncode, refused.stdout, refused.stderr.splitlines()) == (1, "", lines)


def test_the_configuration_is_found_where_people_put_it(incidentd: Shell, site: Site, tmp_path: Path) -> None:
    assert incidentd("check", cwd=site.directory).returncode == 0
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    assert incidentd("check", cwd=elsewhere, INCIDENTD_CONFIG=str(site.config)).returncode == 0
    assert incidentd("check", "--config", str(site.config), cwd=elsewhere).returncode == 0
    assert incidentd(f"--config={site.config}", "check", cwd=elsewhere).returncode == 0


def test_config_may_stand_anywhere_before_the_dashes() -> None:
    assert config_first(["a", "--config", "f", "b"]) == ["--config", "f", "a", "b"]
    assert config_first(["a", "--config=f"]) == ["--config=f", "a"]
    assert config_first(["a", "--", "--config", "f"]) == ["a", "--", "--config", "f"]
    assert config_first(["a", "--config"]) == ["a", "--config"]


def test_an_unexpected_error_is_one_line(tmp_path: Path) -> None:
    code = (
        "import sys; sys.argv = ['incidentd', 'run']\n"
        "import daemon.cli.main as m\n"
        "def broken(): raise KeyError('x')\n"
        "m.app = broken\n"
        "m.main()"
    )
    done = program(code, tmp_path, TMPDIR=str(tmp_path))
    assert done.returncode == 1
    (log,) = tmp_path.glob("incidentd-error-*.log")
    line = f"incidentd: unexpected error (KeyError); details are in {log}; INCIDENTD_DEBUG=1 shows them here\n"
    assert done.stderr == line
    assert "KeyError: 'x'" in log.read_text()
    shown = program(code, tmp_path, TMPDIR=str(tmp_path), INCIDENTD_DEBUG="1")
    assert "Traceback" in shown.stderr


def test_init_then_check(incidentd: Shell, tmp_path: Path) -> None:
    runner = CliRunner()
    place = tmp_path / "etc"
    assert runner.invoke(app, ["init", str(place)]).exit_code == 0
    result = runner.invoke(app, ["--config", str(place / "incidentd.yaml"), "check"])
    assert result.exit_code == 0
    assert "is in order" in result.output
    again = incidentd("init", str(place), cwd=tmp_path)
    assert again.returncode == 1
    assert "exist already" in again.stderr


def test_check_counts_and_remarks(site: Site) -> None:
    found = site.json("check")
    assert (found["ok"], found["cis"], found["business_services"], found["cycles"]) == (True, 6, 1, [])
    assert found["sources"] == [{"name": "main", "type": "prometheus"}, {"name": "push", "type": "push"}]
    (level,) = found["service_levels"]
    assert (level["name"], level["agreement"]) == ("standard", "SLA")
    assert level["targets"]["P1"] == {"response": "15m", "resolution": "4h", "calendar": "24x7"}
    assert "SLA        standard: P1 15m/4h 24x7, P2" in site.run("check")
    site.cmdb.write_text("cis:\n  - {id: a, depends_on: [b]}\n  - {id: b, depends_on: [a]}\n")
    said = site.run("check")
    assert "cycles     1; legal" in said
    site.cmdb.write_text("cis:\n  - {id: a, depends_on: [b]}\n")
    result = site.runner.invoke(app, ["--config", str(site.config), "check", "--json"])
    assert result.exit_code == 1
    (problem,) = json.loads(result.output)["problems"]
    assert problem["line"] == 2


def test_impact(site: Site) -> None:
    assert site.json("impact", "web-1") == {
        "failed": ["web-1"],
        "down": [],
        "degraded": ["shop"],
        "at_risk": [],
        "services": {"down": [], "degraded": ["shop"], "at_risk": []},
    }
    both = site.json("impact", "db1.example.net", "WEB-1")
    assert both["failed"] == ["shop-db", "web-1"]
    assert both["services"]["down"] == ["shop"]
    said = site.run("impact", "switch-1")
    assert said.index("Online shop") < said.index("web-2")
    result = site.runner.invoke(app, ["impact", "swich-1", "--cmdb", str(site.cmdb)])
    assert result.exit_code == 1
    assert "nearest: switch-1" in str(result.exception)


def test_spof_and_cmdb(site: Site) -> None:
    assert [s["ci"] for s in site.json("spof")["spofs"]] == ["switch-1", "shop-db"]
    assert [s["ci"] for s in site.json("spof", "--limit", "1")["spofs"]] == ["switch-1"]
    assert "Online shop" in site.run("spof")
    assert [ci["id"] for ci in site.json("cmdb", "list", "--owner", "linux")["cis"]] == ["web-1", "web-2"]
    assert site.json("cmdb", "show", "db1.example.net")["dependents"] == ["shop"]
    assert "1 of web-1 | web-2; shop-db; search (soft)" in site.run("cmdb", "show", "shop")


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


def test_promised_times_are_shown_with_what_is_left(site: Site) -> None:
    overdue = clock(Goal.RESPONSE, within=900, breached_at=T0 + timedelta(minutes=15))
    held = clocks.pause(clock(), ALWAYS, T0 + timedelta(minutes=10), HOSTILE)
    met = clocks.meet(clock(Goal.RESPONSE, within=900), ALWAYS, T0 + timedelta(minutes=5))
    promised = {3: (overdue,), 4: (met, held), 5: (met, clock(within=10**10))}
    with Store.open(f"sqlite:///{site.directory}/incidentd.db", ManualClock(T0)) as store:
        store.upgrade()
        epoch = store.acquire("test", timedelta(minutes=1))
        store.commit(Decision(at=T0, incidents=tuple(incident(n, clocks=c) for n, c in promised.items())), epoch=epoch)
        store.release(epoch)
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


def test_safe_leaves_no_escape_behind() -> None:
    assert safe("a\x1b[1;31mb\x1b]8;;http://x\x1b\\c\x9b5nd\x1bPq\x1b\\e") == "abcde"
    assert safe("a\nb\tc") == "a b c"
    assert len(safe("x" * 10_000, 50)) == 50


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


def test_lengths_of_time_for_people() -> None:
    assert [span(timedelta(seconds=s)) for s in (0, 59, 61, 3600, 90061)] == [
        "0 s",
        "59 s",
        "1 min 1 s",
        "1 h",
        "1 d 1 h",
    ]


def commands() -> list[str]:
    """Every command with its words, as in `incident show`."""
    from typer.main import get_command

    found: list[str] = []

    def walk(command: Any, words: list[str]) -> None:
        children = getattr(command, "commands", None)
        if children is None:
            found.append(" ".join(words))
            return
        for name, child in children.items():
            walk(child, [*words, name])

    walk(get_command(app), [])
    return sorted(found)


@pytest.mark.parametrize("command", commands())
def test_every_command_is_documented_and_prints_json(command: str) -> None:
    text = (ROOT / "docs" / "cli.md").read_text(encoding="utf-8")
    assert f"`incidentd {command}" in text
    result = CliRunner().invoke(app, [*command.split(), "--help"])
    assert result.exit_code == 0
    assert "--json" in result.output or command in {"run", "lab up"}


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
    with Store.open(f"sqlite:///{recorded.directory}/incidentd.db", ManualClock(T0)) as store:
        both = (silence("ci=a", id="aa1"), silence("ci=b", id="aa2"))
        store.commit(Decision(at=T0, silences=both), epoch=store.acquire("test", timedelta(minutes=1)))
    result = recorded.runner.invoke(app, recorded.words("silence", "end", "aa"))
    assert "2 silences begin with aa" in str(result.exception)


def test_the_sample_is_plain_yaml(site: Site) -> None:
    assert yaml.safe_load(site.config.read_text())["database"] == "sqlite:///incidentd.db"
