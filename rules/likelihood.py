"""How well one failed CI explains a set of alerts, in natural log-odds against «all of them are noise».

The model is a noisy-or with leak (Pearl 1988), as fault localisation uses it (Steinder and Sethi 2004): a failed CI
makes each CI that it hits alert with a probability that depends on how badly it is hit and how far away, some time
after the failure began; every CI may also alert for no reason (the leak) at any time. Silence of a CI that would be
expected to alert by now speaks against a candidate, in proportion to how likely it is that the CI is monitored.

A failure is often partial: it hits an unknown fraction of what depends on it. That case is scored beside the full
failure, with the fraction integrated out (Beta-binomial with a flat prior), and the better of the two counts.
"""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from math import exp, lgamma, log
from typing import NamedTuple

from cmdb.model import State
from rules.alert import Severity


class Heard(NamedTuple):
    """One alert of a sign: when it began, in seconds since 1970, its rank, how much likelier than others of its rank it
    is to fire for no reason, and whether it speaks of the CI's own resources."""

    at: float
    severity: Severity
    noise: float = 1.0
    is_strain: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Sign:
    """All that the alerts on one CI say together. `onset` is when the first of them began, `heard` each by its time.

    `strained` are the kinds of news about its own resources (see `news_of`), `callers` those who complain of
    calls to it. `is_outage` tells that something does not work at all, not merely badly.
    """

    ci: str
    onset: datetime
    heard: tuple[Heard, ...]
    severity: Severity
    names: frozenset[str]
    is_firing: bool
    last: datetime
    strained: frozenset[str] = frozenset()
    callers: frozenset[str] = frozenset()
    is_outage: bool = True


WINDOW_S = 600.0
"""Within this time nearly all symptoms of a failure begin: a scrape, an evaluation and a usual `for:` of five
minutes."""

PRIOR = 0.001
"""Chance that a given CI fails within one such window: a CI that fails about once a week (CI-hours/10 min)."""

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

P_LEAK = {Severity.CRITICAL: 0.002, Severity.WARNING: 0.01}
"""Chance that a CI raises such an alert in a window though nothing it needs has failed."""

DECAY = 0.95
"""What is left of that chance at each further hop: effects thin out on their way up."""

PROMPT_S = 60.0
"""Mean delay of a prompt symptom behind the first one: a scrape (15 s), an evaluation (15 s) and a short `for:`."""

P_SLOW = 0.3
"""Share of the symptoms that are not prompt but begin at any time within the window: long `for:`, slow decline."""

P_LATE = 0.03
"""Share of the symptoms that begin in each further window as long as the failure lasts."""

P_STRAINED = 0.3
"""How much less likely a CI that is hit speaks of its own resources than one that failed: a provider's failure takes
work away from what needs it more often than it piles work up."""

P_PARTIAL = 0.1
"""Chance that a failure is partial, hitting an unknown fraction of what depends on the CI."""

P_MONITORED_HEARD = 0.98
P_MONITORED_TYPE = 0.9
P_MONITORED_UNKNOWN = 0.3
"""Chance that a CI is monitored: where it has alerted before, where others of its type have, and where none has."""

_LOG_PARTIAL = log(P_PARTIAL)
_EARLY_S = 5.0
_PROMPT_WEIGHT = 2


def promptness(delay_s: float) -> float:
    """How dense symptoms lie this long after the first one, relative to evenly spread over the window."""
    if delay_s < 0:
        return promptness(-delay_s) if delay_s >= -_EARLY_S else 0.0
    if delay_s > WINDOW_S:
        return P_LATE
    return (1 - P_SLOW) * WINDOW_S / PROMPT_S * exp(-delay_s / PROMPT_S) + P_SLOW


def arrived(age_s: float, delays_s: Collection[float] = ()) -> float:
    """Share of the symptoms that have begun once the failure is this old; the integral of `promptness`.

    `delays_s` are those of the symptoms heard so far: where many came at once, so would the others have.
    """
    mean = (_PROMPT_WEIGHT * PROMPT_S + sum(delays_s)) / (_PROMPT_WEIGHT + len(delays_s))
    age_s = min(max(age_s, 0.0) + _EARLY_S, WINDOW_S)
    return (1 - P_SLOW) * (1 - exp(-age_s / min(mean, PROMPT_S))) + P_SLOW * age_s / WINDOW_S


@cache
def contrast(state: State, hops: int, severity: Severity, is_strain: bool = False) -> float:
    """How much likelier an alert of this rank is on a CI hit this way than for no reason, evenly spread in time."""
    chance = P_ALERT.get((state, severity), 0.0) * DECAY ** max(0, hops - 1)
    return chance * (P_STRAINED if is_strain and hops else 1.0) / P_LEAK[severity]


NOISE_LASTS_S = 300.0
LASTING_NOISE, LASTING_NOISE_LASTS_S = 0.02, 3600.0
"""Mean time after which an alert that fired for no reason clears; a share of them is more stubborn."""


def outlasted(age_s: float) -> float:
    """Share of the alerts without a reason that last at least this long."""
    age_s = max(0.0, age_s)
    stubborn = LASTING_NOISE * exp(-age_s / LASTING_NOISE_LASTS_S)
    return (1 - LASTING_NOISE) * exp(-age_s / NOISE_LASTS_S) + stubborn


BREADTH_WEIGHT = 1.0
"""Log-odds for each e-fold of different alerts on one CI: a failure shows in many ways, noise mostly in one."""


def breadth_of(names: int) -> float:
    """What it adds that so many different alerts speak of one CI, in log-odds."""
    return BREADTH_WEIGHT * log(max(1, names))


def silence_of(state: State, hops: int, monitored: float, arrived: float) -> float:
    """Log-probability that a CI hit this way says nothing, at a moment when `arrived` of all symptoms have begun."""
    return log(1 - monitored * P_SPEAKS[state] * DECAY ** max(0, hops - 1) * arrived)


def partial(heard: int, silent: float, alerts: float) -> float:
    """Log-odds of a partial failure that shows on `heard` dependents and not on `silent` (a weighted count).

    `alerts` is the sum of the log-odds of each alert, given that its CI is hit and speaks.
    """
    return _LOG_PARTIAL + lgamma(heard + 1) + lgamma(silent + 1) - lgamma(heard + silent + 2) + alerts
