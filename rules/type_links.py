"""Which types of CIs need which, as the dependencies of an estate show it."""

from collections import Counter

from cmdb.graph import Estate


class TypeLinks:
    """The types of an estate and the dependencies between them; made by one look at every dependency."""

    def __init__(self, estate: Estate) -> None:
        kind = {ci.id: ci.type for ci in estate}
        self._count = Counter(kind.values())
        self._direct: dict[str, set[str]] = {each: set() for each in self._count}
        for ci in estate:
            self._direct[ci.type].update(kind[provider] for provider in estate.providers(ci.id))
        self._below = {each: self._all_below(each) for each in self._count}

    def count(self, kind: str) -> int:
        """How many CIs are of this type."""
        return self._count[kind]

    def total(self) -> int:
        """How many CIs there are."""
        return self._count.total()

    def are_joined(self, kind: str, needed: str) -> bool:
        """Whether any CI of the one type needs one of the other directly."""
        return needed in self._direct[kind]

    def is_upside_down(self, kind: str, needed: str) -> bool:
        """Whether CIs of the type `needed` stand on those of type `kind`, and never the other way round."""
        return kind in self._below[needed] and needed not in self._below[kind]

    def _all_below(self, kind: str) -> set[str]:
        found = set(self._direct[kind])
        queue = sorted(found)
        for below in queue:
            fresh = sorted(self._direct[below] - found)
            found.update(fresh)
            queue += fresh
        return found
