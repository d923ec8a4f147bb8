"""Which configuration item an alert speaks of."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from cmdb.graph import Estate
from rules.policy import MAPPING_LABELS

UNKNOWN_PREFIX = "?"


@dataclass(frozen=True, slots=True, kw_only=True)
class Mapped:
    """The CI, or None, and in words how it was found or what was tried."""

    ci: str | None
    how: str


def resolve(estate: Estate, labels: Mapping[str, str], order: Sequence[str] = MAPPING_LABELS) -> Mapped:
    """Try the labels of `order` against CI ids and aliases, then the CIs' own `match` sets.

    Of several matching CIs the one whose set is largest wins, as it says most; among equals the first of the CMDB.
    """
    tried = []
    for label in order:
        value = labels.get(label)
        if not value:
            continue
        for name in _spellings(label, value):
            ci = estate.find(name)
            if ci is not None:
                return Mapped(ci=ci, how=f"label {label}={value}")
        tried.append(f"{label}={value}")
    ci = _best_match(estate, labels)
    if ci is not None:
        return Mapped(ci=ci, how="the CI's match")
    return Mapped(ci=None, how=f"no CI is called {' or '.join(tried)}" if tried else "it names no CI")


def subject_of(labels: Mapping[str, str], order: Sequence[str] = MAPPING_LABELS) -> str:
    """What an unmapped alert is about, for grouping: the first label that should have named a CI, else its name."""
    for label in order:
        if value := labels.get(label):
            return UNKNOWN_PREFIX + _spellings(label, value)[-1]
    return UNKNOWN_PREFIX + labels.get("alertname", "alert")


def _spellings(label: str, value: str) -> tuple[str, ...]:
    return (value, without_port(value)) if label == "instance" else (value,)


def without_port(address: str) -> str:
    """`db1` for `db1:9100`, `::1` for `[::1]:9100`; anything else as it is."""
    if address.startswith("["):
        return address[1:].partition("]")[0]
    host, colon, port = address.rpartition(":")
    return host if colon and port.isdigit() and ":" not in host else address


def _best_match(estate: Estate, labels: Mapping[str, str]) -> str | None:
    def size(ci: str) -> int:
        return max(len(m) for m in estate.ci(ci).match if all(labels.get(k) == v for k, v in m))

    return max(estate.matching(labels), key=size, default=None)
