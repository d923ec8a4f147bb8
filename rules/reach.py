"""What a failure of each CI reaches, computed once and remembered while the estate stays as it is."""

from collections import OrderedDict

from cmdb.graph import Estate
from cmdb.impact import Hit, TooWide, impact
from cmdb.model import State

_REMEMBERED_HITS = 2_000_000
"""Hits kept at once, about 200 MB; beyond that the longest unused walks are made again when needed."""


class Reach:
    """A memo of `impact(estate, {ci: DOWN})`; it changes how long an answer takes, never the answer."""

    def __init__(self, estate: Estate) -> None:
        self.estate = estate
        self._known: OrderedDict[str, dict[str, Hit]] = OrderedDict()
        self._wider_than: dict[str, int] = {}
        self._size = 0

    def of(self, ci: str, limit: int) -> dict[str, Hit] | None:
        """Everything hit when `ci` goes down, itself first; None where that is more than `limit` CIs."""
        known = self._known.get(ci)
        if known is not None:
            self._known.move_to_end(ci)
            return known if len(known) <= limit else None
        if self._wider_than.get(ci, -1) >= limit:
            return None
        try:
            hits = impact(self.estate, {ci: State.DOWN}, limit=limit)
        except TooWide:
            self._wider_than[ci] = limit
            return None
        self._remember(ci, hits)
        return hits

    def whole(self, ci: str) -> dict[str, Hit]:
        """Everything hit when `ci` goes down, however much that is."""
        hits = self.of(ci, len(self.estate))
        assert hits is not None  # noqa: S101  nothing is wider than the estate
        return hits

    def _remember(self, ci: str, hits: dict[str, Hit]) -> None:
        self._known[ci] = hits
        self._size += len(hits)
        while self._size > _REMEMBERED_HITS and len(self._known) > 1:
            _, dropped = self._known.popitem(last=False)
            self._size -= len(dropped)
