"""Telling those who must know of a change: that it is scheduled, moved, begins, ends or is called off; each once.

What people know is part of the change (`Change.announced`), so a cycle only compares, and a restart says nothing twice.
"""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import datetime

from rules.audience import recipients_of
from rules.change_risk import Risk, risk_of
from rules.document import NoticeContent, RecipientDocument, rfc3339
from rules.draft import Draft
from rules.outgoing import add_notice, notice_key
from rules.record import Announced, Change, ChangePhase, ChangeStatus, ToldOfChange
from rules.record_document import change_document
from rules.roster import Person
from rules.subscriptions import wants_change, wants_event_of_change
from rules.telling import person_of

_AHEAD = frozenset({ChangePhase.SCHEDULED, ChangePhase.STARTED})
"""Phases in which people hear of a change who have not heard of it before."""

_EVENTS = {
    ChangePhase.PLANNED: "change_moved",
    ChangePhase.SCHEDULED: "change_scheduled",
    ChangePhase.STARTED: "change_started",
    ChangePhase.ENDED: "change_ended",
    ChangePhase.FAILED: "change_ended",
    ChangePhase.CANCELLED: "change_cancelled",
}
_LAST = frozenset({"change_ended", "change_cancelled"})
"""Who has heard of a change hears these, whatever else they want: nobody is left waiting for its end."""

_PHASES = {
    ChangeStatus.PLANNED: ChangePhase.PLANNED,
    ChangeStatus.IN_PROGRESS: ChangePhase.STARTED,
    ChangeStatus.DONE: ChangePhase.ENDED,
    ChangeStatus.FAILED: ChangePhase.FAILED,
    ChangeStatus.REJECTED: ChangePhase.CANCELLED,
    ChangeStatus.CANCELLED: ChangePhase.CANCELLED,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class _Recipient:
    """A notifier, and the person where it is for one."""

    to: str
    person: RecipientDocument | None = None


def tell_of_changes(draft: Draft) -> None:
    """Compare what people know of each change with how things are."""
    for record in draft.all_records():
        if isinstance(record, Change):
            _announce(draft, record)


def phase_of(change: Change, now: datetime) -> ChangePhase | None:
    """How far it is; None where nothing more is told of it. An approved one begins and ends with its window, whether or
    not somebody says so."""
    if change.status is not ChangeStatus.APPROVED:
        return _PHASES.get(change.status)
    if now < change.starts_at:
        return ChangePhase.SCHEDULED
    return ChangePhase.STARTED if now < change.ends_at else ChangePhase.ENDED


def _announce(draft: Draft, change: Change) -> None:
    phase, before = phase_of(change, draft.now), change.announced
    if phase is None:
        return
    after = Announced(phase=phase, starts_at=change.starts_at, ends_at=change.ends_at, cis=change.cis)
    # What nobody approved, such as a deployment that a pipeline tells of, is no plan that anybody must know.
    if after == before or (before is None and (phase not in _AHEAD or change.approved_at is None)):
        return
    is_new_phase = before is None or before.phase is not phase
    event = _EVENTS[phase] if is_new_phase else "change_moved"
    reason = "; ".join(_reasons(change, before, after, is_new_phase=is_new_phase))
    risk = risk_of(draft.situation.estate, change, draft.all_incidents(), draft.all_records())
    recipients = dict.fromkeys(_recipients(draft, change, risk, phase, event))
    told = tuple(_send(draft, change, risk, recipient, event, reason) for recipient in recipients)
    draft.put_record(replace(change, announced=after, told=(*change.told, *told)))
    if phase in _AHEAD:
        for group in risk.owners:
            if not _reaches(draft, group, event):
                why = "no entry of `notify` wants it, and the group has nobody with a contact"
                draft.note_on(change.key, "notice", f"nobody is told for {group}: {why}")


def _reasons(change: Change, before: Announced | None, after: Announced, *, is_new_phase: bool) -> Iterator[str]:
    """What is new, in words."""
    if is_new_phase:
        yield _news(change, after.phase)
    if before is None or after.phase not in (ChangePhase.PLANNED, *_AHEAD):
        return
    if (before.starts_at, before.ends_at) != (after.starts_at, after.ends_at):
        yield f"it was to be from {before.starts_at:%Y-%m-%d %H:%M} to {before.ends_at:%Y-%m-%d %H:%M} UTC"
    if before.cis != after.cis:
        yield f"it was to be on {', '.join(before.cis) or 'no CI'}"


def _news(change: Change, phase: ChangePhase) -> str:
    said = f": {change.outcome}" if change.outcome else ""
    if phase is ChangePhase.PLANNED:
        return "it is planned anew and needs approval again"
    if phase is ChangePhase.SCHEDULED:
        return f"{change.approved_by or 'nobody'} has approved it"
    if phase is ChangePhase.STARTED:
        return "its time has begun" if change.status is ChangeStatus.APPROVED else "work on it has begun"
    if phase is ChangePhase.FAILED:
        return f"it has failed{said}"
    if phase is ChangePhase.CANCELLED:
        return f"it is {change.status}{said}"
    if change.status is ChangeStatus.APPROVED:
        return "its time is over; nobody has said how it went"
    return f"it is done{said}"


def _recipients(draft: Draft, change: Change, risk: Risk, phase: ChangePhase, event: str) -> Iterator[_Recipient]:
    """Who heard of it before and wants this too, and, while it lies ahead or goes on, who must hear of it now."""
    known = {t.to for t in change.told if not t.person}
    wanting = {s.to for s in draft.situation.subscriptions if s.to and wants_event_of_change(s.when, event)}
    yield from (_Recipient(to=to) for to in sorted(known if event in _LAST else known & wanting))
    people = {t.person for t in change.told if t.person}
    if phase in _AHEAD:
        groups = {*risk.owners, change.group} - {""}
        services = {*(s.ci for s in risk.services), *change.services}
        for sub in draft.situation.subscriptions:
            if not wants_change(sub.when, event=event, services=services, groups=groups):
                continue
            if sub.to and sub.to not in known:
                yield _Recipient(to=sub.to)
            elif event in sub.when.event:
                # People hear of changes by a subscription only where it names them: not everybody's work is theirs.
                people.update(map(person_of, recipients_of(sub, draft.situation.policy.roster, change.group, services)))
        people.update(p for group in groups for p in _people_of(draft, group))
    for person in map(draft.situation.policy.roster.people.get, sorted(people)):
        yield from _contacts(person)


def _reaches(draft: Draft, group: str, event: str) -> bool:
    """Whether anybody hears of it for the group."""
    people = map(draft.situation.policy.roster.people.get, _people_of(draft, group))
    return any(p is not None and p.contacts for p in people) or any(
        wants_event_of_change(s.when, event) and (not s.when.group or group in s.when.group)
        for s in draft.situation.subscriptions
    )


def _people_of(draft: Draft, group: str) -> tuple[str, ...]:
    """Who of a group is told: its lead, or all of it where there is none."""
    known = draft.situation.policy.roster.groups.get(group)
    if known is None:
        return ()
    return (known.lead,) if known.lead else known.members


def _contacts(person: Person | None) -> Iterator[_Recipient]:
    if person is None:
        return
    for contact in person.contacts:
        document = RecipientDocument(id=person.id, name=person.name, address=contact.address)
        yield _Recipient(to=contact.via, person=document)


def _send(draft: Draft, change: Change, risk: Risk, recipient: _Recipient, event: str, reason: str) -> ToldOfChange:
    person = recipient.person
    name, address = (person.id, person.address) if person is not None else ("", "")
    content = NoticeContent(
        event=event,
        reason=reason,
        at=rfc3339(draft.now),
        idempotency_key=notice_key(
            change.key, rfc3339(change.opened_at), event, recipient.to, name, address, rfc3339(draft.now)
        ),
        change=change_document(change, risk),
        recipient=person,
    )
    add_notice(draft, recipient.to, content, None, subject=change.key)
    notice = draft.notices[-1]
    draft.note_on(change.key, "notice", f"telling {notice.recipient}: {event}, {reason}", new=notice.recipient)
    return ToldOfChange(key=notice.key, to=notice.to, event=event, at=draft.now, person=name)
