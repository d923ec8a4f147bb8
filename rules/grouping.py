"""From alerts to incidents: which belong together, which open something, which join, merge or split."""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from rules.alert import Alert, Severity
from rules.assess import assess, reassess
from rules.culprit import Explanation
from rules.diagnose import explain
from rules.draft import Draft
from rules.greedy import OPEN_ODDS
from rules.incident import NOT_RESOLVED, Incident, Level, Link, Priority, Status
from rules.lifecycle import Step, next_status
from rules.likelihood import Sign
from rules.signs import LOCKED, case_of, is_held, region_of, sign_of, signs_of

ALONE = "more likely noise so far: nothing that it would go with alerts, and it has not lasted"

NOT_IGNORED_AFTER = timedelta(minutes=15)
"""A critical alert that fires for so long opens an incident even where all speaks for noise; a choice: no one should
find a critical alert an hour later with nobody told."""

SURE = 0.9
"""A root that is less sure than this is thought about again as time passes."""

LOOK_AGAIN = timedelta(seconds=30)


@dataclass(frozen=True, slots=True, kw_only=True)
class Group:
    """An explanation with the alerts it accounts for."""

    found: Explanation
    alerts: tuple[Alert, ...]


def regroup(draft: Draft) -> None:
    """Find the incidents that the alerts of this cycle open, join or change."""
    draft.called.update(_due(draft))
    dirty = [a for a in map(draft.alert, sorted(draft.fired | draft.called)) if a is not None]
    serious = _take_back(draft, [a for a in dirty if a.severity > Severity.INFO])
    signs, alerts = signs_of(draft, region_of(draft, {draft.situation.subject(a) for a in serious}))
    if signs:
        explanations = explain(case_of(draft, signs, alerts))
        groups = [Group(found=e, alerts=tuple(a for ci in e.explained for a in alerts[ci])) for e in explanations]
        for group, incident, merged in _matched(draft, groups):
            _settle(draft, group, incident, merged, signs)
    _give_reasons(draft, dirty)


def _due(draft: Draft) -> Iterator[str]:
    """Alerts that opened nothing, or whose incident has no sure root, of which it is time to think again."""
    for alert_id in draft.situation.waiting(draft.now):
        alert = draft.alert(alert_id)
        if alert is None or alert.look_again_at is None or alert.look_again_at > draft.now:
            continue
        incident = draft.incident(alert.incident) if alert.incident is not None else None
        if alert.is_firing and (incident is None or (incident.is_active and not is_held(draft, incident))):
            yield alert_id


def _take_back(draft: Draft, alerts: list[Alert]) -> list[Alert]:
    """Take alerts that were gone for a moment only back into the incidents they were in; the others are returned."""
    back: dict[int, list[Alert]] = {}
    others = []
    for alert in alerts:
        number = _was_in(draft, alert) if alert.incident is None else None
        if number is None:
            others.append(alert)
        else:
            back.setdefault(number, []).append(alert)
    for number, again in sorted(back.items()):
        incident = draft.incident(number)
        assert incident is not None  # noqa: S101  it was found active
        reassess(draft, _join(draft, incident, again))
    return others


def _was_in(draft: Draft, alert: Alert) -> int | None:
    """The open incident that held this alert until a moment ago."""
    gap = draft.situation.policy.resolve_after
    for known in map(draft.alert, sorted(draft.on_ci(draft.situation.subject(alert)))):
        if known is None or known.fingerprint != alert.fingerprint or known.incident is None:
            continue
        incident = draft.incident(known.incident)
        is_recent = known.cleared_at is not None and alert.starts_at - known.cleared_at <= gap
        if is_recent and incident is not None and incident.is_active:
            return incident.number
    return None


def _matched(draft: Draft, groups: list[Group]) -> list[tuple[Group, Incident | None, list[Incident]]]:
    """Give each open incident to the group of the root that people know, else to the one that holds most of it.

    Of several incidents in one group the earliest goes on.
    """
    votes: dict[int, Counter[int]] = {}
    for index, group in enumerate(groups):
        for alert in group.alerts:
            incident = draft.incident(alert.incident) if alert.incident is not None else None
            if incident is None or not incident.is_active:
                continue
            is_root = incident.root.ci == (group.found.root if group.found.root in draft.situation.estate else None)
            if is_root or not is_held(draft, incident):
                votes.setdefault(incident.number, Counter())[index] += 1
    owners: dict[int, list[int]] = {}
    for number, counted in sorted(votes.items()):
        incident = draft.incident(number)
        root = incident.root.ci if incident is not None else None
        best = max(counted, key=lambda i: (groups[i].found.root == root, counted[i], -i))
        owners.setdefault(best, []).append(number)
    matched = []
    for index, group in enumerate(groups):
        mine = [i for i in map(draft.incident, owners.get(index, [])) if i is not None]
        matched.append((group, mine[0] if mine else _held_with_root(draft, group), mine[1:]))
    return matched


def _held_with_root(draft: Draft, group: Group) -> Incident | None:
    """An open incident of the same root whose alerts are settled, or one that a person registered and that has none
    yet: newcomers still join it."""
    for incident in draft.with_root(group.found.root):
        if incident.is_active and (is_held(draft, incident) or not draft.members(incident.number)):
            return incident
    return None


def _settle(
    draft: Draft, group: Group, incident: Incident | None, merged: list[Incident], signs: Mapping[str, Sign]
) -> None:
    """Carry out what was found for one group."""
    if incident is None:
        if all(_is_settled(draft, a) for a in group.alerts):
            return
        incident = _reopened(draft, group) or _opened(draft, group)
        if incident is None:
            return
    for part in merged:
        merge(draft, part, incident, reason="one failure explains both")
    incident = _join(draft, draft.incident(incident.number) or incident, group.alerts)
    if is_held(draft, incident):
        reassess(draft, incident)
    else:
        _plan_another_look(draft, assess(draft, incident, group.found, signs))


def _plan_another_look(draft: Draft, incident: Incident) -> None:
    """Diagnose an incident whose root is not sure again a little later: what stays silent by then says more."""
    again = None
    if incident.root.confidence < SURE:
        again = draft.now + max(LOOK_AGAIN, (draft.now - incident.opened_at) / 2)
    members = draft.member_alerts(incident.number)
    first = next((a.id for a in members if a.is_firing), "")
    # One alert stands for all; what another is still down for, from before it joined or was the first, is off.
    for alert in members:
        planned = again if alert.id == first else None
        if alert.look_again_at != planned:
            draft.change_alert(alert, look_again_at=planned)


def _join(draft: Draft, incident: Incident, alerts: Iterable[Alert]) -> Incident:
    known = {a.fingerprint for a in draft.member_alerts(incident.number)}
    joined = [
        a
        for a in map(draft.alert, sorted(a.id for a in alerts))
        if a and a.incident != incident.number and not _is_settled(draft, a)
    ]
    again = sum(a.fingerprint in known for a in joined)
    for alert in joined:
        draft.change_alert(alert, incident=incident.number, reason="", look_again_at=None)
    # The line "opened by …" has said it already where an incident begins with a single alert.
    if len(joined) > 1 or (joined and incident.number in draft.situation.incidents):
        draft.note(incident.number, "alerts_joined", f"{_counted(joined)} joined: {_named(joined)}")
    firing = any(a.is_firing for a in draft.member_alerts(incident.number))
    quiet = None if firing else (incident.quiet_since or draft.now)
    if joined or quiet != incident.quiet_since:
        return draft.change_incident(incident, refired=incident.refired + again, quiet_since=quiet)
    return incident


def _is_settled(draft: Draft, alert: Alert) -> bool:
    other = draft.incident(alert.incident) if alert.incident is not None else None
    return other is not None and other.is_active and is_held(draft, other)


def _counted(alerts: list[Alert]) -> str:
    return "1 alert" if len(alerts) == 1 else f"{len(alerts)} alerts"


def _named(alerts: list[Alert]) -> str:
    shown = [f"{a.name} on {a.ci or 'an unknown CI'}" for a in alerts[:5]]
    return ", ".join(shown) + (f" and {len(alerts) - 5} more" if len(alerts) > 5 else "")


def merge(draft: Draft, part: Incident, into: Incident, *, reason: str, actor: str = "incidentd") -> None:
    """Make `part` a part of `into`; it is kept, with its number and history."""
    for alert in draft.member_alerts(part.number):
        draft.change_alert(alert, incident=into.number)
    status = next_status(part.status, Step.MERGE)
    draft.change_incident(part, status=status, merged_into=into.number, closed_at=draft.now)
    draft.note(part.number, "merged", f"merged into {into.key}: {reason}", actor=actor, new=into.key)
    draft.note(into.number, "merged", f"{part.key} is part of this: {reason}", actor=actor, old=part.key)
    current = draft.incident(into.number) or into
    draft.change_incident(current, links=(*current.links, Link(kind="merged from", number=part.number)))
    draft.news.append((part.number, "merged", f"it is part of {into.key}: {reason}"))


def _reopened(draft: Draft, group: Group) -> Incident | None:
    """The incident that ended by itself a short while ago and of which this is the relapse."""
    if _why_not(draft, group):
        return None
    since = draft.now - draft.situation.policy.reopen_within
    prints = {a.fingerprint for a in group.alerts}
    for incident in reversed(draft.all_incidents() if len(prints) < 1000 else draft.with_root(group.found.root)):
        if incident.status is not Status.RESOLVED or incident.resolved_at is None or incident.resolved_at < since:
            continue
        if _is_relapse(draft, group, prints, incident):
            return reopen(draft, incident, reason="its alerts fire again")
    return None


def _is_relapse(draft: Draft, group: Group, prints: set[str], ended: Incident) -> bool:
    """The same root; or alerts of which most were part of it, where what they point to needs its root."""
    root = ended.root.ci
    if root == group.found.root:
        return True
    if root is not None and group.found.root not in draft.situation.reach.whole(root):
        return False
    again = prints & {a.fingerprint for a in draft.member_alerts(ended.number)}
    return len(again) > len(prints) / 2


def reopen(draft: Draft, incident: Incident, *, reason: str, actor: str = "incidentd") -> Incident:
    """Take an ended incident up again."""
    status = next_status(incident.status, Step.REOPEN)
    draft.note(
        incident.number,
        "reopened",
        f"reopened: {reason}",
        actor=actor,
        old=str(incident.status),
        new=str(status),
        field="status",
        reason=reason,
    )
    draft.news.append((incident.number, "reopened", reason))
    return draft.change_incident(incident, status=status, quiet_since=None, **NOT_RESOLVED)


def _opened(draft: Draft, group: Group) -> Incident | None:
    why_not = _why_not(draft, group)
    if why_not:
        _keep_as_events(draft, group, why_not)
        return None
    number = draft.new_number()
    links = []
    ended = [i for i in draft.with_root(group.found.root) if i.status in (Status.RESOLVED, Status.CLOSED)]
    if ended:
        links.append(Link(kind="relapse of", number=ended[-1].number))
    parents = sorted({a.incident for a in group.alerts if a.incident is not None})
    links += [Link(kind="split from", number=parent) for parent in parents if _is_open(draft, parent)]
    incident = new_incident(draft, number, tuple(links))
    draft.note(number, "opened", _opening_words(group), new="open")
    for link in links:
        draft.note(number, "linked", f"{link.kind} INC-{link.number}")
    return incident


def _keep_as_events(draft: Draft, group: Group, why_not: str) -> None:
    """Leave the alerts outside every incident, also those that an open one held before its root was known better."""
    for alert in map(draft.alert, sorted(a.id for a in group.alerts)):
        if alert is None or _is_settled(draft, alert):
            continue
        if alert.incident is None and (alert.reason != why_not or why_not == ALONE):
            draft.change_alert(alert, reason=why_not, look_again_at=_look_again_at(draft, alert, why_not))
        elif alert.incident is not None and _is_open(draft, alert.incident):
            draft.note(alert.incident, "alert_left", f"{alert.name} on {alert.ci or 'an unknown CI'} is no part of it")
            draft.change_alert(alert, incident=None, reason=f"{why_not}; not explained by the incident it was in")


def _look_again_at(draft: Draft, alert: Alert, why_not: str) -> datetime | None:
    """The older an alert is, the less often it pays to think about it again: each time it is half as old again."""
    if why_not != ALONE or not alert.is_firing:
        return None
    return draft.now + max(LOOK_AGAIN, (draft.now - alert.first_seen_at) / 2)


def _is_open(draft: Draft, number: int) -> bool:
    incident = draft.incident(number)
    return incident is not None and incident.is_active


def new_incident(draft: Draft, number: int, links: tuple[Link, ...] = ()) -> Incident:
    """An incident of which nothing is known yet but that there is one."""
    incident = Incident(
        number=number,
        status=Status.OPEN,
        title="",
        priority=Priority.P5,
        impact=Level.LOW,
        urgency=Level.LOW,
        priority_reason="",
        opened_at=draft.now,
        updated_at=draft.now,
        links=links,
        version=0,
    )
    return draft.change_incident(incident)


def _opening_words(group: Group) -> str:
    first = min(group.alerts, key=lambda a: (a.starts_at, a.id))
    return f"opened by {first.name}" + (f" on {first.ci}" if first.ci else "")


def _why_not(draft: Draft, group: Group) -> str:
    """Why these alerts open nothing; empty where they do. What an incident holds already calls for no other."""
    firing = [a for a in group.alerts if a.is_firing and not _is_settled(draft, a)]
    if not firing:
        return "it had cleared before anything could be decided"
    calling = [a for a in firing if not a.suppressed]
    if not calling:
        return firing[0].suppressed
    if group.found.odds < OPEN_ODDS and not any(_has_lasted(draft, a) for a in calling):
        return ALONE
    return ""


def _has_lasted(draft: Draft, alert: Alert) -> bool:
    """Whether people have to know of it however little goes with it."""
    return alert.severity is Severity.CRITICAL and draft.now - alert.first_seen_at >= NOT_IGNORED_AFTER


def _give_reasons(draft: Draft, dirty: list[Alert]) -> None:
    """Say of each new alert that is in no incident why not."""
    for stale in dirty:
        alert = draft.alert(stale.id)
        if alert is None or alert.incident is not None:
            continue
        if alert.severity is Severity.INFO:
            draft.change_alert(alert, reason="severity info is kept as an event")
        elif not alert.reason:
            draft.change_alert(alert, reason="it had cleared before anything could be decided")


def split(draft: Draft, incident: Incident, ci: str, *, actor: str) -> Incident:
    """Move the alerts about one CI into an incident of their own, and keep both as the person wants them."""
    leaving = [a for a in draft.member_alerts(incident.number) if draft.situation.subject(a) == ci]
    number = draft.new_number()
    child = new_incident(draft, number, (Link(kind="split from", number=incident.number),))
    draft.change_incident(incident, pinned=incident.pinned | {LOCKED})
    child = draft.change_incident(child, pinned=frozenset({LOCKED}))
    for alert in leaving:
        draft.change_alert(alert, incident=number)
    draft.note(number, "opened", f"split from {incident.key} for {ci}", actor=actor)
    draft.note(incident.number, "split", f"{_counted(leaving)} on {ci} moved to {child.key}", actor=actor)
    signs = {ci: sign_of(draft, ci, leaving)}
    found = Explanation(root=ci, explained=(ci,), candidates=((ci, 1.0),), odds=0.0)
    return assess(draft, child, found, signs)
