"""One mail, read: who wrote what to whom, what it answers, and whether a program sent it."""

import hashlib
import re
from collections.abc import Iterable
from dataclasses import dataclass
from email import message_from_bytes, policy
from email.message import EmailMessage, Message
from email.utils import getaddresses

from daemon.replies import LARGEST, bounded, text_of_html
from notifiers.wording import one_line
from rules.report import MAX_TITLE, MAX_WORD, wrong_mail

LARGEST_MAIL = 10 * 1024 * 1024
_MOST_RECIPIENTS = 100
_MOST_REFERENCES = 50
_RECIPIENT_HEADERS = ("To", "Cc", "Delivered-To", "X-Original-To", "Envelope-To")
_MESSAGE_ID = re.compile(r"<[^<>\s]{3,500}>")
_MACHINES = frozenset({"mailer-daemon", "postmaster"})
_BULK = frozenset({"bulk", "list", "junk", "auto_reply"})
_PREFIX = re.compile(r"(?i)^(?:(?:re|fwd?|aw|wg|sv|vs|ref|ha|отв|пересл)(?:\[\d+\])?\s*:\s*)+")


@dataclass(frozen=True, slots=True, kw_only=True)
class Envelope:
    """What the mail server that handed it over said: from whom (empty for a bounce) and for whom."""

    sender: str
    recipients: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Mail:
    """A mail in values; texts are clean and bounded, addresses in small letters.

    `digest` tells it from every other one. `sender` is empty where it does not come from just one address. `subject`
    is without `Re:` and the like. `text` is all that is to be read, quotes included. `machine` says why it was sent by
    a program, empty where a person wrote it. `results` are Authentication-Results (RFC 8601), the newest first.
    """

    digest: str
    message_id: str
    sender: str
    name: str
    subject: str
    text: str
    attachments: int
    recipients: tuple[str, ...]
    references: tuple[str, ...]
    machine: str
    results: tuple[str, ...]


def read_mail(raw: bytes, envelope: Envelope | None = None) -> Mail:
    """The mail in these bytes. Any error at all may come of a mail that is made to be misread."""
    letter = message_from_bytes(raw, policy=policy.default)
    message_id = next(iter(_MESSAGE_ID.findall(_header(letter, "Message-ID"))), "")
    name, sender = _sender(letter)
    told = envelope.recipients if envelope is not None else ()
    return Mail(
        digest=_digest(raw, message_id, sender),
        message_id=message_id,
        sender=sender,
        name=name,
        subject=_shown(_PREFIX.sub("", _header(letter, "Subject").strip()), MAX_TITLE),
        text=_text(letter),
        attachments=sum(1 for _ in letter.iter_attachments()) if letter.is_multipart() else 0,
        recipients=_unique((*told, *_recipients(letter)))[:_MOST_RECIPIENTS],
        references=_references(letter),
        machine=_machine(letter, sender, envelope),
        results=tuple(_header_values(letter, "Authentication-Results")),
    )


def _digest(raw: bytes, message_id: str, sender: str) -> str:
    # The sender too: nobody else's Message-ID keeps a mail from being taken.
    told = f"{message_id}\n{sender}".encode("utf-8", "replace") if message_id else raw
    return hashlib.sha256(told).hexdigest()[:40]


def _header(letter: Message, name: str) -> str:
    return next(iter(_header_values(letter, name)), "")


def _header_values(letter: Message, name: str) -> list[str]:
    return [one_line(str(value), 20_000) for value in letter.get_all(name, [])]


def _sender(letter: Message) -> tuple[str, str]:
    """Name and address of who wrote it, both empty where it is not just one."""
    found = getaddresses(_header_values(letter, "From"))
    if len(found) != 1 or not found[0][1] or wrong_mail(found[0][1]):
        return "", ""
    return _shown(found[0][0], MAX_WORD), found[0][1].lower()


def _shown(text: str, most: int) -> str:
    # Joiners and soft hyphens are no harm, but no title or name may hold them.
    return "".join(c for c in one_line(text, most) if c.isprintable())


def _recipients(letter: Message) -> tuple[str, ...]:
    values = [value for name in _RECIPIENT_HEADERS for value in _header_values(letter, name)]
    return tuple(address.lower() for _, address in getaddresses(values) if address)


def _references(letter: Message) -> tuple[str, ...]:
    """What it answers, the nearest first."""
    answered = _MESSAGE_ID.findall(_header(letter, "In-Reply-To"))
    before = _MESSAGE_ID.findall(_header(letter, "References"))
    return _unique((*answered, *reversed(before)))[:_MOST_REFERENCES]


def _unique(values: Iterable[str]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(values))


def _text(letter: EmailMessage) -> str:
    body = letter.get_body(("plain", "html"))
    if body is None:
        return ""
    payload = body.get_payload(decode=True)
    data = payload if isinstance(payload, bytes) else b""
    try:
        text = data.decode(body.get_content_charset("utf-8"), "replace")
    except LookupError:
        text = data.decode("utf-8", "replace")
    return text_of_html(text) if body.get_content_subtype() == "html" else bounded(text, LARGEST)


def _machine(letter: Message, sender: str, envelope: Envelope | None) -> str:
    """Why nobody has written this by hand (RFC 3834, and what programs do beside it); empty where somebody has."""
    automatic = _header(letter, "Auto-Submitted").partition(";")[0].strip().lower()
    if automatic not in ("", "no"):
        return f"it is {one_line(automatic, 40)}"
    if _header(letter, "Precedence").strip().lower() in _BULK:
        return "it was sent to many"
    if "all" in _header(letter, "X-Auto-Response-Suppress").lower() or _header(letter, "X-Autoreply"):
        return "it wants no answers"
    if _header(letter, "X-Incidentd-Key"):
        return "an incidentd has sent it"
    is_bounce = envelope.sender == "" if envelope is not None else _header(letter, "Return-Path").strip() == "<>"
    if is_bounce or letter.get_content_type() == "multipart/report":
        return "it is about another mail"
    return "a mail server has sent it" if sender.partition("@")[0] in _MACHINES else ""
