"""Which of the CIs that could be behind one failure it really is.

Explaining the symptoms says how far a failure reaches; where it began is said by the alerts that a CI raises about
itself. A provider that fails does not raise its dependents' use of memory or processor: such an alert is evidence for
its own CI, and the more so the fewer CIs show the same. Callers that complain of a CI point to it or to what it needs.
"""

from collections import Counter
from collections.abc import Collection, Iterable, Mapping
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from math import exp, log1p

from cmdb.graph import Estate
from rules.beside import also_failed
from rules.likelihood import Sign
from rules.score import INCUMBENT_BONUS, Scored, Scorer
from rules.strain import Strain

STRAIN_WEIGHT = 2.3
"""Log-odds for each e-fold of news about a CI's own resources: ln 10, so that each takes the odds to ten times."""

CALLER_WEIGHT = 1.0
"""Log-odds for each e-fold of callers that complain of a CI: odds in proportion to the callers."""

CALLEE_WEIGHT = 0.25
"""Log-odds for each e-fold of CIs of which a caller complains: it may be the caller's own fault, but seldom is."""

PLAIN_POWER = 4
"""How fast what explains the signs loses its say, the more of them tell of strain or slow calls and not of an outage:
with half of them it has a sixteenth left. A CI that works badly harms some of what needs it and not others."""

OUTAGE_DOUBT = 2.0
"""By how much the log-odds of outages are to be divided: their symptoms are not as independent as the model has it."""

_WORST = -100.0

SHOWN = 16
"""Candidates kept with an explanation."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Explanation:
    """One failure: the failed CI, the CIs with signs that it explains, and the ranked alternatives.

    `candidates` holds (ci, probability among the candidates), the root first. `odds` are the log-odds of a failure
    against noise. `beside` are the CIs that must have failed too, `also` the candidates that are likelier to have
    failed beside the root than in its place; their probability is that of having failed.
    """

    root: str
    explained: tuple[str, ...]
    candidates: tuple[tuple[str, float], ...]
    odds: float
    beside: tuple[str, ...] = ()
    also: frozenset[str] = frozenset()


def own_evidence(strain: Strain, signs: Mapping[str, Sign], cis: Iterable[str]) -> dict[str, float]:
    """Log-odds for each of the CIs that the failure which `signs` tell of began there, by the kinds of its alerts."""
    complains = Counter(caller for sign in signs.values() for caller in sign.callers)
    found = {}
    for ci in cis:
        callers = len(signs[ci].callers) if ci in signs else 0
        strained = strain.of(ci) + max(0.0, strain.shared(ci))
        found[ci] = STRAIN_WEIGHT * strained + CALLER_WEIGHT * log1p(callers) + CALLEE_WEIGHT * log1p(complains[ci])
    return found


def suspects(estate: Estate, strain: Strain, signs: Mapping[str, Sign], most: int) -> list[str]:
    """The CIs for which most speaks among those that alert, those that complain and their neighbours, best first."""
    heard = sorted({*signs, *(caller for sign in signs.values() for caller in sign.callers)})
    heard = [ci for ci in heard if ci in estate]
    around = {near for ci in heard for near in (*estate.providers(ci), *estate.dependents(ci))}
    evidence = own_evidence(strain, signs, sorted({*heard, *around}))
    return sorted(evidence, key=lambda ci: (-round(evidence[ci], 6), ci not in signs, ci))[:most]


def share_of_outages(signs: Mapping[str, Sign], cis: Collection[str]) -> float:
    """Which part of the CIs says that something does not work at all, from 0 to 1.

    What is strained or answers its callers late still works, however critical that is called.
    """
    dead = (signs[ci].is_outage and not signs[ci].strained and not signs[ci].callers for ci in cis)
    return sum(dead) / len(cis) if cis else 0.0


def named(scorer: Scorer, cover: str, cis: tuple[str, ...], failed: AbstractSet[str]) -> Explanation:
    """Name the root of the failure that shows on `cis`, all of which `cover` explains, and rank the alternatives.

    Where most of them are outages, the root is what explains them all. A CI that only works badly harms part of what
    needs it, so reaching them all says little then, and it is the CI for which the kinds of the alerts speak.
    """
    scorer = scorer.before(cover)
    signs = {ci: scorer.case.signs[ci] for ci in cis}
    estate, strain = scorer.case.reach.estate, Strain(scorer.case.reach.estate, scorer.case.signs)
    scored = _alternatives(scorer, cover, cis)
    near = list(dict.fromkeys([*list(scored)[: 2 * SHOWN + 1], *suspects(estate, strain, signs, SHOWN)]))
    evidence, outages, heard = own_evidence(strain, signs, near), share_of_outages(signs, cis), frozenset(cis)
    plain = sum(not s.strained and not s.callers for s in signs.values()) / len(signs)
    weight = plain**PLAIN_POWER
    scores, honest, explaining = {}, {}, {cover}
    for ci in near:
        whole = scorer.score(ci, heard)
        # A neighbour with signs of its own that another failure explains is that failure's root or symptom.
        is_free = ci in heard or ci not in scorer.case.signs
        if is_free and (outages <= 1 / 2 or whole.gains.keys() == heard):
            explaining.add(ci)
        scores[ci] = round(weight * max(whole.score, _WORST) + evidence[ci], 6)
        honest[ci] = scores[ci] - weight * INCUMBENT_BONUS * (ci in scorer.case.incumbents)
    root = min(explaining, key=lambda ci: (-scores[ci], ci != cover, ci not in signs, ci))
    sure = _probabilities(honest, 1 + (OUTAGE_DOUBT - 1) * weight)
    also = _also(scorer, scorer.score(root, heard), scored, failed, sure) if outages > 1 / 2 else {}
    chance = {**sure, **also}
    ranked = sorted(chance, key=lambda ci: (ci != root, -chance[ci], ci not in signs, ci))[:SHOWN]
    candidates = tuple((ci, round(chance[ci], 3)) for ci in ranked)
    return Explanation(
        root=root,
        explained=cis,
        candidates=candidates,
        odds=0.0,
        beside=scorer.beside(root),
        also=frozenset(also).intersection(ranked),
    )


def _also(
    scorer: Scorer, root: Scored, scored: Mapping[str, Scored], failed: AbstractSet[str], sure: Mapping[str, float]
) -> dict[str, float]:
    """The CIs that are likelier to have failed beside the root than in its place, and how likely they have."""
    found = also_failed(scorer, root, scored.values(), failed)
    also = {ci: chance for ci, chance in found.items() if chance > sure.get(ci, 0.0)}
    # Without these the root would not explain what it does: they are as sure as it is.
    return {**also, **{ci: max(sure[root.ci], sure.get(ci, 0.0)) for ci in scorer.beside(root.ci)}}


def _probabilities(scores: Mapping[str, float], doubt: float) -> dict[str, float]:
    """The scores, log-odds up to a constant, as probabilities that add up to 1; each divided by `doubt` first."""
    best = max(scores.values())
    weights = {ci: exp((score - best) / doubt) for ci, score in scores.items()}
    total = sum(weights.values())
    return {ci: weight / total for ci, weight in weights.items()}


def _alternatives(scorer: Scorer, root: str, cis: tuple[str, ...]) -> dict[str, Scored]:
    """All that could cause some of the signs, scored on all of them: `root` first, then what explains them best."""
    signs, heard = scorer.case.signs, frozenset(cis)
    causes = {ci for sign in cis for ci in scorer.causes_of(sign)} | {root}
    scored = {ci: scorer.score(ci, heard) for ci in causes}
    order = sorted(causes, key=lambda ci: (ci != root, -round(scored[ci].score, 6), ci not in signs, ci))
    return {ci: scored[ci] for ci in order}
