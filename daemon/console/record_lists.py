"""Lists of service requests and problems, and of changes beside their calendar: the newest first, page by page."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Annotated

from fastapi import Query

from daemon.api.ports import Ports
from daemon.console.filters import address_of
from daemon.console.record_shown import incident_count, is_known_error
from daemon.store.rows import RecordSearch
from rules.record import ChangeStatus, Kind, ProblemStatus, Record, RequestStatus
from rules.record_lifecycles import STATES

PER_PAGE = 50
DEEPEST = 1_000_000
ANY = "any"
"""The word for every state; where none is chosen, what is over is not shown."""
_GOING_ON: dict[Kind, tuple[str, ...]] = {
    Kind.REQUEST: (RequestStatus.SUBMITTED, RequestStatus.IN_PROGRESS, RequestStatus.ON_HOLD),
    Kind.PROBLEM: (ProblemStatus.OPEN, ProblemStatus.INVESTIGATING, ProblemStatus.KNOWN_ERROR),
    Kind.CHANGE: (ChangeStatus.PLANNED, ChangeStatus.APPROVED, ChangeStatus.IN_PROGRESS),
}
Words = Annotated[list[Annotated[str, Query(max_length=256)]], Query(max_length=50)]


class Filters:
    """What a list is asked to show, as it stands in the address."""

    def __init__(
        self,
        status: Words = [],  # noqa: B006  FastAPI copies defaults
        group: Words = [],  # noqa: B006
        service: Words = [],  # noqa: B006
        ci: Words = [],  # noqa: B006
        text: Annotated[str, Query(max_length=200)] = "",
        view: Annotated[str, Query(max_length=10)] = "",
        offset: Annotated[int, Query(ge=0, le=DEEPEST)] = 0,
    ) -> None:
        # A field that somebody has left empty in the form says nothing.
        self.status = tuple(filter(None, status))
        self.group = tuple(filter(None, (g.strip() for g in group)))
        self.service = tuple(filter(None, (s.strip() for s in service)))
        self.ci = tuple(filter(None, (c.strip() for c in ci)))
        self.text = text.strip()
        self.view = "list" if view == "list" else ""
        self.offset = offset

    def search(self, ports: Ports, kind: Kind) -> RecordSearch:
        """The same for the store; a CI or service may be named by an alias."""
        estate = ports.estate()
        known = [s for s in self.status if s in list(STATES[kind])]
        statuses = () if ANY in self.status else known or [str(s) for s in _GOING_ON[kind]]
        return RecordSearch(
            kind=kind,
            statuses=statuses,
            groups=self.group,
            cis=[estate.find(ci) or ci for ci in self.ci],
            services=[estate.find(service) or service for service in self.service],
            text=self.text,
        )

    def address(self, path: str, **changed: str) -> str:
        """The list with one value put in or taken out, from its beginning."""
        chosen = {name: getattr(self, name) for name in ("status", "group", "service", "ci")}
        return address_of(path, chosen, {"text": self.text, "view": self.view}, changed)

    def without_text(self, path: str) -> str:
        """The list whatever the words."""
        chosen = {name: getattr(self, name) for name in ("status", "group", "service", "ci")}
        return address_of(path, chosen, {"view": self.view}, {})

    def at(self, path: str, offset: int) -> str:
        """Another page of the same list."""
        base = self.address(path)
        return base if not offset else f"{base}{'&' if '?' in base else '?'}offset={offset}"

    @property
    def narrows(self) -> bool:
        """Whether any but the state is asked for."""
        return bool(self.group or self.service or self.ci or self.text)


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """A line of a list; a problem says of how many incidents it is, and whether it is a known error."""

    record: Record
    incidents: int
    is_known_error: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Listed:
    """One page of a list, how many of each state there are by the other filters, and the pages beside it."""

    rows: tuple[Row, ...]
    counts: Mapping[str, int]
    total: int
    before: str
    after: str


def listed(ports: Ports, kind: Kind, filters: Filters, path: str) -> Listed:
    """The page that is asked for."""
    search = filters.search(ports, kind)
    found = ports.store.records(search, limit=PER_PAGE + 1, offset=filters.offset)
    counts = ports.store.record_counts(replace(search, statuses=()))
    wanted = [s for s in counts if not search.statuses or s in search.statuses]
    return Listed(
        rows=rows_of(found[:PER_PAGE]),
        counts=counts,
        total=sum(counts[s] for s in wanted),
        before=filters.at(path, max(0, filters.offset - PER_PAGE)) if filters.offset else "",
        after=filters.at(path, filters.offset + PER_PAGE) if len(found) > PER_PAGE else "",
    )


def rows_of(records: Sequence[Record]) -> tuple[Row, ...]:
    """Each with what lists say of it."""
    return tuple(Row(record=r, incidents=incident_count(r), is_known_error=is_known_error(r)) for r in records)
