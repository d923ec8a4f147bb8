"""What fails together: the last member of a redundant group, and all instances of one service.

A single CI taken down in the graph explains neither: the loss of one member alone leaves its dependents working, and
a service that fails does not, by the arrows of the graph, take down the instances that it consists of.
"""

from collections.abc import Iterator, Mapping

from cmdb.impact import Hit, impact, states
from cmdb.model import State
from cmdb.upward import Group
from rules.score import Case

_MOST = 50
"""More groups than this that lost their last member at one time have lost it to what all of them need."""


def together(case: Case) -> dict[str, dict[str, Hit]]:
    """For each CI whose failure hits more than it would alone: what it hits, the CI itself first."""
    failing = _failing(case)
    groups = _groups(case, failing)
    return {**dict(_services(case, groups)), **dict(_last_members(case, groups, failing))}


def _failing(case: Case) -> dict[str, float]:
    """The CIs that say themselves that they fail, or are known to, and since when."""
    found = {ci: s.heard[0].at for ci, s in case.signs.items() if s.is_outage and ci in case.reach.estate}
    return {**found, **case.standing}


def _groups(case: Case, failing: Mapping[str, float]) -> dict[int, Group]:
    """The redundancy groups of which two members or more fail, by number."""
    counted: dict[int, int] = {}
    found: dict[int, Group] = {}
    for ci in sorted(failing):
        for group in case.reach.estate.upward.groups.get(ci, ()):
            counted[group.number] = counted.get(group.number, 0) + 1
            found[group.number] = group
    return {number: found[number] for number in sorted(found) if counted[number] > 1}


def _last_members(
    case: Case, groups: Mapping[int, Group], failing: Mapping[str, float]
) -> Iterator[tuple[str, dict[str, Hit]]]:
    """The members whose failure was one too many for their group, given those that had failed before."""
    before: dict[str, set[str]] = {}
    for group in groups.values():
        order = sorted((failing[ci], ci) for ci in group.members if ci in failing)
        if len(order) > group.slack:
            before.setdefault(order[group.slack][1], set()).update(ci for _, ci in order[: group.slack])
    estate = case.reach.estate
    for last, first in sorted(before.items()) if len(before) <= _MOST else ():
        given = {**case.given, **states(estate, dict.fromkeys(sorted(first), State.DOWN))}
        if given.get(last) is not State.DOWN:
            yield last, impact(estate, {last: State.DOWN}, given=given)


def _services(case: Case, groups: Mapping[int, Group]) -> Iterator[tuple[str, dict[str, Hit]]]:
    """Services most of whose instances fail: CIs that nothing but the service needs."""
    estate = case.reach.estate
    for group in groups.values():
        heard = [ci for ci in group.members if ci in case.signs]
        if 2 * len(heard) <= len(group.members) or any(len(estate.dependents(ci)) > 1 for ci in group.members):
            continue
        down = impact(estate, dict.fromkeys((group.dependent, *group.members), State.DOWN))
        instances = {ci: Hit(ci, State.DOWN, 1, group.dependent) for ci in group.members}
        yield group.dependent, {group.dependent: down[group.dependent], **down, **instances}
