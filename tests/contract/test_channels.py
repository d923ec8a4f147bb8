"""One contract that every channel passes, against real servers; below it what only mail or only webhooks promise."""

import contextlib
import hashlib
import hmac
import json
import socket
import ssl
import subprocess
import threading
import traceback
from base64 import b64decode, b64encode
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from datetime import timedelta
from email.message import EmailMessage
from pathlib import Path
from typing import Any

import msgspec
import pytest

from notifiers.base import Channel, Message
from notifiers.errors import SendError, SettingsError
from notifiers.registry import build_channel
from notifiers.render import Renderer
from notifiers.samples import samples
from notifiers.secret import Secret
from notifiers.settings import EmailSettings, NotifierSettings, WebhookSettings, faults
from notifiers.webhook import retry_after_s
from rules.document import NoticeContent
from tests.builders import T0
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

SAMPLES = {content.event: content for content in samples()}
PASSWORD = 'pa"ss/word-3f9'
KEY = "signing-key-77"
TOKEN = "token-in-the-path"
HEADER = "header-value-51"
BEARER = "bearer-value-88"
SECRETS = (PASSWORD, KEY, TOKEN, HEADER, BEARER)
SOON = timedelta(milliseconds=300)


def message(sample: str = "opened", **fields: Any) -> Message:
    return Renderer().render(msgspec.structs.replace(SAMPLES[sample], **fields), sent_at=T0)


def webhook_settings(url: str = "http://example.net/", **fields: Any) -> WebhookSettings:
    return WebhookSettings(
        **{
            "name": "noc",
            "url": Secret(url),
            "secret": Secret(KEY),
            "bearer_token": Secret(BEARER),
            "headers": (("X-Room", Secret(HEADER)),),
            **fields,
        }
    )


def email_settings(port: int, **fields: Any) -> EmailSettings:
    return EmailSettings(
        **{
            "name": "noc",
            "host": LOOPBACK,
            "port": port,
            "sender": "incidentd <incidentd@example.net>",
            "recipients": ("Zoë Noc <zoe@example.net>", "bob@example.net"),
            "tls": "none",
            **fields,
        }
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


def failure(channel: Channel, sent: Message | None = None) -> SendError:
    """The error of a send; no secret is in it or in anything that a log could show of it."""
    with pytest.raises(SendError) as caught:
        channel.send(sent or message())
    error = caught.value
    shown = "".join(traceback.format_exception(error)) + repr(error) + repr(vars(channel)) + repr(channel)
    assert not [secret for secret in SECRETS if secret in shown]
    assert "\n" not in str(error)
    assert len(str(error)) < 500
    return error


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


# Webhooks


@pytest.fixture
def web() -> Iterator[Hook]:
    with hook() as server:
        yield server


def test_the_body_is_the_documented_one(web: Hook) -> None:
    build_channel(webhook_settings(web.url)).send(message())
    (post,) = web.posts
    body = json.loads(post.body)
    assert list(body) == ["event", "reason", "at", "idempotency_key", "incident"]
    assert (body["event"], body["idempotency_key"]) == ("opened", "sample:opened")
    assert body["incident"]["root_cause"]["ci"] == "tor-3a"
    assert post.headers["content-type"] == "application/json"
    assert post.headers["idempotency-key"] == "sample:opened"
    assert post.headers["x-room"] == HEADER
    assert post.headers["authorization"] == f"Bearer {BEARER}"
    assert post.headers["user-agent"] == "incidentd"
    assert post.path == f"/in/{TOKEN}"


def test_word_about_a_source_names_it(web: Hook) -> None:
    build_channel(webhook_settings(web.url)).send(message("source_down"))
    body = json.loads(web.posts[0].body)
    assert body["incident"] is None
    assert body["source"]["name"] == "main"


def test_all_alerts_go_out_whole(web: Hook) -> None:
    sample = SAMPLES["opened"].incident
    assert sample is not None
    many = msgspec.structs.replace(sample, alerts=sample.alerts * 1000)
    build_channel(webhook_settings(web.url)).send(message(incident=many))
    assert len(json.loads(web.posts[0].body)["incident"]["alerts"]) == 3000


def test_both_signatures_verify(web: Hook) -> None:
    build_channel(webhook_settings(web.url)).send(message())
    (post,) = web.posts
    expected = hmac.new(KEY.encode(), post.body, hashlib.sha256).hexdigest()
    assert post.headers["x-incidentd-signature"] == f"sha256={expected}"
    signed = f"{post.headers['webhook-id']}.{post.headers['webhook-timestamp']}.".encode() + post.body
    expected = b64encode(hmac.new(KEY.encode(), signed, hashlib.sha256).digest()).decode()
    assert post.headers["webhook-signature"] == f"v1,{expected}"
    assert post.headers["webhook-timestamp"] == str(int(T0.timestamp()))


def test_a_standard_webhooks_key_is_decoded(web: Hook) -> None:
    key = b"0123456789abcdef01234567"
    secret = Secret("whsec_" + b64encode(key).decode())
    build_channel(webhook_settings(web.url, secret=secret)).send(message())
    (post,) = web.posts
    signed = f"{post.headers['webhook-id']}.{post.headers['webhook-timestamp']}.".encode() + post.body
    assert b64decode(post.headers["webhook-signature"][3:]) == hmac.new(key, signed, hashlib.sha256).digest()


def test_without_a_secret_nothing_is_signed(web: Hook) -> None:
    build_channel(webhook_settings(web.url, secret=None)).send(message())
    assert not [name for name in web.posts[0].headers if "signature" in name]


def test_another_try_has_the_same_identity_and_its_own_time(web: Hook) -> None:
    channel = build_channel(webhook_settings(web.url))
    channel.send(message())
    channel.send(replace(message(), sent_at=T0 + timedelta(minutes=1)))
    first, second = web.posts
    assert first.body == second.body
    for name in ("idempotency-key", "webhook-id", "x-incidentd-signature"):
        assert first.headers[name] == second.headers[name]
    assert int(second.headers["webhook-timestamp"]) - int(first.headers["webhook-timestamp"]) == 60


@pytest.mark.parametrize(
    ("status", "permanent"),
    [
        *[(status, True) for status in (400, 401, 404, 410, 413)],
        *[(status, False) for status in (408, 425, 429, 500, 502, 503, 504)],
    ],
)
def test_which_answers_are_final(web: Hook, status: int, permanent: bool) -> None:
    web.status = status
    error = failure(build_channel(webhook_settings(web.url)))
    assert (error.permanent, error.retry_after_s) == (permanent, None)
    assert f"answered {status}" in str(error)


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_a_redirect_is_refused_and_not_followed(web: Hook, status: int) -> None:
    web.status, web.headers = status, {"Location": web.url}
    error = failure(build_channel(webhook_settings(web.url)))
    assert error.permanent
    assert "redirects are not followed" in str(error)
    assert len(web.posts) == 1


def test_the_servers_wish_is_kept(web: Hook) -> None:
    web.status, web.headers = 429, {"Retry-After": "17"}
    assert failure(build_channel(webhook_settings(web.url))).retry_after_s == 17


@pytest.mark.parametrize(
    ("value", "seconds"),
    [
        ("0", 0.0),
        ("90", 90.0),
        ("99999999999999", 3600.0),
        ("Tue, 24 Nov 2026 08:02:00 GMT", 120.0),
        ("Tue, 24 Nov 2020 08:00:00 GMT", 0.0),
        ("Tue, 24 Nov 2099 08:00:00 GMT", 3600.0),
        *[(value, None) for value in ("", "soon", "-5", "1.5", "٣")],
    ],
)
def test_retry_after_is_bounded(value: str, seconds: float | None) -> None:
    assert retry_after_s(value, T0) == seconds


def test_an_endless_answer_is_not_read_to_its_end() -> None:
    def endless(connection: socket.socket, over: threading.Event) -> None:
        connection.recv(65536)
        connection.sendall(b"HTTP/1.1 500 Oh\r\n\r\n")
        while not over.is_set():
            connection.sendall(b"no no no " * 1000)

    with odd_peer(endless) as port:
        error = failure(build_channel(webhook_settings(f"http://{LOOPBACK}:{port}/")))
    assert "no no no" in str(error)


def test_a_body_that_cannot_be_written_is_final(web: Hook) -> None:
    error = failure(build_channel(webhook_settings(web.url)), message(reason="\ud800"))
    assert error.permanent
    assert web.posts == []


def test_a_proxy_of_the_environment_is_not_used(web: Hook, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("http_proxy", f"http://{LOOPBACK}:{free_port()}")
    build_channel(webhook_settings(web.url)).send(message())
    assert len(web.posts) == 1


# Mail


@pytest.fixture
def office() -> Iterator[PostOffice]:
    with post_office() as opened:
        yield opened


def letters(office: PostOffice, *events: str, **fields: Any) -> list[EmailMessage]:
    channel = build_channel(email_settings(office.port, **fields))
    for event in events:
        channel.send(message(event))
    return office.letters


def test_a_mail_has_what_readers_and_programs_need(office: PostOffice) -> None:
    (letter,) = letters(office, "opened")
    assert letter["Subject"] == "[P1] INC-42 tor-3a is down: Payments and Online shop are down"
    assert letter["From"] == "incidentd <incidentd@example.net>"
    assert letter["To"] == "Zoë Noc <zoe@example.net>, bob@example.net"
    assert letter["Date"].datetime == T0
    assert letter["Auto-Submitted"] == "auto-generated"
    assert letter["X-Incidentd-Incident"] == "INC-42"
    assert (letter["Importance"], letter["X-Priority"]) == ("high", "1")
    assert office.recipients == [("zoe@example.net", "bob@example.net")]
    text, page = letter.get_body(("plain",)), letter.get_body(("html",))
    assert text is not None
    assert page is not None
    assert text.get_content().startswith("P1  New incident: tor-3a is down")
    assert "<!doctype html>" in page.get_content()


def test_one_incident_is_one_thread(office: PostOffice) -> None:
    first, *others = letters(office, "opened", "changed", "resolved", "reopened")
    assert first["In-Reply-To"] is None
    assert {letter["In-Reply-To"] for letter in others} == {first["Message-ID"]}
    assert {letter["References"] for letter in others} == {first["Message-ID"]}
    assert len({letter["Message-ID"] for letter in office.letters}) == 4


def test_a_mail_that_goes_twice_has_the_same_id(office: PostOffice) -> None:
    first, second = letters(office, "changed", "changed")
    assert first["Message-ID"] == second["Message-ID"]


def test_two_incidents_are_two_threads(office: PostOffice) -> None:
    sample = SAMPLES["opened"].incident
    assert sample is not None
    channel = build_channel(email_settings(office.port))
    channel.send(message())
    channel.send(message(incident=msgspec.structs.replace(sample, number="INC-43")))
    assert len({letter["Message-ID"] for letter in office.letters}) == 2


def test_only_the_most_urgent_is_flagged(office: PostOffice) -> None:
    sample = SAMPLES["opened"].incident
    assert sample is not None
    channel = build_channel(email_settings(office.port))
    channel.send(message(incident=msgspec.structs.replace(sample, priority="P2")))
    assert office.letters[0]["Importance"] is None


def test_no_header_can_be_smuggled_in(office: PostOffice) -> None:
    sample = SAMPLES["opened"].incident
    assert sample is not None
    nasty = "down\r\nBcc: eve@example.net\r\n\r\nhello"
    record = msgspec.structs.replace(sample, title=nasty, number=nasty)
    build_channel(email_settings(office.port)).send(message(incident=record, event=nasty))
    (letter,) = office.letters
    assert letter["Bcc"] is None
    assert "down Bcc: eve@example.net hello" in letter["Subject"]
    assert office.recipients == [("zoe@example.net", "bob@example.net")]


def test_a_unicode_subject_arrives(office: PostOffice) -> None:
    sample = SAMPLES["opened"].incident
    assert sample is not None
    title = "Rückzahlungen stehen – 決済 ist aus 🚨 " + "ö" * 80
    build_channel(email_settings(office.port)).send(message(incident=msgspec.structs.replace(sample, title=title)))
    assert title in office.letters[0]["Subject"]


def test_who_has_it_already_does_not_get_it_again(office: PostOffice) -> None:
    office.refuses = {"bob@example.net": "450 greylisted"}
    channel = build_channel(email_settings(office.port))
    error = failure(channel)
    assert not error.permanent
    assert "bob@example.net: 450 greylisted; 1 of 2 have it" in str(error)
    assert not failure(channel).permanent
    office.refuses = {}
    channel.send(message())
    assert office.recipients == [("zoe@example.net",), ("bob@example.net",)]


@pytest.mark.parametrize(
    ("refusals", "permanent"),
    [(("550 unknown", ""), True), (("550 unknown", "550 unknown"), True), (("550 unknown", "450 later"), False)],
)
def test_refused_recipients_are_named(office: PostOffice, refusals: tuple[str, str], permanent: bool) -> None:
    named = zip(("bob@example.net", "zoe@example.net"), refusals, strict=True)
    office.refuses = {who: answer for who, answer in named if answer}
    error = failure(build_channel(email_settings(office.port)))
    assert error.permanent is permanent
    assert "bob@example.net: 550 unknown" in str(error)


def test_a_refused_login_is_final_and_says_nothing_more(office: PostOffice) -> None:
    office.accepts_login = False
    settings = email_settings(office.port, username="incidentd", password=Secret(PASSWORD))
    error = failure(build_channel(settings))
    assert error.permanent
    assert "refused the login with 535" in str(error)


def test_a_login_is_used(office: PostOffice) -> None:
    letters(office, "opened", username="incidentd", password=Secret("plain-words"))
    assert office.logins == [("incidentd", "plain-words")]


def test_a_server_without_starttls_gets_nothing(office: PostOffice) -> None:
    error = failure(build_channel(email_settings(office.port, tls="starttls")))
    assert error.permanent
    assert office.letters == []


# TLS, for both


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A self-signed certificate for the loopback address, with its key in the same file."""
    where = tmp_path_factory.mktemp("tls")
    words = "req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 2 -subj /CN=loopback"
    files = ["-addext", f"subjectAltName=IP:{LOOPBACK}", "-keyout", "key.pem", "-out", "cert.pem"]
    subprocess.run(["openssl", *words.split(), *files], cwd=where, check=True, capture_output=True)
    return where / "cert.pem"


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


# Settings


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({"url": Secret("ftp://example.net/")}, "url must be"),
        ({"url": Secret("http:///x")}, "url must be"),
        ({"url": Secret("http://example.net:99999/")}, "url must be"),
        ({"url": Secret("http://example.net/a b")}, "url must be"),
        ({"headers": (("Bad Name", Secret("x")),)}, "header 'Bad Name'"),
        ({"headers": (("Host", Secret("x")),)}, "header 'Host'"),
        ({"headers": (("X-A", Secret("a\r\nb")),)}, "the value of header 'X-A'"),
        ({"bearer_token": Secret("a\nb")}, "bearer_token"),
        ({"timeout": timedelta(0)}, "timeout"),
        ({"ca_file": Path("/nowhere/ca.pem")}, "ca_file"),
    ],
)
def test_a_webhook_that_could_never_send_is_not_built(fields: dict[str, Any], words: str) -> None:
    with pytest.raises(SettingsError, match=words):
        build_channel(webhook_settings(**fields) if "url" not in fields else replace(webhook_settings(), **fields))


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({"host": ""}, "host"),
        ({"port": 0}, "port"),
        ({"recipients": ()}, "to must"),
        ({"recipients": ("a@b.net, c@d.net",)}, "not a mail address"),
        ({"sender": "x\r\nBcc: a@b.net <a@b.net>"}, "not a mail address"),
        ({"sender": "nobody"}, "not a mail address"),
        ({"username": "me"}, "belong together"),
        ({"username": "me", "password": Secret("x"), "host": "mail.example.net"}, "in the clear"),
        ({"ca_file": Path("/nowhere/ca.pem")}, "ca_file"),
    ],
)
def test_a_mail_channel_that_could_never_send_is_not_built(fields: dict[str, Any], words: str) -> None:
    with pytest.raises(SettingsError, match=words):
        build_channel(replace(email_settings(25), **fields))


def test_good_settings_have_no_faults() -> None:
    assert faults(webhook_settings("https://[::1]:8443/x?y=z")) == ()
    assert faults(email_settings(587, tls="starttls", username="a", password=Secret("b"))) == ()


def test_a_notice_content_is_what_samples_say() -> None:
    assert all(isinstance(content, NoticeContent) for content in SAMPLES.values())
