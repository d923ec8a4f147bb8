"""What the owner says about one chat."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import ClassVar

from notifiers.secret import Secret
from notifiers.settings import NotifierSettings, is_header_value, is_web_address, shown


@dataclass(frozen=True, slots=True, kw_only=True)
class ChatSettings(NotifierSettings):
    """What every chat has: the address of its API, the token of a bot there, and `to`, the place that the bot posts to
    where no person is meant."""

    addresses: ClassVar[re.Pattern[str]]
    allowed: ClassVar[str]

    url: str
    token: Secret
    to: str

    def faults(self) -> Iterator[str]:
        """As in `NotifierSettings`."""
        if not is_web_address(self.url):
            yield "url must be a whole http:// or https:// address without spaces"
        if not is_header_value(self.token.reveal()):
            yield "token must be printable ASCII on one line"
        if fault := self.address_fault(self.to):
            yield f"to: {fault}"

    def address_fault(self, address: str) -> str:
        """As in `NotifierSettings`."""
        if self.addresses.fullmatch(address):
            return ""
        return f"{shown(address)} is no address in this chat; allowed: {self.allowed}"


@dataclass(frozen=True, slots=True, kw_only=True)
class SlackSettings(ChatSettings):
    """A Slack workspace. With the app's `signing_secret` buttons and replies are taken from it; without, buttons are
    links."""

    addresses = re.compile(r"[A-Z][A-Z0-9]{2,30}|#[\w-]{1,80}")
    allowed = "the id of a channel or member, as in C0123456789 or U0123456789, or a channel's #name"

    url: str = "https://slack.com/api"
    signing_secret: Secret | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class MattermostSettings(ChatSettings):
    """A Mattermost server. With the `webhook_token` of an outgoing webhook buttons and replies are taken from it, at
    `hook`, the address of this daemon's own that the server can reach; without, buttons are links."""

    addresses = re.compile(r"[a-z0-9]{26}|@[a-z0-9._-]{1,64}|[a-z0-9-]{1,64}/[a-z0-9_-]{1,64}")
    allowed = "the id of a channel, team/channel, or @user"

    webhook_token: Secret | None = None
    hook: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class TelegramSettings(ChatSettings):
    """A Telegram bot. With the `secret_token` of its webhook buttons and replies are taken from it; without, buttons
    are links. `topic` is a forum's topic in the group `to`."""

    addresses = re.compile(r"-?[0-9]{1,20}|@[A-Za-z][A-Za-z0-9_]{3,63}", re.ASCII)
    allowed = 'the number of a chat in quotes, as in "-1001234567890", or a public channel\'s @name'

    url: str = "https://api.telegram.org"
    topic: int | None = None
    secret_token: Secret | None = None

    def faults(self) -> Iterator[str]:
        """As in `NotifierSettings`; Telegram itself allows only these characters in both secrets."""
        yield from ChatSettings.faults(self)
        if not re.fullmatch(r"[0-9]{1,20}:[A-Za-z0-9_-]{1,100}", self.token.reveal()):
            yield "token is none that BotFather gives; allowed: digits, a colon, letters, digits, _ and -"
        if self.secret_token and not re.fullmatch(r"[A-Za-z0-9_-]{16,256}", self.secret_token.reveal()):
            yield "secret_token must have 16 to 256 characters; allowed: letters, digits, _ and -"
