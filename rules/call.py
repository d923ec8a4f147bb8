"""Telling one person: a notice to each of their channels, and a line on the incident that says why they were called."""

from dataclasses import replace

from rules.document import NoticeContent, RecipientDocument, incident_document, rfc3339
from rules.draft import Draft, Telling
from rules.escalation import MOST_CALLS, Call
from rules.incident import Incident
from rules.notices import add_notice, notice_key
from rules.responders import Responder
from rules.roster import Person


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
    tell_person(draft, incident, person, event, reason)
    draft.note(incident.number, "called", f"calling {person.name} by {', '.join(made.via)}: {reason}", new=person.id)
    return incident


def tell_person(draft: Draft, incident: Incident, person: Person, event: str, reason: str) -> None:
    """One notice for each of the person's contacts; they are written by `send_calls`."""
    draft.tellings += [
        Telling(incident=incident.number, person=person, contact=contact, event=event, reason=reason)
        for contact in person.contacts
    ]


def send_calls(draft: Draft) -> None:
    """Write the notices of this cycle's calls, from the incidents as the whole cycle has left them."""
    for telling in draft.tellings:
        incident = draft.incident(telling.incident)
        if incident is not None:
            _send(draft, incident, telling)


def _send(draft: Draft, incident: Incident, telling: Telling) -> None:
    person, contact = telling.person, telling.contact
    parts = (telling.event, contact.via, contact.address, person.id, telling.reason, str(incident.version))
    content = NoticeContent(
        event=telling.event,
        reason=telling.reason,
        at=rfc3339(draft.now),
        idempotency_key=notice_key(incident.key, rfc3339(incident.opened_at), *parts),
        incident=incident_document(incident, ()),
        recipient=RecipientDocument(id=person.id, name=person.name, address=contact.address),
    )
    add_notice(draft, contact.via, content, incident.number)
