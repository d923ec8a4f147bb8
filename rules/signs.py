"""What one diagnosis looks at: the alerts that could share a cause, as signs, and what is known around them."""

from collections.abc import Callable, Iterable, Mapping
from datetime import timedelta
from functools import cache

from cmdb.impact import states
from cmdb.model import State
from rules.alert import Alert, Severity
from rules.diagnose import SPREAD_FLOOR, SPREAD_LIMIT
from rules.draft import Draft
from rules.incident import Incident
from rules.kinds import Kind, caller_of, is_outage, kind_of, news_of
from rules.likelihood import (
    P_ALERT,
    P_LEAK,
    P_MONITORED_HEARD,
    P_MONITORED_TYPE,
    P_MONITORED_UNKNOWN,
    PRIOR,
    Heard,
    Sign,
    outlasted,
)
from rules.score import WINDOW, Case
from rules.situation import Situation

RECENT_CHANGE = 2.0
"""Log-odds for a CI on which announced work was under way or over for less than `rules.maintenance.RECENT`: 7 to 1.

A choice, not a measurement. New programs or configuration triggered 68 % of Google's outages, 2010 to 2017 (The Site
Reliability Workbook, appendix C). At about 0.7, and one CI in ten under recent change, a changed CI is seven times as
likely as the average to be what failed. Mostly fewer are changed, which says more; but other estates fail otherwise.
"""

LOCKED = "membership"
"""Pinned on both incidents where a person has merged or split: the daemon then leaves their alerts together. It never
merges one that is pinned so; hence a merged one that is pinned was merged by a person."""


def is_held(draft: Draft, incident: Incident) -> bool:
    """Whether what belongs to the incident is settled: by a person, or because its first symptoms are all in.

    Others may still join it; it is not diagnosed again, so what clears or comes late cannot turn its root or split it.
    """
    return LOCKED in incident.pinned or draft.now - incident.opened_at > WINDOW


def region_of(draft: Draft, subjects: set[str]) -> set[str]:
    """Every CI with alerts that could share a cause with these, and all of the incidents they are in."""
    situation = draft.situation
    limit = SPREAD_FLOOR + SPREAD_LIMIT * draft.sign_count()
    region = set(subjects)
    queue = sorted(s for s in subjects if s in situation.estate)
    seen = set(queue)
    for ci in queue:
        hits = situation.reach.of(ci, limit)
        if hits is None:
            continue
        region.update(h for h in hits if draft.has_signs(h))
        for provider in situation.estate.providers(ci):
            if provider not in seen:
                seen.add(provider)
                queue.append(provider)
    numbers = {a.incident for ci in region for a in map(draft.alert, draft.on_ci(ci)) if a is not None}
    for number in numbers:
        incident = draft.incident(number) if number is not None else None
        if incident is not None and incident.is_active and not is_held(draft, incident):
            region.update(situation.subject(a) for a in draft.member_alerts(incident.number))
    return region


def signs_of(draft: Draft, region: Iterable[str]) -> tuple[dict[str, Sign], dict[str, list[Alert]]]:
    signs, alerts = {}, {}
    for subject in sorted(region):
        here = [a for a in map(draft.alert, sorted(draft.on_ci(subject))) if a is not None and _is_evidence(draft, a)]
        if here:
            here = _latest_spell(here, draft.situation.policy.resolve_after)
            signs[subject] = sign_of(draft, subject, here)
            alerts[subject] = here
    return signs, alerts


def _latest_spell(alerts: list[Alert], gap: timedelta) -> list[Alert]:
    """The alerts of a CI since it was last quiet for longer than `gap`: what was before tells of another failure."""
    ordered = sorted(alerts, key=lambda a: (a.starts_at, a.id))
    first, quiet_at = 0, ordered[0].cleared_at
    for index, alert in enumerate(ordered[1:], start=1):
        if quiet_at is not None and alert.starts_at - quiet_at > gap:
            first, quiet_at = index, alert.cleared_at
        elif quiet_at is not None:
            quiet_at = None if alert.cleared_at is None else max(quiet_at, alert.cleared_at)
    return ordered[first:]


def _is_evidence(draft: Draft, alert: Alert) -> bool:
    """Alerts in force, and those cleared that an open incident was made of; never what a person has settled."""
    if alert.severity is Severity.INFO or alert.request is not None:
        return False
    incident = draft.incident(alert.incident) if alert.incident is not None else None
    if incident is None:
        return alert.is_firing or alert.id in draft.fired
    if not incident.is_active:
        return alert.is_firing and alert.id in draft.fired
    if not is_held(draft, incident):
        return True
    # The root's own alerts go on saying whether it still fails, and with it what joins late.
    return LOCKED not in incident.pinned and alert.ci == incident.root.ci and _is_recent(draft, alert)


def sign_of(draft: Draft, subject: str, alerts: list[Alert]) -> Sign:
    return Sign(
        ci=subject,
        onset=min(a.onset for a in alerts),
        heard=tuple(sorted(_heard(draft, a) for a in alerts)),
        severity=max(a.severity for a in alerts),
        names=frozenset(a.name for a in alerts),
        is_firing=any(a.is_firing for a in alerts),
        last=max(a.cleared_at or draft.now for a in alerts),
        strained=frozenset(news_of(a.labels) for a in alerts if kind_of(a.labels) is Kind.RESOURCE),
        is_outage=any(is_outage(a.labels) for a in alerts),
        callers=frozenset(filter(None, (caller_of(a.labels) for a in alerts))),
    )


def _heard(draft: Draft, alert: Alert) -> Heard:
    """An alert is the less likely to have fired for no reason, the longer it has lasted and the less its like do."""
    experience, began = draft.situation.experience, alert.onset
    lasted = (alert.cleared_at or draft.now) - began
    outlives = experience.outlasted(alert.name, lasted, outlasted(lasted.total_seconds()))
    usual = P_LEAK[alert.severity]
    noise = outlives * experience.noisiness(alert.name) * experience.leak(alert.severity, usual) / usual
    return Heard(began.timestamp(), alert.severity, noise, kind_of(alert.labels) is Kind.RESOURCE)


def case_of(draft: Draft, signs: Mapping[str, Sign], alerts: Mapping[str, list[Alert]]) -> Case:
    """The signs with what is known around them."""
    situation = draft.situation
    estate = situation.estate
    types = {estate.ci(ci).type for ci in signs if ci in estate}

    @cache
    def monitored(ci: str) -> float:
        if draft.has_signs(ci) or situation.experience.is_heard(ci):
            return P_MONITORED_HEARD
        kind = estate.ci(ci).type
        is_known = kind in types or situation.experience.heard_of_type(kind) > 0
        return P_MONITORED_TYPE if is_known else P_MONITORED_UNKNOWN

    @cache
    def is_masked(ci: str) -> bool:
        return any(a is not None and a.is_firing for a in map(draft.alert, draft.on_ci(ci)))

    numbers = {a.incident for found in alerts.values() for a in found if a.incident is not None}
    incumbents = {
        i.root.ci
        for i in map(draft.incident, sorted(numbers))
        if i is not None and i.is_active and i.root.ci is not None and not is_held(draft, i)
    }
    standing = _standing(draft, signs)
    beside = {i.root.ci or "": beside_of(draft, i) for i in standing}
    failed = {i.root.ci or "": i.state for i in standing}
    for incident in standing:
        failed.update(dict.fromkeys(beside[incident.root.ci or ""], State.DOWN))
    given = states(estate, failed)
    return Case(
        reach=situation.reach,
        now=draft.now.timestamp(),
        signs=signs,
        incumbents=incumbents,
        standing={i.root.ci or "": i.opened_at.timestamp() for i in standing},
        beside=beside,
        given=given,
        is_masked=is_masked,
        monitored=monitored,
        prior=_prior_of(draft.situation, signs),
        alone=lambda severity: situation.experience.alone(severity, PRIOR * P_ALERT[State.DOWN, severity]),
    )


def _prior_of(situation: Situation, signs: Mapping[str, Sign]) -> Callable[[str], float]:
    """How much likelier than the average each CI is to fail, by what its type did before and by work on it."""
    # As of the last symptom: later work has caused none of them, and time that passes turns no root.
    last_onset = max(sign.onset for sign in signs.values())

    @cache
    def prior(ci: str) -> float:
        is_changed = situation.maintenance.changed_recently(ci, last_onset) is not None
        return situation.experience.prior(situation.estate.ci(ci).type) + RECENT_CHANGE * is_changed

    return prior


def _standing(draft: Draft, signs: Mapping[str, Sign]) -> list[Incident]:
    """The settled open incidents whose failure goes on and reaches one of the signs, oldest first."""
    numbers = {n for ci in signs for n in draft.situation.impacted_by.get(ci, ())}
    found = [i for i in map(draft.incident, sorted(numbers)) if i is not None]
    settled = [i for i in found if i.is_active and i.root.ci in draft.situation.estate and is_held(draft, i)]
    return [i for i in settled if _goes_on(draft, i)]


def _goes_on(draft: Draft, incident: Incident) -> bool:
    """Whether the root still fails, by its own alerts or else by half of the CIs that alerted with it.

    An incident may outlive its failure by a single alert that does not clear; it explains nothing new then.
    """
    if is_supposed(draft, incident):
        return True
    members = draft.member_alerts(incident.number)
    return _most_last(draft, [a for a in members if a.ci == incident.root.ci] or members)


def is_supposed(draft: Draft, incident: Incident) -> bool:
    """Whether another open incident can be what it is only if the root of this one has failed, and still does.

    The alerts of the first may clear for no better reason than that the second makes worse ones of them.
    """
    root = incident.root.ci
    others = map(draft.incident, sorted(draft.situation.impacted_by.get(root or "", ())))
    return any(o is not None and o.is_active and root in o.root.beside and _is_whole(draft, o) for o in others)


def beside_of(draft: Draft, incident: Incident) -> tuple[str, ...]:
    """The CIs that must have failed with its root, as long as what only all of them can do lasts."""
    return (
        tuple(ci for ci in incident.root.beside if ci in draft.situation.estate) if _is_whole(draft, incident) else ()
    )


def _is_whole(draft: Draft, incident: Incident) -> bool:
    """Whether what fails only because several have failed still does."""
    return bool(incident.root.beside) and _most_last(draft, draft.member_alerts(incident.number))


def _most_last(draft: Draft, alerts: Iterable[Alert]) -> bool:
    """Whether at least half of the CIs that these alerts are about still alert, or did until a moment ago."""
    alerts = list(alerts)
    return 2 * len({a.ci for a in alerts if _is_recent(draft, a)}) >= len({a.ci for a in alerts})


def _is_recent(draft: Draft, alert: Alert) -> bool:
    """Whether it fires, or did so until a moment ago."""
    return alert.cleared_at is None or draft.now - alert.cleared_at <= draft.situation.policy.resolve_after
