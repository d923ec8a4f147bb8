"""Telling one person: a notice to each of their channels, and a line on the incident that says why they were called."""

from dataclasses import replace

from rules.draft import Draft
from rules.escalation import MOST_CALLS, Call
from rules.incident import Incident
from rules.notices import say
from rules.responders import Responder
from rules.roster import Person
from rules.telling import Telling, key_of


def call(
    draft: Draft, incident: Incident, responder: Responder, event: str, reason: str, policy: str = "", step: int = 0
) -> Incident:
    """Call a person and remember it; `policy` and `step` (from 1) are empty where no escalation is behind it."""
    person = responder.person
    made = Call(
        person=person.id,
        at=draft.now,
        policy=policy,
        step=step,
        why=responder.why,
        via=tuple(dict.fromkeys(c.via for c in person.contacts)),
        round=incident.escalation.round,
        turn=incident.escalation.turn,
    )
    calls = (*incident.escalation.calls, made)[-MOST_CALLS:]
    incident = draft.change_incident(incident, escalation=replace(incident.escalation, calls=calls))
    incident = tell_person(draft, incident, person, event, reason, is_call=True)
    draft.note(incident.number, "called", f"calling {person.name} by {', '.join(made.via)}: {reason}", new=person.id)
    return incident


def tell_person(
    draft: Draft, incident: Incident, person: Person, event: str, reason: str, *, is_call: bool = False
) -> Incident:
    """Word for one person; a call goes to each of their contacts at once."""
    word = Telling(
        incident=incident.number,
        to=key_of(person.id),
        event=event,
        reason=reason,
        why=(reason,),
        is_call=is_call,
        batches=True,
    )
    return say(draft, incident, word)
