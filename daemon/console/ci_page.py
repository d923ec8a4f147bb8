"""What a CI's page says: what it is, how it is now, what it needs, and what happens if it fails."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta

from cmdb.graph import Estate
from cmdb.impact import Hit, TooWide, business_view, impact
from cmdb.model import CI, Dependency, State, Strength
from daemon.api.ports import Ports
from daemon.console.surroundings import Picture, picture_of
from daemon.store.rows import RecordSearch, Search
from rules.alert import Alert
from rules.incident import ACTIVE, Incident
from rules.near import near_names
from rules.record import Change, ChangeStatus, Kind

MOST_REACHED = 200_000
MOST_ACTIVE = 500
MOST_ALERTS = 50
MOST_PAST = 20
FIRST = 12
"""So many neighbours are named at once; the others unfold."""
MOST_NEIGHBOURS = 500
AHEAD = timedelta(days=60)
_STILL_TO_COME = (ChangeStatus.PLANNED, ChangeStatus.APPROVED, ChangeStatus.IN_PROGRESS)


@dataclass(frozen=True, slots=True, kw_only=True)
class Need:
    """One thing that a CI needs, in words, and the CIs it is made of."""

    words: str
    providers: tuple[CI, ...]
    is_soft: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Outlook:
    """What happens if some CIs fail: `hits` beside the CIs themselves, in order of distance; `is_too_wide` that it is
    more than can be looked at. `counts` are (word, how many), `services` the business services, worst first."""

    failed: tuple[CI, ...]
    hits: Mapping[str, Hit]
    counts: tuple[tuple[str, int], ...] = ()
    services: tuple[tuple[CI, Hit, str], ...] = ()
    is_too_wide: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Whole:
    """Everything that a CI's page shows."""

    ci: CI
    needs: tuple[Need, ...]
    needed_by: tuple[CI, ...]
    needed_by_count: int
    picture: Picture
    outlook: Outlook
    rooted: tuple[Incident, ...]
    hit_by: tuple[Incident, ...]
    alerts: tuple[Alert, ...]
    past: tuple[Incident, ...]
    changes: tuple[Change, ...]

    @property
    def state(self) -> State:
        """How it is now, by what its open incidents say."""
        return max((i.state for i in self.rooted), default=State.UP)


def whole_of(ports: Ports, ci: CI) -> Whole:
    """Look everything up."""
    estate = ports.estate()
    outlook = outlook_of(estate, (ci,))
    active = ports.store.incidents(Search(statuses=sorted(map(str, ACTIVE)), sort="priority"), limit=MOST_ACTIVE)
    rooted = tuple(i for i in active if i.root.ci == ci.id)
    dependents = estate.dependents(ci.id)
    past = Search(cis=[ci.id], sort="-opened_at")
    return Whole(
        ci=ci,
        needs=tuple(need_of(estate, d) for d in ci.depends_on),
        needed_by=tuple(estate.ci(d) for d in dependents[:MOST_NEIGHBOURS]),
        needed_by_count=len(dependents),
        picture=picture_of(estate, ci, outlook.hits),
        outlook=outlook,
        rooted=rooted,
        hit_by=tuple(i for i in active if i.root.ci != ci.id and _is_hit(i, ci.id)),
        alerts=tuple(ports.store.firing_on(ci.id, MOST_ALERTS)),
        past=tuple(i for i in ports.store.incidents(past, limit=MOST_PAST) if not i.is_active),
        changes=_changes(ports, ci.id),
    )


def _is_hit(incident: Incident, ci: str) -> bool:
    return ci in incident.impacted or any(s.ci == ci for s in incident.services)


def _changes(ports: Ports, ci: str) -> tuple[Change, ...]:
    now = ports.clock.now()
    wanted = RecordSearch(
        kind=Kind.CHANGE, cis=[ci], statuses=sorted(map(str, _STILL_TO_COME)), since=now, until=now + AHEAD
    )
    found = [c for c in ports.store.records(wanted, limit=MOST_PAST) if isinstance(c, Change)]
    return tuple(sorted(found, key=lambda c: (c.starts_at, c.number)))


def need_of(estate: Estate, dependency: Dependency) -> Need:
    """As in `needs one of tor-3a, tor-3b`; the names are links, so the words stand before them."""
    providers = tuple(estate.ci(p) for p in dependency.providers)
    count, need = len(providers), dependency.need
    if count == 1:
        words = "needs"
    elif need >= count:
        words = "needs all of"
    else:
        words = "needs one of" if need == 1 else f"needs {need} of these {count}:"
    return Need(words=words, providers=providers, is_soft=dependency.strength is Strength.SOFT)


def named(estate: Estate, given: Sequence[str]) -> tuple[tuple[str, ...], list[tuple[str, Sequence[str]]]]:
    """The ids of the CIs named, and the names that no CI has, with what may have been meant."""
    names = [name.strip() for name in given if name.strip()]
    found = [(name, estate.find(name)) for name in names]
    known = tuple(dict.fromkeys(id_ for _, id_ in found if id_ is not None))
    return known, [(name, near_names(estate, name)) for name, id_ in found if id_ is None]


def outlook_of(estate: Estate, failed: Sequence[CI]) -> Outlook:
    """What happens if these fail together."""
    ids = {ci.id for ci in failed}
    try:
        hits = impact(estate, dict.fromkeys(ids, State.DOWN), limit=MOST_REACHED)
    except TooWide:
        return Outlook(failed=tuple(failed), hits={}, is_too_wide=True)
    reached = [h for h in hits.values() if h.ci not in ids]
    words = dict.fromkeys((State.DOWN.word, State.DEGRADED.word, State.AT_RISK.word), 0)
    for hit in reached:
        words[hit.state.word] += 1
    services = [h for h in business_view(estate, hits) if h.ci not in ids]
    return Outlook(
        failed=tuple(failed),
        hits=hits,
        counts=tuple((word, count) for word, count in words.items() if count),
        services=tuple((estate.ci(h.ci), h, way(hits, h)) for h in services),
    )


def way(hits: Mapping[str, Hit], hit: Hit, most: int = 5) -> str:
    """How a failure comes to a CI, from what is next to it down to what failed."""
    names: list[str] = []
    via = hit.via
    while via is not None and len(names) < most:
        names.append(via)
        via = hits[via].via if via in hits else None
    return " ← ".join(names) + (" ← …" if via is not None else "")
