"""What the page of a service request, problem or change shows, and what its visitor may do; every part is bounded."""

from dataclasses import dataclass

from daemon.api.access import Caller
from daemon.api.ports import Ports
from daemon.api.record_orders import NEEDED, needed_for_step
from daemon.console.incident_shown import may_unlink, record_address
from rules.incident import Incident, Link
from rules.record import Kind, Problem, ProblemStatus, Record, kind_of
from rules.record_lifecycles import LIFECYCLES

MOST_LINKS = 100
_OF_PROBLEM = frozenset({"cause of", "known error of"})


@dataclass(frozen=True, slots=True, kw_only=True)
class StepForm:
    """A step as it is offered: what its button says, what is asked (one click where that is empty), and the word of the
    button that then sends it."""

    step: str
    label: str
    ask: str = ""
    button: str = ""
    is_needed: bool = False
    is_main: bool = False


def _asking(step: str, label: str, ask: str, *, is_needed: bool = False) -> StepForm:
    return StepForm(step=step, label=f"{label}…", ask=ask, button=label, is_needed=is_needed)


_START = StepForm(step="start", label="Start work", is_main=True)
_REOPEN, _CLOSE = StepForm(step="reopen", label="Reopen"), StepForm(step="close", label="Close")
_OFFERED: dict[Kind, tuple[StepForm, ...]] = {
    Kind.REQUEST: (
        _START,
        StepForm(step="resume", label="Resume", is_main=True),
        _asking("fulfil", "Fulfil", "What was done"),
        _asking("hold", "Hold", "What is waited for"),
        _asking("reject", "Reject", "Why it will not be done"),
        _asking("cancel", "Cancel", "Why nobody wants it any more"),
        _REOPEN,
        _CLOSE,
        _asking("convert", "It is an incident", "What has failed"),
    ),
    Kind.PROBLEM: (
        _START,
        _asking("document", "Document the workaround", "What helps until it is mended", is_needed=True),
        _asking("resolve", "Resolve", "What mended the cause"),
        _asking("withdraw", "Withdraw the workaround", "Why it does not help"),
        _REOPEN,
        _CLOSE,
    ),
    Kind.CHANGE: (
        StepForm(step="approve", label="Approve", is_main=True),
        _asking("reject", "Reject", "Why it must not be done"),
        _START,
        _asking("complete", "Complete", "How it went"),
        _asking("fail", "It has failed", "What happened"),
        _asking("cancel", "Cancel", "Why it will not be done"),
        _CLOSE,
    ),
}
"""Every step that people take, in the order in which it is offered. A change is revised by editing it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Linked:
    """A link with what it leads to; `thing` is None where that is not kept."""

    link: Link
    address: str
    thing: Incident | Record | None
    may_undo: bool


def steps_for(record: Record, caller: Caller) -> list[StepForm]:
    """The steps that may come next and that the caller may take."""
    allowed = LIFECYCLES[record.kind].allowed_steps(record.status)
    return [
        offered
        for offered in _OFFERED[record.kind]
        if offered.step in allowed and needed_for_step(record.kind, offered.step) in caller.permissions
    ]


def allowed_words(record: Record, caller: Caller) -> frozenset[str]:
    """The words of the other orders that the caller may give now."""
    found = {word for word, needed in NEEDED.items() if word != "step" and needed in caller.permissions}
    if record.settled_at is not None:
        found -= {"edit"}
    return frozenset(found)


def linked_of(ports: Ports, record: Record) -> list[Linked]:
    """What it is linked to, incidents first, the newest first; at most `MOST_LINKS`."""
    links = sorted(record.links, key=lambda k: (k.series != "INC", k.series, -k.number, k.kind))
    return [
        Linked(link=k, address=record_address(k.key), thing=_thing(ports, k), may_undo=may_unlink(k))
        for k in links[:MOST_LINKS]
    ]


def _thing(ports: Ports, link: Link) -> Incident | Record | None:
    kind = kind_of(link.series)
    return ports.store.incident(link.number) if kind is None else ports.store.record(kind, link.number)


def incident_count(record: Record) -> int:
    """How many incidents a problem is the cause of, or is the known error of."""
    return len({k.number for k in record.links if k.series == "INC" and k.kind in _OF_PROBLEM})


def is_known_error(record: Record) -> bool:
    """Whether it is a problem with a workaround that holds."""
    return isinstance(record, Problem) and record.status is ProblemStatus.KNOWN_ERROR
