"""A decision in the making: what one cycle has changed so far, laid over the situation it started from."""

from dataclasses import replace
from datetime import datetime
from typing import Any, TypeVar

import msgspec

from rules.alert import Alert
from rules.decision import ActorKind, Decision, Notice, Recalled, Reply, SourceState, TimelineEntry
from rules.escalation import ClockEvent
from rules.incident import Incident
from rules.lesson import Lesson, summed
from rules.record import Kind, Record, kind_of
from rules.rotation import Override
from rules.silence import Silence
from rules.situation import Situation
from rules.telling import Mailbox, Telling

DAEMON = "incidentd"
RecordT = TypeVar("RecordT", bound=Record)


class Draft:
    """Reads fall through to the situation, writes stay here; `decision()` is what came of it."""

    def __init__(self, situation: Situation, now: datetime) -> None:
        self.situation = situation
        self.now = now
        self.person = ""
        self.fired: set[str] = set()
        self.cleared: set[str] = set()
        self.called: set[str] = set()
        self.listed: dict[str, set[str]] = {}
        self.replies: list[Reply] = []
        self.notices: list[Notice] = []
        self.news: list[tuple[int, str, str]] = []
        self.clock_events: list[ClockEvent] = []
        self.handed_over: set[int] = set()
        self.tellings: list[Telling] = []
        self.said: set[tuple[int, str, str]] = set()
        self.lessons: list[Lesson] = []
        self._alerts: dict[str, Alert] = {}
        self._refreshed: dict[str, Alert] = {}
        self._current: dict[str, str | None] = {}
        self._on_ci: dict[str, set[str]] = {}
        self._members: dict[int, set[str]] = {}
        self._incidents: dict[int, Incident] = {}
        self._sources: dict[str, SourceState] = {}
        self._silences: dict[str, Silence] = {}
        self._records: dict[str, Record] = {}
        self._recalled: dict[int, Incident] = {}
        self._recalled_records: dict[str, Record] = {}
        self._overrides: dict[str, Override] = {}
        self._mailboxes: dict[str, Mailbox] = {}
        self._looks: dict[int, datetime | None] = {}
        self._timeline: list[TimelineEntry] = []
        self._forgotten: list[int] = []
        self._next_number = situation.next_number
        self._next_record = dict(situation.next_record)

    # -- alerts

    def alert(self, alert_id: str) -> Alert | None:
        """The alert as it stands now."""
        return self._alerts.get(alert_id) or self._refreshed.get(alert_id) or self.situation.alerts.get(alert_id)

    def current(self, fingerprint: str) -> Alert | None:
        """The episode that fires under this identity, if one does."""
        found = self._current.get(fingerprint, "")
        alert_id = self.situation.current.get(fingerprint) if found == "" else found
        return self.alert(alert_id) if alert_id else None

    def put_alert(self, alert: Alert) -> None:
        """Record a change of an alert."""
        before = self.alert(alert.id)
        self._alerts[alert.id] = alert
        self._refreshed.pop(alert.id, None)
        if alert.is_firing:
            self._current[alert.fingerprint] = alert.id
        elif (now := self.current(alert.fingerprint)) is not None and now.id == alert.id:
            self._current[alert.fingerprint] = None
        if before is None:
            subject = self.situation.subject(alert)
            self._on_ci.setdefault(subject, set(self.situation.on_ci.get(subject, ()))).add(alert.id)
        old = before.incident if before is not None else None
        if old != alert.incident:
            if old is not None:
                self._owned(old).discard(alert.id)
            if alert.incident is not None:
                self._owned(alert.incident).add(alert.id)

    def changed_alerts(self) -> list[Alert]:
        """Alerts changed in this cycle, in order of identity."""
        return [self._alerts[i] for i in sorted(self._alerts)]

    def refresh_alert(self, alert: Alert) -> None:
        """Record that only the time at which a source's word runs out has moved."""
        if alert.id in self._alerts:
            self._alerts[alert.id] = alert
        else:
            self._refreshed[alert.id] = alert

    def change_alert(self, alert: Alert, **fields: Any) -> Alert:
        """Record a change of some fields."""
        changed = msgspec.structs.replace(alert, **fields)
        self.put_alert(changed)
        return changed

    def on_ci(self, ci: str) -> set[str]:
        """Ids of the live alerts about this CI; not to be changed by the caller."""
        found = self._on_ci.get(ci)
        return found if found is not None else self.situation.on_ci.get(ci, _EMPTY)

    def has_signs(self, ci: str) -> bool:
        """Whether any live alert is about this CI."""
        return ci in self._on_ci or ci in self.situation.on_ci

    def sign_count(self) -> int:
        """About how many CIs have live alerts."""
        return len(self.situation.on_ci) + len(self._on_ci)

    # -- incidents

    def incident(self, number: int) -> Incident | None:
        """The incident as it stands now."""
        return self._incidents.get(number) or self.situation.incidents.get(number) or self._recalled.get(number)

    def put_incident(self, incident: Incident) -> None:
        """Record a change of an incident."""
        before = self.situation.incidents.get(incident.number) or self._recalled.get(incident.number)
        version = before.version + 1 if before is not None else 1
        self._incidents[incident.number] = replace(incident, version=version, updated_at=self.now)

    def change_incident(self, incident: Incident, **fields: Any) -> Incident:
        """Record a change of some fields and give the incident as it is now."""
        self.put_incident(replace(incident, **fields))
        return self._incidents[incident.number]

    def new_number(self) -> int:
        """The number of the next incident."""
        number = self._next_number
        self._next_number += 1
        return number

    def members(self, number: int) -> set[str]:
        """Ids of the incident's alerts; not to be changed by the caller."""
        found = self._members.get(number)
        return found if found is not None else self.situation.members.get(number, _EMPTY)

    def member_alerts(self, number: int) -> list[Alert]:
        """The incident's alerts in order of identity."""
        return [a for a in map(self.alert, sorted(self.members(number))) if a is not None]

    def all_incidents(self) -> list[Incident]:
        """Every incident in mind, oldest first."""
        numbers = {*self.situation.incidents, *self._incidents}
        return [i for i in map(self.incident, sorted(numbers)) if i is not None]

    def with_root(self, ci: str) -> list[Incident]:
        """Incidents in mind whose root is this CI, oldest first."""
        numbers = set(self.situation.by_root.get(ci, ())) | set(self._incidents)
        found = [i for i in map(self.incident, sorted(numbers)) if i is not None]
        return [i for i in found if i.root.ci == ci]

    def touched(self) -> list[Incident]:
        """Incidents changed in this cycle, oldest first."""
        return [self._incidents[n] for n in sorted(self._incidents)]

    def forget(self, number: int) -> None:
        """Say that the incident can no longer change."""
        self._forgotten.append(number)

    def recall(self, recalled: Recalled) -> None:
        """Let what is no longer in mind be seen and changed in this cycle; it is forgotten again after it."""
        self._recalled.update((i.number, i) for i in recalled.incidents if i.number not in self.situation.incidents)
        known = self.situation.records
        self._recalled_records.update((r.key, r) for r in recalled.records if r.key not in known)

    def is_recalled(self, number: int) -> bool:
        """Whether the incident is in sight for this cycle only, without its alerts."""
        return number in self._recalled

    # -- records beside incidents

    def record(self, key: str) -> Record | None:
        """The record as it stands now."""
        return self._records.get(key) or self.situation.records.get(key) or self._recalled_records.get(key)

    def put_record(self, record: RecordT) -> RecordT:
        """Record a new one, or a change of one, and give it as it is now."""
        before = self.situation.records.get(record.key) or self._recalled_records.get(record.key)
        version = before.version + 1 if before is not None else 1
        kept = replace(record, version=version, updated_at=self.now)
        self._records[record.key] = kept
        return kept

    def changed_records(self) -> list[Record]:
        """The records changed in this cycle, by key."""
        return [self._records[key] for key in sorted(self._records)]

    def all_records(self) -> list[Record]:
        """Every record in mind, by key."""
        keys = {*self.situation.records, *self._records}
        return [r for r in map(self.record, sorted(keys)) if r is not None]

    def new_record_number(self, kind: Kind) -> int:
        """The number of the next record of a kind."""
        number = self._next_record.get(kind, 1)
        self._next_record[kind] = number + 1
        return number

    def thing(self, key: str) -> Incident | Record | None:
        """The incident or record of a key, as it stands now."""
        series, _, number = key.partition("-")
        return self.incident(int(number)) if kind_of(series) is None else self.record(key)

    # -- the rest

    def source(self, name: str) -> SourceState | None:
        """What is known of a source."""
        return self._sources.get(name) or self.situation.sources.get(name)

    def put_source(self, source: SourceState) -> None:
        """Record a change of a source."""
        self._sources[source.name] = source

    def all_sources(self) -> list[SourceState]:
        """Every source heard of, by name."""
        return [s for s in map(self.source, sorted({*self.situation.sources, *self._sources})) if s is not None]

    def silence(self, silence_id: str) -> Silence | None:
        """What is known of a silence."""
        return self._silences.get(silence_id) or self.situation.silences.get(silence_id)

    def put_silence(self, silence: Silence) -> None:
        """Record a new silence, or a change of one."""
        self._silences[silence.id] = silence

    def changed_silences(self) -> list[Silence]:
        """The silences recorded in this cycle, by id."""
        return [self._silences[i] for i in sorted(self._silences)]

    def all_silences(self) -> list[Silence]:
        """Every silence in mind, by id."""
        return [s for s in map(self.silence, sorted({*self.situation.silences, *self._silences})) if s is not None]

    def put_override(self, override: Override) -> None:
        """Record a new override of a schedule, or a change of one."""
        self._overrides[override.id] = override

    def all_overrides(self) -> list[Override]:
        """Every override in mind, by id."""
        every = {**self.situation.overrides, **self._overrides}
        return [every[i] for i in sorted(every)]

    def put_mailbox(self, box: Mailbox) -> None:
        """Record what is still to be told to one recipient."""
        self._mailboxes[box.to] = box

    def look_again(self, number: int, at: datetime | None) -> None:
        """Say when it may have to be told of an incident again, though nothing happens to it."""
        self._looks[number] = at

    def note(
        self,
        number: int,
        kind: str,
        text: str,
        *,
        actor: str = DAEMON,
        actor_kind: ActorKind | None = None,
        old: str = "",
        new: str = "",
        field: str = "",
        reason: str = "",
    ) -> None:
        """Add a line to an incident's history.

        Unless it is said, it is a person who acts where it is not the daemon; also one who bears the daemon's name,
        while their order is carried out (`person`).
        """
        self._timeline.append(
            TimelineEntry(
                incident=number,
                at=self.now,
                kind=kind,
                text=text,
                actor=actor,
                old=old,
                new=new,
                actor_kind=actor_kind or self._kind_of(actor),
                field=field,
                reason=reason,
            )
        )

    def _kind_of(self, actor: str) -> ActorKind:
        return "person" if actor != DAEMON or actor == self.person else "daemon"

    def noted(self) -> list[TimelineEntry]:
        """The lines added so far."""
        return list(self._timeline)

    def note_on(self, key: str, kind: str, text: str, *, actor: str = DAEMON, old: str = "", new: str = "") -> None:
        """Add a line to the history of whatever has this key."""
        series, _, number = key.partition("-")
        if kind_of(series) is None:
            self.note(int(number), kind, text, actor=actor, old=old, new=new)
            return
        self._timeline.append(
            TimelineEntry(
                incident=0,
                at=self.now,
                kind=kind,
                text=text,
                actor=actor,
                old=old,
                new=new,
                actor_kind=self._kind_of(actor),
                subject=key,
            )
        )

    def decision(self) -> Decision:
        """Everything that was changed."""
        return Decision(
            at=self.now,
            alerts=tuple(self.changed_alerts()),
            incidents=tuple(self.touched()),
            timeline=tuple(self._timeline),
            notices=tuple(self.notices),
            sources=tuple(self._sources[n] for n in sorted(self._sources)),
            replies=tuple(self.replies),
            lessons=summed(self.lessons),
            silences=tuple(self.changed_silences()),
            records=tuple(self.changed_records()),
            overrides=tuple(self._overrides[i] for i in sorted(self._overrides)),
            mailboxes=tuple(self._mailboxes[key] for key in sorted(self._mailboxes)),
            looks=dict(sorted(self._looks.items())),
            refreshed=tuple(self._refreshed[i] for i in sorted(self._refreshed)),
            forgotten=tuple(sorted({*self._forgotten, *(n for n in self._recalled if n in self._incidents)})),
            begun=frozenset(self._alerts.keys() - self.situation.alerts.keys()),
        )

    def _owned(self, number: int) -> set[str]:
        found = self._members.get(number)
        if found is None:
            found = self._members[number] = set(self.situation.members.get(number, ()))
        return found


_EMPTY: set[str] = set()
