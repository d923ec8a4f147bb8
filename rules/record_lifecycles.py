"""The lives of service requests, problems and changes, each as one table.

Sources: ITIL 4's practices of service request management (submission, fulfilment), problem management (identification,
problem control, error control) and change enablement (assessment, authorisation, implementation, review).
"""

import enum
from typing import Any

from rules.record import ChangeStatus, Kind, ProblemStatus, RequestStatus
from rules.transitions import Lifecycle


class RequestStep(enum.StrEnum):
    """Something that moves a service request on."""

    START = "start"
    HOLD = "hold"
    RESUME = "resume"
    FULFIL = "fulfil"
    REJECT = "reject"
    CANCEL = "cancel"
    REOPEN = "reopen"
    CLOSE = "close"
    CONVERT = "convert"


class ProblemStep(enum.StrEnum):
    """Something that moves a problem on. To `document` it is to give it a workaround, which makes it a known error."""

    START = "start"
    DOCUMENT = "document"
    WITHDRAW = "withdraw"
    RESOLVE = "resolve"
    REOPEN = "reopen"
    CLOSE = "close"


class ChangeStep(enum.StrEnum):
    """Something that moves a change on. To `revise` an approved one is to plan it anew: it needs approval again."""

    APPROVE = "approve"
    REJECT = "reject"
    REVISE = "revise"
    START = "start"
    COMPLETE = "complete"
    FAIL = "fail"
    CANCEL = "cancel"
    CLOSE = "close"


_R, _P, _C = RequestStatus, ProblemStatus, ChangeStatus

REQUEST: Lifecycle[RequestStatus, RequestStep] = Lifecycle(
    what="a service request",
    table={
        (_R.SUBMITTED, RequestStep.START): _R.IN_PROGRESS,
        (_R.SUBMITTED, RequestStep.HOLD): _R.ON_HOLD,
        (_R.SUBMITTED, RequestStep.FULFIL): _R.FULFILLED,
        (_R.SUBMITTED, RequestStep.REJECT): _R.REJECTED,
        (_R.SUBMITTED, RequestStep.CANCEL): _R.CANCELLED,
        (_R.SUBMITTED, RequestStep.CONVERT): _R.CONVERTED,
        (_R.IN_PROGRESS, RequestStep.HOLD): _R.ON_HOLD,
        (_R.IN_PROGRESS, RequestStep.FULFIL): _R.FULFILLED,
        (_R.IN_PROGRESS, RequestStep.REJECT): _R.REJECTED,
        (_R.IN_PROGRESS, RequestStep.CANCEL): _R.CANCELLED,
        (_R.IN_PROGRESS, RequestStep.CONVERT): _R.CONVERTED,
        (_R.ON_HOLD, RequestStep.RESUME): _R.IN_PROGRESS,
        (_R.ON_HOLD, RequestStep.FULFIL): _R.FULFILLED,
        (_R.ON_HOLD, RequestStep.REJECT): _R.REJECTED,
        (_R.ON_HOLD, RequestStep.CANCEL): _R.CANCELLED,
        (_R.ON_HOLD, RequestStep.CONVERT): _R.CONVERTED,
        (_R.FULFILLED, RequestStep.REOPEN): _R.IN_PROGRESS,
        (_R.FULFILLED, RequestStep.CLOSE): _R.CLOSED,
    },
    starts=(_R.SUBMITTED,),
    ends=(_R.CLOSED, _R.REJECTED, _R.CANCELLED, _R.CONVERTED),
)

PROBLEM: Lifecycle[ProblemStatus, ProblemStep] = Lifecycle(
    what="a problem",
    table={
        (_P.OPEN, ProblemStep.START): _P.INVESTIGATING,
        (_P.OPEN, ProblemStep.DOCUMENT): _P.KNOWN_ERROR,
        (_P.OPEN, ProblemStep.RESOLVE): _P.RESOLVED,
        (_P.OPEN, ProblemStep.CLOSE): _P.CLOSED,
        (_P.INVESTIGATING, ProblemStep.DOCUMENT): _P.KNOWN_ERROR,
        (_P.INVESTIGATING, ProblemStep.RESOLVE): _P.RESOLVED,
        (_P.INVESTIGATING, ProblemStep.CLOSE): _P.CLOSED,
        (_P.KNOWN_ERROR, ProblemStep.DOCUMENT): _P.KNOWN_ERROR,
        (_P.KNOWN_ERROR, ProblemStep.WITHDRAW): _P.INVESTIGATING,
        (_P.KNOWN_ERROR, ProblemStep.RESOLVE): _P.RESOLVED,
        (_P.KNOWN_ERROR, ProblemStep.CLOSE): _P.CLOSED,
        (_P.RESOLVED, ProblemStep.REOPEN): _P.OPEN,
        (_P.RESOLVED, ProblemStep.CLOSE): _P.CLOSED,
        (_P.CLOSED, ProblemStep.REOPEN): _P.OPEN,
    },
    starts=(_P.OPEN, _P.KNOWN_ERROR),
    ends=(_P.CLOSED,),
)

CHANGE: Lifecycle[ChangeStatus, ChangeStep] = Lifecycle(
    what="a change",
    table={
        (_C.PLANNED, ChangeStep.APPROVE): _C.APPROVED,
        (_C.PLANNED, ChangeStep.REJECT): _C.REJECTED,
        (_C.PLANNED, ChangeStep.CANCEL): _C.CANCELLED,
        (_C.APPROVED, ChangeStep.START): _C.IN_PROGRESS,
        (_C.APPROVED, ChangeStep.REVISE): _C.PLANNED,
        (_C.APPROVED, ChangeStep.COMPLETE): _C.DONE,
        (_C.APPROVED, ChangeStep.FAIL): _C.FAILED,
        (_C.APPROVED, ChangeStep.CANCEL): _C.CANCELLED,
        (_C.IN_PROGRESS, ChangeStep.COMPLETE): _C.DONE,
        (_C.IN_PROGRESS, ChangeStep.FAIL): _C.FAILED,
        (_C.DONE, ChangeStep.CLOSE): _C.CLOSED,
        (_C.FAILED, ChangeStep.CLOSE): _C.CLOSED,
    },
    # A deployment under way or finished is told of by whoever did it, without having been planned here.
    starts=(_C.PLANNED, _C.IN_PROGRESS, _C.DONE, _C.FAILED),
    ends=(_C.CLOSED, _C.REJECTED, _C.CANCELLED),
)

# A record of a kind goes with the states and steps of that kind only; the types cannot say so of a table by kind.
LIFECYCLES: dict[Kind, Lifecycle[Any, Any]] = {Kind.REQUEST: REQUEST, Kind.PROBLEM: PROBLEM, Kind.CHANGE: CHANGE}
STEPS: dict[Kind, type[enum.StrEnum]] = {
    Kind.REQUEST: RequestStep,
    Kind.PROBLEM: ProblemStep,
    Kind.CHANGE: ChangeStep,
}
STATES: dict[Kind, type[enum.StrEnum]] = {
    Kind.REQUEST: RequestStatus,
    Kind.PROBLEM: ProblemStatus,
    Kind.CHANGE: ChangeStatus,
}
OVER = frozenset({_R.FULFILLED, _P.RESOLVED, _C.DONE, _C.FAILED})
"""States in which the work is over, and of which a record is put away by itself once nobody has objected."""
