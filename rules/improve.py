"""Local improvements of a set of causes that was found greedily: each changes a few of them for others that together
explain the same signs better.
"""

from collections.abc import Callable
from collections.abc import Set as AbstractSet
from functools import partial
from itertools import pairwise

from rules.combined import pairs
from rules.greedy import OPEN_ODDS, greedy
from rules.score import ANOTHER, Pair, Scored, Scorer

PAUSE_S = 60.0
"""Where no symptom begins for so long, others may come from another failure: it is the mean delay of a prompt one."""

_MOST = 64
"""So many poor causes are tried at most: a bound on the work."""

_EQUAL = 1e-6
"""What is better by less is equal, so that rounding turns nothing and every search ends."""


def improved(scorer: Scorer, chosen: list[Scored]) -> list[Scored]:
    """The causes after every kind of improvement, one after the other."""
    chosen = _absorb(scorer, _parted(scorer, chosen))
    return _paired(scorer, _filled(scorer, chosen))


def _parted(scorer: Scorer, chosen: list[Scored]) -> list[Scored]:
    """Local improvement: part a cause into several where these explain more together.

    That may be so where much of its reach is silent, and where what it explains began in two bursts.
    """
    kept: list[Scored] = []
    for large in chosen:
        ways = [[large]]
        if len(large.gains) > 1:
            causes = {c for sign in large.gains for c in scorer.causes_of(sign)}
            if large.missing < ANOTHER:
                ways.append(greedy(scorer, large.gains, causes - {large.ci}))
            early, late = _bursts(scorer, large)
            if late:
                ways.append([*greedy(scorer, early, causes), *greedy(scorer, late, causes)])
        kept += max(ways, key=lambda parts: sum(part.score for part in parts))
    return _once_each(scorer, kept)


def _bursts(scorer: Scorer, scored: Scored) -> tuple[set[str], set[str]]:
    """What it explains before and after the longest pause between two beginnings; nothing after where none is long."""
    delays = scorer.delays(scored.gains, scored.began)
    ordered = sorted(zip(delays, scored.gains, strict=True))
    pauses = [(after[0] - before[0], number) for number, (before, after) in enumerate(pairwise(ordered), start=1)]
    longest, first_late = max(pauses)
    if longest < PAUSE_S:
        return set(scored.gains), set()
    return {ci for _, ci in ordered[:first_late]}, {ci for _, ci in ordered[first_late:]}


def _once_each(scorer: Scorer, chosen: list[Scored]) -> list[Scored]:
    """One entry for each cause, with all that its entries explain."""
    explained: dict[str, set[str]] = {}
    for scored in chosen:
        explained.setdefault(scored.ci, set()).update(scored.gains)
    return [scorer.score(ci, signs) for ci, signs in explained.items()]


def _absorb(scorer: Scorer, chosen: list[Scored]) -> list[Scored]:
    """Local improvement: drop a chosen cause where another, reaching it, explains both at least as well."""
    by_ci = {s.ci: s for s in chosen}
    for small in sorted(chosen, key=lambda s: (len(s.gains), s.ci)):
        reaching = [s for s in by_ci.values() if s.ci != small.ci and small.ci in scorer.hits_of(s.ci)]
        for large in sorted(reaching, key=lambda s: (-s.score, s.ci)):
            both = {*by_ci[large.ci].gains, *by_ci[small.ci].gains}
            joint = scorer.score(large.ci, both)
            if joint.gains.keys() == both and joint.score > by_ci[large.ci].score + by_ci[small.ci].score:
                by_ci[large.ci] = joint
                del by_ci[small.ci]
                break
    return [by_ci[s.ci] for s in chosen if s.ci in by_ci]


def _filled(scorer: Scorer, chosen: list[Scored]) -> list[Scored]:
    """Local improvement: what alone is no likelier than noise takes over from others what it explains as well.

    Greedily the widest cause comes first and takes it all, also where several small ones would explain more together.
    """
    unexplained = _unexplained(scorer, chosen)
    poor = {s.ci for s in chosen if s.score < 0} | (unexplained & scorer.pool.keys())
    for ci in sorted(poor)[:_MOST]:
        others = [s for s in chosen if s.ci != ci]
        mine = unexplained.union(*(s.gains for s in chosen if s.ci == ci))
        joint, kept = _taken_over(scorer, partial(scorer.score, ci), others, mine)
        if joint.score > OPEN_ODDS and _total([*kept, joint]) > _total(chosen) + _EQUAL:
            chosen = [*kept, joint]
            unexplained = _unexplained(scorer, chosen)
    return chosen


def _total(chosen: list[Scored]) -> float:
    return sum(s.score for s in chosen)


def _unexplained(scorer: Scorer, chosen: list[Scored]) -> set[str]:
    return set(scorer.case.signs.keys() - {ci for s in chosen for ci in s.gains})


def _paired(scorer: Scorer, chosen: list[Scored]) -> list[Scored]:
    """Local improvement: two CIs that make a redundancy fail, in place of the chosen causes that they explain.

    Where nothing is known of either, each may be the one that failed last. In the end all that could have failed last,
    after one that is known to have failed, are candidates for what they hit then.
    """
    found = _pairs(scorer, chosen)
    while (better := _best_pair(scorer, found, chosen)) is not None:
        pair, chosen = better
        scorer.suppose(pair)
        if not pair.is_known:
            mirrored = {pair.first: pair.hits[pair.first], **pair.hits}
            scorer.suppose(Pair(pair.first, pair.last, mirrored, is_known=False))
        chosen = _once_each(scorer, chosen)
        found = _pairs(scorer, chosen)
    _suppose_others(scorer, found, chosen)
    return chosen


def _pairs(scorer: Scorer, chosen: list[Scored]) -> list[Pair]:
    """The pairs worth trying; none where a single cause explains everything."""
    if len(chosen) < 2 and not _unexplained(scorer, chosen):
        return []
    return list(pairs(scorer, {s.ci for s in chosen} | scorer.case.standing.keys()))


def _best_pair(scorer: Scorer, found: list[Pair], chosen: list[Scored]) -> tuple[Pair, list[Scored]] | None:
    """The pair that explains most more than the chosen causes which it replaces, and what is chosen then."""
    unexplained = _unexplained(scorer, chosen)
    best: tuple[float, Pair | None, list[Scored]] = (_total(chosen) + _EQUAL, None, chosen)
    for pair in found:
        first = [s for s in chosen if s.ci == pair.first]
        others = [s for s in chosen if s.ci != pair.first]
        joint, kept = _taken_over(scorer, partial(scorer.if_paired, pair), others, unexplained)
        changed = [*first, *kept, joint]
        if _total(changed) > best[0]:
            best = (_total(changed), pair, changed)
    _, winner, better = best
    return None if winner is None else (winner, better)


def _suppose_others(scorer: Scorer, found: list[Pair], chosen: list[Scored]) -> None:
    """Let every other CI be a candidate for what it hits after a known failure, where that explains more of what the
    known failure does not."""
    explained = {s.ci: s.gains.keys() for s in chosen}
    best: dict[str, tuple[float, Pair]] = {}
    for pair in found:
        if not pair.is_known or pair.last in explained:
            continue
        rest = scorer.case.signs.keys() - explained.get(pair.first, frozenset())
        alone = max(scorer.score(pair.last, rest).score, 0.0)
        score = scorer.if_paired(pair, rest).score
        if score > best.get(pair.last, (alone,))[0] + _EQUAL:
            best[pair.last] = (score, pair)
    for _, pair in best.values():
        scorer.suppose(pair)


def _taken_over(
    scorer: Scorer, score: Callable[[AbstractSet[str]], Scored], others: list[Scored], free: set[str]
) -> tuple[Scored, list[Scored]]:
    """A cause with all that it explains better than the others, scored by `score`, and what is left of those.

    `free` are the signs that nothing else explains. What one of the others has left must still be likely enough.
    """
    joint = score(free.union(*(s.gains for s in others)))
    kept, taken = [], set(joint.gains.keys() & free)
    for cause in others:
        shared = cause.gains.keys() & joint.gains.keys()
        if not shared:
            kept.append(cause)
            continue
        rest = [scorer.score(cause.ci, cause.gains.keys() - shared)]
        rest = [s for s in rest if s.score > OPEN_ODDS]
        if sum(joint.gains[ci] for ci in sorted(shared)) + _total(rest) < cause.score:
            kept.append(cause)
        else:
            kept += rest
            taken |= shared
    return score(taken), kept
