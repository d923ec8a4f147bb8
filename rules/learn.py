"""What a cycle teaches.

An incident teaches when it is over, that is resolved, closed or merged: all that can be learnt from it as it stands is
worked out, and what it taught before (`Incident.taught`) is taken back. So each episode and each word of a person
counts once, however often the incident is reopened, split, merged or corrected; and as both are stored in one
transaction, a restart changes nothing. What a person resolved while it fired is counted when the incident closes; what
an incident has taught stays while it is open again.

An alert in no incident teaches when it clears. One that was over when it was first heard of teaches nothing, since
sources repeat such news; nor does one that was silenced, or that is mere information.
"""

from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta

from rules.alert import Alert, Severity
from rules.draft import Draft
from rules.incident import Incident, Status
from rules.lesson import (
    Lesson,
    delayed,
    ended,
    ended_alone,
    heard,
    root_confirmed,
    root_refuted,
    summed,
    taken_back,
    was_alone,
    watched,
)
from rules.likelihood import WINDOW_S

ALONE_FOR = timedelta(seconds=15)
"""An alert was alone at first where the next one came later than this: a usual cycle of polls."""


def learn(draft: Draft) -> None:
    """Draw the lessons of this cycle."""
    draft.lessons += [*_newly_heard(draft), *_watch(draft)]
    for alert in _outside(draft):
        draft.lessons += [ended(alert.name), _alone(alert), was_alone(alert.severity, failure=False)]
    for incident in _over(draft):
        taught = summed(_lessons_of(draft, incident))
        if taught != incident.taught:
            draft.lessons += [*taught, *taken_back(incident.taught)]
            draft.change_incident(incident, taught=taught)


def _watch(draft: Draft) -> list[Lesson]:
    """Once a window: how many CIs were watched in it, without which a count of noise says nothing."""
    window, before = int(draft.now.timestamp() // WINDOW_S), draft.situation.decided_at
    if before is None or int(before.timestamp() // WINDOW_S) == window:
        return []
    cis = draft.situation.experience.heard()
    return [watched(cis)] if cis else []


def _newly_heard(draft: Draft) -> list[Lesson]:
    cis = {a.ci for a in map(draft.alert, draft.fired) if a is not None and a.ci is not None}
    return [heard(ci) for ci in sorted(cis) if not draft.situation.experience.is_heard(ci)]


def _outside(draft: Draft) -> Iterator[Alert]:
    """Alerts that are over and in no incident, the cycle in which that came about."""
    for alert in draft.changed_alerts():
        if alert.is_firing or alert.incident is not None or not _is_telling(alert):
            continue
        if alert.id in draft.cleared or _was_in(draft, alert) is not None:
            yield alert


def _was_in(draft: Draft, alert: Alert) -> int | None:
    before = draft.situation.alerts.get(alert.id)
    return before.incident if before is not None else None


def _over(draft: Draft) -> list[Incident]:
    """Incidents that are over, of those that changed or that an alert has left."""
    numbers = {i.number for i in draft.touched()}
    for alert in draft.changed_alerts():
        before = _was_in(draft, alert)
        if before is not None and before != alert.incident:
            numbers.add(before)
    # One that an order recalls comes without its alerts: it would seem to teach nothing any more.
    found = (draft.incident(number) for number in sorted(numbers) if not draft.is_recalled(number))
    return [i for i in found if i is not None and not i.is_active]


def _lessons_of(draft: Draft, incident: Incident) -> Iterator[Lesson]:
    """All that the incident teaches; nothing where another one has taken it in, or where it was no failure."""
    if incident.status in (Status.MERGED, Status.CONVERTED):
        return
    alerts = draft.member_alerts(incident.number)
    is_lone = len({draft.situation.subject(a) for a in alerts}) == 1
    for alert in alerts:
        if alert.cleared_at is None:
            continue
        yield ended(alert.name)
        if is_lone and _cleared_by_itself(alert.cleared_at, incident):
            yield _alone(alert)
    yield from _of_beginning(incident, alerts)
    if not is_lone:
        yield from _delays(alerts)
    yield from _of_root(draft, incident)


def _cleared_by_itself(cleared_at: datetime, incident: Incident) -> bool:
    """Whether it was over before anybody did anything; what a person names a root for was a failure."""
    acted = [at for at in (incident.acknowledged_at, incident.resolved_at) if at is not None]
    return incident.confirmed_root is None and all(cleared_at <= at for at in acted)


def _of_beginning(incident: Incident, alerts: Sequence[Alert]) -> Iterator[Lesson]:
    """Whether an alert that was alone at first told of a failure: others joined it, or a person took it up."""
    onsets = sorted((a.onset, a.ci or "", a.severity) for a in alerts)
    first, others = onsets[:1], [at for at, ci, _ in onsets if ci != onsets[0][1]]
    for began, _, severity in first:
        if others:
            if min(others) - began > ALONE_FOR:
                yield was_alone(severity, failure=True)
        elif all(a.cleared_at is not None for a in alerts):
            by_itself = all(_cleared_by_itself(a.cleared_at or began, incident) for a in alerts)
            yield was_alone(severity, failure=not by_itself)


def _delays(alerts: Sequence[Alert]) -> Iterator[Lesson]:
    """How long after the first sign each alert began; one that comes and goes counts by its first episode."""
    first: dict[str, Alert] = {}
    for alert in sorted(alerts, key=lambda a: (a.onset, a.id)):
        first.setdefault(alert.fingerprint, alert)
    began = min((a.onset for a in alerts), default=None)
    for alert in first.values():
        if began is not None:
            yield delayed(alert.name, alert.onset - began)


def _of_root(draft: Draft, incident: Incident) -> Iterator[Lesson]:
    right, named = incident.confirmed_root, incident.diagnosed_root
    if right is None:
        return
    yield from root_confirmed(right, _type_of(draft, right))
    if named is not None and named != right:
        yield from root_refuted(named, _type_of(draft, named), _type_of(draft, right))


def _type_of(draft: Draft, ci: str) -> str:
    known = draft.situation.estate.get(ci)
    return known.type if known is not None else ""


def _is_telling(alert: Alert) -> bool:
    """Not mere information or a request, nor what people were kept from seeing, at its source or by us."""
    is_silenced = bool(alert.holds) or any(seen.suppressed for seen in alert.seen_by.values())
    return alert.severity > Severity.INFO and not is_silenced and alert.request is None


def _alone(alert: Alert) -> Lesson:
    return ended_alone(alert.name, (alert.cleared_at or alert.onset) - alert.onset)
