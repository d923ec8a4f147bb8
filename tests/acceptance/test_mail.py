"""Mail, as people use it: the real daemon between a real mailbox, its own door and a real mail server."""

import re
import smtplib
from collections.abc import Callable, Iterator
from email.message import EmailMessage
from pathlib import Path

import pytest
import requests

from tests.daemons import PATIENCE_S, Incidentd
from tests.dovecot import PASSWORD, USER, Dovecot, dovecot
from tests.fakes import PostOffice, free_port, post_office
from tests.images import image_of, ink
from tests.mails import ADDRESS, letter
from tests.servers import wait_until

pytestmark = pytest.mark.acceptance

PEOPLE = """
people:
  - {id: anna, name: Anna Berg, contact: [{via: mail, to: anna@x.net}]}
satisfaction: {ask: contact, via: mail}
"""


@pytest.fixture
def office() -> Iterator[PostOffice]:
    with post_office() as served:
        yield served


@pytest.fixture
def box() -> Iterator[Dovecot]:
    with dovecot() as served:
        yield served


def daemon(directory: Path, office: PostOffice, door: int, box: Dovecot | None = None) -> Incidentd:
    (directory / "incidentd").mkdir()
    (directory / "incidentd" / "rules.yaml").write_text(PEOPLE)
    (directory / "incidentd" / "mailbox.password").write_text(PASSWORD)
    inbound: dict[str, object] = {
        "address": ADDRESS,
        "from_allowed": ["shop.example"],
        "smtp": {"listen": f"127.0.0.1:{door}"},
    }
    if box is not None:
        inbound["imap"] = {
            "host": "127.0.0.1",
            "port": box.port,
            "tls": "none",
            "username": USER,
            "password_file": "mailbox.password",
            "interval": "1s",
        }
    mailer = {"name": "mail", "type": "email", "host": "127.0.0.1", "port": office.port, "tls": "none"}
    return Incidentd(
        directory,
        "cis: [{id: db1, type: database}]\n",
        rules="rules.yaml",
        notifiers=[{**mailer, "from": "incidentd@example.net", "to": ["noc@x.net"]}],
        notify=[{"to": "mail"}],
        incidents={"settle": "0s"},
        inbound=inbound,
    )


def mail_to(office: PostOffice, recipient: str, said: str) -> Callable[[], EmailMessage | None]:
    """Looks for a mail to them with these words in its subject."""
    return lambda: next((m for m in office.letters if m["To"] == recipient and said in m["Subject"]), None)


def test_a_report_by_mail_is_worked_on_and_answered_by_mail_to_its_end(
    tmp_path: Path, office: PostOffice, box: Dovecot
) -> None:
    with daemon(tmp_path, office, free_port(), box) as served:
        box.deliver(letter("Since eight.", "Carla <carla@shop.example>", Subject="Nobody can pay").as_bytes())
        found = wait_until("the report", served.incidents, PATIENCE_S)[0]
        assert (found["title"], found["channel"], found["registered_by"]) == (
            "Nobody can pay",
            "mail",
            "carla@shop.example",
        )
        told = wait_until("the team hears", mail_to(office, "noc@x.net", "Nobody can pay"), PATIENCE_S)
        assert told["Reply-To"].startswith("incidents+")
        # Anna answers what the team got, then resolves it from the next mail.
        box.deliver(letter("ack\n> quoted", To=str(told["Reply-To"]), Subject="Re: it").as_bytes())
        wait_until("Anna has it", lambda: served.one_incident()["assignee"] == "anna", PATIENCE_S)
        box.deliver(letter("Решено: перезапустили", References=str(told["Message-ID"])).as_bytes())
        wait_until("it is resolved", lambda: served.one_incident()["status"] == "resolved", PATIENCE_S)
        ended = wait_until("Carla hears", mail_to(office, "carla@shop.example", ""), PATIENCE_S)
        box.deliver(letter("not solved: still no", "carla@shop.example", To=str(ended["Reply-To"])).as_bytes())
        wait_until("it is open again", lambda: served.one_incident()["status"] == "open", PATIENCE_S)
        # What she may not do she hears by mail.
        box.deliver(letter("resolve: magic", "carla@shop.example", To=str(ended["Reply-To"])).as_bytes())
        refused = wait_until("the refusal", mail_to(office, "carla@shop.example", "Not done"), PATIENCE_S)
        assert "may not resolve an incident" in refused.get_content()
        assert refused["Auto-Submitted"] == "auto-replied"
        assert box.found("UNSEEN") == 0
        assert 'incidentd_mails_total{fate="accepted"} 4.0' in requests.get(f"{served.url}/metrics", timeout=60).text


def test_a_mail_handed_over_before_a_power_cut_is_there_after_it(tmp_path: Path, office: PostOffice) -> None:
    door = free_port()
    with daemon(tmp_path, office, door) as served:
        raw = letter("Since eight.", "carla@shop.example").as_bytes()
        with smtplib.SMTP("127.0.0.1", door, "test", 60) as server:
            server.sendmail("carla@shop.example", [ADDRESS], raw)
        served.kill()
        served.start()
        with smtplib.SMTP("127.0.0.1", door, "test", 60) as server:
            server.sendmail("carla@shop.example", [ADDRESS], raw)
        assert served.one_incident()["title"] == "Nobody can pay"
        served.stop()
        assert "Traceback" not in served.log


def test_the_link_in_a_mail_takes_the_incident_once(tmp_path: Path, office: PostOffice) -> None:
    with daemon(tmp_path, office, free_port()) as served:
        served.push({"labels": {"alertname": "Down", "ci": "db1", "severity": "critical"}})
        told = wait_until("the team hears", mail_to(office, "noc@x.net", "db1"), PATIENCE_S)
        text = told.get_body(("plain",))
        assert text is not None
        (link,) = set(re.findall(rf"{served.url}/act/[\w.-]+", text.get_content()))
        for _ in range(2):  # as programs do that look at links
            assert requests.get(link, timeout=60).status_code == 200
        assert served.one_incident()["status"] == "open"
        shown = requests.post(link, timeout=60)
        assert (shown.status_code, "INC-1 is acknowledged" in shown.text) == (200, True)
        assert served.one_incident()["status"] == "acknowledged"
        assert requests.post(link, timeout=60).status_code == 409
        assert link.rpartition("/")[2] not in served.log


def test_what_is_hit_comes_as_a_picture_unless_a_notifier_has_none(tmp_path: Path, office: PostOffice) -> None:
    mailer = {"type": "email", "host": "127.0.0.1", "port": office.port, "tls": "none", "from": "incidentd@example.net"}
    served = Incidentd(
        tmp_path,
        "cis: [{id: db1, type: database}, {id: shop, type: business-service, name: Shop, depends_on: [db1]}]\n",
        notifiers=[
            {**mailer, "name": "mail", "to": ["noc@x.net"]},
            {**mailer, "name": "bare", "to": ["bare@x.net"], "pictures": False},
        ],
        notify=[{"to": "mail"}, {"to": "bare"}],
        incidents={"settle": "0s"},
    )
    with served:
        served.push({"labels": {"alertname": "Down", "ci": "db1", "severity": "critical"}})
        told = wait_until("the team hears", mail_to(office, "noc@x.net", "db1"), PATIENCE_S)
        bare = wait_until("the others hear", mail_to(office, "bare@x.net", "db1"), PATIENCE_S)
        pictures = [part for part in told.walk() if part.get_content_type() == "image/png"]
        image = image_of(pictures[0].get_content())
        drawn = image_of(requests.get(f"{served.url}/incidents/INC-1/impact.png", timeout=60).content)
        assert image.tobytes() == drawn.tobytes()
        assert ink(image, 0, 0, *image.size, 1) > 3_000
        assert "image/png" not in {part.get_content_type() for part in bare.walk()}
        served.stop()
        assert "picture_left_out" not in served.log
