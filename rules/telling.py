"""What somebody is to be told of an incident, what waits for them, and the manners in which people are told.

A recipient has a key: a notifier's name for those whom it reaches by itself, `@anna` for the person with the id anna.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from types import MappingProxyType

from rules.subscriptions import Digest

OPERATOR, MANAGER, CUSTOMER = "operator", "manager", "customer"
AUDIENCES = (OPERATOR, MANAGER, CUSTOMER)
"""For whom notices are worded: who mends it, who answers for the business, who uses the service."""

URGENT_EVENTS = frozenset({"nobody_reached"})
"""Word that never waits, whatever the priority."""

CUSTOMER_EVENTS = frozenset({"opened", "changed", "update", "known_error", "reopened", "resolved"})
"""What customers hear of who do not say of what: how the house works on it is not their business."""

OVER = frozenset({"resolved", "closed", "merged", "converted"})
"""Events after which nothing more is to be done about an incident."""


def key_of(person: str) -> str:
    """The key of a person as a recipient."""
    return f"@{person}"


def person_of(key: str) -> str:
    """The id of the person whose key this is; empty for a notifier's."""
    return key[1:] if key.startswith("@") else ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Telling:
    """Word for one recipient (`to`, a key) about one incident, as this cycle decided it.

    `why` says why this recipient. A call goes by all ways at once and is not kept back by quiet hours. `via` are the
    notifiers to try, the first choice first; empty for the person's own order. `audience` is empty for the person's own
    wording. `batches` says whether it may be told together with others, `is_new` that they have not heard of it before.
    """

    incident: int
    to: str
    event: str
    reason: str
    why: tuple[str, ...] = ()
    is_call: bool = False
    via: tuple[str, ...] = ()
    audience: str = ""
    digest: Digest | None = None
    batches: bool = False
    is_new: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class Waiting:
    """Word that waits in a mailbox until `due_at`, and why it does: `kept` is `gather`, `burst`, `quiet`, `digest` or
    `limit`, empty where it does not. `at` is when it was decided."""

    word: Telling
    at: datetime
    due_at: datetime
    kept: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Mailbox:
    """What one recipient (a key) is still to be told, when they were told of late, and when of many things at once."""

    to: str
    waiting: tuple[Waiting, ...] = ()
    sent: tuple[datetime, ...] = ()
    summed_at: datetime | None = None

    @property
    def next_at(self) -> datetime | None:
        """When the next of it is due; None where nothing waits."""
        return min((item.due_at for item in self.waiting), default=None)


_AT_ONCE = timedelta()


@dataclass(frozen=True, slots=True, kw_only=True)
class Manners:
    """How people are told, so that nobody drowns.

    `urgent` priorities wait for nothing. Word for an audience waits for its `gather`, in which more of a burst may
    come; so many incidents as `burst` at once become one summary, and after one the next comes `summary_every` later,
    of calls `call_again` later. So many messages within `call_again` are a burst too. A person gets `limit` messages
    `within` that time; what goes beyond comes later, as a summary. `updates` say after how long without news people of
    the business hear of an open incident of a priority.

    A minute of gathering is as long as a storm usually takes to show its size; four incidents are more than a person
    reads one by one; half an hour between updates on a P1 is common practice of major incident management.
    """

    urgent: frozenset[str] = frozenset({"P1"})
    gather: Mapping[str, timedelta] = field(
        default_factory=lambda: MappingProxyType({MANAGER: timedelta(minutes=1), CUSTOMER: timedelta(minutes=1)}),
        hash=False,
    )
    burst: int = 4
    summary_every: timedelta = timedelta(minutes=5)
    call_again: timedelta = timedelta(minutes=1)
    limit: int = 20
    within: timedelta = timedelta(minutes=10)
    updates: Mapping[str, timedelta] = field(
        default_factory=lambda: MappingProxyType({"P1": timedelta(minutes=30)}), hash=False
    )

    def gather_of(self, audience: str) -> timedelta:
        """How long word for an audience waits for more."""
        return self.gather.get(audience, _AT_ONCE)
