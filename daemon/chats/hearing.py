"""From what was said in a chat to an order, in the name of whoever said it."""

import threading
from dataclasses import dataclass, field

from daemon.acts import LABELS, Acts
from daemon.chats.heard import Heard, Outcome
from daemon.errors import BadLink
from daemon.replies import value_and_reason
from rules.decision import Command, Reply, Verb
from rules.incident import incident_key

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
        try:
            verb, number = self._meant(heard)
        except BadLink as problem:
            return Outcome(done=False, words=f"Not done: {problem}.")
        if verb is Verb.NOTE and not heard.text:
            return Outcome(done=True, words="")
        actor, name = self._who(heard)
        value, reason = value_and_reason(verb, heard.text, f"in {heard.chat}")
        command = Command(
            id=f"chat:{heard.notifier}:{heard.key}"[:200],
            at=self.acts.clock.now(),
            actor=actor,
            verb=verb,
            number=number,
            value=value,
            reason=reason,
        )
        return _outcome(command, self._reply(command), name)

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
        for person in self.acts.roster().people.values():
            if any(c.via == heard.notifier and c.address and c.address in heard.names for c in person.contacts):
                return person.id, person.name
        name = f"{heard.called[: MAX_ACTOR - 20] or heard.user} ({heard.chat})"
        return name, name

    def _reply(self, command: Command) -> Reply | None:
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


def _outcome(command: Command, reply: Reply | None, name: str) -> Outcome:
    key = incident_key(command.number)
    if reply is None:
        return Outcome(done=True, words=f"{key}: stored; it will be done as soon as it can.")
    if not reply.done:
        return Outcome(done=False, words=f"Not done: {reply.message}.")
    return Outcome(done=True, words=f"{key} {_DONE[command.verb]} {name}." if command.verb in _DONE else "")
