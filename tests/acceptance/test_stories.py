"""The main job on real input: a data centre breaks under real monitoring, the real daemon decides."""

import email
import email.policy
import json
import re
from collections.abc import Callable, Iterator
from email.message import EmailMessage
from pathlib import Path
from typing import Any

import pytest
import requests
import yaml

from daemon.lab.files import SERVICE_DESK
from daemon.lab.lab import Lab
from tests.daemons import Incidentd
from tests.servers import program, wait_until

pytestmark = pytest.mark.acceptance

PATIENCE_S = 90.0


class Daemon(Incidentd):
    """The daemon on the lab's own configuration, with short waits."""

    def __init__(self, lab: Lab, directory: Path, **more: Any) -> None:
        settings = yaml.safe_load(lab.write_config(listen="127.0.0.1:1").read_text())
        for source in settings["sources"]:
            if source["type"] != "push":
                source["interval"] = "1s"
        waits = {"resolve_after": "4s", "settle": "4s", "update_every": "5s", "blind_after": "3s"}
        kept = {key: settings[key] for key in ("sources", "notifiers", "notify")}
        super().__init__(directory, lab.cmdb_path.read_text(), **{**kept, "incidents": waits, **more})
        self._lab = lab
        self._heard = {p.name for p in lab.catcher.webhooks.glob("*.json")}

    def show(self, *arguments: str) -> str:
        """What the command line prints."""
        done = self.cli(*arguments)
        assert done.returncode == 0, done.stderr
        return done.stdout

    def notices(self, event: str = "") -> list[dict[str, Any]]:
        """The webhooks that arrived since this daemon was made, in order."""
        paths = sorted(p for p in self._lab.catcher.webhooks.glob("*.json") if p.name not in self._heard)
        bodies = [json.loads(p.read_text()) for p in paths]
        return [b for b in bodies if not event or b["event"] == event]


@pytest.fixture(scope="module")
def lab(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lab]:
    """One data centre for all stories."""
    program("prometheus")
    program("prometheus-alertmanager", "alertmanager")
    with Lab(tmp_path_factory.mktemp("lab"), interval_s=1.0) as running:
        yield running


@pytest.fixture
def daemon(lab: Lab, tmp_path: Path) -> Iterator[Daemon]:
    """A fresh daemon over a data centre in which nothing is broken."""
    until("the data centre is calm", lambda: not _serious(lab))
    with Daemon(lab, tmp_path) as running:
        yield running
        lab.mend_all()


def _serious(lab: Lab) -> list[dict[str, Any]]:
    found = []
    for url in (f"{lab.prometheus.url}/api/v1/alerts", f"{lab.ways.alertmanager_url}/api/v2/alerts"):
        answer = requests.get(url, timeout=10).json()
        alerts = answer["data"]["alerts"] if isinstance(answer, dict) else answer
        found += [a for a in alerts if a["labels"].get("severity") != "info"]
    return found


def until(what: str, is_so: Callable[[], object]) -> None:
    """Wait for it, and fail with its name."""
    wait_until(what, is_so, PATIENCE_S)


def test_a_silent_switch_breaks_and_is_mended(daemon: Daemon, lab: Lab) -> None:
    lab.break_("tor-3a")
    until("the incident is told", lambda: daemon.notices("opened"))
    until("both services are down", lambda: daemon.incidents()[0]["impacted_services"] == ["checkout", "payments"])
    (incident,) = daemon.incidents()
    assert incident["root_cause"]["ci"] == "tor-3a"
    assert incident["priority"] == "P1"
    assert {a["ci"] for a in incident["alerts"]}.isdisjoint({"tor-3a"})
    shown = daemon.show("incident", "show", incident["number"])
    assert "Checkout and Payments down" in shown
    lab.mend("tor-3a")
    until("it is resolved", lambda: daemon.notices("resolved"))
    assert [i["status"] for i in daemon.incidents()] == ["resolved"]
    assert len(daemon.notices("opened")) == len(daemon.notices("resolved")) == 1
    assert list(lab.catcher.mails.glob("*.eml"))


def test_one_of_two_redundant_switches_puts_services_at_risk_only(daemon: Daemon, lab: Lab) -> None:
    lab.break_("tor-1a")
    until("the incident is told", lambda: daemon.notices("opened"))
    (incident,) = daemon.incidents()
    assert incident["root_cause"]["ci"] == "tor-1a"
    assert {s["state"] for s in incident["services"]} == {"at risk"}
    assert "at risk" in incident["priority_reason"]
    assert incident["priority"] not in ("P1", "P2")


def test_two_unrelated_failures_are_two_incidents(daemon: Daemon, lab: Lab) -> None:
    lab.break_("tor-3a", "tor-1a")
    until("both are known", lambda: {"tor-3a", "tor-1a"} <= {i["root_cause"]["ci"] for i in daemon.incidents()})
    until("both are told", lambda: len(daemon.notices("opened")) >= 2)
    assert sorted(i["root_cause"]["ci"] for i in daemon.incidents()) == ["tor-1a", "tor-3a"]


def test_without_prometheus_nothing_resolves_and_people_hear_once_that_monitoring_is_blind(
    daemon: Daemon, lab: Lab
) -> None:
    lab.break_("tor-3a")
    until("the incident is told", lambda: daemon.notices("opened"))
    lab.prometheus.stop()
    try:
        until("the blind notice is out", lambda: daemon.notices("source_down"))
        lab.mend("tor-3a")
        until("the daemon has polled on", lambda: _failures(daemon) >= 5)
        assert [i["status"] for i in daemon.incidents()] == ["open"]
        assert len(daemon.notices("source_down")) == 1
    finally:
        lab.prometheus.start()
    until("it sees again", lambda: daemon.notices("source_up"))
    until("it is resolved", lambda: daemon.notices("resolved"))
    assert len(daemon.notices("source_down")) == 1


def _failures(daemon: Daemon) -> int:
    sources = requests.get(f"{daemon.url}/api/v1/sources", timeout=10).json()["sources"]
    return max(int(s.get("failures", 0)) for s in sources)


def test_killed_in_the_middle_of_a_storm_it_loses_and_doubles_nothing(daemon: Daemon, lab: Lab) -> None:
    lab.break_("tor-3a")
    until("the first incident is there", daemon.incidents)
    daemon.kill()
    daemon.start()
    until("the incident is told", lambda: daemon.notices("opened"))
    until("both services are down", lambda: daemon.incidents()[0]["impacted_services"] == ["checkout", "payments"])
    assert [i["root_cause"]["ci"] for i in daemon.incidents()] == ["tor-3a"]
    daemon.kill()
    daemon.start()
    lab.mend("tor-3a")
    until("it is resolved", lambda: daemon.notices("resolved"))
    keys = [n["idempotency_key"] for n in daemon.notices("opened") + daemon.notices("resolved")]
    assert len(set(keys)) == 2


@pytest.fixture
def desk(lab: Lab, tmp_path: Path) -> Iterator[Daemon]:
    """A daemon with the lab's service desk, whose promise for a P1 is short; nothing resolves by itself."""
    until("the data centre is calm", lambda: not _serious(lab))
    lab.write_config()
    rules = yaml.safe_load((lab.directory / SERVICE_DESK).read_text())
    rules["service_levels"][0]["targets"]["P1"]["response"] = "20s"
    (tmp_path / "rules.yaml").write_text(yaml.safe_dump(rules))
    waits = {"settle": "4s", "resolve_after": "1d"}
    with Daemon(lab, tmp_path, rules=str(tmp_path / "rules.yaml"), incidents=waits) as running:
        yield running
        lab.mend_all()


def test_an_incident_from_its_opening_to_its_report(desk: Daemon, lab: Lab) -> None:
    mails = {p.name for p in lab.catcher.mails.glob("*.eml")}
    lab.break_("tor-3a")
    until("the engineer on call is called", lambda: _mails(lab, mails, "[P1 assigned] INC-1"))
    on_call = json.loads(desk.show("oncall", "show", "--json"))["schedules"]
    (engineer,) = next(s["people"] for s in on_call if s["schedule"] == "network")
    (call,) = _mails(lab, mails, "[P1 assigned] INC-1")
    assert call["To"] == f"{engineer['id']}@dc1.example"
    until("its response clock warns", lambda: desk.notices("response_warning"))

    shown = desk.show("incident", "show", "1")
    assert "Top-of-rack switch A of rack 3 is off: Checkout, Payments" in shown
    assert "Steps of switch" in shown
    by = ("--by", engineer["id"])
    desk.show("incident", "ack", "1", *by)
    desk.show("incident", "step", "1", "1", *by)
    desk.show("problem", "create", "Power supplies of rack 3 die", "--from", "INC-1", *by)
    desk.show("problem", "document", "PRB-1", "--text", "Switch it off and on at the strip", *by)
    until("people are told that the error is known", lambda: desk.notices("known_error"))
    desk.show("change", "create", "Replace the power supply", "--from", "INC-1", "--ci", "tor-3a",
              "--begin", "2h", "--end", "3h", *by)  # fmt: skip
    assert "Checkout, which is critical, would be down" in desk.show("change", "show", "CHG-1")

    lab.mend("tor-3a")
    until("all alerts have cleared", lambda: all(a["cleared_at"] for a in desk.incident(1)["alerts"]))
    desk.show("incident", "step", "1", "2", *by)
    desk.show("incident", "step", "1", "3", *by)
    desk.show("incident", "resolve", "1", "Switched it off and on", "--code", "workaround", "--root", "tor-3a", *by)
    until("operations hear of the end", lambda: _mails(lab, mails, "[P1 resolved] INC-1", "operations@dc1.example"))
    (letter,) = _mails(lab, mails, "[P1 resolved] INC-1", "operations@dc1.example")
    assert "Failed: tor-3a, Top-of-rack switch A of rack 3, tor switch (confirmed by a person)" in _text(letter)
    link = re.search(r"http\S+/rate/\S+", _text(letter))
    assert link is not None
    requests.post(link[0], data={"score": "5", "remark": "Fast"}, timeout=10).raise_for_status()
    desk.show("incident", "close", "1", *by)

    report = desk.show("incident", "export", "1")
    for line in (
        "- tor-3a failed (confirmed by a person)",
        f"- got round, workaround, by {engineer['id']}: Switched it off and on",
        "on call in network (weekly) (step 1 of default)",
        "- caused by PRB-1",
        "- led to CHG-1",
        "- operations-mail: 5 of 5: Fast",
        "- only a workaround is in place: the cause has to be mended",
        "50 % of the time to respond is used",
        f"{engineer['id']}: closed: by hand",
    ):
        assert line in report


def _mails(lab: Lab, before: set[str], subject: str, to: str = "") -> list[EmailMessage]:
    """What the mail catcher got since, by the beginning of its subject."""
    paths = sorted(p for p in lab.catcher.mails.glob("*.eml") if p.name not in before)
    mails = [email.message_from_bytes(p.read_bytes(), EmailMessage, policy=email.policy.default) for p in paths]
    return [m for m in mails if m["Subject"].strip().startswith(subject) and to in m["To"]]


def _text(letter: EmailMessage) -> str:
    body = letter.get_body(("plain",))
    assert body is not None
    return str(body.get_content())
