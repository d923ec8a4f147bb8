"""What the store hands out beside the values of `rules`."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from rules.access import Role
from rules.alert import Alert
from rules.decision import Notice, SourceState
from rules.incident import Incident
from rules.lesson import Lesson
from rules.record import Kind, Record
from rules.rotation import Override
from rules.silence import Silence
from rules.telling import Mailbox

InboxKind = Literal["push", "command", "silence", "override", "report", "record", "undelivered"]
NoticeState = Literal["pending", "sending", "delivered", "passed", "dead"]
"""`passed` has gone on by another way, as a notice of its own; `dead` has none left."""


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
    `last_error` is empty until something went wrong; `latency_s` is how long the sending that succeeded took.
    """

    state: NoticeState
    attempts: int
    due_at: datetime
    lease_until: datetime | None = None
    last_error: str = ""
    delivered_at: datetime | None = None
    latency_s: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class LinkUse:
    """What was done by the link of a notice, by whom and when: `link` is the notice's key, `message` the outcome."""

    link: str
    verb: str
    incident: int
    by: str
    message: str
    at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class TokenRow:
    """An access token as far as it is known here: its secret is not. `owner` is a user, empty for a service's token."""

    name: str
    scopes: frozenset[str]
    created_at: datetime
    owner: str = ""
    expires_at: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class UserRow:
    """A person who may log in; the password is not here, only whether it `is_temporary`: to be changed first; and
    whether a code is asked for beside it. Who `is_external` has none, and logs in by single sign-on. `services` are the
    business services that they are limited to, none where they see everything."""

    name: str
    role: Role
    groups: tuple[str, ...]
    created_at: datetime
    disabled_at: datetime | None = None
    is_temporary: bool = False
    services: tuple[str, ...] = ()
    has_second_factor: bool = False
    is_external: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class FactorRow:
    """A second factor: its secret, sealed; whether it counts yet; and how many recovery codes are left."""

    sealed: bytes
    is_confirmed: bool
    codes_left: int


@dataclass(frozen=True, slots=True, kw_only=True)
class SignOnRow:
    """A login that is under way at the provider of single sign-on: digests of its `state` and of the `browser`'s
    cookie, what the provider has to repeat (`nonce`) and is shown in the end (`verifier`, RFC 7636), and the page to
    come `back` to."""

    state: str
    browser: str
    nonce: str
    verifier: str
    back: str
    expires_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Credentials:
    """What a login is checked against: the user as they were at that moment, and the hash of their password."""

    user: UserRow
    password_hash: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Doer:
    """Who administers: a name, and where they come from, as in `command line on box`; empty within this process."""

    name: str
    via: str = ""


ITSELF = Doer(name="incidentd")
"""Where nobody asks for it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Act:
    """One act of administration: of what kind, on which user or token, and in words what came of it. No secrets."""

    at: datetime
    by: Doer
    action: str
    subject: str
    details: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Bearer:
    """What stands behind a token or session: the token, if it is one, the user, if there is one, and its end.

    A token's `owner` without a `user` means that the user is gone.
    """

    user: UserRow | None
    token: TokenRow | None = None
    expires_at: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class AnswerRow:
    """The answer that an idempotency key stands for. `request` is the digest of what was asked then; `status` is None
    while the answer is not known, and stays so where the daemon died over it."""

    request: str
    status: int | None = None
    media_type: str = ""
    body: bytes = b""


SORTS = ("number", "opened_at", "updated_at", "priority", "status")
"""What lists of incidents can be sorted by; a minus before it turns the order round."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Search:
    """Which incidents are wanted: one of each field's values, where it has any. An empty search wants all.

    `cis` are root causes, `services` business services that are hit, `within` those of which one must be hit besides,
    where somebody sees no others; `reporters` names of who registered them or mail addresses of their contacts;
    `since` and `until` bound the opening, from and to just before. `text` is words, all of which stand somewhere in
    title, group, assignee, resolution or root cause. `sort` is one of `SORTS`, the greatest first with a minus before
    it.
    """

    statuses: Collection[str] = ()
    priorities: Collection[str] = ()
    groups: Collection[str] = ()
    cis: Collection[str] = ()
    services: Collection[str] = ()
    within: Collection[str] = ()
    reporters: Collection[str] = ()
    since: datetime | None = None
    until: datetime | None = None
    text: str = ""
    sort: str = "-number"


@dataclass(frozen=True, slots=True, kw_only=True)
class RecordSearch:
    """Which records of one kind are wanted: in one of the `statuses`, of one of the `groups`, about one of the `cis`
    and one of the `services`, with all words of `text` somewhere in title, description, group, assignee or outcome,
    made by `opened_by`; changes planned for any time between `since` and `until`. The newest come first; where it is
    `by_plan`, what is planned for the earliest time."""

    kind: Kind
    statuses: Collection[str] = ()
    groups: Collection[str] = ()
    cis: Collection[str] = ()
    services: Collection[str] = ()
    text: str = ""
    opened_by: str = ""
    since: datetime | None = None
    until: datetime | None = None
    by_plan: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Loaded:
    """What a daemon needs to go on where the last one stopped; `next_number` is free for the next incident, and
    `next_record` has the next numbers of other records, by kind."""

    incidents: tuple[Incident, ...]
    alerts: tuple[Alert, ...]
    sources: tuple[SourceState, ...]
    lessons: tuple[Lesson, ...]
    silences: tuple[Silence, ...]
    records: tuple[Record, ...]
    overrides: tuple[Override, ...]
    mailboxes: tuple[Mailbox, ...]
    next_number: int
    next_record: dict[Kind, int]
