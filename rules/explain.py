"""Why somebody is told of an incident, or is not: every subscription that could mean them, and what it misses."""

from collections.abc import Iterator
from dataclasses import dataclass, replace

from rules.audience import recipients
from rules.draft import Draft
from rules.incident import Incident, Status
from rules.interest import WATCHING, facts_of, person_known, zone_of
from rules.notices import may_call
from rules.roster import Person
from rules.subscriptions import EVENTS, Facts, Subscription, miss
from rules.telling import Waiting, person_of
from rules.wallclock import wall_of
from rules.words import span


@dataclass(frozen=True, slots=True, kw_only=True)
class Ground:
    """What one subscription, or a step of an escalation, says of telling this recipient: whether it fits the incident
    as it is now, and why or why not."""

    subscription: str
    fits: bool
    words: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Explanation:
    """Why a recipient (`to`, a key) is told of an incident or not. `obstacles` say what stands in the way whatever they
    have subscribed to; `waiting` is what they are still to be told, if anything."""

    to: str
    grounds: tuple[Ground, ...]
    obstacles: tuple[str, ...] = ()
    waiting: Waiting | None = None

    @property
    def is_wanted(self) -> bool:
        """Whether anything would have them told now."""
        return any(ground.fits for ground in self.grounds)


def explain(draft: Draft, incident: Incident, key: str) -> Explanation:
    """Why the recipient is told of it, as things are at the draft's moment."""
    person, box = person_known(draft, key), draft.situation.mailboxes.get(key)
    waiting = next((w for w in box.waiting if w.word.incident == incident.number), None) if box is not None else None
    return Explanation(
        to=key,
        grounds=tuple(_grounds(draft, incident, key, person)),
        obstacles=tuple(_obstacles(draft, incident, key, person)),
        waiting=waiting,
    )


def _grounds(draft: Draft, incident: Incident, key: str, person: Person | None) -> Iterator[Ground]:
    facts = facts_of(draft, incident)
    if person_of(key) in incident.watchers:
        yield Ground(
            subscription=WATCHING, fits=True, words="hears everything about it, because somebody asked for that"
        )
    if person is not None:
        for call in incident.escalation.calls:
            if call.person == person.id:
                words = f"was called at {call.at:%Y-%m-%d %H:%M:%S} UTC: {call.why}"
                yield Ground(subscription=call.policy or "by hand", fits=True, words=words)
    for sub in draft.situation.subscriptions:
        if key in set(recipients(sub, incident, draft.situation.policy.roster)):
            yield _ground(draft, incident, sub, facts, person)
        elif person is not None and sub.roles:
            yield Ground(subscription=sub.words, fits=False, words=_not_meant(sub, incident, person))


def _ground(draft: Draft, incident: Incident, sub: Subscription, facts: Facts, person: Person | None) -> Ground:
    wall = wall_of(draft.now, zone_of(person))
    events = sorted(sub.when.event, key=_place) or list(EVENTS)
    # Whatever the event: that is the reader's to see.
    missed = miss(sub.when, replace(facts, event=events[0]), wall)
    if missed:
        return Ground(
            subscription=sub.words, fits=False, words=_missed(sub, missed, incident, facts, f"{wall:%a %H:%M}")
        )
    what = ", ".join(events) if sub.when.event else "everything"
    when = " together at the times of its digest" if sub.digest is not None else ""
    return Ground(subscription=sub.words, fits=True, words=f"asks for {what}{when}")


def _place(event: str) -> int:
    return EVENTS.index(event) if event in EVENTS else len(EVENTS)


def _missed(sub: Subscription, name: str, incident: Incident, facts: Facts, clock: str) -> str:
    wanted = ", ".join(sorted(getattr(sub.when, name))) if name != "hours" else ""
    services, root = ", ".join(sorted(facts.services)) or "none", incident.root.ci or "the root, which is not known,"
    return {
        "priority": f"asks for {wanted}, and {incident.key} is {incident.priority}",
        "service": f"asks for the services {wanted}, and {incident.key} hits: {services}",
        "ci": f"asks for {wanted}, none of which has failed or is hit",
        "under": f"asks for what happens under {wanted}, and {root} is not",
        "group": f"asks for incidents of {wanted}, and {incident.group or 'no group'} has {incident.key}",
        "category": f"asks for the category {wanted}, and {incident.key} has {incident.category or 'none'}",
        "hours": f"asks for certain hours, and it is {clock}",
        "event": f"asks for {wanted}",
    }[name]


def _not_meant(sub: Subscription, incident: Incident, person: Person) -> str:
    hit = {s.ci for s in incident.services}
    if person.services and person.services.isdisjoint(hit) and sub.roles & {person.audience, "user", "contractor"}:
        return f"means {_whom(sub)}, and {incident.key} hits none of {person.name}'s services"
    return f"means {_whom(sub)}, and {person.name} is not of these for {incident.key}"


def _whom(sub: Subscription) -> str:
    return ", ".join([*sorted(sub.roles), *sorted(sub.groups), *sorted(sub.people)])


def _obstacles(draft: Draft, incident: Incident, key: str, person: Person | None) -> Iterator[str]:
    if person_of(key) and person is None:
        yield "nobody is known by that id"
    if person is not None and not person.contacts:
        yield f"{person.name} has no contact, so no word can reach them"
    if incident.status is Status.OPEN and not may_call(draft, incident):
        yield "nothing fires, or all that fires is silenced or covered by maintenance: nobody is told of it anew"
    if incident.is_active and draft.now - incident.opened_at < draft.situation.policy.settle:
        settle = span(draft.situation.policy.settle)
        yield f"it is younger than {settle}, which its root has to settle first"
    until = person.quiet_until(draft.now) if person is not None else None
    if until is not None and person is not None and str(incident.priority) not in draft.situation.policy.manners.urgent:
        yield f"it is quiet for {person.name} until {until:%Y-%m-%d %H:%M} UTC; calls come all the same"
