"""What the suites of the channels share: settings with every kind of secret, messages, and how a failure must look."""

import traceback
from datetime import timedelta
from typing import Any

import msgspec
import pytest

from notifiers.base import Channel, Message
from notifiers.errors import SendError
from notifiers.render import Renderer
from notifiers.samples import samples
from notifiers.secret import Secret
from notifiers.settings import EmailSettings, WebhookSettings
from tests.builders import T0
from tests.fakes import LOOPBACK

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
