"""Greedy explaining-away without an oracle: it finds out by itself which alerts belong together.

From an alert that no standing cause accounts for, it listens until there are none for two minutes, or for ten minutes,
and explains what it heard. For ten more minutes, what a cause could bring about is taken for its doing. It never
changes its mind.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field

from bench.baselines import Cause, Heard, causes
from cmdb.graph import Estate
from cmdb.model import State

_QUIET_S, _WINDOW_S, _STANDS_S = 120.0, 600.0, 600.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Group:
    """Alerts, by their place in what was heard, that were put down to one cause at a time in seconds."""

    at: float
    cause: Cause
    alerts: list[int] = field(default_factory=list)

    def accounts_for(self, heard: Heard) -> bool:
        """Whether an alert that is heard now is taken for its doing."""
        return self.cause.hits.get(heard.ci, State.UP) >= State.REDUCED and heard.at <= self.at + _STANDS_S


def grouped(estate: Estate, heard: Sequence[Heard]) -> list[Group]:
    """Every alert in one group, the groups in the order in which they were found; `heard` is in order of receipt."""
    groups: list[Group] = []
    pending: list[int] = []
    for number, alert in enumerate(heard):
        if pending and alert.at > min(heard[pending[0]].at + _WINDOW_S, heard[pending[-1]].at + _QUIET_S):
            groups += _explained(estate, heard, pending, groups)
            pending = []
        group = next((g for g in reversed(groups) if g.accounts_for(alert)), None)
        (pending if group is None else group.alerts).append(number)
    return groups + _explained(estate, heard, pending, groups)


def _explained(estate: Estate, heard: Sequence[Heard], pending: Sequence[int], groups: Sequence[Group]) -> list[Group]:
    if not pending:
        return []
    at = heard[pending[0]].at + _WINDOW_S
    standing = [group.cause.ranking[0] for group in groups if at <= group.at + _STANDS_S]
    found = [Group(at=at, cause=cause) for cause in causes(estate, {heard[n].ci for n in pending}, standing)]
    for number in pending:
        next(group for group in found if heard[number].ci in group.cause.hits).alerts.append(number)
    return found
