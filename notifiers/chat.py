"""What all chats have in common: one conversation per incident, whose first message always shows how things are."""

from abc import ABC, abstractmethod
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

import msgspec

from notifiers.base import Action, Message, Receipt, secrets_of
from notifiers.chat_settings import ChatSettings
from notifiers.chat_text import MAX_HEADLINE_CHARS, facts_of, headline_of
from notifiers.errors import SendError
from notifiers.http_client import Answer, HttpClient, Talk
from notifiers.secret import Secret
from notifiers.wording import one_line
from rules.document import NoticeContent

_MOST_TRIES = 4


@dataclass(frozen=True, slots=True, kw_only=True)
class Post:
    """A message on its way to one place of a chat.

    `anchor` names the message under which it goes, empty for a new conversation; `incident` is the number of the one
    that `actions` are about. `is_plain` leaves out all that a chat could find fault with. `at` is the moment, for
    waits that the chat asks for.
    """

    to: str
    headline: str
    facts: str
    actions: tuple[Action, ...]
    anchor: str
    incident: str
    at: datetime
    is_plain: bool = False

    @property
    def text(self) -> str:
        """All of it, without any form."""
        return f"{self.headline}\n{self.facts}" if self.facts else self.headline


class Refused(SendError):
    """A chat answered and said no. `word` is its own name for the reason, `details` whatever else it said."""

    def __init__(self, error: SendError, word: str, details: Mapping[str, Any] | None = None) -> None:
        super().__init__(str(error), permanent=error.permanent, retry_after_s=error.retry_after_s)
        self.word = word
        self.details = details or {}


class Chat(ABC):
    """A chat's bot. Each kind of chat says how a message is posted and changed, and what its refusals mean.

    When something is added to a conversation, its first message is changed to show the present state, and loses its
    buttons once somebody works on the incident or it is over. Where that message is gone, or a chat finds fault with
    the form of a post, the notice goes without: it matters more than where it stands and how it looks.
    """

    def __init__(self, settings: ChatSettings, secrets: Iterable[Secret | None] = ()) -> None:
        self._base = settings.url.rstrip("/")
        self._to = settings.to
        self._name = settings.name
        self._client = HttpClient(
            Secret(settings.url),
            timeout=settings.timeout,
            ca_file=settings.ca_file,
            secrets=(settings.token, *secrets),
        )

    @property
    def name(self) -> str:
        """The notifier's name in the configuration."""
        return self._name

    @property
    def longest_s(self) -> float:
        """How long one `send` can take at most, in seconds."""
        return self._client.longest_s

    def send(self, message: Message) -> Receipt:
        """Post once, in the conversation that `message.anchor` began where there is one."""
        post = _post_of(message, self._to)
        with self._client.talk(secrets_of(message)) as talk:
            if post.anchor and not self._refreshed(talk, _first_of(post, message.content)):
                post = replace(post, anchor="")
            return Receipt(ref=self._sent(talk, post))

    def say(self, place: str, conversation: str, text: str, at: datetime) -> None:
        """Add a line to a conversation in the chat's place of that id; SendError."""
        with self._client.talk() as talk:
            self._sent(talk, _line(place, conversation, text, at))

    @abstractmethod
    def _post(self, talk: Talk, post: Post) -> str:
        """Post it; what names the first message of the conversation that it is in now."""

    @abstractmethod
    def _change(self, talk: Talk, post: Post) -> None:
        """Give the message that `post.anchor` names the text and the buttons of `post`."""

    @abstractmethod
    def _is_gone(self, refused: Refused) -> bool:
        """Whether the message that was to be changed is no more."""

    @abstractmethod
    def _instead(self, post: Post, refused: Refused) -> Post:
        """What may be taken instead; the same post where nothing else would help."""

    def _refreshed(self, talk: Talk, post: Post) -> bool:
        """Whether the conversation's first message is there. That it cannot be changed now keeps no notice back."""
        try:
            self._change(talk, post)
        except Refused as refused:
            return not self._is_gone(refused)
        except SendError:
            return True
        return True

    def _sent(self, talk: Talk, post: Post) -> str:
        for _ in range(_MOST_TRIES):
            try:
                return self._post(talk, post)
            except Refused as refused:
                other = self._instead(post, refused)
                if other == post:
                    raise
                post = other
        raise SendError(f"{self._client.where} takes this notice in no form", permanent=True)

    def _ask(
        self, talk: Talk, path: str, payload: object, headers: Mapping[str, str], *, method: str = "POST"
    ) -> tuple[Answer, dict[str, Any]]:
        """One call of the chat's API; the answer, and its body where that is a JSON object."""
        try:
            body = None if payload is None else msgspec.json.encode(payload)
        except UnicodeEncodeError:
            raise SendError("the notice holds text that is not Unicode", permanent=True) from None
        content = {"Content-Type": "application/json; charset=utf-8"}
        answer = talk.ask(f"{self._base}{path}", body, {**content, **headers}, method=method)
        try:
            said = msgspec.json.decode(answer.body)
        except (msgspec.DecodeError, RecursionError):
            said = None
        if answer.is_taken and not isinstance(said, dict):
            raise SendError(f"{self._client.where} answered with something else than JSON", permanent=False)
        return answer, said if isinstance(said, dict) else {}


def _post_of(message: Message, to: str) -> Post:
    person, incident = message.content.recipient, message.content.incident
    return Post(
        to=person.address if person is not None and person.address else to,
        headline=headline_of(message),
        facts=facts_of(message),
        actions=message.actions,
        anchor=message.anchor,
        incident=incident.number if incident is not None else "",
        at=message.sent_at,
    )


def _line(place: str, conversation: str, text: str, at: datetime) -> Post:
    words = one_line(text, MAX_HEADLINE_CHARS)
    return Post(to=place, headline=words, facts="", actions=(), anchor=conversation, incident="", at=at, is_plain=True)


def _first_of(post: Post, content: NoticeContent) -> Post:
    """What the conversation's first message says from now on."""
    incident = content.incident
    is_taken = incident is None or incident.acknowledged_at is not None or incident.status != "open"
    return replace(post, actions=()) if is_taken else post
