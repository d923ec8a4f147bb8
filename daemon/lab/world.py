"""What is broken in the made-up data centre, and what can be seen of it from outside. Pure."""

import enum
import zlib
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from types import MappingProxyType

from cmdb.graph import Estate
from cmdb.impact import impact
from cmdb.model import CI, State


class Fault(enum.StrEnum):
    """How a CI is broken: it stops, it works badly, or its disk fills up while it still works."""

    DOWN = "down"
    SLOW = "slow"
    DISK = "disk"


_STATE_OF = {Fault.DOWN: State.DOWN, Fault.SLOW: State.DEGRADED}

# Seconds after which a CI's trouble can be seen: a switch is asked directly, a business service notices last.
_LAG_S = {
    "hypervisor": 1.0,
    "virtual-machine": 2.0,
    "database-instance": 2.5,
    "message-queue-instance": 2.5,
    "cache": 2.5,
    "database": 3.5,
    "message-queue": 3.5,
    "application": 4.0,
    "business-service": 6.0,
}
_SPREAD_S = 2.5
MAX_LAG = timedelta(seconds=10)


@dataclass(frozen=True, slots=True, kw_only=True)
class Era:
    """A time in which the same things were broken."""

    since: datetime
    broken: Mapping[str, Fault]


@dataclass(frozen=True, slots=True, kw_only=True)
class World:
    """What is broken now, and what was broken a moment ago, because symptoms come and go a little later."""

    eras: tuple[Era, ...] = ()

    @property
    def broken(self) -> Mapping[str, Fault]:
        """CI ids and how each is broken now, in the order in which they broke."""
        return self.eras[-1].broken if self.eras else MappingProxyType({})

    def breaking(self, ci: str, fault: Fault, at: datetime) -> "World":
        """The world in which `ci` is broken from `at` on."""
        return self._next({**self.broken, ci: fault}, at)

    def mending(self, cis: frozenset[str], at: datetime) -> "World":
        """The world in which `cis` work again by themselves from `at` on."""
        return self._next({ci: fault for ci, fault in self.broken.items() if ci not in cis}, at)

    def _next(self, broken: Mapping[str, Fault], at: datetime) -> "World":
        still_seen = [i for i, era in enumerate(self.eras) if era.since <= at - MAX_LAG]
        kept = self.eras[still_seen[-1] :] if still_seen else self.eras
        return replace(self, eras=(*kept, Era(since=at, broken=MappingProxyType(dict(broken)))))


@dataclass(frozen=True, slots=True, kw_only=True)
class View:
    """What can be seen at one moment: CIs that are not well, and those whose disk is full."""

    states: Mapping[str, State] = field(default_factory=dict)
    full_disks: frozenset[str] = frozenset()

    def state(self, ci: str) -> State:
        """How `ci` looks."""
        return self.states.get(ci, State.UP)


def lag_of(ci: CI) -> timedelta:
    """How long after the event a CI shows it; always the same for one CI, below `MAX_LAG`."""
    spread = zlib.crc32(ci.id.encode()) % 1000 / 1000 * _SPREAD_S
    return timedelta(seconds=_LAG_S.get(ci.type, 0.0) + spread)


def consequences(estate: Estate, broken: Mapping[str, Fault]) -> dict[str, State]:
    """What the faults mean by the CMDB: every CI that is not up, with its state."""
    failed = {ci: _STATE_OF[fault] for ci, fault in broken.items() if fault in _STATE_OF}
    return {ci: hit.state for ci, hit in impact(estate, failed).items()} if failed else {}


def view(estate: Estate, world: World, now: datetime, *, pace: float = 1.0) -> View:
    """What monitoring can see at `now`. `pace` stretches (above 1) or shortens every CI's lag."""
    meaning = [(era, consequences(estate, era.broken)) for era in world.eras]
    if not any(states for _, states in meaning) and not any(era.broken for era in world.eras):
        return View()
    states: dict[str, State] = {}
    full: set[str] = set()
    for ci_id in sorted({ci for era, found in meaning for ci in (*found, *era.broken)}):
        moment = now - lag_of(estate.ci(ci_id)) * pace
        seen = [(era, found) for era, found in meaning if era.since <= moment]
        if not seen:
            continue
        era, found = seen[-1]
        if ci_id in found:
            states[ci_id] = found[ci_id]
        if era.broken.get(ci_id) is Fault.DISK:
            full.add(ci_id)
    return View(states=states, full_disks=frozenset(full))
