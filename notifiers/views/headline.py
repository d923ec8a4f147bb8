"""The line above everything else in a notice."""

from dataclasses import dataclass

from notifiers.wording import one_line


@dataclass(frozen=True, slots=True, kw_only=True)
class Headline:
    """The words of one event.

    `mark` goes into the subject's bracket and is empty for an operator's new incident; `kicker` is the line above the
    title, `next_step` what happens next. `tone` is the colour: P1 to P5, good, bad, plan or plain.
    """

    mark: str
    kicker: str
    title: str
    next_step: str
    tone: str


def humane(event: str) -> str:
    """An event that is unknown here, by its own name."""
    return one_line(event.replace("_", " "), 40) or "notice"
