"""Who has a notice already that has not reached everybody yet."""

import threading
from collections import OrderedDict
from collections.abc import Iterable

REMEMBERED_NOTICES = 1000


class Reached:
    """By a notice's key, who has it, so that another try goes to the others only. Used from several threads; what is
    forgotten here costs a second copy, never a notice."""

    def __init__(self) -> None:
        self._done: OrderedDict[str, frozenset[str]] = OrderedDict()
        self._lock = threading.Lock()

    def by(self, key: str) -> frozenset[str]:
        """Who has it."""
        with self._lock:
            return self._done.get(key, frozenset())

    def add(self, key: str, who: Iterable[str]) -> None:
        """These have it now."""
        with self._lock:
            self._done[key] = self._done.get(key, frozenset()) | frozenset(who)
            while len(self._done) > REMEMBERED_NOTICES:
                self._done.popitem(last=False)

    def forget(self, key: str) -> None:
        """Everybody has it."""
        with self._lock:
            self._done.pop(key, None)
