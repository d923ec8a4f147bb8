"""Asking a source again and again, and less often while it does not answer."""

import logging
from datetime import datetime, timedelta

from daemon.clock import Clock
from daemon.errors import SourceDown
from daemon.sources.source import Source
from rules.decision import Listing, Push, SourceFailed

_log = logging.getLogger(__name__)

_LONGEST_PAUSE = timedelta(seconds=60)
_LONGEST_PAUSE_INTERVALS = 4


class Poller:
    """Polls one source whenever it is due. Not thread-safe: one worker runs it at a time."""

    def __init__(self, source: Source, clock: Clock, interval: timedelta) -> None:
        self._source = source
        self._clock = clock
        self._interval = interval
        self._failures = 0
        self._next_at: datetime | None = None

    @property
    def name(self) -> str:
        """The source's name."""
        return self._source.name

    def run(self) -> Listing | Push | SourceFailed | None:
        """What the source says now, or that it could not be read; None while it is left alone after failures.

        Never raises. Call it every interval: a source that answers is asked each time.
        """
        if self._next_at is not None and self._clock.now() < self._next_at:
            return None
        try:
            word = self._source.poll()
        except SourceDown as error:
            return self._failed(str(error))
        except Exception as error:  # noqa: BLE001  a flaw of ours in reading one source must not look like its silence
            _log.exception("source_poll_broke source=%s", self.name)
            return self._failed(
                f"{self.name} could not be read because of a flaw in incidentd ({type(error).__name__})"
            )
        self._failures = 0
        self._next_at = None
        return word

    def _failed(self, message: str) -> SourceFailed:
        now = self._clock.now()
        self._failures += 1
        # Half an interval early, so that a scheduler's tick that comes a moment too soon is not lost.
        self._next_at = now + self._pause() - self._interval / 2
        return SourceFailed(source=self.name, at=now, error=message)

    def _pause(self) -> timedelta:
        """One interval, then doubled with each failure up to a minute or four intervals, whichever is less."""
        longest = max(self._interval, min(_LONGEST_PAUSE, self._interval * _LONGEST_PAUSE_INTERVALS))
        return min(self._interval * (1 << min(self._failures - 1, 10)), longest)
