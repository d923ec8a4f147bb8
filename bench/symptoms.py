"""The alerts of a storm: what monitoring says of what is true, with all that goes wrong on the way.

Times are seconds since the storm began.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from random import Random

from bench.dialects import Dialect, Timing, Weather
from bench.faults import HOURS, Failure, Moment
from cmdb.graph import Estate
from cmdb.model import State

_LATE_SHARE, _LATE_S = 0.03, (30.0, 90.0)


@dataclass(frozen=True, slots=True, kw_only=True)
class Firing:
    """An alert that fires from `at` to `until`, and the failures, by number, that it is a symptom of; none: noise."""

    ci: str
    name: str
    severity: str
    at: float
    until: float
    causes: frozenset[int] = frozenset()


@dataclass(slots=True)
class _Spell:
    """A CI in one state without a break."""

    ci: str
    state: State
    hops: int
    at: float
    until: float
    causes: frozenset[int]


def firings(
    chance: Random, estate: Estate, dialect: Dialect, failures: Sequence[Failure], spans: Sequence[Moment]
) -> list[Firing]:
    """Every alert that arrives, one after the other; no alert fires twice at the same time."""
    heard = _heard(chance, estate, dialect.weather, {f.root for f in failures})
    found = [f for spell in _spells(spans) if spell.ci in heard for f in _of(chance, estate, dialect, spell)]
    found += _noise(chance, estate, dialect, list(heard))
    parts = [part for firing in found for part in _flapped(chance, dialect.weather, firing)]
    return [_begun(firing, failures) for firing in _one_at_a_time(parts)]


def _heard(chance: Random, estate: Estate, weather: Weather, roots: set[str]) -> dict[str, None]:
    """The CIs that are monitored, in the estate's order."""
    deaf = set[str]()
    if weather.deaf:
        deaf = {kind for kind in sorted({ci.type for ci in estate}) if chance.random() < weather.deaf}
    heard = [ci for ci in estate if chance.random() >= (weather.silent if ci.id in roots else weather.unheard)]
    return dict.fromkeys(ci.id for ci in heard if ci.type not in deaf)


def _begun(firing: Firing, failures: Sequence[Failure]) -> Firing:
    """Without the failures that only later came to account for the same state: this alert fires without them."""
    return replace(firing, causes=frozenset(n for n in firing.causes if failures[n].at <= firing.at))


def _spells(spans: Sequence[Moment]) -> list[_Spell]:
    found: list[_Spell] = []
    running: dict[str, _Spell] = {}
    for span in spans:
        for ci, hit in span.hits.items():
            spell = running.get(ci)
            if spell is not None and spell.state is hit.state and spell.until == span.at:
                spell.until = span.until
                spell.causes |= span.causes[ci]
            else:
                running[ci] = _Spell(ci, hit.state, hit.hops, span.at, span.until, span.causes[ci])
                found.append(running[ci])
    return found


def _of(chance: Random, estate: Estate, dialect: Dialect, spell: _Spell) -> Iterator[Firing]:
    """The alerts of a CI in a bad state: one or more, after scrape and `for:`, later the farther from the root."""
    weather, timing, words = dialect.weather, dialect.timing, dialect.words(estate.ci(spell.ci).type)
    names, share = {
        State.DOWN: (words.down, 1.0),
        State.DEGRADED: (words.degraded, weather.degraded),
        State.REDUCED: (words.reduced, weather.reduced),
        State.AT_RISK: (words.reduced, weather.at_risk),
    }[spell.state]
    if chance.random() >= share:
        return
    severity = _one_of(chance, dialect.severities[spell.state])
    for name in chance.sample(names, chance.randint(1, min(len(names), dialect.most_names))):
        at = spell.at + _wait_s(chance, timing, spell.hops)
        until = spell.until + chance.uniform(*timing.late_s) + spell.hops * chance.uniform(*timing.late_hop_s)
        if at < spell.until and chance.random() >= weather.missing:
            yield Firing(ci=spell.ci, name=name, severity=severity, at=at, until=until, causes=spell.causes)


def _wait_s(chance: Random, timing: Timing, hops: int) -> float:
    """From a state to its alert: a scrape, the hold, and what each hop adds."""
    wait = chance.uniform(0, 15) + chance.choice(timing.holds_s)
    if timing.is_skewed:
        wait += sum(chance.expovariate(1 / timing.hop_s) for _ in range(hops))
    else:
        wait += hops * chance.uniform(0, timing.hop_s)
    return min(wait, timing.most_s)


def _noise(chance: Random, estate: Estate, dialect: Dialect, heard: Sequence[str]) -> Iterator[Firing]:
    at = 0.0
    while (at := at + chance.expovariate(dialect.weather.noise_an_hour / 3600)) < HOURS * 3600:
        ci = chance.choice(heard)
        severity = _one_of(chance, dialect.noise_severities)
        until = at + chance.uniform(*dialect.timing.noise_s)
        name = chance.choice(dialect.words(estate.ci(ci).type).noise)
        yield Firing(ci=ci, name=name, severity=severity, at=at, until=until)


def _one_of(chance: Random, severities: Sequence[str]) -> str:
    return severities[0] if len(severities) == 1 else chance.choice(severities)


def _flapped(chance: Random, weather: Weather, firing: Firing) -> Iterator[Firing]:
    """The alert itself or, for a few, two to four parts of it with gaps between."""
    at = firing.at
    if chance.random() < weather.flapping:
        for _ in range(chance.randint(1, 3)):
            until, gap = at + chance.uniform(20, 120), chance.uniform(20, 90)
            if until + gap >= firing.until - 10:
                break
            yield _part(firing, at, until)
            at = until + gap
    yield _part(firing, at, firing.until)


def _part(firing: Firing, at: float, until: float) -> Firing:
    return replace(firing, at=round(at, 3), until=round(until, 3))


def _one_at_a_time(found: Sequence[Firing]) -> list[Firing]:
    """By start, without those whose alert fires already."""
    kept: list[Firing] = []
    busy: dict[tuple[str, str], float] = {}
    for firing in sorted(found, key=lambda f: (f.at, f.ci, f.name)):
        if busy.get((firing.ci, firing.name), -1.0) < firing.at:
            busy[firing.ci, firing.name] = firing.until
            kept.append(firing)
    return kept


def heard_after_s(chance: Random) -> float:
    """How long an event is on its way: mostly a moment, for a few long enough to be overtaken."""
    return chance.uniform(*_LATE_S) if chance.random() < _LATE_SHARE else chance.uniform(0.1, 3.0)
