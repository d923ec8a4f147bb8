"""What becomes of a mail: an order to the daemon, an answer that it was refused, or nothing.

Each is taken once. The order is stored in the same transaction as the mail's digest, so that a mail that comes again,
after a crash or from a second door, finds what was made of it.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from typing import Literal

import structlog

from daemon.clock import Clock
from daemon.config.inbound import InboundSettings
from daemon.inbound.mail import LARGEST_MAIL, Envelope, Mail, read_mail
from daemon.inbound.matching import Found, Matcher, Surroundings
from daemon.inbound.senders import Sender, is_contact, passed_dmarc, person_with, user_with
from daemon.inbox import stored_order
from daemon.replies import bounded, cleaned, said_in, value_and_reason
from daemon.store.store import Store
from notifiers.letter import address_of
from rules.decision import Asker, Command, Order, RecordOrder, RecordVerb, Reply, ReportOrder, Verb
from rules.document import CONTACT
from rules.incident import Incident
from rules.record import Given, Kind
from rules.report import MAX_TEXT, Channel, Contact, Report

_log = structlog.get_logger(__name__)
_HOUR = timedelta(hours=1)

Fate = Literal["accepted", "refused", "dropped", "aside"]
Decide = Callable[[Order, Callable[[], object]], Reply]
"""Has an order stored by the second argument and waits for its answer; TimeoutError where none came in time."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Taken:
    """What became of a mail, and why, in words: an order was accepted or refused, nothing was done with it on purpose,
    or it cannot be read."""

    fate: Fate
    why: str


class _TakenBefore(Exception):
    """Another door was first."""


class Taker:
    """Takes mails, from several threads at once. `answer(mail, why)` tells a sender, who may know, that something was
    refused; `note(fate)` hears of every mail."""

    def __init__(
        self,
        store: Store,
        clock: Clock,
        settings: InboundSettings,
        around: Surroundings,
        *,
        decide: Decide,
        answer: Callable[[Mail, str], None],
        note: Callable[[Fate], None],
    ) -> None:
        self._store = store
        self._clock = clock
        self._settings = settings
        self._around = around
        self._matcher = Matcher(store, settings, around)
        self._decide = decide
        self._answer = answer
        self._note = note

    def take(self, raw: bytes, envelope: Envelope | None = None) -> Taken:
        """Do with it what is to be done; what it asks for is durable when this returns.

        StoreError where nothing could be stored: it is to be handed over again.
        """
        try:
            if len(raw) > LARGEST_MAIL:
                raise ValueError(f"it is larger than {LARGEST_MAIL} bytes")
            mail = read_mail(raw, envelope)
        except Exception as error:  # noqa: BLE001  strangers write mails, and parsers fail in many ways
            _log.error("mail_put_aside", error=f"{type(error).__name__}: {str(error)[:200]}", bytes=len(raw))
            return self._done(Taken(fate="aside", why="it cannot be read"))
        taken = self._taken(mail)
        say = _log.warning if taken.fate == "refused" else _log.info
        say(f"mail_{taken.fate}", sender=mail.sender, mail=mail.digest[:12], why=taken.why)
        return self._done(taken)

    def _done(self, taken: Taken) -> Taken:
        self._note(taken.fate)
        return taken

    def _taken(self, mail: Mail) -> Taken:
        known = self._store.mails.outcome(mail.digest)
        if known:
            return Taken(fate="dropped", why=f"it was taken before: {known}")
        if known is not None:
            return self._settled(mail, self._store.reply(_order_id(mail)))
        if why := self._unwanted(mail):
            return Taken(fate="dropped", why=why)
        sender = self._sender(mail)
        found = self._matcher.match(mail, sender)
        if found is not None:
            sender = self._about(mail, sender, found)
        if sender is None or (found is None and not sender.may_open):
            return Taken(fate="dropped", why="nobody here knows who has sent it")
        order = self._reply_order(mail, sender, found.incident) if found else self._new_order(mail, sender)
        return self._carried_out(mail, order)

    def _unwanted(self, mail: Mail) -> str:
        """Why nothing is done with a mail, whoever is asked about its sender; empty where that is not so."""
        settings = self._settings
        if mail.machine:
            return mail.machine
        if not mail.sender:
            return "it does not come from just one address"
        ours = {*settings.addresses, *(address_of(m.sender).addr_spec.lower() for m in self._around.mailers())}
        if mail.sender in ours or settings.token_in(mail.sender):
            return "it comes from our own address"
        if settings.authserv_id and not passed_dmarc(mail, settings.authserv_id):
            return f"{settings.authserv_id} does not say that it passed DMARC"
        if self._store.mails.count(mail.sender, self._clock.now() - _HOUR) >= settings.per_hour:
            return f"more than {settings.per_hour} mails came from there within an hour"
        return ""

    def _sender(self, mail: Mail) -> Sender | None:
        """Who has sent it, None where that may be anybody."""
        if (person := person_with(mail.sender, self._around.roster())) is not None:
            return person
        called = mail.name or mail.sender
        user = self._store.users.user(mail.sender)
        if user is not None and user.disabled_at is not None:
            return None
        if user is not None and (known := user_with(mail.sender, user.role, called)) is not None:
            return known
        if self._settings.allows(mail.sender):
            return Sender(name=mail.sender, called=called, asker=Asker.REPORTER, may_open=True)
        return None

    def _about(self, mail: Mail, sender: Sender | None, found: Found) -> Sender | None:
        """The sender as the one they are to this incident: whoever reported it has some say in it."""
        is_staff = sender is not None and sender.asker is Asker.STAFF
        is_theirs = is_contact(mail.sender, found.incident) or (sender is not None and found.by == CONTACT)
        if is_staff or not is_theirs:
            return sender
        return Sender(name=mail.sender, called=mail.name or mail.sender, asker=Asker.CONTACT, may_open=False)

    def _reply_order(self, mail: Mail, sender: Sender, incident: Incident) -> Order:
        said = said_in(mail.text)
        text = said.text if said.verb is not Verb.NOTE else _with_attachments(said.text, mail)
        value, reason = value_and_reason(said.verb, text, "by mail")
        return Command(
            id=_order_id(mail),
            at=self._clock.now(),
            actor=sender.name,
            verb=said.verb,
            number=incident.number,
            asker=sender.asker,
            value=value,
            reason=reason,
        )

    def _new_order(self, mail: Mail, sender: Sender) -> Order:
        settings = self._settings
        title = mail.subject or f"Mail from {sender.called}"
        text = _with_attachments(cleaned(mail.text).strip(), mail)
        if settings.requests_address and settings.requests_address in mail.recipients:
            words = bounded(f"From {sender.called} <{mail.sender}>\n\n{text}", MAX_TEXT)
            return RecordOrder(
                id=_order_id(mail),
                at=self._clock.now(),
                actor=sender.name,
                kind=Kind.REQUEST,
                verb=RecordVerb.CREATE,
                given=Given(title=title, description=words, group=settings.group or None),
            )
        report = Report(
            title=title,
            description=text,
            channel=Channel.MAIL,
            group=settings.group,
            contact=Contact(name=sender.called, mail=mail.sender),
        )
        return ReportOrder(id=_order_id(mail), at=self._clock.now(), actor=sender.name, report=report)

    def _carried_out(self, mail: Mail, order: Order) -> Taken:
        def put() -> None:
            if not self._store.mails.take(mail.digest, mail.sender, order.at, *stored_order(order)):
                raise _TakenBefore

        try:
            return self._settled(mail, self._decide(order, put))
        except _TakenBefore:
            return Taken(fate="dropped", why="it came in twice at once")
        except TimeoutError:
            return self._settled(mail, None)

    def _settled(self, mail: Mail, reply: Reply | None) -> Taken:
        """What came of the order; None is no answer yet, then it is stored and will be carried out."""
        if reply is None:
            return Taken(fate="accepted", why="it is stored, but not decided on yet")
        if not reply.done:
            self._answer(mail, reply.message)
        self._store.mails.settle(mail.digest, reply.message)
        return Taken(fate="accepted" if reply.done else "refused", why=reply.message)


def _order_id(mail: Mail) -> str:
    return f"mail:{mail.digest}"


def _with_attachments(text: str, mail: Mail) -> str:
    if not mail.attachments:
        return bounded(text)
    many = "1 attachment was" if mail.attachments == 1 else f"{mail.attachments} attachments were"
    left_out = f"[{many} left out]"
    return f"{bounded(text, MAX_TEXT - len(left_out) - 2)}\n\n{left_out}".strip()
