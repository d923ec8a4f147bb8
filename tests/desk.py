"""The decision path of the daemon on a hand-moved clock, for stories told in the core."""

from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Any

from bench.stage import restarted
from cmdb.graph import Estate
from cmdb.model import CI, Criticality, Dependency, Strength
from daemon.replay import Record
from rules.alert import Alert, Sighting
from rules.decide import decide
from rules.decision import (
    Change,
    Command,
    Decision,
    Listing,
    Notice,
    SilenceOrder,
    SourceFailed,
    TimelineEntry,
    Verb,
)
from rules.incident import Incident
from rules.matchers import parse_matchers
from rules.policy import Policy
from rules.silence import Silence
from rules.situation import Situation
from rules.subscriptions import Subscription
from tests.builders import T0, sighting


def needs(*providers: str, need: int = 0, strength: Strength = Strength.HARD) -> Dependency:
    """A dependency; a redundancy group where several are named."""
    return Dependency(providers=providers, need=need or 1, strength=strength)


def rack_estate() -> Estate:
    """One rack on a single switch, one on a pair, a service on each."""
    first = [CI(id=f"host-{n}", type="host", owner="compute", depends_on=(needs("tor-3a"),)) for n in (1, 2, 3, 4)]
    second = [CI(id=f"host-{n}", type="host", depends_on=(needs("tor-1a", "tor-1b"),)) for n in (11, 12)]
    return Estate.of(
        [
            CI(id="tor-3a", type="switch", owner="network"),
            CI(id="tor-1a", type="switch", owner="network"),
            CI(id="tor-1b", type="switch", owner="network"),
            *first,
            *second,
            CI(id="lonely", type="printer"),
            service("checkout", "Checkout", Criticality.CRITICAL, needs("host-1"), needs("host-2")),
            service("search", "Search", Criticality.HIGH, needs("host-11"), needs("host-12")),
        ]
    )


def service(ci: str, name: str, criticality: Criticality, *dependencies: Dependency) -> CI:
    """A business service."""
    return CI(id=ci, type="business-service", name=name, criticality=criticality, depends_on=dependencies)


class Desk:
    """A situation, its clock and everything decided so far."""

    def __init__(
        self, estate: Estate | None = None, policy: Policy | None = None, told: Iterable[str] = ("noc",)
    ) -> None:
        subscriptions = tuple(Subscription(to=to) for to in told)
        self.situation = Situation(estate or rack_estate(), policy or Policy(), subscriptions)
        self.now: datetime = T0
        self.notices: list[Notice] = []
        self.record = Record()
        self.timeline: list[TimelineEntry] = []
        self._commands = 0

    @property
    def alerts(self) -> dict[str, Alert]:
        """All alerts that the store would hold, by id."""
        return self.record.alerts

    @property
    def incidents(self) -> dict[int, Incident]:
        """All incidents that the store would hold, by number."""
        return self.record.incidents

    def decide(self, *changes: Change) -> Decision:
        """One cycle."""
        decision = decide(self.situation, changes, self.now)
        self.notices += decision.notices
        self.record.take(decision)
        self.timeline += decision.timeline
        self.situation.apply(decision)
        return decision

    def hear(self, *sightings: Sighting, source: str = "main", held: frozenset[str] = frozenset()) -> Decision:
        """One cycle in which a polled source sees just these alerts."""
        return self.decide(Listing(source=source, at=self.now, sightings=sightings, held=held))

    def lose(self, source: str = "main") -> Decision:
        """One cycle in which a source cannot be read."""
        return self.decide(SourceFailed(source=source, at=self.now, error="connection refused"))

    def ask(self, verb: Verb, number: int, value: str = "") -> str:
        """One cycle in which a person asks for something; the answer."""
        self._commands += 1
        command = Command(id=f"c{self._commands}", at=self.now, actor="anna", verb=verb, number=number, value=value)
        return self.decide(command).replies[0].message

    def silence(self, *matchers: str, seconds: float = 3600, after: float = 0, change: str = "") -> str:
        """One cycle in which a person silences what meets the matchers, or changes a silence; the answer."""
        silence = Silence(
            id=change,
            matchers=parse_matchers(matchers),
            starts_at=self.now + timedelta(seconds=after),
            ends_at=self.now + timedelta(seconds=after + seconds),
            updated_at=self.now,
            created_by="anna",
            comment="known",
        )
        return self._order(silence=silence)

    def end_silence(self, silence_id: str) -> str:
        """One cycle in which a person ends a silence; the answer."""
        return self._order(ends=silence_id)

    def _order(self, **fields: Any) -> str:
        self._commands += 1
        order = SilenceOrder(id=f"s{self._commands}", at=self.now, actor="anna", **fields)
        return self.decide(order).replies[0].message

    def restart(self) -> None:
        """The daemon starts anew from what the store kept."""
        self.situation = restarted(self.situation, self.record, self.now)

    def reasons(self) -> set[str]:
        """Why the alerts that fire and are in no incident opened nothing."""
        return {a.reason for a in self.situation.alerts.values() if a.is_firing and a.incident is None}

    def wait(self, seconds: float) -> None:
        """Let time pass."""
        self.now += timedelta(seconds=seconds)

    def open(self) -> list[Incident]:
        """The incidents that are active now."""
        return [i for _, i in sorted(self.situation.incidents.items()) if i.is_active]

    def history(self) -> list[str]:
        """The lines of the histories of all incidents."""
        return [entry.text for entry in self.timeline]

    def told(self, to: str = "noc") -> list[str]:
        """The events that a recipient was told of."""
        return [n.event for n in self.notices if n.to == to]


def down(*cis: str, severity: str = "critical", **fields: datetime) -> tuple[Sighting, ...]:
    """Each of these CIs raises an alert."""
    return tuple(sighting("HostDown", labels={"ci": ci, "severity": severity}, **fields) for ci in cis)
