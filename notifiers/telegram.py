"""Notices in Telegram, by a bot's token and the Bot API."""

from dataclasses import replace
from datetime import datetime
from html import escape
from typing import Any

from notifiers.base import Action
from notifiers.chat import Chat, Post, Refused
from notifiers.chat_settings import TelegramSettings
from notifiers.chat_text import MAX_LABEL_CHARS, calling_nobody
from notifiers.errors import SendError
from notifiers.http_client import MAX_RETRY_AFTER_S, Answer, Talk
from notifiers.press import code_of
from notifiers.wording import one_line


class TelegramChat(Chat):
    """Posts in a group or channel, or to a user in person.

    A conversation is named `CHAT:MESSAGE`; what belongs to it answers its first message. A pressed button sends a code
    of its own, because its token would not fit. The bot's token is part of every address that is asked.
    """

    def __init__(self, settings: TelegramSettings) -> None:
        self.settings = settings
        super().__init__(settings, (settings.secret_token,))
        self._token = settings.token
        self._topic = settings.topic
        self._secret = settings.secret_token

    def _post(self, talk: Talk, post: Post) -> str:
        payload: dict[str, Any] = {"chat_id": post.to, **self._message(post)}
        first = post.anchor.partition(":")[2]
        if first.isdecimal():
            payload["reply_parameters"] = {"message_id": int(first), "allow_sending_without_reply": True}
        if self._topic is not None and post.to == self._to:
            payload["message_thread_id"] = self._topic
        result = self._call(talk, "sendMessage", payload, post.at)
        if first and isinstance(result.get("reply_to_message"), dict):
            return post.anchor
        chat = result.get("chat")
        chat_id = chat.get("id", post.to) if isinstance(chat, dict) else post.to
        return f"{chat_id}:{result.get('message_id', '')}"

    def _change(self, talk: Talk, post: Post) -> None:
        chat, _, first = post.anchor.partition(":")
        number = int(first) if first.isdecimal() else 0
        self._call(talk, "editMessageText", {"chat_id": chat, "message_id": number, **self._message(post)}, post.at)

    def drop_buttons(self, conversation: str, at: datetime) -> None:
        """Take the buttons off the message that is named so; SendError."""
        chat, _, number = conversation.partition(":")
        payload = {"chat_id": chat, "message_id": int(number) if number.isdecimal() else 0}
        with self._client.talk() as talk:
            self._call(talk, "editMessageReplyMarkup", payload, at)

    def _is_gone(self, refused: Refused) -> bool:
        return "message to edit not found" in refused.word or "message_id_invalid" in refused.word

    def _instead(self, post: Post, refused: Refused) -> Post:
        moved = refused.details.get("migrate_to_chat_id")
        if isinstance(moved, int):
            return replace(post, to=str(moved), anchor="")
        if "can't parse entities" in refused.word or "button" in refused.word or "reply markup" in refused.word:
            return replace(post, is_plain=True)
        return post

    def _message(self, post: Post) -> dict[str, Any]:
        """A keyboard that is left out of an edit goes away."""
        shared: dict[str, Any] = {"link_preview_options": {"is_disabled": True}}
        if post.is_plain:
            return shared | {"text": calling_nobody(post.text)}
        text = f"<b>{_escaped(post.headline)}</b>"
        if post.facts:
            text += f"\n{_escaped(post.facts)}"
        shared |= {"text": text, "parse_mode": "HTML"}
        if post.actions:
            shared["reply_markup"] = {"inline_keyboard": [[self._button(action, post) for action in post.actions]]}
        return shared

    def _button(self, action: Action, post: Post) -> dict[str, str]:
        label = one_line(action.label, MAX_LABEL_CHARS)
        code = code_of(self._secret, self._name, action.verb, post.incident) if self._secret and post.incident else ""
        return {"text": label, "callback_data": code} if code else {"text": label, "url": action.url}

    def _call(self, talk: Talk, method: str, payload: dict[str, Any], at: datetime) -> dict[str, Any]:
        answer, said = self._ask(talk, f"/bot{self._token.reveal()}/{method}", payload, {})
        if not answer.is_taken or said.get("ok") is not True:
            raise self._refused(talk, answer, said, at)
        result = said.get("result")
        return result if isinstance(result, dict) else {}

    def _refused(self, talk: Talk, answer: Answer, said: dict[str, Any], at: datetime) -> SendError:
        plain = talk.refusal(answer, at)
        word = str(said.get("description", ""))
        if not word:
            return plain
        about = said.get("parameters")
        details = about if isinstance(about, dict) else {}
        wait = details.get("retry_after")
        error = SendError(
            f"{self._client.where} answered {answer.status}: {talk.clean(word)}",
            permanent=plain.permanent,
            retry_after_s=min(max(float(wait), 0.0), MAX_RETRY_AFTER_S)
            if isinstance(wait, int)
            else plain.retry_after_s,
        )
        return Refused(error, word.lower(), details)


def _escaped(text: str) -> str:
    return escape(calling_nobody(text), quote=False)
