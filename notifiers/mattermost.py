"""Notices in Mattermost, by a bot's token and the REST API."""

import re
from dataclasses import replace
from datetime import datetime
from typing import Any
from urllib.parse import quote

from notifiers.base import Action
from notifiers.chat import Chat, Post, Refused
from notifiers.chat_settings import MattermostSettings
from notifiers.chat_text import MAX_LABEL_CHARS, calling_nobody, pieces
from notifiers.errors import SendError
from notifiers.http_client import Answer, Talk
from notifiers.press import proof_of
from notifiers.wording import one_line

_MARKUP = re.compile(r"([\\`*_\[\]#|~])")
_LIST_MARK = re.compile(r"^(\s*)([-+])|^(\s*\d{1,9})([.)])", re.MULTILINE)
_ENTITY = re.compile(r"&(?=#?\w{1,32};)")


class MattermostChat(Chat):
    """Posts in a channel, or to a user in person; a conversation is named by the id of its first post.

    A button carries its token and a proof that the token came by this way, neither of which leaves the server for any
    client. The ids of users and channels are looked up once.
    """

    def __init__(self, settings: MattermostSettings) -> None:
        self.settings = settings
        super().__init__(settings, (settings.webhook_token,))
        self._token = settings.token
        self._hook = settings.hook
        self._webhook_token = settings.webhook_token
        self._places: dict[str, str] = {}

    def _post(self, talk: Talk, post: Post) -> str:
        payload = {"channel_id": self._place(talk, post), "root_id": post.anchor, **self._message(post)}
        said = self._call(talk, "/posts", payload, post.at)
        return post.anchor or str(said.get("id", ""))

    def _change(self, talk: Talk, post: Post) -> None:
        self._call(talk, f"/posts/{quote(post.anchor, safe='')}/patch", self._message(post), post.at, method="PUT")

    def drop_buttons(self, post_id: str, at: datetime) -> None:
        """Take the buttons off this post of ours; SendError."""
        path = f"/posts/{quote(post_id, safe='')}/patch"
        with self._client.talk() as talk:
            self._call(talk, path, {"props": {"attachments": []}}, at, method="PUT")

    def root_of(self, post_id: str, at: datetime) -> str:
        """The id of the post that began the conversation of this one; empty where it stands alone. SendError."""
        with self._client.talk() as talk:
            said = self._call(talk, f"/posts/{quote(post_id, safe='')}", None, at, method="GET")
        return str(said.get("root_id", ""))

    def _is_gone(self, refused: Refused) -> bool:
        return refused.details.get("status_code") == 404 or "invalid_url_param" in refused.word

    def _instead(self, post: Post, refused: Refused) -> Post:
        if post.anchor and "root_id" in refused.word:
            return replace(post, anchor="")
        if not post.is_plain and ("props" in refused.word or "message" in refused.word):
            return replace(post, is_plain=True)
        return post

    def _place(self, talk: Talk, post: Post) -> str:
        """The id of the channel that an address means."""
        if "/" not in post.to and not post.to.startswith("@"):
            return post.to
        if post.to not in self._places:
            self._places[post.to] = self._looked_up(talk, post)
        return self._places[post.to]

    def _looked_up(self, talk: Talk, post: Post) -> str:
        def found(path: str, payload: object, method: str) -> str:
            return str(self._call(talk, path, payload, post.at, method=method).get("id", ""))

        if not post.to.startswith("@"):
            team, _, channel = (quote(part, safe="") for part in post.to.partition("/"))
            return found(f"/teams/name/{team}/channels/name/{channel}", None, "GET")
        user = found(f"/users/username/{quote(post.to[1:], safe='')}", None, "GET")
        return found("/channels/direct", [found("/users/me", None, "GET"), user], "POST")

    def _message(self, post: Post) -> dict[str, Any]:
        """Props that are left out would stay as they were, so no buttons are an empty list."""
        if post.is_plain:
            return {"message": _escaped(post.text), "props": {"attachments": []}}
        text = f"**{_escaped(post.headline)}**"
        if post.facts:
            text += f"\n{_escaped(post.facts)}"
        links = "" if self._hears else " · ".join(_link(a) for a in post.actions)
        attachments = [self._buttons(post.actions)] if self._hears and post.actions else []
        return {"message": f"{text}\n{links}" if links else text, "props": {"attachments": attachments}}

    @property
    def _hears(self) -> bool:
        return bool(self._webhook_token and self._hook)

    def _buttons(self, actions: tuple[Action, ...]) -> dict[str, Any]:
        return {"actions": [self._button(action) for action in actions]}

    def _button(self, action: Action) -> dict[str, Any]:
        proof = proof_of(self._webhook_token, action.token) if self._webhook_token else ""
        return {
            "id": "".join(c for c in action.verb if c.isalnum()),  # it may hold nothing else
            "type": "button",
            "name": one_line(action.label, MAX_LABEL_CHARS),
            "integration": {"url": self._hook, "context": {"token": action.token, "proof": proof}},
        }

    def _call(self, talk: Talk, path: str, payload: object, at: datetime, *, method: str = "POST") -> dict[str, Any]:
        headers = {"Authorization": f"Bearer {self._token.reveal()}"}
        answer, said = self._ask(talk, f"/api/v4{path}", payload, headers, method=method)
        if answer.is_taken:
            return said
        raise self._refused(talk, answer, said, at)

    def _refused(self, talk: Talk, answer: Answer, said: dict[str, Any], at: datetime) -> SendError:
        plain = talk.refusal(answer, at)
        word = str(said.get("id", ""))
        if not word:
            return plain
        words = talk.clean(str(said.get("message", "")) or word)
        error = SendError(
            f"{self._client.where} answered {answer.status}: {words}",
            permanent=plain.permanent,
            retry_after_s=plain.retry_after_s,
        )
        return Refused(error, word, {"status_code": answer.status})


def _link(action: Action) -> str:
    return f"[{_escaped(one_line(action.label, MAX_LABEL_CHARS))}](<{action.url}>)"


def _escaped(text: str) -> str:
    """Text in which Markdown finds nothing and nobody is called, with web addresses as links to what they say."""
    return "".join(f"<{piece}>" if is_url else _without_markup(piece) for piece, is_url in pieces(text))


def _without_markup(text: str) -> str:
    text = _LIST_MARK.sub(lambda m: f"{m[1] or ''}\\{m[2]}" if m[2] else f"{m[3]}\\{m[4]}", _MARKUP.sub(r"\\\1", text))
    return calling_nobody(_ENTITY.sub("&amp;", text))
