"""The section `inbound`: what it becomes, and what it refuses."""

from datetime import timedelta

import pytest

from daemon.config.inbound import ImapSettings, InboundSettings, SmtpSettings
from daemon.errors import ConfigError
from notifiers.secret import Secret
from tests.unit.test_config import Site, site

__all__ = ["site"]

MAIL = "notifiers: [{name: oncall, type: email, host: mx, from: a@x.net, to: b@x.net}]\n"


def test_all_of_it(site: Site) -> None:
    text = """
notifiers:
  - {name: noc, type: webhook, url: "http://127.0.0.1/hook"}
  - {name: oncall, type: email, host: mx, from: a@x.net, to: b@x.net}
inbound:
  address: Incidents@Example.net
  requests_address: requests@example.net
  from_allowed: [Example.net, Carla@shop.example]
  authserv_id: mx.example.net
  group: desk
  per_hour: 5
  imap: {host: imap.example.net, username: me, password_file: imap_pw, folder: Queue, interval: 1m, timeout: 5s}
  smtp: {listen: "[::1]:2526"}
"""
    config = site.load(text, imap_pw="s3cret\n")
    assert config.inbound == InboundSettings(
        address="incidents@example.net",
        requests_address="requests@example.net",
        from_allowed=frozenset({"example.net", "carla@shop.example"}),
        authserv_id="mx.example.net",
        group="desk",
        per_hour=5,
        answer_via="oncall",
        imap=ImapSettings(
            host="imap.example.net",
            port=993,
            username="me",
            password=Secret("s3cret"),
            folder="Queue",
            interval=timedelta(minutes=1),
            timeout=timedelta(seconds=5),
        ),
        smtp=SmtpSettings(host="::1", port=2526),
    )
    assert "s3cret" not in repr(config)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("{address: a@x.net}", "inbound takes no mail from anywhere; allowed: imap, smtp, or both"),
        ("{smtp: {}}", "address is missing"),
        ("{address: a, smtp: {}}", 'address: "a" is not a mail address; allowed: as in incidents@example.net'),
        ("{address: a+b@x.net, smtp: {}}", "leaves no room for what marks answers; allowed: at most 39 characters"),
        (f"{{address: {'a' * 40}@x.net, smtp: {{}}}}", "leaves no room"),
        ("{address: a@x.net, requests_address: a@x.net, smtp: {}}", "requests_address is address as well"),
        ("{address: a@x.net, from_allowed: ['*'], smtp: {}}", '"*" is no mail address or domain'),
        ("{address: a@x.net, from_alowed: [], smtp: {}}", 'did you mean "from_allowed"?'),
        ("{address: a@x.net, answer_via: oncal, smtp: {}}", 'there is no notifier "oncal"; did you mean "oncall"?'),
        ("{address: a@x.net, smtp: {require_tls: true}}", "require_tls stands without cert_file"),
        ("{address: a@x.net, smtp: {key_file: incidentd.yaml}}", "key_file stands without cert_file"),
        ("{address: a@x.net, imap: {host: mx, username: me}}", "password is missing"),
        ("{address: a@x.net, imap: {host: mx, username: me, password: s3cret, tls: none}}", "tls must not be none"),
        ("{address: a@x.net, imap: {host: mx, username: me, password: s3cret, interval: 0s}}", "out of range"),
    ],
)
def test_mistakes_are_told_in_words(site: Site, text: str, words: str) -> None:
    with pytest.raises(ConfigError) as caught:
        site.load(f"{MAIL}inbound: {text}\n")
    (problem,) = caught.value.problems
    assert "incidentd.yaml:2: " in str(problem)
    assert words in str(problem)
    assert "s3cret" not in str(problem)
