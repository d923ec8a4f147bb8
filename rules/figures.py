"""Figures over incidents: how many, how fast, what was promised and kept, whether the diagnosis was right.

Everything is counted in one pass over lines, which hold of an incident only what is counted. docs/metrics.md defines
every figure; what is written there and what is done here must not differ.
"""

import math
import statistics
from collections import Counter
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

import msgspec

from rules.clock import Agreement, Goal
from rules.document import rfc3339
from rules.figures_shapes import DiagnosisFigures, PartFigures, PromiseFigures, RecurringFigures, TimesFigures
from rules.incident import ACTIVE, HitService, Priority, Status

DIMENSIONS = ("service", "ci", "priority", "group", "person", "day")
"""By what incidents can be counted apart."""
MOST_PARTS = 100
"""So many services, CIs, groups or persons are shown at most, the largest."""
FIRST = 5
_OF_MANY = 0.9


class LineCandidate(msgspec.Struct, frozen=True, gc=False):
    """A CI that the diagnosis took into account."""

    ci: str


class LineRoot(msgspec.Struct, frozen=True, gc=False):
    """What is held to have failed, and what the diagnosis named, best first."""

    ci: str | None = None
    candidates: tuple[LineCandidate, ...] = ()


class LineTerms(msgspec.Struct, frozen=True, gc=False):
    """Whose promise a clock is: the group's of an OLA, else empty."""

    party: str = ""


class LineClock(msgspec.Struct, frozen=True, gc=False, kw_only=True):
    """What became of one promise."""

    agreement: Agreement
    goal: Goal
    terms: LineTerms = LineTerms()
    breached_at: datetime | None = None
    ended_at: datetime | None = None
    is_stopped: bool = False


class LineCall(msgspec.Struct, frozen=True, gc=False):
    """Somebody was called."""

    person: str


class LineEscalation(msgspec.Struct, frozen=True, gc=False):
    """Everybody who was called, in order."""

    calls: tuple[LineCall, ...] = ()


class Line(msgspec.Struct, frozen=True, gc=False, kw_only=True):
    """What is counted of an incident: some fields of `rules.incident.Incident`, under the same names."""

    number: int
    status: Status
    title: str
    priority: Priority
    opened_at: datetime
    group: str = ""
    assignee: str = ""
    acknowledged_at: datetime | None = None
    resolved_at: datetime | None = None
    restored_at: datetime | None = None
    root: LineRoot = LineRoot()
    services: tuple[HitService, ...] = ()
    clocks: tuple[LineClock, ...] = ()
    confirmed_root: str | None = None
    escalation: LineEscalation = LineEscalation()

    @property
    def back_at(self) -> datetime | None:
        """When the service was back: as was said, else when the incident was resolved; None while it is not."""
        return self.restored_at or self.resolved_at

    @property
    def is_counted(self) -> bool:
        """Whether it is an incident of its own: what was merged is counted with the other, a request is none."""
        return self.status not in _NOT_COUNTED

    def verdicts(self) -> dict[tuple[Agreement, Goal, str], str]:
        """Of each promise by its agreement, goal and group: met, breached or open. Those that lost their meaning have
        none; of a promise that began anew the last time counts."""
        found: dict[tuple[Agreement, Goal, str], str] = {}
        for clock in self.clocks:
            verdict = "breached" if clock.breached_at else "open" if clock.ended_at is None else "met"
            key = clock.agreement, clock.goal, clock.terms.party
            if clock.is_stopped and verdict == "met":
                found.pop(key, None)
            else:
                found[key] = verdict
        return found


_NOT_COUNTED = frozenset({Status.MERGED, Status.CONVERTED})


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """Which incidents are counted: those opened from `since` to just before `until`, with one of each field's values
    where it has any."""

    since: datetime
    until: datetime
    services: Collection[str] = ()
    cis: Collection[str] = ()
    priorities: Collection[str] = ()
    groups: Collection[str] = ()

    @property
    def has_filters(self) -> bool:
        """Whether anything but the period is asked for."""
        return bool(self.services or self.cis or self.priorities or self.groups)

    def wants(self, line: Line) -> bool:
        """Whether the incident was opened in the period and gets through every filter, counted or not."""
        return (
            self.since <= line.opened_at < self.until
            and (not self.priorities or line.priority in self.priorities)
            and (not self.groups or line.group in self.groups)
            and (not self.cis or line.root.ci in self.cis)
            and (not self.services or any(s.ci in self.services for s in line.services))
        )


def _has(agreement: Agreement, goal: Goal, verdict: str) -> Callable[[Line], bool]:
    wanted = agreement, goal
    return lambda line: line.is_counted and any(k[:2] == wanted and v == verdict for k, v in line.verdicts().items())


WHICH: Mapping[str, Callable[[Line], bool]] = {
    "all": lambda line: line.is_counted,
    "open": lambda line: line.is_counted and line.status in ACTIVE,
    "acknowledged": lambda line: line.is_counted and line.acknowledged_at is not None,
    "resolved": lambda line: line.is_counted and line.back_at is not None,
    "merged": lambda line: line.status is Status.MERGED,
    "converted": lambda line: line.status is Status.CONVERTED,
    "judged": lambda line: line.is_counted and line.confirmed_root is not None,
    "right": lambda line: line.is_counted and line.confirmed_root is not None and is_right(line),
    "corrected": lambda line: line.is_counted and line.confirmed_root is not None and not is_right(line),
    **{
        f"{agreement}-{goal}-{verdict}".lower(): _has(agreement, goal, verdict)
        for agreement in Agreement
        for goal in Goal
        for verdict in ("met", "breached", "open")
    },
}
"""The incidents behind each figure: what a person sees who asks which ones were counted."""


def is_right(line: Line) -> bool:
    """Whether the diagnosis had named the CI that a person confirmed."""
    named = line.root.candidates[0].ci if line.root.candidates else None
    return named == line.confirmed_root


def times_of(lengths: Collection[float]) -> TimesFigures:
    """Mean, median (of an even number the mean of the middle two) and 90th percentile (nearest rank), in seconds."""
    if not lengths:
        return TimesFigures(count=0, mean_s=None, median_s=None, p90_s=None)
    ordered = sorted(lengths)
    return TimesFigures(
        count=len(ordered),
        mean_s=round(statistics.fmean(ordered), 3),
        median_s=round(statistics.median(ordered), 3),
        p90_s=round(ordered[math.ceil(_OF_MANY * len(ordered)) - 1], 3),
    )


def share(part: int, whole: int) -> float | None:
    """The share, None of nothing."""
    return part / whole if whole else None


@dataclass(slots=True)
class Counted:
    """What one incident adds to each part that it belongs to; lengths in seconds."""

    is_open: bool
    acknowledge: float | None
    resolve: float | None
    met: int
    breached: int


@dataclass(slots=True)
class Part:
    """What is counted of some of the incidents; it grows line by line."""

    name: str = ""
    incidents: int = 0
    open: int = 0
    acknowledge: list[float] = field(default_factory=list)
    resolve: list[float] = field(default_factory=list)
    met: int = 0
    breached: int = 0
    calls: int = 0

    def add(self, one: "Counted") -> None:
        """Count one more incident."""
        self.incidents += 1
        self.open += one.is_open
        self.met += one.met
        self.breached += one.breached
        if one.acknowledge is not None:
            self.acknowledge.append(one.acknowledge)
        if one.resolve is not None:
            self.resolve.append(one.resolve)

    def figures(self, key: str) -> PartFigures:
        """What came out."""
        return PartFigures(
            key=key,
            name=self.name or key,
            incidents=self.incidents,
            open=self.open,
            acknowledge=times_of(self.acknowledge),
            resolve=times_of(self.resolve),
            sla_met=self.met,
            sla_breached=self.breached,
            sla_compliance=share(self.met, self.met + self.breached),
            calls=self.calls,
        )


class Tally:
    """The figures of the incidents that are asked for; `add` every line, then ask."""

    def __init__(self, asked: Asked) -> None:
        self._asked = asked
        self.whole = Part()
        self.merged = 0
        self.converted = 0
        self.numbers: set[int] = set()
        self._parts: dict[str, dict[str, Part]] = {name: {} for name in DIMENSIONS}
        self._promises: dict[tuple[Agreement, Goal], Counter[str]] = {}
        self._recurring: dict[str, list[datetime]] = {}
        self._judged: Counter[str] = Counter()

    def add(self, line: Line) -> None:
        """Count an incident, where it is asked for."""
        if not self._asked.wants(line):
            return
        self.merged += line.status is Status.MERGED
        self.converted += line.status is Status.CONVERTED
        if not line.is_counted:
            return
        self.numbers.add(line.number)
        verdicts = line.verdicts()
        one = _counted(line, verdicts)
        self.whole.add(one)
        for dimension, key, name in _places(line):
            parts = self._parts[dimension]
            part = parts.get(key)
            if part is None:
                part = parts[key] = Part(name=name)
            part.add(one)
        for call in line.escalation.calls:
            self._parts["person"].setdefault(call.person, Part()).calls += 1
        for (agreement, goal, _), verdict in verdicts.items():
            self._promises.setdefault((agreement, goal), Counter())[verdict] += 1
        if line.root.ci is not None:
            self._recurring.setdefault(line.root.ci, []).append(line.opened_at)
        self._judge(line)

    def _judge(self, line: Line) -> None:
        if line.confirmed_root is None:
            return
        self._judged["judged"] += 1
        self._judged["right"] += is_right(line)
        self._judged["first"] += line.confirmed_root in {c.ci for c in line.root.candidates[:FIRST]}

    def promises(self) -> tuple[PromiseFigures, ...]:
        """What became of promised times, SLAs first."""
        return tuple(
            PromiseFigures(
                agreement=str(agreement),
                goal=str(goal),
                met=found["met"],
                breached=found["breached"],
                open=found["open"],
                compliance=share(found["met"], found["met"] + found["breached"]),
            )
            for (agreement, goal), found in sorted(self._promises.items(), key=lambda p: (p[0][0] != "SLA", p[0][1]))
        )

    def parts(self, dimension: str) -> tuple[PartFigures, ...]:
        """All parts, the largest first; days in their order, none left out. Priorities in theirs."""
        found = [part.figures(key) for key, part in self._with_empty_days(dimension)]
        if dimension in ("day", "priority"):
            return tuple(sorted(found, key=lambda p: p.key))
        return tuple(sorted(found, key=lambda p: (-p.incidents, -p.calls, p.key)))

    def _with_empty_days(self, dimension: str) -> list[tuple[str, Part]]:
        known = self._parts[dimension]
        if dimension != "day":
            return list(known.items())
        return [(day, known.get(day, Part())) for day in days_of(self._asked.since, self._asked.until)]

    def recurring(self, least: int, suggested: Collection[str]) -> tuple[RecurringFigures, ...]:
        """The CIs that were the root of at least so many incidents, most first."""
        found = [
            RecurringFigures(
                ci=ci,
                incidents=len(moments),
                first_at=rfc3339(min(moments)),
                last_at=rfc3339(max(moments)),
                is_suggested=ci in suggested,
            )
            for ci, moments in self._recurring.items()
            if len(moments) >= least
        ]
        return tuple(sorted(found, key=lambda r: (-r.incidents, r.ci))[:MOST_PARTS])

    def diagnosis(self) -> DiagnosisFigures:
        """How often the diagnosis was right, of what people have judged."""
        judged, right = self._judged["judged"], self._judged["right"]
        return DiagnosisFigures(
            judged=judged,
            right=right,
            corrected=judged - right,
            in_first_five=self._judged["first"],
            accuracy=share(right, judged),
        )


def _counted(line: Line, verdicts: Mapping[tuple[Agreement, Goal, str], str]) -> Counted:
    sla = [verdict for key, verdict in verdicts.items() if key[0] is Agreement.SLA]
    taken, back = line.acknowledged_at, line.back_at
    return Counted(
        is_open=line.status in ACTIVE,
        acknowledge=None if taken is None else _length(line.opened_at, taken),
        resolve=None if back is None else _length(line.opened_at, back),
        met=sla.count("met"),
        breached=sla.count("breached"),
    )


def days_of(since: datetime, until: datetime) -> Iterator[str]:
    """Every day in UTC that has a part of the period, as `2026-11-25`."""
    day = since.astimezone(UTC).replace(hour=0, minute=0, second=0, microsecond=0)
    while day < until:
        yield f"{day:%Y-%m-%d}"
        day += timedelta(days=1)


def _places(line: Line) -> Iterable[tuple[str, str, str]]:
    """Under which parts an incident is counted: dimension, key and name."""
    yield from (("service", ci, name) for ci, name in {s.ci: s.name for s in line.services}.items())
    yield "ci", line.root.ci or "", ""
    yield "priority", str(line.priority), ""
    yield "group", line.group, ""
    if line.assignee:
        yield "person", line.assignee, ""
    yield "day", line.opened_at.astimezone(UTC).date().isoformat(), ""


def _length(begin: datetime, end: datetime) -> float:
    return max((end - begin).total_seconds(), 0.0)
