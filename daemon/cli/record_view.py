"""How service requests, problems and changes look in a terminal."""

from collections.abc import Iterator, Sequence

from rich.table import Table
from rich.text import Text

from daemon.cli.incident_view import show_notices, show_timeline
from daemon.cli.out import count, heading, instant, item, safe, say, state_cell, table
from daemon.store.rows import NoticeRow
from rules.change_risk import Risk, overlapping
from rules.decision import TimelineEntry
from rules.record import Change, Problem, Record
from rules.record_lifecycles import LIFECYCLES
from rules.recurrence import Suggestion
from rules.transitions import words_of

MOST_EVIDENCE = 10


def record_table(records: Sequence[Record]) -> Table:
    """One line for each record, in the given order."""
    rows = [[r.key, words_of(r.status), _when(r), safe(r.assignee or r.group, 30), safe(r.title, 300)] for r in records]
    return table(["record", "status", "when", "with", "what"], rows, wide="what")


def suggestion_table(suggestions: Sequence[Suggestion]) -> Table:
    """One line for each problem that should be made."""
    rows = [[s.ci, len(s.incidents), ", ".join(s.alerts), instant(s.last_at), s.words] for s in suggestions]
    return table(["CI", "incidents", "alerts", "last", "why"], rows, wide="why")


def show_record(
    record: Record,
    timeline: Sequence[TimelineEntry],
    risk: Risk | None,
    around: Sequence[Record],
    notices: Sequence[NoticeRow],
) -> None:
    """Print everything that is known of one record."""
    say(Text(safe(record.title, 500), style="bold"))
    say(f"{record.key}  {words_of(record.status)}  opened {instant(record.opened_at)} by {safe(record.opened_by, 60)}")
    say(f"group {safe(record.group, 60) or 'unknown'}, assigned to {safe(record.assignee, 60) or 'nobody'}")
    for name, text in _facts(record):
        if text:
            say(Text.assemble(f"{name}: ", safe(text, 4000)))
    for link in record.links:
        say(f"{link.kind} {link.key}")
    if risk is not None and isinstance(record, Change):
        _risk(record, risk, around)
    steps = [step for step in LIFECYCLES[record.kind].allowed_steps(record.status) if step != "revise"]
    heading("What may come next")
    say(f"You may {', '.join(steps)} it." if steps else "It is over.")
    show_timeline(timeline)
    if isinstance(record, Change):
        show_notices(notices)


def _facts(record: Record) -> Iterator[tuple[str, str]]:
    yield "about", record.description
    yield "CIs", ", ".join(record.cis)
    yield "services", ", ".join(record.services)
    if isinstance(record, Problem):
        yield "cause", record.cause
        yield "workaround", record.workaround
        yield "matches categories", ", ".join(record.categories)
        yield "matches alerts", ", ".join(record.alerts)
        yield "matches words", ", ".join(record.words)
    if isinstance(record, Change):
        yield "planned", f"{instant(record.starts_at)} to {instant(record.ends_at)}"
        yield "began", instant(record.began_at)
        yield "approved", f"{instant(record.approved_at)} by {record.approved_by}" if record.approved_at else ""
        yield "see", record.url
        yield "expected under it", _evidence(record)
    yield "ended", instant(record.ended_at)
    yield "outcome", record.outcome


def _evidence(change: Change) -> str:
    named = [f"{e.alert} on {e.ci or 'an unknown CI'}" for e in change.evidence[:MOST_EVIDENCE]]
    more = len(change.evidence) - MOST_EVIDENCE
    return ", ".join(named) + (f" and {more} more" if more > 0 else "")


def _risk(change: Change, risk: Risk, around: Sequence[Record]) -> None:
    heading(f"Risk: {risk.level or 'none'}")
    say(item(safe(risk.reason, 300)))
    for service in risk.services:
        say(Text.assemble(state_cell(service.state.word), f"  {safe(service.name, 200)}"))
    for line in risk.together:
        say(item(safe(line, 600)))
    say(item(safe(risk.basis, 600)))
    say(item(f"{count(risk.reached, 'other CI')} would be affected; to be told: {', '.join(risk.owners) or 'nobody'}"))
    if others := overlapping(change, around):
        say(item(f"at the same time: {', '.join(c.key for c in others)}"))


def _when(record: Record) -> str:
    if isinstance(record, Change):
        return f"{instant(record.starts_at)} to {instant(record.ends_at)}"
    return instant(record.opened_at)
