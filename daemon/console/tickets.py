"""What users see of their own incidents and requests: where it stands in their words, and what they may do with it."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from http import HTTPStatus

from daemon.api.access import Caller
from daemon.api.orders import KINDS, Note, Remark, carried_out, command_of
from daemon.api.ports import Ports
from daemon.api.problems import Problem, wrong_field
from daemon.api.record_orders import order_of
from daemon.store.rows import RecordSearch, Search
from rules.decision import RecordVerb, TimelineEntry
from rules.incident import Incident, Status
from rules.ownership import is_own
from rules.record import Kind, Record, RequestStatus, ServiceRequest, parse_key
from rules.report import MAX_TEXT
from rules.satisfaction import MAX_REMARK, SCORES, Rating

MOST = 100
_INCIDENT = {
    Status.OPEN: "We have it; nobody works on it yet.",
    Status.ACKNOWLEDGED: "Somebody has seen it and will look at it.",
    Status.IN_PROGRESS: "Somebody works on it.",
    Status.ON_HOLD: "It has to wait.",
    Status.RESOLVED: "We think that it is solved. Does it work for you?",
    Status.CLOSED: "It is solved and closed.",
    Status.MERGED: "It is part of a larger disturbance, on which we work as one.",
    Status.CONVERTED: "It is a request now, not a disturbance.",
}
_REQUEST = {
    RequestStatus.SUBMITTED: "We have it; nobody works on it yet.",
    RequestStatus.IN_PROGRESS: "Somebody works on it.",
    RequestStatus.ON_HOLD: "It has to wait.",
    RequestStatus.FULFILLED: "It is done.",
    RequestStatus.REJECTED: "It cannot be done.",
    RequestStatus.CANCELLED: "It was cancelled.",
    RequestStatus.CLOSED: "It is done and closed.",
    RequestStatus.CONVERTED: "It is handled as a disturbance now.",
}
_TOLD = frozenset({"opened", "note", "rated", "merged", "converted"})
_STATES = frozenset(map(str, (*Status, *RequestStatus)))
_OVER = frozenset({Status.RESOLVED, Status.CLOSED})
_WORDS = {word.word: word for word in KINDS}


@dataclass(frozen=True, slots=True, kw_only=True)
class Ticket:
    """An incident or request as its user sees it. `history` is what matters to them, the oldest first; `score` is what
    they have answered, 0 for nothing."""

    of: Incident | ServiceRequest
    words: str
    is_open: bool
    history: tuple[TimelineEntry, ...] = ()
    score: int = 0
    until: datetime | None = None

    @property
    def key(self) -> str:
        """The number as people write it."""
        return self.of.key

    @property
    def is_incident(self) -> bool:
        """Whether something failed, rather than being asked for."""
        return isinstance(self.of, Incident)

    @property
    def may_confirm(self) -> bool:
        """Whether its user can say that it is solved."""
        return isinstance(self.of, Incident) and self.of.status is Status.RESOLVED

    @property
    def may_object(self) -> bool:
        """Whether its user can say that it is not."""
        return self.until is not None

    @property
    def may_rate(self) -> bool:
        """Whether its user can say how content they are."""
        return isinstance(self.of, Incident) and self.of.status in _OVER and not self.score


def mails_of(ports: Ports, caller: Caller) -> set[str]:
    """The mail addresses that are the caller's, and their name: by these they own what they reported."""
    name = caller.name.strip().lower()
    person = ports.roster().people.get(name)
    return {name, *(m.lower() for m in (person.mail_addresses if person is not None else ()))}


def own_tickets(ports: Ports, caller: Caller) -> list[Ticket]:
    """What the caller reported or asked for, what is open first, then the newest."""
    incidents = ports.store.incidents(Search(reporters=mails_of(ports, caller), sort="-opened_at"), limit=MOST)
    own = [_of_incident(i) for i in incidents if is_own(i, caller.name, ports.roster())]
    wanted = RecordSearch(kind=Kind.REQUEST, opened_by=caller.name)
    requests = [r for r in ports.store.records(wanted, limit=MOST) if isinstance(r, ServiceRequest)]
    found = [*own, *(_of_request(r) for r in requests if r.opened_by == caller.name)]
    return sorted(found, key=lambda t: (not t.is_open, -t.of.opened_at.timestamp(), t.key))[:MOST]


def ticket_of(ports: Ports, caller: Caller, key: str) -> Ticket | None:
    """The incident or request of that number, whole; None where there is none."""
    try:
        series, number = parse_key(key)
    except ValueError:
        return None
    if series == "INC":
        incident = ports.store.incident(number)
        return None if incident is None else _whole(ports, caller, incident)
    record: Record | None = ports.store.record(Kind.REQUEST, number) if series == Kind.REQUEST.series else None
    if not isinstance(record, ServiceRequest):
        return None
    return _of_request(record, _told(ports.store.timeline_of_record(record.key)))


def is_theirs(ports: Ports, caller: Caller, ticket: Ticket) -> bool:
    """Whether the caller reported it, or is its contact."""
    if isinstance(ticket.of, Incident):
        return is_own(ticket.of, caller.name, ports.roster())
    return bool(caller.name) and ticket.of.opened_by.lower() == caller.name.lower()


def _whole(ports: Ports, caller: Caller, incident: Incident) -> Ticket:
    now, close_after = ports.clock.now(), ports.policy().close_after
    ended = incident.resolved_at
    may_object = incident.status in _OVER and ended is not None and (now - ended < close_after or caller.is_staff)
    rating = ports.store.ratings.of_link(_rating_link(incident, caller))
    return _of_incident(
        incident,
        _told(ports.store.timeline(incident.number)),
        score=0 if rating is None else rating.score,
        until=(ended or now) + close_after if may_object else None,
    )


def _of_incident(
    incident: Incident, history: tuple[TimelineEntry, ...] = (), *, score: int = 0, until: datetime | None = None
) -> Ticket:
    words = _INCIDENT[incident.status]
    if incident.status is Status.ON_HOLD and incident.hold_reason:
        words = f"It has to wait: {incident.hold_reason}"
    return Ticket(of=incident, words=words, is_open=incident.is_active, history=history, score=score, until=until)


def _of_request(request: ServiceRequest, history: tuple[TimelineEntry, ...] = ()) -> Ticket:
    words = _REQUEST[request.status] + (f" {request.outcome}" if request.outcome else "")
    return Ticket(
        of=request, words=words, is_open=request.ended_at is None and request.settled_at is None, history=history
    )


def _told(entries: Sequence[TimelineEntry]) -> tuple[TimelineEntry, ...]:
    """What matters to users, without how the house works."""
    return tuple(e for e in entries if e.kind in _TOLD or e.new in _STATES)


def carry_out(ports: Ports, caller: Caller, ticket: Ticket, act: str, text: str, score: str) -> None:
    """Do what its user asks; an error with the reason in words where that cannot be."""
    if len(text) > MAX_TEXT:
        raise wrong_field("text", f"has more than {MAX_TEXT} characters")
    if act == "note" and not text:
        raise wrong_field("text", "write something first")
    if isinstance(ticket.of, ServiceRequest):
        _note_request(ports, caller, ticket.of, act, text)
    elif act == "rate":
        _rate(ports, caller, ticket.of, text, score)
    elif act in _ACTS:
        _order(ports, caller, ticket.of, act, text)
    else:
        raise wrong_field("act", "is nothing that can be done here")


_ACTS = {"note": "note", "confirm": "close", "object": "reopen"}
_REASONS = {"confirm": "it works, says whoever reported it", "object": "it is not solved, says whoever reported it"}


def _order(ports: Ports, caller: Caller, incident: Incident, act: str, text: str) -> None:
    if act == "note":
        body: Note | Remark = Note(text=text)
    else:
        body = Remark(reason=f"{_REASONS[act]}: {text}"[:MAX_TEXT] if text else _REASONS[act])
    command = command_of(ports, _WORDS[_ACTS[act]], incident, caller, body)
    carried_out(ports, incident, command, caller)


def _note_request(ports: Ports, caller: Caller, request: ServiceRequest, act: str, text: str) -> None:
    if act != "note":
        raise wrong_field("act", "is nothing that can be done with a request")
    order = order_of(ports, Kind.REQUEST, RecordVerb.NOTE, caller, Note(text=text), number=request.number, text=text)
    try:
        reply = ports.order(order)
    except TimeoutError:
        return  # it is stored, and will be carried out
    if not reply.done:
        raise Problem(HTTPStatus.CONFLICT, reply.message)


def _rate(ports: Ports, caller: Caller, incident: Incident, text: str, score: str) -> None:
    if score not in {str(value) for value in SCORES}:
        raise wrong_field("score", "choose one of 1 to 5")
    if len(text) > MAX_REMARK:
        raise wrong_field("text", f"has more than {MAX_REMARK} characters")
    if incident.status not in _OVER:
        raise Problem(HTTPStatus.CONFLICT, "it is not over yet")
    if not is_own(incident, caller.name, ports.roster()):
        raise Problem(HTTPStatus.FORBIDDEN, "only who reported it can say how content they are")
    link, now = _rating_link(incident, caller), ports.clock.now()
    rating = Rating(link=link, incident=incident.number, by=caller.name, score=int(score), remark=text, at=now)
    if not ports.store.ratings.add(rating):
        raise Problem(HTTPStatus.CONFLICT, "you have answered this already")


def _rating_link(incident: Incident, caller: Caller) -> str:
    """One answer for each incident and user."""
    return f"portal:{incident.key}:{caller.name}"
