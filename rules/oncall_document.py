"""The shape in which who is on call leaves the daemon: the CLI and the API show this."""

from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta

import msgspec

from rules.document import rfc3339
from rules.preflight import Finding
from rules.roster import Roster
from rules.rotation import Override, Shift, shifts

LOOK_AHEAD = timedelta(days=35)
"""How far ahead the end of a duty is looked for; a choice: a month, and some."""


class MemberDocument(msgspec.Struct, frozen=True, kw_only=True):
    """A person on call."""

    id: str
    name: str


class ShiftDocument(msgspec.Struct, frozen=True, kw_only=True):
    """A stretch of time with the people on call, nobody in a gap; `source` is a layer's name or what stands over it."""

    starts_at: str
    ends_at: str
    people: tuple[MemberDocument, ...]
    source: str


class ShiftList(msgspec.Struct, frozen=True, kw_only=True):
    """The shifts of a schedule, which tile the time asked for; `time_zone` is the schedule's."""

    schedule: str
    time_zone: str
    shifts: tuple[ShiftDocument, ...]


class DutyDocument(msgspec.Struct, frozen=True, kw_only=True):
    """Who is on call in a schedule at a moment; `until` is null where that ends more than a month from then."""

    schedule: str
    people: tuple[MemberDocument, ...]
    source: str
    until: str | None


class DutyList(msgspec.Struct, frozen=True, kw_only=True):
    """Every schedule, by name."""

    at: str
    schedules: tuple[DutyDocument, ...]


class OverrideDocument(msgspec.Struct, frozen=True, kw_only=True):
    """Somebody put in a schedule's place for a time, by a person or a calendar (`is_imported`)."""

    id: str
    schedule: str
    people: tuple[str, ...]
    starts_at: str
    ends_at: str
    made_by: str
    made_at: str
    reason: str
    is_imported: bool


class OverrideList(msgspec.Struct, frozen=True, kw_only=True):
    """Overrides that are in force or to come, by their beginning."""

    overrides: tuple[OverrideDocument, ...]


class FindingDocument(msgspec.Struct, frozen=True, kw_only=True):
    """One thing that is wrong with calling people: `flaw` is gap, no_channel, unknown or unreached."""

    flaw: str
    subject: str
    words: str
    starts_at: str | None
    ends_at: str | None


class FindingList(msgspec.Struct, frozen=True, kw_only=True):
    """What the pre-flight check found; `ok` where that is nothing."""

    ok: bool
    since: str
    until: str
    findings: tuple[FindingDocument, ...]


def duty_list(roster: Roster, overrides: Sequence[Override], at: datetime, names: Iterable[str] = ()) -> DutyList:
    """Who is on call at that moment, in the schedules named, else in all of them."""
    found = []
    for name in sorted(set(names) or set(roster.schedules)):
        first = shifts(roster.schedules[name], overrides, at, at + LOOK_AHEAD)[0]
        until = None if first.ends_at == at + LOOK_AHEAD else rfc3339(first.ends_at)
        people = _members(roster, first.people)
        found.append(DutyDocument(schedule=name, people=people, source=first.source, until=until))
    return DutyList(at=rfc3339(at), schedules=tuple(found))


def shift_list(roster: Roster, schedule: str, found: Iterable[Shift]) -> ShiftList:
    """The shifts of one schedule."""
    return ShiftList(
        schedule=schedule,
        time_zone=roster.schedules[schedule].zone.key,
        shifts=tuple(
            ShiftDocument(
                starts_at=rfc3339(s.starts_at),
                ends_at=rfc3339(s.ends_at),
                people=_members(roster, s.people),
                source=s.source,
            )
            for s in found
        ),
    )


def override_list(overrides: Iterable[Override], now: datetime) -> OverrideList:
    """Those that are not over."""
    found = sorted((o for o in overrides if o.ends_at > now), key=lambda o: (o.starts_at, o.id))
    return OverrideList(overrides=tuple(map(override_document, found)))


def override_document(override: Override) -> OverrideDocument:
    """One override."""
    return OverrideDocument(
        id=override.id,
        schedule=override.schedule,
        people=override.people,
        starts_at=rfc3339(override.starts_at),
        ends_at=rfc3339(override.ends_at),
        made_by=override.made_by,
        made_at=rfc3339(override.made_at),
        reason=override.reason,
        is_imported=override.is_imported,
    )


def finding_list(findings: Sequence[Finding], since: datetime, until: datetime) -> FindingList:
    """What the pre-flight check found."""
    return FindingList(
        ok=not findings, since=rfc3339(since), until=rfc3339(until), findings=tuple(map(_finding, findings))
    )


def _finding(finding: Finding) -> FindingDocument:
    return FindingDocument(
        flaw=str(finding.flaw),
        subject=finding.subject,
        words=finding.words,
        starts_at=None if finding.starts_at is None else rfc3339(finding.starts_at),
        ends_at=None if finding.ends_at is None else rfc3339(finding.ends_at),
    )


def _members(roster: Roster, people: Iterable[str]) -> tuple[MemberDocument, ...]:
    return tuple(MemberDocument(id=p, name=roster.name(p)) for p in people)
