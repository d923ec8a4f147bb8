"""The lab for real: Prometheus and Alertmanager on the exporter, the stand-in, the catcher and the commands."""

import contextlib
import json
import os
import shutil
import signal
import smtplib
import subprocess
import sys
from collections.abc import Iterator
from email.message import EmailMessage
from pathlib import Path
from typing import Any

import pytest
import requests
from typer.testing import CliRunner

from daemon.cli.lab import app
from daemon.clock import SystemClock
from daemon.errors import SourceDown
from daemon.lab.alerting import GROUPS, filled
from daemon.lab.catcher import Catcher
from daemon.lab.client import LabClient
from daemon.lab.errors import LabError, UnknownCi
from daemon.lab.files import write_alertmanager, write_prometheus
from daemon.lab.lab import Lab, held
from daemon.lab.metrics import JOBS
from daemon.lab.processes import Program, free_port, is_free
from daemon.lab.world import Fault
from daemon.passwords import is_right
from daemon.sources.prometheus import PrometheusSource
from daemon.sources.settings import SourceSettings
from daemon.store.store import Store
from rules.access import Role
from tests.contract.stores import hash_of
from tests.servers import program, wait_until

QUIET = {"CertificateExpires", "BackupLate", "FirmwareOutdated", "TonerLow"}
EXPECTED = {
    *(("HostDown", f"host-3{slot}.dc1.example:9100") for slot in (1, 2, 3, 4)),
    *(("ServiceDown", name) for name in ("checkout", "payments", "checkout-api", "checkout-web", "payments-api")),
    ("DatabaseDown", "pay-db-1.dc1.example:9187"),
    ("ClusterDown", "pay-db"),
}


def firing(url: str) -> set[tuple[str, str]]:
    """The firing alerts by name and the label that says about what, the ever-present ones left out."""
    found = requests.get(f"{url}/api/v1/alerts", timeout=10).json()["data"]["alerts"]
    return {pair for pair in (named(a["labels"]) for a in found if a["state"] == "firing") if pair[0] not in QUIET}


def named(labels: dict[str, str]) -> tuple[str, str]:
    about = ("instance", "service", "device", "cluster", "host", "node")
    return labels["alertname"], next(labels[name] for name in about if name in labels)


@pytest.fixture(scope="module", params=["real", "stand-in"])
def running_lab(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lab]:
    """A lab with a short interval: on real servers, and on the stand-in."""
    if request.param == "real":
        program("prometheus")
        program("prometheus-alertmanager", "alertmanager")
    directory = tmp_path_factory.mktemp("lab")
    with Lab(directory, interval_s=0.5, stand_in=request.param == "stand-in") as lab:
        yield lab


@pytest.fixture
def lab(running_lab: Lab) -> Lab:
    """The same, in which nothing is broken and Prometheus knows it."""
    url = running_lab.prometheus.url
    running_lab.mend_all()
    wait_until("a first evaluation", lambda: requests.get(f"{url}/api/v1/alerts", timeout=10).json()["data"]["alerts"])
    wait_until("everything to be quiet", lambda: not running_lab.control.seen().states and not firing(url))
    return running_lab


def test_a_silent_switch_shows_by_its_victims_and_a_mended_one_by_nothing(lab: Lab) -> None:
    lab.break_("tor-3a")
    wait_until("the alerts of tor-3a's victims", lambda: firing(lab.prometheus.url) >= EXPECTED)
    assert not [about for _, about in firing(lab.prometheus.url) if "tor-3a" in about]
    if lab.alertmanager is not None:
        manager = lab.alertmanager.url
        listed = {
            named(a["labels"])
            for a in wait_until(
                "Alertmanager to have them",
                lambda: [
                    a
                    for a in requests.get(f"{manager}/api/v2/alerts", timeout=10).json()
                    if a["labels"]["alertname"] not in QUIET
                ],
            )
        }
        assert listed <= firing(lab.prometheus.url) | EXPECTED
    lab.mend_all()
    wait_until("everything to be quiet again", lambda: not firing(lab.prometheus.url))


def test_a_redundant_switch_takes_nothing_down(lab: Lab) -> None:
    lab.break_("tor-1a")
    uplinks = {("UplinkLost", f"host-1{slot}.dc1.example:9100") for slot in (1, 2, 3, 4)}
    wait_until(
        "the switch and its servers' links", lambda: firing(lab.prometheus.url) >= {("SwitchDown", "tor-1a")} | uplinks
    )
    assert firing(lab.prometheus.url) == {("SwitchDown", "tor-1a")} | uplinks


def test_the_api_has_what_a_source_needs(lab: Lab) -> None:
    url = lab.prometheus.url
    rules = [
        rule
        for group in requests.get(f"{url}/api/v1/rules?type=alert", timeout=10).json()["data"]["groups"]
        for rule in group["rules"]
    ]
    assert {rule["health"] for rule in rules} == {"ok"}
    assert {rule["name"] for rule in rules} >= {"HostDown", "SwitchDown", "ServiceDown", "DiskFillingUp"}
    config = requests.get(f"{url}/api/v1/status/config", timeout=10).json()["data"]["yaml"]
    assert "datacenter: dc1" in config
    assert requests.get(f"{url}/api/v1/status/runtimeinfo", timeout=10).json()["data"]["reloadConfigSuccess"] is True


def as_text(labels: dict[str, str], annotations: dict[str, str]) -> str:
    return json.dumps([labels, annotations], sort_keys=True)


def foretold(lab: Lab) -> set[str]:
    """Every alert that the rules make of what the exporter shows at this moment."""
    found = set()
    for job in JOBS:
        for sample in lab.control.samples((job,)):
            for rule in (rule for rules in GROUPS.values() for rule in rules if rule.fires_on(sample)):
                labels = {name: value for name, value in sample.labels if value}
                labels |= {"alertname": rule.name, "job": job, "severity": rule.severity}
                found.add(as_text(labels, {k: filled(v, labels) for k, v in rule.annotations().items()}))
    return found


def test_the_rules_mean_the_same_to_prometheus_and_to_the_stand_in(lab: Lab) -> None:
    lab.break_("lb-1", "dns-1", "user-db-1", "search-cache", "ups-a", "order-queue-1")
    lab.break_("san-2", "stock-db-1", fault=Fault.SLOW)

    def as_foretold() -> bool:
        answer = requests.get(f"{lab.prometheus.url}/api/v1/alerts", timeout=10).json()["data"]["alerts"]
        return {as_text(a["labels"], a["annotations"]) for a in answer} == foretold(lab)

    wait_until("every alert with all its words", as_foretold)
    assert len(foretold(lab)) > 30


def test_the_daemons_own_source_reads_it(lab: Lab) -> None:
    settings = SourceSettings(name="lab", type="prometheus", url=lab.prometheus.url)
    source = PrometheusSource("lab", settings, SystemClock())
    lab.break_("tor-6a")
    about = "host-61.dc1.example:9100"

    def hosts() -> set[str]:
        with contextlib.suppress(SourceDown):  # before the first evaluation
            return {s.labels.get("instance", "") for s in source.poll().sightings if s.firing}
        return set()

    try:
        wait_until("the server to be seen", lambda: about in hosts())
    finally:
        source.close()


@pytest.mark.parametrize("alertmanager", ["http://127.0.0.1:9093", ""])
def test_promtool_accepts_the_configuration(tmp_path: Path, alertmanager: str) -> None:
    promtool = program("promtool")
    config = write_prometheus(tmp_path, 9491, alertmanager, 5.0)
    subprocess.run([promtool, "check", "config", str(config)], check=True, capture_output=True, timeout=60)
    found = subprocess.run(
        [promtool, "check", "rules", str(tmp_path / "rules.yml")], check=True, capture_output=True, timeout=60
    )
    assert b"SUCCESS" in found.stdout


def test_amtool_accepts_the_configuration(tmp_path: Path) -> None:
    config = write_alertmanager(tmp_path)
    subprocess.run([program("amtool"), "check-config", str(config)], check=True, capture_output=True, timeout=60)


def test_prometheus_can_crash_and_come_back(tmp_path: Path) -> None:
    program("prometheus")
    with Lab(tmp_path, interval_s=1.0) as lab:
        url, server = lab.prometheus.url, lab.prometheus
        assert isinstance(server, Program)
        server.kill()
        assert not server.is_running
        with pytest.raises(requests.ConnectionError):
            requests.get(url, timeout=5)
        server.restart()
        assert requests.get(f"{url}/-/ready", timeout=10).ok
    assert not server.is_running


def test_a_program_that_cannot_start_says_why_and_leaves_nothing_running(tmp_path: Path) -> None:
    program("prometheus")
    lab = Lab(tmp_path, interval_s=1.0)
    # A file where Prometheus wants its directory.
    (tmp_path / "prometheus").write_text("")
    with pytest.raises(LabError, match="Prometheus did not start; its last words"):
        lab.start()
    assert lab.alertmanager is not None
    assert not lab.alertmanager.is_running
    with held(tmp_path):
        pass


def test_mails_and_webhooks_become_files(tmp_path: Path) -> None:
    said: list[str] = []
    catcher = Catcher(tmp_path, SystemClock(), said.append)
    catcher.start()
    try:
        mail = EmailMessage()
        mail["From"], mail["To"], mail["Subject"] = "incidentd@dc1.example", "ops@dc1.example", "P1 Zahlung gestört"
        mail.set_content("first\n.a line that begins with a dot\n" + "long " * 300)
        with smtplib.SMTP("127.0.0.1", catcher.smtp_port, timeout=10) as client:
            client.send_message(mail)
            client.send_message(mail)
            assert client.docmd("RCPT", "TO:<x@example.org>")[0] == 503
            assert client.docmd("NONSENSE")[0] == 502
        answer = requests.post(catcher.hook_url, json={"event": "opened"}, timeout=10)
        assert answer.status_code == 204
        assert requests.post(catcher.hook_url, data=b"{", timeout=10).status_code == 400
    finally:
        catcher.stop()
    mails = sorted(catcher.mails.iterdir())
    assert len(mails) == 2
    assert b"\n.a line that begins" in mails[0].read_bytes()
    assert json.loads(next(catcher.webhooks.iterdir()).read_bytes()) == {"event": "opened"}
    assert said[0].startswith("mail: to ops@dc1.example: P1 Zahlung gestört")
    assert said[2].startswith("webhook: opened")


def test_commands_break_list_show_and_mend(tmp_path: Path) -> None:
    run = CliRunner()
    with Lab(tmp_path, interval_s=1.0, stand_in=True) as lab:
        lab.announce()
        place = ["--dir", str(tmp_path)]
        assert "broken: tor-3a" in run.invoke(app, ["break", "tor-3a", *place]).output
        wait_until("an alert", lambda: firing(lab.prometheus.url))
        shown = run.invoke(app, ["status", *place]).output
        assert "Checkout" in shown
        assert "HostDown" in shown
        status = json.loads(run.invoke(app, ["status", "--json", *place]).output)
        assert [b["ci"] for b in status["broken"]] == ["tor-3a"]
        assert {"ci": "payments", "name": "Payments", "type": "business-service", "state": "down"} in status["means"]
        listed = json.loads(run.invoke(app, ["list", "--broken", "--json", *place]).output)["cis"]
        assert [(ci["id"], ci["watched"], ci["fault"]) for ci in listed] == [("tor-3a", False, "down")]
        assert "host-64" in run.invoke(app, ["list", *place]).output
        assert run.invoke(app, ["mend", *place]).exit_code == 2
        assert run.invoke(app, ["break", "tor-1a", "--slow", "--disk", *place]).exit_code == 2
        assert "mended: tor-3a" in run.invoke(app, ["mend", "--all", *place]).output
        with LabClient(tmp_path) as client, pytest.raises(UnknownCi, match="did you mean tor-3a"):
            client.break_(["tor3a"], "down")
        form = requests.post(f"{lab.exporter.url}/break", data={"cis": "tor-1a"}, timeout=10)
        assert form.status_code == 415
        assert requests.post(f"{lab.exporter.url}/break", json=["tor-1a"], timeout=10).status_code == 400
    with pytest.raises(LabError, match="no lab is running in"):
        LabClient(tmp_path)


def test_one_lab_a_directory_and_nobody_elses_files(tmp_path: Path) -> None:
    with held(tmp_path / "mine"), pytest.raises(LabError, match="already running"):
        Lab(tmp_path / "mine", stand_in=True).start()
    (tmp_path / "theirs").mkdir()
    (tmp_path / "theirs" / "cmdb.yaml").write_text("cis: []\n")
    with pytest.raises(LabError, match=r"holds a cmdb.yaml that no lab has written"):
        Lab(tmp_path / "theirs", stand_in=True).start()
    assert (tmp_path / "theirs" / "cmdb.yaml").read_text() == "cis: []\n"


def start_up(directory: Path) -> tuple[subprocess.Popen[bytes], dict[str, Any]]:
    """`incidentd lab up` without the daemon, ready for orders."""
    command = "from daemon.cli.lab import app; app()"
    with (directory / "out").open("wb") as out:
        process = subprocess.Popen(
            [sys.executable, "-c", command, "up", "--no-daemon", "--dir", str(directory)], stdout=out, stderr=out
        )
    state = directory / "lab.json"

    def alive() -> None:
        assert process.poll() is None, (directory / "out").read_text()

    wait_until("lab.json", state.exists, alive=alive)
    return process, json.loads(state.read_text())


@pytest.mark.parametrize("how", [signal.SIGINT, signal.SIGTERM, signal.SIGKILL])
def test_nothing_outlives_the_lab(tmp_path: Path, how: signal.Signals) -> None:
    program("prometheus")
    if how is signal.SIGKILL and shutil.which("setpriv") is None:
        pytest.skip("setpriv is not installed")
    process, places = start_up(tmp_path)
    ports = [int(str(places[name]).rpartition(":")[2]) for name in ("exporter", "prometheus", "alertmanager")]
    assert not any(is_free(port) for port in ports)
    os.kill(process.pid, how)
    code = process.wait(60)
    wait_until("every port to be free again", lambda: all(is_free(port) for port in ports))
    if how is not signal.SIGKILL:
        assert code == 0
        assert (tmp_path / "out").read_text().endswith("lab: stopped\n")
        assert not (tmp_path / "lab.json").exists()


def test_the_first_login_is_told_once_and_kept_as_a_hash_only(tmp_path: Path) -> None:
    from daemon.lab.up import FIRST_USER, Wishes, first_login, greeting

    with Lab(tmp_path, stand_in=True) as lab:
        config = lab.write_config()
        with Store.open(lab.database_url, lab.clock) as store:
            store.upgrade()
        password = first_login(lab)
        assert first_login(lab) == ""
        first, again = ("\n".join(greeting(lab, config, Wishes(directory=tmp_path), told)) for told in (password, ""))
        with Store.open(lab.database_url, lab.clock) as store:
            assert is_right(hash_of(store, FIRST_USER), password)
            (known,) = store.users.all()
    assert (known.name, known.role) == ("admin", Role.ADMIN)
    assert f"first login    user admin, password {password}  (shown this once)" in first
    assert "user passwd admin" in again
    for file in tmp_path.rglob("*"):
        assert not file.is_file() or password.encode() not in file.read_bytes()


def test_a_taken_port_is_said_plainly(tmp_path: Path) -> None:
    from daemon.lab.up import Wishes, run

    with Lab(tmp_path / "other", stand_in=True) as other, pytest.raises(LabError, match="is taken, perhaps by another"):
        run(Wishes(directory=tmp_path / "mine", api_port=other.exporter.port), lambda _: None)
    assert is_free(free_port())
