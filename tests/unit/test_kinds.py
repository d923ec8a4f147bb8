"""What an alert speaks of, told by its labels."""

import pytest

from rules.kinds import Kind, caller_of, families_of, is_outage, kind_of, news_of, template_of


@pytest.mark.parametrize(
    ("labels", "kind"),
    [
        ({"alertname": "HighCPU"}, Kind.RESOURCE),
        ({"alertname": "node_memory_rss_pct"}, Kind.RESOURCE),
        ({"alertname": "DiskFillingUp"}, Kind.RESOURCE),
        ({"alertname": "cpu_usage", "direction": "down"}, Kind.RELIEF),
        ({"alertname": "HighServerLatency"}, Kind.SERVICE),
        ({"alertname": "DiskReadErrors"}, Kind.SERVICE),
        ({"alertname": "HostDown"}, Kind.SERVICE),
        ({"alertname": ""}, Kind.SERVICE),
        ({"alertname": "SlowCalls", "source": "web-1"}, Kind.CALL),
        ({"alertname": "HighCPU", "source": ""}, Kind.RESOURCE),
        ({"alertname": "MetricAnomaly", "metric": "fs_writes"}, Kind.RESOURCE),
        ({"alertname": "NewLogPattern"}, Kind.RESOURCE),
        ({"alertname": "LogErrors"}, Kind.SERVICE),
    ],
)
def test_the_kind_follows_from_name_and_labels(labels: dict[str, str], kind: Kind) -> None:
    assert kind_of(labels) is kind


@pytest.mark.parametrize(
    ("labels", "outage"),
    [
        ({"alertname": "HostDown", "severity": "warning"}, True),
        ({"alertname": "UplinkLost", "severity": "warning"}, True),
        ({"alertname": "HighLatency", "severity": "warning"}, False),
        ({"alertname": "HighLatency", "severity": "critical"}, True),
        ({"alertname": "FailedCalls", "severity": "critical", "client": "web"}, False),
    ],
)
def test_an_outage_is_told_by_name_or_rank(labels: dict[str, str], outage: bool) -> None:
    assert is_outage(labels) is outage


def test_numbers_do_not_make_another_kind_of_news() -> None:
    assert template_of("cpu_core_7_pct") == template_of("cpu_core_13_pct") == "cpu_core_#_pct"


def test_a_metric_in_a_label_of_its_own_tells_news_apart() -> None:
    one, other = ({"alertname": "MetricAnomaly", "metric": f"container_{what}"} for what in ("cpu_7", "memory"))
    assert news_of(one) == "MetricAnomaly container_cpu_#" != news_of(other)
    assert news_of({"alertname": "HighCPU"}) == "HighCPU"


def test_news_speaks_of_a_resource() -> None:
    assert families_of("container_memory_working_set") == ("memory",)
    assert families_of("cpu_iowait") == ("disk", "processor")
    assert families_of("MetricAnomaly") == ("",)


def test_the_first_label_that_names_a_caller_counts() -> None:
    assert caller_of({"client": "a", "source": "b"}) == "b"
    assert caller_of({"ci": "a"}) == ""
