"""What a report or a template says of an incident, kept beside what its alerts and the CMDB say."""

from collections.abc import Collection
from dataclasses import replace

from cmdb.graph import Estate
from cmdb.model import State
from rules.alert import Alert
from rules.draft import Draft
from rules.incident import HitService, Incident
from rules.template import filled, values_of

TITLE = "title"
"""Pinned where a person has said what the incident is called."""

GROUP = "group"
"""Pinned where a person, the template or an escalation has given the incident to a group."""


def state_of(incident: Incident, heard: State | None) -> State:
    """How badly off the root is: by what its alerts say (None where they name none), at least as was reported."""
    if heard is None:
        return incident.disruption if incident.is_by_hand and incident.disruption else State.DOWN
    return max(heard, incident.disruption)


def with_reported(estate: Estate, incident: Incident, services: tuple[HitService, ...]) -> tuple[HitService, ...]:
    """The services hit, and the one that the report names where the dependencies do not lead to it."""
    name = incident.affected_service
    if name is None or incident.disruption is State.UP or any(s.ci == name for s in services):
        return services
    ci = estate.get(name)
    return (*services, HitService(ci=name, name=name if ci is None else ci.title, state=incident.disruption))


def keep_registered(draft: Draft, before: Incident, assessed: Incident, alerts: Collection[Alert] = ()) -> Incident:
    """The incident as it was assessed, with the title, group and least priority that people or its template gave it."""
    kept = replace(
        assessed,
        title=before.title if TITLE in before.pinned else assessed.title,
        group=before.group if GROUP in before.pinned else assessed.group,
    )
    least = kept.least_priority
    if least is not None and "priority" not in kept.pinned and str(kept.priority) > str(least):
        words = f"at least {least} by template {kept.template}; else {kept.priority}: {kept.priority_reason}"
        kept = replace(kept, priority=least, priority_reason=words, priority_rule=f"template: {kept.template}")
    template = draft.situation.policy.template(kept.template)
    if template is not None and template.title and TITLE not in kept.pinned:
        kept = replace(kept, title=filled(template.title, values_of(draft.situation.estate, kept, alerts)))
    return kept if kept == assessed else draft.change_incident(kept)
