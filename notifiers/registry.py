"""From the owner's settings to channels."""

from notifiers.base import Channel
from notifiers.email import EmailChannel
from notifiers.errors import SettingsError
from notifiers.settings import NotifierSettings, WebhookSettings, faults
from notifiers.webhook import WebhookChannel


def build_channel(settings: NotifierSettings) -> Channel:
    """The channel that these settings describe; SettingsError, naming every fault, where it could never send."""
    found = faults(settings)
    if found:
        raise SettingsError(f"notifier {settings.name}: {'; '.join(found)}")
    try:
        return WebhookChannel(settings) if isinstance(settings, WebhookSettings) else EmailChannel(settings)
    except (OSError, ValueError):
        raise SettingsError(f"notifier {settings.name}: ca_file {settings.ca_file} cannot be read as PEM") from None
