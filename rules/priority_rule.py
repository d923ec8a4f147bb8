"""The organisation's own rules for the priority: by what failed, how badly, for whom and when."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime

from cmdb.graph import Estate
from cmdb.model import State, Users
from rules.calendar import Calendar, is_working, next_change
from rules.incident import HitService, Level, Priority


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """Something that people notice: a business service that is hit, or the failed CI itself."""

    ci: str
    is_service: bool
    state: State
    users: Users | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Occasion:
    """When a rule fits; what is empty, zero or None asks for nothing in particular.

    `ci_type` holds types of the failed CI. One and the same place must be of `service` (ids of business services), as
    badly off as `disruption` says (words: down, degraded, at risk) and used by one of `user_class`; all such places
    together must have `users` or more. In `calendar` it is working time, or is not where `is_within` is false.
    """

    ci_type: frozenset[str] = frozenset()
    service: frozenset[str] = frozenset()
    disruption: frozenset[str] = frozenset()
    user_class: frozenset[str] = frozenset()
    users: int = 0
    calendar: Calendar | None = None
    is_within: bool = True

    def fits(self, ci_type: str, places: Iterable[Place], at: datetime) -> bool:
        """Whether an incident with these places, from a CI of this type, is meant at that instant."""
        if self.ci_type and ci_type not in self.ci_type:
            return False
        meant = [p for p in places if self._means(p)]
        asks = self.service or self.disruption or self.user_class
        if (asks and not meant) or users_of(meant) < self.users:
            return False
        return self.calendar is None or is_working(self.calendar, at) is self.is_within

    def _means(self, place: Place) -> bool:
        return (
            (not self.service or (place.is_service and place.ci in self.service))
            and (not self.disruption or place.state.word in self.disruption)
            and (not self.user_class or (place.users is not None and place.users.kind in self.user_class))
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class PriorityRule:
    """One rule: where `when` fits it sets the priority itself, or the impact or urgency that go into the matrix."""

    name: str
    when: Occasion = Occasion()
    priority: Priority | None = None
    impact: Level | None = None
    urgency: Level | None = None


def places_of(estate: Estate, root: str | None, state: State, services: Sequence[HitService]) -> tuple[Place, ...]:
    """The services that are hit and the failed CI, each once, with who uses them."""
    found = [Place(ci=s.ci, is_service=True, state=s.state, users=_users(estate, s.ci)) for s in services]
    if root is not None and all(p.ci != root for p in found):
        found.append(Place(ci=root, is_service=False, state=state, users=_users(estate, root)))
    return tuple(found)


def users_of(places: Iterable[Place]) -> int:
    """How many users these places are known to have."""
    return sum(p.users.count for p in places if p.users is not None)


def first_fit(
    rules: Iterable[PriorityRule], ci_type: str, places: Sequence[Place], at: datetime
) -> PriorityRule | None:
    """The rule that decides, if any does."""
    return next((r for r in rules if r.when.fits(ci_type, places, at)), None)


def next_look(rules: Iterable[PriorityRule], at: datetime) -> datetime | None:
    """When a calendar that the rules ask for opens or closes next, so that another rule may fit."""
    changes = (next_change(r.when.calendar, at) for r in rules if r.when.calendar is not None)
    return min((change for change in changes if change is not None), default=None)


def _users(estate: Estate, ci_id: str) -> Users | None:
    ci = estate.get(ci_id)
    return ci.users if ci is not None else None
