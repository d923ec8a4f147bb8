"""Promised times in plain words."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import timedelta

from notifiers.language import marked
from notifiers.reader import Reader, between
from rules.incident_shapes import ClockDocument

_SENTENCES = {
    ("response", "running"): marked("somebody takes it by %(due)s, %(left)s left"),
    ("response", "overdue"): marked("somebody was to take it by %(due)s, %(late)s overdue"),
    ("response", "paused"): marked("somebody takes it: the time stands still with %(left)s left"),
    ("response", "late"): marked("somebody took it %(late)s too late"),
    ("resolution", "running"): marked("solved by %(due)s, %(left)s left"),
    ("resolution", "overdue"): marked("was to be solved by %(due)s, %(late)s overdue"),
    ("resolution", "paused"): marked("solved: the time stands still with %(left)s left"),
    ("resolution", "met"): marked("solved in time"),
    ("resolution", "late"): marked("solved %(late)s too late"),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class PromiseLine:
    """How one promise stands: in words, and whether it is broken. `agreement` is SLA or OLA, `goal` response or
    resolution, `group` whose promise it is, empty for that to the customer."""

    agreement: str
    goal: str
    group: str
    words: str
    is_broken: bool


def promise_lines(clocks: Iterable[ClockDocument], reader: Reader) -> tuple[PromiseLine, ...]:
    """Those that still mean something, the customer's first."""
    lines = (_line(clock, reader) for clock in sorted(clocks, key=lambda c: (c.agreement != "SLA", c.goal)))
    return tuple(line for line in lines if line is not None)


def _line(clock: ClockDocument, reader: Reader) -> PromiseLine | None:
    standing = _standing(clock)
    if (clock.goal, standing) == ("response", "met"):
        return None  # somebody is on it, and it says so elsewhere
    sentence = _SENTENCES.get((clock.goal, standing))
    if sentence is None or (standing in ("running", "overdue") and not (clock.due_at or clock.breached_at)):
        return None
    due = (clock.breached_at if standing == "overdue" else clock.due_at) or ""
    words = reader.gettext(sentence, due=reader.time(due), **_lengths(clock, standing, due, reader))
    is_broken = standing in ("overdue", "late")
    return PromiseLine(agreement=clock.agreement, goal=clock.goal, group=clock.group, words=words, is_broken=is_broken)


def _standing(clock: ClockDocument) -> str:
    if clock.ended_at is not None:
        return "stopped" if clock.state == "stopped" else "late" if clock.breached_at else "met"
    if clock.breached_at is not None:
        return "overdue"
    return "paused" if clock.paused_at is not None else "running"


def _lengths(clock: ClockDocument, standing: str, due: str, reader: Reader) -> dict[str, str]:
    nothing = timedelta()
    if standing in ("late", "paused"):
        seconds = timedelta(seconds=(clock.late_s if standing == "late" else clock.left_s) or 0)
        return {"left": reader.about(seconds), "late": reader.about(seconds)}
    if standing not in ("running", "overdue"):
        return {}
    left = between(reader.at, due) or nothing
    return {"left": reader.about(max(left, nothing)), "late": reader.about(max(-left, nothing))}
