"""What a change risks: what its CIs would take with them at that time, and who must be told of it."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime

from cmdb.graph import Estate
from cmdb.impact import Hit, business_view, criticality_of, impact, states
from cmdb.model import Criticality, State
from rules.incident import HitService, Incident, Level
from rules.record import Change, ChangeStatus, Record

_OFF = frozenset({ChangeStatus.REJECTED, ChangeStatus.CANCELLED, ChangeStatus.CLOSED, ChangeStatus.DONE})


@dataclass(frozen=True, slots=True, kw_only=True)
class Risk:
    """How much a change may break, why, the business services that it would hit, and the groups that must be told.

    `level` is None where no business service depends on it. `together` says which other troubles and changes make it
    worse than it would be alone, `basis` what all of it was worked out from.
    """

    level: Level | None
    reason: str
    services: tuple[HitService, ...] = ()
    reached: int = 0
    owners: tuple[str, ...] = ()
    together: tuple[str, ...] = ()
    basis: str = "not known: nothing in the CMDB to work it out from"


def risk_of(estate: Estate, change: Change, incidents: Iterable[Incident], records: Iterable[Record]) -> Risk:
    """The risk while the failed CIs of open `incidents`, and those of other changes at the same time, are off too.

    High: a service that is critical or highly so would be down. Medium: another one would be down, or any degraded.
    Low: a service would lose redundancy.
    """
    own = dict.fromkeys(sorted({ci for ci in change.cis if ci in estate}), State.DOWN)
    if not own:
        return Risk(level=None, reason="the CMDB knows none of its CIs")
    others = _others(estate, change, incidents, records)
    given = states(estate, dict.fromkeys(sorted(others.keys() - own.keys()), State.DOWN))
    joint = impact(estate, own, given=given)
    hit = business_view(estate, joint)
    services = tuple(HitService(ci=h.ci, name=estate.ci(h.ci).title, state=h.state) for h in hit)
    level, reason = _rated(estate, hit)
    return Risk(
        level=level,
        reason=reason,
        services=services,
        reached=len(joint) - len(own),
        owners=_owners(estate, joint, own, hit),
        together=_together(estate, impact(estate, own), joint, others),
        basis=_basis(why for ci, why in others.items() if ci not in own),
    )


def overlapping(change: Change, records: Iterable[Record]) -> list[Change]:
    """Other changes whose work may be under way at the same time, by number."""
    return sorted(
        (r for r in records if isinstance(r, Change) and r.number != change.number and _overlaps(change, r)),
        key=lambda r: r.number,
    )


def at_once(changes: Iterable[Change]) -> dict[int, list[Change]]:
    """`overlapping` for each of these among all of them, by number: what is not over costs what it meets."""
    found: dict[int, list[Change]] = {}
    going: list[Change] = []
    for change in sorted(changes, key=lambda c: (_begin(c), c.number)):
        going = [other for other in going if _end(other) > _begin(change)]
        for other in going:
            for one, met in ((change, other), (other, change)):
                if _overlaps(one, met):
                    found.setdefault(one.number, []).append(met)
        going.append(change)
    return {number: sorted(others, key=lambda c: c.number) for number, others in found.items()}


def _overlaps(one: Change, other: Change) -> bool:
    return other.status not in _OFF and _begin(one) < _end(other) and _begin(other) < _end(one)


def _begin(change: Change) -> datetime:
    return change.began_at or change.starts_at


def _end(change: Change) -> datetime:
    return change.ended_at or change.ends_at


def _others(estate: Estate, change: Change, incidents: Iterable[Incident], records: Iterable[Record]) -> dict[str, str]:
    """CIs that are off for other reasons, each with its reason."""
    found: dict[str, str] = {}
    for incident in incidents:
        if incident.is_active and incident.root.ci in estate and incident.state is State.DOWN and incident.root.ci:
            found.setdefault(incident.root.ci, incident.key)
    for other in overlapping(change, records):
        for ci in other.cis:
            if ci in estate:
                found.setdefault(ci, other.key)
    return found


def _rated(estate: Estate, hit: tuple[Hit, ...]) -> tuple[Level | None, str]:
    down = [h for h in hit if h.state is State.DOWN]
    worst = next((h for h in down if criticality_of(estate, h.ci) >= Criticality.HIGH), None)
    if worst is not None:
        return Level.HIGH, f"{estate.ci(worst.ci).title}, which is critical, would be down"
    bad = next((h for h in hit if h.state >= State.DEGRADED), None)
    if bad is not None:
        return Level.MEDIUM, f"{estate.ci(bad.ci).title} would be {bad.state.word}"
    if hit:
        return Level.LOW, f"{estate.ci(hit[0].ci).title} would be {hit[0].state.word}"
    return None, "no business service would notice"


def _owners(
    estate: Estate, joint: Mapping[str, Hit], own: Mapping[str, State], hit: tuple[Hit, ...]
) -> tuple[str, ...]:
    """Owners of what is worked on, of the services hit, and of all that would be down or degraded."""
    concerned = {*own, *(h.ci for h in hit), *(h.ci for h in joint.values() if h.state >= State.DEGRADED)}
    return tuple(sorted({estate.ci(ci).owner for ci in concerned} - {""}))


def _basis(others: Iterable[str]) -> str:
    base = "as sure as the CMDB: worked out from its dependencies"
    reasons = sorted(set(others))
    return f"{base}, with what {', '.join(reasons)} takes away at that time" if reasons else base


def _together(
    estate: Estate, alone: Mapping[str, Hit], joint: Mapping[str, Hit], others: Mapping[str, str]
) -> tuple[str, ...]:
    """What is worse because of something else, in words: the redundancy that the change counts on is gone then."""
    lines = []
    for hit in joint.values():
        before = alone[hit.ci].state if hit.ci in alone else State.UP
        if hit.state <= before or hit.state < State.DEGRADED:
            continue
        missing = sorted(f"{p} ({others[p]})" for p in estate.providers(hit.ci) if p in others)
        if missing:
            lines.append(f"{hit.ci} would be {hit.state.word}: without {', '.join(missing)} it has no redundancy left")
    return tuple(lines[:10])
