"""What an incident means: its root, impact, priority, owner and title."""

from collections.abc import Collection, Mapping, Sequence
from typing import Any

from cmdb.impact import Hit, business_view, impact, states
from cmdb.model import State
from rules.alert import Alert, Severity
from rules.culprit import Explanation
from rules.draft import Draft
from rules.evidence import beside_line, change_line, doubt_lines, evidence_lines, joint_line, weighed_lines
from rules.incident import Candidate, HitService, Incident, RootCause
from rules.kinds import is_outage
from rules.likelihood import Sign
from rules.priority import Rating, overrule, rate
from rules.priority_rule import Place, first_fit, next_look, places_of, users_of
from rules.registered import GROUP, keep_registered, state_of, with_reported
from rules.resolve import UNKNOWN_PREFIX
from rules.routing import Facts, routed
from rules.signs import beside_of

WEIGHED = 3
"""So many candidates get words of what speaks for and against them."""

_WIDEST = 10_000


def assess(draft: Draft, incident: Incident, found: Explanation, signs: Mapping[str, Sign]) -> Incident:
    """Give the incident the root that was found, unless a person has set another, and all that follows from it."""
    root = incident.root if "root" in incident.pinned else _root(draft, found, signs)
    if incident.root.ci != root.ci and incident.version and incident.root.ci is not None:
        draft.note(
            incident.number,
            "root_changed",
            f"root cause is now {root.ci}: {root.evidence[0] if root.evidence else ''}",
            old=incident.root.ci,
            new=root.ci or "",
            field="root",
            reason=root.evidence[0] if root.evidence else "",
        )
    return reassess(draft, draft.change_incident(incident, root=root))


def reassess(draft: Draft, incident: Incident) -> Incident:
    """Work out impact, priority, owner and title anew from the incident's root and alerts.

    Where the root is in the CMDB no more, what was known of the failure stays: nothing could take its place.
    """
    estate = draft.situation.estate
    alerts = draft.member_alerts(incident.number)
    worst = max((a.severity for a in alerts), default=Severity.WARNING)
    root = incident.root.ci
    if root is not None and root not in estate:
        return keep_registered(draft, incident, incident, alerts)
    state = state_of(incident, None if root is None else root_state(root, alerts))
    hits = {} if root is None else hits_of(draft, incident.number, root, state)
    services = with_reported(estate, incident, _services(draft, hits, alerts))
    hit = None if root is None else [h.state for h in hits.values() if h.ci != root]
    rating = rate(estate, services, worst, matrix=draft.situation.policy.matrix, hit=hit)
    places = places_of(estate, root, state, services)
    group, group_reason = _group(draft, incident, services, alerts)
    changed = draft.change_incident(
        incident,
        state=state,
        impacted=tuple(h.ci for h in hits.values() if h.state >= State.REDUCED),
        services=services,
        users=users_of(places),
        **({} if "priority" in incident.pinned else _prioritized(draft, root, rating, places)),
        group=group,
        group_reason=group_reason,
        title=incident.title if "title" in incident.pinned else title_of(draft, root, services, alerts),
    )
    changed = keep_registered(draft, incident, changed, alerts)
    if draft.situation.policy.roster and changed.group != incident.group:
        draft.note(incident.number, "routed", group_reason, old=incident.group, new=changed.group, field="group")
    if incident.title and changed.priority != incident.priority:
        draft.note(
            incident.number,
            "priority_changed",
            f"priority is now {changed.priority}: {changed.priority_reason}",
            old=str(incident.priority),
            new=str(changed.priority),
            field="priority",
            reason=changed.priority_reason,
        )
    return changed


def _prioritized(draft: Draft, root: str | None, rating: Rating, places: Sequence[Place]) -> dict[str, Any]:
    """The incident's fields about its priority: as the matrix has it, or the first rule that fits."""
    policy = draft.situation.policy
    ci = draft.situation.estate.get(root) if root is not None else None
    rule = first_fit(policy.priority_rules, ci.type if ci is not None else "", places, draft.now)
    made_by = rating.matrix_words
    if rule is not None:
        rating, made_by = overrule(rating, rule, policy.matrix), f"rule: {rule.name}"
    return {
        "impact": rating.impact,
        "urgency": rating.urgency,
        "priority": rating.priority,
        "priority_reason": rating.reason,
        "priority_rule": made_by,
        "priority_until": next_look(policy.priority_rules, draft.now),
    }


def review_priorities(draft: Draft) -> None:
    """Assess those incidents anew for which a calendar has opened or closed that their priority depends on."""
    for incident in map(draft.incident, draft.situation.agenda.due(draft.now)):
        until = incident.priority_until if incident is not None else None
        if incident is not None and incident.is_active and until is not None and until <= draft.now:
            reassess(draft, incident)


def root_state(root: str, alerts: Collection[Alert]) -> State:
    """A root is down once an outage is heard of, works badly once anything critical or a second CI is; else at risk."""
    if any(is_outage(a.labels) for a in alerts):
        return State.DOWN
    if any(a.severity is Severity.CRITICAL or a.ci != root for a in alerts):
        return State.DEGRADED
    return State.AT_RISK


def hits_of(draft: Draft, number: int, root: str, state: State) -> dict[str, Hit]:
    """What the failure reaches, together with other open failures where redundancy joins them."""
    estate = draft.situation.estate
    alone = draft.situation.reach.whole(root) if state is State.DOWN else impact(estate, {root: state})
    others = _partners(draft, number, alone).union(_beside(draft, number, root)) - {root}
    if not others:
        return alone
    given = states(estate, dict.fromkeys(sorted(others), State.DOWN))
    joint = impact(estate, {root: state}, given=given)
    return {**alone, **joint}


def _beside(draft: Draft, number: int, root: str) -> tuple[str, ...]:
    incident = draft.incident(number)
    return beside_of(draft, incident) if incident is not None and incident.root.ci == root else ()


def _partners(draft: Draft, number: int, alone: Mapping[str, Hit]) -> set[str]:
    """Roots of other open incidents that took down members of the redundancy groups that this failure weakens."""
    found: set[str] = set()
    estate, impacted_by = draft.situation.estate, draft.situation.impacted_by
    for hit in alone.values():
        if hit.state is not State.REDUCED:
            continue
        for member in estate.providers(hit.ci):
            for other in impacted_by.get(member, ()):
                incident = draft.incident(other)
                root = None if incident is None or not incident.is_active or other == number else incident.root.ci
                if root is not None and root in estate:
                    found.add(root)
    return found


def title_of(draft: Draft, root: str | None, services: Collection[HitService], alerts: Collection[Alert]) -> str:
    """The incident in one plain line: what failed and which services that hits."""
    names = sorted({a.name for a in alerts})
    if root is None:
        subject = draft.situation.subject(next(iter(alerts))).removeprefix(UNKNOWN_PREFIX) if alerts else "unknown"
        return f"{'/'.join(names[:2])} on {subject}, which the CMDB does not know"
    ci = draft.situation.estate.ci(root)
    what = f"{ci.title} ({ci.type.replace('-', ' ')})"
    ends = {State.DOWN: " failed", State.DEGRADED: " works badly", State.AT_RISK: f": {'/'.join(names[:2])}"}
    head = what + ends[root_state(root, alerts)]
    return f"{head}: {_service_words(services)}"


def _service_words(services: Collection[HitService]) -> str:
    for state in (State.DOWN, State.DEGRADED, State.AT_RISK):
        hit = [s.name for s in services if s.state.word == state.word]
        if hit:
            named = hit if len(hit) <= 3 else [*hit[:2], f"{len(hit) - 2} more services"]
            text = named[0] if len(named) == 1 else f"{', '.join(named[:-1])} and {named[-1]}"
            return f"{text} {state.word}"
    return "no business service affected"


def _services(draft: Draft, hits: Mapping[str, Hit], alerts: Collection[Alert]) -> tuple[HitService, ...]:
    estate = draft.situation.estate
    found = [
        HitService(ci=h.ci, name=estate.ci(h.ci).title, state=h.state)
        for h in business_view(estate, hits)
        if h.state > State.UP
    ]
    known = {s.ci for s in found}
    heard = {a.ci for a in alerts if a.ci in estate.business_services and a.severity is Severity.CRITICAL}
    found += [
        HitService(ci=ci, name=estate.ci(ci).title, state=State.DEGRADED)
        for ci in sorted(c for c in heard if c is not None and c not in known)
    ]
    return tuple(found)


def _group(
    draft: Draft, incident: Incident, services: Collection[HitService], alerts: Collection[Alert]
) -> tuple[str, str]:
    """The group and why; one that a person or an escalation gave it stays."""
    if GROUP in incident.pinned:
        return incident.group, incident.group_reason
    root = incident.root.ci
    ci = draft.situation.estate.get(root) if root is not None else None
    facts = Facts(
        at=incident.opened_at,
        owner=ci.owner if ci is not None else "",
        ci=ci.id if ci is not None else "",
        ci_type=ci.type if ci is not None else "",
        services=frozenset(s.ci for s in services),
        categories=categories_of(incident, alerts),
    )
    return routed(draft.situation.policy.roster.routes, facts)


def categories_of(incident: Incident, alerts: Collection[Alert]) -> frozenset[str]:
    """The incident's own category, and what its alerts say by the label `category`."""
    return frozenset(c for c in (incident.category, *(a.labels.get("category") for a in alerts)) if c)


def _weighed(draft: Draft, ci: str, place: int, found: Explanation, signs: Mapping[str, Sign]) -> tuple[str, ...]:
    """The words for and against a candidate: of those beyond the first few only whether it is a rival at all."""
    beside = (beside_line(found.root),) if ci in found.also else ()
    hits = draft.situation.reach.of(ci, _WIDEST) if place < WEIGHED else None
    return beside if hits is None else (*beside, *weighed_lines(ci, found.explained, signs, hits))


def _root(draft: Draft, found: Explanation, signs: Mapping[str, Sign]) -> RootCause:
    if found.root.startswith(UNKNOWN_PREFIX) and found.root not in draft.situation.estate:
        tried = [a.mapped_by for a in map(draft.alert, sorted(draft.on_ci(found.root))) if a is not None]
        return RootCause(confidence=0.0, evidence=tuple(tried[:1]))
    estate = draft.situation.estate
    hits = draft.situation.reach.whole(found.root)
    lines = evidence_lines(estate, found.root, found.explained, signs, hits)
    if found.beside:
        lines = (lines[0], joint_line(found.root, found.beside), *lines[1:])
    first = min(signs[ci].onset for ci in found.explained)
    work = draft.situation.maintenance.changed_recently(found.root, first)
    if work is not None:
        lines = (lines[0], change_line(work, first), *lines[1:])
    rivals = [(ci, chance) for ci, chance in found.candidates if ci not in found.also]
    lines = (lines[0], *doubt_lines(rivals, found.explained, signs), *lines[1:])
    candidates = tuple(
        Candidate(ci=ci, confidence=confidence, evidence=_weighed(draft, ci, place, found, signs))
        for place, (ci, confidence) in enumerate(found.candidates)
    )
    return RootCause(
        ci=found.root,
        confidence=candidates[0].confidence,
        beside=found.beside,
        evidence=lines,
        candidates=candidates,
    )
