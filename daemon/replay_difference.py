"""What differs between two results of a replay: what another configuration, or another version, would change.

Numbers of incidents mean nothing across two runs, so incidents are matched by the alerts they share; those merged
into another hold none, and are matched by what they were merged into and their root.
"""

from collections import Counter
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from typing import Any

import msgspec

from rules.document import rfc3339
from rules.words import percent

EVENTS = "events"
"""The place of alerts that opened nothing."""

_Identity = tuple[tuple[tuple[str, str], ...], str]


class _Alert(msgspec.Struct, frozen=True):
    labels: dict[str, str]
    startsAt: str  # noqa: N815  Alertmanager's spelling
    reason: str = ""

    @property
    def identity(self) -> _Identity:
        """Labels and start, whatever way the start is spelled."""
        at = _instant(self.startsAt)
        return tuple(sorted(self.labels.items())), at.isoformat() if at else self.startsAt


class _Root(msgspec.Struct, frozen=True):
    ci: str | None
    confidence: float = 0.0


class _Incident(msgspec.Struct, frozen=True):
    number: str
    status: str
    priority: str
    opened_at: str
    root_cause: _Root
    alerts: list[_Alert]
    title: str = ""
    resolved_at: str | None = None
    merged_into: str | None = None
    impacted_services: list[str] = []


class Result(msgspec.Struct, frozen=True):
    """A document that `replay --json` printed, as far as it is compared. Decoding one raises msgspec.DecodeError."""

    incidents: list[_Incident]
    events: list[_Alert] = []


class Change(msgspec.Struct, frozen=True, kw_only=True):
    """One thing about an incident; `what` is root, priority, opened_at, resolved_at, status, services or confidence."""

    what: str
    before: str | None
    after: str | None


class Changed(msgspec.Struct, frozen=True, kw_only=True):
    """An incident of both results that is not the same in them."""

    before: str
    after: str
    title: str
    changes: tuple[Change, ...]


class Share(msgspec.Struct, frozen=True, kw_only=True):
    """How many alerts of an incident are where in the other result; None where that knows nothing of them."""

    place: str | None
    alerts: int


class Lone(msgspec.Struct, frozen=True, kw_only=True):
    """An incident of one result only, and where its alerts are in the other."""

    number: str
    title: str
    priority: str
    root: str | None
    opened_at: str
    merged_into: str | None
    alerts: int
    elsewhere: tuple[Share, ...]


class Moved(msgspec.Struct, frozen=True, kw_only=True):
    """An alert that is in another incident, or in none; `reason` says why the place `events` holds it."""

    labels: dict[str, str]
    startsAt: str  # noqa: N815
    before: str
    after: str
    reason: str


class Reworded(msgspec.Struct, frozen=True, kw_only=True):
    """Alerts that open nothing in either result, for another reason."""

    before: str
    after: str
    alerts: int


class Difference(msgspec.Struct, frozen=True, kw_only=True):
    """What would change. `alerts_only_before` and `alerts_only_after` count alerts that the other result lacks."""

    is_equal: bool
    only_before: tuple[Lone, ...]
    only_after: tuple[Lone, ...]
    changed: tuple[Changed, ...]
    moved: tuple[Moved, ...]
    reasons: tuple[Reworded, ...]
    alerts_only_before: int
    alerts_only_after: int


def result_of(document: Mapping[str, Any]) -> Result:
    """A replay's document, ready to be compared."""
    return msgspec.convert(document, Result)


def difference(before: Result, after: Result) -> Difference:
    """What the second result has otherwise than the first."""
    old, new = _Side(before), _Side(after)
    pairs = _pairs(old, new)
    only_before = tuple(_lone(i, old, new) for i in before.incidents if i.number not in pairs)
    matched = frozenset(pairs.values())
    only_after = tuple(_lone(i, new, old) for i in after.incidents if i.number not in matched)
    both = ((old.incidents[b], new.incidents[a]) for b, a in pairs.items())
    changed = tuple(
        Changed(before=b.number, after=a.number, title=a.title, changes=found)
        for b, a in sorted(both, key=lambda pair: old.rank[pair[0].number])
        if (found := tuple(_changes(b, a)))
    )
    moved = tuple(_moved(old, new, pairs))
    reasons = _reworded(old, new)
    alerts_only_before = sum(identity not in new.places for identity in old.places)
    alerts_only_after = sum(identity not in old.places for identity in new.places)
    found_any = only_before or only_after or changed or moved or reasons or alerts_only_before or alerts_only_after
    return Difference(
        is_equal=not found_any,
        only_before=only_before,
        only_after=only_after,
        changed=changed,
        moved=moved,
        reasons=reasons,
        alerts_only_before=alerts_only_before,
        alerts_only_after=alerts_only_after,
    )


class _Side:
    """One result, by number and by alert."""

    def __init__(self, result: Result) -> None:
        self.incidents = {i.number: i for i in result.incidents}
        self.rank = {number: rank for rank, number in enumerate(self.incidents)}
        self.alerts: dict[_Identity, _Alert] = {a.identity: a for a in result.events}
        self.places: dict[_Identity, str] = dict.fromkeys(self.alerts, EVENTS)
        for incident in result.incidents:
            for alert in incident.alerts:
                self.alerts[alert.identity] = alert
                self.places[alert.identity] = incident.number

    def standing(self, number: str) -> str:
        """The incident into which this one went in the end; itself where it was not merged."""
        seen = set[str]()
        while number not in seen and number in self.incidents:
            seen.add(number)
            number = self.incidents[number].merged_into or number
        return number


def _pairs(old: _Side, new: _Side) -> dict[str, str]:
    """The incidents of both, by number: those that share most alerts first, then those merged into a pair."""
    shared = Counter(
        (place, new.places[identity])
        for identity, place in old.places.items()
        if place != EVENTS and new.places.get(identity, EVENTS) != EVENTS
    )
    pairs: dict[str, str] = {}
    taken = set[str]()
    for before, after in sorted(shared, key=lambda pair: (-shared[pair], old.rank[pair[0]], new.rank[pair[1]])):
        if before not in pairs and after not in taken:
            pairs[before] = after
            taken.add(after)
    _pair_empty(old, new, pairs, taken)
    return pairs


def _pair_empty(old: _Side, new: _Side, pairs: dict[str, str], taken: set[str]) -> None:
    """Add the incidents that hold no alerts: those merged into a pair after those that stand."""
    waiting: dict[tuple[str | None, str | None], list[str]] = {}
    for after in new.incidents.values():
        if after.number not in taken and not after.alerts:
            into = new.standing(after.number) if after.merged_into else None
            waiting.setdefault((into, after.root_cause.ci), []).append(after.number)
    for before in sorted(old.incidents.values(), key=lambda i: i.merged_into is not None):
        if before.number in pairs or before.alerts:
            continue
        into = pairs.get(old.standing(before.number), "") if before.merged_into else None
        alike = waiting.get((into, before.root_cause.ci))
        if alike:
            pairs[before.number] = alike.pop(0)


def _lone(incident: _Incident, here: _Side, there: _Side) -> Lone:
    shares = Counter(there.places.get(alert.identity) for alert in incident.alerts)
    ordered = sorted(shares.items(), key=lambda item: (-item[1], there.rank.get(item[0] or "", -1), item[0] or ""))
    return Lone(
        number=incident.number,
        title=incident.title,
        priority=incident.priority,
        root=incident.root_cause.ci,
        opened_at=incident.opened_at,
        merged_into=None if incident.merged_into is None else here.standing(incident.number),
        alerts=len(incident.alerts),
        elsewhere=tuple(Share(place=place, alerts=count) for place, count in ordered),
    )


def _changes(before: _Incident, after: _Incident) -> Iterable[Change]:
    """The gravest first."""
    seen = {
        "root": (before.root_cause.ci, after.root_cause.ci),
        "priority": (before.priority, after.priority),
        "status": (before.status, after.status),
        "opened_at": (_shown(before.opened_at), _shown(after.opened_at)),
        "resolved_at": (_shown(before.resolved_at), _shown(after.resolved_at)),
        "services": (_listed(before.impacted_services), _listed(after.impacted_services)),
        "confidence": (percent(before.root_cause.confidence), percent(after.root_cause.confidence)),
    }
    for what, (old, new) in seen.items():
        if old != new:
            yield Change(what=what, before=old, after=new)


def _moved(old: _Side, new: _Side, pairs: Mapping[str, str]) -> Iterable[Moved]:
    for identity in sorted(old.places.keys() & new.places.keys(), key=lambda i: (i[1], i[0])):
        before, after = old.places[identity], new.places[identity]
        if pairs.get(before, EVENTS if before == EVENTS else None) == after:
            continue
        alert = new.alerts[identity]
        reason = alert.reason if after == EVENTS else old.alerts[identity].reason
        yield Moved(labels=alert.labels, startsAt=alert.startsAt, before=before, after=after, reason=reason)


def _reworded(old: _Side, new: _Side) -> tuple[Reworded, ...]:
    counts = Counter(
        (old.alerts[identity].reason, new.alerts[identity].reason)
        for identity, place in old.places.items()
        if place == new.places.get(identity) == EVENTS
    )
    return tuple(
        Reworded(before=before, after=after, alerts=count)
        for (before, after), count in sorted(counts.items())
        if before != after
    )


def _listed(services: Iterable[str]) -> str:
    return ", ".join(sorted(services)) or "none"


def _shown(at: str | None) -> str | None:
    """A time of an incident, so spelled that two spellings of one moment are equal."""
    instant = _instant(at)
    return rfc3339(instant) if instant else at


def _instant(text: str | None) -> datetime | None:
    """The moment that a text means; None where it means none, or one that depends on the machine's time zone."""
    try:
        at = datetime.fromisoformat(text or "")
        return at.astimezone(UTC) if at.tzinfo is not None else None
    except (ValueError, OverflowError):
        return None
