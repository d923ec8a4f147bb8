"""From samples of Prometheus's own series about its alerts to what was heard and when. Pure.

A range query looks at the series every `step`. An alert that has ended has no sample any more at the next step,
because Prometheus marks its series as stale. Where Prometheus itself was silent the absence of a sample means
nothing, so nothing ends then. Times are Unix seconds.
"""

from bisect import bisect_right
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from daemon.sources.recording import Event
from rules.alert import Sighting, fingerprint_of

MARGIN_S = 120
"""The last evaluation of a rule and the last scrape before a silence are up to an interval apart, and alerts come back
a few evaluations after it; Prometheus evaluates every minute by default, so that this is two."""

Sample = tuple[float, float | None]
"""When an alert fired, and since when it was active then; None where that is not known."""


@dataclass(slots=True)
class _Episode:
    """An alert that fires, or has ceased to; `last` is when it was last seen."""

    labels: Mapping[str, str]
    starts_at: float
    last: float


class Episodes:
    """Turns samples into events, stretch by stretch in order of time."""

    def __init__(self, hearing: "Hearing") -> None:
        self._hearing = hearing
        self._current: dict[str, _Episode] = {}
        self._events: list[Event] = []

    def take(self, series: Iterable[tuple[Mapping[str, str], Iterable[Sample]]]) -> None:
        """Samples of one stretch by the labels of their alert, in order of time, all later than those before.

        The same labels may come more than once, as from two replicas: it is one alert.
        """
        merged: dict[str, tuple[Mapping[str, str], dict[float, float | None]]] = {}
        for labels, samples in series:
            _, known = merged.setdefault(fingerprint_of(labels), (labels, {}))
            for at, active in samples:
                known[at] = _earlier(known.get(at), active)
        for fingerprint, (labels, seen) in merged.items():
            for at in sorted(seen):
                self._see(fingerprint, labels, at, seen[at])

    def events(self) -> tuple[Event, ...]:
        """All that was heard, in order of time; what fires at the end has no end."""
        ended = [
            self._ended(e, at) for e in self._current.values() if (at := self._hearing.missed_at(e.last)) is not None
        ]
        return tuple(sorted([*self._events, *ended], key=_order))

    def _see(self, fingerprint: str, labels: Mapping[str, str], at: float, active: float | None) -> None:
        episode = self._current.get(fingerprint)
        if episode is not None:
            ended_at = self._ended_before(episode, at, active)
            if ended_at is None:
                episode.last = at
                return
            self._events.append(self._ended(episode, ended_at))
        starts_at = at if active is None else min(active, at)
        self._current[fingerprint] = _Episode(labels=labels, starts_at=starts_at, last=at)
        sighting = Sighting(
            labels=dict(labels), starts_at=instant_of(starts_at), is_start_known=active is not None, firing=True
        )
        self._events.append(Event(at=instant_of(at), sighting=sighting))

    def _ended_before(self, episode: _Episode, at: float, active: float | None) -> float | None:
        """When the episode had ended by `at`, when its alert is seen again; None where it goes on."""
        if active is not None and active <= episode.last:
            return None  # active since before it was last seen: whatever was missing in between, it has never ended
        gone_at = self._hearing.missed_at(episode.last)
        if gone_at is not None and gone_at < at:
            return gone_at
        return None if active is None else at

    def _ended(self, episode: _Episode, at: float) -> Event:
        sighting = Sighting(
            labels=dict(episode.labels),
            starts_at=instant_of(episode.starts_at),
            ends_at=instant_of(at),
            firing=False,
        )
        return Event(at=instant_of(at), sighting=sighting)


class Hearing:
    """When Prometheus had data, so that a missing sample means something.

    `steps` are all steps, ascending, and `heard` those at which it had data. Where it never had any it does not say,
    and counts as heard throughout.
    """

    def __init__(self, steps: Sequence[float], heard: Iterable[float]) -> None:
        known = frozenset(heard) or frozenset(steps)
        self._silent = [at for at in steps if at not in known]
        self._trusted = [at for at in steps if at in known and not self._is_before_silence(at)]

    def missed_at(self, last: float) -> float | None:
        """The first step at which an alert that was last seen at `last` has ended if it is missing; None if none is."""
        at = _first_after(self._trusted, last)
        while at is not None:
            index = bisect_right(self._silent, at)
            silent_at = self._silent[index - 1] if index else last
            if silent_at <= last or at - silent_at > MARGIN_S:
                return at
            at = _first_after(self._trusted, silent_at + MARGIN_S)
        return None

    def _is_before_silence(self, at: float) -> bool:
        silent_at = _first_after(self._silent, at)
        return silent_at is not None and silent_at - at <= MARGIN_S


def _first_after(times: Sequence[float], at: float) -> float | None:
    index = bisect_right(times, at)
    return times[index] if index < len(times) else None


def instant_of(unix_s: float) -> datetime:
    """A time of a sample."""
    return datetime.fromtimestamp(unix_s, UTC)


def _earlier(one: float | None, other: float | None) -> float | None:
    return other if one is None else one if other is None else min(one, other)


def _order(event: Event) -> tuple[datetime, bool, str, datetime]:
    """Ends before beginnings: where both come at one step, the earlier episode has ended."""
    return event.at, event.sighting.firing, event.sighting.fingerprint, event.sighting.starts_at
