"""Dependencies of which the past knows nothing: what stayed silent while what it is said to need was down."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from math import exp, log

from cmdb.model import State
from rules.doubt import WORTH_TELLING
from rules.likelihood import P_MONITORED_UNKNOWN, P_SPEAKS
from rules.past import Failure, Past

SURE = 0.8
"""A failure whose root is less sure to have been down than this says nothing of silence."""

LASTING = timedelta(minutes=3)
"""What was down for less may have been up again before its dependents' alerts were due: a scrape, an evaluation and a
`for:` of a minute or two."""

AROUND = timedelta(minutes=2)
"""Alerts this long before or after the time that a CI was down still count as spoken."""

P_FALSE = 0.02
"""Chance that a given dependency of the CMDB is not there: one in fifty, a CMDB that is kept with some care."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Silence:
    """A recorded dependency against which the past speaks: in `silent` of `possible` failures nothing was heard."""

    ci: str
    needs: str
    score: float
    silent: int
    possible: int
    proof: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class _Trial:
    """One time that what is needed was down."""

    failure: Failure
    spoke: bool
    lasted: timedelta


def false_dependencies(past: Past) -> list[Silence]:
    """The plain hard dependencies that are likelier false than not, in order of CIs.

    Judged is only a CI that is known to be monitored, and only the hop where the silence begins: what it needs itself
    must be known to have been down, as the root of a failure or by an outage alert of its own.
    """
    trials: dict[tuple[str, str], list[_Trial]] = {}
    for failure in past.failures:
        if failure.is_outage and failure.sure >= SURE:
            for needed, start, end in _known_down(past, failure):
                for ci in past.estate.upward.hard.get(needed, ()):
                    if ci != failure.root and past.spells(ci):
                        spoke = past.spoke(ci, start - AROUND, end + AROUND)
                        trials.setdefault((ci, needed), []).append(_Trial(failure, spoke, end - start))
    found = [_judged(past, ci, needed, seen) for (ci, needed), seen in sorted(trials.items())]
    return [silence for silence in found if silence.score >= WORTH_TELLING]


def _known_down(past: Past, failure: Failure) -> Iterator[tuple[str, datetime, datetime]]:
    """The CIs of which it is certain that they were down for long enough, and from when until when."""
    if failure.until - failure.at >= LASTING:
        yield failure.root, failure.at, failure.until
    for ci in sorted(failure.heard - {failure.root}):
        hit = failure.hits.get(ci)
        if hit is None or hit.state is not State.DOWN:
            continue
        for spell in past.spells(ci):
            is_of_it = spell.is_outage and spell.incident == failure.number
            if is_of_it and spell.end - spell.start >= LASTING:
                yield ci, spell.start, spell.end


def _judged(past: Past, ci: str, needed: str, trials: list[_Trial]) -> Silence:
    """Log-odds of «it does not need it» over «it does»; each silence has the chance 1 - P_SPEAKS if it does.

    A CI that only ever gave warnings may not be watched for being down at all.
    """
    spells = past.spells(ci)
    speaks = P_SPEAKS[State.DOWN] * (1.0 if any(s.is_outage for s in spells) else P_MONITORED_UNKNOWN)
    score = log(P_FALSE / (1 - P_FALSE))
    for trial in trials:
        chance = speaks * trial.failure.sure
        if trial.spoke:
            by_accident = 1 - exp(-len(spells) * (trial.lasted + 2 * AROUND) / past.length)
            score += log(by_accident / (by_accident + chance * (1 - by_accident)))
        else:
            score -= log(1 - chance)
    silent = [t.failure.number for t in trials if not t.spoke]
    return Silence(
        ci=ci, needs=needed, score=score, silent=len(silent), possible=len(trials), proof=tuple(sorted(set(silent)))
    )
