"""What only Apprise promises: many services at once, people by name, and nothing that acts on this machine."""

import json
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import replace

import msgspec
import pytest

from notifiers.apprise_settings import REFUSED_SCHEMES
from notifiers.apprise_worker import Order, Outcome
from notifiers.base import Extras
from notifiers.errors import SettingsError
from notifiers.registry import build_channel
from notifiers.secret import Secret
from rules.document import RecipientDocument
from tests.channels import ACTIONS, apprise_settings, failure, message
from tests.fakes import LOOPBACK, Hook, free_port, hook


@pytest.fixture
def web() -> Iterator[Hook]:
    with hook() as server:
        yield server


def address(web: Hook, path: str) -> Secret:
    return Secret(f"json://{web.origin.removeprefix('http://')}/{path}")


def test_people_read_the_heart_of_it_and_what_they_can_do(web: Hook) -> None:
    build_channel(apprise_settings(web.origin)).send(message(extras=Extras(actions=ACTIONS)))
    body = json.loads(web.posts[0].body)
    assert body["title"] == "INC-42 · P1 New incident: tor-3a is down: Payments and Online shop are down"
    assert "Down: Online shop, Payments. Degraded: Reporting." in body["message"]
    assert f"Acknowledge: {ACTIONS[0].url}" in body["message"]
    assert body["type"] == "failure"


@pytest.mark.parametrize(("event", "kind"), [("resolved", "success"), ("source_down", "info")])
def test_services_can_colour_it(web: Hook, event: str, kind: str) -> None:
    build_channel(apprise_settings(web.origin)).send(message(event))
    assert json.loads(web.posts[0].body)["type"] == kind


def test_a_part_that_is_reached_is_a_failure_and_is_not_told_again(web: Hook) -> None:
    web.program = lambda post: (503 if "second" in post.path else 200, {}, b"")
    urls = (address(web, "first-service"), address(web, "second-service"))
    channel = build_channel(apprise_settings(web.origin, urls=urls))
    error = failure(channel)
    assert not error.permanent
    assert "json (address 2) did not take it" in str(error)
    assert "1 of 2 have it" in str(error)
    assert "second-service" not in str(error)
    web.program = None
    channel.send(message())
    assert sorted(post.path for post in web.posts) == ["/first-service", "/second-service", "/second-service"]
    channel.send(message())
    assert len(web.posts) == 5


def test_a_person_is_told_at_the_target_of_their_name(web: Hook) -> None:
    settings = apprise_settings(web.origin, targets=(("anna-mobile", address(web, "anna-only")),))
    anna = RecipientDocument(id="anna", name="Anna", address="anna-mobile")
    build_channel(settings).send(message("escalated", recipient=anna))
    assert [post.path for post in web.posts] == ["/anna-only"]
    assert settings.address_fault("anna-mobile") == ""
    assert "allowed: anna-mobile" in settings.address_fault("bob")
    assert "secret" in settings.address_fault("ntfy://token@host/topic")
    assert "token" not in settings.address_fault("ntfy://token@host/topic")
    gone = failure(build_channel(apprise_settings(web.origin)), message("escalated", recipient=anna))
    assert gone.permanent


def test_a_kind_that_apprise_does_not_know_is_final(web: Hook) -> None:
    error = failure(build_channel(apprise_settings(web.origin, urls=(Secret("nosuchthing://secret-part"),))))
    assert error.permanent
    assert "nosuchthing (address 1) is of no kind that Apprise knows" in str(error)


@pytest.mark.parametrize("scheme", sorted(REFUSED_SCHEMES))
def test_nothing_that_acts_on_this_machine_is_built(web: Hook, scheme: str) -> None:
    with pytest.raises(SettingsError, match="acts on this machine"):
        build_channel(apprise_settings(web.origin, urls=(Secret(f"{scheme.upper()}://x"),)))


def test_the_environment_has_no_say(web: Hook, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HTTP_PROXY", f"http://127.0.0.1:{free_port()}")
    monkeypatch.setenv("PYTHONPATH", "/nowhere")
    build_channel(apprise_settings(web.origin)).send(message())
    assert len(web.posts) == 1


def test_nobody_is_called_by_foreign_text(web: Hook) -> None:
    odd = replace(message(), brief="all of @channel", text="one\ntwo @here")
    build_channel(apprise_settings(web.origin)).send(odd)
    assert b"@channel" not in web.posts[0].body
    assert b"@here" not in web.posts[0].body


LARGE_PARENT = """
import subprocess, sys
held = bytearray(450 << 20)
for page in range(0, len(held), 4096):
    held[page] = 1
worker = [sys.executable, "-I", "-m", "notifiers.apprise_worker"]
print(subprocess.run(worker, input=sys.stdin.buffer.read(), stdout=subprocess.PIPE).stdout.decode())
"""


def test_a_daemon_that_has_grown_large_can_still_send() -> None:
    order = Order(
        urls=(f"json://{LOOPBACK}:{free_port()}",),
        title="t",
        body="b",
        kind="info",
        timeout_s=1,
        deadline_s=60,
        refused=(),
    )
    command = [sys.executable, "-c", LARGE_PARENT]
    done = subprocess.run(command, input=msgspec.json.encode(order), stdout=subprocess.PIPE, timeout=60, check=True)
    (outcome,) = msgspec.json.decode(done.stdout, type=list[Outcome])
    assert outcome.how == "failed", "nobody listens, and it was not taken for one that swells"
