"""When to look at what again: finding what is due costs what is found, not what waits."""

from collections.abc import Iterator
from datetime import datetime
from heapq import heapify, heappop, heappush

_SLACK = 64


class Agenda:
    """One instant for each number, at most."""

    def __init__(self) -> None:
        self._at: dict[int, datetime] = {}
        # A heap that may still hold entries which are no longer so.
        self._heap: list[tuple[datetime, int]] = []

    def put(self, number: int, at: datetime | None) -> None:
        """Look at `number` at that instant instead of any other; not at all where it is None."""
        if self._at.get(number) == at:
            return
        if at is None:
            del self._at[number]
        else:
            self._at[number] = at
            heappush(self._heap, (at, number))
        self._tidy()

    def due(self, now: datetime) -> list[int]:
        """The numbers to be looked at by `now`, in order; changes nothing."""
        return sorted({number for at, number in self._upto(now) if self._at.get(number) == at})

    def _upto(self, now: datetime) -> Iterator[tuple[datetime, int]]:
        """Entries up to `now`: below a later one in the heap there are only later ones."""
        places = [0]
        while places:
            place = places.pop()
            if place < len(self._heap) and self._heap[place][0] <= now:
                yield self._heap[place]
                places += (2 * place + 1, 2 * place + 2)

    def _tidy(self) -> None:
        """Drop what is no longer so: at the front at once, the rest when it is the larger part."""
        while self._heap and self._at.get(self._heap[0][1]) != self._heap[0][0]:
            heappop(self._heap)
        if len(self._heap) > 2 * len(self._at) + _SLACK:
            self._heap = [(at, number) for number, at in self._at.items()]
            heapify(self._heap)
