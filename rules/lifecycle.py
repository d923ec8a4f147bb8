"""The life of an incident, as one table. Console, CLI, API and daemon all go through it.

Source: ITIL 4, incident management practice (registration, work, resolution, closure), with the on-hold state that
service desks use while they wait for somebody else, and `merged` for an incident that proved part of another.
"""

import enum

from rules.errors import IllegalTransition
from rules.incident import ACTIVE, Status


class Step(enum.StrEnum):
    """Something that moves an incident on."""

    ACKNOWLEDGE = "acknowledge"
    START = "start"
    HOLD = "hold"
    RESUME = "resume"
    RESOLVE = "resolve"
    CLOSE = "close"
    REOPEN = "reopen"
    MERGE = "merge"


TRANSITIONS: dict[tuple[Status, Step], Status] = {
    (Status.OPEN, Step.ACKNOWLEDGE): Status.ACKNOWLEDGED,
    (Status.OPEN, Step.START): Status.IN_PROGRESS,
    (Status.OPEN, Step.HOLD): Status.ON_HOLD,
    (Status.OPEN, Step.RESOLVE): Status.RESOLVED,
    (Status.OPEN, Step.MERGE): Status.MERGED,
    (Status.ACKNOWLEDGED, Step.START): Status.IN_PROGRESS,
    (Status.ACKNOWLEDGED, Step.HOLD): Status.ON_HOLD,
    (Status.ACKNOWLEDGED, Step.RESOLVE): Status.RESOLVED,
    (Status.ACKNOWLEDGED, Step.MERGE): Status.MERGED,
    (Status.IN_PROGRESS, Step.HOLD): Status.ON_HOLD,
    (Status.IN_PROGRESS, Step.RESOLVE): Status.RESOLVED,
    (Status.IN_PROGRESS, Step.MERGE): Status.MERGED,
    (Status.ON_HOLD, Step.RESUME): Status.IN_PROGRESS,
    (Status.ON_HOLD, Step.RESOLVE): Status.RESOLVED,
    (Status.ON_HOLD, Step.MERGE): Status.MERGED,
    (Status.RESOLVED, Step.CLOSE): Status.CLOSED,
    (Status.RESOLVED, Step.REOPEN): Status.OPEN,
    (Status.RESOLVED, Step.MERGE): Status.MERGED,
    (Status.CLOSED, Step.REOPEN): Status.OPEN,
}


def next_status(status: Status, step: Step) -> Status:
    """The state after `step`; IllegalTransition, naming what is allowed, where the table has none."""
    try:
        return TRANSITIONS[status, step]
    except KeyError:
        allowed = ", ".join(allowed_steps(status)) or "nothing more"
        raise IllegalTransition(f"cannot {step} an incident that is {_words(status)}; allowed now: {allowed}") from None


def allowed_steps(status: Status) -> tuple[str, ...]:
    """What may be asked of an incident in this state, in the table's order."""
    return tuple(str(step) for (state, step) in TRANSITIONS if state is status)


def diagram() -> str:
    """The table as a Mermaid state diagram, for the documentation."""
    lines = ["stateDiagram-v2", "    [*] --> open"]
    lines += [f"    {state} --> {after}: {step}" for (state, step), after in TRANSITIONS.items()]
    ends = [s for s in Status if s not in ACTIVE and s is not Status.RESOLVED]
    return "\n".join([*lines, *(f"    {state} --> [*]" for state in ends)])


def _words(status: Status) -> str:
    return str(status).replace("_", " ")
