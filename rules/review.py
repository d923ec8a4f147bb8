"""A draft of the review after an incident: what happened, when it was known, who did what, how long each phase took.

It is made of the record alone, and says what people have to add. The phases are those of ITIL's expanded incident
lifecycle (v3 Service Design 4.4.5): detection, response, diagnosis, repair with recovery and restoration, then closure.
"""

from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime, timedelta

from cmdb.model import State
from rules.alert import Alert
from rules.decision import TimelineEntry
from rules.document import rfc3339
from rules.escalation import Call
from rules.incident import Incident, Status
from rules.record_shapes import ActorDocument, PhaseDocument, ReviewDocument
from rules.satisfaction import Rating
from rules.trace import CHANGED
from rules.words import span

_MOST_ACTIONS = 30
_NAMED_ROOT = frozenset({"root_changed", "root_confirmed"})
_SEEN = frozenset({"acknowledge", "start"})
_SECONDS = "%Y-%m-%d %H:%M:%S"
_UNTOLD = frozenset({CHANGED, "notice"})


def review_of(
    incident: Incident,
    timeline: Sequence[TimelineEntry],
    alerts: Sequence[Alert],
    ratings: Sequence[Rating],
    now: datetime,
) -> ReviewDocument:
    """The draft, from the whole timeline and all alerts of the incident."""
    phases = tuple(_phases(incident, timeline, alerts))
    draft = ReviewDocument(
        incident=incident.key,
        title=incident.title,
        what_happened=tuple(_what_happened(incident, alerts)),
        impact=tuple(_impact(incident)),
        phases=phases,
        who_did_what=tuple(_who_did_what(timeline)),
        still_open=tuple(_still_open(incident, ratings)),
        text="",
    )
    text = "\n".join(_prose(draft, incident, timeline, ratings, now)) + "\n"
    return ReviewDocument(**{**{name: getattr(draft, name) for name in draft.__struct_fields__}, "text": text})


def _began(incident: Incident, alerts: Iterable[Alert]) -> datetime:
    known = (incident.observed_at, incident.detected_at, incident.opened_at, *(a.starts_at for a in alerts))
    return min(at for at in known if at is not None)


def _phases(incident: Incident, timeline: Sequence[TimelineEntry], alerts: Sequence[Alert]) -> Iterator[PhaseDocument]:
    opened = incident.opened_at
    seen = next((e.at for e in timeline if e.kind in _SEEN), None)
    back = incident.restored_at or incident.resolved_at
    named = [e.at for e in timeline if e.kind in _NAMED_ROOT and (back is None or e.at <= back)]
    known = max([*named[-1:], opened]) if incident.root.ci is not None else None
    yield _phase("detection", _began(incident, alerts), opened)
    yield _phase("response", opened, seen)
    yield _phase("diagnosis", opened, known)
    yield _phase("repair", known or opened, back)
    yield _phase("closure", back, incident.closed_at)


def _phase(name: str, begin: datetime | None, end: datetime | None) -> PhaseDocument:
    length = None if begin is None or end is None else max(end - begin, timedelta(0)).total_seconds()
    return PhaseDocument(
        name=name,
        begins_at=None if begin is None else rfc3339(begin),
        ends_at=None if end is None else rfc3339(end),
        length_s=length,
    )


def _what_happened(incident: Incident, alerts: Sequence[Alert]) -> Iterator[str]:
    if incident.is_by_hand:
        who = incident.contact.name or f"a {incident.source}"
        of = f" ({incident.contact.organisation})" if incident.contact.organisation else ""
        yield f"{who}{of} reported it by {incident.channel}; {incident.registered_by} registered it"
    if alerts:
        cis = len({a.ci or a.name for a in alerts})
        yield f"alerts that are part of it: {len(alerts)}, about {_cis(cis)}"
    if incident.description:
        yield incident.description
    if incident.root.ci is None:
        yield "what failed is not known"
    else:
        sure = "confirmed by a person" if incident.confirmed_root == incident.root.ci else "not confirmed by anybody"
        yield f"{incident.root.ci} failed ({sure})"
        yield from incident.root.evidence[:3]
    for finding in (*incident.signs, *incident.findings):
        yield f"{finding.name}: {finding.value}"
    if incident.resolved_at is not None:
        how = {"fix": "mended", "workaround": "got round", "itself": "over by itself"}.get(
            str(incident.restoration), "resolved"
        )
        yield f"{how}, {incident.resolution_code or 'no code'}, by {incident.resolved_by}: {incident.resolution}"


def _impact(incident: Incident) -> Iterator[str]:
    end = incident.restored_at or incident.resolved_at
    lasted = (
        f" for {span(end - incident.opened_at)}" if end is not None else " and still is" if incident.is_active else ""
    )
    for service in sorted(incident.services, key=lambda s: (-s.state, s.name)):
        if service.state > State.AT_RISK:
            yield f"{service.name} was {service.state.word}{lasted}"
        else:
            yield f"{service.name} went on, at risk"
    if not incident.services:
        yield "no business service was hit"
    if incident.impacted:
        yield f"down or degraded by it: {_cis(len(incident.impacted))}"
    yield f"{incident.priority}: {incident.priority_reason}"


def _cis(count: int) -> str:
    return f"{count} CI{'s' if count != 1 else ''}"


def _who_did_what(timeline: Sequence[TimelineEntry]) -> Iterator[ActorDocument]:
    found: dict[tuple[str, str], list[str]] = {}
    for entry in timeline:
        if entry.actor_kind != "daemon":
            found.setdefault((entry.actor, entry.actor_kind), []).append(f"{entry.at:%H:%M:%S} {entry.text}")
    for (actor, kind), actions in found.items():
        more = [f"and {len(actions) - _MOST_ACTIONS} more"] if len(actions) > _MOST_ACTIONS else []
        yield ActorDocument(actor=actor, kind=kind, actions=(*actions[:_MOST_ACTIONS], *more))


def _still_open(incident: Incident, ratings: Sequence[Rating]) -> Iterator[str]:
    if incident.is_active:
        yield f"it is {str(incident.status).replace('_', ' ')}"
    if incident.status is Status.RESOLVED:
        yield "it is not closed"
    for number in incident.open_steps:
        yield f"step {number} is not done: {incident.steps[number - 1].text}"
    if incident.root.ci is not None and incident.confirmed_root is None:
        yield f"nobody has confirmed that {incident.root.ci} failed"
    if incident.root.ci is None:
        yield "what failed has to be found"
    if str(incident.restoration) == "workaround":
        yield "only a workaround is in place: the cause has to be mended"
    if not incident.category:
        yield "it has no category"
    if incident.resolved_at is not None and not ratings:
        yield "nobody has said how content they are"
    yield "what would have prevented it, and what would have shortened it: for people to write"


def _prose(
    draft: ReviewDocument,
    incident: Incident,
    timeline: Sequence[TimelineEntry],
    ratings: Sequence[Rating],
    now: datetime,
) -> Iterator[str]:
    yield f"{draft.incident}: {draft.title}"
    yield f"Draft of a review, made from the record at {now:%Y-%m-%d %H:%M} UTC. All times are UTC."
    yield from _part("What happened", draft.what_happened)
    yield from _part("What it meant", draft.impact)
    yield from _part("How long it took", (_phase_words(phase) for phase in draft.phases))
    yield from _part("Who was called", (_call_words(call) for call in incident.escalation.calls))
    yield from _part("Who did what", (f"{a.actor} {action}" for a in draft.who_did_what for action in a.actions))
    if incident.links:
        yield from _part("What belongs to it", (f"{link.kind} {link.key}" for link in incident.links))
    if ratings:
        said = (f"{r.by}: {r.score} of 5{': ' + r.remark if r.remark else ''}" for r in ratings)
        yield from _part("How content people were", said)
    yield from _part("What is still open", draft.still_open)
    told = [e for e in timeline if e.kind not in _UNTOLD]
    yield from _part("Timeline", (f"{e.at:{_SECONDS}} {e.actor}: {e.text}" for e in told))


def _part(heading: str, lines: Iterable[str]) -> Iterator[str]:
    yield ""
    yield heading.upper()
    found = [f"- {' '.join(line.split())}" for line in lines]
    yield from found or ["- nothing is on record"]


def _phase_words(phase: PhaseDocument) -> str:
    if phase.length_s is None or phase.begins_at is None or phase.ends_at is None:
        return f"{phase.name}: {'no end on record' if phase.begins_at else 'not begun'}"
    begin, end = (f"{datetime.fromisoformat(at):{_SECONDS}}" for at in (phase.begins_at, phase.ends_at))
    return f"{phase.name}: {span(timedelta(seconds=phase.length_s))}, {begin} to {end}"


def _call_words(call: Call) -> str:
    by = " and ".join(call.via)
    return f"{call.at:{_SECONDS}} {call.person}, by {by}: {call.why} (step {call.step} of {call.policy})"
