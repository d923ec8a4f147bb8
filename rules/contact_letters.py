"""Letters to whoever reported an incident: that its error is known, and the end of it."""

from rules.document import CONTACT, NoticeContent, RecipientDocument, incident_document, rfc3339
from rules.draft import Draft
from rules.incident import Incident
from rules.outgoing import add_notice, notice_key
from rules.resolution import Ask
from rules.telling import CUSTOMER


def tell_contact(draft: Draft, incident: Incident, event: str, reason: str) -> None:
    """Tell the contact, where mail can reach one."""
    satisfaction, contact = draft.situation.policy.satisfaction, incident.contact
    if not satisfaction.via or not contact.mail:
        return
    content = NoticeContent(
        event=event,
        reason=reason,
        at=rfc3339(draft.now),
        idempotency_key=notice_key(
            incident.key,
            rfc3339(incident.opened_at),
            event,
            f"{satisfaction.via} to the contact",
            str(incident.version),
        ),
        incident=incident_document(incident, ()),
        recipient=RecipientDocument(id=CONTACT, name=contact.name or contact.mail, address=contact.mail),
        asks_rating=event == "resolved" and satisfaction.ask is not Ask.NOBODY,
        audience=CUSTOMER,
        why=("you have reported it",),
    )
    add_notice(draft, satisfaction.via, content, incident.number)
    words = f"telling the contact {contact.mail} by {satisfaction.via}: {event}, {reason}"
    draft.note(incident.number, "notice", words, new=contact.mail)


def asks_those_told(draft: Draft, incident: Incident, event: str) -> bool:
    """Whether those who were told of an incident are asked how content they are: where nobody else can be."""
    satisfaction = draft.situation.policy.satisfaction
    is_contact_asked = bool(satisfaction.via and incident.contact.mail)
    return event == "resolved" and satisfaction.ask is Ask.EVERYONE and not is_contact_asked
