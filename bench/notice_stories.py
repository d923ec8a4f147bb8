"""The lab's data centre broken on a virtual clock, and whom the daemon's own decision path tells of what."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import msgspec
import yaml

from daemon.clock import ManualClock
from daemon.config.config import Config
from daemon.config.estate import load_estate
from daemon.config.load import load_config
from daemon.lab.alerting import GROUPS, AlertRule, filled
from daemon.lab.control import Control
from daemon.lab.estate import write_cmdb
from daemon.lab.files import SERVICE_DESK, Ways, write_daemon_config
from daemon.lab.metrics import JOBS
from daemon.replay import Record, in_order
from rules.alert import Sighting
from rules.decide import decide
from rules.decision import Change, Command, Listing, Notice, Verb
from rules.document import NoticeContent, alert_document
from rules.situation import Situation

BEGAN_AT = datetime(2026, 11, 24, 8, 0, tzinfo=UTC)
CYCLE = timedelta(seconds=15)
EVALUATION = timedelta(seconds=5)
PROMETHEUS = "http://prometheus.dc1.example:9090"

STORM = ("tor-3a", "tor-6a", "card-acquirer", "search-cache", "stock-db-1", "carrier-feed")
"""What fails at once in a bad hour, by different causes."""


class Story:
    """The lab on a virtual clock, and the daemon's decisions over it; `notices` are all that were sent, as sent."""

    def __init__(self, config: Config) -> None:
        estate = load_estate(config.cmdb)
        self.notices: list[tuple[Notice, NoticeContent]] = []
        self.record = Record()
        self._clock = ManualClock(BEGAN_AT)
        self._control = Control(estate, self._clock)
        self._situation = Situation(estate, config.policy, config.notify)
        self._since: dict[str, datetime] = {}
        self._orders = 0

    def break_(self, *cis: str) -> "Story":
        """These CIs fail now."""
        self._control.break_(cis)
        return self

    def mend(self, *cis: str) -> "Story":
        """These CIs work again."""
        self._control.mend(cis)
        return self

    def wait(self, length: timedelta) -> "Story":
        """Let time pass, with the rules evaluated and a cycle decided as often as in life."""
        end = self._clock.now() + length
        while self._clock.now() < end:
            self._clock.advance(EVALUATION)
            firing = tuple(self._firing())
            if (self._clock.now() - BEGAN_AT) % CYCLE == timedelta():
                self._decide(Listing(source="prometheus", at=self._clock.now(), sightings=firing))
        return self

    def order(self, verb: Verb, actor: str, value: str = "") -> "Story":
        """Somebody does something with the first incident."""
        self._orders += 1
        name = f"order-{self._orders}"
        self._decide(Command(id=name, at=self._clock.now(), actor=actor, verb=verb, number=1, value=value))
        return self

    def _decide(self, change: Change) -> None:
        decision = decide(self._situation, [change], self._clock.now())
        self.record.take(decision)
        self._situation.apply(decision)
        self.notices += [(notice, self._content(notice)) for notice in decision.notices]

    def _content(self, notice: Notice) -> NoticeContent:
        """What is sent: as decided, with the alerts of that moment."""
        content = msgspec.json.decode(notice.content, type=NoticeContent)
        if content.incident is None:
            return content
        mine = in_order(a for a in self.record.alerts.values() if a.incident == notice.incident)
        incident = msgspec.structs.replace(content.incident, alerts=tuple(map(alert_document, mine)))
        return msgspec.structs.replace(content, incident=incident)

    def _firing(self) -> Iterator[Sighting]:
        now, found = self._clock.now(), {}
        for job in JOBS:
            for sample in self._control.samples((job,)):
                for rule in (rule for rules in GROUPS.values() for rule in rules if rule.fires_on(sample)):
                    named = {name: value for name, value in sample.labels if value}
                    labels = {**named, "alertname": rule.name, "job": job, "severity": rule.severity}
                    found["\n".join(map(str, sorted(labels.items())))] = (rule, labels)
        self._since = {key: self._since.get(key, now) for key in found}
        for key, (rule, labels) in found.items():
            if now - self._since[key] >= rule.ticks * EVALUATION:
                yield _sighting(rule, labels, self._since[key])


def _sighting(rule: AlertRule, labels: dict[str, str], since: datetime) -> Sighting:
    annotations = {name: filled(text, labels) for name, text in rule.annotations().items()}
    url = f"{PROMETHEUS}/graph?g0.expr={rule.metric}&g0.tab=1"
    return Sighting(labels=labels, annotations=annotations, starts_at=since, generator_url=url)


def lab_config(folder: Path, *, is_calm: bool = False) -> Config:
    """The lab's own configuration with the usual manners, links for operators, and a manager who hears of risks, too.
    Where `is_calm`, nothing is so urgent that it is not summed up with the rest."""
    write_cmdb(folder / "cmdb.yaml")
    ways = Ways(prometheus_url=PROMETHEUS, alertmanager_url="", smtp_port=2525, hook_url="http://127.0.0.1:9/hook")
    path = write_daemon_config(folder, ways, listen="127.0.0.1:8420", interval_s=5)
    desk, config = (yaml.safe_load((folder / name).read_text("utf-8")) for name in (SERVICE_DESK, path.name))
    desk["telling"] = {"urgent": []} if is_calm else {}
    config["notify"].append({"name": "risks, too", "person": ["ruth"], "when": {"priority": ["P3"]}})
    dashboard = "https://grafana.dc1.example/d/ci?var-ci={ci}&from={from_ms}&to={to_ms}"
    config["messages"] = {"links": [{"name": "Dashboard", "url": dashboard}]}
    for name, document in ((SERVICE_DESK, desk), (path.name, config)):
        (folder / name).write_text(yaml.safe_dump(document, sort_keys=False), encoding="utf-8")
    return load_config(path)


def stories(config: Config, calm: Config) -> dict[str, Story]:
    """The three that docs/notices.md tells, the storm among calm people."""
    minute = timedelta(minutes=1)
    switch = Story(config).break_("tor-3a").wait(2 * minute).order(Verb.ACKNOWLEDGE, "nadia").wait(33 * minute)
    return {
        "switch": switch.mend("tor-3a").wait(2 * minute),
        "database": Story(config).break_("pay-db-1").wait(3 * minute),
        "storm": Story(calm).break_(*STORM).wait(3 * minute),
    }


def told(story: Story, who: str, event: str) -> NoticeContent:
    """The first notice of this event to a person or to a notifier's own recipients, of summaries the longest.

    LookupError where there is none.
    """
    found = [c for n, c in story.notices if who == (n.person or n.to) and c.event == event]
    if not found:
        known = sorted({f"{n.person or n.to} {n.event}" for n, _ in story.notices})
        raise LookupError(f"nobody told {who} of {event}; there were: {', '.join(known)}")
    return max(found, key=lambda content: content.summary.total if content.summary is not None else 0)
