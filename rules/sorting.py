"""Telling requests from failures: alerts that ask for a service make a service request instead of an incident."""

from collections.abc import Iterator

from rules.alert import Alert
from rules.draft import Draft
from rules.record import Kind, ServiceRequest
from rules.request_rule import RequestRule

_LONGEST_TITLE = 200


def sort_out(draft: Draft) -> None:
    """Take the alerts of this cycle that ask for a service out of what is diagnosed, each with its service request."""
    rules = draft.situation.policy.requests
    for alert in _asking(draft) if rules else ():
        rule = next((r for r in rules if r.covers(alert)), None)
        if rule is not None:
            request = _asked_before(draft, alert) or _opened(draft, rule, alert)
            words = f"it asks for something: {request.key} by the rule {rule.name}"
            draft.change_alert(alert, request=request.number, reason=words, look_again_at=None)
            draft.fired.discard(alert.id)
            draft.called.discard(alert.id)


def _asking(draft: Draft) -> Iterator[Alert]:
    """New alerts, and those that may call again, that are in no incident and that nobody has silenced."""
    for alert in map(draft.alert, sorted(draft.fired | draft.called)):
        if alert is not None and alert.is_firing and alert.incident is None and not alert.suppressed:
            yield alert


def _asked_before(draft: Draft, alert: Alert) -> ServiceRequest | None:
    """The request that this very alert has made already, where it is still worked on."""
    for record in draft.all_records():
        if not isinstance(record, ServiceRequest) or alert.fingerprint not in record.origins:
            continue
        if record.ended_at is None and record.settled_at is None:
            draft.note_on(record.key, "asked_again", f"{alert.name} fires again")
            return draft.put_record(record)
    return None


def _opened(draft: Draft, rule: RequestRule, alert: Alert) -> ServiceRequest:
    ci = draft.situation.estate.get(alert.ci) if alert.ci is not None else None
    said = next((alert.annotations[k] for k in ("summary", "description", "message") if alert.annotations.get(k)), "")
    title = rule.title or said or f"{alert.name}{f' on {alert.ci}' if alert.ci else ''}"
    request = draft.put_record(
        ServiceRequest(
            number=draft.new_record_number(Kind.REQUEST),
            title=title[:_LONGEST_TITLE],
            description=said,
            opened_at=draft.now,
            opened_by="incidentd",
            updated_at=draft.now,
            group=rule.group or (ci.owner if ci is not None else ""),
            cis=() if ci is None else (ci.id,),
            origins=(alert.fingerprint,),
            rule=rule.name,
        )
    )
    draft.note_on(request.key, "opened", f"opened by {alert.name}, by the rule {rule.name}", new=str(request.status))
    return request
