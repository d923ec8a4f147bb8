"""Settings that could never send are refused, key by key."""

import sys
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from notifiers.errors import SettingsError
from notifiers.registry import build_channel
from notifiers.secret import Secret
from notifiers.settings import faults
from tests.channels import apprise_settings, chat_settings, email_settings, webhook_settings


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({"url": Secret("ftp://example.net/")}, "url must be"),
        ({"url": Secret("http:///x")}, "url must be"),
        ({"url": Secret("http://example.net:99999/")}, "url must be"),
        ({"url": Secret("http://example.net/a b")}, "url must be"),
        ({"headers": (("Bad Name", Secret("x")),)}, "headers cannot set 'Bad Name'"),
        ({"headers": (("Host", Secret("x")),)}, "headers cannot set 'Host'"),
        ({"headers": (("X-A", Secret("a\r\nb")),)}, "headers .* 'X-A'"),
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
        ({"username": "me", "password": Secret("x"), "host": "mail.example.net"}, "tls must not"),
        ({"ca_file": Path("/nowhere/ca.pem")}, "ca_file"),
    ],
)
def test_a_mail_channel_that_could_never_send_is_not_built(fields: dict[str, Any], words: str) -> None:
    with pytest.raises(SettingsError, match=words):
        build_channel(replace(email_settings(25), **fields))


@pytest.mark.parametrize(
    ("kind", "fields", "words"),
    [
        ("slack", {"to": "noc"}, 'to: "noc" is no address in this chat; allowed: the id of a channel'),
        ("slack", {"url": "slack.com"}, "url must be"),
        ("slack", {"token": Secret("a\nb")}, "token must be"),
        ("mattermost", {"to": "Town Square"}, "to: .* team/channel, or @user"),
        ("telegram", {"to": "noc"}, "to: .* in quotes"),
        ("telegram", {"token": Secret("abc")}, "token is none that BotFather gives"),
        ("telegram", {"secret_token": Secret("short")}, "secret_token must have 16 to 256"),
        ("telegram", {"ca_file": Path("/nowhere/ca.pem")}, "ca_file"),
    ],
)
def test_a_chat_that_could_never_be_posted_in_is_not_built(kind: str, fields: dict[str, Any], words: str) -> None:
    with pytest.raises(SettingsError, match=words):
        build_channel(replace(chat_settings(kind, "http://example.net"), **fields))


def test_without_apprise_it_is_said_how_to_get_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "apprise", None)
    assert any("pip install 'incidentd[many-channels]'" in fault for fault in faults(apprise_settings("http://h")))


def test_good_settings_have_no_faults() -> None:
    assert faults(apprise_settings("http://h")) == ()
    for kind, to in (("slack", "C0123456789"), ("mattermost", "a" * 26), ("telegram", "-1001234567890")):
        assert faults(chat_settings(kind, "https://chat.example.net/path", to=to)) == ()
    assert faults(webhook_settings("https://[::1]:8443/x?y=z")) == ()
    assert faults(email_settings(587, tls="starttls", username="a", password=Secret("b"))) == ()
