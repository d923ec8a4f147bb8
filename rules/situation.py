"""All that the daemon holds in mind between cycles: what fires, where, and what was decided about it.

A `Situation` only changes by `apply`, which is handed a `Decision` once that is safely stored; everything in it can be
built again from the store. Its indexes make a cycle cost what changed, never what there is.
"""

from collections.abc import Iterable, Mapping
from datetime import datetime
from types import MappingProxyType
from typing import TypeVar

from cmdb.graph import Estate
from rules.agenda import Agenda
from rules.alert import Alert, Hold
from rules.change_windows import maintenance_of
from rules.decision import Decision, SourceState
from rules.experience import Experience
from rules.incident import Incident
from rules.lesson import Lesson
from rules.maintenance import Maintenance
from rules.policy import Policy
from rules.reach import Reach
from rules.record import KEPT as RECORDS_KEPT
from rules.record import Change, Kind, Record
from rules.resolve import subject_of
from rules.rotation import OVERRIDES_KEPT, Override
from rules.silence import KEPT, Silence
from rules.subscriptions import Subscription
from rules.telling import Mailbox

KeyT = TypeVar("KeyT")
_STEP_S = 15


class Situation:
    """The incidents that may still change, their alerts, and every alert that fires."""

    def __init__(self, estate: Estate, policy: Policy, subscriptions: tuple[Subscription, ...] = ()) -> None:
        self.estate = estate
        self.policy = policy
        self.subscriptions = subscriptions
        self.reach = Reach(estate)
        self.experience = Experience(estate)
        self.maintenance = Maintenance(estate, policy.maintenance, policy.resolve_after)
        self.alerts: dict[str, Alert] = {}
        self.current: dict[str, str] = {}
        self.incidents: dict[int, Incident] = {}
        self.members: dict[int, set[str]] = {}
        self.on_ci: dict[str, set[str]] = {}
        self.by_source: dict[str, set[str]] = {}
        self.by_root: dict[str, set[int]] = {}
        self.impacted_by: dict[str, set[int]] = {}
        self.sources: dict[str, SourceState] = {}
        self.silences: dict[str, Silence] = {}
        self.records: dict[str, Record] = {}
        self.next_record: dict[Kind, int] = {}
        self.overrides: dict[str, Override] = {}
        self.mailboxes: dict[str, Mailbox] = {}
        self.agenda = Agenda()
        self.telling = Agenda()
        self.held: dict[Hold, set[str]] = {}
        self.next_number = 1
        self.decided_at: datetime | None = None
        self._expiring: dict[int, set[str]] = {}
        self._waiting: dict[int, set[str]] = {}

    def apply(self, decision: Decision) -> None:
        """Take in what was decided and stored."""
        for alert in (*decision.alerts, *decision.refreshed):
            self._take_alert(alert)
        for incident in decision.incidents:
            self._take_incident(incident)
        for source in decision.sources:
            self.sources[source.name] = source
        self.experience.take(decision.lessons)
        self._take_silences(decision)
        self._take_records(decision)
        self._take_overrides(decision)
        self._take_mailboxes(decision)
        self.decided_at = decision.at
        self._forget(decision)

    def subject(self, alert: Alert) -> str:
        """What the alert is about: its CI, or a name of its own (with a leading `?`) where it maps nowhere."""
        return alert.ci or subject_of(alert.labels, self.policy.mapping_labels)

    def expiring(self, now: datetime) -> list[str]:
        """Ids of alerts that have a source whose word may have run out by `now`, in order."""
        due = _step(now)
        return sorted(i for step, ids in self._expiring.items() if step <= due for i in ids if i in self.alerts)

    def waiting(self, now: datetime) -> list[str]:
        """Ids of alerts that opened nothing and are to be thought about again by `now`, in order."""
        due = _step(now)
        return sorted(i for step, ids in self._waiting.items() if step <= due for i in ids if i in self.alerts)

    def _take_alert(self, alert: Alert) -> None:
        before = self.alerts.get(alert.id)
        self.alerts[alert.id] = alert
        if alert.is_firing:
            self.current[alert.fingerprint] = alert.id
        elif self.current.get(alert.fingerprint) == alert.id:
            del self.current[alert.fingerprint]
        self._index_membership(before, alert)
        self._index_holds(before, alert)
        self.on_ci.setdefault(self.subject(alert), set()).add(alert.id)
        for source, seen in alert.seen_by.items():
            self._index_source(source, alert.fingerprint)
            if seen.firing and alert.is_firing and seen.expires_at is not None:
                self._expiring.setdefault(_step(seen.expires_at), set()).add(alert.id)
        if alert.look_again_at is not None:
            self._waiting.setdefault(_step(alert.look_again_at), set()).add(alert.id)

    def _index_source(self, source: str, fingerprint: str) -> None:
        current = self.alerts.get(self.current.get(fingerprint, ""))
        seen = current.seen_by.get(source) if current is not None else None
        holds = self.by_source.setdefault(source, set())
        if seen is not None and seen.firing:
            holds.add(fingerprint)
        else:
            holds.discard(fingerprint)

    def _index_membership(self, before: Alert | None, alert: Alert) -> None:
        if before is not None and before.incident is not None and before.incident != alert.incident:
            self.members.get(before.incident, set()).discard(alert.id)
        if alert.incident is not None:
            self.members.setdefault(alert.incident, set()).add(alert.id)

    def _index_holds(self, before: Alert | None, after: Alert | None) -> None:
        """Keep in mind which firing alerts each silence and window holds back."""
        if before is not None and before.is_firing:
            for hold in before.holds:
                self.held[hold].discard(before.id)
                if not self.held[hold]:
                    del self.held[hold]
        if after is not None and after.is_firing:
            for hold in after.holds:
                self.held.setdefault(hold, set()).add(after.id)

    def _take_silences(self, decision: Decision) -> None:
        if not decision.silences:
            return
        self.silences.update((s.id, s) for s in decision.silences)
        for old in [s.id for s in self.silences.values() if s.ends_at < decision.at - KEPT]:
            del self.silences[old]

    def _take_records(self, decision: Decision) -> None:
        if not decision.records:
            return
        for record in decision.records:
            self.records[record.key] = record
            self.next_record[record.kind] = max(self.next_record.get(record.kind, 1), record.number + 1)
        since = decision.at - RECORDS_KEPT
        for old in [r.key for r in self.records.values() if r.settled_at is not None and r.settled_at < since]:
            del self.records[old]
        if any(isinstance(record, Change) for record in decision.records):
            self.maintenance = maintenance_of(self.estate, self.policy, self.records.values())

    def _take_overrides(self, decision: Decision) -> None:
        if not decision.overrides:
            return
        self.overrides.update((o.id, o) for o in decision.overrides)
        for old in [o.id for o in self.overrides.values() if o.ends_at < decision.at - OVERRIDES_KEPT]:
            del self.overrides[old]

    def _take_mailboxes(self, decision: Decision) -> None:
        self.mailboxes.update((box.to, box) for box in decision.mailboxes)
        for number, at in decision.looks.items():
            self.telling.put(number, at)

    def _take_incident(self, incident: Incident) -> None:
        self._index_incident(self.incidents.get(incident.number), present=False)
        self.incidents[incident.number] = incident
        self._index_incident(incident, present=True)
        self.agenda.put(incident.number, incident.next_at)
        self.next_number = max(self.next_number, incident.number + 1)

    def _index_incident(self, incident: Incident | None, *, present: bool) -> None:
        if incident is None:
            return
        entries = [(self.by_root, ci) for ci in (incident.root.ci,) if ci is not None]
        if incident.is_active or not present:
            entries += [(self.impacted_by, ci) for ci in (*incident.impacted, *incident.root.beside)]
        for index, ci in entries:
            _index(index, ci, incident.number, present=present)

    def _forget(self, decision: Decision) -> None:
        """Drop what can no longer matter: ended incidents with their alerts, and cleared alerts that opened none."""
        for number in decision.forgotten:
            for alert_id in self.members.pop(number, set()):
                self._drop_alert(alert_id)
            self._index_incident(self.incidents.pop(number, None), present=False)
            self.agenda.put(number, None)
            self.telling.put(number, None)
        for alert in decision.alerts:
            if not alert.is_firing and alert.incident is None:
                self._drop_alert(alert.id)
        due = _step(decision.at)
        for agenda in (self._expiring, self._waiting):
            for step in [s for s in agenda if s < due]:
                del agenda[step]

    def _drop_alert(self, alert_id: str) -> None:
        alert = self.alerts.pop(alert_id, None)
        if alert is None:
            return
        self._index_holds(alert, None)
        here = self.on_ci.get(self.subject(alert))
        if here is not None:
            here.discard(alert_id)
            if not here:
                del self.on_ci[self.subject(alert)]


def _index(index: dict[KeyT, set[int]], key: KeyT, number: int, *, present: bool) -> None:
    if present:
        index.setdefault(key, set()).add(number)
    elif key in index:
        index[key].discard(number)
        if not index[key]:
            del index[key]


def is_past(incident: Incident, now: datetime, policy: Policy) -> bool:
    """Whether the incident can no longer change; one that holds an alert that still fires must be kept all the same."""
    return incident.settled_at is not None and now - incident.settled_at >= policy.reopen_within


def rebuild(
    situation: Situation,
    incidents: Iterable[Incident],
    alerts: Iterable[Alert],
    sources: Iterable[SourceState],
    at: datetime,
    *,
    lessons: Iterable[Lesson] = (),
    silences: Iterable[Silence] = (),
    records: Iterable[Record] = (),
    next_record: Mapping[Kind, int] = MappingProxyType({}),
    overrides: Iterable[Override] = (),
    mailboxes: Iterable[Mailbox] = (),
) -> None:
    """Fill an empty situation with what the store held, less what the daemon had forgotten before it was stopped."""
    situation.next_record.update(next_record)
    kept, episodes = tuple(incidents), tuple(alerts)
    held = {a.incident for a in episodes if a.is_firing}
    situation.apply(
        Decision(
            at=at,
            incidents=kept,
            alerts=episodes,
            sources=tuple(sources),
            lessons=tuple(lessons),
            silences=tuple(silences),
            records=tuple(records),
            overrides=tuple(overrides),
            mailboxes=tuple(mailboxes),
            looks={i.number: at for i in kept if i.is_active},
            forgotten=tuple(i.number for i in kept if is_past(i, at, situation.policy) and i.number not in held),
        )
    )
    # Silences and windows may have begun or ended since: the next decision looks at every alert once.
    situation.decided_at = None


def _step(at: datetime) -> int:
    return int(at.timestamp()) // _STEP_S
