"""The mail itself: headers, thread, text and HTML."""

import hashlib
from email.headerregistry import Address
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import getaddresses

from notifiers.base import Message
from notifiers.settings import EmailSettings
from notifiers.wording import one_line

# Seven bits on the wire: every server takes it, whatever it says about 8BITMIME.
_POLICY = SMTP.clone(cte_type="7bit")


def compose(message: Message, settings: EmailSettings) -> EmailMessage:
    """The mail for one notice.

    All mails of one incident refer to the same Message-ID, that of the first, made from the thread and the channel;
    every other mail's own ID is made from its idempotency key. So a notice that is sent twice shows once in clients
    that look, and a recipient who joined late still gets one thread. The subject's leading bracket changes with the
    state; clients that follow RFC 5256 ignore it when they group.
    """
    mail = EmailMessage(policy=_POLICY)
    sender = address_of(settings.sender)
    first = _message_id(f"{settings.name}\n{message.thread}", sender)
    mail["From"] = sender
    mail["To"] = tuple(address_of(r) for r in recipients_of(message, settings))
    mail["Subject"] = one_line(message.subject, 200)
    mail["Date"] = message.sent_at
    if message.starts_thread:
        mail["Message-ID"] = first
    else:
        mail["Message-ID"] = _message_id(message.key, sender)
        mail["In-Reply-To"] = first
        mail["References"] = first
    _mark(mail, message)
    mail.set_content(message.text)
    mail.add_alternative(message.html, subtype="html")
    return mail


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


def _message_id(seed: str, sender: Address) -> str:
    digest = hashlib.sha256(seed.encode("utf-8", "replace")).hexdigest()[:40]
    return f"<incidentd.{digest}@{sender.domain}>"
