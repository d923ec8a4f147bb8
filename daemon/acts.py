"""What people do from notices: offered by a signed token, done once, in their name, through the ordinary orders."""

import uuid
from collections.abc import Callable, Collection
from dataclasses import dataclass
from datetime import timedelta

from daemon.clock import Clock
from daemon.errors import BadLink, NotDone
from daemon.links import ActAsked, act_token, read_act_token
from daemon.store.rows import LinkUse, NoticeRow
from daemon.store.store import Store
from notifiers.base import Action
from rules.decision import Command, Order, Reply, Verb
from rules.document import CONTACT, NoticeContent
from rules.incident import Incident
from rules.lifecycle import Step, allowed_steps
from rules.roster import Roster
from rules.telling import CUSTOMER

LAST = timedelta(days=7)
"""How long a link in a notice can be used."""

OFFERED_WITH = frozenset({"opened", "reopened", "assigned", "escalated", "nobody_reached"})
"""The events whose notices ask for somebody to take the incident."""

LABELS = {Verb.ACKNOWLEDGE: "Acknowledge"}
"""What can be done from a notice, and what stands on its button."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Offer:
    """What a token stands for, once it is known that it counts: `who` is its holder's name, `use` what was done by it
    before."""

    asked: ActAsked
    verb: Verb
    incident: Incident
    who: str
    use: LinkUse | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Acts:
    """The tokens of one database. `order` waits for the decision; `notifiers` are the names of all that there are."""

    store: Store
    clock: Clock
    order: Callable[[Order], Reply]
    roster: Callable[[], Roster]
    notifiers: Callable[[], Collection[str]]

    def read(self, token: str) -> Offer:
        """What the holder of this token may do. BadLink, in words for people, where that is nothing: it was not made
        here or is too old, whom it was for has left, or the incident is gone."""
        asked = read_act_token(self.store.links.key(), token, self.clock.now())
        incident = self.store.incident(asked.incident)
        if incident is None:
            raise BadLink("the incident is not known any more")
        roster = self.roster()
        person = roster.people.get(asked.by)
        if asked.by not in self.notifiers() and (person is None or person.audience == CUSTOMER):
            raise BadLink("this link was for somebody who does not work on incidents here any more")
        if asked.verb not in LABELS:
            raise BadLink(f"{asked.verb} cannot be done by a link")
        use = self.store.links.used(asked.link, asked.verb)
        return Offer(asked=asked, verb=Verb(asked.verb), incident=incident, who=roster.name(asked.by), use=use)

    def carry_out(self, offer: Offer, via: str) -> LinkUse:
        """Do it, once; `via` says for the timeline by what. What was done, which may have been before.

        NotDone, in words for people, where it is refused; the link can be used again then.
        """
        asked = offer.asked
        if offer.use is not None:
            return offer.use
        command = Command(
            id=uuid.uuid4().hex,
            at=self.clock.now(),
            actor=asked.by,
            verb=offer.verb,
            number=asked.incident,
            reason=via,
        )
        try:
            reply = self.order(command)
        except TimeoutError:
            reply = Reply(command=command.id, done=True, message="stored; it will be done as soon as it can")
        if not reply.done:
            # Somebody may have pressed twice: the other one was first.
            if (use := self.store.links.used(asked.link, asked.verb)) is not None:
                return use
            raise NotDone(reply.message)
        use = LinkUse(
            link=asked.link,
            verb=asked.verb,
            incident=asked.incident,
            by=asked.by,
            message=reply.message,
            at=command.at,
        )
        return use if self.store.links.use(use) else self.store.links.used(asked.link, asked.verb) or use


def actions_of(store: Store, row: NoticeRow, content: NoticeContent, base: str) -> tuple[Action, ...]:
    """What the reader of a notice can do from it, now; `base` is where this daemon is found. The same at every attempt
    to send it."""
    reader = reader_of(row, content)
    if row.incident is None or row.event not in OFFERED_WITH or reader == CONTACT or content.audience == CUSTOMER:
        return ()
    incident = store.incident(row.incident)
    if incident is None or Step.ACKNOWLEDGE not in allowed_steps(incident.status):
        return ()
    return (_action(store.links.key(), row, reader, Verb.ACKNOWLEDGE, base),)


def reader_of(row: NoticeRow, content: NoticeContent) -> str:
    """Whom the notice is for: the id of a person, or the notifier's name."""
    return content.recipient.id if content.recipient is not None else row.to


def _action(key: bytes, row: NoticeRow, reader: str, verb: Verb, base: str) -> Action:
    asked = ActAsked(link=row.key, incident=row.incident or 0, verb=verb, by=reader, expires_at=row.at + LAST)
    token = act_token(key, asked)
    return Action(verb=verb, label=LABELS[verb], url=f"{base}/act/{token}", token=token)
