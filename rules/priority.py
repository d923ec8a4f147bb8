"""Priority from business impact: ITIL's impact x urgency matrix.

Impact is how much the business would lose (the criticality of the services reached), urgency how soon that matters
(something is down now, works in part, or still works and is merely at risk).
"""

from collections.abc import Collection, Sequence
from dataclasses import dataclass

from cmdb.graph import Estate
from cmdb.model import Criticality, State
from rules.alert import Severity
from rules.incident import HitService, Level, Priority
from rules.policy import ITIL_MATRIX, Matrix
from rules.priority_rule import PriorityRule

_IMPACT = {
    Criticality.CRITICAL: Level.HIGH,
    Criticality.HIGH: Level.HIGH,
    Criticality.MEDIUM: Level.MEDIUM,
    Criticality.LOW: Level.LOW,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Rating:
    """A priority with what it was made from, the reason in words, and what made it so: the matrix or a rule."""

    impact: Level
    urgency: Level
    priority: Priority
    reason: str

    @property
    def matrix_words(self) -> str:
        """How the matrix comes to it."""
        return f"matrix: impact {self.impact}, urgency {self.urgency}"


def criticality_of(estate: Estate, service: str) -> Criticality:
    """The owner's word; medium where there is none."""
    ci = estate.get(service)
    return Criticality.MEDIUM if ci is None or ci.criticality is None else ci.criticality


def rate(
    estate: Estate,
    services: Sequence[HitService],
    worst: Severity,
    *,
    matrix: Matrix = ITIL_MATRIX,
    hit: Collection[State] | None = (),
) -> Rating:
    """Rate an incident by the services it reaches; where it reaches none, by the worst severity among its alerts.

    `hit` are the states of the components that stand on the failed one; None where nobody knows what stands on it.
    """
    if not services:
        return _rate_without_service(worst, matrix, hit)
    best: Rating | None = None
    for state, urgency in ((State.DOWN, Level.HIGH), (State.REDUCED, Level.MEDIUM), (State.AT_RISK, Level.LOW)):
        level = [s for s in services if s.state >= state and _urgency(s.state) is urgency]
        if not level:
            continue
        top = max(level, key=lambda s: (criticality_of(estate, s.ci), s.ci))
        criticality = criticality_of(estate, top.ci)
        impact = _IMPACT[criticality]
        reason = f"{top.name} ({criticality.name.lower()}) is {top.state.word}{_and_more(len(level) - 1)}"
        if urgency is Level.LOW:
            reason = f"nothing is down; {reason}"
        rating = Rating(impact=impact, urgency=urgency, priority=matrix[impact, urgency], reason=reason)
        if best is None or rating.priority < best.priority:
            best = rating
    assert best is not None  # noqa: S101  every state above UP has an urgency
    return best


def overrule(rating: Rating, rule: PriorityRule, matrix: Matrix) -> Rating:
    """The rating as a rule of the organisation's has it."""
    impact, urgency = rule.impact or rating.impact, rule.urgency or rating.urgency
    return Rating(
        impact=impact,
        urgency=urgency,
        priority=rule.priority or matrix[impact, urgency],
        reason=f"{rating.reason}; by the rule {rule.name}",
    )


def _urgency(state: State) -> Level:
    if state is State.DOWN:
        return Level.HIGH
    return Level.LOW if state is State.AT_RISK else Level.MEDIUM


def _and_more(count: int) -> str:
    return f", and {count} more" if count else ""


def _rate_without_service(worst: Severity, matrix: Matrix, hit: Collection[State] | None) -> Rating:
    urgency = Level.LOW
    if worst is Severity.CRITICAL:
        urgency = Level.HIGH if hit is None else Level.MEDIUM
    return Rating(impact=Level.LOW, urgency=urgency, priority=matrix[Level.LOW, urgency], reason=_without_service(hit))


def _without_service(hit: Collection[State] | None) -> str:
    if hit is None:
        return "the CMDB does not know it, so what depends on it is unknown"
    down, harmed = sum(s is State.DOWN for s in hit), sum(s > State.UP for s in hit)
    if down:
        return f"down with it: {_components(down)}, no business service among them"
    if harmed:
        return f"nothing else is down; at risk: {_components(harmed)}, no business service among them"
    return "no business service depends on it"


def _components(count: int) -> str:
    return f"{count} component{'s' if count != 1 else ''}"
