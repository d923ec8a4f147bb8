"""Links between incidents and other records, always both ways, and what follows from them."""

from dataclasses import replace

from rules.draft import DAEMON, Draft
from rules.incident import Incident, Link
from rules.record import Kind, Record, parse_key
from rules.refused import Refused

INVERSE = {
    "duplicate of": "has duplicate",
    "child of": "parent of",
    "caused by": "cause of",
    "comes from": "led to",
    "converted from": "converted to",
    "related to": "related to",
}
_OF_DAEMON = {
    "relapse of": "has relapse",
    "split from": "split into",
    "merged from": "merged into",
    "suspects": "suspected in",
    "of known error": "known error of",
    "shares alerts with": "shares alerts with",
}
INVERSE |= _OF_DAEMON
INVERSE |= {back: there for there, back in INVERSE.items()}
"""What each relation is called from the other side."""

BY_DAEMON = frozenset(_OF_DAEMON) | frozenset(_OF_DAEMON.values())
"""Relations that the daemon makes and takes away itself."""

_SAID = frozenset({"merged from", "merged into"})
"""Relations that other lines of the history have told of already."""

BY_HAND = ("cause of", "caused by", "led to", "comes from", "related to")
"""Relations that a person may name; the others come of orders of their own."""

USUAL = {Kind.REQUEST: "comes from", Kind.PROBLEM: "cause of", Kind.CHANGE: "comes from"}
"""How a record of a kind is related to an incident where nobody says otherwise."""

FOLLOWERS = ("parent of", "has duplicate")
"""Relations to incidents that are resolved together with this one."""


def join(draft: Draft, one: str, relation: str, other: str, *, actor: str) -> None:
    """Link two records both ways and say so on both histories; nothing happens where they are linked so already."""
    if one == other:
        raise Refused(f"{one} cannot be linked to itself")
    # Both are looked for before either is changed: an order is carried out whole or not at all.
    ends = ((_known(draft, one), _link(relation, other)), (_known(draft, other), _link(INVERSE[relation], one)))
    for thing, link in ends:
        if link not in thing.links:
            _put(draft, thing, (*thing.links, link))
            draft.note_on(thing.key, "linked", f"{link.kind} {link.key}", actor=actor, new=link.key)


def part(draft: Draft, one: str, other: str, *, actor: str) -> None:
    """Take every link between two records away, on both sides. Refused where there is none that a person may undo."""
    found = 0
    for key, far in ((one, other), (other, one)):
        thing = _known(draft, key)
        gone = [k for k in thing.links if k.key == far and _may_undo(k)]
        if gone:
            found += len(gone)
            _put(draft, thing, tuple(k for k in thing.links if k not in gone))
            words = ", ".join(k.kind for k in gone)
            draft.note_on(key, "unlinked", f"no longer {words} {far}", actor=actor, old=far)
    if not found:
        raise Refused(f"{one} has no link to {other} that can be undone")


def tie(draft: Draft, one: str, relation: str, other: str) -> None:
    """Link two records both ways on behalf of the daemon, where both are in mind and do not have that link yet."""
    if draft.thing(one) is not None and draft.thing(other) is not None:
        join(draft, one, relation, other, actor=DAEMON)


def untie(draft: Draft, one: str, relation: str, other: str) -> None:
    """Take such a link away on both sides, where both are in mind."""
    if draft.thing(one) is None or draft.thing(other) is None:
        return
    for key, kind, far in ((one, relation, other), (other, INVERSE[relation], one)):
        thing = _known(draft, key)
        link = _link(kind, far)
        if link in thing.links:
            _put(draft, thing, tuple(k for k in thing.links if k != link))
            draft.note_on(key, "unlinked", f"no longer {kind} {far}", old=far)


def complete_links(draft: Draft) -> None:
    """Give every link of this decision that has one end only its other end, with a line of the history there."""
    for incident in draft.touched():
        for link in incident.links:
            other = draft.thing(link.key) if link.kind in BY_DAEMON else None
            back = _link(INVERSE[link.kind], incident.key)
            if other is not None and back not in other.links:
                _put(draft, other, (*other.links, back))
                if back.kind not in _SAID:
                    draft.note_on(other.key, "linked", f"{back.kind} {back.key}", new=back.key)


def duplicate_of(draft: Draft, incident: Incident, key: str, *, actor: str) -> str:
    """Make the incident a duplicate of another: it is resolved with it."""
    other = _other(draft, incident, key)
    if _has(other, "duplicate of"):
        raise Refused(f"{other.key} is itself a duplicate; link {incident.key} to the incident it duplicates")
    _follow_one_only(draft, incident, other)
    join(draft, incident.key, "duplicate of", other.key, actor=actor)
    return f"{incident.key} is a duplicate of {other.key}"


def child_of(draft: Draft, incident: Incident, key: str, *, actor: str) -> str:
    """Make the incident a child of another, which is then a major incident: it is resolved with it."""
    parent = _other(draft, incident, key)
    if not parent.is_active:
        raise Refused(f"{parent.key} is {parent.status}; allowed: a parent that is still open")
    _follow_one_only(draft, incident, parent)
    join(draft, incident.key, "child of", parent.key, actor=actor)
    return f"{incident.key} is a child of {parent.key}"


def followers(incident: Incident) -> list[int]:
    """Numbers of the incidents that are resolved together with this one."""
    return sorted({link.number for link in incident.links if link.kind in FOLLOWERS})


def key_given(text: str, what: str) -> str:
    """The key that an order names, a bare number being an incident's; Refused where it is none."""
    try:
        series, number = parse_key(text)
    except ValueError as error:
        raise Refused(f"{what}: {error}") from None
    return f"{series}-{number}"


def _other(draft: Draft, incident: Incident, key: str) -> Incident:
    other = draft.thing(key_given(key, "the other incident"))
    if not isinstance(other, Incident) or other.number == incident.number:
        raise Refused(f"cannot link {incident.key} to {key} so; allowed: another incident that is known")
    return other


def _follow_one_only(draft: Draft, incident: Incident, leader: Incident) -> None:
    """Refused where it follows another already, or where the leader in the end follows it."""
    if taken := next(
        (k for k in incident.links if k.kind in ("duplicate of", "child of") and k.key != leader.key), None
    ):
        raise Refused(f"{incident.key} is {taken.kind} {taken.key} already; unlink it first")
    seen, queue = {incident.number}, [incident.number]
    for number in queue:
        each = draft.incident(number)
        for follower in followers(each) if each is not None else ():
            if follower not in seen:
                seen.add(follower)
                queue.append(follower)
    if leader.number in seen:
        raise Refused(f"{leader.key} follows {incident.key} already; a circle is not allowed")


def _has(thing: Incident, relation: str) -> bool:
    return any(link.kind == relation for link in thing.links)


def _known(draft: Draft, key: str) -> Incident | Record:
    thing = draft.thing(key)
    if thing is None:
        raise Refused(f"{key} is not known")
    return thing


def _may_undo(link: Link) -> bool:
    return link.kind not in BY_DAEMON and not link.kind.startswith("converted")


def _link(relation: str, key: str) -> Link:
    series, number = parse_key(key)
    return Link(kind=relation, number=number, series=series)


def _put(draft: Draft, thing: Incident | Record, links: tuple[Link, ...]) -> None:
    if isinstance(thing, Incident):
        draft.put_incident(replace(thing, links=links))
    else:
        draft.put_record(replace(thing, links=links))
