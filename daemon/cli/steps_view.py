"""How the steps of a replay look in a terminal: what was known and decided when, the oldest first."""

from collections.abc import Iterator, Sequence

from rich.console import RenderableType
from rich.padding import Padding
from rich.text import Text

from daemon.cli.out import console, count, priority_cell, safe, say
from daemon.replay_steps import AlertStep, IncidentStep, Step
from rules.words import percent

MOST_STEPS = 100
MOST_INCIDENTS = 12
MOST_ALERTS = 4
MOST_REASONS = 5
MOST_EVIDENCE = 4
_SAID_ANYWAY = frozenset({"priority_changed", "root_changed"})
"""Kinds of entries that the headline and the lines on why say already."""


def show_steps(steps: Sequence[Step]) -> None:
    """Print the steps; of very many only the first."""
    if not steps:
        say("Nothing happened.")
    for step in steps[:MOST_STEPS]:
        say(Text(safe(step.at.replace("T", " ")), style="bold"))
        for depth, line in _lines(step):
            say(_indented(depth, line))
    if len(steps) > MOST_STEPS:
        left = count(len(steps) - MOST_STEPS, "more step")
        say("", f"… and {left}; --incident NUMBER follows one incident, --json shows them all")


def _indented(depth: int, line: Text) -> RenderableType:
    # In a pipe a line stays one line, so that grep finds it.
    if console().is_terminal:
        return Padding(line, (0, 0, 0, 2 * depth))
    return Text.assemble("  " * depth, line)


def _lines(step: Step) -> Iterator[tuple[int, Text]]:
    if step.fired:
        yield 1, Text.assemble((f"{count(len(step.fired), 'alert')} fired: ", "red"), _named(step.fired))
    if step.cleared:
        yield 1, Text.assemble((f"{count(len(step.cleared), 'alert')} cleared: ", "green"), _named(step.cleared))
    for incident in step.incidents[:MOST_INCIDENTS]:
        yield 1, _headline(incident)
        for line in _reasons(incident):
            yield 2, Text(safe(line, 600))
    if len(step.incidents) > MOST_INCIDENTS:
        yield 1, Text(f"… and {count(len(step.incidents) - MOST_INCIDENTS, 'more incident')}")
    yield from _opened_nothing(step.events)


def _named(alerts: Sequence[AlertStep]) -> str:
    names = ", ".join(safe(a.name, 100) for a in alerts[:MOST_ALERTS])
    return names + (f" and {len(alerts) - MOST_ALERTS} more" if len(alerts) > MOST_ALERTS else "")


def _headline(incident: IncidentStep) -> Text:
    line = Text.assemble((f"{incident.number} {incident.event.replace('_', ' ')}", "bold"), ": ")
    root = safe(incident.root or "root unknown", 100)
    if incident.was and incident.was.root != incident.root:
        root = f"{safe(incident.was.root or 'unknown', 100)} → {root}"
    line.append(f"{root}, {_sure(incident)}, " if incident.root else f"{root}, ")
    if incident.was and incident.was.priority != incident.priority:
        line.append(f"{incident.was.priority} → ")
    line.append(priority_cell(incident.priority))
    line.append(f", {count(incident.alerts, 'alert')}")
    return line


def _sure(incident: IncidentStep) -> str:
    now = percent(incident.confidence)
    was = percent(incident.was.confidence) if incident.was and incident.was.root == incident.root else now
    return f"{now} sure" if was == now else f"{was} → {now} sure"


def _reasons(incident: IncidentStep) -> Iterator[str]:
    if incident.was is None:
        yield incident.title
    for entry in incident.entries:
        if entry.kind not in _SAID_ANYWAY:
            yield entry.text
    was = incident.was
    if incident.root and (was is None or was.root != incident.root):
        shown = incident.evidence[:MOST_EVIDENCE]
        folded = len(incident.evidence) - len(shown)
        yield f"why {incident.root}: {'; '.join(shown)}" + (f" and {folded} more" if folded > 0 else "")
    if was is None or was.priority != incident.priority:
        yield f"why {incident.priority}: {incident.priority_reason}"


def _opened_nothing(events: Sequence[AlertStep]) -> Iterator[tuple[int, Text]]:
    by_reason: dict[str, list[AlertStep]] = {}
    for event in events:
        by_reason.setdefault(event.reason, []).append(event)
    ordered = sorted(by_reason.items(), key=lambda item: (-len(item[1]), item[0]))
    for reason, alerts in ordered[:MOST_REASONS]:
        line = Text(f"{count(len(alerts), 'alert')} opened nothing, {safe(reason, 300)}: ", style="dim")
        yield 1, line.append(_named(alerts))
    if len(ordered) > MOST_REASONS:
        rest = sum(len(alerts) for _, alerts in ordered[MOST_REASONS:])
        yield 1, Text(f"{count(rest, 'alert')} opened nothing for {len(ordered) - MOST_REASONS} more reasons")
