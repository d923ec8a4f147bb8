"""Which failed CIs explain the alerts: greedy explaining-away over candidate causes, then local improvements.

Pure: the estate, the signs and what is known of earlier incidents go in, explanations come out. The work follows the
signs and what could have caused them; a provider whose failure would reach far more than has been heard of is never
walked to its end.
"""

from collections.abc import Iterable, Iterator, Mapping
from collections.abc import Set as AbstractSet
from dataclasses import replace
from math import log

from cmdb.impact import Hit, impact, states
from cmdb.model import State
from rules.combined import is_joined, together
from rules.culprit import Explanation, named, share_of_outages
from rules.greedy import OPEN_ODDS, greedy
from rules.improve import improved
from rules.likelihood import PROMPT_S, Sign
from rules.score import ANOTHER, WINDOW, Case, Scored, Scorer

SPREAD_LIMIT = 30
SPREAD_FLOOR = 60
"""A candidate that would hit more than FLOOR + LIMIT x signs CIs is left aside: it expects far more than is heard."""

ALSO_ODDS = log(3)
"""Where a CI alone shows signs, each further kind of alert that begins with the first makes a failure so much likelier:
noise mostly comes one alert at a time. Between none and five to one, the recorded cases for tuning do not tell."""


def explain(case: Case) -> tuple[Explanation, ...]:
    """The failures that together explain all signs, the best first; every sign is in exactly one.

    One whose `odds` are below `OPEN_ODDS` is more likely noise, so far.
    """
    known = {ci: s for ci, s in case.signs.items() if ci in case.reach.estate}
    combined = together(case)
    pool = {**candidates_for(case, known), **{ci: found.hits for ci, found in combined.items()}}
    scorer = Scorer(case, pool, {ci: found.others for ci, found in combined.items() if found.others})
    chosen = improved(scorer, greedy(scorer, known, set(pool) | case.standing.keys()))
    chosen += _together(scorer, chosen, known.keys())
    assigned = _joined(case, _nearest(scorer, chosen, known))
    failed = {s.ci for s in chosen} | case.standing.keys()
    found = [_explanation(scorer, root, cis, failed) for root, cis in assigned.items()]
    strangers = [ci for ci in case.signs if ci not in case.reach.estate]
    found += [Explanation(root=ci, explained=(ci,), candidates=((ci, 1.0),), odds=0.0) for ci in strangers]
    return tuple(sorted(found, key=lambda e: (-len(e.explained), e.root)))


def _explanation(scorer: Scorer, cover: str, cis: tuple[str, ...], failed: AbstractSet[str]) -> Explanation:
    """The root of these signs by name; where they are more likely noise it is not looked for."""
    odds = _odds(scorer, cover, cis)
    if odds < OPEN_ODDS and cover not in scorer.case.incumbents:
        return Explanation(root=cover, explained=cis, candidates=((cover, 1.0),), odds=odds)
    return replace(named(scorer, cover, cis, failed), odds=odds)


def candidates_for(case: Case, signs: Iterable[str]) -> dict[str, dict[str, Hit]]:
    """Every CI that could have caused a sign, with what its failure would hit."""
    wanted = sorted(signs)
    limit = SPREAD_FLOOR + SPREAD_LIMIT * len(case.signs)
    pool: dict[str, dict[str, Hit]] = {}
    seen = set(wanted)
    queue = list(wanted)
    for ci in queue:
        hits = case.reach.of(ci, limit)
        if hits is None:
            if ci not in case.signs:
                continue
            hits = case.reach.whole(ci)
        if case.given.get(ci) is not State.DOWN or ci in case.incumbents:
            pool[ci] = hits
        for provider in case.reach.estate.providers(ci):
            if provider not in seen:
                seen.add(provider)
                queue.append(provider)
    return pool


def _together(scorer: Scorer, chosen: list[Scored], signs: AbstractSet[str]) -> list[Scored]:
    """What is left and only comes about because several have failed at the same time: the last member of a redundant
    pair takes down what the first one alone did not."""
    case = scorer.case
    left = signs - {ci for scored in chosen for ci in scored.gains}
    failed = sorted({s.ci for s in chosen} | case.standing.keys())
    if not left or not failed:
        return []
    estate = case.reach.estate
    joint = states(estate, dict.fromkeys(failed, State.DOWN))
    found = []
    for straw in sorted(chosen, key=lambda s: (-s.began, s.ci)):
        hits = scorer.hits_of(straw.ci)
        near = sorted(left & hits.keys() & joint.keys())
        worse = {ci: Hit(ci, joint[ci], hits[ci].hops, None) for ci in near if joint[ci] > hits[ci].state}
        gains = scorer.gains_at(worse, sorted(worse), straw.began)
        if gains:
            found.append(replace(straw, gains=gains))
            left -= gains.keys()
    given = {**case.given, **joint}
    weak = {
        ci: hits
        for ci in sorted({c for sign in left for c in scorer.causes_of(sign)})
        if (hits := _on_top(case, scorer.hits_of(ci), given))
    }
    return found + greedy(Scorer(replace(case, given=given), weak), left, weak.keys())


def _on_top(case: Case, hits: Mapping[str, Hit], given: Mapping[str, State]) -> dict[str, Hit]:
    """What the failure would hit on top of others, where a redundancy group joins them; else nothing."""
    estate = case.reach.estate
    root = next(iter(hits))
    if given.get(root) is State.DOWN or not is_joined(estate, hits, given):
        return {}
    return impact(estate, {root: State.DOWN}, given=given)


def _nearest(scorer: Scorer, chosen: list[Scored], signs: Iterable[str]) -> dict[str, tuple[str, ...]]:
    """Give each sign to the chosen cause that explains it best; a cause keeps its own sign, the rest stands alone."""
    explains: dict[str, list[Scored]] = {}
    for scored in chosen:
        for ci in scored.gains:
            explains.setdefault(ci, []).append(scored)
    roots = {s.ci for s in chosen}
    taken: dict[str, list[str]] = {s.ci: [] for s in chosen}
    for ci in sorted(signs):
        if ci in roots or ci not in explains:
            taken.setdefault(ci, []).append(ci)
            continue
        best = max(explains[ci], key=lambda scored: (scored.gains[ci], scored.ci))
        taken[best.ci].append(ci)
    return {root: tuple(cis) for root, cis in taken.items() if cis}


def _joined(case: Case, assigned: Mapping[str, tuple[str, ...]]) -> dict[str, tuple[str, ...]]:
    """Make one failure of those that only tell of bad work, began together and touch each other.

    What is slow slows its callers and is flooded by their repeats, so bad work spreads along a dependency both ways,
    and no single CI need explain all of it.
    """
    owner = {ci: root for root, cis in assigned.items() if share_of_outages(case.signs, cis) <= 1 / 2 for ci in cis}
    leader = {root: root for root in owner.values()}
    for ci, other in _touching(case, owner):
        one, two = case.signs[ci], case.signs[other]
        spreads = one.callers or two.callers or (one.strained and two.strained)
        if spreads and abs(one.onset - two.onset) <= WINDOW:
            _unite(leader, owner[ci], owner[other])
    found = {root: cis for root, cis in assigned.items() if root not in leader}
    parts: dict[str, list[str]] = {}
    for root in leader:
        parts.setdefault(_leader_of(leader, root), []).append(root)
    for roots in parts.values():
        cover = max(roots, key=lambda root: (len(assigned[root]), root))
        found[cover] = tuple(sorted(ci for root in roots for ci in assigned[root]))
    return found


def _odds(scorer: Scorer, cover: str, cis: tuple[str, ...]) -> float:
    """Log-odds of a failure against noise: by what explains the signs, or as bad work that began together."""
    explained = scorer.score(cover, frozenset(cis)).score
    if len(cis) == 1:
        sign = scorer.case.signs[cis[0]]
        return explained + scorer.case.alone(sign.severity) + ALSO_ODDS * (_at_once(sign) - 1)
    if share_of_outages(scorer.case.signs, cis) > 1 / 2:
        return explained
    hits = {ci: Hit(ci, State.DEGRADED, 1, None) for ci in cis}
    began = min(at for ci in cis for at, *_ in scorer.case.signs[ci].heard)
    bad_work = sum(scorer.gains_at(hits, cis, began).values()) + ANOTHER
    return max(explained, bad_work)


def _at_once(sign: Sign) -> int:
    """How many different alerts began on the CI within a minute of the first of them."""
    first = min(heard.at for heard in sign.heard)
    return min(len(sign.names), sum(heard.at - first <= PROMPT_S for heard in sign.heard))


def _touching(case: Case, owner: Mapping[str, str]) -> Iterator[tuple[str, str]]:
    """Pairs of CIs of different failures of which one needs the other, or of both of which one caller complains."""
    heard_of: dict[str, str] = {}
    for ci in sorted(owner):
        callers = case.signs[ci].callers
        near = {*case.reach.estate.providers(ci), *callers, *(heard_of.setdefault(c, ci) for c in sorted(callers))}
        for other in sorted(near & owner.keys()):
            if owner[other] != owner[ci]:
                yield ci, other


def _leader_of(leader: Mapping[str, str], root: str) -> str:
    while leader[root] != root:
        root = leader[root]
    return root


def _unite(leader: dict[str, str], one: str, other: str) -> None:
    first, second = sorted((_leader_of(leader, one), _leader_of(leader, other)))
    leader[second] = first
