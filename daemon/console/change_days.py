"""Changes day by day, as a calendar lists them: what goes on now, what is planned, and what meets on the same CIs."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, time, timedelta

from daemon.api.ports import Ports
from daemon.console.record_lists import Filters
from daemon.store.rows import RecordSearch
from rules.change_risk import at_once
from rules.record import Change, ChangeStatus, Kind

DAYS = 14
"""So many days one page of the calendar has."""
MOST = 300
"""So many changes it shows at most; filters lead to the rest."""
_OFF = frozenset({ChangeStatus.REJECTED, ChangeStatus.CANCELLED})
_SHOWN = tuple(str(s) for s in ChangeStatus if s not in _OFF)
_MOMENT = timedelta(seconds=1)
_FIRST, _LAST = date(1970, 1, 1), date(9999, 1, 1)


@dataclass(frozen=True, slots=True, kw_only=True)
class Planned:
    """A change as its day has it. `others` go on at the same time, `shared` are the CIs that they are about as well."""

    change: Change
    others: tuple[Change, ...]
    shared: tuple[str, ...]
    is_now: bool
    is_late: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Day:
    """A day of UTC with what is planned for any of its time, in order."""

    day: date
    rows: tuple[Planned, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Calendar:
    """Some days with changes, what is under way now, the counts by state, and where the calendar goes on."""

    under_way: tuple[Planned, ...]
    days: tuple[Day, ...]
    counts: Mapping[str, int]
    first: date
    last: date
    today: date
    before: str
    after: str
    has_more: bool


def calendar_of(ports: Ports, filters: Filters, from_: str, path: str) -> Calendar:
    """The calendar from a day on, today where none is named."""
    now = ports.clock.now()
    first = _day(from_, now.date())
    begin = datetime.combine(first, time(), UTC)
    end = begin + timedelta(days=DAYS)
    # In a calendar what is over belongs to its day; what is off does not, unless that is asked for.
    search = filters.search(ports, Kind.CHANGE)
    search = search if filters.status else replace(search, statuses=_SHOWN)
    wanted = replace(search, since=begin, until=end, by_plan=True)
    found = _changes(ports, wanted, MOST + 1)
    shown = [c for c in found[:MOST] if c.ends_at > begin or c.starts_at >= begin]
    going = _under_way(ports, search, now)
    all_of_them = RecordSearch(kind=Kind.CHANGE, since=begin, until=end, by_plan=True)
    pool = {c.number: c for c in (*_changes(ports, all_of_them, 2 * MOST), *shown, *going)}
    meeting = at_once(pool.values())
    rows = [_planned(c, meeting.get(c.number, ()), now) for c in shown]
    return Calendar(
        under_way=tuple(_planned(c, meeting.get(c.number, ()), now) for c in going),
        days=tuple(_days(rows, first)),
        counts=ports.store.record_counts(replace(search, statuses=())),
        first=first,
        last=first + timedelta(days=DAYS - 1),
        today=now.date(),
        before=_other(filters, path, first - timedelta(days=DAYS)),
        after=_other(filters, path, first + timedelta(days=DAYS)),
        has_more=len(found) > MOST,
    )


def _day(text: str, today: date) -> date:
    try:
        asked = date.fromisoformat(text)
    except ValueError:
        return today
    return min(max(asked, _FIRST), _LAST)


def _other(filters: Filters, path: str, day: date) -> str:
    base = filters.address(path)
    return f"{base}{'&' if '?' in base else '?'}from={min(max(day, _FIRST), _LAST)}"


def _changes(ports: Ports, search: RecordSearch, most: int) -> list[Change]:
    return [c for c in ports.store.records(search, limit=most) if isinstance(c, Change)]


def _under_way(ports: Ports, search: RecordSearch, now: datetime) -> list[Change]:
    """Whose work has begun, and those approved whose time it is, whether or not somebody has said so."""
    going = _changes(ports, replace(search, statuses=[ChangeStatus.IN_PROGRESS]), MOST)
    due = _changes(ports, replace(search, statuses=[ChangeStatus.APPROVED], since=now, until=now + _MOMENT), MOST)
    return sorted((*going, *(c for c in due if _is_now(c, now))), key=lambda c: (c.ends_at, c.number))


def _is_now(change: Change, now: datetime) -> bool:
    """Whether it is under way."""
    if change.status is ChangeStatus.APPROVED:
        return change.starts_at <= now < change.ends_at
    return change.status is ChangeStatus.IN_PROGRESS


def _planned(change: Change, others: Sequence[Change], now: datetime) -> Planned:
    shared = {ci for other in others for ci in other.cis} & set(change.cis)
    is_waiting = change.status is ChangeStatus.PLANNED and change.starts_at <= now
    return Planned(
        change=change,
        others=tuple(others),
        shared=tuple(sorted(shared)),
        is_now=_is_now(change, now),
        is_late=is_waiting or (change.status is ChangeStatus.IN_PROGRESS and change.ends_at < now),
    )


def _days(rows: Sequence[Planned], first: date) -> list[Day]:
    found = []
    for day in (first + timedelta(days=n) for n in range(DAYS)):
        begin = datetime.combine(day, time(), UTC)
        end = begin + timedelta(days=1)
        own = tuple(
            r for r in rows if r.change.starts_at < end and (r.change.ends_at > begin or r.change.starts_at >= begin)
        )
        if own:
            found.append(Day(day=day, rows=own))
    return found
