"""Who may want to hear of an incident, and by which subscriptions."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime, tzinfo

from rules.audience import recipients
from rules.draft import Draft
from rules.incident import Incident
from rules.roster import Person
from rules.subscriptions import Facts, Subscription, miss
from rules.telling import CUSTOMER, CUSTOMER_EVENTS, OPERATOR, Telling, key_of, person_of
from rules.wallclock import wall_of

WATCHING = "you watch it"


@dataclass(frozen=True, slots=True, kw_only=True)
class Interest:
    """The subscriptions that mean each recipient (by key), whatever their conditions, and what these are held to."""

    by_key: Mapping[str, tuple[Subscription, ...]]
    facts: Facts
    walls: Callable[[str], datetime]
    is_customer: Callable[[str, Subscription], bool]

    def wanting(self, key: str, event: str, *, was: str = "", kinds: Iterable[str] = ()) -> tuple[Subscription, ...]:
        """The subscriptions by which the recipient wants to hear of this event. `was` is the priority before, where
        that has changed; `kinds` says of what kind a change is."""
        subs = self.by_key.get(key, ())
        if not subs:
            return ()
        priorities = self.facts.priorities | ({was} if was else set())
        facts = replace(self.facts, event=event, priorities=priorities, kinds=frozenset(kinds))
        fitting = (s for s in subs if not miss(s.when, facts, self.walls(key) if s.when.hours else None))
        return tuple(s for s in fitting if s.when.event or event in CUSTOMER_EVENTS or not self.is_customer(key, s))

    @property
    def has_hours(self) -> bool:
        """Whether it may be another one only because time passes."""
        return any(s.when.hours for subs in self.by_key.values() for s in subs)


def interest(draft: Draft, incident: Incident) -> Interest:
    """Who may want to hear of it, as things are now."""
    found: dict[str, list[Subscription]] = {}
    for sub in draft.situation.subscriptions:
        for key in recipients(sub, incident, draft.situation.policy.roster):
            if sub not in found.setdefault(key, []):
                found[key].append(sub)
    for person in incident.watchers:
        found.setdefault(key_of(person), []).append(Subscription(people=frozenset({person}), name=WATCHING))
    return Interest(
        by_key={key: tuple(subs) for key, subs in found.items()},
        facts=facts_of(draft, incident),
        walls=lambda key: wall_of(draft.now, zone_of(person_known(draft, key))),
        is_customer=lambda key, sub: audience_of(person_known(draft, key), sub.audience) == CUSTOMER,
    )


def facts_of(draft: Draft, incident: Incident, event: str = "") -> Facts:
    """What the conditions of subscriptions are held against, as the incident is now."""
    root = incident.root.ci
    asked = {ci for sub in draft.situation.subscriptions for ci in sub.when.under}
    above = {ci for ci in asked if root is not None and ci in draft.situation.estate and reaches(draft, ci, root)}
    return Facts(
        event=event,
        priorities=frozenset({str(incident.priority)}),
        services=frozenset(s.ci for s in incident.services),
        group=incident.group,
        category=incident.category,
        cis=frozenset({*incident.impacted, *([root] if root is not None else [])}),
        above=above,
    )


def reaches(draft: Draft, ci: str, root: str) -> bool:
    """Whether the root is hit when that CI goes down."""
    return root in draft.situation.reach.whole(ci)


def person_known(draft: Draft, key: str) -> Person | None:
    """The person whose key it is; None for a notifier's, and where nobody is known by it."""
    return draft.situation.policy.roster.people.get(person_of(key))


def audience_of(person: Person | None, audience: str) -> str:
    """For whom it is worded: as asked, else as the person is; operators where it is a notifier's own recipients."""
    return audience or (person.audience if person is not None else OPERATOR)


def zone_of(person: Person | None) -> tzinfo:
    """Where the recipient's day is; UTC for those of a notifier."""
    return UTC if person is None else person.zone


def telling(incident: Incident, key: str, event: str, reason: str, subs: tuple[Subscription, ...]) -> Telling:
    """The word that these subscriptions ask for; together with other such words only where all of them want that."""
    chosen = next((s for s in subs if s.digest is None), subs[0] if subs else Subscription())
    return Telling(
        incident=incident.number,
        to=key,
        event=event,
        reason=reason,
        why=tuple(why_words(s) for s in subs),
        via=chosen.via,
        audience=chosen.audience or ("" if person_of(key) else OPERATOR),
        digest=chosen.digest,
        batches=bool(person_of(key)) or chosen.batches,
    )


def why_words(sub: Subscription) -> str:
    """Why somebody hears of it, for themselves to read."""
    return WATCHING if sub.name == WATCHING else f"the subscription {sub.words} asks for it"
