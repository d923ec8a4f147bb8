"""How long business services were down: from what incidents hit, and how badly, as time went by."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from cmdb.model import State
from rules.figures import Line
from rules.figures_shapes import AvailabilityFigures

Span = tuple[datetime, datetime]
_WORDS = {state.word: state for state in State}
_FULL = 400
"""A line of history with a text of this length was cut off, and may not name every service."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ServicesChanged:
    """A line of an incident's history: which services it hit before and after, in words as `rules.trace` has them."""

    at: datetime
    old: str
    new: str


def availability(
    lines: Iterable[Line],
    changes: Mapping[int, Sequence[ServicesChanged]],
    services: Mapping[str, str],
    since: datetime,
    until: datetime,
    now: datetime,
) -> tuple[AvailabilityFigures, ...]:
    """One for each of the services (id to name), the worst first.

    The period ends now where `until` lies ahead. Times of several incidents that overlap count once, and a time in
    which it is down does not count as degraded too. Merged incidents do not count: the other one has their services.
    """
    end = min(until, now)
    down: dict[str, list[Span]] = {ci: [] for ci in services}
    hurt: dict[str, list[Span]] = {ci: [] for ci in services}
    hit: dict[str, set[int]] = {ci: set() for ci in services}
    for line in lines:
        if not line.is_counted:
            continue
        for ci, state, begin, stop in hits(line, changes.get(line.number, ()), services, now):
            span = max(begin, since), min(stop, end)
            if ci in services and span[0] < span[1] and state >= State.REDUCED:
                (down if state >= State.DOWN else hurt)[ci].append(span)
                hit[ci].add(line.number)
    whole = max((end - since).total_seconds(), 0.0)
    found = []
    for ci, name in services.items():
        down_s = covered(down[ci])
        found.append(
            AvailabilityFigures(
                service=ci,
                name=name or ci,
                incidents=len(hit[ci]),
                down_s=down_s,
                degraded_s=round(covered([*down[ci], *hurt[ci]]) - down_s, 6),
                availability=1.0 - down_s / whole if whole else 1.0,
            )
        )
    return tuple(sorted(found, key=lambda a: (a.availability, -a.degraded_s, a.service)))


def hits(
    line: Line, changes: Sequence[ServicesChanged], services: Mapping[str, str], now: datetime
) -> Iterator[tuple[str, State, datetime, datetime]]:
    """Service, state, from and to, one after the other, while the incident lasted.

    Its history says when it began to hit which of the `services` (id to name); without one it did so from its opening.
    """
    stop = line.back_at or now
    kept = {s.ci: (s.name or s.ci, s.state) for s in line.services}
    if not changes:
        yield from ((ci, state, line.opened_at, stop) for ci, (_, state) in kept.items() if line.opened_at < stop)
        return
    texts = [changes[0].old, *(c.new for c in changes)]
    moments = [line.opened_at, *(c.at for c in changes), stop]
    named = {ci: (name, State.UP) for ci, name in services.items() if any(name in text for text in texts)}
    for ci, (name, state) in {**named, **kept}.items():
        for text, begin, end in zip(texts, moments[:-1], moments[1:], strict=True):
            if begin < min(end, stop):
                yield ci, _state_in(text, name, state), begin, min(end, stop)


def _state_in(text: str, name: str, kept: State) -> State:
    """The state that a text gives to a service; up where it does not name it, as kept where it may have been cut."""
    for word, state in _WORDS.items():
        said = f"{name} {word}"
        if text == said or text.startswith(f"{said}, ") or text.endswith(f", {said}") or f", {said}, " in text:
            return state
    is_cut = len(text) >= _FULL or (text.endswith(" more") and " and " in text)
    return kept if is_cut else State.UP


def covered(spans: Iterable[Span]) -> float:
    """Seconds that at least one of the spans covers."""
    total, reached = 0.0, None
    for begin, end in sorted(spans):
        if reached is None or begin > reached:
            total += (end - begin).total_seconds()
            reached = end
        elif end > reached:
            total += (end - reached).total_seconds()
            reached = end
    return total
