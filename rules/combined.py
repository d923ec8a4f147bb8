"""What fails together: the last member of a redundant group, two CIs that nothing alone connects, and all instances of
one service.

A single CI taken down in the graph explains none of them: the loss of one member alone leaves its dependents working,
and a service that fails does not, by the arrows of the graph, take down the instances that it consists of.
"""

from collections.abc import Iterator, Mapping
from collections.abc import Set as AbstractSet
from itertools import combinations
from typing import NamedTuple

from cmdb.graph import Estate
from cmdb.impact import Hit, impact, states
from cmdb.model import State
from cmdb.upward import Group
from rules.score import Case, Pair, Scorer

_MOST = 50
"""More groups than this that lost their last member at one time have lost it to what all of them need."""


_LIKELIEST = 8
"""So many CIs are tried as one of two that have failed together: a bound on the work, 28 pairs."""

_FEWEST = 2
"""A single alert is explained no better by two failures than by one."""


class Combined(NamedTuple):
    """What a CI's failure hits, itself first, where `others` have failed too."""

    hits: dict[str, Hit]
    others: tuple[str, ...] = ()


def together(case: Case) -> dict[str, Combined]:
    """The CIs whose failure hits more than it would alone."""
    failing = _failing(case)
    groups = _groups(case, failing)
    found = {**dict(_services(case, groups)), **dict(_last_members(case, groups, failing))}
    return {**found, **dict(_standing(case))}


def _standing(case: Case) -> Iterator[tuple[str, Combined]]:
    """Known failures that hit more than each alone, since others had failed before or had to with them."""
    estate, failed = case.reach.estate, dict[str, State]()
    for ci in sorted(case.standing, key=lambda ci: (case.standing[ci], ci)):
        failed.update(dict.fromkeys(case.beside.get(ci, ()), State.DOWN))
        alone = case.reach.whole(ci)
        given = states(estate, failed) if failed else {}
        if is_joined(estate, alone, given):
            joint = impact(estate, {ci: State.DOWN}, given=given)
            worse = {c: hit for c, hit in joint.items() if c not in alone or hit.state > alone[c].state}
            yield ci, Combined({**alone, **worse}, case.beside.get(ci, ()))
        failed[ci] = State.DOWN


def is_joined(estate: Estate, hits: Mapping[str, Hit], given: Mapping[str, State]) -> bool:
    """Whether a redundancy group that these hits weaken has lost members already."""
    if not given:
        return False
    weakened = (ci for ci, hit in hits.items() if hit.state is State.REDUCED)
    return any(given.get(provider) is State.DOWN for ci in weakened for provider in estate.providers(ci))


def pairs(scorer: Scorer, known: AbstractSet[str]) -> Iterator[Pair]:
    """Two CIs of which each alone leaves working, by its redundancy, what says that it does not work at all.

    `known` are the CIs that are held to have failed anyway; where neither is, each pair comes once.
    """
    case, weak = scorer.case, _weakening(scorer)
    estate = case.reach.estate
    worth = {ci: len(signs) ** 2 / len(scorer.hits_of(ci)) for ci, signs in weak.items()}
    likeliest = sorted(worth, key=lambda ci: (-worth[ci], ci))[:_LIKELIEST]
    for one, other in combinations(sorted(likeliest), 2):
        shared = weak[one] & weak[other]
        if len(shared) < _FEWEST:
            continue
        joint = impact(estate, {one: State.DOWN, other: State.DOWN})
        if not any(ci in joint and joint[ci].state is State.DOWN for ci in shared):
            continue
        for last, first in ((one, other), (other, one)):
            if first not in known or case.given.get(last) is State.DOWN:
                continue
            given = {**case.given, **states(estate, {first: State.DOWN})}
            yield Pair(last, first, impact(estate, {last: State.DOWN}, given=given), is_known=True)
        if not {one, other} & known:
            yield Pair(one, other, joint, is_known=False)


def _weakening(scorer: Scorer) -> dict[str, set[str]]:
    """For each candidate: the CIs that say they do not work at all, and of which it only takes a part away."""
    signs = scorer.case.signs
    outages = {ci for ci, sign in signs.items() if sign.is_outage and not sign.strained and not sign.callers}
    found: dict[str, set[str]] = {}
    for ci, hits in scorer.pool.items():
        near = outages & hits.keys()
        weak = {c for c in near if hits[c].state in (State.REDUCED, State.AT_RISK)}
        if len(weak) >= _FEWEST:
            found[ci] = weak
    return found


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
) -> Iterator[tuple[str, Combined]]:
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
            yield last, Combined(impact(estate, {last: State.DOWN}, given=given), tuple(sorted(first)))


def _services(case: Case, groups: Mapping[int, Group]) -> Iterator[tuple[str, Combined]]:
    """Services most of whose instances fail: CIs that nothing but the service needs."""
    estate = case.reach.estate
    for group in groups.values():
        heard = [ci for ci in group.members if ci in case.signs]
        if 2 * len(heard) <= len(group.members) or any(len(estate.dependents(ci)) > 1 for ci in group.members):
            continue
        down = impact(estate, dict.fromkeys((group.dependent, *group.members), State.DOWN))
        instances = {ci: Hit(ci, State.DOWN, 1, group.dependent) for ci in group.members}
        yield group.dependent, Combined({group.dependent: down[group.dependent], **down, **instances})
