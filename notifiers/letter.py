"""The mail itself: headers, thread, text and HTML."""

import hashlib
import re
from email.headerregistry import Address
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import getaddresses

from notifiers.base import Message
from notifiers.drawing.illustration import Illustration
from notifiers.settings import EmailSettings
from notifiers.wording import one_line

# Seven bits on the wire: every server takes it, whatever it says about 8BITMIME.
_POLICY = SMTP.clone(cte_type="7bit")
_NUMBER = re.compile(r"INC-[0-9]{1,9}", re.ASCII)
_OWN_ID = re.compile(r"<incidentd\.INC-([0-9]{1,9})\.[0-9a-f]{40}@[^@<>]{1,255}>")


def compose(message: Message, settings: EmailSettings) -> EmailMessage:
    """The mail for one notice.

    All mails of one incident refer to the same Message-ID, that of the first, made from the thread and the channel;
    every other mail's own ID is made from its idempotency key. So a notice that is sent twice shows once in clients
    that look, and a recipient who joined late still gets one thread. The subject's leading bracket changes with the
    state; clients that follow RFC 5256 ignore it when they group.
    """
    mail = EmailMessage(policy=_POLICY)
    sender = address_of(settings.sender)
    number = message.content.incident.number if message.content.incident is not None else ""
    first = first_id(settings, message.thread, number)
    mail["From"] = sender
    mail["To"] = tuple(address_of(r) for r in recipients_of(message, settings))
    mail["Subject"] = one_line(message.subject, 200)
    mail["Date"] = message.sent_at
    if message.starts_thread:
        mail["Message-ID"] = first
    else:
        mail["Message-ID"] = own_id(settings, message.key, number)
        mail["In-Reply-To"] = first
        mail["References"] = first
    if message.reply_to:
        mail["Reply-To"] = Address(addr_spec=message.reply_to)
    _mark(mail, message)
    mail.set_content(message.text)
    mail.add_alternative(message.html, subtype="html")
    if message.picture is not None:
        _illustrate(mail, message.picture, number)
    return mail


def _illustrate(mail: EmailMessage, picture: Illustration, number: str) -> None:
    """Put the picture beside the page that shows it (RFC 2387), which leaves the text alone."""
    *_, page = mail.iter_parts()
    assert isinstance(page, EmailMessage)  # noqa: S101  made by add_alternative
    name = f"{number}.png" if _NUMBER.fullmatch(number) else "picture.png"
    page.add_related(picture.png, "image", "png", cid=f"<{picture.id}>", disposition="inline", filename=name)
    page.set_param("type", "text/html")


def recipients_of(message: Message, settings: EmailSettings) -> tuple[str, ...]:
    """Whom the mail goes to: the one person it calls, where it calls one at an address of theirs."""
    person = message.content.recipient
    return (person.address,) if person is not None and person.address else settings.recipients


def _mark(mail: EmailMessage, message: Message) -> None:
    """What programs go by: no auto-replies, filters, and a flag on what is most urgent."""
    mail["Auto-Submitted"] = "auto-generated"
    mail["X-Auto-Response-Suppress"] = "All"
    mail["X-Incidentd-Event"] = one_line(message.content.event, 60)
    mail["X-Incidentd-Key"] = one_line(message.key, 200)
    incident, change = message.content.incident, message.content.change
    if change is not None:
        mail["X-Incidentd-Change"] = one_line(change.number, 60)
    if incident is not None:
        mail["X-Incidentd-Incident"] = one_line(incident.number, 60)
        mail["X-Incidentd-Priority"] = one_line(incident.priority, 10)
        if incident.priority == "P1":
            mail["Importance"] = "high"
            mail["X-Priority"] = "1"


def address_of(text: str) -> Address:
    """A configured address, with its name if it has one."""
    name, spec = getaddresses([text])[0]
    return Address(display_name=one_line(name, 100), addr_spec=spec)


def first_id(settings: EmailSettings, thread: str, number: str) -> str:
    """The Message-ID of the mail that begins a thread; `number` is the incident's, empty where it is about none."""
    return _message_id(f"{settings.name}\n{thread}", settings, number)


def own_id(settings: EmailSettings, key: str, number: str) -> str:
    """The Message-ID of any other mail, by the key of its notice."""
    return _message_id(key, settings, number)


def number_in(message_id: str) -> int:
    """The number of the incident that one of these Message-IDs names, 0 where it names none. Anybody can write such a
    one: whether it is ours is known only once it has been made again."""
    found = _OWN_ID.fullmatch(message_id)
    return int(found[1]) if found is not None else 0


def _message_id(seed: str, settings: EmailSettings, number: str) -> str:
    digest = hashlib.sha256(seed.encode("utf-8", "replace")).hexdigest()[:40]
    about = f"{number}." if _NUMBER.fullmatch(number) else ""
    return f"<incidentd.{about}{digest}@{address_of(settings.sender).domain}>"
