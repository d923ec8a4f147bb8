"""What may have failed beside a root that explains the signs alone, and which the root then hides.

One failure is nearly always likelier than two, so what a second one would explain is laid to the first. Still each sign
may be the second's doing, the more so where that would hit its CI worse than the root does; and where the other is
known to have failed, all that is asked is whose doing the sign is.
"""

from collections.abc import Iterable, Mapping
from collections.abc import Set as AbstractSet
from math import exp, expm1, log1p, prod

from cmdb.impact import Hit
from cmdb.model import State
from rules.score import ANOTHER, Scored, Scorer

_MOST = 32
"""So many are looked at closely: twice the candidates that are kept."""


def also_failed(scorer: Scorer, root: Scored, others: Iterable[Scored], failed: AbstractSet[str]) -> dict[str, float]:
    """The chance that each of the others, scored on the signs that `root` explains, has failed too and accounts for at
    least one of them; of those known to have `failed`, which have incidents of their own, the part they account for.
    """
    hits = scorer.hits_of(root.ci)
    found: dict[str, float] = {}
    odds: dict[str, tuple[float, dict[str, float], Scored]] = {}
    for other in others:
        if other.ci == root.ci or not other.gains:
            continue
        if other.ci in failed:
            found[other.ci] = _part(root, other.gains)
        elif _state(hits, other.ci) is not State.DOWN and (other.ci in root.gains or other.ci not in scorer.case.signs):
            worse = _worse(scorer, hits, other)
            if worse:
                odds[other.ci] = (_gain(scorer, root, other.ci, worse), worse, other)
    for ci in sorted(odds, key=lambda ci: (-odds[ci][0], ci))[:_MOST]:
        gain, worse, other = odds[ci]
        whole = gain + scorer.silence_beside(other, hits, worse)
        found[ci] = _share(root, worse) / (1 + exp(-whole)) if whole > -50 else 0.0
    return found


def _worse(scorer: Scorer, hits: Mapping[str, Hit], other: Scored) -> dict[str, float]:
    """What the other adds where it hits a CI worse than the root does: elsewhere its failure changes nothing."""
    theirs = scorer.hits_of(other.ci)
    return {ci: gain for ci, gain in other.gains.items() if theirs[ci].state > _state(hits, ci)}


def _state(hits: Mapping[str, Hit], ci: str) -> State:
    return hits[ci].state if ci in hits else State.UP


def _gain(scorer: Scorer, root: Scored, ci: str, gains: Mapping[str, float]) -> float:
    """By how much both explain the signs better than the root alone, as log-odds, less what a second failure costs."""
    more = sum(log1p(expm1(gain) / exp(root.gains.get(sign, 0.0))) for sign, gain in gains.items())
    return ANOTHER + scorer.case.prior(ci) + more


def _part(root: Scored, gains: Mapping[str, float]) -> float:
    """Which part of what the root explains is to be expected to be the other's doing, both having failed."""
    return sum(_blame(root, sign, gain) for sign, gain in gains.items()) / max(1, len(root.gains))


def _share(root: Scored, gains: Mapping[str, float]) -> float:
    """The chance that at least one of the signs is the other's doing, both having failed."""
    return 1 - prod(1 - _blame(root, sign, gain) for sign, gain in gains.items())


def _blame(root: Scored, sign: str, gain: float) -> float:
    """The chance that a sign is the other's doing rather than the root's."""
    theirs, roots = expm1(gain), expm1(root.gains.get(sign, 0.0))
    return theirs / (theirs + roots) if theirs > 0 else 0.0
