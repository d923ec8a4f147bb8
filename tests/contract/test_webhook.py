"""What only webhooks promise, against a real server."""

import hashlib
import hmac
import json
from base64 import b64decode, b64encode
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta

import msgspec
import pytest

from notifiers.http_client import retry_after_s
from notifiers.registry import build_channel
from notifiers.secret import Secret
from rules.document import RecipientDocument
from tests.builders import T0
from tests.channels import BEARER, HEADER, KEY, SAMPLES, TOKEN, failure, message, webhook_settings
from tests.fakes import (
    Hook,
    hook,
)


@pytest.fixture
def web() -> Iterator[Hook]:
    with hook() as server:
        yield server


def test_the_body_is_the_documented_one(web: Hook) -> None:
    build_channel(webhook_settings(web.url)).send(message(why=()))
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


def test_a_body_that_cannot_be_written_is_final(web: Hook) -> None:
    error = failure(build_channel(webhook_settings(web.url)), message(reason="\ud800"))
    assert error.permanent
    assert web.posts == []


def test_a_notice_that_calls_one_person_names_them(web: Hook) -> None:
    person = RecipientDocument(id="anna", name="Anna Berg", address="+49 30 1234")
    build_channel(webhook_settings(web.url)).send(message("escalated", recipient=person))
    (post,) = web.posts
    body = json.loads(post.body)
    assert body["recipient"] == {"id": "anna", "name": "Anna Berg", "address": "+49 30 1234"}
    assert "source" not in body
