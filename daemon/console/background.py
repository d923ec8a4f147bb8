"""Answers that take long to work out: begun when somebody asks, kept, and shown with how far they are until then."""

import threading
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Generic, TypeVar

import structlog

from daemon.clock import Clock
from rules.errors import IncidentdError

T = TypeVar("T")
Progress = Callable[[int, int], None]
AT_ONCE_S = 0.4
"""So long is waited for an answer: in small estates it is there by then."""
_log = structlog.get_logger(__name__)


@dataclass(slots=True)
class Answer(Generic[T]):
    """An answer, or how far it is: `done` of `total`, 0 of 0 before that is known. `problem` says why there is none."""

    at: datetime
    value: T | None = None
    problem: str = ""
    done: int = 0
    total: int = 0

    @property
    def is_there(self) -> bool:
        """Whether it has been worked out."""
        return self.value is not None or bool(self.problem)


class Background(Generic[T]):
    """Works one thing out in a thread of its own, and once for everybody who asks.

    The answer is kept as long as `key` is the same object, and for `kept` where that is given. The thread dies with the
    process.
    """

    def __init__(self, clock: Clock, kept: timedelta | None = None) -> None:
        self._clock = clock
        self._kept = kept
        self._lock = threading.Lock()
        self._key: object = None
        self._answer: Answer[T] | None = None
        self._thread: threading.Thread | None = None

    def ask(self, key: object, work: Callable[[Progress], T]) -> Answer[T]:
        """The answer for `key`, worked out by `work(on_progress)`; not there yet where that takes longer."""
        with self._lock:
            if self._answer is None or self._key is not key or self._is_old(self._answer):
                self._key, self._answer = key, Answer(at=self._clock.now())
                arguments = self._answer, work
                self._thread = threading.Thread(target=self._run, args=arguments, name="working-out", daemon=True)
                self._thread.start()
            answer, thread = self._answer, self._thread
        if thread is not None and not answer.is_there:
            thread.join(AT_ONCE_S)
        return answer

    def _is_old(self, answer: Answer[T]) -> bool:
        return answer.is_there and self._kept is not None and self._clock.now() - answer.at >= self._kept

    def _run(self, answer: Answer[T], work: Callable[[Progress], T]) -> None:
        def on_progress(done: int, total: int) -> None:
            answer.done, answer.total = done, total

        try:
            answer.value = work(on_progress)
        except IncidentdError as error:
            _log.warning("not_worked_out", error=str(error))
            answer.problem = str(error)
        finally:
            if not answer.is_there:  # a flaw of ours, which the log has whole; nobody is to wait for ever
                answer.problem = "it could not be worked out; the log says why"
