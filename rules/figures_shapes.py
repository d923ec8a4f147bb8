"""The figures of a report, in the shape in which the API and the command line give them. Lengths are in seconds, shares
0 to 1; what cannot be said, since nothing was counted, is null. docs/metrics.md defines every one of them."""

import msgspec


class TimesFigures(msgspec.Struct, frozen=True, kw_only=True):
    """How long something took, of `count` incidents: `p90_s` is what nine of ten did not exceed."""

    count: int
    mean_s: float | None
    median_s: float | None
    p90_s: float | None


class PromiseFigures(msgspec.Struct, frozen=True, kw_only=True):
    """What became of promised times with one agreement (SLA or OLA) and goal; `open` ones have no verdict yet."""

    agreement: str
    goal: str
    met: int
    breached: int
    open: int
    compliance: float | None


class PartFigures(msgspec.Struct, frozen=True, kw_only=True):
    """The incidents of one service, CI, priority, group, person or day. `calls` is how often a person was called."""

    key: str
    name: str
    incidents: int
    open: int
    acknowledge: TimesFigures
    resolve: TimesFigures
    sla_met: int
    sla_breached: int
    sla_compliance: float | None
    calls: int = 0


class AvailabilityFigures(msgspec.Struct, frozen=True, kw_only=True):
    """How long a business service was down, or worked less well, within the period."""

    service: str
    name: str
    incidents: int
    down_s: float
    degraded_s: float
    availability: float


class RecurringFigures(msgspec.Struct, frozen=True, kw_only=True):
    """A CI that was the root of many incidents; `is_suggested` where a problem should be made of it."""

    ci: str
    incidents: int
    first_at: str
    last_at: str
    is_suggested: bool


class AlertRuleFigures(msgspec.Struct, frozen=True, kw_only=True):
    """An alerting rule: how often it fired, how often that was part of no incident, and of how many it was part."""

    alert: str
    episodes: int
    without_incident: int
    incidents: int


class DiagnosisFigures(msgspec.Struct, frozen=True, kw_only=True):
    """Root causes that people have judged: how many the diagnosis had named, and had among its first five."""

    judged: int
    right: int
    corrected: int
    in_first_five: int
    accuracy: float | None


class SatisfactionFigures(msgspec.Struct, frozen=True, kw_only=True):
    """What people answered about the incidents, 1 to 5; content are those who answered 4 or 5."""

    answers: int
    mean: float | None
    content_share: float | None


class ReportDocument(msgspec.Struct, frozen=True, kw_only=True):
    """All figures of the incidents opened from `since` to just before `until`, as far as the filters let them through.

    `by` has the parts, by the name of what they are parts of, the largest first (days in their order); `left_out` says
    how many parts of each are too small to be among them.
    """

    since: str
    until: str
    services: tuple[str, ...]
    cis: tuple[str, ...]
    priorities: tuple[str, ...]
    groups: tuple[str, ...]
    incidents: int
    open: int
    merged: int
    converted: int
    acknowledge: TimesFigures
    resolve: TimesFigures
    promises: tuple[PromiseFigures, ...]
    by: dict[str, tuple[PartFigures, ...]]
    left_out: dict[str, int]
    availability: tuple[AvailabilityFigures, ...]
    recurring: tuple[RecurringFigures, ...]
    alert_rules: tuple[AlertRuleFigures, ...]
    diagnosis: DiagnosisFigures
    satisfaction: SatisfactionFigures
