"""Recorded alerts through the daemon's own decision path, on a virtual clock, writing nothing."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import msgspec

from cmdb.graph import Estate
from daemon.sources.recorded_file import read_recording
from daemon.sources.recording import Recording
from rules.alert import Alert, Sighting
from rules.decide import decide
from rules.decision import Decision, Push
from rules.document import event_document, incident_document
from rules.incident import Incident
from rules.past import History
from rules.policy import Policy
from rules.situation import Situation

_NEVER = datetime.min.replace(tzinfo=UTC)
_SOURCE = "replay"
INTERVAL = timedelta(seconds=15)
"""Time between two cycles where nothing else is asked for."""

_SETTLE_CYCLES = 400
"""Cycles after the last event at the most, in which quiet incidents resolve, where the recording has no end."""


@dataclass(slots=True)
class Record:
    """All that was decided, by identity: what the store would hold."""

    alerts: dict[str, Alert] = field(default_factory=dict)
    incidents: dict[int, Incident] = field(default_factory=dict)

    def take(self, decision: Decision) -> None:
        """Remember a decision."""
        self.alerts.update((a.id, a) for a in decision.episodes(self.alerts))
        self.incidents.update((i.number, i) for i in decision.incidents)


Watcher = Callable[[Record, Decision], None]
"""Told of each decision, with the record as it stood before."""


def replay(estate: Estate, events_path: Path, policy: Policy, interval: timedelta) -> dict[str, Any]:
    """Decide over a file of recorded events, a cycle every `interval`; the document of the outer contract.

    Raises ConfigError, with every bad line, where the file is not what it should be.
    """
    return run(estate, read_recording(events_path), policy, interval)


def replay_history(estate: Estate, events_path: Path, policy: Policy, interval: timedelta = INTERVAL) -> History:
    """The stretch of the record that a daemon would have, had it heard the recorded events; ConfigError as `replay`."""
    recording = read_recording(events_path)
    record = decided(estate, recording, policy, interval)
    events = recording.events
    return History(
        since=events[0].at if events else _NEVER,
        until=events[-1].at if events else _NEVER,
        incidents=tuple(record.incidents.values()),
        alerts=tuple(record.alerts.values()),
    )


def run(
    estate: Estate, recording: Recording, policy: Policy, interval: timedelta, *, watch: Watcher | None = None
) -> dict[str, Any]:
    """Decide over a recording, a cycle every `interval`; the document of the outer contract."""
    return _document(decided(estate, recording, policy, interval, watch=watch), recording.spellings)


def decided(
    estate: Estate, recording: Recording, policy: Policy, interval: timedelta, *, watch: Watcher | None = None
) -> Record:
    """Everything that is decided over a recording, a cycle every `interval`.

    It begins with the first event. It ends where the recording ends; where that is not known, once all incidents are
    over or some time has passed after the last event.
    """
    situation, record = Situation(estate, policy), Record()
    for now, sightings in _cycles(recording, interval):
        changes = [Push(source=_SOURCE, at=now, sightings=sightings)] if sightings else []
        decision = decide(situation, changes, now)
        if watch is not None:
            watch(record, decision)
        record.take(decision)
        situation.apply(decision)
        is_after = not sightings and now > recording.events[-1].at
        if is_after and not any(i.is_active for i in situation.incidents.values()):
            break
    return record


def _cycles(recording: Recording, interval: timedelta) -> Iterator[tuple[datetime, tuple[Sighting, ...]]]:
    events = recording.events
    if not events:
        return
    now, taken = events[0].at, 0
    end = recording.until or events[-1].at + interval * _SETTLE_CYCLES
    while taken < len(events) or now <= end:
        upto = taken
        while upto < len(events) and events[upto].at <= now:
            upto += 1
        yield now, tuple(e.sighting for e in events[taken:upto])
        taken = upto
        now += interval


def _document(record: Record, spellings: Mapping[str, str]) -> dict[str, Any]:
    by_incident: dict[int, list[Alert]] = {}
    events = []
    for alert in in_order(record.alerts.values()):
        if alert.incident is None:
            events.append(shown(event_document(alert), alert, spellings))
        else:
            by_incident.setdefault(alert.incident, []).append(alert)
    incidents = []
    for number in sorted(record.incidents):
        alerts = by_incident.get(number, [])
        document = msgspec.to_builtins(incident_document(record.incidents[number], alerts))
        for each, alert in zip(document["alerts"], alerts, strict=True):
            each["startsAt"] = spellings.get(alert.id, each["startsAt"])
        incidents.append(document)
    return {"incidents": incidents, "events": events}


def in_order(alerts: Iterable[Alert]) -> list[Alert]:
    """Alerts in order of start and identity."""
    return sorted(alerts, key=lambda a: (a.starts_at, a.id))


def shown(document: msgspec.Struct, alert: Alert, spellings: Mapping[str, str]) -> dict[str, Any]:
    """An alert's document with its start as the recording spells it."""
    fields: dict[str, Any] = msgspec.to_builtins(document)
    return {**fields, "startsAt": spellings.get(alert.id, fields["startsAt"])}
