"""What a channel is given and what it must do."""

from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from cmdb.graph import Estate
from notifiers.drawing.illustration import Illustration
from notifiers.secret import Secret
from rules.document import NoticeContent


@dataclass(frozen=True, slots=True, kw_only=True)
class Action:
    """Something that the reader can do from the message itself.

    `verb` is a word of `rules.decision.Verb`, `label` what stands on the button, in the reader's language. `url` opens
    a page that asks once more; `token` is what a chat sends back when its button is pressed. Both stand for this
    reader, incident and verb, and are secret.
    """

    verb: str
    label: str
    url: str
    token: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Receipt:
    """What a channel says of a message it has taken: `ref` is how it names the first message of the conversation that
    it is in now, empty where it does not. That is the next message's anchor."""

    ref: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Extras:
    """What a message gets on its way out that is no part of what was decided; each as in `Message`. With an `estate` it
    gets a picture drawn from it."""

    anchor: str = ""
    actions: tuple[Action, ...] = ()
    reply_to: str = ""
    estate: Estate | None = None


NO_EXTRAS = Extras()


@dataclass(frozen=True, slots=True, kw_only=True)
class Message:
    """One notice, ready to be sent.

    `content` is for programs; `subject`, `text` and `html` say the same to people, cleaned of control characters and
    bounded. `brief` says the heart of it in one to three lines, for chats and short messages. `thread` names the
    conversation that the message belongs to and stays the same for an incident's whole
    life; `starts_thread` is set on the message that begins it. `sent_at` is the moment of this attempt, aware UTC.
    `fault` says, for the log, why a template could not be used; empty where all is well. `picture` is set where `html`
    shows it, `picture_fault` says why one that was wanted is not there.
    """

    content: NoticeContent
    subject: str
    text: str
    html: str
    thread: str
    starts_thread: bool
    sent_at: datetime
    fault: str = ""
    brief: str = ""
    anchor: str = ""
    actions: tuple[Action, ...] = ()
    reply_to: str = ""
    picture: Illustration | None = None
    picture_fault: str = ""

    @property
    def key(self) -> str:
        """The idempotency key: the same for every attempt to send this notice."""
        return self.content.idempotency_key


def incident_thread(number: str, opened_at: str) -> str:
    """The `thread` of everything about one incident; the moment tells databases apart."""
    return f"incident {number} {opened_at}"


def secrets_of(message: Message) -> tuple[Secret, ...]:
    """What in a message is secret: whoever has it can act in its reader's name."""
    words = (message.content.rating_url, *(word for action in message.actions for word in (action.url, action.token)))
    return tuple(Secret(word) for word in words if word)


class Channel(Protocol):
    """One way of telling people. It is used from several threads at once and remembers nothing it could not lose."""

    @property
    def name(self) -> str:
        """The notifier's name in the configuration."""
        ...

    @property
    def longest_s(self) -> float:
        """How long one `send` can take at most, in seconds, whatever the other side does."""
        ...

    def send(self, message: Message) -> Receipt:
        """Deliver, or raise `SendError`."""
        ...
