"""What is promised: how soon an incident is responded to and resolved, by service level and priority.

Which level holds is chosen by what the incident hits; the first that fits counts.
"""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from types import MappingProxyType

from rules.calendar import ALWAYS, Calendar
from rules.clock import Agreement, Goal
from rules.incident import Priority

WARN_AT = (0.5, 0.8)
"""Shares of a target at which people are warned: half is when help can still be called in, four fifths the last call; a
choice, also the default of several service desks."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Target:
    """What is promised for one priority, in working time of `calendar`; None where nothing is."""

    response: timedelta | None = None
    resolution: timedelta | None = None
    calendar: Calendar = ALWAYS

    def of(self, goal: Goal) -> timedelta | None:
        """The promise for one goal."""
        return self.response if goal is Goal.RESPONSE else self.resolution


@dataclass(frozen=True, slots=True, kw_only=True)
class Scope:
    """For which incidents a level is meant; an empty set asks for nothing in particular.

    `service` holds ids of business services of which one must be hit, `ci_type` types of the failed CI, `group`
    groups of which one has the incident.
    """

    service: frozenset[str] = frozenset()
    ci_type: frozenset[str] = frozenset()
    group: frozenset[str] = frozenset()

    def fits(self, services: Collection[str], ci_type: str, group: str) -> bool:
        """Whether an incident that hits these services, from a CI of this type, is meant while this group has it."""
        return (
            (not self.service or not self.service.isdisjoint(services))
            and (not self.ci_type or ci_type in self.ci_type)
            and (not self.group or group in self.group)
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class ServiceLevel:
    """One SLA or OLA. `warn_at` are ascending shares of a target, above 0 and below 1.

    `pauses_on_hold`: the resolution clock stands still while the incident is on hold. `restarts_on_reopen`: a reopened
    incident gets clocks of its own; else the old ones go on where they stopped.
    """

    name: str
    agreement: Agreement = Agreement.SLA
    when: Scope = Scope()
    targets: Mapping[Priority, Target] = field(default_factory=dict, hash=False)
    warn_at: tuple[float, ...] = WARN_AT
    pauses_on_hold: bool = True
    restarts_on_reopen: bool = False


def level_for(
    levels: Iterable[ServiceLevel], agreement: Agreement, services: Collection[str], ci_type: str, group: str
) -> ServiceLevel | None:
    """The first level of this kind that is meant for such an incident."""
    return next((s for s in levels if s.agreement is agreement and s.when.fits(services, ci_type, group)), None)


def _target(response: timedelta, resolution: timedelta | None) -> Target:
    return Target(response=response, resolution=resolution)


STANDARD = ServiceLevel(
    name="standard",
    targets=MappingProxyType(
        {
            Priority.P1: _target(timedelta(minutes=15), timedelta(hours=4)),
            Priority.P2: _target(timedelta(minutes=30), timedelta(hours=8)),
            Priority.P3: _target(timedelta(hours=2), timedelta(hours=24)),
            Priority.P4: _target(timedelta(hours=8), timedelta(hours=48)),
            Priority.P5: _target(timedelta(hours=24), None),
        }
    ),
)
"""The SLA where the organisation has set none, around the clock. Resolution of P2 to P5 is the example of ITIL v3
(Service Operation 4.2.5.4: 8, 24 and 48 hours, then "planned"); its one hour for P1 is more than can be promised for
everybody's failures and is four here. ITIL names no response times: these are a choice, from within the quarter of an
hour in which a pager is usually answered to a day."""
