"""From what was said in a chat to an order, in the name of whoever said it."""

import threading
from dataclasses import dataclass, field

from daemon.acts import LABELS, Acts
from daemon.chats.heard import Heard, Outcome
from daemon.errors import BadLink
from daemon.replies import Opening, value_and_reason
from rules.decision import Command, Order, RecordOrder, RecordVerb, Reply, ReportOrder, Verb
from rules.incident import incident_key
from rules.record import Given, Kind
from rules.report import Channel, Contact, Report
from rules.roster import Person

MAX_ACTOR = 128
_DONE = {
    Verb.ACKNOWLEDGE: "is acknowledged by",
    Verb.RESOLVE: "is resolved by",
    Verb.REOPEN: "is open again, says",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Hearing:
    """Carries out what is heard, each of it once. `acts` reads tokens and takes orders."""

    acts: Acts
    under_way: set[str] = field(default_factory=set)
    lock: threading.Lock = field(default_factory=threading.Lock)

    def carry_out(self, heard: Heard) -> Outcome:
        """Do it, and say what came of it. StoreError where it could not be stored: the chat is to say it again."""
        if heard.opening is not None:
            return self._open(heard, heard.opening)
        try:
            verb, number = self._meant(heard)
        except BadLink as problem:
            return Outcome(done=False, words=f"Not done: {problem}.")
        if verb is Verb.NOTE and not heard.text:
            return Outcome(done=True, words="")
        actor, name = self._who(heard)
        value, reason = value_and_reason(verb, heard.text, f"in {heard.chat}")
        command = Command(
            id=_order_id(heard),
            at=self.acts.clock.now(),
            actor=actor,
            verb=verb,
            number=number,
            value=value,
            reason=reason,
        )
        return _outcome(command, self._reply(command), name)

    def _open(self, heard: Heard, opening: Opening) -> Outcome:
        """An incident, or a service request, of somebody whom the roster knows: strangers open nothing."""
        person = self._known(heard)
        if person is None:
            return Outcome(done=False, words="Not done: nobody is known here by your name in this chat.")
        now = self.acts.clock.now()
        order: Order
        if opening.is_request:
            given = Given(title=opening.title, description=opening.text)
            order = RecordOrder(
                id=_order_id(heard), at=now, actor=person.id, kind=Kind.REQUEST, verb=RecordVerb.CREATE, given=given
            )
        else:
            contact = Contact(name=person.name, mail=min(person.mail_addresses, default=""))
            report = Report(title=opening.title, description=opening.text, channel=Channel.CHAT, contact=contact)
            order = ReportOrder(id=_order_id(heard), at=now, actor=person.id, report=report)
        reply = self._reply(order)
        if reply is None:
            return Outcome(done=True, words="Stored; it will be opened as soon as it can.")
        return Outcome(done=reply.done, words=f"{'' if reply.done else 'Not done: '}{reply.message}.")

    def _meant(self, heard: Heard) -> tuple[Verb, int]:
        if heard.token:
            offer = self.acts.read(heard.token)
            return offer.verb, offer.asked.incident
        if heard.pressed and heard.verb not in LABELS:
            raise BadLink(f"{heard.verb} cannot be done by a button")
        if self.acts.store.incident(heard.incident) is None:
            raise BadLink("the incident is not known any more")
        return heard.verb, heard.incident

    def _who(self, heard: Heard) -> tuple[str, str]:
        """Their id and name where the roster knows them by their address at this notifier; else as the chat calls
        them."""
        if (person := self._known(heard)) is not None:
            return person.id, person.name
        name = f"{heard.called[: MAX_ACTOR - 20] or heard.user} ({heard.chat})"
        return name, name

    def _known(self, heard: Heard) -> Person | None:
        for person in self.acts.roster().people.values():
            if any(c.via == heard.notifier and c.address and c.address in heard.names for c in person.contacts):
                return person
        return None

    def _reply(self, command: Order) -> Reply | None:
        """None where there is no answer yet, because it is being decided on."""
        with self.lock:
            if command.id in self.under_way:
                return None
            self.under_way.add(command.id)
        try:
            known = self.acts.store.reply(command.id)
            return known if known is not None else self.acts.order(command)
        except TimeoutError:
            return None
        finally:
            with self.lock:
                self.under_way.discard(command.id)


def _order_id(heard: Heard) -> str:
    return f"chat:{heard.notifier}:{heard.key}"[:200]


def _outcome(command: Command, reply: Reply | None, name: str) -> Outcome:
    key = incident_key(command.number)
    if reply is None:
        return Outcome(done=True, words=f"{key}: stored; it will be done as soon as it can.")
    if not reply.done:
        return Outcome(done=False, words=f"Not done: {reply.message}.")
    return Outcome(done=True, words=f"{key} {_DONE[command.verb]} {name}." if command.verb in _DONE else "")
