"""What comes in from chats: a request as it came, what somebody said by it, and what came of that."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Protocol
from urllib.parse import parse_qs

import msgspec

from daemon.replies import Opening
from rules.decision import Verb
from rules.errors import IncidentdError

FORM = "application/x-www-form-urlencoded"
_MOST_FIELDS = 32


class NotHeard(IncidentdError):
    """A request that no chat of ours has made, or that cannot be understood; the text says why, for the log."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Incoming:
    """A request from a chat at `at`; the names of `headers` are in small letters."""

    headers: Mapping[str, str]
    body: bytes
    at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Heard:
    """What somebody said or pressed in a chat.

    `chat` is its kind and `notifier` the name it has here. `names` are the addresses by which a person may be known
    there, `called` how the chat shows whoever it was, `user` their id. `key` is the same when the chat says it again.
    A `token`, where there is one, says what is to be done to which incident, else `verb` and `incident` do; `text` is
    what they wrote. An `opening` is something new instead. `place` and `conversation` are where an answer goes, as in
    `Chat.say`. `pressed` is the message whose button it was, as the chat has it; empty where it was none.
    """

    chat: str
    notifier: str
    names: frozenset[str]
    called: str
    user: str
    key: str
    place: str
    conversation: str
    token: str = ""
    incident: int = 0
    verb: Verb = Verb.NOTE
    text: str = ""
    opening: Opening | None = None
    pressed: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """What came of it; `words` for people are empty where there is nothing to say."""

    done: bool
    words: str


class Ear(Protocol):
    """How one kind of chat is understood and answered, through one notifier."""

    def check(self, incoming: Incoming) -> None:
        """NotHeard where the chat itself has not made this request, or nothing is to be heard from it."""
        ...

    def read(self, incoming: Incoming) -> Heard | dict[str, Any] | None:
        """What was said, or what is to be answered at once; None where it is nothing to us. NotHeard."""
        ...

    def answer(self, heard: Heard, outcome: Outcome, at: datetime) -> dict[str, Any] | None:
        """Tell the chat; what is to be the answer to the request itself. SendError."""
        ...


def json_object(body: str | bytes) -> dict[str, Any]:
    """The JSON object that this is; NotHeard where it is none."""
    try:
        found = msgspec.json.decode(body)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        raise NotHeard("it is not JSON") from None
    if not isinstance(found, dict):
        raise NotHeard("it is not a JSON object")
    return found


def form_in(body: bytes) -> dict[str, str]:
    """The first value of each field of a form; NotHeard where it is none, or has too many."""
    try:
        fields = parse_qs(body.decode("utf-8", "replace"), max_num_fields=_MOST_FIELDS)
    except ValueError:
        raise NotHeard("it is no form") from None
    return {name: values[0] for name, values in fields.items()}


def text_in(found: object, *path: str) -> str:
    """The text or number at a path through JSON objects; empty where there is none."""
    for name in path:
        found = found.get(name) if isinstance(found, dict) else None
    return str(found) if isinstance(found, str | int) and not isinstance(found, bool) else ""
