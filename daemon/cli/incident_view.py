"""How an incident looks in a terminal: what failed first, then what it hits, why, and what happens next."""

from collections.abc import Iterator, Sequence
from datetime import datetime

from rich.table import Table
from rich.text import Text

from daemon.cli.clock_view import clock_lines, due_cell
from daemon.cli.escalation_view import call_table, next_call
from daemon.cli.incident_record_view import resolved_words, show_record
from daemon.cli.notices import notice_table
from daemon.cli.out import count, heading, instant, item, priority_cell, safe, say, state_cell, table
from daemon.store.rows import NoticeRow
from rules.alert import Alert
from rules.deadlines import quiet_needed
from rules.decision import TimelineEntry
from rules.incident import Incident, Status, incident_key
from rules.lifecycle import allowed_steps
from rules.policy import Policy
from rules.recurrence import Suggestion
from rules.satisfaction import Rating
from rules.words import WORTH_NAMING, percent, span

MOST_ALERTS = 40
MOST_CANDIDATES = 6
MOST_OTHERS = 5


def incident_table(incidents: Sequence[Incident], now: datetime) -> Table:
    """One line for each incident, in the given order."""
    rows = [
        [
            i.key,
            priority_cell(i.priority),
            _status(i),
            span(now - i.opened_at),
            due_cell(i, now),
            safe(i.assignee or i.group, 30),
            safe(i.title, 300),
        ]
        for i in incidents
    ]
    return table(["incident", "prio", "status", "age", "due", "with", "what"], rows, wide="what")


def show_incident(
    incident: Incident,
    alerts: Sequence[Alert],
    timeline: Sequence[TimelineEntry],
    notices: Sequence[NoticeRow],
    ratings: Sequence[Rating],
    policy: Policy,
    now: datetime,
    suggested: Suggestion | None = None,
) -> None:
    """Print everything that is known of one incident."""
    say(Text(safe(incident.title, 500), style="bold"), _state_line(incident, now))
    show_record(incident, ratings)
    _services(incident)
    _known(incident)
    _why(incident)
    if incident.clocks:
        heading("Promised times")
        say(*clock_lines(incident.clocks, now))
    _calls(incident, policy)
    heading("What happens next")
    for line in what_next(incident, alerts, policy):
        say(item(line))
    if suggested is not None:
        words = f"It recurs: {suggested.words}. `incidentd problem accept {suggested.ci}` makes a problem of it."
        say(item(safe(words, 600)))
    show_timeline(timeline)
    _alerts(alerts)
    show_notices(notices)


def show_notices(notices: Sequence[NoticeRow]) -> None:
    """Print who was told of it; they are given newest first."""
    heading(f"Notices ({len(notices)})")
    say(notice_table(list(reversed(notices)))) if notices else say("Nobody has been told.")


def _calls(incident: Incident, policy: Policy) -> None:
    called = call_table(incident, policy)
    if called is not None:
        heading(f"Called ({len(incident.escalation.calls)})")
        say(called)


def what_next(incident: Incident, alerts: Sequence[Alert], policy: Policy) -> Iterator[str]:
    """What the daemon will do by itself, and what a person may do, in sentences."""
    yield from _by_itself(incident, sum(a.is_firing for a in alerts), policy)
    yield from next_call(incident, policy)
    steps = allowed_steps(incident.status)
    if steps:
        yield f"You may {', '.join(steps[:-1]) + ' or ' if len(steps) > 1 else ''}{steps[-1]} it."


def _by_itself(incident: Incident, firing: int, policy: Policy) -> Iterator[str]:
    if incident.is_waiting_for_steps and not firing:
        steps = ", ".join(map(str, incident.open_steps))
        yield f"All is quiet; it resolves by itself once steps {steps} are done."
    elif incident.status is Status.MERGED and incident.merged_into is not None:
        yield f"It goes on as {incident_key(incident.merged_into)}."
    elif incident.status is Status.CONVERTED:
        yield f"It goes on as {', '.join(k.key for k in incident.links if k.kind == 'converted to')}."
    elif incident.status is Status.CLOSED:
        yield "It is over: a new failure opens a new incident."
    elif incident.status is Status.RESOLVED and incident.resolved_at is not None:
        reopens, closes = incident.resolved_at + policy.reopen_within, incident.resolved_at + policy.close_after
        yield f"A relapse before {instant(reopens)} reopens it; later it opens a new incident."
        yield f"It closes by itself at {instant(closes)}."
    elif incident.quiet_since is not None and not firing and "status" not in incident.pinned:
        due = incident.quiet_since + quiet_needed(incident, policy.resolve_after)
        yield f"All quiet since {instant(incident.quiet_since)}; if so it stays, it resolves at {instant(due)}."
    else:
        if incident.status is Status.OPEN:
            yield "Nobody has acknowledged it yet."
        quiet = span(quiet_needed(incident, policy.resolve_after))
        if "status" in incident.pinned:
            yield "Only a person resolves it."
            return
        yield f"{count(firing, 'alert')} firing; it resolves by itself {quiet} after the last one clears."


def _status(incident: Incident) -> str:
    return str(incident.status).replace("_", " ")


def _state_line(incident: Incident, now: datetime) -> Text:
    end = incident.resolved_at or incident.closed_at
    age = f"lasted {span(end - incident.opened_at)}" if end else f"{span(now - incident.opened_at)} ago"
    line = Text.assemble(incident.key, "  ", priority_cell(incident.priority), f"  {_status(incident)}")
    line.append(f"  opened {instant(incident.opened_at)}, {age}\n")
    line.append(f"group {safe(incident.group, 60) or 'unknown'}, assigned to {safe(incident.assignee, 60) or 'nobody'}")
    for link in incident.links:
        line.append(f"\n{link.kind} {link.key}")
    if incident.hold_reason:
        line.append(f"\nwaits for: {safe(incident.hold_reason, 1000)}")
    if incident.resolved_at is not None:
        line.append(f"\n{safe(resolved_words(incident), 1200)}")
    return line


def _services(incident: Incident) -> None:
    heading("Business services")
    if not incident.services:
        say("None is hit.")
    for service in incident.services:
        name = safe(service.name or service.ci, 200)
        say(Text.assemble(state_cell(service.state.word), f"  {name}", f" ({safe(service.ci)})" * (name != service.ci)))
    named = {incident.root.ci, *(s.ci for s in incident.services)}
    others = [ci for ci in incident.impacted if ci not in named]
    if others:
        more = f" and {len(others) - MOST_OTHERS} more" if len(others) > MOST_OTHERS else ""
        say(f"and {count(len(others), 'other CI')} down or degraded: {safe(', '.join(others[:MOST_OTHERS]))}{more}")


def _why(incident: Incident) -> None:
    root = incident.root
    heading(safe(f"Why {root.ci}, {_sure(incident)}" if root.ci else "No root cause: no alert maps onto the CMDB"))
    for line in root.evidence:
        say(item(safe(line, 600)))
    others = [c for c in root.candidates if c.ci != root.ci and c.confidence >= WORTH_NAMING][:MOST_CANDIDATES]
    for other in others:
        if other.evidence:
            say(
                item(
                    safe(f"it could also be {other.ci}, {percent(other.confidence)}: {'; '.join(other.evidence)}", 600)
                )
            )
    unweighed = [f"{c.ci} {percent(c.confidence)}" for c in others if not c.evidence]
    if unweighed:
        say(item(safe("it could also be " + ", ".join(unweighed), 600)))
    if incident.suspects:
        heading("Worked on near it")
    for suspect in incident.suspects:
        say(item(safe(suspect.words, 600)))
    if incident.group_reason:
        heading(safe(f"Why {incident.group or 'nobody in particular'}"))
        say(item(safe(incident.group_reason, 600)))
    heading(f"Why {incident.priority}")
    say(item(safe(incident.priority_reason or f"impact {incident.impact}, urgency {incident.urgency}", 600)))
    if incident.priority_rule:
        say(item(safe(incident.priority_rule, 200)))
    if incident.users:
        say(item(f"{count(incident.users, 'user')} hit"))


def _known(incident: Incident) -> None:
    if incident.known_errors:
        heading("Known errors")
    for error in incident.known_errors:
        say(item(safe(f"{error.key} {error.title} ({error.why}); until it is mended: {error.workaround}", 1000)))


def _sure(incident: Incident) -> str:
    if "root" not in incident.pinned:
        return f"{percent(incident.root.confidence)} sure"
    is_confirmed = incident.root.ci == incident.confirmed_root == incident.diagnosed_root
    return "confirmed by a person" if is_confirmed else "set by a person"


def show_timeline(timeline: Sequence[TimelineEntry]) -> None:
    """Print a history."""
    heading("Timeline")
    rows = [[instant(e.at), e.actor, safe(e.text, 1000)] for e in timeline]
    say(table(["at", "who", "what"], rows, wide="what") if rows else "Nothing has happened yet.")


def _alerts(alerts: Sequence[Alert]) -> None:
    heading(f"Alerts ({sum(a.is_firing for a in alerts)} of {len(alerts)} firing)")
    ordered = sorted(alerts, key=lambda a: (not a.is_firing, a.starts_at, a.id))
    rows = [
        [
            Text("firing", style="red") if a.is_firing else Text("cleared", style="dim"),
            instant(a.starts_at),
            a.name,
            a.ci or "unmapped",
            safe(_summary(a), 300),
        ]
        for a in ordered[:MOST_ALERTS]
    ]
    if rows:
        say(table(["state", "since", "alert", "CI", "says"], rows, wide="says"))
    if len(ordered) > MOST_ALERTS:
        say(f"… and {count(len(ordered) - MOST_ALERTS, 'more alert')}; --json shows them all")


def _summary(alert: Alert) -> str:
    return next((alert.annotations[k] for k in ("summary", "description", "message") if alert.annotations.get(k)), "")
