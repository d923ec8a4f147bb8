"""Prometheus's alerting rules: which of them can be trusted at this moment, and where to look at them."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from urllib.parse import quote_plus

import msgspec

# A rule counts as stuck after this many missed evaluations and the margin on top.
_MISSED_EVALUATIONS = 4
_MARGIN = timedelta(seconds=10)
# What Prometheus needs after its own start besides `for`: scrapes that fill the gap, then evaluations.
_WARM_UP_EVALUATIONS = 5


class Rule(msgspec.Struct, frozen=True, rename="camel"):
    """An alerting rule as `/api/v1/rules` shows it; times in seconds."""

    name: str
    query: str = ""
    duration: float = 0.0
    labels: dict[str, str] | None = None
    health: str = "ok"
    last_evaluation: str | None = None
    evaluation_time: float = 0.0
    type: str = "alerting"


class RuleGroup(msgspec.Struct, frozen=True):
    """Rules that are evaluated together every `interval` seconds."""

    rules: list[Rule] | None = None
    interval: float = 60.0


class RuleGroups(msgspec.Struct, frozen=True):
    """All rules of a server."""

    groups: list[RuleGroup] | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class EvaluatedRule:
    """One alerting rule with what decides whether the absence of its alerts means anything."""

    name: str
    query: str
    labels: Mapping[str, str]
    is_healthy: bool
    interval: timedelta
    duration: timedelta
    evaluation_time: timedelta
    evaluated_at: datetime | None


def is_trusted(rule: EvaluatedRule, now: datetime, started_at: datetime | None) -> bool:
    """Whether alerts that this rule does not report have really ended.

    Not while its evaluation fails, is overdue, or has not happened since Prometheus started; and not in the time
    after a start in which alerts with a `for` are pending again though their condition never ceased (Prometheus
    restores the state of long ones only, and only after a few evaluations). `now` is Prometheus's own clock.
    """
    if not rule.is_healthy or rule.evaluated_at is None:
        return False
    if now - rule.evaluated_at > rule.interval * _MISSED_EVALUATIONS + rule.evaluation_time * 2 + _MARGIN:
        return False
    if started_at is None:
        return True
    warm_up = rule.duration + rule.interval * _WARM_UP_EVALUATIONS
    return rule.evaluated_at >= started_at and now - started_at >= warm_up


def untrusted_names(rules: Iterable[EvaluatedRule], now: datetime, started_at: datetime | None) -> frozenset[str]:
    """`alertname`s of the rules whose silence says nothing. A rule that is gone is not among them: its end is real."""
    return frozenset(rule.name for rule in rules if not is_trusted(rule, now, started_at))


def graph_link(base_url: str, query: str) -> str:
    """The address at which Prometheus shows an expression, as it writes it into an alert's `generatorURL`."""
    return f"{base_url}/graph?g0.expr={quote_plus(query)}&g0.tab=1" if query else ""


class RuleIndex:
    """Finds the rule that an alert came from."""

    def __init__(self, rules: Iterable[EvaluatedRule]) -> None:
        self._by_name: dict[str, list[EvaluatedRule]] = {}
        for rule in rules:
            self._by_name.setdefault(rule.name, []).append(rule)

    def query_of(self, labels: Mapping[str, str]) -> str:
        """The expression behind an alert: of the rules with its name, the first whose fixed labels it carries."""
        rules = self._by_name.get(labels.get("alertname", ""), [])
        matching = (rule for rule in rules if _carries(labels, rule.labels))
        found = next(matching, rules[0] if rules else None)
        return found.query if found is not None else ""


def _carries(labels: Mapping[str, str], wanted: Mapping[str, str]) -> bool:
    return all(labels.get(name) == value for name, value in wanted.items() if value and "{{" not in value)
