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
    every: dict[str, list[str]] = {ci_id: [] for ci_id in cis}
    hard: defaultdict[str, list[str]] = defaultdict(list)
    soft: defaultdict[str, list[str]] = defaultdict(list)
    groups: defaultdict[str, list[Group]] = defaultdict(list)
    number = 0
    for ci in cis.values():
        ci_id = ci.id
        for dependency in ci.depends_on:
            providers = dependency.providers
            try:
                for provider in providers:
                    _append_once(every[provider], ci_id)
            except KeyError:
                raise ValueError(f"{ci_id} depends on {provider}, which is not in the CMDB") from None
            if len(providers) > dependency.need:
                number += 1
                group = _group(number, ci_id, cis, dependency)
                for provider in group.members:
                    groups[provider].append(group)
                continue
            plain = hard if dependency.strength is Strength.HARD else soft
            for provider in providers:
                _append_once(plain[provider], ci_id)
    return _frozen(every, hard, soft, groups)


def _append_once(found: list[str], dependent: str) -> None:
    """Add a dependent; all dependencies of one CI come in a row, so only the last one can be the same."""
    if not found or found[-1] is not dependent:
        found.append(dependent)


def _group(number: int, dependent: str, cis: Mapping[str, CI], dependency: Dependency) -> Group:
    # The ids as the members carry them themselves: one string object per id makes walking faster.
    members = tuple([cis[provider].id for provider in dict.fromkeys(dependency.providers)])
    return Group(number, dependent, members, len(members) - dependency.need, dependency.strength is Strength.SOFT)


def _frozen(
    every: Mapping[str, list[str]],
    hard: Mapping[str, list[str]],
    soft: Mapping[str, list[str]],
    groups: Mapping[str, list[Group]],
) -> Upward:
    """The same as tuples. Where all dependents of a CI are hard ones, both mappings share one tuple."""
    all_tuples = {provider: tuple(found) for provider, found in every.items() if found}
    hard_tuples = {}
    for provider, dependents in all_tuples.items():
        found = hard.get(provider)
        if found:
            hard_tuples[provider] = dependents if len(found) == len(dependents) else tuple(found)
    return Upward(
        all=all_tuples,
        hard=hard_tuples,
        soft={provider: tuple(soft[provider]) for provider in all_tuples if provider in soft},
        groups={provider: tuple(groups[provider]) for provider in all_tuples if provider in groups},
    )
