"""How well one failed CI explains a set of alerts, in natural log-odds.

The model is a noisy-or with leak (Pearl 1988), as fault localisation uses it (Steinder and Sethi 2004): a failed CI
makes each CI that it hits alert with a probability that depends on how badly it is hit and how far away; every CI
may also alert for no reason (the leak). Silence of a CI that would be expected to alert speaks against a candidate,
in proportion to how likely it is that the CI is monitored at all.

A failure is often partial: it hits an unknown fraction of what depends on it. That case is scored beside the full
failure, with the fraction integrated out (Beta-binomial with a flat prior), and the better of the two counts.
"""

from dataclasses import dataclass
from datetime import datetime
from functools import cache
from math import lgamma, log

from cmdb.impact import Hit
from cmdb.model import State
from rules.alert import Severity


@dataclass(frozen=True, slots=True, kw_only=True)
class Sign:
    """All that the alerts on one CI say together. `onset` is when the first of them began.

    `strained` are the kinds of news about its own resources (see `template_of`), `callers` those who complain of
    calls to it. `is_outage` tells that something does not work at all, not merely badly.
    """

    ci: str
    onset: datetime
    severity: Severity
    names: frozenset[str]
    is_firing: bool
    last: datetime
    strained: frozenset[str] = frozenset()
    callers: frozenset[str] = frozenset()
    is_outage: bool = True


PRIOR = 0.001
"""Chance that a given CI fails within one correlation window: a CI that fails about once a week (CI-hours/10 min)."""

P_ALERT: dict[tuple[State, Severity], float] = {
    (State.DOWN, Severity.CRITICAL): 0.65,
    (State.DOWN, Severity.WARNING): 0.2,
    (State.DEGRADED, Severity.CRITICAL): 0.15,
    (State.DEGRADED, Severity.WARNING): 0.5,
    (State.REDUCED, Severity.WARNING): 0.25,
    (State.AT_RISK, Severity.WARNING): 0.08,
}
"""Chance that the worst alert of a monitored CI in this state is of this rank; monitoring misses about one outage in
six, most outages are called critical, and few monitor that redundancy is lost."""

P_SPEAKS = {state: sum(p for (s, _), p in P_ALERT.items() if s is state) for state in State}
"""Chance that a monitored CI in this state raises any alert at all."""

P_LEAK = {Severity.CRITICAL: 0.005, Severity.WARNING: 0.01}
"""Chance that a CI raises such an alert in the window though nothing it needs has failed."""

DECAY = 0.95
"""What is left of that chance at each further hop: effects thin out on their way up."""

P_PARTIAL = 0.3
"""Chance that a failure is partial, hitting an unknown fraction of what depends on the CI."""

P_MONITORED_TYPE = 0.9
P_MONITORED_UNKNOWN = 0.3
"""Chance that a CI is monitored, where others of its type have been seen to alert, and where none has."""

_LOG_PRIOR = log(PRIOR)
_LOG_PARTIAL = log(P_PARTIAL)
_ALONE = {
    severity: _LOG_PRIOR + log((P_ALERT[State.DOWN, severity] + leak) / leak) for severity, leak in P_LEAK.items()
}


def gain_of(hit: Hit, sign: Sign) -> float:
    """Log-odds that the hit caused the sign, against the leak; 0 where it explains nothing."""
    return _gain(hit.state, sign.severity, hit.hops)


@cache
def _gain(state: State, severity: Severity, hops: int) -> float:
    chance = P_ALERT.get((state, severity), 0.0) * DECAY ** max(0, hops - 1)
    leak = P_LEAK[severity]
    return log((chance + leak) / leak) if chance > leak else 0.0


def alone(sign: Sign) -> float:
    """Score of the sign's own CI as the cause of nothing but this sign."""
    return _ALONE[sign.severity]


def silence_of(hit: Hit, monitored: float) -> float:
    """Log-probability that a CI hit this way says nothing."""
    return _silence(hit.state, hit.hops, monitored)


@cache
def _silence(state: State, hops: int, monitored: float) -> float:
    speaks = P_SPEAKS[state] * DECAY ** max(0, hops - 1)
    return log(1 - monitored * speaks)


def partial(heard: int, silent: float, leaks: float) -> float:
    """Log-odds of a partial failure that shows on `heard` dependents and not on `silent` (a weighted count).

    `leaks` is the sum of the log leak probabilities of those heard.
    """
    return _LOG_PARTIAL + lgamma(heard + 1) + lgamma(silent + 1) - lgamma(heard + silent + 2) - leaks


def prior(_ci_type: str) -> float:
    """Log-probability that a CI of this type fails in the window."""
    return _LOG_PRIOR
