"""The program as a whole: how it is called, what it finds, how it fails; and that every command is documented."""

import re
import subprocess
import sys
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
import yaml
from typer.testing import CliRunner

from daemon.cli.main import app, config_first
from daemon.cli.out import safe
from rules.words import span
from tests.cli_site import ROOT, Shell, Site, program


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
        (["silence", "add", "ci=x", "--for", "0s", "--comment", "x"], 2, "no time at all"),
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


def test_safe_leaves_no_escape_behind() -> None:
    assert safe("a\x1b[1;31mb\x1b]8;;http://x\x1b\\c\x9b5nd\x1bPq\x1b\\e") == "abcde"
    assert safe("a\nb\tc") == "a b c"
    assert len(safe("x" * 10_000, 50)) == 50


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


def test_the_sample_is_plain_yaml(site: Site) -> None:
    assert yaml.safe_load(site.config.read_text())["database"] == "sqlite:///incidentd.db"
