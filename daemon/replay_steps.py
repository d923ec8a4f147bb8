"""What a replay came to know and decide, step by step: one step for each cycle in which something happened."""

from collections import Counter
from collections.abc import Iterable, Mapping
from typing import Any

import msgspec

from daemon.replay import Record
from rules.alert import Alert
from rules.decision import Decision, TimelineEntry
from rules.document import rfc3339
from rules.incident import Incident, Status, incident_key
from rules.timekeeping import KINDS
from rules.trace import CHANGED

_UNTOLD = frozenset({"notice", CHANGED, *KINDS})
"""Kinds of timeline entries that decide nothing about an incident, or only say what a step shows anyhow."""


class AlertStep(msgspec.Struct, frozen=True, kw_only=True):
    """An alert that fired, cleared or opened nothing in a step; `incident` is the one it is in after the step."""

    labels: dict[str, str]
    startsAt: str  # noqa: N815  as in the document beside it
    ci: str | None
    incident: str | None
    reason: str = ""

    @property
    def name(self) -> str:
        """The alert and what it is about, for people."""
        return f"{self.labels.get('alertname', 'alert')} on {self.ci or 'an unknown CI'}"


class EntryStep(msgspec.Struct, frozen=True, kw_only=True):
    """A line that the step added to the incident's timeline."""

    kind: str
    text: str


class Was(msgspec.Struct, frozen=True, kw_only=True):
    """How an incident stood before the step."""

    status: str
    priority: str
    root: str | None
    confidence: float


class IncidentStep(msgspec.Struct, frozen=True, kw_only=True):
    """An incident as it stands after a step in which something about it was decided.

    `event` is opened, reopened, merged, resolved, closed or changed. `was` is None where it has just been opened.
    `evidence` holds the reasons for its root that were not given before; `alerts` counts those in it.
    """

    number: str
    event: str
    title: str
    status: str
    priority: str
    priority_reason: str
    root: str | None
    confidence: float
    evidence: tuple[str, ...]
    alerts: int
    was: Was | None
    entries: tuple[EntryStep, ...]


class Step(msgspec.Struct, frozen=True, kw_only=True):
    """One cycle in which something happened; `events` are alerts of which it was decided that they open nothing."""

    at: str
    fired: tuple[AlertStep, ...] = ()
    cleared: tuple[AlertStep, ...] = ()
    incidents: tuple[IncidentStep, ...] = ()
    events: tuple[AlertStep, ...] = ()

    @property
    def is_empty(self) -> bool:
        """Whether nothing happened."""
        return not (self.fired or self.cleared or self.incidents or self.events)


class Steps:
    """Watches a replay (`daemon.replay.Watcher`) and keeps its steps in order of time."""

    def __init__(self, spellings: Mapping[str, str]) -> None:
        self.steps: list[Step] = []
        self._spellings = spellings
        self._members: Counter[int] = Counter()

    def take(self, before: Record, decision: Decision) -> None:
        """Keep what this decision is about, if it is about anything."""
        entries: dict[int, list[TimelineEntry]] = {}
        for entry in decision.timeline:
            if entry.kind not in _UNTOLD:
                entries.setdefault(entry.incident, []).append(entry)
        changed = [(before.alerts.get(a.id), a) for a in decision.episodes(before.alerts)]
        self._count(changed)
        step = Step(
            at=rfc3339(decision.at),
            fired=self._shown(a for old, a in changed if a.is_firing and (old is None or not old.is_firing)),
            cleared=self._shown(a for old, a in changed if old is not None and old.is_firing and not a.is_firing),
            incidents=tuple(
                self._incident(before.incidents.get(i.number), i, entries.get(i.number, []))
                for i in decision.incidents
                if i.number in entries or _has_moved(before.incidents.get(i.number), i)
            ),
            events=self._shown(a for old, a in changed if _opens_nothing(old, a)),
        )
        if not step.is_empty:
            self.steps.append(step)

    def _count(self, changed: Iterable[tuple[Alert | None, Alert]]) -> None:
        for old, alert in changed:
            if old is not None and old.incident is not None:
                self._members[old.incident] -= 1
            if alert.incident is not None:
                self._members[alert.incident] += 1

    def _shown(self, alerts: Iterable[Alert]) -> tuple[AlertStep, ...]:
        return tuple(
            AlertStep(
                labels=alert.labels,
                startsAt=self._spellings.get(alert.id) or rfc3339(alert.starts_at),
                ci=alert.ci,
                incident=None if alert.incident is None else incident_key(alert.incident),
                reason=alert.reason,
            )
            for alert in sorted(alerts, key=lambda a: (a.starts_at, a.name, a.ci or "", a.id))
        )

    def _incident(self, old: Incident | None, new: Incident, entries: Iterable[TimelineEntry]) -> IncidentStep:
        known = () if old is None or old.root.ci != new.root.ci else old.root.evidence
        return IncidentStep(
            number=new.key,
            event=_event(old, new),
            title=new.title,
            status=str(new.status),
            priority=str(new.priority),
            priority_reason=new.priority_reason,
            root=new.root.ci,
            confidence=new.root.confidence,
            evidence=tuple(line for line in new.root.evidence if line not in known),
            alerts=self._members[new.number],
            was=None if old is None else _was(old),
            entries=tuple(EntryStep(kind=e.kind, text=e.text) for e in entries),
        )


def about(steps: Iterable[Step], number: str) -> list[Step]:
    """What of the steps concerns one incident, `INC-3`: its alerts, what was decided of it, and what left it."""
    found = []
    for step in steps:
        part = msgspec.structs.replace(
            step,
            fired=tuple(a for a in step.fired if a.incident == number),
            cleared=tuple(a for a in step.cleared if a.incident == number),
            incidents=tuple(i for i in step.incidents if i.number == number),
            events=(),
        )
        if not part.is_empty:
            found.append(part)
    return found


def _opens_nothing(old: Alert | None, alert: Alert) -> bool:
    if alert.incident is not None or not alert.reason:
        return False
    return old is None or old.incident is not None or old.reason != alert.reason


def _has_moved(old: Incident | None, new: Incident) -> bool:
    return old is None or _what_counts(old) != _what_counts(new)


def _what_counts(incident: Incident) -> tuple[Any, ...]:
    return incident.status, incident.priority, incident.root.ci


def _event(old: Incident | None, new: Incident) -> str:
    if old is None:
        return "opened"
    if old.status is new.status:
        return "changed"
    return "reopened" if new.status is Status.OPEN else str(new.status)


def _was(old: Incident) -> Was:
    return Was(status=str(old.status), priority=str(old.priority), root=old.root.ci, confidence=old.root.confidence)
