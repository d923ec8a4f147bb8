"""Announced maintenance: what it is expected to cause, and which CIs were worked on a short while ago."""

from bisect import bisect_right
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from cmdb.graph import Estate
from cmdb.impact import states
from cmdb.model import State
from rules.alert import Alert
from rules.kinds import is_outage

_NEVER = datetime.min.replace(tzinfo=UTC)
_FOR_EVER = datetime.max.replace(tzinfo=UTC)

RECENT = timedelta(hours=1)
"""How long after its end a change is still under suspicion; an hour is long enough for caches, leases and the next
load peak to show what it broke, and short enough that few unrelated failures fall into it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Window:
    """Work on some CIs, announced for a time. `cis` are ids or aliases; unknown ones count for nothing.

    `change` is the number of the change record that it stands for, empty where it was announced in the configuration.
    What work causes is covered only where it `is_expected`: nobody has approved what is only told of afterwards.
    """

    name: str
    starts_at: datetime
    ends_at: datetime
    cis: tuple[str, ...]
    change: str = ""
    is_expected: bool = True

    @property
    def key(self) -> str:
        """What tells it from other windows, also from those of the same name."""
        return f"{self.change or self.name}@{self.starts_at.isoformat()}"

    @property
    def words(self) -> str:
        """Why people are not called, for reasons and timelines."""
        return f"silenced by {f'change {self.change}' if self.change else 'maintenance'}: {self.name}"

    @property
    def label(self) -> str:
        """What it is, for reasons."""
        return f'{f"change {self.change}" if self.change else "announced maintenance"} "{self.name}"'


class Maintenance:
    """All windows over one estate. `grace` is how long after its end a window still answers for what it caused.

    What the windows of the moment reach is remembered, by CI; that changes how long an answer takes, never the answer.
    """

    def __init__(self, estate: Estate, windows: Iterable[Window], grace: timedelta) -> None:
        self._estate = estate
        self._grace = grace
        self._windows = {w.key: w for w in sorted(windows, key=lambda w: (w.starts_at, w.ends_at, w.name))}
        self._edges = sorted({at for w in self._windows.values() for at in (w.starts_at, self._until(w))})
        self._on_ci: dict[str, list[Window]] = {}
        for window in self._windows.values():
            for ci in _known(estate, window):
                self._on_ci.setdefault(ci, []).append(window)
        self._reached: dict[str, list[tuple[Window, State]]] = {}
        self._reached_for: frozenset[str] = frozenset()
        self._steady = (_NEVER, _NEVER)

    def __bool__(self) -> bool:
        """Whether there is any."""
        return bool(self._windows)

    def covering(self, alert: Alert, now: datetime) -> list[Window]:
        """The windows of which the alert is evidence: it began under them, on what they reach, and is no worse."""
        if alert.ci is None or not self._windows:
            return []
        found = self._reach(now).get(alert.ci, ())
        return [w for w, state in found if w.starts_at <= alert.starts_at and not _exceeds(alert, state)]

    def is_in_force(self, key: str, now: datetime) -> bool:
        """Whether the window answers for alerts at this moment."""
        window = self._windows.get(key)
        return window is not None and window.is_expected and window.starts_at <= now < self._until(window)

    def window(self, key: str) -> Window | None:
        """The window of that key."""
        return self._windows.get(key)

    def changed_recently(self, ci: str, at: datetime) -> Window | None:
        """The latest work on this very CI that may have broken something: under way, or over for less than `RECENT`."""
        recent = self.recent_work(ci, at)
        return recent[-1] if recent else None

    def has_work(self, ci: str) -> bool:
        """Whether there is any, whenever it was or will be."""
        return ci in self._on_ci

    def recent_work(self, ci: str, at: datetime) -> list[Window]:
        """All of that work, by its beginning."""
        return [w for w in self._on_ci.get(ci, ()) if w.starts_at <= at < w.ends_at + RECENT]

    def _until(self, window: Window) -> datetime:
        return window.ends_at + self._grace

    def _reach(self, now: datetime) -> dict[str, list[tuple[Window, State]]]:
        """What the windows in force reach, by CI; worked out anew only where one has begun or ended since."""
        if self._steady[0] <= now < self._steady[1]:
            return self._reached
        current = frozenset(key for key in self._windows if self.is_in_force(key, now))
        if current != self._reached_for:
            self._reached = self._reached_by(current)
            self._reached_for = current
        edges = [_NEVER, *self._edges, _FOR_EVER]
        after = bisect_right(edges, now)
        self._steady = (edges[after - 1], edges[after])
        return self._reached

    def _reached_by(self, keys: frozenset[str]) -> dict[str, list[tuple[Window, State]]]:
        reached: dict[str, list[tuple[Window, State]]] = {}
        for key, window in self._windows.items():
            if key in keys:
                failed = dict.fromkeys(_known(self._estate, window), State.DOWN)
                for ci, state in states(self._estate, failed).items():
                    reached.setdefault(ci, []).append((window, state))
        return reached


def _known(estate: Estate, window: Window) -> list[str]:
    return sorted({ci for name in window.cis if (ci := estate.find(name)) is not None})


def _exceeds(alert: Alert, state: State) -> bool:
    """Whether the alert is worse than a CI in that state has to be: it tells of an outage where none is expected."""
    return state < State.DOWN and is_outage(alert.labels)
