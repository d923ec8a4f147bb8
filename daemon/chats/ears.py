"""Which ear hears what comes in through which notifier."""

from collections.abc import Mapping

from daemon.chats.heard import Ear
from daemon.chats.mattermost import MattermostEar
from daemon.chats.slack import SlackEar
from daemon.chats.telegram import TelegramEar
from daemon.store.store import Store
from notifiers.base import Channel
from notifiers.mattermost import MattermostChat
from notifiers.slack import SlackChat
from notifiers.telegram import TelegramChat

KINDS = ("slack", "mattermost", "telegram")


def ear_of(kind: str, notifier: str, channels: Mapping[str, Channel], store: Store) -> Ear | None:
    """The ear for requests to `/hooks/KIND/NOTIFIER`; None where there is no such notifier of that kind."""
    channel = channels.get(notifier)
    if kind == "slack" and isinstance(channel, SlackChat):
        return SlackEar(settings=channel.settings, channel=channel, store=store)
    if kind == "mattermost" and isinstance(channel, MattermostChat):
        return MattermostEar(settings=channel.settings, channel=channel, store=store)
    if kind == "telegram" and isinstance(channel, TelegramChat):
        return TelegramEar(settings=channel.settings, channel=channel, store=store)
    return None
