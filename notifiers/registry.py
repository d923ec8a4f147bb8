"""From the owner's settings to channels."""

from collections.abc import Callable, Mapping
from typing import Any

from notifiers.apprise_channel import AppriseChannel
from notifiers.apprise_settings import AppriseSettings
from notifiers.base import Channel
from notifiers.chat_settings import MattermostSettings, SlackSettings, TelegramSettings
from notifiers.email import EmailChannel
from notifiers.errors import SettingsError
from notifiers.mattermost import MattermostChat
from notifiers.settings import EmailSettings, NotifierSettings, WebhookSettings, faults
from notifiers.slack import SlackChat
from notifiers.telegram import TelegramChat
from notifiers.webhook import WebhookChannel

_CHANNELS: Mapping[type[NotifierSettings], Callable[[Any], Channel]] = {
    WebhookSettings: WebhookChannel,
    EmailSettings: EmailChannel,
    SlackSettings: SlackChat,
    MattermostSettings: MattermostChat,
    TelegramSettings: TelegramChat,
    AppriseSettings: AppriseChannel,
}


def build_channel(settings: NotifierSettings) -> Channel:
    """The channel that these settings describe; SettingsError, naming every fault, where it could never send."""
    found = faults(settings)
    if found:
        raise SettingsError(f"notifier {settings.name}: {'; '.join(found)}")
    try:
        return _CHANNELS[type(settings)](settings)
    except (OSError, ValueError):
        raise SettingsError(f"notifier {settings.name}: ca_file {settings.ca_file} cannot be read as PEM") from None
