"""How duties, shifts and overrides look in a terminal."""

from collections.abc import Iterable

from rich.table import Table
from rich.text import Text

from daemon.cli.out import safe, table
from rules.oncall_document import DutyList, MemberDocument, OverrideList
from rules.roster import Roster
from rules.rotation import Schedule, Shift
from rules.words import span

NOBODY = Text("nobody", style="red")


def duty_table(found: DutyList) -> Table:
    """One line for each schedule."""
    rows = [
        [d.schedule, _names(d.people), _minute(d.until) if d.until else "no end in sight", d.source]
        for d in found.schedules
    ]
    return table(["schedule", "on call", "until", "by"], rows, wide="by")


def shift_table(roster: Roster, schedule: Schedule, found: Iterable[Shift]) -> Table:
    """One line for each shift, in the schedule's own time."""
    rows = [
        [
            f"{s.starts_at.astimezone(schedule.zone):%a %Y-%m-%d %H:%M %Z}",
            f"{s.ends_at.astimezone(schedule.zone):%a %Y-%m-%d %H:%M %Z}",
            span(s.ends_at - s.starts_at),
            safe(roster.names(s.people)) if s.people else NOBODY,
            s.source,
        ]
        for s in found
    ]
    return table(["from", "to", "length", "on call", "by"], rows, wide="by")


def override_table(found: OverrideList) -> Table:
    """One line for each override."""
    rows = [
        [
            o.id[:8] if not o.is_imported else o.id[:12],
            o.schedule,
            ", ".join(o.people),
            _minute(o.starts_at),
            _minute(o.ends_at),
            f"{o.made_by}: {o.reason}" if o.reason else o.made_by,
        ]
        for o in found.overrides
    ]
    return table(["override", "schedule", "who", "from", "to", "by"], rows, wide="by")


def _names(people: Iterable[MemberDocument]) -> str | Text:
    return ", ".join(p.name for p in people) or NOBODY


def _minute(rfc3339: str) -> str:
    return f"{rfc3339[:10]} {rfc3339[11:16]}Z"
