"""One contract that every channel passes, against real servers."""

import contextlib
import json
import socket
import ssl
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import msgspec
import pytest

from notifiers.registry import build_channel
from notifiers.secret import Secret
from notifiers.settings import NotifierSettings, WebhookSettings
from tests.channels import (
    PASSWORD,
    SAMPLES,
    SECRETS,
    SOON,
    TOKEN,
    email_settings,
    failure,
    message,
    webhook_settings,
)
from tests.fakes import (
    LOOPBACK,
    Hook,
    PostOffice,
    dripping,
    dripping_http,
    free_port,
    hook,
    odd_peer,
    post_office,
    resetting,
    silent,
)


@dataclass
class Far:
    """A far end and how it is spoken to: the same questions for every kind of channel."""

    kind: str
    settings: NotifierSettings
    server: Hook | PostOffice
    at: Callable[[int], NotifierSettings]
    drip: Callable[[socket.socket, threading.Event], None]

    def answers(self, what: str) -> None:
        """Make the server say yes, no, or not now; it repeats all that it was sent."""
        if isinstance(self.server, Hook):
            self.server.status = {"yes": 204, "no": 400, "not now": 503}[what]
            self.server.body = lambda post: json.dumps([post.path, post.headers]).encode()
        else:
            self.server.answer = {"yes": "250 taken", "no": "554 never", "not now": "451 later"}[what]

    @property
    def received(self) -> int:
        """How many messages were taken."""
        if isinstance(self.server, Hook):
            return len(self.server.posts) if 200 <= self.server.status < 300 else 0
        return len(self.server.letters)


@pytest.fixture(params=["webhook", "email"])
def far(request: pytest.FixtureRequest) -> Iterator[Far]:
    if request.param == "webhook":
        with hook() as server:

            def elsewhere(port: int) -> NotifierSettings:
                return webhook_settings(f"http://{LOOPBACK}:{port}/in/{TOKEN}", timeout=SOON)

            yield Far("webhook", webhook_settings(server.url), server, elsewhere, dripping_http)
    else:
        with post_office() as office:
            login = {"username": "incidentd", "password": Secret(PASSWORD)}

            def apart(port: int) -> NotifierSettings:
                return email_settings(port, timeout=SOON, **login)

            yield Far("email", email_settings(office.port, **login), office, apart, dripping)


def test_what_is_taken_is_delivered(far: Far) -> None:
    far.answers("yes")
    channel = build_channel(far.settings)
    assert channel.name == "noc"
    channel.send(message())
    assert far.received == 1


@pytest.mark.parametrize("event", SAMPLES)
def test_every_event_can_be_sent(far: Far, event: str) -> None:
    build_channel(far.settings).send(message(event))
    assert far.received == 1


def test_a_no_is_final(far: Far) -> None:
    far.answers("no")
    assert failure(build_channel(far.settings)).permanent


def test_a_not_now_is_worth_another_try_by_the_same_channel(far: Far) -> None:
    far.answers("not now")
    channel = build_channel(far.settings)
    assert not failure(channel).permanent
    far.answers("yes")
    channel.send(message())
    assert far.received >= 1


def test_a_server_that_says_nothing_is_left(far: Far) -> None:
    with odd_peer(silent) as port:
        error = failure(build_channel(far.at(port)))
    assert not error.permanent
    assert "did not" in str(error)


def test_a_server_that_drips_is_cut_off(far: Far) -> None:
    with odd_peer(far.drip) as port:
        error = failure(build_channel(far.at(port)))
    assert not error.permanent
    assert "within" in str(error)


def test_a_reset_is_worth_another_try(far: Far) -> None:
    with odd_peer(resetting) as port:
        assert not failure(build_channel(far.at(port))).permanent


def test_a_refused_connection_is_worth_another_try_and_says_where(far: Far) -> None:
    port = free_port()
    error = failure(build_channel(far.at(port)))
    assert not error.permanent
    assert f"{LOOPBACK}:{port}" in str(error)
    assert "refused" in str(error)


def test_a_host_that_does_not_exist_is_worth_another_try(far: Far) -> None:
    nowhere = "nowhere.invalid"
    settings: NotifierSettings
    if isinstance(far.settings, WebhookSettings):
        settings = replace(far.settings, url=Secret(f"http://{nowhere}/{TOKEN}"))
    else:
        settings = replace(far.settings, host=nowhere, username="", password=None)
    error = failure(build_channel(settings))
    assert not error.permanent
    assert nowhere in str(error)


def test_a_send_has_an_end(far: Far) -> None:
    assert build_channel(far.settings).longest_s <= 45
    patient = replace(far.settings, timeout=timedelta(minutes=5))
    assert build_channel(patient).longest_s == 300


def test_settings_show_no_secret(far: Far) -> None:
    assert not [secret for secret in SECRETS if secret in repr(far.settings)]


def test_foreign_text_breaks_nothing(far: Far) -> None:
    nasty = 'x\r\nBcc: eve@example.net\r\n\r\n.\r\n\x00\u202e"' + "ü" * 5000
    sample = SAMPLES["opened"].incident
    assert sample is not None
    record = msgspec.structs.replace(sample, title=nasty, number=nasty, priority=nasty, group=nasty)
    build_channel(far.settings).send(message(reason=nasty, incident=record, idempotency_key=nasty, event="odd\r\nX: y"))
    assert far.received == 1


# TLS, for both


@contextlib.contextmanager
def over_tls(kind: str, certificate: Path, **fields: Any) -> Iterator[NotifierSettings]:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, certificate.with_name("key.pem"))
    if kind == "webhook":
        with hook(context) as web:
            yield webhook_settings(web.url, **fields)
    else:
        contexts = {"starttls": None, "implicit": None, kind: context}
        with post_office(**contexts) as office:
            yield email_settings(office.port, tls=kind, **fields)


@pytest.mark.parametrize("kind", ["webhook", "starttls", "implicit"])
def test_a_certificate_of_an_unknown_authority_is_refused(kind: str, certificate: Path) -> None:
    with over_tls(kind, certificate) as settings:
        error = failure(build_channel(settings))
    assert not error.permanent
    assert "trusted" in str(error)


@pytest.mark.parametrize("kind", ["webhook", "starttls", "implicit"])
def test_the_owners_authority_makes_it_trusted(kind: str, certificate: Path) -> None:
    with over_tls(kind, certificate, ca_file=certificate) as settings:
        build_channel(settings).send(message())


@pytest.mark.parametrize("kind", ["webhook", "implicit"])
def test_a_handshake_that_never_ends_is_cut_off(kind: str) -> None:
    def endless(connection: socket.socket, over: threading.Event) -> None:
        connection.recv(65536)
        connection.sendall(b"\x16\x03\x03\x40\x00")
        while not over.wait(0.01):
            connection.sendall(b"\x02")

    with odd_peer(endless) as port:
        url = f"https://{LOOPBACK}:{port}/"
        settings: NotifierSettings = webhook_settings(url, timeout=SOON)
        if kind == "implicit":
            settings = email_settings(port, tls="implicit", timeout=SOON)
        assert not failure(build_channel(settings)).permanent
