"""An incident that proves a service request, and a service request that proves an incident; both keep their history."""

from rules.assess import reassess
from rules.draft import Draft
from rules.grouping import new_incident
from rules.incident import Incident, RootCause
from rules.lifecycle import Step, next_status
from rules.linking import join
from rules.record import ServiceRequest
from rules.record_deadlines import step_on
from rules.registered import GROUP
from rules.signs import LOCKED


def to_request(draft: Draft, incident: Incident, *, actor: str, reason: str) -> ServiceRequest:
    """Make a service request of an incident, which ends and keeps its alerts."""
    status = next_status(incident.status, Step.CONVERT)
    request = draft.put_record(
        ServiceRequest(
            number=draft.new_record_number(ServiceRequest.kind),
            title=incident.title,
            opened_at=draft.now,
            opened_by=actor,
            updated_at=draft.now,
            group=incident.group,
            assignee=incident.assignee,
            cis=() if incident.root.ci is None else (incident.root.ci,),
            services=tuple(s.ci for s in incident.services),
        )
    )
    why = f": {reason}" if reason else ""
    draft.note_on(request.key, "opened", f"converted from {incident.key}{why}", actor=actor, new=str(request.status))
    draft.change_incident(incident, status=status, closed_at=draft.now)
    text = f"converted to {request.key}{why}"
    draft.note(incident.number, "converted", text, actor=actor, old=str(incident.status), new=str(status))
    join(draft, request.key, "converted from", incident.key, actor=actor)
    draft.news.append((incident.number, "converted", f"it is a service request, {request.key}{why}"))
    return request


def to_incident(draft: Draft, request: ServiceRequest, *, actor: str, reason: str) -> Incident:
    """Make an incident of a service request: of its first CI, and with those of its alerts that still fire."""
    why = f": {reason}" if reason else ""
    ended = step_on(draft, request, "convert", f"converted to an incident{why}", actor=actor)
    number = draft.new_number()
    incident = new_incident(draft, number)
    draft.note(number, "opened", f"converted from {ended.key}{why}", actor=actor, new=str(incident.status))
    pinned, root = {LOCKED, "title"}, RootCause()
    known = next((ci for ci in request.cis if ci in draft.situation.estate), None)
    if known is not None:
        pinned.add("root")
        root = RootCause(ci=known, confidence=1.0, evidence=(f"{request.key} names it",))
    incident = draft.change_incident(
        incident, title=request.title, root=root, pinned=frozenset(pinned), assignee=request.assignee
    )
    for fingerprint in request.origins:
        alert = draft.current(fingerprint)
        if alert is not None and alert.request == request.number:
            draft.change_alert(alert, request=None, incident=number, reason="")
    incident = reassess(draft, incident)
    if request.group and not incident.group:
        # Pinned like any group that was given, since no rule would find it again.
        incident = draft.change_incident(
            incident, group=request.group, group_reason=f"{ended.key} was with it", pinned=incident.pinned | {GROUP}
        )
    join(draft, incident.key, "converted from", ended.key, actor=actor)
    return draft.incident(number) or incident
