"""Plays a scenario cycle by cycle through the daemon's own decision path, as a polled source would bring it."""

import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path

import msgspec

from bench.story import BEGAN_AT, Scenario, moment
from cmdb.importers.yaml_file import load_cmdb
from daemon.replay import INTERVAL, Record
from daemon.sources.recorded_file import read_recording
from daemon.sources.recording import Event
from rules.alert import Sighting
from rules.decide import decide
from rules.decision import Decision, Listing, Notice, SourceFailed
from rules.incident import Incident
from rules.policy import Policy
from rules.situation import Situation, rebuild
from rules.subscriptions import Subscription

_SOURCE = "main"
_EVERYBODY = (Subscription(to="people"),)
# Nobody acknowledges anything here: word of promised times would only drown what is judged.
_POLICY = Policy(service_levels=())


@dataclass(slots=True)
class Played:
    """What came of a scenario: the record in the end, all notices, and the open incidents after every cycle.

    `heard_at` has the cycle in which each episode was first heard of without a silence, by alert id.
    """

    record: Record = field(default_factory=Record)
    notices: list[Notice] = field(default_factory=list)
    frames: list[tuple[datetime, tuple[Incident, ...]]] = field(default_factory=list)
    heard_at: dict[str, datetime] = field(default_factory=dict)

    def take(self, decision: Decision, situation: Situation) -> None:
        """Remember one cycle, after it was applied."""
        self.record.take(decision)
        self.notices += decision.notices
        active = tuple(i for _, i in sorted(situation.incidents.items()) if i.is_active)
        self.frames.append((decision.at, active))
        for alert in decision.alerts:
            if alert.is_firing and not alert.suppressed:
                self.heard_at.setdefault(alert.id, decision.at)

    def open_at(self, seconds: float) -> tuple[Incident, ...]:
        """The incidents that were open after the last cycle until then."""
        at = moment(seconds)
        return next((incidents for when, incidents in reversed(self.frames) if when <= at), ())


def play(scenario: Scenario, *, restarts: bool = True) -> Played:
    """Play it to its last view; without its restarts where they are not wanted."""
    with tempfile.TemporaryDirectory(prefix="scenario-") as folder:
        cmdb, events_path = scenario.write(Path(folder))
        estate = load_cmdb(cmdb)
        events = read_recording(events_path).events
    due = sorted(scenario.restarts) if restarts else []
    situation, played = Situation(estate, _POLICY, _EVERYBODY), Played()
    for now, firing in _polls(events, moment(scenario.lasts)):
        if due and moment(due[0]) <= now:
            due.pop(0)
            situation = restarted(situation, played.record, now)
        seconds = (now - BEGAN_AT).total_seconds()
        if scenario.is_lost(seconds):
            change: Listing | SourceFailed = SourceFailed(source=_SOURCE, at=now, error="connection refused")
        else:
            seen = tuple(_silenced(scenario, sighting, seconds) for sighting in firing)
            change = Listing(source=_SOURCE, at=now, sightings=seen)
        decision = decide(situation, [change], now)
        situation.apply(decision)
        played.take(decision, situation)
    return played


def restarted(before: Situation, record: Record, now: datetime) -> Situation:
    """The situation as a daemon that starts now builds it from what the store kept.

    The store does not hear of every renewal of a push, for which the daemon then gives some time; to the story it was
    never away, so here each push runs out when it would have without the restart.
    """
    fresh = Situation(before.estate, before.policy, before.subscriptions)
    since = now - before.policy.close_after
    held = {a.incident for a in record.alerts.values() if a.is_firing}
    kept = [i for i in record.incidents.values() if i.number in held or i.settled_at is None or i.settled_at >= since]
    numbers = {i.number for i in kept}
    alerts = [a for a in record.alerts.values() if a.is_firing or a.incident in numbers]
    lessons, silences = before.experience.lessons(), before.silences.values()
    rebuild(
        fresh,
        kept,
        alerts,
        before.sources.values(),
        now,
        lessons=lessons,
        silences=silences,
        overrides=before.overrides.values(),
        mailboxes=before.mailboxes.values(),
        records=before.records.values(),
        next_record=before.next_record,
    )
    fresh.next_number = max(record.incidents, default=0) + 1
    return fresh


def _polls(events: Sequence[Event], end: datetime) -> Iterator[tuple[datetime, tuple[Sighting, ...]]]:
    """Each cycle's time and all that fires then, in order of arrival."""
    firing: dict[str, Sighting] = {}
    now, taken = BEGAN_AT, 0
    while now <= end:
        while taken < len(events) and events[taken].at <= now:
            sighting = events[taken].sighting
            firing.pop(sighting.fingerprint, None)
            if sighting.firing:
                firing[sighting.fingerprint] = sighting
            taken += 1
        yield now, tuple(firing.values())
        now += INTERVAL


def _silenced(scenario: Scenario, sighting: Sighting, seconds: float) -> Sighting:
    if not scenario.is_silenced(sighting.labels["ci"], seconds):
        return sighting
    return msgspec.structs.replace(sighting, suppressed="silenced")
