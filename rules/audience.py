"""Whom a subscription means, for one incident: notifiers and people, by their keys as recipients."""

from collections.abc import Callable, Collection, Iterator

from cmdb.model import State
from rules.incident import Incident
from rules.roster import Group, Kind, Person, Roster
from rules.subscriptions import Subscription
from rules.telling import CUSTOMER, MANAGER, OPERATOR, key_of


def recipients(sub: Subscription, incident: Incident, roster: Roster) -> Iterator[str]:
    """Keys of whom it means; the same one may come twice."""
    hit = frozenset(s.ci for s in incident.services if s.state > State.UP)
    yield from recipients_of(sub, roster, incident.group, hit)


def recipients_of(sub: Subscription, roster: Roster, group: str, services: Collection[str]) -> Iterator[str]:
    """Keys of whom it means where a group has the matter and these business services are hit."""
    if sub.to:
        yield sub.to
    yield from (key_of(person) for person in sorted(sub.people))
    for name in sorted(sub.groups):
        known = roster.groups.get(name)
        yield from (key_of(member) for member in (known.members if known is not None else ()))
    for role in sorted(sub.roles):
        yield from map(key_of, _in_role(role, roster, roster.groups.get(group), services))


def _in_role(role: str, roster: Roster, group: Group | None, services: Collection[str]) -> Iterator[str]:
    if role in _OF_GROUP:
        yield from filter(None, _OF_GROUP[role](group) if group is not None else ())
        return
    for person in roster.people.values():
        if _HAS[role](person) and (not person.services or not person.services.isdisjoint(services)):
            yield person.id


_OF_GROUP: dict[str, Callable[[Group], tuple[str, ...]]] = {
    "group": lambda group: group.members,
    "lead": lambda group: (group.lead,),
    "group_manager": lambda group: (group.manager,),
}
_HAS: dict[str, Callable[[Person], bool]] = {
    OPERATOR: lambda person: person.audience == OPERATOR,
    MANAGER: lambda person: person.audience == MANAGER,
    CUSTOMER: lambda person: person.audience == CUSTOMER,
    "contractor": lambda person: person.kind is Kind.CONTRACTOR,
    "user": lambda person: bool(person.services),
}
