"""Judges a played scenario against its truth.

An incident stands where it was not merged into another. It belongs to the failure whose CI it names where one of its
alerts has that among its causes, else to the failure that causes most of its alerts; one that holds no alert with a
cause is noise.
"""

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace

import msgspec

from bench.stage import Played, play
from bench.story import Scenario, Spell, View, moment
from daemon.replay import INTERVAL
from rules.alert import Alert, alert_id, fingerprint_of
from rules.document import NoticeContent
from rules.incident import Incident

MOST_CYCLES = 2
"""Cycles until an incident of a failure that can be seen must be open."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """One scenario.

    `roots` and `services` are counts (right, asked for) over all views. `misplaced` alerts are in an incident of a
    failure that does not cause them, or in none. `noise` counts incidents that hold nothing but noise, and notices of
    them. `cycles` is the most that a failure's incident took to open from the first alert heard of it, None where one
    never did. `root_changes` counts how often people were told another root than before. `faults` says what was
    wrong, in words; none: it passed.
    """

    name: str
    roots: tuple[int, int]
    services: tuple[int, int]
    incidents: int
    misplaced: int
    noise: int
    cycles: int | None
    root_changes: int
    faults: tuple[str, ...]


def judge(scenario: Scenario) -> Verdict:
    """Play a scenario and judge it."""
    played = play(scenario)
    court = _Court(scenario, played)
    seen = [_seen(view, played) for view in scenario.views]
    verdict = Verdict(
        name=scenario.name,
        roots=_total(s.roots for s in seen),
        services=_total(s.services for s in seen),
        incidents=len(court.standing),
        misplaced=court.misplaced(),
        noise=court.noise(),
        cycles=court.cycles(),
        root_changes=_root_changes(played),
        faults=(),
    )
    faults = [fault for s in seen for fault in s.faults]
    faults += _faults(scenario, verdict, _calls(played))
    if scenario.restarts and play(scenario, restarts=False) != played:
        faults.append("a restart changes what is decided")
    return replace(verdict, faults=tuple(faults))


@dataclass(frozen=True, slots=True)
class _Seen:
    roots: tuple[int, int]
    services: tuple[int, int]
    faults: tuple[str, ...]


def _seen(view: View, played: Played) -> _Seen:
    """Compare what was open with what should have been."""
    found = played.open_at(view.at)
    faults = []
    named = sorted(i.root.ci or "unknown" for i in found)
    if not (view.roots <= set(named) <= view.roots | view.may) or len(named) != len(set(named)):
        faults.append(f"at {view.at:.0f} s the roots were {_listed(named)}, not {_listed(sorted(view.roots))}")
    services = _services(found)
    if services != view.services:
        faults.append(f"at {view.at:.0f} s the services were {_states(services)}, not {_states(view.services)}")
    priority = min((str(i.priority) for i in found), default="")
    if view.priority and priority != view.priority:
        faults.append(f"at {view.at:.0f} s the priority was {priority or 'none'}, not {view.priority}")
    right = sum(services.get(ci) == state for ci, state in view.services.items())
    return _Seen((len(view.roots & set(named)), len(view.roots)), (right, len(view.services)), tuple(faults))


def _services(incidents: tuple[Incident, ...]) -> dict[str, str]:
    states = sorted((s.state, s.ci) for i in incidents for s in i.services)
    return {ci: state.word for state, ci in states}


class _Court:
    """The alerts of a played scenario with their truth, by the incidents that stand."""

    def __init__(self, scenario: Scenario, played: Played) -> None:
        self._played = played
        self._spells = {_identity(spell): spell for spell in scenario.spells}
        self._failures = sorted(
            {cause for spell in scenario.spells for cause in spell.causes if len(spell.causes) == 1}
        )
        self.standing: dict[int, list[Alert]] = {
            i.number: [] for i in played.record.incidents.values() if i.merged_into is None
        }
        self._outside: list[Alert] = []
        for alert in played.record.alerts.values():
            self.standing.get(alert.incident or 0, self._outside).append(alert)

    def misplaced(self) -> int:
        """Alerts in the wrong incident or in none."""
        wrong = sum(bool(self._causes(a)) for a in self._outside)
        for number, alerts in self.standing.items():
            owner = self._owner(number)
            wrong += sum(bool(self._causes(a)) and owner not in self._causes(a) for a in alerts)
        return wrong

    def noise(self) -> int:
        """Incidents that hold noise alone, and the notices of them."""
        empty = {number for number in self.standing if self._owner(number) is None}
        return len(empty) + sum(n.incident in empty for n in self._played.notices)

    def cycles(self) -> int | None:
        """Cycles until the incident of the last failure was open; None where one never was."""
        took = [self._cycles_of(failure) for failure in self._failures]
        return None if None in took else max((t for t in took if t is not None), default=0)

    def _cycles_of(self, failure: str) -> int | None:
        heard = [at for i, at in self._played.heard_at.items() if self._spells[i].causes == {failure}]
        mine = {n for n in self.standing if self._owner(n) == failure}
        opened = [i.opened_at for i in self._played.record.incidents.values() if {i.number, i.merged_into} & mine]
        if not heard or not opened:
            return None
        return max(0, (min(opened) - min(heard)) // INTERVAL) + 1

    def _owner(self, number: int) -> str | None:
        counted = Counter(cause for a in self.standing[number] for cause in sorted(self._causes(a)))
        root = self._played.record.incidents[number].root.ci
        if root in counted:
            return root
        return counted.most_common(1)[0][0] if counted else None

    def _causes(self, alert: Alert) -> frozenset[str]:
        return self._spells[alert.id].causes


def _identity(spell: Spell) -> str:
    return alert_id(fingerprint_of(spell.labels), moment(spell.at))


def _root_changes(played: Played) -> int:
    told: dict[str, str | None] = {}
    changes = 0
    for notice in played.notices:
        content = msgspec.json.decode(notice.content, type=NoticeContent)
        if content.incident is not None:
            root = content.incident.root_cause.ci
            changes += told.setdefault(content.incident.number, root) != root
            told[content.incident.number] = root
    return changes


def _calls(played: Played) -> int:
    return sum(n.event in ("opened", "reopened") for n in played.notices)


def _faults(scenario: Scenario, found: Verdict, calls: int) -> Iterator[str]:
    if found.incidents > scenario.incidents:
        yield f"{found.incidents} incidents, not {scenario.incidents}"
    if found.misplaced:
        yield f"{found.misplaced} alerts in the wrong incident or in none"
    if found.noise:
        yield f"{found.noise} incidents and notices from noise"
    if found.cycles is None or found.cycles > MOST_CYCLES:
        yield "a failure had no incident" if found.cycles is None else f"opened only after {found.cycles} cycles"
    if found.root_changes:
        yield f"people were told another root {found.root_changes} times"
    most = scenario.incidents if scenario.calls is None else scenario.calls
    if calls > most:
        yield f"people were called {calls} times, not {most}"


def _total(counts: Iterator[tuple[int, int]]) -> tuple[int, int]:
    right, asked = zip(*counts, strict=True)
    return sum(right), sum(asked)


def _listed(names: list[str]) -> str:
    return ", ".join(names) if names else "none"


def _states(services: Mapping[str, str]) -> str:
    return _listed([f"{ci} {state}" for ci, state in sorted(services.items())])
