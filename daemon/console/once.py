"""Forms that are sent twice, by a second click or a reload, make one thing."""

import re
import threading
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from daemon.api.ports import Ports
from rules.incident import incident_key

_ID = re.compile(r"[0-9a-f]{32}")


def form_id(text: str = "") -> str:
    """The id that a form came with, which becomes the id of its order; a new one where it has none that can be."""
    return text if _ID.fullmatch(text) else uuid.uuid4().hex


class Once:
    """Makes what a form asks for, the first time that it comes."""

    def __init__(self, ports: Ports) -> None:
        self._ports = ports
        self._lock = threading.Lock()
        self._under_way: dict[str, tuple[threading.Lock, int]] = {}

    def made(self, order_id: str, make: Callable[[], str]) -> str:
        """The key of what the order of that id has made, else of what `make` makes by it; empty where that is not
        decided yet."""
        with self._alone(order_id):
            before = self._ports.store.reply(order_id)
            if before is None or not before.done:
                return make()
            return before.subject if before.incident is None else incident_key(before.incident)

    @contextmanager
    def _alone(self, order_id: str) -> Iterator[None]:
        """While another thread is at the same form it waits."""
        with self._lock:
            own, count = self._under_way.get(order_id, (threading.Lock(), 0))
            self._under_way[order_id] = own, count + 1
        try:
            with own:
                yield
        finally:
            with self._lock:
                own, count = self._under_way.pop(order_id)
                if count > 1:
                    self._under_way[order_id] = own, count - 1
