"""Judges a replay's document against the truth of a storm.

What counts, in this order:

* A *symptom* of a failure is an alert that was delivered and has the failure among its causes; an *own* symptom has no
  other cause. A failure without any symptom is invisible and does not count at all.
* Incidents merged into another count as part of it. An incident *belongs to* the failure that has most symptoms in it
  (own ones first, then all, then the earlier failure), and is *noise only* where it holds no symptom.
* The incident *of a failure* is the one that holds most of its symptoms (own ones first, then all, then the one that
  opened first). A failure none of whose symptoms is in any incident is *missed*.
"""

from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from bench.answers import Ranked, merged, place, ranking
from bench.baselines import BASELINES, ONLINE, OURS, Heard
from bench.online import grouped
from bench.storms import BEGAN_AT, Storm, Symptom, alert_key
from cmdb.graph import Estate
from cmdb.impact import states

WINDOW_S = 600.0
"""How much of a failure's symptoms the oracle gives the baselines."""

_MIXED_SHARE, _MIXED_ALERTS = 0.2, 3


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """One visible failure.

    `places` has, by method, the place of the true root, from 1, None where it was not named; for us that is the root
    of the failure's incident first, then its candidates. `confidence` is that of the root we named. `delay_s` is from
    the first symptom's receipt to the opening of the incident, 0 where it was open already, None where missed.
    """

    shape: str
    dialect: str
    seed: int
    root: str
    named: str | None
    is_silent: bool
    symptoms: int
    places: Mapping[str, int | None]
    confidence: float
    delay_s: float | None

    @property
    def is_missed(self) -> bool:
        """Whether no incident holds anything of it."""
        return self.delay_s is None


@dataclass(frozen=True, slots=True, kw_only=True)
class Score:
    """One storm.

    `incidents` belong to a failure, `noise_only` to none. `mixed` ones hold at least three own symptoms of a failure
    that is not theirs, a fifth of their alerts or more, on CIs that the root of theirs does not reach.
    Business services: for every incident that is the incident of failures, `right` of the `said` ones are among the
    `true` ones of those failures; the services of missed failures are true and not said.
    """

    verdicts: tuple[Verdict, ...]
    incidents: int
    mixed: int
    noise_only: int
    said: int
    true: int
    right: int


@dataclass(frozen=True, slots=True)
class _Incident:
    ranked: Sequence[Ranked]
    opened_s: float
    symptoms: tuple[Symptom, ...]
    services: frozenset[str]
    alerts: int

    def holds(self, failure: int) -> tuple[int, int]:
        """How many own symptoms, and symptoms, of a failure it has."""
        mine = [s for s in self.symptoms if failure in s.causes]
        return sum(len(s.causes) == 1 for s in mine), len(mine)


def score(storm: Storm, estate: Estate, document: Mapping[str, Any]) -> Score:
    """Judge what a replay of the storm's events said, and the baselines beside it."""
    incidents = list(_standing(storm, document))
    of_failure = {n: _incident_of(n, incidents) for n in _visible(storm)}
    owners = [_owner(incident, len(storm.failures)) for incident in incidents]
    reach = [states(estate, f.failed).keys() for f in storm.failures]
    said, true, right = _services(storm, of_failure)
    online = list(_online(storm, estate))
    return Score(
        verdicts=tuple(
            _verdict(storm, estate, n, incident, _incident_of(n, online)) for n, incident in of_failure.items()
        ),
        incidents=sum(owner is not None for owner in owners),
        noise_only=sum(owner is None for owner in owners),
        mixed=sum(o is not None and _is_mixed(i, o, reach[o]) for i, o in zip(incidents, owners, strict=True)),
        said=said,
        true=true,
        right=right,
    )


def oracle(storm: Storm, failure: int) -> list[Heard]:
    """A failure's symptoms, and nothing else, of the ten minutes after it began; all of them where that is none."""
    mine = [Heard(s.received, s.ci) for s in storm.symptoms.values() if failure in s.causes]
    end = storm.failures[failure].at + WINDOW_S
    return [heard for heard in mine if heard.at <= end] or mine


def _visible(storm: Storm) -> list[int]:
    return sorted(frozenset[int]().union(*(s.causes for s in storm.symptoms.values())))


def _standing(storm: Storm, document: Mapping[str, Any]) -> Iterator[_Incident]:
    for parts in merged(document["incidents"]).values():
        alerts = [alert for part in parts for alert in part["alerts"]]
        keys = dict.fromkeys(map(alert_key, alerts))
        symptoms = tuple(s for s in (storm.symptoms[key] for key in keys) if s.causes)
        services = frozenset(parts[0]["impacted_services"])
        opened = datetime.fromisoformat(parts[0]["opened_at"])
        yield _Incident(ranking(parts[0]), (opened - BEGAN_AT).total_seconds(), symptoms, services, len(keys))


def _online(storm: Storm, estate: Estate) -> Iterator[_Incident]:
    """What the online baseline made of the same alerts."""
    received = sorted(storm.symptoms.values(), key=lambda s: (s.received, s.ci))
    for group in grouped(estate, [Heard(s.received, s.ci) for s in received]):
        symptoms = tuple(received[n] for n in group.alerts if received[n].causes)
        yield _Incident([Ranked(ci) for ci in group.cause.ranking], group.at, symptoms, frozenset(), len(group.alerts))


def _incident_of(failure: int, incidents: Sequence[_Incident]) -> _Incident | None:
    holding = [incident for incident in incidents if incident.holds(failure)[1]]
    return max(holding, key=lambda i: (*i.holds(failure), -i.opened_s), default=None)


def _owner(incident: _Incident, failures: int) -> int | None:
    if not incident.symptoms:
        return None
    return max(range(failures), key=lambda n: (*incident.holds(n), -n))


def _is_mixed(incident: _Incident, owner: int, reach: AbstractSet[str]) -> bool:
    foreign = Counter(
        cause
        for symptom in incident.symptoms
        for cause in symptom.causes
        if len(symptom.causes) == 1 and cause != owner and symptom.ci not in reach
    )
    most = max(foreign.values(), default=0)
    return most >= max(_MIXED_ALERTS, _MIXED_SHARE * incident.alerts)


def _verdict(
    storm: Storm, estate: Estate, number: int, incident: _Incident | None, online: _Incident | None
) -> Verdict:
    failure = storm.failures[number]
    mine = [s for s in storm.symptoms.values() if number in s.causes]
    heard = oracle(storm, number)
    said = {name: method(estate, heard) for name, method in BASELINES.items()}
    ours = [] if incident is None else incident.ranked
    said[OURS] = [ranked.ci for ranked in ours]
    said[ONLINE] = [] if online is None else [ranked.ci for ranked in online.ranked]
    return Verdict(
        shape=storm.shape,
        dialect=storm.dialect,
        seed=storm.seed,
        root=failure.root,
        named=ours[0].ci if ours else None,
        is_silent=all(s.ci != failure.root for s in mine),
        symptoms=len(mine),
        places={name: place(ranked, [failure.root]) for name, ranked in said.items()},
        confidence=ours[0].confidence if ours else 0.0,
        delay_s=None if incident is None else max(0.0, incident.opened_s - min(s.received for s in mine)),
    )


def _services(storm: Storm, of_failure: Mapping[int, _Incident | None]) -> tuple[int, int, int]:
    true: defaultdict[int, set[str]] = defaultdict(set)
    said: dict[int, frozenset[str]] = {}
    for number, incident in of_failure.items():
        true[id(incident)].update(storm.failures[number].impacted_services)
        said[id(incident)] = frozenset() if incident is None else incident.services
    right = sum(len(true[which] & said[which]) for which in said)
    return sum(map(len, said.values())), sum(map(len, true.values())), right
