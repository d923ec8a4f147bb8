"""The door at which mail servers hand over mail, spoken to as they do."""

import smtplib
import socket
import ssl
import threading
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import pytest

from daemon.clock import ManualClock
from daemon.config.inbound import InboundSettings, SmtpSettings
from daemon.errors import DoorError, StoreError
from daemon.inbound.mail import LARGEST_MAIL, Envelope
from daemon.inbound.smtp import MOST_CONNECTIONS, MailDoor, Take
from daemon.inbound.taking import Taken
from daemon.store.store import Store
from tests.builders import T0
from tests.fakes import WITHIN_S
from tests.mails import ADDRESS, REQUESTS, SETTINGS, MailDesk, letter

FROM = "anna@x.net"


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[MailDesk]:
    clock = ManualClock(T0)
    with Store.open(f"sqlite:///{tmp_path / 'incidentd.db'}", clock) as store:
        yield MailDesk(store, clock)


@contextmanager
def opened(take: Take, inbound: InboundSettings = SETTINGS, **fields: Any) -> Iterator[MailDoor]:
    door = MailDoor(SmtpSettings(port=0, **fields), inbound, take)
    door.start()
    try:
        yield door
    finally:
        door.stop(5)


def hand_over(door: MailDoor, raw: bytes, sender: str = FROM, to: str = ADDRESS) -> None:
    with smtplib.SMTP("127.0.0.1", door.port, "test", 30) as server:
        server.sendmail(sender, [to], raw)


def test_a_mail_for_us_is_durable_before_it_is_taken(desk: MailDesk) -> None:
    desk.keep()
    with opened(desk.taker.take) as door:
        hand_over(door, letter().as_bytes())
        # For whom it is says the envelope, whatever stands in the mail.
        hand_over(door, letter("ack").as_bytes(), to=desk.address().upper())
        hand_over(door, letter("please").as_bytes(), to=REQUESTS)
        hand_over(door, letter("away").as_bytes(), sender="")
    assert desk.fates == ["accepted", "accepted", "accepted", "dropped"]
    assert [i.title for i in desk.opened()] == ["Incident 42", "Nobody can pay"]
    assert desk.opened()[0].assignee == "anna"


@pytest.mark.parametrize(
    "to", ["eve@evil.example", "other@example.net", "incidents+@example.net", "requests+a@example.net"]
)
def test_mail_for_others_is_not_relayed(desk: MailDesk, to: str) -> None:
    with opened(desk.taker.take) as door, pytest.raises(smtplib.SMTPRecipientsRefused) as caught:
        hand_over(door, letter().as_bytes(), to=to)
    assert caught.value.recipients[to][0] == 550
    assert desk.fates == []


def test_what_cannot_be_read_or_stored_is_refused_for_good_or_for_now() -> None:
    def take(raw: bytes, envelope: Envelope | None = None) -> Taken:
        if b"full" in raw:
            raise StoreError("the disk is full of secrets")
        if b"flaw" in raw:
            raise RuntimeError("secrets")
        return Taken(fate="aside", why="")

    with opened(take) as door:
        for words, code in (("full", 451), ("flaw", 451), ("odd", 554)):
            with pytest.raises(smtplib.SMTPDataError) as caught:
                hand_over(door, letter(words).as_bytes())
            assert caught.value.smtp_code == code
            assert b"secrets" not in caught.value.smtp_error


def test_size_and_connections_are_bounded(desk: MailDesk) -> None:
    with opened(desk.taker.take) as door, ExitStack() as talks:
        with pytest.raises(smtplib.SMTPException):
            hand_over(door, b"x" * 900 + b"\r\n" + b"y" * (LARGEST_MAIL + 1))
        for _ in range(MOST_CONNECTIONS):
            talk = talks.enter_context(socket.create_connection(("127.0.0.1", door.port), 30))
            assert talk.recv(3) == b"220"
        with socket.create_connection(("127.0.0.1", door.port), 30) as one_too_many:
            assert one_too_many.recv(3) == b"421"
        talks.close()
        hand_over(door, letter().as_bytes())
    assert desk.fates == ["accepted"]


def test_starttls_is_offered_and_may_be_required(desk: MailDesk, certificate: Path) -> None:
    files = {"cert_file": certificate, "key_file": certificate.with_name("key.pem")}
    with opened(desk.taker.take, require_tls=True, **files) as door:
        with pytest.raises(smtplib.SMTPSenderRefused, match="STARTTLS"):
            hand_over(door, letter().as_bytes())
        with smtplib.SMTP("127.0.0.1", door.port, "test", 30) as server:
            server.starttls(context=ssl.create_default_context(cafile=certificate))
            server.sendmail(FROM, [ADDRESS], letter().as_bytes())
    assert desk.fates == ["accepted"]


def test_a_door_that_cannot_open_says_why(desk: MailDesk, tmp_path: Path) -> None:
    with opened(desk.taker.take) as door:
        second = MailDoor(SmtpSettings(port=door.port), SETTINGS, desk.taker.take)
        with pytest.raises(DoorError, match=f"cannot take mail on 127.0.0.1:{door.port}: "):
            second.start()
    (tmp_path / "no.pem").write_text("none")
    with pytest.raises(DoorError, match="cannot be used"):
        MailDoor(SmtpSettings(cert_file=tmp_path / "no.pem"), SETTINGS, desk.taker.take)


def test_it_closes_in_bounded_time_whatever_hangs() -> None:
    entered, gate = threading.Event(), threading.Event()

    def take(raw: bytes, envelope: Envelope | None = None) -> Taken:
        entered.set()
        gate.wait(WITHIN_S)
        return Taken(fate="dropped", why="")

    door = MailDoor(SmtpSettings(port=0), SETTINGS, take)
    door.start()
    with socket.create_connection(("127.0.0.1", door.port), 30) as idle:
        assert idle.recv(3) == b"220"
        sending = threading.Thread(target=_quietly, args=(door,))
        sending.start()
        assert entered.wait(WITHIN_S)
        door.stop(0.1)
        door.stop(0.1)
    gate.set()
    sending.join(WITHIN_S)
    assert not sending.is_alive()


def _quietly(door: MailDoor) -> None:
    with pytest.raises((smtplib.SMTPException, OSError)):
        hand_over(door, letter().as_bytes())
