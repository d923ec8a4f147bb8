"""How incidents end: the codes an organisation counts by, and whom it asks whether they are content."""

import enum
from dataclasses import dataclass
from datetime import timedelta

from rules.incident import Restoration

RECOVERED = "recovered"
"""The code of what ended by itself; the daemon gives it, so every list has it."""

RESOLUTION_CODES = {
    "fixed": "the cause was mended",
    "workaround": "the service works again, the cause remains",
    RECOVERED: "recovered by itself",
    "no_fault": "no fault was found",
    "duplicate": "the same as another incident",
    "false_alarm": "monitoring or the reporter was wrong",
}
"""Word to meaning. Close to the closure codes that service desks use by default; the organisation may have its own."""

_RESTORATIONS = {
    "workaround": Restoration.WORKAROUND,
    RECOVERED: Restoration.ITSELF,
    "no_fault": Restoration.ITSELF,
    "false_alarm": Restoration.ITSELF,
}


def usual_restoration(code: str) -> Restoration:
    """How the service came back, by the code, where nobody says."""
    return _RESTORATIONS.get(code, Restoration.FIX)


class Ask(enum.StrEnum):
    """Who is asked how content they are with the handling of an incident."""

    EVERYONE = "everyone"
    CONTACT = "contact"
    NOBODY = "nobody"


@dataclass(frozen=True, slots=True, kw_only=True)
class Satisfaction:
    """How content people are. `via` is the notifier that carries mail to an incident's contact, empty where none does;
    a link can be used for as long as `lasts`. Two weeks are a holiday and some."""

    ask: Ask = Ask.EVERYONE
    via: str = ""
    lasts: timedelta = timedelta(days=14)
