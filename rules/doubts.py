"""Where the past speaks against the CMDB: dependencies that seem to be missing, and some that seem to be false.

Pure, and nothing is remembered: it is worked out from a stretch of the record whenever somebody asks. The work follows
the incidents of that stretch and what their roots reach, not the size of the estate; once anything is suspected the
types of all CIs are counted, once.
"""

from datetime import timedelta

from cmdb.graph import Estate
from cmdb.impact import business_view, criticality_of
from cmdb.model import State
from cmdb.spof import WEIGHTS
from rules.doubt import Doubt, DoubtKind, odds_of
from rules.false_dependencies import Silence, false_dependencies
from rules.missing_dependencies import Together, missing_dependencies
from rules.past import History, Past
from rules.words import span


def doubts(estate: Estate, history: History) -> tuple[Doubt, ...]:
    """Every doubt worth telling, the worst first: by how likely it is right times what hangs on the CI, then by odds.

    What hangs on a CI is the weight of the business services that its failure takes down (see `cmdb.spof.WEIGHTS`).
    """
    past = Past(estate, history)
    found = [_missing(past, t) for t in missing_dependencies(past)]
    found += [_false(past, s) for s in false_dependencies(past)]
    return tuple(sorted(found, key=lambda d: (-round(_harm(estate, d), 6), -d.odds, d.kind, d.ci, d.needs)))


def _harm(estate: Estate, doubt: Doubt) -> float:
    return doubt.probability * (1 + sum(WEIGHTS[criticality_of(estate, service)] for service in doubt.services))


def _services(past: Past, ci: str) -> tuple[str, ...]:
    hits = past.reach.whole(ci)
    return tuple(h.ci for h in business_view(past.estate, hits) if h.state is State.DOWN)


def _missing(past: Past, found: Together) -> Doubt:
    who = "it" if past.spells(found.ci) else "what needs it"
    within = span(max(found.within, timedelta(seconds=1)))
    words = (
        f"{found.ci} seems to need {found.needs}: in {found.seen} of {found.possible} failures of {found.needs} {who}"
        f" alerted within {within}{_company(found.companions)}; nothing in the CMDB says so"
    )
    if found.merged:
        words += f"; {'a person has' if found.merged == 1 else f'{found.merged} times a person has'} merged them"
    return _doubt(past, DoubtKind.MISSING, found, found.seen, words)


def _company(companions: int) -> str:
    if not companions:
        return ""
    return f", and up to {companions} {'CI' if companions == 1 else 'CIs'} with it"


def _false(past: Past, found: Silence) -> Doubt:
    times = len(past.spells(found.ci))
    often = "once" if times == 1 else f"{times} times"
    words = (
        f"{found.ci} is said to need {found.needs}, yet in {found.silent} of {found.possible} failures of"
        f" {found.needs} it said nothing, though it is monitored: it alerted {often}"
    )
    return _doubt(past, DoubtKind.FALSE, found, found.silent, words)


def _doubt(past: Past, kind: DoubtKind, found: Together | Silence, seen: int, words: str) -> Doubt:
    return Doubt(
        kind=kind,
        ci=found.ci,
        needs=found.needs,
        odds=odds_of(found.score),
        seen=seen,
        possible=found.possible,
        proof=found.proof,
        services=_services(past, found.ci),
        words=words,
    )
