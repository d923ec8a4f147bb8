"""The organisation's numbers: how long to wait, and how impact and urgency make a priority."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from types import MappingProxyType

from rules.calendar import ALWAYS, Calendar
from rules.incident import Level, Priority
from rules.maintenance import Window
from rules.priority_rule import PriorityRule
from rules.recurrence import SuggestAfter
from rules.request_rule import RequestRule
from rules.resolution import RESOLUTION_CODES, Satisfaction
from rules.roster import Roster
from rules.service_level import STANDARD, ServiceLevel
from rules.telling import Manners
from rules.template import Template

Matrix = Mapping[tuple[Level, Level], Priority]

ITIL_MATRIX: Matrix = MappingProxyType(
    {
        (Level.HIGH, Level.HIGH): Priority.P1,
        (Level.HIGH, Level.MEDIUM): Priority.P2,
        (Level.HIGH, Level.LOW): Priority.P3,
        (Level.MEDIUM, Level.HIGH): Priority.P2,
        (Level.MEDIUM, Level.MEDIUM): Priority.P3,
        (Level.MEDIUM, Level.LOW): Priority.P4,
        (Level.LOW, Level.HIGH): Priority.P3,
        (Level.LOW, Level.MEDIUM): Priority.P4,
        (Level.LOW, Level.LOW): Priority.P5,
    }
)
"""ITIL's simple priority coding system (ITIL v3 Service Operation 4.2.5.4): (impact, urgency) to priority."""

MAPPING_LABELS = ("ci", "service", "instance", "host", "node", "pod", "device", "job")
"""Labels whose value may name a CI, the most deliberate first; the value of `instance` loses its port."""


CATEGORIES = ("hardware", "software", "network", "storage", "database", "security", "access", "facility", "other")
"""What incidents are about; a short list of the kind that service desks begin with, for the organisation to change."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Policy:
    """What the organisation has decided once, for every incident.

    `resolve_after`: quiet time after the last alert cleared before an incident resolves by itself; two minutes are
    eight polls of 15 s, more than one flap of a usual alerting rule (evaluated every minute).
    `reopen_within`: a relapse this soon after resolving reopens the same incident; later a new one opens. Half an
    hour is about what people still call "it came back".
    `settle`: how long the opened notice waits, so that it names the root that the first burst of alerts settles on;
    ten seconds is less than the poll interval: no one is told later by more than one cycle.
    `update_every`: at most one notice of change per recipient and incident in this time, the rest wait and are told
    together; a minute is as often as a person can act on.
    `close_after`: a resolved incident closes by itself after this time, in which its users may object: ITIL leaves
    the number to the organisation, three days (a weekend and its Monday) is common practice of service desks.
    `blind_after`: a source that stays unreachable this long is told of; half a minute spares people a restart.
    `matrix` has one priority for each of the nine pairs (impact, urgency); of `priority_rules` the first that fits an
    incident sets another. `mapping_labels` are tried in order against CI ids and aliases. `maintenance` are the
    announced windows, past and to come. `service_levels` say what is promised, the first that fits counts; `calendars`
    are all that they may have been promised in. `roster` says who there is to call. `categories` are what incidents are
    about, `resolution_codes` how they end (word to meaning; the first is what a person means who gives none). Of
    `templates` the first whose rule fits is taken. `satisfaction` says who is asked for it, `manners` how people are
    told. `requests` say which alerts ask for a service instead of telling of a failure, `suggest` when incidents of one
    CI are worth a problem.
    """

    resolve_after: timedelta = timedelta(minutes=2)
    reopen_within: timedelta = timedelta(minutes=30)
    settle: timedelta = timedelta(seconds=10)
    update_every: timedelta = timedelta(seconds=60)
    close_after: timedelta = timedelta(hours=72)
    blind_after: timedelta = timedelta(seconds=30)
    matrix: Matrix = field(default_factory=lambda: ITIL_MATRIX, hash=False)
    priority_rules: tuple[PriorityRule, ...] = ()
    mapping_labels: tuple[str, ...] = MAPPING_LABELS
    maintenance: tuple[Window, ...] = ()
    requests: tuple[RequestRule, ...] = ()
    suggest: SuggestAfter = field(default_factory=SuggestAfter)
    calendars: tuple[Calendar, ...] = ()
    service_levels: tuple[ServiceLevel, ...] = (STANDARD,)
    roster: Roster = field(default_factory=Roster, hash=False)
    categories: tuple[str, ...] = CATEGORIES
    resolution_codes: Mapping[str, str] = field(default_factory=lambda: RESOLUTION_CODES, hash=False)
    templates: tuple[Template, ...] = ()
    satisfaction: Satisfaction = field(default_factory=Satisfaction)
    manners: Manners = field(default_factory=Manners)

    def priority(self, impact: Level, urgency: Level) -> Priority:
        """The priority that the matrix gives."""
        return self.matrix[impact, urgency]

    def calendar(self, name: str) -> Calendar:
        """The calendar of that name; around the clock where there is none any more."""
        return next((c for c in self.calendars if c.name == name), ALWAYS)

    def template(self, name: str) -> Template | None:
        """The template of that name."""
        return next((t for t in self.templates if t.name == name), None)
