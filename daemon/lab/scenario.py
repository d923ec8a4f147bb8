"""The script that `incidentd lab up` plays, so that a newcomer sees an incident without doing anything."""

from dataclasses import dataclass
from datetime import timedelta
from typing import Literal


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """Break or mend one CI so long after the start."""

    after: timedelta
    verb: Literal["break", "mend"]
    ci: str
    words: str


def _at(seconds: int) -> timedelta:
    return timedelta(seconds=seconds)


SCENARIO = (
    Step(after=_at(15), verb="break", ci="tor-3a",
         words="its rack has no other switch: Checkout and Payments go down, and nothing says why"),
    Step(after=_at(135), verb="mend", ci="tor-3a", words="everything behind it comes back"),
    Step(after=_at(210), verb="break", ci="tor-1a",
         words="rack 1 has a second switch: nothing goes down, but Warehouse has lost its spare"),
    Step(after=_at(300), verb="mend", ci="tor-1a", words="that was the script; now break things yourself"),
)  # fmt: skip


class Script:
    """Plays steps in order of time. `due` hands out what has become due since it was last asked."""

    def __init__(self, steps: tuple[Step, ...] = SCENARIO) -> None:
        self._left = sorted(steps, key=lambda step: step.after)

    def due(self, since_start: timedelta) -> list[Step]:
        """The steps to play now, in order; each is handed out once."""
        found = [step for step in self._left if step.after <= since_start]
        self._left = self._left[len(found) :]
        return found
