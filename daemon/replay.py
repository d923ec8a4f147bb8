"""Recorded alerts through the daemon's own decision path, on a virtual clock, writing nothing."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import msgspec

from cmdb.graph import Estate
from cmdb.problems import Problem
from daemon.errors import ConfigError
from rules.alert import Alert, Sighting, alert_id
from rules.decide import decide
from rules.decision import Decision, Push
from rules.document import event_document, incident_document
from rules.incident import Incident
from rules.past import History
from rules.policy import Policy
from rules.situation import Situation

_UNSET = datetime.fromisoformat("0001-01-01T00:00:00+00:00")
_SOURCE = "replay"
INTERVAL = timedelta(seconds=15)
"""Time between two cycles where nothing else is asked for."""

_SETTLE_CYCLES = 400
"""Cycles after the last event at the most, in which quiet incidents resolve."""


class _Line(msgspec.Struct, frozen=True):
    """One recorded event, in Alertmanager's shape."""

    receivedAt: str  # noqa: N815  Alertmanager's spelling
    labels: dict[str, str]
    startsAt: str  # noqa: N815
    status: str = "firing"
    annotations: dict[str, str] = {}
    endsAt: str = ""  # noqa: N815
    generatorURL: str = ""  # noqa: N815


@dataclass(frozen=True, slots=True, kw_only=True)
class Event:
    """What was heard and when."""

    at: datetime
    sighting: Sighting


@dataclass(slots=True)
class Record:
    """All that was decided, by identity: what the store would hold."""

    alerts: dict[str, Alert] = field(default_factory=dict)
    incidents: dict[int, Incident] = field(default_factory=dict)

    def take(self, decision: Decision) -> None:
        """Remember a decision."""
        self.alerts.update((a.id, a) for a in decision.alerts)
        self.incidents.update((i.number, i) for i in decision.incidents)


def replay(estate: Estate, events_path: Path, policy: Policy, interval: timedelta) -> dict[str, Any]:
    """Decide over the recorded events, a cycle every `interval`; the document of the outer contract.

    Raises ConfigError, with every bad line, where the file is not what it should be.
    """
    events, spellings = read_events(events_path)
    return _document(decided(estate, events, policy, interval), spellings)


def replay_history(estate: Estate, events_path: Path, policy: Policy, interval: timedelta = INTERVAL) -> History:
    """The stretch of the record that a daemon would have, had it heard the recorded events; ConfigError as `replay`."""
    events, _ = read_events(events_path)
    record = decided(estate, events, policy, interval)
    return History(
        since=events[0].at if events else _UNSET,
        until=events[-1].at if events else _UNSET,
        incidents=tuple(record.incidents.values()),
        alerts=tuple(record.alerts.values()),
    )


def decided(estate: Estate, events: list[Event], policy: Policy, interval: timedelta) -> Record:
    """Everything that is decided over events in order of arrival, a cycle every `interval`."""
    situation, record = Situation(estate, policy), Record()
    for now, sightings in _cycles(events, interval):
        changes = [Push(source=_SOURCE, at=now, sightings=sightings)] if sightings else []
        decision = decide(situation, changes, now)
        record.take(decision)
        situation.apply(decision)
        if not sightings and now > events[-1].at and not any(i.is_active for i in situation.incidents.values()):
            break
    return record


def _cycles(events: list[Event], interval: timedelta) -> Iterator[tuple[datetime, tuple[Sighting, ...]]]:
    if not events:
        return
    now, taken = events[0].at, 0
    end = events[-1].at + interval * _SETTLE_CYCLES
    while now <= end:
        upto = taken
        while upto < len(events) and events[upto].at <= now:
            upto += 1
        yield now, tuple(e.sighting for e in events[taken:upto])
        taken = upto
        now += interval


def read_events(path: Path) -> tuple[list[Event], dict[str, str]]:
    """The events in order of arrival, and each alert's start as it was spelled."""
    decoder = msgspec.json.Decoder(_Line)
    events: list[Event] = []
    spellings: dict[str, str] = {}
    problems: list[Problem] = []
    for number, text in enumerate(_lines(path), 1):
        if not text.strip():
            continue
        try:
            line = decoder.decode(text)
            event = _event(line)
        except (msgspec.DecodeError, ValueError) as error:
            allowed = "a JSON object with receivedAt, status, labels, startsAt"
            problems.append(Problem(file=str(path), line=number, what=str(error), allowed=allowed))
            continue
        events.append(event)
        identity = alert_id(event.sighting.fingerprint, event.sighting.starts_at)
        spellings.setdefault(identity, line.startsAt)
    if problems:
        raise ConfigError(problems)
    return sorted(events, key=lambda e: e.at), spellings


def _lines(path: Path) -> list[bytes]:
    try:
        return path.read_bytes().splitlines()
    except OSError as error:
        what = f"cannot be read: {error.strerror}"
        raise ConfigError([Problem(file=str(path), line=0, what=what, allowed="a file of JSON lines")]) from error


def _event(line: _Line) -> Event:
    if line.status not in ("firing", "resolved"):
        raise ValueError(f'status is "{line.status}", not firing or resolved')
    at, starts_at = _instant(line.receivedAt), _instant(line.startsAt)
    ends_at = _instant(line.endsAt) if line.endsAt else _UNSET
    firing = line.status == "firing"
    return Event(
        at=at,
        sighting=Sighting(
            labels=line.labels,
            annotations=line.annotations,
            starts_at=starts_at,
            ends_at=(None if ends_at <= _UNSET else ends_at) if firing else (at if ends_at <= _UNSET else ends_at),
            firing=firing,
            generator_url=line.generatorURL,
        ),
    )


def _instant(text: str) -> datetime:
    at = datetime.fromisoformat(text)
    if at.tzinfo is None:
        raise ValueError(f'"{text}" has no time zone')
    return at.astimezone(_UNSET.tzinfo)


def _document(record: Record, spellings: dict[str, str]) -> dict[str, Any]:
    by_incident: dict[int, list[Alert]] = {}
    events = []
    for alert in sorted(record.alerts.values(), key=lambda a: (a.starts_at, a.id)):
        if alert.incident is None:
            events.append(alert)
        else:
            by_incident.setdefault(alert.incident, []).append(alert)
    incidents = []
    for number in sorted(record.incidents):
        alerts = sorted(by_incident.get(number, []), key=lambda a: (a.starts_at, a.id))
        document = msgspec.to_builtins(incident_document(record.incidents[number], alerts))
        for shown, alert in zip(document["alerts"], alerts, strict=True):
            shown["startsAt"] = spellings.get(alert.id, shown["startsAt"])
        incidents.append(document)
    shown_events = []
    for alert in events:
        shown = msgspec.to_builtins(event_document(alert))
        shown["startsAt"] = spellings.get(alert.id, shown["startsAt"])
        shown_events.append(shown)
    return {"incidents": incidents, "events": shown_events}
