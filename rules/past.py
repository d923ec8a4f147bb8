"""The past as the record tells it: which CIs failed when, and which CIs spoke when.

Everything that judges by experience works on these values, so that the daemon, a replay and a test judge alike.
"""

from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime

from cmdb.graph import Estate
from cmdb.impact import Hit
from cmdb.model import State
from rules.alert import Alert, Severity
from rules.incident import Incident, Status
from rules.kinds import is_outage
from rules.likelihood import P_SPEAKS
from rules.reach import Reach
from rules.score import WINDOW
from rules.signs import LOCKED

MAX_REACH = 5_000
"""A failure that reaches more CIs is left aside: so much begins with it that nothing can be told from it."""

_ENOUGH = 10
"""Silent CIs beyond so many make nothing less likely that is so unlikely already."""


@dataclass(frozen=True, slots=True, kw_only=True)
class History:
    """A stretch of the record: every incident opened between `since` and `until`, aware UTC, and all that alerted."""

    since: datetime
    until: datetime
    incidents: tuple[Incident, ...]
    alerts: tuple[Alert, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Spell:
    """A CI that alerts, without ten quiet minutes in between. `incident` is the one its first alert belongs to."""

    ci: str
    start: datetime
    end: datetime
    is_outage: bool
    incident: int | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Failure:
    """One failure of a CI by the record: an incident that has a root, or one of its relapses.

    `at` is when its first symptom began, `until` when its root's alerts had cleared (all of them where the root is
    silent). `sure` is the chance that the root is right and was down, 1 where a person said so. `is_merged` tells that
    a person put it together. `heard` are the CIs with alerts in it, `hits` what a failure of the root reaches.
    """

    number: int
    root: str
    at: datetime
    until: datetime
    sure: float
    is_merged: bool
    is_outage: bool
    heard: frozenset[str]
    hits: Mapping[str, Hit]

    @property
    def mark(self) -> tuple[int, datetime]:
        """Which failure this is."""
        return self.number, self.at


class Past:
    """A history with its indexes. `length` is the time it covers; failures are in order of time."""

    def __init__(self, estate: Estate, history: History) -> None:
        self.estate = estate
        self.reach = Reach(estate)
        self.until = history.until
        self._merged_by_hand = {i.merged_into for i in history.incidents if LOCKED in i.pinned}
        self.length = max(history.until - history.since, WINDOW)
        alerts = [a for a in history.alerts if a.ci in estate and a.severity > Severity.INFO]
        self._spells = _spells(alerts, history.until)
        every = (s for found in self._spells.values() for s in found)
        self._begun = tuple(sorted(every, key=lambda s: (s.start, s.ci)))
        self.failures = tuple(self._failures(history, alerts))
        self._of_incident: dict[int, list[Failure]] = {}
        for failure in self.failures:
            self._of_incident.setdefault(failure.number, []).append(failure)
        self._needs: dict[str, frozenset[str]] = {}

    def spells(self, ci: str) -> tuple[Spell, ...]:
        """When the CI alerted, in order."""
        return self._spells.get(ci, ())

    def began(self, start: datetime, end: datetime) -> tuple[Spell, ...]:
        """The spells that began in that time, in order of time, then of CI."""
        first = bisect_left(self._begun, start, key=lambda s: s.start)
        return self._begun[first : bisect_right(self._begun, end, lo=first, key=lambda s: s.start)]

    def failure_of(self, spell: Spell) -> Failure | None:
        """The failure of which a spell is taken to be a symptom, None where it is of none."""
        found = self._of_incident.get(spell.incident, []) if spell.incident is not None else []
        return max((f for f in found if f.at <= spell.start), key=lambda f: f.at, default=found[0] if found else None)

    def failed(self, start: datetime, end: datetime) -> tuple[Failure, ...]:
        """The failures that began in that time, in order."""
        first = bisect_left(self.failures, start, key=lambda f: f.at)
        return self.failures[first : bisect_right(self.failures, end, lo=first, key=lambda f: f.at)]

    def spoke(self, ci: str, start: datetime, end: datetime) -> bool:
        """Whether the CI alerted at any time between."""
        return any(s.start <= end and s.end >= start for s in self.spells(ci))

    def needs(self, ci: str) -> frozenset[str]:
        """All that the CI needs in any way, however many dependencies away; itself only where it is in a cycle."""
        known = self._needs.get(ci)
        if known is None:
            found = dict.fromkeys(self.estate.providers(ci))
            queue = list(found)
            for provider in queue:
                fresh = [p for p in self.estate.providers(provider) if p not in found]
                found.update(dict.fromkeys(fresh))
                queue += fresh
            known = self._needs[ci] = frozenset(found)
        return known

    def are_related(self, one: str, other: str) -> bool:
        """Whether one of the two needs the other, however far away."""
        return one == other or other in self.needs(one) or one in self.needs(other)

    def _failures(self, history: History, alerts: Iterable[Alert]) -> list[Failure]:
        members: dict[int, list[Alert]] = {}
        for alert in alerts:
            if alert.incident is not None:
                members.setdefault(alert.incident, []).append(alert)
        found = [
            failure
            for incident in history.incidents
            if incident.status not in (Status.MERGED, Status.CONVERTED) and incident.number in members
            for failure in self._relapses(incident, members[incident.number])
        ]
        return sorted(found, key=lambda f: (f.at, f.number))

    def _relapses(self, incident: Incident, alerts: list[Alert]) -> Iterator[Failure]:
        """The failures of one incident: each time that it was quiet in between begins another."""
        root = incident.root.ci
        hits = self.reach.of(root, MAX_REACH) if root is not None and root in self.estate else None
        if root is None or hits is None:
            return
        for run in _runs(alerts, self.until):
            # What an incident took in may have begun long before it: its own onset is among what is near its opening.
            onsets = [a.onset for a in run]
            own = [a for a in run if a.ci == root] or run
            yield Failure(
                number=incident.number,
                root=root,
                at=min([o for o in onsets if o >= incident.opened_at - WINDOW] or onsets),
                until=max(a.cleared_at or self.until for a in own),
                sure=self._sure(incident, root, run, hits),
                is_merged=incident.number in self._merged_by_hand,
                is_outage=any(is_outage(a.labels) for a in run),
                heard=frozenset(a.ci for a in run if a.ci is not None),
                hits=hits,
            )

    def _sure(self, incident: Incident, root: str, alerts: Iterable[Alert], hits: Mapping[str, Hit]) -> float:
        """How sure it is that the root was down.

        An alert that is alone may be of no failure: the odds are even, and fall with the silence of every other CI
        that would be down with it and is known to be monitored.
        """
        if "root" in incident.pinned:
            return 1.0
        if any(a.ci != root and a.ci in hits for a in alerts):
            return incident.root.confidence
        due = sum(h.state is State.DOWN and h.ci != root and bool(self.spells(h.ci)) for h in hits.values())
        return incident.root.confidence / (1 + (1 - P_SPEAKS[State.DOWN]) ** -min(due, _ENOUGH))


def down_with(failure: Failure, most: int) -> list[str]:
    """The CIs that are down in a failure, the root and the nearest first; the root alone where it only works badly."""
    if not failure.is_outage:
        return [failure.root]
    down = [h for h in failure.hits.values() if h.state is State.DOWN]
    return [h.ci for h in sorted(down, key=lambda h: (h.hops, h.ci))[:most]]


def _spells(alerts: Iterable[Alert], until: datetime) -> dict[str, tuple[Spell, ...]]:
    by_ci: dict[str, list[Alert]] = {}
    for alert in alerts:
        if alert.ci is not None:
            by_ci.setdefault(alert.ci, []).append(alert)
    return {ci: tuple(_spell(ci, run, until) for run in _runs(here, until)) for ci, here in by_ci.items()}


def _runs(alerts: Iterable[Alert], until: datetime) -> list[list[Alert]]:
    """The alerts parted wherever all was quiet for longer than one failure's symptoms take to begin."""
    runs: list[list[Alert]] = []
    end = until
    for alert in sorted(alerts, key=lambda a: (a.onset, a.id)):
        cleared = alert.cleared_at or until
        if runs and alert.onset - end <= WINDOW:
            runs[-1].append(alert)
            end = max(end, cleared)
        else:
            runs.append([alert])
            end = cleared
    return runs


def _spell(ci: str, alerts: list[Alert], until: datetime) -> Spell:
    return Spell(
        ci=ci,
        start=alerts[0].onset,
        end=max(a.cleared_at or until for a in alerts),
        is_outage=any(is_outage(a.labels) for a in alerts),
        incident=next((a.incident for a in alerts if a.incident is not None), None),
    )
