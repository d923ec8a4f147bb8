"""What happens because time has passed: incidents that fall quiet resolve, resolved ones close."""

from datetime import datetime, timedelta

from rules.draft import DAEMON, Draft
from rules.incident import Incident, Restoration, Status
from rules.lifecycle import Step, next_status
from rules.linking import followers
from rules.record_deadlines import put_away
from rules.resolution import RECOVERED
from rules.signs import is_supposed
from rules.situation import is_past
from rules.words import span

FLAPS = 3
FLAP_FACTOR = 4
"""An incident whose alerts came back this often waits this many times longer before it resolves by itself: at the
default of two minutes that is eight, past the usual five-minute `for:` of a rule that flaps."""


def note_quiet(draft: Draft) -> None:
    """Note which incidents' alerts have all been seen to clear."""
    numbers = {a.incident for a in map(draft.alert, sorted(draft.cleared)) if a is not None}
    for number in sorted(n for n in numbers if n is not None):
        incident = draft.incident(number)
        if incident is None or not incident.is_active or incident.quiet_since is not None:
            continue
        if any(a.is_firing for a in draft.member_alerts(number)):
            continue
        draft.change_incident(incident, quiet_since=draft.now)
        draft.note(number, "quiet", "all its alerts have cleared")


def meet_deadlines(draft: Draft) -> None:
    """Resolve what has been quiet long enough, close what nobody objected to, forget what can no longer change."""
    policy = draft.situation.policy
    for incident in draft.all_incidents():
        if incident.is_active:
            _resolve_if_quiet(draft, incident)
        elif incident.status is Status.RESOLVED and incident.resolved_at is not None:
            if draft.now - incident.resolved_at >= policy.close_after:
                close(draft, incident, reason="nobody objected to its resolution")
        elif is_past(incident, draft.now, policy) and not _holds_firing(draft, incident.number):
            draft.forget(incident.number)
    put_away(draft)


def _holds_firing(draft: Draft, number: int) -> bool:
    """Whether an alert of it still fires, which would be taken for a new one if the incident were forgotten."""
    return any(a is not None and a.is_firing for a in map(draft.alert, draft.members(number)))


def quiet_needed(incident: Incident, resolve_after: timedelta) -> timedelta:
    """How long its alerts must have been quiet before it resolves by itself; longer where they come and go."""
    return resolve_after * (FLAP_FACTOR if incident.refired >= FLAPS else 1)


def _resolve_if_quiet(draft: Draft, incident: Incident) -> None:
    if incident.quiet_since is None or incident.status is Status.ON_HOLD or "status" in incident.pinned:
        return
    needed = quiet_needed(incident, draft.situation.policy.resolve_after)
    if draft.now - incident.quiet_since < needed or is_supposed(draft, incident):
        return
    if incident.steps_required and incident.open_steps:
        _wait_for_steps(draft, incident)
        return
    resolve_incident(draft, incident, reason=f"all its alerts have been quiet for {span(needed)}")


def _wait_for_steps(draft: Draft, incident: Incident) -> None:
    """Say once that it would be resolved but for what its template requires."""
    if not incident.is_waiting_for_steps:
        steps = ", ".join(map(str, incident.open_steps))
        draft.change_incident(incident, is_waiting_for_steps=True)
        draft.note(incident.number, "resolution_waits", f"all its alerts are quiet; it waits for steps {steps}")


def resolve_incident(
    draft: Draft,
    incident: Incident,
    *,
    reason: str,
    actor: str = DAEMON,
    code: str = RECOVERED,
    restored_at: datetime | None = None,
    restoration: Restoration = Restoration.ITSELF,
) -> Incident:
    """End the incident: the service is back, since its alerts are quiet where nobody says since when."""
    status = next_status(incident.status, Step.RESOLVE)
    draft.note(
        incident.number,
        "resolved",
        f"resolved: {reason}",
        actor=actor,
        old=str(incident.status),
        new=str(status),
        field="status",
        reason=f"{code}, {restoration}: {reason}",
    )
    draft.news.append((incident.number, "resolved", reason))
    ended = draft.change_incident(
        incident,
        status=status,
        resolved_at=draft.now,
        resolution=reason,
        resolution_code=code,
        resolved_by=actor,
        restored_at=restored_at or incident.quiet_since or draft.now,
        restoration=restoration,
        is_waiting_for_steps=False,
        hold_reason="",
    )
    _take_along(draft, ended, reason)
    return ended


def _take_along(draft: Draft, ended: Incident, reason: str) -> None:
    """Resolve the incidents that follow this one, but for those of which an alert still fires: they are not over."""
    for number in followers(ended):
        follower = draft.incident(number)
        if follower is None or not follower.is_active:
            continue
        if _holds_firing(draft, number):
            draft.note(number, "note", f"{ended.key} is resolved, but alerts of this one still fire")
        else:
            resolve_incident(draft, follower, reason=f"{ended.key} is resolved: {reason}")


def close(draft: Draft, incident: Incident, *, reason: str, actor: str = "incidentd") -> Incident:
    """Put the record away."""
    status = next_status(incident.status, Step.CLOSE)
    draft.note(
        incident.number,
        "closed",
        f"closed: {reason}",
        actor=actor,
        old=str(incident.status),
        new=str(status),
        field="status",
        reason=reason,
    )
    draft.news.append((incident.number, "closed", reason))
    return draft.change_incident(incident, status=status, closed_at=draft.now)
