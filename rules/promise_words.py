"""What is said of clocks on the timeline and in notices, for operators."""

from collections.abc import Sequence
from datetime import datetime, timedelta

from rules.calendar import ALWAYS
from rules.clock import Clock, Goal
from rules.words import span

_DO = {Goal.RESPONSE: "respond", Goal.RESOLUTION: "resolve"}
_DONE = {Goal.RESPONSE: "responded", Goal.RESOLUTION: "resolved"}
_NOT_DONE = {Goal.RESPONSE: "nobody has acknowledged it", Goal.RESOLUTION: "it is not resolved"}


def moment(at: datetime | None) -> str:
    """An instant to the minute; what ten years of a calendar do not hold is not in sight."""
    return f"{at:%Y-%m-%d %H:%M} UTC" if at is not None else "no time in sight"


def name_words(clock: Clock) -> str:
    """The promise's name, as in `SLA standard, P1`."""
    party = f" of {clock.terms.party}" if clock.terms.party else ""
    return f"{clock.agreement}{party} {clock.terms.level}, {clock.terms.priority}"


def length_words(clock: Clock) -> str:
    """What is promised, with the calendar it is counted by where that is not around the clock."""
    by = "" if clock.terms.calendar == ALWAYS.name else f" by calendar {clock.terms.calendar}"
    return f"{span(clock.terms.target)}{by}"


def start_words(begun: Sequence[Clock]) -> str:
    """The promises of one agreement that begin to run."""
    return f"{name_words(begun[0])}: {', '.join(map(_promise, begun))}"


def terms_words(before: Clock, after: Clock) -> str:
    """What is promised instead of what was."""
    since = f"counted from {moment(after.started_at)} as before"
    return f"{name_words(after)}: {_promise(after)}, instead of within {length_words(before)}; {since}"


def hold_words(clock: Clock, reason: str) -> str:
    """A clock that was put on hold."""
    why = f": {reason}" if reason else ""
    if clock.breached_at is not None:
        return f"the overdue {clock.goal} clock ({name_words(clock)}) stands still{why}"
    return f"the {clock.goal} clock ({name_words(clock)}) stands still with {span(clock.left)} left{why}"


def resume_words(clock: Clock) -> str:
    """A clock that runs on."""
    verb = "was due" if clock.breached_at is not None else "is due"
    return f"the {clock.goal} clock ({name_words(clock)}) runs on; it {verb} at {moment(clock.due_at)}"


def warning_words(clock: Clock, share: float, now: datetime) -> str:
    """How much of a promised time is used and what is left."""
    left = f", in {span(clock.due_at - now)}" if clock.due_at is not None else ""
    used = f"{share * 100:.0f} % of the time to {_DO[clock.goal]} is used"
    return f"{used}; due at {moment(clock.due_at)}{left} ({name_words(clock)}: {length_words(clock)})"


def breach_words(clock: Clock, now: datetime) -> str:
    """What was promised and has not happened."""
    ago = now - clock.breached_at if clock.breached_at is not None else timedelta()
    late = f", {span(ago)} ago" if ago >= timedelta(minutes=1) else ""
    not_done = f"{_NOT_DONE[clock.goal]} within {length_words(clock)} ({name_words(clock)})"
    return f"{not_done}; due at {moment(clock.breached_at)}{late}"


def end_words(clock: Clock) -> str:
    """What became of a promise that was met, in time or too late."""
    done = _DONE[clock.goal]
    if clock.breached_at is not None:
        return f"{done} {span(clock.late)} too late: due at {moment(clock.breached_at)} ({name_words(clock)})"
    return f"{done} in time: {span(clock.used)} of {length_words(clock)} used ({name_words(clock)})"


def stop_words(clock: Clock, reason: str) -> str:
    """A promise that has lost its meaning."""
    return f"the {clock.goal} clock ({name_words(clock)}) is stopped: {reason}"


def _promise(clock: Clock) -> str:
    return f"{_DO[clock.goal]} within {length_words(clock)}, by {moment(clock.due_at)}"
