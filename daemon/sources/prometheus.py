"""Alerts of a Prometheus, read from the server that evaluates their rules."""

import contextlib
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec
import requests
import yaml
from prometheus_api_client import PrometheusConnect
from prometheus_api_client.exceptions import PrometheusApiClientException
from urllib3.util.retry import Retry

from daemon.clock import Clock
from daemon.errors import SourceDown
from daemon.sources.answers import get, instant, server_time, unwrapped
from daemon.sources.http_session import BoundedSession, SourceRefused
from daemon.sources.prometheus_rules import EvaluatedRule, RuleGroups, RuleIndex, graph_link, untrusted_names
from daemon.sources.settings import SourceSettings
from daemon.sources.texts import clean_labels, clean_link, clean_text
from rules.alert import Sighting
from rules.decision import Listing

# Servers that speak the query API only (Thanos Query, some Mimir set-ups) answer so where they have no such path.
_ABSENT = frozenset({404, 405, 501})
# Where a proxy shows only some paths, what it hides is optional to us.
_HIDDEN = _ABSENT | {401, 403}
_FIRING = 'ALERTS{alertstate="firing"}'
_NOT_IDENTITY = frozenset({"__name__", "alertstate"})
_YAML = getattr(yaml, "CBaseLoader", yaml.BaseLoader)


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


class _Config(msgspec.Struct, frozen=True):
    yaml: str


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
        self._client = PrometheusConnect(
            url=self._session.base_url,
            session=self._session,
            retry=Retry(total=0),
            timeout=settings.timeout.total_seconds(),
        )
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
            if error.status in _ABSENT:
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
            if error.status not in _ABSENT:
                raise
            return self._alerts_from_series(has_rules)
        return unwrapped(self._session, response.content, _Alerts).alerts or []

    def _alerts_from_series(self, has_rules: bool) -> list[_Alert]:
        """Firing alerts out of the series that Prometheus writes about them; those carry no annotations."""
        firing = self._query(_FIRING)
        since = {_series_key(series.metric): series.value[1] for series in self._query("ALERTS_FOR_STATE")}
        if not has_rules:
            self._check_alive()
        return [
            _Alert(labels=labels, state="firing", activeAt=_unix_instant(since.get(_series_key(labels))))
            for labels in ({k: v for k, v in s.metric.items() if k not in _NOT_IDENTITY} for s in firing)
        ]

    def _check_alive(self) -> None:
        """Without rules nothing shows whether they are evaluated; at least the server must still have fresh data."""
        has_up = bool(self._query("count(up)"))
        if self._had_up and not has_up:
            raise SourceDown(f"{self._session.host} has no fresh data any more, so its silence means nothing")
        self._had_up = has_up

    def _query(self, expression: str) -> list[_Series]:
        # What the client makes of an answer loses its warnings, so the answer itself is read; where the client
        # stumbles over an odd one, decoding it here says better what is odd.
        with contextlib.suppress(PrometheusApiClientException, requests.RequestException, LookupError, TypeError):
            self._client.custom_query(expression)
        answer = self._session.answer
        if answer is None:
            raise SourceDown(f"{self._session.host} gave no answer to a query")
        return unwrapped(self._session, answer.content, _Vector).result

    def _runtime(self) -> _Runtime:
        try:
            response = get(self._session, "/api/v1/status/runtimeinfo")
        except SourceRefused as error:
            if error.status in _HIDDEN:
                return _Runtime()
            raise
        return unwrapped(self._session, response.content, _Runtime)

    def _read_external_labels(self, runtime: _Runtime) -> None:
        """Read them once, and again whenever the server has started or loaded its configuration anew."""
        if runtime == self._config_seen:
            return
        try:
            response = get(self._session, "/api/v1/status/config")
            text = unwrapped(self._session, response.content, _Config).yaml
        except SourceRefused as error:
            if error.status not in _HIDDEN:
                raise
            text = ""
        self._external = _external_labels(text)
        self._config_seen = runtime


def _external_labels(config: str) -> dict[str, str]:
    """`global.external_labels` of a Prometheus configuration; every value is text, as Prometheus itself reads it."""
    loaded: Any = None
    with contextlib.suppress(yaml.YAMLError, RecursionError):
        loaded = yaml.load(config, Loader=_YAML)  # noqa: S506  the base loader makes nothing but text, lists and maps
    section = loaded.get("global") if isinstance(loaded, dict) else None
    labels = section.get("external_labels") if isinstance(section, dict) else None
    return {k: v for k, v in labels.items() if isinstance(v, str)} if isinstance(labels, dict) else {}


def _without_twins(sightings: Iterable[Sighting]) -> tuple[Sighting, ...]:
    """One sighting per identity, the earliest: replicas look alike once their own labels are ignored."""
    earliest: dict[str, Sighting] = {}
    for sighting in sightings:
        known = earliest.setdefault(sighting.fingerprint, sighting)
        if sighting.starts_at < known.starts_at:
            earliest[sighting.fingerprint] = sighting
    return tuple(earliest.values())


def _series_key(metric: dict[str, str]) -> frozenset[tuple[str, str]]:
    return frozenset((name, value) for name, value in metric.items() if name not in _NOT_IDENTITY)


def _unix_instant(seconds: str | None) -> str | None:
    """The value of ALERTS_FOR_STATE, Unix seconds, as RFC 3339."""
    try:
        return None if seconds is None else datetime.fromtimestamp(float(seconds), UTC).isoformat()
    except (ValueError, OverflowError, OSError):
        return None


def _seconds(amount: float) -> timedelta:
    """Bounded to ten years, so that an odd answer cannot overflow."""
    return timedelta(seconds=min(max(amount, 0.0), 315_360_000.0))
