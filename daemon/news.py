"""Tells whoever looks at a page that something has changed, without saying what: they ask for it themselves."""

import asyncio
import threading


class News:
    """A counter that grows with everything decided. `tell` may be called from any thread; `wait` runs in an event loop
    and holds no thread."""

    def __init__(self) -> None:
        self.version = 0
        self.is_closed = False
        self._lock = threading.Lock()
        self._waiting: set[tuple[asyncio.AbstractEventLoop, asyncio.Event]] = set()

    def tell(self) -> None:
        """Something has changed."""
        with self._lock:
            self.version += 1
        self._wake()

    def close(self) -> None:
        """Nothing more will; whoever waits is let go."""
        self.is_closed = True
        self._wake()

    async def wait(self, seen: int, within_s: float) -> int:
        """The version, once it is another than `seen`, or after that time, or at the end."""
        entry = (asyncio.get_running_loop(), asyncio.Event())
        with self._lock:
            self._waiting.add(entry)
        try:
            if self.version == seen and not self.is_closed:
                await asyncio.wait_for(entry[1].wait(), within_s)
        except TimeoutError:
            pass
        finally:
            with self._lock:
                self._waiting.discard(entry)
        return self.version

    def _wake(self) -> None:
        with self._lock:
            waiting = tuple(self._waiting)
        for loop, event in waiting:
            if not loop.is_closed():
                loop.call_soon_threadsafe(event.set)
