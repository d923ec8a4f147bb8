"""Records beside incidents: service requests, problems and changes.

A known error is a problem with a workaround. Each kind has its own series of numbers (REQ-1, PRB-1, CHG-1) and its own
lifecycle (`rules.record_lifecycles`).
"""

import enum
import re
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import ClassVar

from rules.incident import Link

KEPT = timedelta(days=1)
"""How long a settled record stays in mind: far beyond `rules.maintenance.RECENT`, so that a change can be a suspect."""

MAX_CIS = 200
MAX_WORDS = 20
MAX_EVIDENCE = 200


class Kind(enum.StrEnum):
    """What sort of record it is."""

    REQUEST = "request"
    PROBLEM = "problem"
    CHANGE = "change"

    @property
    def series(self) -> str:
        """What stands before its numbers."""
        return _SERIES[self]

    @property
    def words(self) -> str:
        """As people say it."""
        return "service request" if self is Kind.REQUEST else str(self)


_SERIES = {Kind.REQUEST: "REQ", Kind.PROBLEM: "PRB", Kind.CHANGE: "CHG"}
_KINDS = {series: kind for kind, series in _SERIES.items()}
_KEY = re.compile(r"\s*(?:(INC|REQ|PRB|CHG)-)?([0-9]{1,9})\s*", re.IGNORECASE | re.ASCII)


class RequestStatus(enum.StrEnum):
    """Where a service request stands."""

    SUBMITTED = "submitted"
    IN_PROGRESS = "in_progress"
    ON_HOLD = "on_hold"
    FULFILLED = "fulfilled"
    REJECTED = "rejected"
    CANCELLED = "cancelled"
    CLOSED = "closed"
    CONVERTED = "converted"


class ProblemStatus(enum.StrEnum):
    """Where a problem stands."""

    OPEN = "open"
    INVESTIGATING = "investigating"
    KNOWN_ERROR = "known_error"
    RESOLVED = "resolved"
    CLOSED = "closed"


class ChangeStatus(enum.StrEnum):
    """Where a change stands."""

    PLANNED = "planned"
    APPROVED = "approved"
    IN_PROGRESS = "in_progress"
    DONE = "done"
    FAILED = "failed"
    REJECTED = "rejected"
    CANCELLED = "cancelled"
    CLOSED = "closed"


@dataclass(frozen=True, slots=True, kw_only=True)
class _Record:
    """What all kinds have in common.

    `cis` and `services` are ids of the CMDB. `outcome` says in words what came of it. `ended_at` is when the work was
    over, `settled_at` when nothing more was expected to happen. Instants are aware UTC.
    """

    kind: ClassVar[Kind]

    number: int
    title: str
    description: str = ""
    opened_at: datetime
    opened_by: str
    updated_at: datetime
    group: str = ""
    assignee: str = ""
    cis: tuple[str, ...] = ()
    services: tuple[str, ...] = ()
    outcome: str = ""
    ended_at: datetime | None = None
    settled_at: datetime | None = None
    links: tuple[Link, ...] = ()
    version: int = 1

    @property
    def key(self) -> str:
        """The number as people write it."""
        return f"{self.kind.series}-{self.number}"


@dataclass(frozen=True, slots=True, kw_only=True)
class ServiceRequest(_Record):
    """Somebody asks for something; nothing has failed. `origins` are fingerprints of alerts that asked for it, by the
    rule named `rule`."""

    kind: ClassVar[Kind] = Kind.REQUEST
    status: RequestStatus = RequestStatus.SUBMITTED
    origins: tuple[str, ...] = ()
    rule: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Problem(_Record):
    """The cause, known or not, of incidents. As a known error it matches incidents by `categories`, `cis` (their root),
    `services`, `alerts` (names) and `words`: all of those that are given, one of each; see `rules.known_errors`."""

    kind: ClassVar[Kind] = Kind.PROBLEM
    status: ProblemStatus = ProblemStatus.OPEN
    cause: str = ""
    workaround: str = ""
    categories: tuple[str, ...] = ()
    alerts: tuple[str, ...] = ()
    words: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Evidence:
    """An alert that a change was expected to cause: its rule, the CI it speaks of, and when it began."""

    alert: str
    ci: str
    at: datetime


class ChangePhase(enum.StrEnum):
    """How far a change is, for those who must be told of it."""

    PLANNED = "planned"
    SCHEDULED = "scheduled"
    STARTED = "started"
    ENDED = "ended"
    FAILED = "failed"
    CANCELLED = "cancelled"


@dataclass(frozen=True, slots=True, kw_only=True)
class Announced:
    """What people were last told of a change: how far it was, for when it was planned, and on what."""

    phase: ChangePhase
    starts_at: datetime
    ends_at: datetime
    cis: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class ToldOfChange:
    """One notice of a change: its key in the outbox, the notifier, and the id of the person it was for, if for one."""

    key: str
    to: str
    event: str
    at: datetime
    person: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Change(_Record):
    """Work on `cis`, planned from `starts_at` to `ends_at`; `began_at` and `ended_at` are what really was.

    `uid` is what another system calls it, an event of a calendar for instance; `url` leads there. `evidence`
    are the first `MAX_EVIDENCE` alerts that it was expected to cause; its history counts all. `announced` is what
    people know of it, None where nobody was told; `told` are the notices, in order.
    """

    kind: ClassVar[Kind] = Kind.CHANGE
    status: ChangeStatus = ChangeStatus.PLANNED
    starts_at: datetime
    ends_at: datetime
    began_at: datetime | None = None
    approved_at: datetime | None = None
    approved_by: str = ""
    url: str = ""
    uid: str = ""
    evidence: tuple[Evidence, ...] = ()
    announced: Announced | None = None
    told: tuple[ToldOfChange, ...] = ()


Record = ServiceRequest | Problem | Change
RECORDS: dict[Kind, type[ServiceRequest] | type[Problem] | type[Change]] = {
    Kind.REQUEST: ServiceRequest,
    Kind.PROBLEM: Problem,
    Kind.CHANGE: Change,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Given:
    """What somebody says of a record; None where nothing is said of a field. Which kind has which is its own class."""

    title: str | None = None
    description: str | None = None
    group: str | None = None
    assignee: str | None = None
    cis: tuple[str, ...] | None = None
    services: tuple[str, ...] | None = None
    cause: str | None = None
    workaround: str | None = None
    categories: tuple[str, ...] | None = None
    alerts: tuple[str, ...] | None = None
    words: tuple[str, ...] | None = None
    starts_at: datetime | None = None
    ends_at: datetime | None = None
    url: str | None = None
    uid: str | None = None


def parse_key(text: str, series: str = "INC") -> tuple[str, int]:
    """(`PRB`, 3) for `PRB-3` or `prb-3`; a bare number is one of `series`. ValueError where it is neither."""
    found = _KEY.fullmatch(text)
    if found is None or int(found[2]) == 0:
        raise ValueError(f'"{text[:40]}" is not the number of a record; allowed: as in INC-42, REQ-1, PRB-3 or CHG-7')
    return (found[1] or series).upper(), int(found[2])


def kind_of(series: str) -> Kind | None:
    """The kind whose numbers begin so; None for incidents."""
    return _KINDS.get(series)
