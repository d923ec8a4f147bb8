"""What Mattermost sends: pressed buttons, and by an outgoing webhook what is written in a channel."""

import hmac
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from daemon.chats.heard import FORM, Heard, Incoming, NotHeard, Outcome, form_in, json_object, text_in
from daemon.chats.threads import incident_of
from daemon.replies import opening_in, said_in
from daemon.store.store import Store
from notifiers.chat_settings import MattermostSettings
from notifiers.mattermost import MattermostChat
from notifiers.press import is_proof


@dataclass(frozen=True, slots=True, kw_only=True)
class MattermostEar:
    """One Mattermost server, by the token of an outgoing webhook."""

    settings: MattermostSettings
    channel: MattermostChat
    store: Store

    def check(self, incoming: Incoming) -> None:
        """As in `Ear`. A button proves that the server has kept its context; a webhook knows the token itself."""
        secret = self.settings.webhook_token
        if not secret:
            raise NotHeard("there is no webhook_token, so nothing is heard")
        said = _said(incoming)
        if "context" in said:
            if not is_proof(secret, text_in(said, "context", "token"), text_in(said, "context", "proof")):
                raise NotHeard("its button is none of ours")
        elif not hmac.compare_digest(secret.reveal().encode(), text_in(said, "token").encode("utf-8", "replace")):
            raise NotHeard("its token is not right")

    def read(self, incoming: Incoming) -> Heard | dict[str, Any] | None:
        """As in `Ear`."""
        said = _said(incoming)
        post = text_in(said, "post_id")
        if "context" in said:
            key = text_in(said, "trigger_id") or f"{post}:{incoming.at.timestamp()}"
            pressed = {"id": post}
            return self._heard(said, key, post, token=text_in(said, "context", "token"), pressed=pressed)
        # Which conversation a post belongs to is not said.
        root = self.channel.root_of(post, incoming.at) if post else ""
        number = incident_of(self.store, self.settings.name, root) if root else 0
        if post and not root and (opening := opening_in(text_in(said, "text"))) is not None:
            return self._heard(said, post, post, opening=opening)
        if not number:
            return None
        words = said_in(text_in(said, "text"))
        return self._heard(said, post, root, incident=number, verb=words.verb, text=words.text)

    def _heard(self, said: dict[str, Any], key: str, conversation: str, **what: Any) -> Heard:
        user, name = text_in(said, "user_id"), text_in(said, "user_name")
        return Heard(
            chat="mattermost",
            notifier=self.settings.name,
            names=frozenset({user, f"@{name}"}) - {"", "@"},
            called=name,
            user=user,
            key=key,
            place=text_in(said, "channel_id"),
            conversation=conversation,
            **what,
        )

    def answer(self, heard: Heard, outcome: Outcome, at: datetime) -> dict[str, Any] | None:
        """As in `Ear`: what was done is for all to see, a refusal of a press for whoever pressed."""
        if heard.pressed and not outcome.done:
            return {"ephemeral_text": outcome.words}
        if heard.pressed:
            root = self.channel.root_of(heard.conversation, at) or heard.conversation
            self.channel.drop_buttons(heard.conversation, at)
            if outcome.words:
                self.channel.say(heard.place, root, outcome.words, at)
        elif outcome.words:
            self.channel.say(heard.place, heard.conversation, outcome.words, at)
        return {}


def _said(incoming: Incoming) -> dict[str, Any]:
    is_form = incoming.headers.get("content-type", "").startswith(FORM)
    return {**form_in(incoming.body)} if is_form else json_object(incoming.body)
