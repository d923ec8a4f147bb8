"""How an incident came in: who says so, by which way, and how to reach them back."""

import enum
import re
from dataclasses import dataclass
from datetime import datetime

from cmdb.model import State


class ReportSource(enum.StrEnum):
    """Who noticed it."""

    PERSON = "person"
    EVENT = "event"
    GROUP = "group"


class Channel(enum.StrEnum):
    """By which way the report came."""

    PHONE = "phone"
    MAIL = "mail"
    CHAT = "chat"
    PORTAL = "portal"
    API = "api"
    MONITORING = "monitoring"


@dataclass(frozen=True, slots=True, kw_only=True)
class Contact:
    """Whom to turn to about an incident; texts are empty where nothing is known."""

    name: str = ""
    organisation: str = ""
    mail: str = ""
    phone: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """One structured fact beside the text, as `error` = `ORA-00600`."""

    name: str
    value: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """What a person registers. Only a title is needed, or a template that makes one.

    `ci` and `service` are names that the estate may know; `disruption` says how badly off the CI, or else the service,
    is. `observed_at` is when the reporter noticed it, `detected_at` when a tool did; aware UTC.
    """

    title: str = ""
    description: str = ""
    category: str = ""
    ci: str = ""
    service: str = ""
    template: str = ""
    group: str = ""
    priority: str = ""
    disruption: State = State.DEGRADED
    source: ReportSource = ReportSource.PERSON
    channel: Channel = Channel.PORTAL
    contact: Contact = Contact()
    observed_at: datetime | None = None
    detected_at: datetime | None = None
    signs: tuple[Finding, ...] = ()


DISRUPTIONS = {"down": State.DOWN, "degraded": State.DEGRADED, "at risk": State.AT_RISK}
"""How badly off something can be, in the words of people."""

MAX_TITLE = 200
MAX_TEXT = 4000
MAX_WORD = 200
MAX_FINDINGS = 50

# A mailbox as people have one (RFC 5321), without the quoted forms that nobody uses and every form mistypes.
_MAIL = re.compile(
    r"[A-Za-z0-9.!#$%&'*+/=?^_`{|}~-]{1,64}@[A-Za-z0-9](?:[A-Za-z0-9-]*[A-Za-z0-9])?(?:\.[A-Za-z0-9-]+)*"
)
# Digits in groups, with an international prefix or an extension; at least three digits (112), at most those of E.164.
_PHONE = re.compile(r"\+?[0-9][0-9 ()./-]{1,30}(?: ?(?:x|ext\.?) ?[0-9]{1,6})?")
_FINDING = re.compile(r"[a-z0-9](?:[a-z0-9 _-]{0,38}[a-z0-9])?")

MAIL_RULE = "allowed: as in anna@example.net"
PHONE_RULE = "allowed: 3 to 15 digits, as in +49 30 1234-567 or 4711 ext 2"
FINDING_RULE = "allowed: 1 to 40 of a-z, 0-9, blanks, _ and -"


def wrong_mail(text: str) -> str:
    """Why this is no mail address; empty where it is one, or nothing at all."""
    if not text or (len(text) <= 254 and ".." not in text and _MAIL.fullmatch(text)):
        return ""
    return f'"{text[:60]}" is not a mail address; {MAIL_RULE}'


def wrong_phone(text: str) -> str:
    """Why this is no phone number; empty where it is one, or nothing at all."""
    if not text:
        return ""
    digits = sum(c.isdecimal() for c in re.split("x|ext", text)[0])
    if _PHONE.fullmatch(text) and 3 <= digits <= 15:
        return ""
    return f'"{text[:60]}" is not a phone number; {PHONE_RULE}'


def wrong_line(text: str, most: int = MAX_WORD) -> str:
    """Why this cannot stand in one line; empty where it can."""
    if len(text) > most:
        return f"is longer than {most} characters"
    return (
        "" if text.isprintable() or not text else "holds characters that cannot be printed; allowed: one line of text"
    )


def wrong_contact(contact: Contact) -> tuple[str, str] | None:
    """The field of a contact that is wrong, and why; None where nothing is."""
    for field in ("name", "organisation"):
        if wrong := wrong_line(getattr(contact, field)):
            return f"contact.{field}", wrong
    if wrong := wrong_mail(contact.mail):
        return "contact.mail", wrong
    if wrong := wrong_phone(contact.phone):
        return "contact.phone", wrong
    return None


def wrong_finding(finding: Finding) -> str:
    """Why this cannot be kept; empty where it can."""
    if not _FINDING.fullmatch(finding.name):
        return f'"{finding.name[:60]}" is not a name; {FINDING_RULE}'
    if len(finding.value) > MAX_TEXT:
        return f"{finding.name} is longer than {MAX_TEXT} characters"
    return ""


def with_finding(findings: tuple[Finding, ...], name: str, value: str) -> tuple[Finding, ...]:
    """The facts with this one, in order of name; without it where the value is empty."""
    kept = [f for f in findings if f.name != name]
    return tuple(sorted([*kept, *([Finding(name=name, value=value)] if value else [])], key=lambda f: f.name))
