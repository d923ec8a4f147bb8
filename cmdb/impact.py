"""What a failure reaches: the state of every CI that changes when some CIs fail.

The states are the least ones that satisfy all dependencies at once. A dependent is in the worst of its own state and
what each of its dependencies does to it:

* plain hard: provider down -> down, degraded -> degraded, reduced or at risk -> at risk;
* plain soft: provider down or degraded -> degraded;
* redundancy group: fewer than `need` members not down -> down; else fewer than `need` members better than degraded
  -> degraded; else any member down -> reduced. A soft group degrades where a hard one goes down.

No rule makes a dependent worse than its worst provider, so the states are settled from the worst to the mildest and
each CI once. That makes cycles harmless and the walk local: it looks at nothing but what is hit and what stands on it.
"""

import sys
from collections.abc import Iterable, Mapping
from types import MappingProxyType

import msgspec

from cmdb.graph import Estate
from cmdb.model import Criticality, State
from cmdb.upward import Group

_NOTHING: Mapping[str, State] = MappingProxyType({})
_DOWN, _DEGRADED, _REDUCED, _AT_RISK, _UP = State.DOWN, State.DEGRADED, State.REDUCED, State.AT_RISK, State.UP
# What a plain hard dependency makes of its provider's state, by State.
_HARD = (_UP, _AT_RISK, _AT_RISK, _DEGRADED, _DOWN)


class TooWide(Exception):
    """More CIs are hit than the caller was ready to look at."""


class Hit(msgspec.Struct, frozen=True, gc=False):
    """A CI whose state changed: its state, how many dependencies away from a failed CI, and through which provider.

    `hops` is 0 and `via` None for the failed CIs themselves.
    """

    ci: str
    state: State
    hops: int
    via: str | None


def impact(
    estate: Estate,
    failed: Mapping[str, State],
    *,
    given: Mapping[str, State] = _NOTHING,
    limit: int | None = None,
) -> dict[str, Hit]:
    """What changes when the CIs in `failed` are in the states said, by CI: the failed first, then by distance.

    `given` are CIs in a bad state for other reasons. They count as such, but only what changes because of `failed` is
    returned. It must be the whole of that other trouble, as `states` gives it for its causes: what `given` itself
    would reach is not followed, since that would cost its reach at every call.

    The result is the same whatever the order of the mappings. Raises `KeyError` for an id that is not in the estate
    and `TooWide` once more than `limit` CIs are hit.
    """
    walk = _walked(estate, failed, given, limit)
    return walk.explained(sorted(failed))


def states(
    estate: Estate,
    failed: Mapping[str, State],
    *,
    given: Mapping[str, State] = _NOTHING,
    limit: int | None = None,
) -> dict[str, State]:
    """The states alone, for callers that need no distances; about twice as fast as `impact`, else the same."""
    return _walked(estate, failed, given, limit).states


def business_view(estate: Estate, hits: Mapping[str, Hit] | Iterable[Hit]) -> tuple[Hit, ...]:
    """The business services among the hits that are not up: worst state first, then most critical, nearest, by id."""
    found = hits.values() if isinstance(hits, Mapping) else hits
    services = [hit for hit in found if hit.ci in estate.business_services and hit.state > _UP]
    return tuple(sorted(services, key=lambda hit: (-hit.state, -criticality_of(estate, hit.ci), hit.hops, hit.ci)))


def criticality_of(estate: Estate, ci_id: str) -> Criticality:
    """How critical a CI is; medium where nobody said. Raises `KeyError` for an unknown id."""
    return estate.ci(ci_id).criticality or Criticality.MEDIUM


def _walked(estate: Estate, failed: Mapping[str, State], given: Mapping[str, State], limit: int | None) -> "_Walk":
    for ci_id in failed:
        if ci_id not in estate:
            raise KeyError(f"no CI has the id {ci_id}")
    walk = _Walk(estate, given, sys.maxsize if limit is None else limit)
    walk.settle(failed)
    return walk


class _Walk:
    """One failure on its way up the estate."""

    __slots__ = ("_bad", "_degraded", "_down", "_given", "_limit", "_up", "_weakened", "states")

    def __init__(self, estate: Estate, given: Mapping[str, State], limit: int) -> None:
        self._up = estate.upward
        self._given = given
        self._limit = limit
        self.states: dict[str, State] = {}
        # By group number: members down, and members degraded or down, counted as they are settled.
        self._down: dict[int, int] = {}
        self._bad: dict[int, int] = {}
        self._degraded: list[str] = []
        self._weakened: list[Group] = []

    def settle(self, failed: Mapping[str, State]) -> None:
        """Settle the state of every CI that the failed ones reach, worst states first."""
        own: tuple[list[str], ...] = ([], [], [], [], [])  # by State
        for ci_id in sorted(failed):
            own[max(failed[ci_id], self._given.get(ci_id, _UP))].append(ci_id)
        self._sink(_DOWN, own[_DOWN], ())
        bad, weakened = self._bad, self._weakened
        tipped = [group.dependent for group in weakened if bad[group.number] > group.slack]
        self._sink(_DEGRADED, own[_DEGRADED], [*self._degraded, *tipped])
        self._rise(own, [group.dependent for group in weakened])
        self._seeded(_UP, own[_UP], ())

    def _sink(self, state: State, own: list[str], reached: Iterable[str]) -> None:
        """Settle everything that is in a state which hard dependencies hand on unchanged: down or degraded."""
        hard, soft, groups = self._up.hard, self._up.soft, self._up.groups
        settled, base, limit = self.states, self._given.get, self._limit
        queue = self._seeded(state, own, reached)
        for ci_id in queue:
            dependents = hard.get(ci_id, ())
            if ci_id in soft:
                if state is _DOWN:
                    self._degraded += soft[ci_id]
                else:
                    dependents = dependents + soft[ci_id]
            if ci_id in groups:
                dependents = (*dependents, *self._tipped(ci_id, state))
            for dependent in dependents:
                if dependent not in settled and base(dependent, _UP) < state:
                    settled[dependent] = state
                    queue.append(dependent)
                    if len(settled) > limit:
                        raise TooWide(f"more than {limit} CIs are hit")

    def _tipped(self, ci_id: str, state: State) -> list[str]:
        """Count a member as lost in all its groups; the dependents of those that fail with it."""
        before = self._given.get(ci_id, _UP)
        tipped: list[str] = []
        for group in self._up.groups[ci_id]:
            number = group.number
            if number not in self._bad:
                self._count_given(group)
            self._bad[number] += before < _DEGRADED
            if state is _DEGRADED:
                if self._bad[number] > group.slack:
                    tipped.append(group.dependent)
                continue
            self._down[number] += before < _DOWN
            if self._down[number] <= group.slack:
                self._weakened.append(group)
            elif group.soft:
                self._degraded.append(group.dependent)
            else:
                tipped.append(group.dependent)
        return tipped

    def _count_given(self, group: Group) -> None:
        before = [self._given.get(member, _UP) for member in group.members] if self._given else ()
        self._down[group.number] = sum(state is _DOWN for state in before)
        self._bad[group.number] = sum(state >= _DEGRADED for state in before)

    def _rise(self, own: tuple[list[str], ...], weakened: list[str]) -> None:
        """Settle what still works: the dependents of weakened groups, and what stands on those."""
        hard, settled, base, limit = self._up.hard, self.states, self._given.get, self._limit
        reduced = self._seeded(_REDUCED, own[_REDUCED], weakened)
        on_reduced = [dependent for ci_id in reduced for dependent in hard.get(ci_id, ())]
        queue = self._seeded(_AT_RISK, own[_AT_RISK], on_reduced)
        for ci_id in queue:
            for dependent in hard.get(ci_id, ()):
                if dependent not in settled and base(dependent, _UP) < _AT_RISK:
                    settled[dependent] = _AT_RISK
                    queue.append(dependent)
                    if len(settled) > limit:
                        raise TooWide(f"more than {limit} CIs are hit")

    def _seeded(self, state: State, own: list[str], reached: Iterable[str]) -> list[str]:
        """Settle the failed CIs of this state and those reached from worse ones; returns what was not settled yet."""
        settled, base = self.states, self._given.get
        queue = [ci_id for ci_id in own if ci_id not in settled]
        settled.update(dict.fromkeys(queue, state))
        for ci_id in reached:
            if ci_id not in settled and base(ci_id, _UP) < state:
                settled[ci_id] = state
                queue.append(ci_id)
        if len(settled) > self._limit:
            raise TooWide(f"more than {self._limit} CIs are hit")
        return queue

    def explained(self, failed: Iterable[str]) -> dict[str, Hit]:
        """The settled states with the shortest way each one came, walking breadth first over the settled states."""
        hard, soft, groups, settled = self._up.hard, self._up.soft, self._up.groups, self.states
        state_of = settled.get
        hits = {ci_id: Hit(ci_id, settled[ci_id], 0, None) for ci_id in failed}
        queue = [hit for hit in hits.values() if hit.state > _UP]
        for hit in queue:
            ci_id, state, hops = hit.ci, hit.state, hit.hops + 1
            handed_on = _HARD[state]
            for dependent in hard.get(ci_id, ()):
                if state_of(dependent) is handed_on and dependent not in hits:
                    hits[dependent] = found = Hit(dependent, handed_on, hops, ci_id)
                    queue.append(found)
            if state < _DEGRADED:
                continue
            for dependent in soft.get(ci_id, ()):
                if state_of(dependent) is _DEGRADED and dependent not in hits:
                    hits[dependent] = found = Hit(dependent, _DEGRADED, hops, ci_id)
                    queue.append(found)
            for group in groups.get(ci_id, ()):
                dependent = group.dependent
                if dependent not in hits and dependent in settled and self._explains(group, state):
                    hits[dependent] = found = Hit(dependent, settled[dependent], hops, ci_id)
                    queue.append(found)
        return hits

    def _explains(self, group: Group, member: State) -> bool:
        """Whether the group, with a member degraded or down, is what put its dependent into its state."""
        state = self.states[group.dependent]
        if state is _DOWN:
            return member is _DOWN and not group.soft and self._down[group.number] > group.slack
        if state is _DEGRADED:
            return self._bad[group.number] > group.slack
        return state is _REDUCED and member is _DOWN
