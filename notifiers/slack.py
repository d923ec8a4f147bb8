"""Notices in Slack, by a bot's token and the Web API."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime
from typing import Any

from notifiers.base import Action
from notifiers.chat import Chat, Post, Refused
from notifiers.chat_settings import SlackSettings
from notifiers.chat_text import MAX_HEADLINE_CHARS, MAX_LABEL_CHARS, pieces
from notifiers.errors import SendError
from notifiers.http_client import MAX_RETRY_AFTER_S, Answer, Talk
from notifiers.wording import one_line

# https://docs.slack.dev/reference/methods/chat.postMessage lists the errors; all that may pass are here.
_PASSING = frozenset(
    {"ratelimited", "rate_limited", "message_limit_exceeded", "request_timeout", "service_unavailable"}
    | {"fatal_error", "internal_error", "team_added_to_org"}
)
_NO_THREAD = frozenset(
    {"thread_not_found", "invalid_thread_ts", "message_not_found", "cannot_reply_to_message"}
    | {"restricted_action_thread_locked", "restricted_action_non_threadable_channel"}
)
_BAD_FORM = frozenset({"invalid_blocks", "invalid_blocks_format", "msg_blocks_too_long", "invalid_attachments"})
_HINTS = {
    "not_in_channel": "invite the bot into the channel",
    "channel_not_found": "no such channel, or a private one that the bot was not invited into",
    "is_archived": "the channel is archived",
    "invalid_auth": "the token is not accepted",
    "token_revoked": "the token is not accepted any more",
    "account_inactive": "the token is not accepted any more",
    "missing_scope": "the app needs the scope chat:write",
}


class SlackChat(Chat):
    """Posts in a channel, or to a member in person.

    A conversation is named `CHANNEL:TS`: a `ts` is only unique in its channel, and chat.update wants the channel's id.
    Text goes as rich text, which has no markup, so that nothing in it means anything.
    """

    def __init__(self, settings: SlackSettings) -> None:
        self.settings = settings
        super().__init__(settings, (settings.signing_secret,))
        self._token = settings.token
        self._hears = settings.signing_secret is not None

    def _post(self, talk: Talk, post: Post) -> str:
        payload = {"channel": post.to, **self._message(post), "unfurl_links": False, "unfurl_media": False}
        ts = post.anchor.partition(":")[2]
        if ts:
            payload["thread_ts"] = ts
        said = self._call(talk, "chat.postMessage", payload, post.at)
        return post.anchor if ts else f"{said.get('channel', post.to)}:{said.get('ts', '')}"

    def _change(self, talk: Talk, post: Post) -> None:
        channel, _, ts = post.anchor.partition(":")
        self._call(talk, "chat.update", {"channel": channel, "ts": ts, **self._message(post)}, post.at)

    def _is_gone(self, refused: Refused) -> bool:
        return refused.word in ("message_not_found", "channel_not_found")

    def _instead(self, post: Post, refused: Refused) -> Post:
        if refused.word in _NO_THREAD:
            return replace(post, anchor="")
        return replace(post, is_plain=True) if refused.word in _BAD_FORM else post

    def whisper(self, place: str, conversation: str, user: str, text: str, at: datetime) -> None:
        """Say something that only this member sees; SendError."""
        words = one_line(text, MAX_HEADLINE_CHARS)
        payload = {"channel": place, "user": user, "thread_ts": conversation.partition(":")[2], "text": _escaped(words)}
        with self._client.talk() as talk:
            self._call(talk, "chat.postEphemeral", payload, at)

    def drop_buttons(self, place: str, message: Mapping[str, Any], at: datetime) -> None:
        """Take the buttons off this message of ours, which Slack has sent along; SendError."""
        blocks = [b for b in message.get("blocks") or () if isinstance(b, dict) and b.get("type") == "rich_text"]
        payload = {"channel": place, "ts": message.get("ts", ""), "text": message.get("text", ""), "blocks": blocks}
        with self._client.talk() as talk:
            self._call(talk, "chat.update", payload | {"parse": "none"}, at)

    def _message(self, post: Post) -> dict[str, Any]:
        """`text` is what a phone's notification shows; blocks that are left out would stay as they were."""
        if post.is_plain:
            return {"text": _escaped(post.text), "blocks": [], "parse": "none"}
        blocks: list[dict[str, Any]] = [{"type": "rich_text", "elements": [_section(post)]}]
        if post.actions:
            blocks.append({"type": "actions", "elements": [self._button(a) for a in post.actions]})
        return {"text": _escaped(post.headline), "blocks": blocks, "parse": "none"}

    def _button(self, action: Action) -> dict[str, Any]:
        label = {"type": "plain_text", "text": one_line(action.label, MAX_LABEL_CHARS)}
        button = {"type": "button", "text": label, "action_id": f"incidentd:{action.verb}"}
        return button | ({"value": action.token} if self._hears else {"url": action.url})

    def _call(self, talk: Talk, method: str, payload: dict[str, Any], at: datetime) -> dict[str, Any]:
        headers = {"Authorization": f"Bearer {self._token.reveal()}"}
        answer, said = self._ask(talk, f"/{method}", payload, headers)
        if answer.is_taken and said.get("ok") is True:
            return said
        raise self._refused(talk, answer, said, at)

    def _refused(self, talk: Talk, answer: Answer, said: dict[str, Any], at: datetime) -> SendError:
        plain = talk.refusal(answer, at)
        word = str(said.get("error", ""))
        if not word:
            return plain
        hint = f" ({_HINTS[word]})" if word in _HINTS else ""
        wait = plain.retry_after_s
        if wait is None and isinstance(seconds := said.get("retry_after"), int):
            wait = min(max(float(seconds), 0.0), MAX_RETRY_AFTER_S)
        error = SendError(
            f"{self._client.where} refused it: {talk.clean(word)}{hint}",
            permanent=word not in _PASSING and answer.status < 500 and answer.status != 429,
            retry_after_s=wait,
        )
        return Refused(error, word)


def _section(post: Post) -> dict[str, Any]:
    elements: list[dict[str, Any]] = [{"type": "text", "text": post.headline, "style": {"bold": True}}]
    facts = f"\n{post.facts}" if post.facts else ""
    elements += [
        {"type": "link", "url": text, "text": text} if is_url else {"type": "text", "text": text}
        for text, is_url in pieces(facts)
    ]
    return {"type": "rich_text_section", "elements": elements}


def _escaped(text: str) -> str:
    """Slack's three control characters, so that no `<!channel>` or `<https://a|b>` of an alert works."""
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
