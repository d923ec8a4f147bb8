"""Sources against a real Prometheus and a real Alertmanager."""

import subprocess
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest
import requests

from daemon.clock import SystemClock
from daemon.errors import SourceDown
from daemon.sources.alertmanager import AlertmanagerSource
from daemon.sources.prometheus import PrometheusSource
from daemon.sources.settings import SourceSettings
from rules.alert import Sighting
from tests.odd_http import OddServer, odd_server, text
from tests.servers import DEVICE_RULES, Alertmanager, Prometheus, program, wait_until

RULES = (
    DEVICE_RULES
    + """
      - alert: DeviceSlow
        expr: device_up == 0
        for: 1h
      - alert: Ambiguous
        expr: device_up * on (site) group_left () device_up > 0
"""
)


@pytest.fixture(scope="module")
def exporter() -> Iterator[OddServer]:
    with odd_server() as server:
        yield server


def show(server: OddServer, *, down: str) -> None:
    """Let the exporter tell the state of three devices."""
    lines = [f'device_up{{device="{d}",site="a"}} {int(d != down)}' for d in ("tor-1", "tor-2", "tor-3")]
    server.answers["/metrics"] = text("\n".join(lines) + "\n", kind="text/plain; version=0.0.4")


@pytest.fixture(scope="module")
def alertmanager(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Alertmanager]:
    with Alertmanager(tmp_path_factory.mktemp("servers")) as running:
        yield running


@pytest.fixture(scope="module")
def prometheus(
    tmp_path_factory: pytest.TempPathFactory, exporter: OddServer, alertmanager: Alertmanager
) -> Iterator[Prometheus]:
    with Prometheus(
        tmp_path_factory.mktemp("servers"),
        RULES,
        targets=(exporter.url.removeprefix("http://"),),
        alertmanagers=(alertmanager.target,),
        external_labels={"region": "fra", "replica": "one"},
    ) as running:
        yield running


@pytest.fixture(autouse=True)
def one_is_down(exporter: OddServer) -> None:
    show(exporter, down="tor-1")


@pytest.fixture
def rules_source(prometheus: Prometheus) -> PrometheusSource:
    settings = SourceSettings(name="main", type="prometheus", url=prometheus.url, timeout=timedelta(seconds=30))
    return PrometheusSource("main", settings, SystemClock())


@pytest.fixture
def alert_source(alertmanager: Alertmanager, prometheus: Prometheus) -> AlertmanagerSource:
    settings = SourceSettings(name="am", type="alertmanager", url=alertmanager.url, timeout=timedelta(seconds=30))
    return AlertmanagerSource("am", settings, SystemClock())


def only(source: PrometheusSource | AlertmanagerSource, device: str) -> Sighting:
    """The alert of that device, once the source shows it."""

    def find() -> Sighting | None:
        return next((s for s in source.poll().sightings if s.firing and s.labels.get("device") == device), None)

    found = wait_until(f"{source.name} shows {device}", find)
    assert found is not None
    return found


def test_one_alert_of_both_sources_is_one(rules_source: PrometheusSource, alert_source: AlertmanagerSource) -> None:
    seen, sent = only(rules_source, "tor-1"), only(alert_source, "tor-1")
    assert seen.labels == sent.labels
    assert seen.labels["alertname"] == "DeviceDown"
    assert seen.labels["region"] == "fra"
    assert "replica" not in seen.labels
    assert seen.fingerprint == sent.fingerprint
    assert seen.annotations == sent.annotations == {"summary": "tor-1 is down"}
    assert seen.generator_url.partition("/graph")[2] == sent.generator_url.partition("/graph")[2] != ""


def test_a_rule_that_fails_is_held_and_a_pending_alert_is_none(rules_source: PrometheusSource) -> None:
    only(rules_source, "tor-1")
    wait_until("only what fails or waits is held", lambda: rules_source.poll().held == {"Ambiguous", "DeviceSlow"})
    assert {s.labels["alertname"] for s in rules_source.poll().sightings} == {"DeviceDown"}


def test_a_silence_is_seen(alertmanager: Alertmanager, alert_source: AlertmanagerSource) -> None:
    only(alert_source, "tor-1")
    amtool = program("amtool")
    silence = [amtool, f"--alertmanager.url={alertmanager.url}", "silence"]
    made = subprocess.run(
        [*silence, "add", "device=tor-1", "--comment=test", "--author=test"], check=True, capture_output=True
    )
    wait_until("the silence", lambda: only(alert_source, "tor-1").suppressed == "silenced")
    subprocess.run([*silence, "expire", made.stdout.decode().strip()], check=True)
    wait_until("the silence's end", lambda: only(alert_source, "tor-1").suppressed == "")


def test_a_restart_does_not_end_what_still_fires(
    tmp_path: Path, exporter: OddServer, alertmanager: Alertmanager, alert_source: AlertmanagerSource
) -> None:
    """Right after a start no rule has been evaluated: whatever is missing then is held."""
    rules = "groups: [{name: slow, interval: 5m, rules: [{alert: Always, expr: 'vector(1) > 0'}]}]"
    with Prometheus(tmp_path, rules, targets=(exporter.url.removeprefix("http://"),)) as server:
        settings = SourceSettings(name="main", type="prometheus", url=server.url, timeout=timedelta(seconds=30))
        source = PrometheusSource("main", settings, SystemClock())
        assert source.poll().held == {"Always"}
        server.kill()
        with pytest.raises(SourceDown, match="cannot be read"):
            source.poll()
        server.start()
        assert source.poll().held == {"Always"}
        server.write_rules("groups: []")
        server.reload()
        assert source.poll().held == frozenset(), "a rule that is gone holds nothing"


def test_an_alert_that_ends_is_gone_from_both(
    exporter: OddServer, rules_source: PrometheusSource, alert_source: AlertmanagerSource
) -> None:
    only(alert_source, "tor-1")
    show(exporter, down="tor-2")
    only(rules_source, "tor-2")
    only(alert_source, "tor-2")

    def is_over() -> bool:
        shown = (s for source in (rules_source, alert_source) for s in source.poll().sightings if s.firing)
        return not any(s.labels.get("device") == "tor-1" for s in shown)

    wait_until("tor-1 is over", is_over)


def test_alerts_can_be_read_from_series_alone(
    exporter: OddServer, prometheus: Prometheus, rules_source: PrometheusSource
) -> None:
    """A proxy that shows nothing but the query API, as Thanos Query does."""
    show(exporter, down="tor-2")
    seen = only(rules_source, "tor-2")
    with odd_server() as front:

        def forward(handler: object) -> None:
            path = getattr(handler, "path", "")
            text(requests.get(f"{prometheus.url}{path}", timeout=30).content)(handler)  # type: ignore[arg-type]

        front.answers["/api/v1/query"] = forward
        settings = SourceSettings(name="main", type="prometheus", url=front.url, timeout=timedelta(seconds=30))
        source = PrometheusSource("main", settings, SystemClock())
        series = only(source, "tor-2")
        assert {**series.labels, "region": "fra"} == seen.labels
        assert abs(series.starts_at - seen.starts_at) < timedelta(seconds=1)
