"""The thread that runs one cycle after the other, and whether it still does."""

import threading
import time
from collections.abc import Callable

import structlog

from daemon.cycle import Cycle
from daemon.errors import LeaseLost

_log = structlog.get_logger(__name__)
_BEAT_S = 1.0


class Heart:
    """Runs a cycle every second, and at once when woken. `on_lost` is called where the lease is gone."""

    def __init__(self, cycle: Cycle, on_lost: Callable[[str], None]) -> None:
        self._cycle = cycle
        self._on_lost = on_lost
        self._woken = threading.Event()
        self._stopping = threading.Event()
        self._beat_at = time.monotonic()
        self._thread = threading.Thread(target=self._beat, name="cycle", daemon=True)

    @property
    def age_s(self) -> float:
        """Seconds since the last cycle ended, however it ended."""
        return time.monotonic() - self._beat_at

    def start(self) -> None:
        """Begin."""
        self._thread.start()

    def wake(self) -> None:
        """Run a cycle now, or once more after the one under way."""
        self._woken.set()

    def stop(self, timeout_s: float) -> bool:
        """End after the cycle under way; False where it took longer than that."""
        self._stopping.set()
        self._woken.set()
        if self._thread.is_alive():
            self._thread.join(timeout_s)
        return not self._thread.is_alive()

    def _beat(self) -> None:
        while not self._stopping.is_set():
            self._woken.wait(_BEAT_S)
            self._woken.clear()
            if self._stopping.is_set():
                return
            began = time.monotonic()
            try:
                if self._cycle.run_once():
                    self._woken.set()  # more may have come than one cycle takes
            except LeaseLost as error:
                _log.error("lease_lost", error=str(error))
                self._on_lost(str(error))
                return
            self._beat_at = time.monotonic()
            # A cycle costs what its failures reach, not only what is new: in a storm, gather for as long as the last
            # one took. That doubles the delay at the most and leaves the processor to those who push.
            self._stopping.wait(min(self._beat_at - began, _BEAT_S))
