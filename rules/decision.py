"""What goes into one decision and what comes out of it. Everything here is data."""

import enum
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Literal

from rules.alert import Alert, Sighting, put_aside
from rules.incident import Incident, Restoration, incident_key
from rules.lesson import Lesson
from rules.record import Given, Kind, Record
from rules.report import Report
from rules.rotation import Override
from rules.silence import Silence
from rules.telling import Mailbox


@dataclass(frozen=True, slots=True, kw_only=True)
class Listing:
    """All that a polled source says at one moment: what it does not name has ended.

    `held` names alerting rules that could not be evaluated (`alertname`s): their absence says nothing.
    """

    source: str
    at: datetime
    sightings: tuple[Sighting, ...]
    held: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True, kw_only=True)
class Push:
    """Some alerts that a source sent by itself: what it does not name is as it was."""

    source: str
    at: datetime
    sightings: tuple[Sighting, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class SourceFailed:
    """A source could not be read: nothing is known of its alerts, so nothing of it has ended."""

    source: str
    at: datetime
    error: str


class Verb(enum.StrEnum):
    """What a person can ask for."""

    ACKNOWLEDGE = "acknowledge"
    START = "start"
    HOLD = "hold"
    RESUME = "resume"
    ASSIGN = "assign"
    NOTE = "note"
    RESOLVE = "resolve"
    CLOSE = "close"
    REOPEN = "reopen"
    MERGE = "merge"
    SPLIT = "split"
    SET_PRIORITY = "set_priority"
    SET_ROOT = "set_root"
    DUPLICATE = "duplicate"
    CHILD = "child"
    UNLINK = "unlink"
    CONVERT = "convert"
    ROUTE = "route"
    ESCALATE = "escalate"
    SNOOZE = "snooze"
    UNSNOOZE = "unsnooze"
    WATCH = "watch"
    UNWATCH = "unwatch"
    SET = "set"
    STEP = "step"


@dataclass(frozen=True, slots=True, kw_only=True)
class Resolving:
    """What a person says beside how an incident was resolved.

    `code` is a word of the organisation's list; what is None or empty is taken from the circumstances. `force` resolves
    it although steps are not done, for the order's reason.
    """

    code: str = ""
    restored_at: datetime | None = None
    restoration: Restoration | None = None
    force: bool = False


class Asker(enum.StrEnum):
    """As what somebody gives an order about an incident.

    `staff` works on incidents; a `reporter` may touch their own only; the `contact` of the incident has shown by a
    signed link that they are it. The last two may do no more than `rules.ownership` says.
    """

    STAFF = "staff"
    REPORTER = "reporter"
    CONTACT = "contact"


@dataclass(frozen=True, slots=True, kw_only=True)
class Command:
    """A person's order about one incident.

    `value` is the assignee, the note, the resolution, the reason, the new priority, root CI or group, the number of the
    incident to merge into, that this is a duplicate or child of, or of the record to unlink, the end of a snooze
    (RFC 3339), the id of a person who is to be told or not, for a split the CI whose alerts leave, the new value of a
    field that is set, or `done` or `open` for a step. `field` is the field that is set, or the number of the step.
    `root` is the CI that failed, where whoever resolves the incident says so, and `resolving` what else they say.
    `expects` is the version of the incident that the person saw: where it has another by now the order is refused, so
    that nobody overwrites what they have not seen. `asker` is as what the actor asks. `id` comes back in the `Reply`.
    """

    id: str
    at: datetime
    actor: str
    verb: Verb
    number: int
    value: str = ""
    reason: str = ""
    root: str = ""
    expects: int | None = None
    field: str = ""
    resolving: Resolving = Resolving()
    asker: Asker = Asker.STAFF


@dataclass(frozen=True, slots=True, kw_only=True)
class SilenceOrder:
    """A person's order to keep `silence`, or to end the one with the id `ends`.

    A silence with an id is a change of that one; one without, or one that cannot be changed so, becomes a silence of
    its own, which then bears the `id` of the order. `id` also comes back in the `Reply`.
    """

    id: str
    at: datetime
    actor: str
    silence: Silence | None = None
    ends: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class OverrideOrder:
    """A person's order to put `shifts` over a schedule, or to end the override with the id `ends`.

    With `until` the shifts are a calendar's: they take the place of what an earlier calendar said about the time
    between now and then. `id` comes back in the `Reply`.
    """

    id: str
    at: datetime
    actor: str
    schedule: str
    shifts: tuple[Override, ...] = ()
    until: datetime | None = None
    ends: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class ReportOrder:
    """A person's order to open an incident for what is reported. `id` comes back in the `Reply`, which names it."""

    id: str
    at: datetime
    actor: str
    report: Report


class RecordVerb(enum.StrEnum):
    """What a person can ask for about a service request, problem or change."""

    CREATE = "create"
    EDIT = "edit"
    STEP = "step"
    NOTE = "note"
    LINK = "link"
    UNLINK = "unlink"


@dataclass(frozen=True, slots=True, kw_only=True)
class RecordOrder:
    """A person's order about one record of a `kind`: about a new one, or the one of that `number`.

    A new record takes what is `given`, begins in `status` (empty for the usual one) and is linked to `incidents`; an
    edit takes what is `given`. `step` is a step of the kind's lifecycle, `text` what goes with it (how it ended, the
    workaround), or a note. A link goes to the record `to` and is called `relation` as seen from this one; empty for the
    usual one. `may_replace` says whether a new change may stand for one that somebody else has made and that has the
    same `uid`. `expects` and `id` are as in `Command`.
    """

    id: str
    at: datetime
    actor: str
    kind: Kind
    verb: RecordVerb
    number: int = 0
    given: Given = field(default_factory=Given)
    status: str = ""
    incidents: tuple[int, ...] = ()
    step: str = ""
    text: str = ""
    to: str = ""
    relation: str = ""
    may_replace: bool = True
    expects: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Undelivered:
    """A call that could not be delivered to a person (id) by a notifier, after every other try."""

    at: datetime
    incident: int
    person: str
    via: str
    error: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Recalled:
    """Records that orders of this cycle speak of and that were settled too long ago to be in mind."""

    incidents: tuple[Incident, ...] = ()
    records: tuple[Record, ...] = ()


Order = Command | SilenceOrder | OverrideOrder | ReportOrder | RecordOrder
Change = Listing | Push | SourceFailed | Recalled | Undelivered | Order


@dataclass(frozen=True, slots=True, kw_only=True)
class Reply:
    """The answer to one `Order`: done, or refused with the reason in words.

    `stale` is a refusal because the asker had seen an older version of what was to be changed, `forbidden` one because
    it is not theirs to change. `incident` is the number of one that was opened; `subject` is the key of the record that
    an order was about or made, empty for orders about incidents and silences.
    """

    command: str
    done: bool
    message: str
    stale: bool = False
    forbidden: bool = False
    incident: int | None = None
    subject: str = ""


ActorKind = Literal["person", "rule", "daemon"]


@dataclass(frozen=True, slots=True, kw_only=True)
class TimelineEntry:
    """One line of a history; never rewritten. `actor` is a person's name, that of a rule, or `incidentd`.

    `field` names what was changed, from `old` to `new`, where one thing was; `reason` says why.
    `subject` is the key of the record it belongs to, as in `PRB-3`, and then `incident` is 0; it is empty for a line of
    an incident's.
    """

    incident: int
    at: datetime
    kind: str
    text: str
    actor: str = "incidentd"
    old: str = ""
    new: str = ""
    actor_kind: ActorKind = "daemon"
    field: str = ""
    reason: str = ""
    subject: str = ""

    @property
    def key(self) -> str:
        """The key of what it belongs to, as in `INC-42`."""
        return self.subject or incident_key(self.incident)


@dataclass(frozen=True, slots=True, kw_only=True)
class Way:
    """A notifier, and the address there; empty for the notifier's own recipients."""

    via: str
    address: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Notice:
    """One message to one recipient. `to` is a notifier's name; `incident` is None for word about a change or a source,
    `subject` the key of the change, as in `CHG-3`, else empty. `person` is the id of whom it is for, empty where that
    is everybody whom the notifier reaches. `others` are the ways to them that are tried where this one fails, in order;
    `is_call` says that somebody is to act, `is_urgent` that it waits for no rate. `instead_of` is the notifier that was
    to carry it and could not.

    `content` is the JSON that the message is made from, as it stood when this was decided
    (`rules.document.NoticeContent`). `key` is the idempotency key: the same notice has the same key for ever.
    """

    key: str
    to: str
    event: str
    reason: str
    at: datetime
    incident: int | None
    content: bytes
    person: str = ""
    subject: str = ""
    others: tuple[Way, ...] = ()
    is_call: bool = False
    is_urgent: bool = False
    instead_of: str = ""

    @property
    def about(self) -> str:
        """What it is about: the key of an incident or change, `summary` or `source`."""
        if self.incident is not None:
            return incident_key(self.incident)
        return self.subject or ("summary" if self.event == "summary" else "source")

    @property
    def recipient(self) -> str:
        """To whom it goes, as in `mail`, or `anna by mail` where one person is called."""
        return f"{self.person} by {self.to}" if self.person else self.to


@dataclass(frozen=True, slots=True, kw_only=True)
class SourceState:
    """Whether a source can be heard. `told` says that people know it is down."""

    name: str
    is_up: bool
    since: datetime
    last_ok_at: datetime | None = None
    failures: int = 0
    error: str = ""
    told: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Decision:
    """Everything one cycle decided. Rows replace those of the same identity; timeline and notices are added, lessons
    (one for each counter at the most) add to what was learnt before.

    `begun` are the ids of the alerts that were not in mind before; what was forgotten of them may be remembered still
    (see `episodes`).
    `refreshed` and `forgotten` are for the situation alone: alerts of which only the time at which a source's word
    runs out moved, and incidents that can no longer change; likewise `looks`, when it may have to be told of which
    incident again though nothing happens to it.
    """

    at: datetime
    alerts: tuple[Alert, ...] = ()
    incidents: tuple[Incident, ...] = ()
    timeline: tuple[TimelineEntry, ...] = ()
    notices: tuple[Notice, ...] = ()
    sources: tuple[SourceState, ...] = ()
    replies: tuple[Reply, ...] = ()
    lessons: tuple[Lesson, ...] = ()
    silences: tuple[Silence, ...] = ()
    records: tuple[Record, ...] = ()
    overrides: tuple[Override, ...] = ()
    mailboxes: tuple[Mailbox, ...] = ()
    refreshed: tuple[Alert, ...] = ()
    forgotten: tuple[int, ...] = ()
    looks: Mapping[int, datetime | None] = field(default_factory=dict)
    begun: frozenset[str] = frozenset()

    def episodes(self, remembered: Mapping[str, Alert]) -> list[Alert]:
        """The alerts to write, where `remembered` has by id what the record holds of those in `begun`.

        Sources go on to repeat what has ended, long after it was forgotten here: news that opens nothing changes no
        record then. What fires again under its old start goes on; where the incident it was in can no longer change,
        that incident keeps the episode as it was.
        """
        found = []
        for alert in self.alerts:
            before = remembered.get(alert.id) if alert.id in self.begun else None
            if before is not None and not alert.is_firing and alert.incident is None:
                continue
            if before is not None and before.incident is not None:
                found.append(put_aside(before, before.incident))
            found.append(alert)
        return found

    @property
    def is_empty(self) -> bool:
        """Whether there is nothing to remember."""
        said = self.timeline or self.notices or self.replies
        ours = self.alerts or self.incidents or self.sources or self.lessons
        orders = self.silences or self.overrides or self.records or self.mailboxes
        return not (ours or orders or said)
