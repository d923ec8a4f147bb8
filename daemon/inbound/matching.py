"""Which incident a mail is about."""

import re
from collections.abc import Callable, Collection, Iterator
from dataclasses import dataclass
from itertools import chain

from daemon.config.inbound import InboundSettings
from daemon.errors import BadLink
from daemon.inbound.mail import Mail
from daemon.inbound.senders import Sender, may_touch
from daemon.links import read_reply_token
from daemon.store.store import Store
from notifiers.base import incident_thread
from notifiers.letter import first_id, number_in, own_id
from notifiers.settings import EmailSettings
from rules.document import CONTACT, rfc3339
from rules.incident import Incident, Status
from rules.roster import Roster

_NAMED = re.compile(r"(?i)\bINC-([0-9]{1,9})\b")
_MOST_NOTICES = 1000
_MOST_MERGES = 10


@dataclass(frozen=True, slots=True, kw_only=True)
class Surroundings:
    """What the daemon knows, as it is now: who there is, which notifiers send mail, and the names of all of them."""

    roster: Callable[[], Roster]
    mailers: Callable[[], Collection[EmailSettings]]
    notifiers: Callable[[], Collection[str]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """The incident that a mail is about. `by` is whom a signed address was for, empty where there was none."""

    incident: Incident
    by: str = ""


class Matcher:
    """Finds incidents in one database."""

    def __init__(self, store: Store, settings: InboundSettings, around: Surroundings) -> None:
        self._store = store
        self._settings = settings
        self._around = around

    def match(self, mail: Mail, sender: Sender | None) -> Found | None:
        """The incident that a mail is about: by its address, by what it answers, or by its subject."""
        roster = self._around.roster()
        for recipient in mail.recipients:
            if (signed := self._signed(recipient, roster)) is not None:
                return signed
        named = (int(number) for number in _NAMED.findall(mail.subject)[:1])
        for number in chain(self._answered(mail), named):
            incident = self._incident(number)
            if incident is not None and may_touch(sender, mail.sender, incident, roster):
                return Found(incident=incident)
        return None

    def _signed(self, recipient: str, roster: Roster) -> Found | None:
        token = self._settings.token_in(recipient)
        if not token:
            return None
        try:
            everybody = (*roster.people, *self._around.notifiers(), CONTACT)
            number, by = read_reply_token(self._store.links.key(), token, everybody)
        except BadLink:
            return None
        incident = self._incident(number)
        return None if incident is None else Found(incident=incident, by=by)

    def _answered(self, mail: Mail) -> Iterator[int]:
        """The incidents whose mails it answers."""
        for reference in mail.references:
            number = number_in(reference)
            if number and reference in self._ids(number):
                yield number

    def _ids(self, number: int) -> Iterator[str]:
        """The Message-IDs of every mail about an incident, made again: a reference to any other is somebody's own."""
        incident = self._store.incident(number)
        if incident is None:
            return
        thread = incident_thread(incident.key, rfc3339(incident.opened_at))
        mailers = self._around.mailers()
        yield from (first_id(settings, thread, incident.key) for settings in mailers)
        notices = self._store.notices(incident=number, limit=_MOST_NOTICES)
        yield from (own_id(settings, n.key, incident.key) for settings in mailers for n in notices)

    def _incident(self, number: int) -> Incident | None:
        """The incident of that number; where it was merged, the one that it is now a part of."""
        incident = self._store.incident(number)
        for _ in range(_MOST_MERGES):
            if incident is None or incident.status is not Status.MERGED or incident.merged_into is None:
                break
            incident = self._store.incident(incident.merged_into)
        return incident
