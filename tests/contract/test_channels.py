"""One contract that every channel passes, against real servers."""

import contextlib
import json
import socket
import ssl
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from datetime import timedelta
from functools import partial
from pathlib import Path
from typing import Any

import msgspec
import pytest

from notifiers.apprise_channel import AppriseChannel
from notifiers.base import Extras
from notifiers.registry import build_channel
from notifiers.secret import Secret
from notifiers.settings import NotifierSettings
from notifiers.webhook import WebhookChannel
from tests.channels import (
    ACTIONS,
    BOT,
    PASSWORD,
    SAMPLES,
    SECRETS,
    SOON,
    TOKEN,
    apprise_settings,
    chat_settings,
    email_settings,
    failure,
    message,
    webhook_settings,
)
from tests.chats import ChatServer, MattermostServer, SlackServer, TelegramServer, served
from tests.fakes import (
    LOOPBACK,
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
    """A far end and how it is spoken to: the same questions for every kind of channel.

    `at` makes settings for another host and port, `answers` lets the server say yes, no, or not now, repeating all
    that it was sent; `received` counts what it took.
    """

    kind: str
    settings: NotifierSettings
    at: Callable[[str, int], NotifierSettings]
    drip: Callable[[socket.socket, threading.Event], None]
    answers: Callable[[str], None]
    received: Callable[[], int]


@contextlib.contextmanager
def far_webhook() -> Iterator[Far]:
    with hook() as server:

        def at(host: str, port: int) -> NotifierSettings:
            return webhook_settings(f"http://{host}:{port}/in/{TOKEN}", timeout=SOON)

        def answers(what: str) -> None:
            server.status = {"yes": 204, "no": 400, "not now": 503}[what]
            server.body = lambda post: json.dumps([post.path, post.headers]).encode()

        def received() -> int:
            return len(server.posts) if 200 <= server.status < 300 else 0

        yield Far("webhook", webhook_settings(server.url), at, dripping_http, answers, received)


@contextlib.contextmanager
def far_email() -> Iterator[Far]:
    with post_office() as office:
        login = {"username": "incidentd", "password": Secret(PASSWORD)}

        def at(host: str, port: int) -> NotifierSettings:
            return email_settings(port, host=host, timeout=SOON, **(login if host == LOOPBACK else {}))

        def answers(what: str) -> None:
            office.answer = {"yes": "250 taken", "no": "554 never", "not now": "451 later"}[what]

        yield Far("email", email_settings(office.port, **login), at, dripping, answers, lambda: len(office.letters))


@contextlib.contextmanager
def far_chat(kind: str) -> Iterator[Far]:
    server = CHATS[kind](BOT)
    with served(server):

        def at(host: str, port: int) -> NotifierSettings:
            return chat_settings(kind, f"http://{host}:{port}", timeout=SOON)

        def answers(what: str) -> None:
            server.repeats = {"yes": 0, "no": 400, "not now": 503}[what]

        settings = chat_settings(kind, server.origin)
        yield Far(kind, settings, at, dripping_http, answers, lambda: len(server.messages))


@contextlib.contextmanager
def far_apprise() -> Iterator[Far]:
    with hook() as server:

        def at(host: str, port: int) -> NotifierSettings:
            return apprise_settings(f"http://{host}:{port}", timeout=SOON)

        def answers(what: str) -> None:
            server.status = {"yes": 204, "no": 400, "not now": 503}[what]
            server.body = lambda post: json.dumps([post.path, post.headers]).encode()

        def received() -> int:
            return len(server.posts) if 200 <= server.status < 300 else 0

        yield Far("apprise", apprise_settings(server.origin), at, dripping_http, answers, received)


CHATS: dict[str, type[ChatServer]] = {"slack": SlackServer, "mattermost": MattermostServer, "telegram": TelegramServer}


@pytest.fixture(params=["webhook", "email", *CHATS, "apprise"])
def far(request: pytest.FixtureRequest) -> Iterator[Far]:
    kinds = {"webhook": far_webhook, "email": far_email, "apprise": far_apprise}
    with kinds[request.param]() if request.param in kinds else far_chat(request.param) as end:
        yield end


def test_what_is_taken_is_delivered(far: Far) -> None:
    far.answers("yes")
    channel = build_channel(far.settings)
    assert channel.name == "noc"
    channel.send(message(extras=Extras(actions=ACTIONS)))
    assert far.received() == 1


@pytest.mark.parametrize("event", SAMPLES)
def test_every_event_can_be_sent(far: Far, event: str) -> None:
    build_channel(far.settings).send(message(event))
    assert far.received() == 1


def test_a_no_is_final(far: Far) -> None:
    far.answers("no")
    assert failure(build_channel(far.settings)).permanent


def test_a_not_now_is_worth_another_try_by_the_same_channel(far: Far) -> None:
    far.answers("not now")
    channel = build_channel(far.settings)
    assert not failure(channel).permanent
    far.answers("yes")
    channel.send(message())
    assert far.received() >= 1


def test_a_server_that_says_nothing_is_left(far: Far) -> None:
    with odd_peer(silent) as port:
        error = failure(build_channel(far.at(LOOPBACK, port)))
    assert not error.permanent
    assert "did not" in str(error)


def test_a_server_that_drips_is_cut_off(far: Far) -> None:
    with odd_peer(far.drip) as port:
        error = failure(build_channel(far.at(LOOPBACK, port)))
    assert not error.permanent
    assert "within" in str(error)


def test_a_reset_is_worth_another_try(far: Far) -> None:
    with odd_peer(resetting) as port:
        assert not failure(build_channel(far.at(LOOPBACK, port))).permanent


def test_a_refused_connection_is_worth_another_try_and_says_where(far: Far) -> None:
    port = free_port()
    error = failure(build_channel(far.at(LOOPBACK, port)))
    assert not error.permanent
    # Any part of an address of Apprise may be secret, so it is named by its kind and place.
    words = ("json (address 1)",) if far.kind == "apprise" else (f"{LOOPBACK}:{port}", "refused")
    assert all(word in str(error) for word in words)


def test_a_host_that_does_not_exist_is_worth_another_try(far: Far) -> None:
    error = failure(build_channel(far.at("nowhere.invalid", 80)))
    assert not error.permanent
    assert ("json (address 1)" if far.kind == "apprise" else "nowhere.invalid") in str(error)


def test_a_send_has_an_end(far: Far) -> None:
    assert build_channel(far.settings).longest_s <= 45
    patient = replace(far.settings, timeout=timedelta(minutes=5))
    assert 300 <= build_channel(patient).longest_s <= 315


def test_settings_show_no_secret(far: Far) -> None:
    assert not [secret for secret in SECRETS if secret in repr(far.settings)]


def test_foreign_text_breaks_nothing(far: Far) -> None:
    nasty = 'x\r\nBcc: eve@example.net\r\n\r\n.\r\n\x00\u202e"' + "ü" * 5000
    sample = SAMPLES["opened"].incident
    assert sample is not None
    record = msgspec.structs.replace(sample, title=nasty, number=nasty, priority=nasty, group=nasty)
    build_channel(far.settings).send(message(reason=nasty, incident=record, idempotency_key=nasty, event="odd\r\nX: y"))
    assert far.received() == 1


# What speaks HTTP


@pytest.fixture(params=["webhook", *CHATS, "apprise"])
def speaker(request: pytest.FixtureRequest) -> Callable[[str], NotifierSettings]:
    """Makes settings of one kind for a server's origin."""
    kind = request.param
    if kind in CHATS:
        return partial(chat_settings, kind)
    return {"webhook": webhook_settings, "apprise": apprise_settings}[kind]


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_a_redirect_is_refused_and_not_followed(speaker: Callable[[str], NotifierSettings], status: int) -> None:
    with hook() as web:
        web.status, web.headers = status, {"Location": web.url}
        error = failure(build_channel(speaker(web.origin)))
        assert len(web.posts) == 1
    assert error.permanent
    assert ("redirect" in str(error)) or str(status) in str(error)


def test_the_servers_wish_is_kept(speaker: Callable[[str], NotifierSettings]) -> None:
    with hook() as web:
        web.status, web.headers = 429, {"Retry-After": "17"}
        channel = build_channel(speaker(web.origin))
        error = failure(channel)
    # Apprise reads no such header.
    assert (error.permanent, error.retry_after_s) == (False, None if isinstance(channel, AppriseChannel) else 17)


@pytest.mark.parametrize("status", [b"500 Oh", b"200 OK"])
def test_an_endless_answer_is_not_read_to_its_end(speaker: Callable[[str], NotifierSettings], status: bytes) -> None:
    def endless(connection: socket.socket, over: threading.Event) -> None:
        connection.recv(65536)
        connection.sendall(b"HTTP/1.1 " + status + b"\r\n\r\n")
        while not over.is_set():
            connection.sendall(b"no no no " * 1000)

    with odd_peer(endless) as port:
        channel = build_channel(speaker(f"http://{LOOPBACK}:{port}"))
        if status == b"200 OK" and isinstance(channel, WebhookChannel):
            channel.send(message())  # the status says it all
        else:
            assert not failure(channel).permanent


def test_a_body_that_drips_is_cut_off(speaker: Callable[[str], NotifierSettings]) -> None:
    def drip(connection: socket.socket, over: threading.Event) -> None:
        connection.recv(65536)
        connection.sendall(b"HTTP/1.1 500 Oh\r\n\r\n")
        while not over.wait(0.01):
            connection.sendall(b" ")

    with odd_peer(drip) as port:
        settings = replace(speaker(f"http://{LOOPBACK}:{port}"), timeout=SOON)
        assert not failure(build_channel(settings)).permanent


def test_a_proxy_of_the_environment_is_not_used(
    speaker: Callable[[str], NotifierSettings], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("http_proxy", f"http://{LOOPBACK}:{free_port()}")
    with hook() as web:
        web.status = 503
        failure(build_channel(speaker(web.origin)))
        assert len(web.posts) == 1


# TLS


@contextlib.contextmanager
def over_tls(kind: str, certificate: Path, **fields: Any) -> Iterator[NotifierSettings]:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, certificate.with_name("key.pem"))
    if kind == "webhook":
        with hook(context) as web:
            yield webhook_settings(web.url, **fields)
    elif kind in CHATS:
        server = CHATS[kind](BOT)
        with served(server, context):
            yield chat_settings(kind, server.origin, **fields)
    else:
        contexts = {"starttls": None, "implicit": None, kind: context}
        with post_office(**contexts) as office:
            yield email_settings(office.port, tls=kind, **fields)


@pytest.mark.parametrize("kind", ["webhook", *CHATS, "starttls", "implicit"])
def test_a_certificate_of_an_unknown_authority_is_refused(kind: str, certificate: Path) -> None:
    with over_tls(kind, certificate) as settings:
        error = failure(build_channel(settings))
    assert not error.permanent
    assert "trusted" in str(error)


@pytest.mark.parametrize("kind", ["webhook", *CHATS, "starttls", "implicit"])
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
