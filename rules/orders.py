"""What people ask for. A person's word wins over the daemon's: what they set is pinned and left alone from then on."""

from collections.abc import Callable
from dataclasses import replace

from rules.amend import set_field
from rules.assess import reassess
from rules.conversion import to_request
from rules.deadlines import close
from rules.decision import Command, Reply, Verb
from rules.draft import Draft
from rules.errors import IncidentdError
from rules.escalate import call_person
from rules.escalation_orders import ESCALATION_ORDERS
from rules.grouping import merge, reopen, split
from rules.incident import Incident, Priority, incident_key, incident_number
from rules.lifecycle import Step, next_status
from rules.linking import child_of, duplicate_of, key_given, part
from rules.near import unknown_ci
from rules.ownership import check_asker
from rules.refused import Forbidden, Refused, Stale, refuse_stale, required
from rules.resolving import check_resolving, check_step, resolve_by_hand
from rules.signs import LOCKED
from rules.watching import unwatch, watch


def carry_out(draft: Draft, command: Command) -> None:
    """Do what is asked, or say why not; either way the asker gets a `Reply`."""
    incident = draft.incident(command.number)
    draft.person = command.actor
    try:
        if incident is None:
            raise Refused(f"{incident_key(command.number)} is not known, or was closed too long ago to be changed")
        check_asker(draft, incident, command)
        refuse_stale(incident.key, incident.version, command.expects)
        message = _ORDERS[command.verb](draft, incident, command)
    except IncidentdError as refusal:
        stale, forbidden = isinstance(refusal, Stale), isinstance(refusal, Forbidden)
        draft.replies.append(
            Reply(command=command.id, done=False, message=str(refusal), stale=stale, forbidden=forbidden)
        )
    else:
        draft.replies.append(Reply(command=command.id, done=True, message=message))
    finally:
        draft.person = ""


def _step(step: Step) -> Callable[[Draft, Incident, Command], str]:
    def carry(draft: Draft, incident: Incident, command: Command) -> str:
        status = next_status(incident.status, step)
        reason = (command.reason or command.value).strip()
        if step is Step.HOLD and not reason:
            raise Refused("hold needs a reason: what is waited for")
        seen = incident.acknowledged_at or (None if step is Step.RESUME else draft.now)
        draft.change_incident(
            incident,
            status=status,
            acknowledged_at=seen,
            assignee=incident.assignee or command.actor,
            hold_reason=reason if step is Step.HOLD else "",
        )
        if not incident.assignee:
            _note_assigned(draft, incident, command, command.actor)
        words = str(status).replace("_", " ")
        why = f": {reason}" if reason else ""
        draft.note(
            incident.number,
            str(step),
            f"{words}{why}",
            actor=command.actor,
            old=str(incident.status),
            new=str(status),
            field="status",
            reason=command.reason or command.value,
        )
        if step is Step.ACKNOWLEDGE:
            draft.news.append((incident.number, "acknowledged", f"{command.actor} has it"))
        return f"{incident.key} is {words}"

    return carry


def _assign(draft: Draft, incident: Incident, command: Command) -> str:
    who = required(command, "whom to assign it to")
    assigned = draft.change_incident(incident, assignee=who)
    if who != command.actor and incident.is_active:
        call_person(draft, assigned, who, "assigned", f"{command.actor} has given it to you")
    _note_assigned(draft, incident, command, who)
    return f"{incident.key} is assigned to {who}"


def _note_assigned(draft: Draft, incident: Incident, command: Command, who: str) -> None:
    draft.note(
        incident.number,
        "assigned",
        f"assigned to {who}",
        actor=command.actor,
        old=incident.assignee,
        new=who,
        field="assignee",
        reason=command.reason,
    )


def _note(draft: Draft, incident: Incident, command: Command) -> str:
    draft.note(incident.number, "note", required(command, "the text of the note"), actor=command.actor)
    draft.change_incident(incident)
    return f"noted on {incident.key}"


def _resolve(draft: Draft, incident: Incident, command: Command) -> str:
    ci = _known_ci(draft, command.root) if command.root else None
    # Asked before anything is changed: an order is carried out whole or not at all.
    next_status(incident.status, Step.RESOLVE)
    check_resolving(draft, incident, command)
    if ci is not None:
        incident = _name_root(draft, incident, ci, command)
    resolve_by_hand(draft, incident, command)
    return f"{incident.key} is resolved" + (f"; its root cause is {ci}" if ci is not None else "")


def _close(draft: Draft, incident: Incident, command: Command) -> str:
    close(draft, incident, reason=command.reason or command.value or "by hand", actor=command.actor)
    return f"{incident.key} is closed"


def _reopen(draft: Draft, incident: Incident, command: Command) -> str:
    again = reopen(draft, incident, reason=command.reason or command.value or "by hand", actor=command.actor)
    firing = any(a.is_firing for a in draft.member_alerts(incident.number))
    draft.change_incident(
        again, pinned=again.pinned if firing else again.pinned | {"status"}, quiet_since=None if firing else draft.now
    )
    return f"{incident.key} is open again"


def _merge(draft: Draft, incident: Incident, command: Command) -> str:
    try:
        number = incident_number(required(command, "the incident to merge it into"))
    except ValueError:
        raise Refused(f"{command.value!r} is not an incident's number; allowed: INC-42 or 42") from None
    into = draft.incident(number)
    if into is None or not into.is_active or into.number == incident.number:
        raise Refused(f"cannot merge into {incident_key(number)}; allowed: another incident that is still open")
    # Of both, so that a person's merge can be told from one of the daemon's.
    part = draft.change_incident(incident, pinned=incident.pinned | {LOCKED})
    merge(draft, part, into, reason=command.reason or "by hand", actor=command.actor)
    current = draft.incident(number) or into
    firing = any(a.is_firing for a in draft.member_alerts(number))
    pinned = current.pinned | {LOCKED}
    reassess(draft, replace(current, pinned=pinned, quiet_since=None if firing else current.quiet_since or draft.now))
    return f"{incident.key} is merged into {into.key}"


def _split(draft: Draft, incident: Incident, command: Command) -> str:
    ci = draft.situation.estate.find(required(command, "the CI whose alerts leave")) or command.value
    subjects = {draft.situation.subject(a) for a in draft.member_alerts(incident.number)}
    if not incident.is_active:
        raise Refused(f"{incident.key} is {incident.status}; only an open incident can be split")
    if ci not in subjects or len(subjects) < 2:
        others = ", ".join(sorted(subjects)[:8])
        raise Refused(f"cannot split {incident.key} at {ci}; its alerts are about: {others}, of which some must stay")
    child = split(draft, incident, ci, actor=command.actor)
    reassess(draft, draft.incident(incident.number) or incident)
    return f"the alerts on {ci} are now {child.key}"


def _set_priority(draft: Draft, incident: Incident, command: Command) -> str:
    try:
        priority = Priority(command.value.upper())
    except ValueError:
        raise Refused(f"{command.value!r} is not a priority; allowed: {', '.join(Priority)}") from None
    why = command.reason or "set by hand"
    pinned = incident.pinned | {"priority"}
    draft.change_incident(
        incident,
        priority=priority,
        priority_reason=f"{command.actor}: {why}",
        priority_rule="set by hand",
        priority_until=None,
        pinned=pinned,
    )
    draft.note(
        incident.number,
        "priority_changed",
        f"priority set to {priority}: {why}",
        actor=command.actor,
        old=str(incident.priority),
        new=str(priority),
        field="priority",
        reason=why,
    )
    return f"{incident.key} is {priority}"


def _set_root(draft: Draft, incident: Incident, command: Command) -> str:
    ci = _known_ci(draft, required(command, "the CI that failed"))
    _name_root(draft, incident, ci, command)
    return f"the root cause of {incident.key} is {ci}"


def _name_root(draft: Draft, incident: Incident, ci: str, command: Command) -> Incident:
    """Take a person's word for what failed: it confirms what the incident says, with its reasons, or corrects it."""
    pinned = incident.pinned | {"root"}
    if ci == incident.root.ci:
        why = f": {command.reason}" if command.reason else ""
        draft.note(incident.number, "root_confirmed", f"root cause {ci} confirmed{why}", actor=command.actor)
        return draft.change_incident(incident, confirmed_root=ci, pinned=pinned)
    why = command.reason or "set by hand"
    root = replace(incident.root, ci=ci, confidence=1.0, evidence=(f"{command.actor} says so: {why}",))
    draft.note(
        incident.number,
        "root_changed",
        f"root cause set to {ci}: {why}",
        actor=command.actor,
        old=incident.root.ci or "",
        new=ci,
        field="root",
        reason=why,
    )
    return reassess(draft, draft.change_incident(incident, root=root, confirmed_root=ci, pinned=pinned))


def _known_ci(draft: Draft, name: str) -> str:
    ci = draft.situation.estate.find(name)
    if ci is None:
        raise Refused(unknown_ci(draft.situation.estate, name))
    return ci


def _duplicate(draft: Draft, incident: Incident, command: Command) -> str:
    return duplicate_of(draft, incident, required(command, "the incident it duplicates"), actor=command.actor)


def _child(draft: Draft, incident: Incident, command: Command) -> str:
    return child_of(draft, incident, required(command, "the incident it is a child of"), actor=command.actor)


def _unlink(draft: Draft, incident: Incident, command: Command) -> str:
    other = key_given(required(command, "the record to unlink"), "the other record")
    part(draft, incident.key, other, actor=command.actor)
    return f"{incident.key} and {other} are no longer linked"


def _convert(draft: Draft, incident: Incident, command: Command) -> str:
    request = to_request(draft, incident, actor=command.actor, reason=command.reason or command.value)
    return f"{incident.key} is now the service request {request.key}"


_ORDERS: dict[Verb, Callable[[Draft, Incident, Command], str]] = {
    Verb.ACKNOWLEDGE: _step(Step.ACKNOWLEDGE),
    Verb.START: _step(Step.START),
    Verb.HOLD: _step(Step.HOLD),
    Verb.RESUME: _step(Step.RESUME),
    Verb.ASSIGN: _assign,
    Verb.NOTE: _note,
    Verb.RESOLVE: _resolve,
    Verb.CLOSE: _close,
    Verb.REOPEN: _reopen,
    Verb.MERGE: _merge,
    Verb.SPLIT: _split,
    Verb.SET_PRIORITY: _set_priority,
    Verb.SET_ROOT: _set_root,
    Verb.DUPLICATE: _duplicate,
    Verb.CHILD: _child,
    Verb.UNLINK: _unlink,
    Verb.CONVERT: _convert,
    **ESCALATION_ORDERS,
    Verb.SET: set_field,
    Verb.STEP: check_step,
    Verb.WATCH: watch,
    Verb.UNWATCH: unwatch,
}
