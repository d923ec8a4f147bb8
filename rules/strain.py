"""What the news about resources says of where bad work began: on one CI, or on what several strained ones share.

A host that runs out of something strains all that runs on it, a bad release all pods of its service. So the news of
those that share a CI speaks for that CI, as far as it goes beyond what the average alerting CI shows.
"""

from collections import Counter, defaultdict
from collections.abc import Collection, Mapping
from math import log1p, sqrt

from cmdb.graph import Estate
from rules.kinds import families_of
from rules.likelihood import Sign


class Strain:
    """The strain that a set of signs tells of, in e-folds of news.

    News that k CIs show counts as 1/sqrt(k), between each speaking for itself and all speaking once. `signs` are all
    that began together, whatever failure they are held to be of: what is common is seen among all of them.
    """

    def __init__(self, estate: Estate, signs: Mapping[str, Sign]) -> None:
        self._estate = estate
        self._of: dict[str, dict[str, float]] = {}
        shown = Counter(news for sign in signs.values() for news in sign.strained)
        for ci, sign in signs.items():
            if sign.strained:
                self._of[ci] = _by_family({news: 1 / sqrt(shown[news]) for news in sorted(sign.strained)})
        self._usual: defaultdict[str, float] = defaultdict(float)
        for families in self._of.values():
            for family, news in families.items():
                self._usual[family] += log1p(news) / len(signs)

    def of(self, ci: str) -> float:
        """How much the CI itself tells of."""
        return log1p(sum(self._of.get(ci, {}).values()))

    def shared(self, ci: str) -> float:
        """How much more than usual the CIs tell of that share this one, in the resource in which it is most."""
        return max((self._common(group) for group in self._sharing(ci)), default=0.0)

    def _sharing(self, ci: str) -> list[list[str]]:
        """What stands on a CI that needs nothing itself, and what is there for this CI alone, such as its pods."""
        if not self._of:
            return []
        providers = self._estate.providers(ci)
        own = [provider for provider in providers if self._estate.dependents(provider) == (ci,)]
        groups = [own, [] if providers else list(self._estate.dependents(ci))]
        return [group for group in groups if len(group) > 1]

    def _common(self, group: Collection[str]) -> float:
        strained = [self._of[ci] for ci in group if ci in self._of]
        families = sorted({family for found in strained for family in found})
        return max(
            (
                sum(log1p(found.get(family, 0.0)) for found in strained) - len(group) * self._usual[family]
                for family in families
            ),
            default=0.0,
        )


def _by_family(news: Mapping[str, float]) -> dict[str, float]:
    """The weights of the news by the resource it speaks of; news of two resources counts half for each."""
    found: defaultdict[str, float] = defaultdict(float)
    for name, weight in news.items():
        families = families_of(name)
        for family in families:
            found[family] += weight / len(families)
    return dict(found)
