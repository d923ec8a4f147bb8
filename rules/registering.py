"""Opening incidents by hand, and giving templates to those that are opened."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta

from rules.alert import Alert
from rules.assess import reassess
from rules.decision import Reply, ReportOrder
from rules.draft import Draft
from rules.errors import IncidentdError
from rules.grouping import new_incident
from rules.incident import Incident, Priority, RootCause
from rules.near import near_names, unknown_ci
from rules.refused import Refused
from rules.registered import GROUP, TITLE
from rules.report import MAX_FINDINGS, MAX_TEXT, MAX_TITLE, Report, wrong_contact, wrong_finding, wrong_line
from rules.signs import is_held
from rules.template import Template, filled, steps_from, values_of
from rules.words import one_of

REPORTED = 0.5
"""How sure it is that what a person reports is what has failed. A choice: people see what fails for them, which is as
often a symptom; monitoring and the diagnosis then say more."""

AHEAD = timedelta(minutes=5)
"""So far may a reported time lie ahead: clocks differ."""


def take_report(draft: Draft, order: ReportOrder) -> None:
    """Open the incident that a person registers, or say why not."""
    draft.person = order.actor
    try:
        incident = _opened(draft, order)
    except IncidentdError as refusal:
        draft.replies.append(Reply(command=order.id, done=False, message=str(refusal)))
    else:
        message = f"{incident.key} is open{_same(draft, incident)}"
        draft.replies.append(Reply(command=order.id, done=True, message=message, incident=incident.number))
    finally:
        draft.person = ""


def _same(draft: Draft, incident: Incident) -> str:
    ci = incident.root.ci
    others = [i for i in draft.with_root(ci) if i.is_active and i.number != incident.number] if ci else []
    return "".join(f"; {other.key} is open for {ci} too, merge them if they are the same" for other in others[:1])


def _opened(draft: Draft, order: ReportOrder) -> Incident:
    report = order.report
    template = named_template(draft, report.template) if report.template else None
    _check(draft, report, template)
    ci, service = known_ci(draft, report.ci), known_service(draft, report.service)
    number = draft.new_number()
    incident = new_incident(draft, number)
    said = f"by {report.source}, {report.channel}"
    draft.note(number, "opened", f"registered by {order.actor}: reported {said}", actor=order.actor, new="open")
    root = ci or service
    evidence = (f"{order.actor} registered it: reported {said}; monitoring has not confirmed it",)
    incident = replace(
        incident,
        description=report.description,
        category=report.category,
        source=report.source,
        channel=report.channel,
        registered_by=order.actor,
        contact=report.contact,
        observed_at=report.observed_at,
        detected_at=report.detected_at,
        affected_ci=ci,
        affected_service=service,
        disruption=report.disruption,
        signs=tuple(sorted(report.signs, key=lambda s: s.name)),
        root=RootCause(ci=root, confidence=REPORTED if root else 0.0, evidence=evidence),
        # What a person has reported only a person resolves: that monitoring is quiet does not say that it works again.
        pinned=frozenset({"status"}),
    )
    incident = reassess(draft, _ranked(incident, report, order.actor))
    if report.title:
        incident = draft.change_incident(incident, title=report.title, pinned=incident.pinned | {TITLE})
    if template is not None:
        incident = use_template(draft, incident, template, actor=order.actor)
    return incident


def _ranked(incident: Incident, report: Report, actor: str) -> Incident:
    """The incident with the group and priority that the report gives it."""
    if report.group:
        why = f"given to {report.group} by {actor}: as registered"
        incident = replace(incident, group=report.group, group_reason=why, pinned=incident.pinned | {GROUP})
    if report.priority:
        incident = replace(
            incident,
            priority=Priority(report.priority),
            priority_reason=f"{actor}: as registered",
            priority_rule="set by hand",
            pinned=incident.pinned | {"priority"},
        )
    return incident


def _check(draft: Draft, report: Report, template: Template | None) -> None:
    if not report.title and (template is None or not template.title):
        raise Refused("title: is missing; allowed: some words, or a template that makes a title")
    lines = (("title", report.title, MAX_TITLE), ("group", report.group, MAX_TITLE))
    for field, text, most in lines:
        if wrong := wrong_line(text, most):
            raise Refused(f"{field}: {wrong}")
    if len(report.description) > MAX_TEXT:
        raise Refused(f"description: is longer than {MAX_TEXT} characters")
    known_category(draft, report.category)
    if found := wrong_contact(report.contact):
        raise Refused(f"{found[0]}: {found[1]}")
    if report.priority and report.priority not in list(Priority):
        raise Refused(f"priority: {one_of(report.priority, list(Priority))}")
    for field in ("observed_at", "detected_at"):
        past(draft, field, getattr(report, field))
    if len(report.signs) > MAX_FINDINGS or len({s.name for s in report.signs}) < len(report.signs):
        raise Refused(f"signs: allowed are {MAX_FINDINGS} at most, each name once")
    if wrong := next(filter(None, map(wrong_finding, report.signs)), ""):
        raise Refused(f"signs: {wrong}")


def past(draft: Draft, field: str, at: datetime | None) -> None:
    """Refuse a moment that has not come yet."""
    if at is not None and at > draft.now + AHEAD:
        raise Refused(f"{field}: {at:%Y-%m-%d %H:%M:%S} UTC lies ahead; allowed: when it happened")


def known_category(draft: Draft, category: str) -> str:
    """The category, where there is one of that name or none is wanted; Refused else."""
    if category and category not in draft.situation.policy.categories:
        raise Refused(f"category: {one_of(category, draft.situation.policy.categories)}")
    return category


def known_ci(draft: Draft, name: str) -> str | None:
    """The id of the CI that is called so, None for no name; Refused, with what may have been meant, for no CI."""
    ci = draft.situation.estate.find(name) if name else None
    if name and ci is None:
        raise Refused(f"ci: {unknown_ci(draft.situation.estate, name)}")
    return ci


def known_service(draft: Draft, name: str) -> str | None:
    """As `known_ci`, for business services."""
    estate = draft.situation.estate
    ci = estate.find(name) if name else None
    if name and ci not in estate.business_services:
        near = [n for n in near_names(estate, name, 10) if estate.find(n) in estate.business_services]
        some = near or sorted(estate.business_services)
        raise Refused(f'service: there is no business service called "{name[:100]}"; allowed: {", ".join(some[:5])}')
    return ci


def named_template(draft: Draft, name: str) -> Template:
    """The template of that name; Refused where there is none."""
    found = draft.situation.policy.template(name)
    if found is None:
        names = [t.name for t in draft.situation.policy.templates]
        raise Refused(f"template: {one_of(name, names)}" if names else "template: rules.yaml has no templates")
    return found


def use_template(draft: Draft, incident: Incident, template: Template, *, actor: str = "") -> Incident:
    """Give the incident what the template has for it; a person's choice where there is an `actor`, else by its rule."""
    alerts = draft.member_alerts(incident.number)
    has_group = bool(template.group) and GROUP not in incident.pinned
    given = {"group": template.group, "group_reason": f"given to {template.group} by template {template.name}"}
    changed = draft.change_incident(
        incident,
        template=template.name,
        category=incident.category or template.category,
        description=incident.description or filled(template.text, values_of(draft.situation.estate, incident, alerts)),
        least_priority=template.priority,
        **(given if has_group else {}),
        pinned=incident.pinned | ({GROUP} if has_group else frozenset()),
        steps=steps_from(template, incident.steps),
        steps_required=template.steps_required,
    )
    draft.note(
        incident.number,
        "template",
        f"template {template.name}{_steps_words(template)}",
        actor=actor or f"template {template.name}",
        actor_kind="person" if actor else "rule",
        field="template",
        old=incident.template,
        new=template.name,
    )
    if changed.group != incident.group:
        _note_group(draft, incident, changed, actor)
    # A category may give it to another group.
    return reassess(draft, changed)


def _note_group(draft: Draft, before: Incident, after: Incident, actor: str) -> None:
    draft.note(
        after.number,
        "routed",
        after.group_reason,
        actor=actor or f"template {after.template}",
        actor_kind="person" if actor else "rule",
        old=before.group,
        new=after.group,
        field="group",
    )


def _steps_words(template: Template) -> str:
    count = len(template.steps)
    required = ", required before it is resolved" if template.steps_required else ""
    return f", {count} step{'s' if count != 1 else ''}{required}" if count else ""


def complete(draft: Draft) -> None:
    """Note when what alerts opened was detected, and give it the first template whose rule fits while its diagnosis is
    not settled; it then stays with that one."""
    templates = [t for t in draft.situation.policy.templates if t.is_by_rule]
    for incident in draft.touched():
        if incident.is_by_hand or not incident.is_active:
            continue
        is_settled = incident.number in draft.situation.incidents and is_held(draft, incident)
        may_choose = bool(templates) and not incident.template and not is_settled
        if incident.detected_at is not None and not may_choose:
            continue
        alerts = draft.member_alerts(incident.number)
        if incident.detected_at is None and alerts:
            detected_at = min(incident.opened_at, *(a.starts_at for a in alerts))
            incident = draft.change_incident(incident, detected_at=detected_at)
        if may_choose:
            _choose(draft, incident, templates, alerts)


def _choose(draft: Draft, incident: Incident, templates: Sequence[Template], alerts: Sequence[Alert]) -> None:
    ci = draft.situation.estate.get(incident.root.ci or "")
    names, services = {a.name for a in alerts}, {s.ci for s in incident.services}
    for template in templates:
        if template.fits(ci.type if ci is not None else "", names, services):
            use_template(draft, incident, template)
            return
