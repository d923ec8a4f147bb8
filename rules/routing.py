"""Which group works on an incident: the organisation's routes in order, else the group that owns the failed CI."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from zoneinfo import ZoneInfo

from rules.wallclock import Hours, wall_of


@dataclass(frozen=True, slots=True, kw_only=True)
class Facts:
    """What routes look at. `owner`, `ci` and `ci_type` are of the failed CI and empty where none is known; `services`
    are ids of business services hit or at risk, `categories` the values of the alerts' label `category`; `at` is when
    the incident opened, so that it is not routed otherwise an hour later."""

    at: datetime
    owner: str = ""
    ci: str = ""
    ci_type: str = ""
    services: frozenset[str] = frozenset()
    categories: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True, kw_only=True)
class Route:
    """Incidents that meet every condition go to `group`; an empty condition asks for nothing.

    `zone` is that of `hours`. `name` says to people what the route is for.
    """

    group: str
    name: str = ""
    owners: frozenset[str] = frozenset()
    cis: frozenset[str] = frozenset()
    types: frozenset[str] = frozenset()
    services: frozenset[str] = frozenset()
    categories: frozenset[str] = frozenset()
    hours: tuple[Hours, ...] = ()
    zone: ZoneInfo

    def why(self, facts: Facts) -> str:
        """Why it takes this incident, in words; empty where it does not."""
        found = (
            _because("its owner is", self.owners, {facts.owner}),
            _because("the CI is", self.cis, {facts.ci}),
            _because("the type of its CI is", self.types, {facts.ci_type}),
            _because("it hits", self.services, facts.services),
            _because("its category is", self.categories, facts.categories),
            self._because_of_time(facts.at),
        )
        if None in found:
            return ""
        told = f"the route “{self.name}” is first" if self.name else "the route is first"
        return " and ".join(reason for reason in found if reason) or f"{told} that takes everything"

    def _because_of_time(self, at: datetime) -> str | None:
        if not self.hours:
            return ""
        wall = wall_of(at, self.zone)
        inside = next((h for h in self.hours if h.holds(wall)), None)
        return None if inside is None else f"it opened {inside.words} ({self.zone.key})"


def routed(routes: Iterable[Route], facts: Facts) -> tuple[str, str]:
    """The group, empty where none is known, and the reason as a whole sentence's end: `routed to dba because …`."""
    for route in routes:
        if why := route.why(facts):
            named = f" (route “{route.name}”)" if route.name and "route" not in why else ""
            return route.group, f"routed to {route.group} because {why}{named}"
    if facts.owner:
        return facts.owner, f"routed to {facts.owner} because it owns {facts.ci}"
    return "", f"routed to nobody because {f'{facts.ci} has no owner' if facts.ci else 'no failed CI is known'}"


def _because(words: str, wanted: frozenset[str], given: Iterable[str]) -> str | None:
    """A reason in words, empty where nothing is wanted; None where the condition is not met."""
    if not wanted:
        return ""
    both = sorted(wanted.intersection(given))
    return f"{words} {both[0]}" if both else None
