"""What Telegram sends: pressed buttons, and answers to notices."""

import hmac
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from daemon.chats.heard import Heard, Incoming, NotHeard, Outcome, json_object, text_in
from daemon.chats.threads import incident_named_in
from daemon.replies import opening_in, said_in
from daemon.store.store import Store
from notifiers.chat_settings import TelegramSettings
from notifiers.press import read_code
from notifiers.telegram import TelegramChat
from rules.decision import Verb
from rules.incident import incident_number


@dataclass(frozen=True, slots=True, kw_only=True)
class TelegramEar:
    """One Telegram bot, by the secret of its webhook. An answer is about the incident that the notice begins with: it
    comes with the notice, which Telegram itself has kept."""

    settings: TelegramSettings
    channel: TelegramChat
    store: Store

    def check(self, incoming: Incoming) -> None:
        """As in `Ear`."""
        secret = self.settings.secret_token
        if not secret:
            raise NotHeard("there is no secret_token, so nothing is heard")
        given = incoming.headers.get("x-telegram-bot-api-secret-token", "")
        if not hmac.compare_digest(secret.reveal().encode(), given.encode("utf-8", "replace")):
            raise NotHeard("its secret is not right")

    def read(self, incoming: Incoming) -> Heard | dict[str, Any] | None:
        """As in `Ear`."""
        said = json_object(incoming.body)
        if isinstance(query := said.get("callback_query"), dict):
            return self._pressed(query)
        return self._written(said, message) if isinstance(message := said.get("message"), dict) else None

    def _pressed(self, query: dict[str, Any]) -> Heard | dict[str, Any]:
        secret, code = self.settings.secret_token, text_in(query, "data")
        found = read_code(secret, self.settings.name, code) if secret else None
        number = incident_number(found[1]) if found else None
        if found is None or number is None or found[0] not in tuple(Verb):
            return _toast(text_in(query, "id"), "Not done: this button was not made here.")
        message = query.get("message")
        return self._heard(
            query,
            message,
            key=text_in(query, "id"),
            incident=number,
            verb=Verb(found[0]),
            pressed=message if isinstance(message, dict) else {"message_id": 0},
        )

    def _written(self, said: dict[str, Any], message: dict[str, Any]) -> Heard | None:
        answered = message.get("reply_to_message")
        if answered is None and (opening := opening_in(text_in(message, "text"))) is not None:
            return self._heard(message, message, key=text_in(said, "update_id"), opening=opening)
        if text_in(answered, "from", "id") != self.settings.token.reveal().partition(":")[0]:
            return None
        number = incident_named_in(text_in(answered, "text"))
        if not number:
            return None
        words = said_in(text_in(message, "text") or text_in(message, "caption"))
        return self._heard(
            message, answered, key=text_in(said, "update_id"), incident=number, verb=words.verb, text=words.text
        )

    def _heard(self, said: dict[str, Any], about: object, *, key: str, **what: Any) -> Heard:
        user, name = text_in(said, "from", "id"), text_in(said, "from", "username")
        called = f"{text_in(said, 'from', 'first_name')} {text_in(said, 'from', 'last_name')}".strip()
        chat = text_in(about, "chat", "id") or text_in(said, "chat", "id")
        return Heard(
            chat="telegram",
            notifier=self.settings.name,
            names=frozenset({user, f"@{name}"}) - {"", "@"},
            called=called or name,
            user=user,
            key=key,
            place=chat,
            conversation=f"{chat}:{text_in(about, 'message_id')}",
            **what,
        )

    def answer(self, heard: Heard, outcome: Outcome, at: datetime) -> dict[str, Any] | None:
        """As in `Ear`: what was done is for all to see, a refusal of a press for whoever pressed."""
        if heard.pressed and not outcome.done:
            return _toast(heard.key, outcome.words)
        if outcome.words:
            self.channel.say(heard.place, heard.conversation, outcome.words, at)
        if heard.pressed:
            self.channel.drop_buttons(heard.conversation, at)
            return _toast(heard.key, outcome.words)
        return None


def _toast(query: str, words: str) -> dict[str, Any]:
    """Telegram lets the answer to its request be a call; this one ends the button's waiting. 200 characters at most."""
    return {"method": "answerCallbackQuery", "callback_query_id": query, "text": words[:200], "show_alert": False}
