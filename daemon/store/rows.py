"""What the store hands out beside the values of `rules`."""

from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from rules.alert import Alert
from rules.decision import Notice, SourceState
from rules.incident import Incident
from rules.lesson import Lesson
from rules.rotation import Override
from rules.silence import Silence

InboxKind = Literal["push", "command", "silence", "override"]
NoticeState = Literal["pending", "sending", "delivered", "dead"]


@dataclass(frozen=True, slots=True, kw_only=True)
class InboxRow:
    """Something that came in and has not been decided on: a `push` holds sightings, the others one order."""

    id: int
    kind: InboxKind
    source: str
    body: bytes
    at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class NoticeRow(Notice):
    """A notice and how far its delivery has come.

    `attempts` counts the claims, so a sender that died counts too. `lease_until` is set while one sender has it;
    `last_error` is empty until something went wrong.
    """

    state: NoticeState
    attempts: int
    due_at: datetime
    lease_until: datetime | None = None
    last_error: str = ""
    delivered_at: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class TokenRow:
    """An access token as far as it is known here: its secret is not."""

    name: str
    scopes: frozenset[str]
    created_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Loaded:
    """What a daemon needs to go on where the last one stopped; `next_number` is free for the next incident."""

    incidents: tuple[Incident, ...]
    alerts: tuple[Alert, ...]
    sources: tuple[SourceState, ...]
    lessons: tuple[Lesson, ...]
    silences: tuple[Silence, ...]
    overrides: tuple[Override, ...]
    next_number: int
