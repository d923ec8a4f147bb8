"""What people ask of an incident's escalation: another group, the next step now, or peace for a while."""

from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timedelta

from rules.assess import GROUP
from rules.decision import Command, Verb
from rules.draft import Draft
from rules.escalate import call_group, hit_services, next_step_now
from rules.escalation import Snooze
from rules.incident import Incident
from rules.refused import Refused, required

LONGEST_SNOOZE = timedelta(days=30)
"""A choice: what may wait longer is no incident to be called for."""


def _route(draft: Draft, incident: Incident, command: Command) -> str:
    group = required(command, "the group that is to have it")
    known = draft.situation.policy.roster.groups
    if known and group not in known:
        raise Refused(f"there is no group {group}; allowed: {', '.join(sorted(known))}")
    if not incident.is_active:
        raise Refused(f"{incident.key} is {incident.status}; only an open incident can be given to another group")
    why = command.reason or "by hand"
    pinned = incident.pinned | {GROUP}
    reason = f"given to {group} by {command.actor}: {why}"
    draft.note(incident.number, "routed", reason, actor=command.actor, old=incident.group, new=group)
    call_group(draft, draft.change_incident(incident, group=group, group_reason=reason, pinned=pinned))
    return f"{incident.key} is with {group}"


def _escalate(draft: Draft, incident: Incident, command: Command) -> str:
    if not incident.is_active:
        raise Refused(f"{incident.key} is {incident.status}; only an open incident can be escalated")
    why = f": {command.reason or command.value}" if command.reason or command.value else ""
    came_of_it = next_step_now(draft, incident)
    if not came_of_it:
        raise Refused(f"there is no further step for {incident.key}; its group {incident.group or '(none)'} has it")
    draft.note(incident.number, "escalation", f"escalated by hand{why}", actor=command.actor)
    return came_of_it


def _snooze(draft: Draft, incident: Incident, command: Command) -> str:
    until = _moment(required(command, "until when"))
    if not draft.situation.policy.roster:
        raise Refused("nobody is called about incidents; rules.yaml names no people")
    if not incident.is_active:
        raise Refused(f"{incident.key} is {incident.status}; only an open incident can be snoozed")
    if not draft.now < until <= draft.now + LONGEST_SNOOZE:
        raise Refused(f"a snooze ends at most {LONGEST_SNOOZE.days} days from now, and not in the past")
    snooze = Snooze(
        until=until,
        by=command.actor,
        reason=command.reason,
        priority=str(incident.priority),
        services=hit_services(incident),
    )
    draft.change_incident(incident, escalation=replace(incident.escalation, snooze=snooze))
    why = f": {command.reason}" if command.reason else ""
    draft.note(incident.number, "snooze", f"snoozed until {until:%Y-%m-%d %H:%M:%S} UTC{why}", actor=command.actor)
    return f"{incident.key} is snoozed until {until:%Y-%m-%d %H:%M:%S} UTC, or until it gets worse"


def _unsnooze(draft: Draft, incident: Incident, command: Command) -> str:
    if incident.escalation.snooze is None:
        raise Refused(f"{incident.key} is not snoozed")
    draft.change_incident(incident, escalation=replace(incident.escalation, snooze=None))
    draft.note(incident.number, "snooze", "the snooze is ended by hand", actor=command.actor)
    return f"{incident.key} is no longer snoozed"


def _moment(text: str) -> datetime:
    try:
        found = datetime.fromisoformat(text)
    except ValueError:
        found = None
    if found is None or found.tzinfo is None:
        raise Refused(f"{text!r} is no moment; allowed: a time with its zone, as in 2026-11-24T08:00:00Z")
    return found


ESCALATION_ORDERS: dict[Verb, Callable[[Draft, Incident, Command], str]] = {
    Verb.ROUTE: _route,
    Verb.ESCALATE: _escalate,
    Verb.SNOOZE: _snooze,
    Verb.UNSNOOZE: _unsnooze,
}
