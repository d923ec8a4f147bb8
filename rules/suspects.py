"""Work near the root cause of an incident: what may have broken it, nearest and latest first.

Changes cause most failures of what was sound before, and not only of the very thing that was worked on: what stands on
it fails with it. So the root is looked at, what it needs for one and two dependencies, and what carries that.
"""

from collections.abc import Callable, Iterator
from datetime import datetime

from cmdb.graph import Estate
from cmdb.model import Strength
from rules.change_windows import maintenance_of
from rules.draft import Draft
from rules.evidence import change_line
from rules.incident import Incident, Suspect
from rules.linking import tie, untie
from rules.maintenance import Maintenance, Window
from rules.record import Change

NEAR = 2
"""So many dependencies away anything is suspected; a choice: farther off most of an estate would be."""

CARRIERS = frozenset(
    {"container", "pod", "vm", "virtual-machine", "virtual_machine", "host", "server", "node", "hypervisor", "cluster"}
)
"""Types of CI that carry others. Of these a stack is looked at down to its floor: a database on a virtual machine on a
hypervisor in a cluster is farther from the cluster than it seems to those who work on either."""

_FLOOR = 4
_MOST = 5
_COUNTED = ("on the root cause itself", "one step below", "two steps below", "three steps below", "four steps below")


def note_suspects(draft: Draft) -> None:
    """Keep with each open incident the work near its root; what is new or no longer suspected goes onto its history."""
    are_changed = any(isinstance(r, Change) for r in draft.changed_records())
    situation = draft.situation
    maintenance = situation.maintenance
    if are_changed:
        maintenance = maintenance_of(situation.estate, situation.policy, draft.all_records())
    for incident in draft.all_incidents() if are_changed else draft.touched():
        if incident.is_active and (maintenance or incident.suspects):
            _keep(draft, incident, maintenance)


def suspects_of(
    estate: Estate, maintenance: Maintenance, root: str, first: Callable[[], datetime]
) -> tuple[Suspect, ...]:
    """The work that was under way at the first sign of a failure of `root`, or over for a short while; nearest first,
    then latest. `first` is asked for that moment only where there is any work to judge by it."""
    near = [(ci, way) for ci, way in _near(estate, root) if maintenance.has_work(ci)]
    if not near:
        return ()
    sign = first()
    found: dict[str, tuple[tuple[int, float, str], Suspect]] = {}
    for ci, way in near:
        for work in maintenance.recent_work(ci, sign):
            rank = (len(way), (sign - _edge(work, sign)).total_seconds(), work.key)
            found.setdefault(work.key, (rank, _suspect(estate, work, ci, way, root, sign)))
    return tuple(suspect for _, suspect in sorted(found.values(), key=lambda pair: pair[0]))[:_MOST]


def _keep(draft: Draft, incident: Incident, maintenance: Maintenance) -> None:
    root, estate = incident.root.ci, draft.situation.estate
    found: tuple[Suspect, ...] = ()
    if root is not None and root in estate:
        found = suspects_of(estate, maintenance, root, lambda: _first_sign(draft, incident))
    before = {_identity(s): s for s in incident.suspects}
    # An earlier sign may be known by now, which makes no other suspects of them.
    found = tuple(before.get(_identity(s), s) for s in found)
    found += tuple(s for s in _out_of_mind(draft, incident) if s not in found)
    if found == incident.suspects:
        return
    draft.change_incident(incident, suspects=found)
    for suspect in found:
        if _identity(suspect) not in before:
            draft.note(incident.number, "suspect", f"suspected: {suspect.words}", new=suspect.change)
    _tie(draft, incident, {s.change for s in found} - {""}, {s.change for s in incident.suspects} - {""})


def _out_of_mind(draft: Draft, incident: Incident) -> Iterator[Suspect]:
    """Suspects of the same root whose change was put away long ago: they are forgotten, not innocent."""
    known = draft.situation.incidents.get(incident.number)
    if known is not None and known.root.ci == incident.root.ci:
        yield from (s for s in incident.suspects if s.change and draft.record(s.change) is None)


def _tie(draft: Draft, incident: Incident, now: set[str], before: set[str]) -> None:
    for key in sorted(now):
        tie(draft, incident.key, "suspects", key)
    for key in sorted(before - now):
        draft.note(incident.number, "suspect", f"{key} is no longer suspected", old=key)
        untie(draft, incident.key, "suspects", key)


def _identity(suspect: Suspect) -> tuple[str, str, str]:
    return suspect.change or suspect.what, suspect.ci, suspect.where


def _first_sign(draft: Draft, incident: Incident) -> datetime:
    signs = [a.onset for a in draft.member_alerts(incident.number)]
    return min([*signs, incident.observed_at or incident.opened_at])


def _near(estate: Estate, root: str) -> Iterator[tuple[str, tuple[str, ...]]]:
    """The root and what it cannot do without, each with the CIs on the way there, nearest first."""
    ways: dict[str, tuple[str, ...]] = {root: ()}
    queue = [root]
    for ci in queue:
        yield ci, ways[ci]
        if len(ways[ci]) >= _FLOOR:
            continue
        needed = {p for d in estate.dependencies(ci) if d.strength is Strength.HARD for p in d.providers}
        for provider in sorted(needed - ways.keys()):
            if len(ways[ci]) < NEAR or estate.ci(provider).type in CARRIERS:
                ways[provider] = (*ways[ci], ci)
                queue.append(provider)


def _edge(work: Window, first: datetime) -> datetime:
    return work.starts_at if first < work.ends_at else work.ends_at


def _suspect(estate: Estate, work: Window, ci: str, way: tuple[str, ...], root: str, first: datetime) -> Suspect:
    where = _COUNTED[len(way)]
    if way:
        by = f" by way of {', '.join(way[1:])}" if way[1:] else ""
        one_of = "one of those that" if _is_redundant(estate, way[-1], ci) else "which"
        where = f"{where}: on {ci}, {one_of} {root} needs{by}"
    when = f"{change_line(work, first).removeprefix(work.label).strip()} the first sign"
    return Suspect(what=work.label, when=when, ci=ci, hops=len(way), where=where, change=work.change)


def _is_redundant(estate: Estate, dependent: str, provider: str) -> bool:
    return all(d.is_group for d in estate.dependencies(dependent) if provider in d.providers)
