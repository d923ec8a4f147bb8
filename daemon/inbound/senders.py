"""Who has written a mail, and as what they may ask for something."""

import re
from dataclasses import dataclass

from daemon.inbound.mail import Mail
from rules.access import Role, granted
from rules.decision import Asker
from rules.incident import Incident
from rules.ownership import is_own
from rules.roster import Roster
from rules.telling import CUSTOMER

_COMMENT = re.compile(r"\([^()]*\)")


@dataclass(frozen=True, slots=True, kw_only=True)
class Sender:
    """Somebody who is known: the name under which they act, what they are called, and as what they ask. `may_open`
    says whether they may open something new."""

    name: str
    called: str
    asker: Asker
    may_open: bool


def person_with(address: str, roster: Roster) -> Sender | None:
    """The person of the roster with this mail address, the first by id where several share it. Customers report; the
    others work on incidents."""
    found = sorted((p for p in roster.people.values() if address in p.mail_addresses), key=lambda p: p.id)
    if not found:
        return None
    asker = Asker.REPORTER if found[0].audience == CUSTOMER else Asker.STAFF
    return Sender(name=found[0].id, called=found[0].name, asker=asker, may_open=True)


def user_with(address: str, role: Role, called: str) -> Sender | None:
    """A user whose name is the mail address, by what their role allows; None where it allows nothing of this."""
    permissions = granted(role, None)
    if "own" not in permissions:
        return None
    asker = Asker.STAFF if "write" in permissions else Asker.REPORTER
    return Sender(name=address, called=called, asker=asker, may_open="report" in permissions)


def may_touch(sender: Sender | None, address: str, incident: Incident, roster: Roster) -> bool:
    """Whether a mail that names an incident, without a signed address, is about that one: who works on incidents may
    name any, others their own only."""
    if is_contact(address, incident):
        return True
    return sender is not None and (sender.asker is Asker.STAFF or is_own(incident, sender.name, roster))


def is_contact(address: str, incident: Incident) -> bool:
    """Whether this is the mail address of whoever reported the incident."""
    return bool(address) and incident.contact.mail.lower() == address


def passed_dmarc(mail: Mail, authserv_id: str) -> bool:
    """Whether the mail server of that name says that the sender's domain stands behind the mail (RFC 8601, RFC 7489).

    Only the newest of its words counts: whoever sends a mail can write older ones into it.
    """
    for result in mail.results:
        words = _COMMENT.sub(" ", _COMMENT.sub(" ", result))
        server, _, methods = words.partition(";")
        if server.lower().split()[:1] == [authserv_id.lower()]:
            return any(_is_pass(method, mail.sender) for method in methods.split(";"))
    return False


def _is_pass(method: str, sender: str) -> bool:
    words = method.lower().split()
    return words[:1] == ["dmarc=pass"] and f"header.from={sender.rpartition('@')[2]}" in words
