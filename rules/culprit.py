"""Which of the CIs that could be behind one failure it really is.

Explaining the symptoms says how far a failure reaches; where it began is said by the alerts that a CI raises about
itself. A provider that fails does not raise its dependents' use of memory or processor: such an alert is evidence for
its own CI, and the more so the fewer CIs show the same. Callers that complain of a CI point to it or to what it needs.
"""

from collections import Counter
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from math import exp, log1p, sqrt

from cmdb.graph import Estate
from rules.likelihood import Sign
from rules.score import Scorer

STRAIN_WEIGHT = 2.3
"""Log-odds for each e-fold of news about a CI's own resources: ln 10, so that each takes the odds to ten times."""

CALLER_WEIGHT = 1.0
"""Log-odds for each e-fold of callers that complain of a CI: odds in proportion to the callers."""

CALLEE_WEIGHT = 0.25
"""Log-odds for each e-fold of CIs of which a caller complains: it may be the caller's own fault, but seldom is."""


REACH_WEIGHT = 0.5
"""Log-odds for each e-fold of CIs whose bad work it explains, where nothing is down: a CI that works badly harms some
of what needs it and not others, so many say hardly more than a few."""

PLAIN_POWER = 4

_WORST = -100.0

SHOWN = 16
"""Candidates kept with an explanation."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Explanation:
    """One failure: the failed CI, the CIs with signs that it explains, and the ranked alternatives.

    `candidates` holds (ci, probability among the candidates), the root first. `odds` are the log-odds of a failure
    against noise.
    """

    root: str
    explained: tuple[str, ...]
    candidates: tuple[tuple[str, float], ...]
    odds: float


def own_evidence(signs: Mapping[str, Sign], cis: Iterable[str]) -> dict[str, float]:
    """Log-odds for each of the CIs that the failure which `signs` tell of began there, by the kinds of its alerts.

    News that k CIs share counts as 1/sqrt(k), between each speaking for itself and all speaking once.
    """
    shown = Counter(news for sign in signs.values() for news in sign.strained)
    complains = Counter(caller for sign in signs.values() for caller in sign.callers)
    found = {}
    for ci in cis:
        sign = signs.get(ci)
        strain = sum(1 / sqrt(shown[news]) for news in sorted(sign.strained)) if sign else 0.0
        callers = len(sign.callers) if sign else 0
        found[ci] = (
            STRAIN_WEIGHT * log1p(strain) + CALLER_WEIGHT * log1p(callers) + CALLEE_WEIGHT * log1p(complains[ci])
        )
    return found


def suspects(estate: Estate, signs: Mapping[str, Sign], most: int) -> list[str]:
    """The CIs for which most speaks among those that alert and those that complain, best first."""
    named = {*signs, *(caller for sign in signs.values() for caller in sign.callers)}
    evidence = own_evidence(signs, named := {ci for ci in named if ci in estate})
    return sorted(named, key=lambda ci: (-round(evidence[ci], 6), ci))[:most]


def share_of_outages(signs: Mapping[str, Sign], cis: Collection[str]) -> float:
    """Which part of the CIs says that something does not work at all, from 0 to 1."""
    return sum(signs[ci].is_outage for ci in cis) / len(cis) if cis else 0.0


def named(scorer: Scorer, cover: str, cis: tuple[str, ...]) -> Explanation:
    """Name the root of the failure that shows on `cis`, all of which `cover` explains, and rank the alternatives.

    Where most of them are outages, the root is what explains them all. A CI that only works badly harms part of what
    needs it, so reaching them all says little then, and it is the CI for which the kinds of the alerts speak.
    """
    signs = {ci: scorer.case.signs[ci] for ci in cis}
    near = list(dict.fromkeys([*_alternatives(scorer, cover, cis), *suspects(scorer.case.reach.estate, signs, SHOWN)]))
    evidence, outages, heard = own_evidence(signs, near), share_of_outages(signs, cis), frozenset(cis)
    plain = sum(not s.strained and not s.callers for s in signs.values()) / len(signs)
    weight = outages + (1 - outages) * plain**PLAIN_POWER
    scores, explaining = {}, {cover}
    for ci in near:
        whole = scorer.score(ci, heard)
        if outages <= 1 / 2 or whole.gains.keys() == heard:
            explaining.add(ci)
        fit = max(whole.score, _WORST)
        reach = weight * fit + (1 - weight) * REACH_WEIGHT * log1p(len(whole.gains))
        scores[ci] = round(reach + evidence[ci], 6)
    root = min(explaining, key=lambda ci: (-scores[ci], ci != cover, ci not in signs, ci))
    best = scores[root]
    weights = {ci: exp(min(0.0, score - best) / 2) for ci, score in scores.items()}
    total = sum(weights.values())
    ranked = sorted(near, key=lambda ci: (ci != root, -weights[ci], ci not in signs, ci))
    candidates = tuple((ci, round(weights[ci] / total, 3)) for ci in ranked[:SHOWN])
    return Explanation(root=root, explained=cis, candidates=candidates, odds=0.0)


def _alternatives(scorer: Scorer, root: str, cis: tuple[str, ...]) -> list[str]:
    """The CIs worth naming beside `root`: those that could explain most of the same signs."""
    counted: dict[str, int] = {}
    for sign in cis:
        for ci in scorer.causes_of(sign):
            counted[ci] = counted.get(ci, 0) + 1
    counted[root] = len(cis) + 1
    order = sorted(counted, key=lambda ci: (-counted[ci], ci not in scorer.case.signs, ci))
    return order[: 2 * SHOWN]
