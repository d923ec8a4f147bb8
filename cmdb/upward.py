"""Dependencies turned round: from a provider to what stands on it, laid out for walking fast.

A failure spreads from providers to dependents, so that is the direction kept here. Plain hard dependencies are by far
the most frequent and are bare tuples of ids; soft ones and redundancy groups are kept apart so that the common walk
never looks at them.
"""

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass
from typing import NamedTuple

from cmdb.model import CI, Dependency, Strength


class Group(NamedTuple):
    """A redundancy group seen from its members. `slack` is how many of them may be lost before the group fails."""

    number: int
    dependent: str
    members: tuple[str, ...]
    slack: int
    soft: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Upward:
    """What stands on each CI; a CI on which nothing stands in that way is absent from the mapping.

    `all` is every dependent once, in file order. `hard` and `soft` are those by plain dependencies, `groups` the
    redundancy groups the CI is a member of.
    """

    all: Mapping[str, tuple[str, ...]]
    hard: Mapping[str, tuple[str, ...]]
    soft: Mapping[str, tuple[str, ...]]
    groups: Mapping[str, tuple[Group, ...]]


def turn_round(cis: Mapping[str, CI]) -> Upward:
    """Index the dependencies of all CIs by provider.

    A group that needs all of its providers spares none of them: it is kept as a plain dependency on each.
    Raises `ValueError` for a provider that is not among the CIs.
    """
    hard: defaultdict[str, list[str]] = defaultdict(list)
    soft: defaultdict[str, list[str]] = defaultdict(list)
    groups: defaultdict[str, list[Group]] = defaultdict(list)
    mixed: defaultdict[str, list[str]] = defaultdict(list)
    number = 0
    for ci in cis.values():
        for dependency in ci.depends_on:
            providers = tuple([_known(cis, ci, provider) for provider in dependency.providers])
            if dependency.is_group:
                number += 1
                group = _group(number, ci.id, providers, dependency)
                for provider in group.members:
                    groups[provider].append(group)
                    _append_once(mixed[provider], ci.id)
                continue
            plain = hard if dependency.strength is Strength.HARD else soft
            for provider in providers:
                _append_once(plain[provider], ci.id)
    hard_tuples = _frozen(hard)
    soft_tuples = _frozen(soft)
    return Upward(
        all=_joined(cis, hard_tuples, soft_tuples, mixed),
        hard=hard_tuples,
        soft=soft_tuples,
        groups={provider: tuple(found) for provider, found in groups.items()},
    )


def _known(cis: Mapping[str, CI], ci: CI, provider: str) -> str:
    """The provider's id as the provider itself carries it: one string object per id makes walking faster."""
    found = cis.get(provider)
    if found is None:
        raise ValueError(f"{ci.id} depends on {provider}, which is not in the CMDB")
    return found.id


def _group(number: int, dependent: str, providers: tuple[str, ...], dependency: Dependency) -> Group:
    members = tuple(dict.fromkeys(providers))
    soft = dependency.strength is Strength.SOFT
    return Group(number, dependent, members, len(members) - dependency.need, soft)


def _append_once(found: list[str], dependent: str) -> None:
    """Add a dependent; all dependencies of one CI come in a row, so only the last one can be the same."""
    if not found or found[-1] is not dependent:
        found.append(dependent)


def _frozen(lists: dict[str, list[str]]) -> dict[str, tuple[str, ...]]:
    return {provider: tuple(found) for provider, found in lists.items()}


def _joined(
    cis: Mapping[str, CI],
    hard: dict[str, tuple[str, ...]],
    soft: dict[str, tuple[str, ...]],
    mixed: dict[str, list[str]],
) -> dict[str, tuple[str, ...]]:
    """Every dependent of each provider once, in file order; shares the tuples of `hard` where there is nothing else."""
    joined = dict(hard)
    several = {provider: [*soft.get(provider, ()), *mixed.get(provider, ())] for provider in (*soft, *mixed)}
    wanted = {dependent for found in several.values() for dependent in found}
    wanted.update(dependent for provider in several for dependent in hard.get(provider, ()))
    position = {ci_id: index for index, ci_id in enumerate(cis) if ci_id in wanted}
    for provider, others in several.items():
        joined[provider] = tuple(sorted({*hard.get(provider, ()), *others}, key=position.__getitem__))
    return joined
