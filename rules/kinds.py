"""What an alert speaks of: a failure, the CI's own resources, its service, or calls that one CI makes to another.

The kinds follow the two usual ways to watch a system: the USE method (B. Gregg: utilisation, saturation and errors of
resources) looks at what a CI itself has, the golden signals (Google SRE book, chapter 6: latency, traffic, errors) at
what its users get, which suffers from everything that the CI needs.
"""

import enum
import re
from collections.abc import Mapping
from functools import lru_cache

from rules.alert import Severity, severity_of


class Kind(enum.Enum):
    """`RESOURCE` speaks of the CI itself, `SERVICE` of it or anything it needs; `RELIEF` is a resource less used."""

    RESOURCE = "resource"
    RELIEF = "relief"
    SERVICE = "service"
    CALL = "call"


CALLER_LABELS = ("source", "client", "caller", "source_workload", "source_service", "src", "upstream")
"""Labels by which monitoring names the CI whose calls to the alert's own CI are slow or fail."""

FAMILIES = {
    "processor": "cpu load core cores throttled softirq steal",
    "memory": "memory mem rss heap oom gc swap pgmajfault faults cache",
    "disk": "disk diskio filesystem fs inode inodes iowait io iops await iostat",
    "network": "network bandwidth packet packets retransmits drops tcp udp sockets connections",
    "process": "thread threads fd fds descriptors files pool queue saturation",
    "hardware": "temperature fan battery",
    "program": "log logs",
}
"""Words by the resource they speak of, as the exporters of hosts and containers (node_exporter, cAdvisor) name metrics.

A strained resource shows in several metrics of its family at once; what is needed for one is seldom short in others.
"""

_FAMILY_OF = {word: family for family, words in FAMILIES.items() for word in words.split()}
_SERVICE = frozenset(
    """latency slow duration response responses error errors failed failure failures success traffic requests request
    timeout timeouts http grpc rpc apdex slo sli availability probe calls""".split()  # noqa: SIM905
)
_OUTAGE = frozenset(
    "down unreachable lost dead absent missing crash crashed crashing offline".split()  # noqa: SIM905
)
_FALLING = frozenset(("down", "low", "falling", "decrease", "drop"))
_WORDS = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+")
_DIGITS = re.compile(r"\d+")


def kind_of(labels: Mapping[str, str]) -> Kind:
    """The kind of an alert by its labels; one that cannot be told counts as speaking of the service."""
    if caller_of(labels):
        return Kind.CALL
    words = _words(labels.get("alertname", "")) | _words(labels.get("metric", ""))
    if words.isdisjoint(_FAMILY_OF) or words & _SERVICE:
        return Kind.SERVICE
    return Kind.RELIEF if labels.get("direction", "").lower() in _FALLING else Kind.RESOURCE


def caller_of(labels: Mapping[str, str]) -> str:
    """Who makes the calls that the alert speaks of; empty where it speaks of none."""
    return next((labels[name] for name in CALLER_LABELS if labels.get(name)), "")


@lru_cache(maxsize=10_000)
def families_of(name: str) -> tuple[str, ...]:
    """The resources that news speaks of, sorted; of none by name, where the name tells of none."""
    return tuple(sorted({_FAMILY_OF[word] for word in _words(name) if word in _FAMILY_OF})) or ("",)


def news_of(labels: Mapping[str, str]) -> str:
    """What kind of news an alert is: its name, with the metric where that is a label of its own, without numbers."""
    return template_of(f"{labels.get('alertname', '')} {labels.get('metric', '')}".strip())


@lru_cache(maxsize=10_000)
def template_of(name: str) -> str:
    """The name without its numbers: `cpu_core_7` and `cpu_core_13` are one kind of news."""
    return _DIGITS.sub("#", name)


def is_outage(labels: Mapping[str, str]) -> bool:
    """Whether the alert says that something does not work at all: by its name, or critical news of more than calls."""
    kind = kind_of(labels)
    if kind is Kind.CALL:
        return False
    if severity_of(labels) is Severity.CRITICAL:
        return True
    return kind is Kind.SERVICE and bool(_words(labels.get("alertname", "")) & _OUTAGE)


@lru_cache(maxsize=10_000)
def _words(name: str) -> frozenset[str]:
    return frozenset(word.lower() for word in _WORDS.findall(name))
