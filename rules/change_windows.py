"""Changes as maintenance windows: what an approved one causes is expected, and what was worked on is suspected."""

from collections.abc import Iterable, Iterator

from cmdb.graph import Estate
from rules.maintenance import Maintenance, Window
from rules.policy import Policy
from rules.record import Change, ChangeStatus, Record

_NOT_DONE = frozenset({ChangeStatus.PLANNED, ChangeStatus.REJECTED, ChangeStatus.CANCELLED})


def windows_of(records: Iterable[Record]) -> Iterator[Window]:
    """The window of each change that is carried out, has been, or may be at its time."""
    for record in records:
        if isinstance(record, Change) and record.status not in _NOT_DONE:
            yield window_of(record)


def maintenance_of(estate: Estate, policy: Policy, records: Iterable[Record]) -> Maintenance:
    """What is announced in the configuration, together with these changes."""
    return Maintenance(estate, (*policy.maintenance, *windows_of(records)), policy.resolve_after)


def window_of(change: Change) -> Window:
    """From its planned beginning, or an earlier real one, to its real end, or the planned one as long as it lasts."""
    is_approved = change.approved_at is not None
    begin = change.starts_at if change.began_at is None else min(change.began_at, change.starts_at)
    return Window(
        name=change.title,
        starts_at=begin,
        ends_at=change.ended_at or change.ends_at,
        cis=change.cis,
        change=change.key,
        is_expected=is_approved,
    )
