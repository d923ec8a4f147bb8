"""Single points of failure: the CIs whose failure alone takes business services down."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from cmdb.graph import Estate
from cmdb.impact import criticality_of
from cmdb.model import Criticality, Strength
from cmdb.upward import Upward

# The 1-3-9 scale of quality function deployment (Y. Akao, 1990), carried on to a fourth class: three services of one
# class weigh as much as one of the next.
WEIGHTS: Mapping[Criticality, int] = {
    Criticality.LOW: 1,
    Criticality.MEDIUM: 3,
    Criticality.HIGH: 9,
    Criticality.CRITICAL: 27,
}
_REPORT_EVERY = 1000


@dataclass(frozen=True, slots=True, kw_only=True)
class Spof:
    """A single point of failure.

    `services` are the other business services that go down with it, most critical first; `weight` is the sum of their
    `WEIGHTS`; `impacted_count` is how many other CIs of any type go down.
    """

    ci: str
    services: tuple[str, ...]
    weight: int
    impacted_count: int


def single_points_of_failure(
    estate: Estate, *, on_progress: Callable[[int, int], None] | None = None
) -> tuple[Spof, ...]:
    """Every CI whose failure alone takes a business service other than itself down, worst first.

    Worst is by weight, then by the number of services and of CIs that go down, then by id. A service that is only
    degraded does not count; neither does a redundancy group that survives. A service whose criticality nobody stated
    counts as medium. `on_progress` is told now and then how many of how many CIs have been looked at.
    """
    candidates = _below_services(estate)
    search = _Search(estate)
    found = []
    for done, ci_id in enumerate(candidates):
        if on_progress is not None and done % _REPORT_EVERY == 0:
            on_progress(done, len(candidates))
        services, count = search.fall_of(ci_id)
        others = tuple([service for service in services if service != ci_id])
        if others:
            weight = sum(WEIGHTS[criticality_of(estate, service)] for service in others)
            found.append(Spof(ci=ci_id, services=others, weight=weight, impacted_count=count - 1))
    if on_progress is not None:
        on_progress(len(candidates), len(candidates))
    return tuple(sorted(found, key=lambda spof: (-spof.weight, -len(spof.services), -spof.impacted_count, spof.ci)))


def _below_services(estate: Estate) -> list[str]:
    """The CIs, in file order, that a chain of hard dependencies or hard groups leads to from a business service."""
    queue = sorted(estate.business_services)
    reached = set(queue)
    for ci_id in queue:
        for dependency in estate.dependencies(ci_id):
            if dependency.strength is Strength.HARD:
                fresh = [provider for provider in dependency.providers if provider not in reached]
                reached.update(fresh)
                queue.extend(fresh)
    return [ci_id for ci_id in estate.ids() if ci_id in reached]


class _Search:
    """What goes down with one CI, remembered where others that fall the same way can use it."""

    def __init__(self, estate: Estate) -> None:
        self._estate = estate
        self._up: Upward = estate.upward
        self._services = estate.business_services
        self._may_be_in_cycle = frozenset(estate.near_cycles())
        self._known: dict[str, tuple[tuple[str, ...], int]] = {}

    def fall_of(self, ci_id: str) -> tuple[tuple[str, ...], int]:
        """The business services that go down with a CI, most critical first, and the number of all CIs that do.

        A CI on which exactly one other stands, outside groups and cycles, takes down what that one does and itself:
        most hosts, disks and ports are of this kind, so nearly all of the walking is shared.
        """
        chain = [ci_id]
        while (last := chain[-1]) not in self._known and (above := self._only_dependent(last)) is not None:
            chain.append(above)
        top = chain.pop()
        if top not in self._known:
            down = _down_with(self._up, top)
            self._known[top] = (self._ranked(down), len(down))
        services, count = self._known[top]
        for below in reversed(chain):
            count += 1
            if below in self._services:
                services = self._ranked({*services, below})
            self._known[below] = (services, count)
        return services, count

    def _only_dependent(self, ci_id: str) -> str | None:
        dependents = self._up.hard.get(ci_id, ())
        if len(dependents) != 1 or ci_id in self._up.groups or ci_id in self._may_be_in_cycle:
            return None
        return dependents[0]

    def _ranked(self, down: set[str]) -> tuple[str, ...]:
        services = down & self._services
        return tuple(sorted(services, key=lambda service: (-criticality_of(self._estate, service), service)))


def _down_with(up: Upward, start: str) -> set[str]:
    """The CIs that are down when this one is, itself included: `impact` with nothing but the state down."""
    hard, groups = up.hard, up.groups
    down = {start}
    queue = [start]
    lost: dict[int, int] = {}
    for ci_id in queue:
        for dependent in hard.get(ci_id, ()):
            if dependent not in down:
                down.add(dependent)
                queue.append(dependent)
        for group in groups.get(ci_id, ()):
            lost[group.number] = lost.get(group.number, 0) + 1
            if lost[group.number] > group.slack and not group.soft and group.dependent not in down:
                down.add(group.dependent)
                queue.append(group.dependent)
    return down
