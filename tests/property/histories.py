"""Random histories: what monitoring says, people order and time does to a small estate full of cycles."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime
from random import Random

from hypothesis import strategies as st

from cmdb.graph import Estate
from cmdb.model import CI
from rules.alert import Sighting
from rules.decision import Change, Command, Decision, Listing, Push, ReportOrder, SourceFailed, Verb
from rules.incident import Incident
from rules.lesson import WATCH
from rules.report import Report
from tests.builders import at, sighting
from tests.desk import Desk, needs

NAMES = [f"ci-{n}" for n in range(9)]
_FOREVER = 10 * 24 * 3600


def estates() -> st.SearchStrategy[Estate]:
    """A small estate with redundancy and cycles; of a seed, since drawing each dependency takes ten times as long."""
    return st.integers(0, 1_000_000).map(_estate)


def _estate(seed: int) -> Estate:
    chance = Random(seed)
    cis = []
    for name in NAMES:
        others = [n for n in NAMES if n != name]
        plain = [needs(p) for p in chance.sample(others, chance.choice((0, 1, 1, 2)))]
        pair = [needs(*chance.sample(others, 2))] if chance.random() < 0.4 else []
        kind = chance.choice(("host", "switch", "business-service"))
        cis.append(CI(id=name, type=kind, depends_on=(*plain, *pair)))
    return Estate.of(cis)


@dataclass(frozen=True, slots=True, kw_only=True)
class Seen:
    """An alert in a source's word: it starts so many seconds into the story, with None when it is first spoken of."""

    labels: tuple[tuple[str, str], ...]
    starts: int | None
    suppressed: str = ""
    firing: bool = True
    lasts: int | None = None

    def sighting(self, now: datetime) -> Sighting:
        """The word as it is spoken now."""
        starts_at = now if self.starts is None else min(at(self.starts), now)
        ends_at = now if not self.firing else None if self.lasts is None else at(self.lasts)
        labels = dict(self.labels)
        return sighting(
            labels.pop("alertname"),
            labels=labels,
            starts_at=starts_at,
            is_start_known=self.starts is not None,
            suppressed=self.suppressed,
            firing=self.firing,
            ends_at=ends_at,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """A cycle after some seconds; `says` are a source's words (kind, source, alerts), `orders` people's."""

    wait: int
    says: tuple[tuple[str, str, tuple[Seen, ...]], ...] = ()
    orders: tuple[tuple[Verb, int, str], ...] = ()
    reports: tuple[str, ...] = ()

    def changes(self, now: datetime) -> list[Change]:
        """What comes in."""
        orders = [
            Command(id=f"c{n}", at=now, actor="anna", verb=verb, number=number, value=value, field=_field(verb, value))
            for n, (verb, number, value) in enumerate(self.orders)
        ]
        reports = [
            ReportOrder(id=f"r{n}", at=now, actor="bert", report=Report(title="It does not work", ci=ci))
            for n, ci in enumerate(self.reports)
        ]
        return [*(_said(kind, source, seen, now) for kind, source, seen in self.says), *reports, *orders]


_FIELDS = {
    "1": "title",
    "2": "description",
    "3": "sign.code",
    "P1": "finding.log",
    "P4": "title",
    "bert": "contact.name",
}


def _field(verb: Verb, value: str) -> str:
    """What an order is about, beside its value: a CI can only be the value of a CI."""
    if verb is Verb.SET:
        return _FIELDS.get(value, "ci")
    return "1" if verb is Verb.STEP else ""


def _said(kind: str, source: str, seen: tuple[Seen, ...], now: datetime) -> Change:
    sightings = tuple(s.sighting(now) for s in seen)
    if kind == "poll":
        return Listing(source=source, at=now, sightings=sightings)
    if kind == "held":
        return Listing(source=source, at=now, sightings=sightings, held=frozenset({"Down"}))
    if kind == "push":
        return Push(source="push", at=now, sightings=sightings)
    return SourceFailed(source=source, at=now, error="connection refused")


_LABELS = [
    tuple(sorted({"alertname": name, "ci": ci, "severity": severity, **caller}.items()))
    for ci in (*NAMES, "stranger")
    for name in ("Down", "Down", "Slow", "HighCPU")
    for severity in ("critical", "critical", "warning", "info")
    for caller in ({}, {}, {}, {"source": NAMES[0]}, {"source": NAMES[1]})
]


def alerts() -> st.SearchStrategy[Seen]:
    """One alert of those that a story is about; most are on CIs of the estate."""
    starts = st.sampled_from([None, None, -900, -100, 0, 60, 700, 1500])
    return st.builds(
        Seen, labels=st.sampled_from(_LABELS), starts=starts, suppressed=st.sampled_from(["", "", "", "silenced"])
    )


def _orders() -> st.SearchStrategy[tuple[Verb, int, str]]:
    value = st.sampled_from([*NAMES[:4], "1", "2", "3", "P1", "P4", "bert", "done", "open"])
    return st.tuples(st.sampled_from(list(Verb)), st.integers(1, 5), value)


def _listed(pool: list[Seen]) -> st.SearchStrategy[tuple[Seen, ...]]:
    one = st.sampled_from(pool)
    return st.lists(one, max_size=8, unique_by=lambda seen: seen.labels).map(tuple)


def _says(pool: list[Seen]) -> st.SearchStrategy[tuple[str, str, tuple[Seen, ...]]]:
    sources = st.sampled_from(["main", "main", "main", "second"])
    pushed = st.sampled_from(pool).flatmap(
        lambda seen: st.builds(
            Seen,
            labels=st.just(seen.labels),
            starts=st.just(seen.starts),
            firing=st.booleans(),
            lasts=st.sampled_from([300, 900, _FOREVER]),
        )
    )
    return st.one_of(
        st.tuples(st.just("poll"), sources, _listed(pool)),
        st.tuples(st.just("poll"), sources, _listed(pool)),
        st.tuples(st.sampled_from(["lost", "held"]), sources, st.just(())),
        st.tuples(
            st.just("push"),
            st.just("push"),
            st.lists(pushed, max_size=3, unique_by=lambda seen: seen.labels).map(tuple),
        ),
    )


@st.composite
def stories(draw: st.DrawFn, *, ordered: bool = True, most: int = 10) -> list[Step]:
    """A history of some cycles about some alerts; with people's orders where `ordered`."""
    pool = draw(st.lists(alerts(), min_size=1, max_size=10))
    waits = st.sampled_from([0, 1, 15, 15, 15, 60, 125, 400, 700, 2000, 80 * 3600])
    orders = st.lists(_orders(), max_size=2).map(tuple) if ordered else st.just(())
    reports = st.lists(st.sampled_from(NAMES[:4]), max_size=1).map(tuple) if ordered else st.just(())
    says = st.lists(_says(pool), max_size=2).map(tuple)
    steps = st.builds(Step, wait=waits, says=says, orders=orders, reports=reports)
    return draw(st.lists(steps, max_size=most))


def play(desk: Desk, story: list[Step], before: Callable[[int], None] = lambda _: None) -> list[Decision]:
    """Live through a story; `before` is called with the number of each cycle once the one before it is over."""
    decisions = []
    for number, step in enumerate(story):
        before(number)
        desk.wait(step.wait)
        decisions.append(desk.decide(*step.changes(desk.now)))
    return decisions


def kept(decision: Decision) -> tuple[object, ...]:
    """What of a decision is stored, and with it seen by anybody."""
    # The window in which the daemon starts is not counted as watched: nobody knows how long it was away. How usual
    # noise is follows from that and, with it, by a hair, how sure a root is, also in the words of a notice.
    lessons = tuple(lesson for lesson in decision.lessons if lesson.kind != WATCH)
    incidents = tuple(map(_without_odds, decision.incidents))
    notices = tuple(replace(notice, content=b"") for notice in decision.notices)
    return (decision.alerts, incidents, decision.records, decision.timeline, notices, decision.replies, lessons)


def _without_odds(incident: Incident) -> Incident:
    candidates = tuple(replace(c, confidence=0.0) for c in incident.root.candidates)
    return replace(incident, root=replace(incident.root, confidence=0.0, candidates=candidates))
