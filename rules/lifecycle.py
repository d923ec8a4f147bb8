"""The life of an incident, as one table. Console, CLI, API and daemon all go through it.

Source: ITIL 4, incident management practice (registration, work, resolution, closure), with the on-hold state that
service desks use while they wait for somebody else, `merged` for an incident that proved part of another, and
`converted` for one that proved a service request.
"""

import enum

from rules.incident import Status
from rules.transitions import Lifecycle


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
    CONVERT = "convert"


TRANSITIONS: dict[tuple[Status, Step], Status] = {
    (Status.OPEN, Step.ACKNOWLEDGE): Status.ACKNOWLEDGED,
    (Status.OPEN, Step.START): Status.IN_PROGRESS,
    (Status.OPEN, Step.HOLD): Status.ON_HOLD,
    (Status.OPEN, Step.RESOLVE): Status.RESOLVED,
    (Status.OPEN, Step.MERGE): Status.MERGED,
    (Status.OPEN, Step.CONVERT): Status.CONVERTED,
    (Status.ACKNOWLEDGED, Step.START): Status.IN_PROGRESS,
    (Status.ACKNOWLEDGED, Step.HOLD): Status.ON_HOLD,
    (Status.ACKNOWLEDGED, Step.RESOLVE): Status.RESOLVED,
    (Status.ACKNOWLEDGED, Step.MERGE): Status.MERGED,
    (Status.ACKNOWLEDGED, Step.CONVERT): Status.CONVERTED,
    (Status.IN_PROGRESS, Step.HOLD): Status.ON_HOLD,
    (Status.IN_PROGRESS, Step.RESOLVE): Status.RESOLVED,
    (Status.IN_PROGRESS, Step.MERGE): Status.MERGED,
    (Status.IN_PROGRESS, Step.CONVERT): Status.CONVERTED,
    (Status.ON_HOLD, Step.RESUME): Status.IN_PROGRESS,
    (Status.ON_HOLD, Step.RESOLVE): Status.RESOLVED,
    (Status.ON_HOLD, Step.MERGE): Status.MERGED,
    (Status.ON_HOLD, Step.CONVERT): Status.CONVERTED,
    (Status.RESOLVED, Step.CLOSE): Status.CLOSED,
    (Status.RESOLVED, Step.REOPEN): Status.OPEN,
    (Status.RESOLVED, Step.MERGE): Status.MERGED,
    (Status.CLOSED, Step.REOPEN): Status.OPEN,
}


INCIDENT: Lifecycle[Status, Step] = Lifecycle(
    what="an incident",
    table=TRANSITIONS,
    starts=(Status.OPEN,),
    ends=(Status.CLOSED, Status.MERGED, Status.CONVERTED),
)
next_status = INCIDENT.next_status
allowed_steps = INCIDENT.allowed_steps
diagram = INCIDENT.diagram
