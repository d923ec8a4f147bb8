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

_RESOURCE = frozenset(
    """cpu load core mem memory rss heap oom gc swap disk diskio filesystem inode iowait io iops saturation thread
    threads fd descriptors connections pool queue network bandwidth packet packets retransmits temperature fan
    battery""".split()  # noqa: SIM905
)
_SERVICE = frozenset(
    """latency slow duration response responses error errors failed failure failures success traffic requests request
    timeout timeouts http grpc rpc log logs apdex slo sli availability probe calls""".split()  # noqa: SIM905
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
    words = _words(labels.get("alertname", ""))
    if not words & _RESOURCE or words & _SERVICE:
        return Kind.SERVICE
    return Kind.RELIEF if labels.get("direction", "").lower() in _FALLING else Kind.RESOURCE


def caller_of(labels: Mapping[str, str]) -> str:
    """Who makes the calls that the alert speaks of; empty where it speaks of none."""
    return next((labels[name] for name in CALLER_LABELS if labels.get(name)), "")


@lru_cache(maxsize=10_000)
def template_of(name: str) -> str:
    """The alert's name without its numbers: `cpu_core_7` and `cpu_core_13` are one kind of news."""
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
