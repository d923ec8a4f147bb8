"""Orders of somebody who may not have seen what others did meanwhile: nothing is overwritten unseen."""

from collections.abc import Callable, Sequence
from http import HTTPStatus

from daemon.api.problems import Problem
from daemon.console.forms import Form, Trouble
from rules.decision import TimelineEntry

HIDDEN = ("expects", "lines", "back")
"""What a form carries along beside what is typed: the version that was seen, how long the history was, where to go."""
_MOST_SHOWN = 20
_TOLD = frozenset({"notice", "notice_waits", "called", "nobody_reached", "escalation", "snooze", "watch"})


class Stale(Exception):
    """Somebody has changed what an order is about; `trouble` says who did what."""

    def __init__(self, trouble: Trouble) -> None:
        super().__init__(trouble.words)
        self.trouble = trouble


def carried_unseen(
    give: Callable[[int | None], str],
    form: Form,
    trouble: Trouble,
    timeline: Callable[[], Sequence[TimelineEntry]],
    version: Callable[[], int],
) -> str:
    """The id of the order, which `give` gives for a version. Problem where it is refused; Stale, with `trouble` made
    complete, where people have changed meanwhile what the form was made for."""
    try:
        return give(form.number("expects"))
    except Problem as problem:
        if problem.status_code != HTTPStatus.PRECONDITION_FAILED:
            raise
        changed = changed_since(timeline(), form.number("lines") or 0)
        if changed:
            raise Stale(
                Trouble(
                    action=trouble.action,
                    status=problem.status_code,
                    words=trouble.words,
                    typed=trouble.typed,
                    changed=changed[-_MOST_SHOWN:],
                )
            ) from None
    # Only alerts have joined or people were told: nothing that the visitor could overwrite unseen.
    return give(version())


def changed_since(timeline: Sequence[TimelineEntry], lines: int) -> tuple[TimelineEntry, ...]:
    """What somebody who saw so many lines has not seen and should know of before they change anything: what people did,
    and fields that have another value. What only joins or is told to others is none of it."""
    return tuple(e for e in timeline[lines:] if e.actor_kind == "person" or (e.field and e.kind not in _TOLD))
