"""Finding CIs by words and by what they are, in estates of any size: one text in memory, one line for each CI."""

import threading
from bisect import bisect_right
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import accumulate, islice

from cmdb.graph import Estate
from cmdb.model import CI

_MOST_WORDS = 6


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """One page of what was looked for, and whether there is more after it."""

    cis: tuple[CI, ...]
    has_more: bool


class CiIndex:
    """Looks for CIs by id, alias, name, type and owner. Built once for an estate; a question reads no CI in vain.

    Looking for a word is one search for a text in a text, which takes some milliseconds for 100,000 CIs.
    """

    def __init__(self, estate: Estate) -> None:
        self._estate = estate
        self._ids = estate.ids()
        lines = [_line(ci) for ci in estate]
        self._text = "\n".join(lines)
        self._starts = [0, *accumulate(len(line) + 1 for line in lines)]
        self._types: dict[str, list[int]] = {}
        self._owners: dict[str, list[int]] = {}
        for place, ci in enumerate(estate):
            self._types.setdefault(ci.type, []).append(place)
            self._owners.setdefault(ci.owner, []).append(place)

    @property
    def types(self) -> tuple[tuple[str, int], ...]:
        """Every type with how many CIs have it, the most frequent first."""
        return _counted(self._types)

    @property
    def owners(self) -> tuple[tuple[str, int], ...]:
        """Every owner with how many CIs they have, the most first; what nobody owns under the empty text."""
        return _counted(self._owners)

    def find(self, words: str, *, kind: str = "", owner: str = "", limit: int = 50, offset: int = 0) -> Found:
        """The CIs of that type and owner in which all the words stand, in the order of the CMDB; one that is called
        exactly so comes first."""
        wanted = words.casefold().split()[:_MOST_WORDS]
        exact = self._estate.find(words.strip()) if wanted else None
        places = self._fitting(wanted, kind, owner, exact)
        page = [self._estate.ci(self._ids[place]) for place in islice(places, offset, offset + limit + 1)]
        return Found(cis=tuple(page[:limit]), has_more=len(page) > limit)

    def _fitting(self, words: list[str], kind: str, owner: str, exact: str | None) -> Iterator[int]:
        first = None
        if exact is not None and self._fits(self._estate.ci(exact), kind, owner):
            first = bisect_right(self._starts, self._text.find(f"\x1f{exact.casefold()}\x1f")) - 1
            first = first if self._ids[first] == exact else self._ids.index(exact)
            yield first
        for place in self._with_words(words) if words else self._of(kind, owner):
            if place != first and self._fits(self._estate.ci(self._ids[place]), kind, owner):
                yield place

    def _of(self, kind: str, owner: str) -> list[int] | range:
        if kind:
            return self._types.get(kind, [])
        return self._owners.get(owner, []) if owner else range(len(self._ids))

    def _with_words(self, words: list[str]) -> Iterator[int]:
        """The places of CIs in whose line all words stand. The longest word is the rarest, as a rule."""
        rarest, *others = sorted(words, key=len, reverse=True)
        text, starts = self._text, self._starts
        if any(word not in text for word in others):
            return
        at = text.find(rarest)
        while at >= 0:
            place = bisect_right(starts, at) - 1
            begin, end = starts[place], starts[place + 1] - 1
            if all(text.find(word, begin, end) >= 0 for word in others):
                yield place
            at = text.find(rarest, end)

    @staticmethod
    def _fits(ci: CI, kind: str, owner: str) -> bool:
        return (not kind or ci.type == kind) and (not owner or ci.owner == owner)


class Indexed:
    """The index of whatever estate is the present one, made anew when that changes."""

    def __init__(self, estate: Callable[[], Estate]) -> None:
        self._estate = estate
        self._lock = threading.Lock()
        self._kept: tuple[Estate, CiIndex] | None = None

    def index(self) -> CiIndex:
        """The index of the estate as it is now."""
        estate = self._estate()
        with self._lock:
            if self._kept is None or self._kept[0] is not estate:
                self._kept = estate, CiIndex(estate)
            return self._kept[1]


def _line(ci: CI) -> str:
    return "\x1f".join(("", ci.id, *ci.aliases, ci.name, ci.type, ci.owner, "")).replace("\n", " ").casefold()


def _counted(places: dict[str, list[int]]) -> tuple[tuple[str, int], ...]:
    return tuple(sorted(((word, len(found)) for word, found in places.items()), key=lambda pair: (-pair[1], pair[0])))
