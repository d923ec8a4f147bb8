"""What the suites of the channels share: settings with every kind of secret, messages, and how a failure must look."""

import traceback
from datetime import timedelta
from typing import Any
from urllib.parse import quote

import msgspec
import pytest

from notifiers.apprise_settings import AppriseSettings
from notifiers.base import NO_EXTRAS, Action, Channel, Extras, Message
from notifiers.chat_settings import ChatSettings, MattermostSettings, SlackSettings, TelegramSettings
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
BOT = "1234567:bot-token-62"
HEARS = "hears-the-chat-by-this-93"
ACT = "act-token-29"
SECRETS = (PASSWORD, KEY, TOKEN, HEADER, BEARER, BOT, HEARS, ACT)
ACTIONS = (
    Action(verb="acknowledge", label="Acknowledge", url=f"https://inc.example.net/act/{ACT}a", token=f"{ACT}a"),
    Action(verb="resolve", label="Resolve", url=f"https://inc.example.net/act/{ACT}r", token=f"{ACT}r"),
)
SOON = timedelta(milliseconds=300)


def message(sample: str = "opened", *, extras: Extras = NO_EXTRAS, **fields: Any) -> Message:
    return Renderer().render(msgspec.structs.replace(SAMPLES[sample], **fields), sent_at=T0, extras=extras)


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


def chat_settings(kind: str, url: str, *, hears: bool = True, **fields: Any) -> ChatSettings:
    """Of `slack`, `mattermost` or `telegram`; whether buttons come back from it is up to `hears`."""
    secret = Secret(HEARS) if hears else None
    common = {"name": "noc", "token": Secret(BOT), "url": url}
    if kind == "slack":
        return SlackSettings(**{**common, "to": "#noc", "signing_secret": secret, **fields})
    if kind == "mattermost":
        own = {"to": "ops/noc", "webhook_token": secret, "hook": "http://127.0.0.1/hooks/mattermost/noc"}
        return MattermostSettings(**{**common, **own, **fields})
    return TelegramSettings(**{**common, "to": "@noc_channel", "secret_token": secret, **fields})


def apprise_settings(origin: str, **fields: Any) -> AppriseSettings:
    """One address, which is the server's at `origin` by Apprise's own JSON."""
    where = origin.removeprefix("http://")
    url = Secret(f"json://anna:{quote(PASSWORD, safe='')}@{where}/in/{TOKEN}")
    return AppriseSettings(**{"name": "noc", "urls": (url,), **fields})


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
