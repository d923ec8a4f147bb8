"""What Slack sends: pressed buttons, and messages in conversations that notices have begun."""

import hashlib
import hmac
import html
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from daemon.chats.heard import FORM, Heard, Incoming, NotHeard, Outcome, form_in, json_object, text_in
from daemon.chats.threads import incident_of
from daemon.replies import opening_in, said_in
from daemon.store.store import Store
from notifiers.chat_settings import SlackSettings
from notifiers.slack import SlackChat

WINDOW_S = 300
"""How old a request may be, so that nobody sends one again that they have overheard; Slack's own advice."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SlackEar:
    """One Slack workspace, by the app's signing secret."""

    settings: SlackSettings
    channel: SlackChat
    store: Store

    def check(self, incoming: Incoming) -> None:
        """As in `Ear`; https://docs.slack.dev/authentication/verifying-requests-from-slack says how it signs."""
        secret = self.settings.signing_secret
        if not secret:
            raise NotHeard("there is no signing_secret, so nothing is heard")
        stamp, signature = (incoming.headers.get(f"x-slack-{n}", "") for n in ("request-timestamp", "signature"))
        if not stamp.isascii() or not stamp.isdigit() or len(stamp) > 12:
            raise NotHeard("it has no time")
        if abs(incoming.at.timestamp() - int(stamp)) > WINDOW_S:
            raise NotHeard("its time is not now")
        signed = f"v0:{stamp}:".encode() + incoming.body
        made = "v0=" + hmac.new(secret.reveal().encode(), signed, hashlib.sha256).hexdigest()
        if not hmac.compare_digest(made.encode(), signature.encode("utf-8", "replace")):
            raise NotHeard("its signature is not right")

    def read(self, incoming: Incoming) -> Heard | dict[str, Any] | None:
        """As in `Ear`."""
        if incoming.headers.get("content-type", "").startswith(FORM):
            return self._pressed(json_object(form_in(incoming.body).get("payload", "")))
        said = json_object(incoming.body)
        if said.get("type") == "url_verification":
            return {"challenge": text_in(said, "challenge")}
        return self._written(said) if said.get("type") == "event_callback" else None

    def _pressed(self, said: dict[str, Any]) -> Heard | None:
        actions = said.get("actions")
        if said.get("type") != "block_actions" or not isinstance(actions, list) or not actions:
            return None
        message = said.get("message")
        channel, ts = text_in(said, "channel", "id"), text_in(message, "ts")
        token = text_in(actions[0], "value")
        if not token:  # a button that is a link
            return None
        return self._heard(
            text_in(said, "user", "id"),
            text_in(said, "user", "name") or text_in(said, "user", "username"),
            key=text_in(said, "trigger_id") or f"{ts}:{text_in(actions[0], 'action_ts')}",
            channel=channel,
            ts=text_in(message, "thread_ts") or ts,
            token=token,
            pressed=message if isinstance(message, dict) else {"ts": ts},
        )

    def _written(self, said: dict[str, Any]) -> Heard | None:
        event = said.get("event")
        if not isinstance(event, dict) or event.get("type") != "message" or event.get("bot_id"):
            return None
        channel, ts = text_in(event, "channel"), text_in(event, "thread_ts")
        number = incident_of(self.store, self.settings.name, f"{channel}:{ts}") if ts else 0
        opening = None if ts or event.get("subtype") else opening_in(html.unescape(text_in(event, "text")))
        if opening is not None:
            key, own = text_in(said, "event_id"), text_in(event, "ts")
            key = key or f"{channel}:{own}"
            return self._heard(text_in(event, "user"), "", key=key, channel=channel, ts=own, opening=opening)
        if not number or event.get("subtype") not in (None, "file_share", "thread_broadcast"):
            return None
        words = said_in(html.unescape(text_in(event, "text")))
        return self._heard(
            text_in(event, "user"),
            "",
            key=text_in(said, "event_id") or f"{channel}:{text_in(event, 'ts')}",
            channel=channel,
            ts=ts,
            incident=number,
            verb=words.verb,
            text=words.text,
        )

    def _heard(self, user: str, called: str, *, key: str, channel: str, ts: str, **what: Any) -> Heard:
        return Heard(
            chat="slack",
            notifier=self.settings.name,
            names=frozenset({user}) - {""},
            called=called,
            user=user,
            key=key,
            place=channel,
            conversation=f"{channel}:{ts}",
            **what,
        )

    def answer(self, heard: Heard, outcome: Outcome, at: datetime) -> dict[str, Any] | None:
        """As in `Ear`: what was done is for all to see, a refusal for whoever asked."""
        if outcome.words and (outcome.done or not heard.user):
            self.channel.say(heard.place, heard.conversation, outcome.words, at)
        elif outcome.words:
            self.channel.whisper(heard.place, heard.conversation, heard.user, outcome.words, at)
        if heard.pressed and outcome.done:
            self.channel.drop_buttons(heard.place, heard.pressed, at)
        return None
