"""Who is told what, and when. What each recipient was last told is part of the incident, so nothing is said twice."""

import hashlib
from dataclasses import replace

import msgspec

from cmdb.model import State
from rules.decision import Notice, SourceState
from rules.document import CONTACT, NoticeContent, RecipientDocument, SourceDocument, incident_document, rfc3339
from rules.draft import Draft
from rules.incident import Incident, Told
from rules.resolution import Ask
from rules.subscriptions import CLOCK_EVENTS, Subscription, matches

_ENDED = frozenset({"resolved", "closed", "merged", "converted"})


def tell(draft: Draft) -> None:
    """Decide on the notices of this cycle."""
    for number, event, reason in draft.news:
        incident = draft.incident(number)
        if incident is not None and event in CLOCK_EVENTS:
            _tell_clock(draft, incident, event, reason)
        elif incident is not None:
            _tell_event(draft, incident, event, reason)
            if event == "resolved":
                _tell_contact(draft, incident, event, reason)
    for incident in draft.all_incidents():
        if incident.is_active and may_call(draft, incident):
            _tell_state(draft, incident)
            _tell_known(draft, incident)


def tell_sources(draft: Draft) -> None:
    """Say once that monitoring is blind, and once that it sees again."""
    policy = draft.situation.policy
    for source in draft.all_sources():
        if not source.is_up and not source.told and draft.now - source.since >= policy.blind_after:
            reason = f"no word from {source.name} since {source.since:%H:%M:%S} UTC; nothing resolves by its silence"
            _tell_source(draft, source, "source_down", reason)
            draft.put_source(replace(source, told=True))
        elif source.is_up and source.told:
            _tell_source(draft, source, "source_up", f"{source.name} can be heard again")
            draft.put_source(replace(source, told=False))


def _tell_event(draft: Draft, incident: Incident, event: str, reason: str) -> None:
    """News of a step: to those who know of the incident."""
    for told in incident.told:
        if event == "closed" and told.event == "resolved":
            continue
        sub = next((s for s in draft.situation.subscriptions if s.to == told.to and _wants(s, incident, event)), None)
        if sub is not None or event in _ENDED:
            incident = _send(draft, incident, told.to, event, reason)


def _tell_contact(draft: Draft, incident: Incident, event: str, reason: str) -> None:
    """That its error is known, and the end of it: to whoever reported it, where mail can reach them."""
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
    )
    add_notice(draft, satisfaction.via, content, incident.number)
    words = f"telling the contact {contact.mail} by {satisfaction.via}: {event}, {reason}"
    draft.note(incident.number, "notice", words, new=contact.mail)


def _asks_those_told(draft: Draft, incident: Incident, event: str) -> bool:
    """Whether those who were told of an incident are asked how content they are: where nobody else can be."""
    satisfaction = draft.situation.policy.satisfaction
    is_contact_asked = bool(satisfaction.via and incident.contact.mail)
    return event == "resolved" and satisfaction.ask is Ask.EVERYONE and not is_contact_asked


def _tell_clock(draft: Draft, incident: Incident, event: str, reason: str) -> None:
    """News of a promised time: to all who want it. Where all that fires is silenced, only to those who know."""
    wanted = dict.fromkeys(s.to for s in draft.situation.subscriptions if _wants(s, incident, event))
    is_hushed = not may_call(draft, incident) and _is_firing(draft, incident)
    for to in wanted:
        if not is_hushed or _told(incident, to) is not None:
            incident = _send(draft, incident, to, event, reason)


def _tell_state(draft: Draft, incident: Incident) -> None:
    """Compare what each recipient was told with how things are."""
    policy = draft.situation.policy
    for sub in draft.situation.subscriptions:
        told = _told(incident, sub.to)
        if told is None:
            if draft.now - incident.opened_at >= policy.settle and _wants(sub, incident, "opened"):
                incident = _send(draft, incident, sub.to, "opened", incident.priority_reason)
            continue
        reason = needs_update(told, incident)
        worse = str(incident.priority) < str(told.priority)
        due = worse or draft.now - told.at >= policy.update_every
        if reason and due and _wants(sub, incident, "changed", was=str(told.priority)):
            incident = _send(draft, incident, sub.to, "changed", reason)


def _tell_known(draft: Draft, stale: Incident) -> None:
    """Say once that the error is known, also to whoever reported it; who hears of the incident in this very cycle hears
    it with that."""
    incident = draft.incident(stale.number) or stale
    if not incident.known_errors or incident.known_told:
        return
    if draft.now - incident.opened_at < draft.situation.policy.settle:
        return
    reason = "; ".join(
        f"it is known as {e.key}, {e.why}; until it is mended: {e.workaround}" for e in incident.known_errors
    )
    incident = draft.change_incident(incident, known_told=True)
    heard = {n.to for n in draft.notices if n.incident == incident.number and n.event == "opened"}
    for sub in draft.situation.subscriptions:
        if sub.to not in heard and _wants(sub, incident, "known_error"):
            heard.add(sub.to)
            incident = _send(draft, incident, sub.to, "known_error", reason)
    _tell_contact(draft, incident, "known_error", reason)


def needs_update(told: Told, incident: Incident) -> str:
    """What has changed since the recipient was last told, in words; empty where nothing material has."""
    found = []
    if incident.priority != told.priority:
        found.append(f"priority {told.priority} is now {incident.priority}: {incident.priority_reason}")
    if incident.root.ci != told.root:
        found.append(f"the root cause is now {incident.root.ci or 'unknown'}, not {told.root or 'unknown'}")
    if _services(incident) != told.services:
        found.append("other business services are hit, or otherwise than before")
    return "; ".join(found)


def may_call(draft: Draft, incident: Incident) -> bool:
    """Whether anything still fires that nobody has silenced, or a person has registered it."""
    if incident.is_by_hand:
        return True
    # Unsorted, and no further than the first: this is asked of every open incident in every cycle.
    return any(
        a is not None and a.is_firing and not a.suppressed for a in map(draft.alert, draft.members(incident.number))
    )


def _is_firing(draft: Draft, incident: Incident) -> bool:
    return any(a is not None and a.is_firing for a in map(draft.alert, draft.members(incident.number)))


def _wants(sub: Subscription, incident: Incident, event: str, was: str = "") -> bool:
    services = [s.ci for s in incident.services]
    priorities = {str(incident.priority), was or str(incident.priority)}
    return any(
        matches(sub.when, priority=p, event=event, services=services, group=incident.group) for p in sorted(priorities)
    )


def _told(incident: Incident, to: str) -> Told | None:
    return next((t for t in incident.told if t.to == to), None)


def _services(incident: Incident) -> tuple[tuple[str, int], ...]:
    return tuple(sorted((s.ci, int(s.state)) for s in incident.services if s.state > State.UP))


def _send(draft: Draft, incident: Incident, to: str, event: str, reason: str) -> Incident:
    said = Told(
        to=to,
        event=event,
        at=draft.now,
        priority=incident.priority,
        root=incident.root.ci,
        services=_services(incident),
    )
    others = tuple(t for t in incident.told if t.to != to)
    incident = draft.change_incident(incident, told=tuple(sorted((*others, said), key=lambda t: t.to)))
    key = notice_key(incident.key, rfc3339(incident.opened_at), event, to, str(incident.version))
    content = NoticeContent(
        event=event,
        reason=reason,
        at=rfc3339(draft.now),
        idempotency_key=key,
        incident=incident_document(incident, ()),
        asks_rating=_asks_those_told(draft, incident, event),
    )
    add_notice(draft, to, content, incident.number)
    draft.note(incident.number, "notice", f"telling {to}: {event}, {reason}", new=to)
    return incident


def _tell_source(draft: Draft, source: SourceState, event: str, reason: str) -> None:
    document = SourceDocument(name=source.name, is_up=source.is_up, since=rfc3339(source.since), error=source.error)
    told = set()
    for sub in draft.situation.subscriptions:
        if sub.to in told or not matches(sub.when, priority="", event=event, services=(), group=""):
            continue
        told.add(sub.to)
        key = notice_key(source.name, rfc3339(source.since), event, sub.to)
        content = NoticeContent(event=event, reason=reason, at=rfc3339(draft.now), idempotency_key=key, source=document)
        add_notice(draft, sub.to, content, None)


def add_notice(draft: Draft, to: str, content: NoticeContent, number: int | None, subject: str = "") -> None:
    """Put a notice with this content on its way through the notifier `to`: about the incident of that number, or the
    change with the key `subject`."""
    draft.notices.append(
        Notice(
            key=content.idempotency_key,
            to=to,
            event=content.event,
            reason=content.reason,
            at=draft.now,
            incident=number,
            content=msgspec.json.encode(content),
            person=content.recipient.id if content.recipient is not None else "",
            subject=subject,
        )
    )


def notice_key(*parts: str) -> str:
    """The same notice has the same key for ever, another never has: the opening time tells databases apart."""
    digest = hashlib.blake2b("\xff".join(parts).encode(), digest_size=6).hexdigest()
    return f"{parts[0]}-{digest}"
