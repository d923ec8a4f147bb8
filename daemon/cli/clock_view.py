"""Promised times in a terminal: what is due when, how much is left, and what became of it."""

from collections.abc import Iterator, Sequence
from datetime import datetime

from rich.text import Text

from daemon.cli.out import instant, safe
from rules.clock import Clock, ClockState, Goal
from rules.incident import Incident
from rules.promise_words import length_words, name_words
from rules.words import span

_VERBS = {Goal.RESPONSE: "respond", Goal.RESOLUTION: "resolve"}
_COLOURS = {ClockState.BREACHED: "bold red", ClockState.MET: "green", ClockState.PAUSED: "cyan"}


def clock_lines(clocks: Sequence[Clock], now: datetime) -> Iterator[Text]:
    """One line for each promise, in order of their start."""
    for clock in clocks:
        by = f" by {instant(clock.due_at)}" if clock.due_at is not None else ""
        line = Text(str(clock.state), style=_COLOURS.get(clock.state, ""))
        promise = f"{_VERBS[clock.goal]} within {length_words(clock)},{by} ({name_words(clock)})".replace(", (", " (")
        line.append(f"  {safe(f'{promise}: {outcome(clock, now)}', 600)}", style="default")
        yield line


def outcome(clock: Clock, now: datetime) -> str:
    """What is left of a promised time, or what became of it."""
    if clock.is_stopped:
        return "has no meaning any more"
    if clock.ended_at is not None:
        if clock.breached_at is not None:
            return f"met {span(clock.late)} too late, at {instant(clock.ended_at)}"
        return f"met after {span(clock.used)}, at {instant(clock.ended_at)}"
    held = f", on hold: {clock.pause.reason}" if clock.pause is not None else ""
    if clock.breached_at is not None:
        return f"overdue for {span(now - clock.breached_at)}{held}"
    if clock.pause is not None:
        return f"{span(clock.left)} left{held}"
    return f"{span(clock.due_at - now)} left" if clock.due_at is not None else "no end in sight"


def due_cell(incident: Incident, now: datetime) -> Text:
    """What has to happen next, and in what time; empty where nothing is due."""
    clock = incident.due
    if clock is None or clock.due_at is None:
        return Text("")
    verb = _VERBS[clock.goal]
    if now > clock.due_at:
        return Text(f"{verb} {span(now - clock.due_at)} ago", style="bold red")
    return Text(f"{verb} in {span(clock.due_at - now)}")
