"""Notices on their way out: by which notifier to which address, and with what content."""

import hashlib
from dataclasses import dataclass
from datetime import datetime

import msgspec

from rules.decision import Notice, Way
from rules.document import NoticeContent, RecipientDocument
from rules.draft import Draft
from rules.telling import person_of


@dataclass(frozen=True, slots=True, kw_only=True)
class Route(Way):
    """A way to a recipient; `recipient` is the person, None for a notifier's own recipients."""

    recipient: RecipientDocument | None = None


def ways_of(draft: Draft, key: str, via: tuple[str, ...] = ()) -> tuple[Route, ...]:
    """The ways to a recipient, the first choice first; none where a person has no contact, or is not known."""
    who = person_of(key)
    if not who:
        return (Route(via=key),)
    person = draft.situation.policy.roster.people.get(who)
    if person is None:
        return ()
    return tuple(
        Route(
            via=contact.via,
            address=contact.address,
            recipient=RecipientDocument(id=person.id, name=person.name, address=contact.address),
        )
        for contact in person.ways(via)
    )


def add_notice(
    draft: Draft,
    to: str,
    content: NoticeContent,
    number: int | None,
    subject: str = "",
    others: tuple[Way, ...] = (),
    *,
    is_call: bool = False,
    is_urgent: bool = False,
) -> None:
    """Put a notice with this content on its way through the notifier `to`: about the incident of that number, or the
    change with the key `subject`. `others` are tried after it, in order."""
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
            others=tuple(Way(via=way.via, address=way.address) for way in others),
            is_call=is_call,
            is_urgent=is_urgent,
        )
    )


def notice_key(*parts: str) -> str:
    """The same notice has the same key for ever, another never has: the opening time tells databases apart."""
    digest = hashlib.blake2b("\xff".join(parts).encode(), digest_size=6).hexdigest()
    return f"{parts[0]}-{digest}"


def later_than(moments: tuple[datetime, ...], since: datetime) -> tuple[datetime, ...]:
    """Those after `since`."""
    return tuple(at for at in moments if at > since)
