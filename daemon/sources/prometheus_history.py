"""The alert history of a Prometheus: what it would have told the daemon, read from the series about its alerts.

Annotations and links to rules are not in these series.
"""

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TypeVar

import msgspec

from daemon.errors import SourceDown
from daemon.sources.alert_samples import Episodes, Hearing, Sample, instant_of
from daemon.sources.answers import server_time, stated_reason
from daemon.sources.http_session import AnswerTooLarge, BoundedSession, SourceRefused
from daemon.sources.prometheus_series import (
    ACTIVE_SINCE,
    FIRING,
    alert_labels,
    answer_to,
    connect,
    read_external_labels,
    series_key,
)
from daemon.sources.recording import Recording
from daemon.sources.settings import SourceSettings
from daemon.sources.texts import clean_labels

T = TypeVar("T")

MOST_STEPS = 1_000_000
_MOST_POINTS = 10_000
"""Prometheus refuses more than 11,000 points for each series in one answer."""
_FIRST_POINTS = 1_000
_LARGE_ANSWER_BYTES = 8 * 1024 * 1024
"""Past this the next question is about half the time: decoded, an answer takes ten times the memory."""
_HEARD = "count(up)"
_TOO_MUCH = frozenset({422, 503})
"""How Prometheus refuses a query that loads too many samples, or takes it too long."""

Progress = Callable[[int, int], None]


class _Series(msgspec.Struct, frozen=True, gc=False):
    metric: dict[str, str]
    values: list[tuple[float, str]]


class _Matrix(msgspec.Struct, frozen=True):
    result: list[_Series]


class _Any(msgspec.Struct, frozen=True):
    """Any data of a query."""


@dataclass(frozen=True, slots=True, kw_only=True)
class History:
    """What was heard of alerts, and for how long of that time Prometheus had no data at all."""

    recording: Recording
    silent: timedelta


def read_history(
    settings: SourceSettings, start: datetime, end: datetime, step: timedelta, on_progress: Progress
) -> History:
    """All alerts that fired from `start` to `end` (no later than the server's own time), seen every `step`.

    `step` is in whole seconds. `on_progress` is told how many steps of how many are read. Raises SourceDown where the
    server cannot be read or answers only in part.
    """
    session = BoundedSession(settings)
    try:
        return _Reader(session, settings, int(step.total_seconds())).read(start, end, on_progress)
    finally:
        session.close()


class _Reader:
    """One reading of a history."""

    def __init__(self, session: BoundedSession, settings: SourceSettings, step_s: int) -> None:
        self._session = session
        self._client = connect(session)
        self._ignore = settings.ignore_labels
        self._step_s = step_s
        self._largest_bytes = 0

    def read(self, start: datetime, end: datetime, on_progress: Progress) -> History:
        first = math.ceil(start.timestamp())
        steps = range(first, int(self._no_later_than_now(end).timestamp()) + 1, self._step_s)
        if not steps:
            raise SourceDown(f"by the clock of {self._session.host} that time has not come yet")
        external = read_external_labels(self._session)
        heard = self._heard(steps)
        episodes = Episodes(Hearing(steps, heard))
        for done, series in self._in_parts(steps, _FIRST_POINTS, self._samples):
            episodes.take((clean_labels(external | labels, self._ignore), samples) for labels, samples in series)
            on_progress(done, len(steps))
        silent = len(steps) - len(heard) if heard else 0
        recording = Recording(events=episodes.events(), until=instant_of(steps[-1]))
        return History(recording=recording, silent=timedelta(seconds=silent * self._step_s))

    def _no_later_than_now(self, end: datetime) -> datetime:
        """There is nothing to see in the server's future, and that would look as if every alert had ended."""
        answer_to(self._session, lambda: self._client.custom_query(_HEARD), _Any)
        answer = self._session.answer
        return end if answer is None else min(end, server_time(answer, end))

    def _heard(self, steps: range) -> list[float]:
        """The steps at which Prometheus had data of anything it watches."""
        parts = self._in_parts(steps, _MOST_POINTS, lambda part: self._query(_HEARD, part))
        return [at for _, result in parts for series in result for at, _ in series.values]

    def _in_parts(self, steps: range, size: int, ask: Callable[[range], T]) -> Iterator[tuple[int, T]]:
        """How many steps are done, and what was asked about the last of them: `size` steps at a time at the most."""
        done = 0
        while done < len(steps):
            part = steps[done : done + size]
            self._largest_bytes = 0
            try:
                answer = ask(part)
            except (AnswerTooLarge, SourceRefused) as error:
                if not _is_too_much(error) or len(part) == 1:
                    raise
                size = len(part) // 2
                continue
            done += len(part)
            yield done, answer
            if self._largest_bytes > _LARGE_ANSWER_BYTES:
                size = max(1, size // 2)

    def _samples(self, part: range) -> list[tuple[dict[str, str], list[Sample]]]:
        """When the alerts fired in a stretch, by their own labels."""
        firing = self._query(FIRING, part)
        since = {series_key(s.metric): dict(s.values) for s in self._query(ACTIVE_SINCE, part)} if firing else {}
        found = []
        for series in firing:
            active = since.get(series_key(series.metric), {})
            samples = [(at, _unix_seconds(active.get(at))) for at, _ in series.values]
            found.append((alert_labels(series.metric), samples))
        return found

    def _query(self, expression: str, part: range) -> list[_Series]:
        start, end = instant_of(part[0]), instant_of(part[-1])

        def ask() -> object:
            return self._client.custom_query_range(expression, start, end, f"{self._step_s}s")

        try:
            found = answer_to(self._session, ask, _Matrix).result
        except SourceRefused as error:
            reason = stated_reason(error)
            if not reason:
                raise
            raise SourceRefused(f"{error}: {reason}", error.status, error.body) from None
        if self._session.answer is not None:
            self._largest_bytes = max(self._largest_bytes, len(self._session.answer.content))
        return found


def _is_too_much(error: SourceDown) -> bool:
    """Whether a question about a shorter time may be answered: a refusal must come from Prometheus itself."""
    if isinstance(error, SourceRefused):
        return error.status in _TOO_MUCH and bool(stated_reason(error))
    return True


def _unix_seconds(text: str | None) -> float | None:
    try:
        value = math.nan if text is None else float(text)
    except ValueError:
        return None
    return value if value > 0 and math.isfinite(value) else None
