"""Alerts of a Prometheus, read from the server that evaluates their rules."""

from collections.abc import Iterable
from datetime import UTC, datetime, timedelta

import msgspec

from daemon.clock import Clock
from daemon.errors import SourceDown
from daemon.sources.answers import get, instant, server_time, unwrapped
from daemon.sources.http_session import BoundedSession, SourceRefused
from daemon.sources.prometheus_rules import EvaluatedRule, RuleGroups, RuleIndex, graph_link, untrusted_names
from daemon.sources.prometheus_series import (
    ABSENT,
    ACTIVE_SINCE,
    FIRING,
    HIDDEN,
    alert_labels,
    answer_to,
    connect,
    read_external_labels,
    series_key,
)
from daemon.sources.settings import SourceSettings
from daemon.sources.texts import clean_labels, clean_link, clean_text
from rules.alert import Sighting
from rules.decision import Listing


class _Alert(msgspec.Struct, frozen=True, gc=False):
    labels: dict[str, str]
    state: str
    annotations: dict[str, str] | None = None
    activeAt: str | None = None  # noqa: N815  Prometheus's spelling


class _Alerts(msgspec.Struct, frozen=True):
    alerts: list[_Alert] | None = None


class _Runtime(msgspec.Struct, frozen=True, rename="camel"):
    start_time: str | None = None
    last_config_time: str | None = None


class _Series(msgspec.Struct, frozen=True):
    metric: dict[str, str]
    value: tuple[float, str]


class _Vector(msgspec.Struct, frozen=True):
    result: list[_Series]


class PrometheusSource:
    """A Prometheus, or what speaks its API. Not thread-safe: one worker polls it at a time.

    The session is made anew after every failure, so that renewed certificates and external labels are read again.
    """

    def __init__(self, name: str, settings: SourceSettings, clock: Clock) -> None:
        self.name = name
        self._settings = settings
        self._clock = clock
        self._link: _Link | None = None

    def poll(self) -> Listing:
        """Every firing alert. Pending ones are not alerts yet. Raises SourceDown."""
        try:
            if self._link is None:
                self._link = _Link(self._settings)
            return self._link.listing(self.name, self._clock.now())
        except SourceDown:
            self.close()
            raise

    def close(self) -> None:
        """Let go of the connections."""
        if self._link is not None:
            self._link.close()
            self._link = None


class _Link:
    """One uninterrupted connection, with what has to be known of the server beside its alerts."""

    def __init__(self, settings: SourceSettings) -> None:
        self._session = BoundedSession(settings)
        self._client = connect(self._session)
        self._ignore = settings.ignore_labels
        self._external: dict[str, str] = {}
        self._config_seen: _Runtime | None = None
        self._had_up = False

    def close(self) -> None:
        self._client.close()

    def listing(self, source: str, now: datetime) -> Listing:
        """Rules are asked before alerts, and the start time last: a restart in between then counts as one."""
        rules, rules_at = self._rules(now)
        alerts = self._alerts(rules is not None)
        runtime = self._runtime()
        self._read_external_labels(runtime)
        held = frozenset[str]()
        if rules is not None:
            held = untrusted_names(rules, rules_at, instant(self._session, runtime.start_time))
        index = RuleIndex(rules or ())
        sightings = (self._sighting(alert, index, now) for alert in alerts if alert.state == "firing")
        return Listing(source=source, at=now, sightings=_without_twins(sightings), held=held)

    def _sighting(self, alert: _Alert, index: RuleIndex, now: datetime) -> Sighting:
        # Prometheus adds its external labels only when it sends; without them the same alert would be two.
        labels = self._external | {name: value for name, value in alert.labels.items() if value}
        return Sighting(
            labels=clean_labels(labels, self._ignore),
            annotations={clean_text(k): clean_text(v) for k, v in (alert.annotations or {}).items()},
            starts_at=instant(self._session, alert.activeAt) or now,
            generator_url=clean_link(graph_link(self._session.base_url, index.query_of(alert.labels))),
        )

    def _rules(self, now: datetime) -> tuple[list[EvaluatedRule] | None, datetime]:
        """The alerting rules, None where the server shows none; with the server's time."""
        try:
            response = get(self._session, "/api/v1/rules", {"type": "alert", "exclude_alerts": "true"})
        except SourceRefused as error:
            if error.status in ABSENT:
                return None, now
            raise
        groups = unwrapped(self._session, response.content, RuleGroups).groups or []
        rules = [
            EvaluatedRule(
                name=rule.name,
                query=rule.query,
                labels=rule.labels or {},
                is_healthy=rule.health.lower() == "ok",
                interval=_seconds(group.interval),
                duration=_seconds(rule.duration),
                evaluation_time=_seconds(rule.evaluation_time),
                evaluated_at=instant(self._session, rule.last_evaluation),
            )
            for group in groups
            for rule in group.rules or ()
            if rule.type == "alerting"
        ]
        return rules, server_time(response, now)

    def _alerts(self, has_rules: bool) -> list[_Alert]:
        try:
            response = get(self._session, "/api/v1/alerts")
        except SourceRefused as error:
            if error.status not in ABSENT:
                raise
            return self._alerts_from_series(has_rules)
        return unwrapped(self._session, response.content, _Alerts).alerts or []

    def _alerts_from_series(self, has_rules: bool) -> list[_Alert]:
        """Firing alerts out of the series that Prometheus writes about them; those carry no annotations."""
        firing = self._query(FIRING)
        since = {series_key(series.metric): series.value[1] for series in self._query(ACTIVE_SINCE)}
        if not has_rules:
            self._check_alive()
        return [
            _Alert(labels=labels, state="firing", activeAt=_unix_instant(since.get(series_key(labels))))
            for labels in (alert_labels(series.metric) for series in firing)
        ]

    def _check_alive(self) -> None:
        """Without rules nothing shows whether they are evaluated; at least the server must still have fresh data."""
        has_up = bool(self._query("count(up)"))
        if self._had_up and not has_up:
            raise SourceDown(f"{self._session.host} has no fresh data any more, so its silence means nothing")
        self._had_up = has_up

    def _query(self, expression: str) -> list[_Series]:
        return answer_to(self._session, lambda: self._client.custom_query(expression), _Vector).result

    def _runtime(self) -> _Runtime:
        try:
            response = get(self._session, "/api/v1/status/runtimeinfo")
        except SourceRefused as error:
            if error.status in HIDDEN:
                return _Runtime()
            raise
        return unwrapped(self._session, response.content, _Runtime)

    def _read_external_labels(self, runtime: _Runtime) -> None:
        """Read them once, and again whenever the server has started or loaded its configuration anew."""
        if runtime == self._config_seen:
            return
        self._external = read_external_labels(self._session)
        self._config_seen = runtime


def _without_twins(sightings: Iterable[Sighting]) -> tuple[Sighting, ...]:
    """One sighting per identity, the earliest: replicas look alike once their own labels are ignored."""
    earliest: dict[str, Sighting] = {}
    for sighting in sightings:
        known = earliest.setdefault(sighting.fingerprint, sighting)
        if sighting.starts_at < known.starts_at:
            earliest[sighting.fingerprint] = sighting
    return tuple(earliest.values())


def _unix_instant(seconds: str | None) -> str | None:
    """The value of ALERTS_FOR_STATE, Unix seconds, as RFC 3339."""
    try:
        return None if seconds is None else datetime.fromtimestamp(float(seconds), UTC).isoformat()
    except (ValueError, OverflowError, OSError):
        return None


def _seconds(amount: float) -> timedelta:
    """Bounded to ten years, so that an odd answer cannot overflow."""
    return timedelta(seconds=min(max(amount, 0.0), 315_360_000.0))
