"""Which id somebody may have meant, in an estate of any size."""

import difflib
from collections import defaultdict
from collections.abc import Iterable

# Comparing texts is slow: only ids that begin or end alike are compared, and only so many of them.
_MOST_COMPARED = 2000
_EDGE = 3


class NearestId:
    """Looks for the id nearest to a word that is none."""

    def __init__(self, ids: Iterable[str]) -> None:
        """Prepare for questions about these ids; costs in proportion to their number."""
        self._by_bare: dict[str, str] = {}
        self._by_edge: defaultdict[tuple[bool, str], list[str]] = defaultdict(list)
        for ci_id in ids:
            bare = _bare(ci_id)
            self._by_bare.setdefault(bare, ci_id)
            self._by_edge[False, bare[:_EDGE]].append(ci_id)
            self._by_edge[True, bare[-_EDGE:]].append(ci_id)

    def find(self, word: str) -> str | None:
        """The nearest id: the same but for case and punctuation, else the most alike, else None."""
        bare = _bare(word)
        if bare in self._by_bare:
            return self._by_bare[bare]
        alike = dict.fromkeys(
            ci_id
            for edge in ((False, bare[:_EDGE]), (True, bare[-_EDGE:]))
            for ci_id in self._by_edge.get(edge, ())
            if abs(len(ci_id) - len(word)) <= _EDGE
        )
        found = difflib.get_close_matches(word, list(alike)[:_MOST_COMPARED], n=1, cutoff=0.7)
        return found[0] if found else None


def _bare(text: str) -> str:
    return "".join(filter(str.isalnum, text.casefold()))
