"""Who there is to call: people, their groups, and everything the organisation has said about calling them."""

import enum
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from types import MappingProxyType
from zoneinfo import ZoneInfo

from rules.escalation import EscalationPolicy
from rules.rotation import Schedule
from rules.routing import Route
from rules.subscriptions import Subscription
from rules.telling import OPERATOR
from rules.wallclock import Hours, end_of


class Kind(enum.StrEnum):
    """How a person belongs to the organisation."""

    EMPLOYEE = "employee"
    CONTRACTOR = "contractor"


@dataclass(frozen=True, slots=True, kw_only=True)
class Contact:
    """A way to reach a person: a notifier's name, and their address there; empty for the notifier's own recipients."""

    via: str
    address: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Person:
    """Somebody who can be called or told. `manager` is another person's id. A call uses all `contacts` at once, other
    word the first that works.

    `audience` is how things are worded for them, `language` their own, empty for the usual one. `services` are the
    business services that they use or answer for; who has some hears, by role, of these only. In `quiet` hours of their
    day only what is urgent reaches them. `notify` are subscriptions of their own.
    """

    id: str
    name: str
    zone: ZoneInfo
    kind: Kind = Kind.EMPLOYEE
    organisation: str = ""
    department: str = ""
    manager: str = ""
    contacts: tuple[Contact, ...] = ()
    audience: str = OPERATOR
    language: str = ""
    services: frozenset[str] = frozenset()
    quiet: tuple[Hours, ...] = ()
    notify: tuple[Subscription, ...] = ()

    def ways(self, via: tuple[str, ...]) -> tuple[Contact, ...]:
        """The contacts in the order in which they are tried: by the notifiers of `via`, or all where none fits."""
        chosen = tuple(c for name in via for c in self.contacts if c.via == name)
        return chosen or self.contacts

    def quiet_until(self, now: datetime) -> datetime | None:
        """When the quiet hours end that it is in now; None outside them."""
        return end_of(self.quiet, now, self.zone)

    @property
    def mail_addresses(self) -> frozenset[str]:
        """What of the contacts looks like a mail address, in small letters: calendars know people by it."""
        return frozenset(c.address.lower() for c in self.contacts if "@" in c.address)


@dataclass(frozen=True, slots=True, kw_only=True)
class Group:
    """People who work on the same CIs. `schedule` says who of them is on call, `escalation` how they are called."""

    name: str
    members: tuple[str, ...] = ()
    department: str = ""
    lead: str = ""
    manager: str = ""
    schedule: str = ""
    escalation: str = ""


DEFAULT_ESCALATION = "default"
"""The escalation of a group that names none, where there is one of this name."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Roster:
    """People by id; groups, schedules and escalations by name; routes in order. Every name in it is known to it."""

    people: Mapping[str, Person] = field(default_factory=lambda: MappingProxyType({}))
    groups: Mapping[str, Group] = field(default_factory=lambda: MappingProxyType({}))
    routes: tuple[Route, ...] = ()
    schedules: Mapping[str, Schedule] = field(default_factory=lambda: MappingProxyType({}))
    escalations: Mapping[str, EscalationPolicy] = field(default_factory=lambda: MappingProxyType({}))

    def __bool__(self) -> bool:
        """Whether anything is said at all."""
        return bool(self.people or self.groups or self.routes or self.schedules or self.escalations)

    def name(self, person: str) -> str:
        """What the person is called; the id itself where nobody knows them."""
        known = self.people.get(person)
        return person if known is None else known.name

    def names(self, people: Iterable[str]) -> str:
        """The people by name, as in `Anna and Ben`; `nobody` where there are none."""
        called = [self.name(p) for p in people]
        head, last = ", ".join(called[:-1]), called[-1] if called else "nobody"
        return f"{head} and {last}" if head else last

    def escalation_of(self, group: str) -> EscalationPolicy | None:
        """How the group is called: by its own escalation, else by the one named `default`."""
        known = self.groups.get(group)
        named = known.escalation if known is not None else ""
        return self.escalations.get(named or DEFAULT_ESCALATION)
