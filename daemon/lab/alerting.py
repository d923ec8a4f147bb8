"""The lab's alerting rules, kept once: written as a Prometheus rule file, and understood by the stand-in too.

Every rule compares one metric with a number, so that both evaluate it alike.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

from daemon.lab.metrics import Sample

SWITCHES = ("tor-switch", "core-switch", "storage-switch")


@dataclass(frozen=True, slots=True, kw_only=True)
class AlertRule:
    """One alerting rule. `only` names a label and the values it may have; `ticks` is `for` in evaluations.

    `summary` and `detail` may use `{{ $labels.NAME }}`.
    """

    name: str
    metric: str
    op: Literal["==", ">", "<"]
    threshold: float
    severity: str
    summary: str
    detail: str = ""
    only: tuple[str, tuple[str, ...]] | None = None
    ticks: int = 1

    @property
    def expression(self) -> str:
        """The rule in PromQL."""
        selector = ""
        if self.only:
            label, values = self.only
            selector = f'{{{label}=~"{"|".join(values)}"}}' if len(values) > 1 else f'{{{label}="{values[0]}"}}'
        return f"{self.metric}{selector} {self.op} {self.threshold:g}"

    def fires_on(self, sample: Sample) -> bool:
        """Whether this sample satisfies the expression."""
        if sample.metric != self.metric:
            return False
        if self.only and dict(sample.labels).get(self.only[0]) not in self.only[1]:
            return False
        if self.op == "==":
            return sample.value == self.threshold
        return sample.value > self.threshold if self.op == ">" else sample.value < self.threshold

    def annotations(self) -> dict[str, str]:
        """Annotation templates."""
        found = {"summary": self.summary, "runbook_url": f"https://runbooks.dc1.example/{self.name}"}
        return {**found, "description": self.detail} if self.detail else found


_SERVICE = "{{ $labels.service }}"
_INSTANCE = "{{ $labels.instance }}"
_DEVICE = "{{ $labels.device }}"
_CLUSTER = "{{ $labels.cluster }}"

# By group, as in the rule file.
GROUPS: dict[str, tuple[AlertRule, ...]] = {
    "servers": (
        AlertRule(name="HostDown", metric="node_up", op="==", threshold=0, severity="critical",
                  summary=f"{_INSTANCE} does not answer"),
        AlertRule(name="CpuSaturated", metric="node_cpu_busy_ratio", op=">", threshold=0.95, severity="warning",
                  ticks=2, summary=f"{_INSTANCE} has no processor time left"),
        AlertRule(name="DiskFillingUp", metric="node_disk_used_ratio", op=">", threshold=0.9, severity="warning",
                  ticks=2, summary=f"The disk of {_INSTANCE} is nearly full",
                  detail="{{ $labels.mountpoint }} is used above 90 %; at this rate it is full within hours."),
        AlertRule(name="UplinkLost", metric="node_uplinks_missing", op=">", threshold=0, severity="warning",
                  summary=f"{_INSTANCE} has lost one of its two network links"),
        AlertRule(name="PowerSupplyLost", metric="node_power_supplies_missing", op=">", threshold=0,
                  severity="warning", summary=f"{_INSTANCE} runs on one power supply"),
    ),
    "devices": (
        AlertRule(name="SwitchDown", metric="device_up", op="==", threshold=0, severity="critical",
                  only=("role", SWITCHES), summary=f"Switch {_DEVICE} does not answer", ticks=0),
        AlertRule(name="FirewallDown", metric="device_up", op="==", threshold=0, severity="critical",
                  only=("role", ("firewall",)), summary=f"Firewall {_DEVICE} does not answer"),
        AlertRule(name="LoadBalancerDown", metric="device_up", op="==", threshold=0, severity="critical",
                  only=("role", ("load-balancer",)), summary="Load balancer {{ $labels.host }} does not answer"),
        AlertRule(name="NameServerDown", metric="device_up", op="==", threshold=0, severity="critical",
                  only=("role", ("name-server",)), summary="Name server {{ $labels.node }} does not answer"),
        AlertRule(name="InternetLineDown", metric="device_up", op="==", threshold=0, severity="critical",
                  only=("role", ("internet-line",)), summary=f"Internet line {_DEVICE} is dead"),
        AlertRule(name="PowerDown", metric="device_up", op="==", threshold=0, severity="critical",
                  only=("role", ("pdu", "ups")), summary=f"No power from {_DEVICE}"),
        AlertRule(name="StorageDown", metric="device_up", op="==", threshold=0, severity="critical",
                  only=("role", ("storage-array", "storage-controller")), summary=f"Storage {_DEVICE} is down"),
        AlertRule(name="DeviceErrors", metric="device_error_ratio", op=">", threshold=0.05, severity="warning",
                  ticks=2, summary="{{ $labels.role }} works badly", detail="It drops or repeats its traffic."),
        AlertRule(name="FirmwareOutdated", metric="firmware_releases_behind", op=">", threshold=1, severity="info",
                  summary=f"{_DEVICE} runs old firmware"),
        AlertRule(name="TonerLow", metric="printer_toner_ratio", op="<", threshold=0.1, severity="info",
                  summary=f"{_INSTANCE} is low on toner"),
    ),
    "databases": (
        AlertRule(name="DatabaseDown", metric="pg_up", op="==", threshold=0, severity="critical",
                  summary=f"Database {_INSTANCE} does not answer"),
        AlertRule(name="DatabaseSlow", metric="pg_query_seconds", op=">", threshold=1, severity="warning",
                  ticks=2, summary=f"Queries on {_INSTANCE} take seconds"),
        AlertRule(name="ClusterDown", metric="cluster_up", op="==", threshold=0, severity="critical",
                  summary=f"No working copy of {_CLUSTER} is left"),
        AlertRule(name="CopyLost", metric="cluster_members_missing", op=">", threshold=0, severity="warning",
                  ticks=2, summary=f"{_CLUSTER} has lost a copy"),
        AlertRule(name="QueueBrokerDown", metric="broker_up", op="==", threshold=0, severity="critical",
                  summary=f"Queue broker {_INSTANCE} does not answer"),
        AlertRule(name="CacheDown", metric="cache_up", op="==", threshold=0, severity="warning",
                  summary=f"Cache {_INSTANCE} does not answer"),
        AlertRule(name="BackupLate", metric="backup_age_hours", op=">", threshold=26, severity="info",
                  summary=f"The last backup of {_INSTANCE} is more than a day old"),
    ),
    "services": (
        AlertRule(name="ServiceDown", metric="probe_success", op="==", threshold=0, severity="critical",
                  summary=f"{_SERVICE} does not answer"),
        AlertRule(name="ServiceErrors", metric="service_error_ratio", op=">", threshold=0.05, severity="critical",
                  ticks=2, summary=f"{_SERVICE} answers with errors"),
        AlertRule(name="HighLatency", metric="service_latency_seconds", op=">", threshold=1, severity="warning",
                  ticks=2, summary=f"{_SERVICE} is slow"),
        AlertRule(name="SlowForCustomers", metric="probe_duration_seconds", op=">", threshold=2, severity="warning",
                  ticks=2, summary=f"{_SERVICE} is slow for those who use it"),
        AlertRule(name="CertificateExpires", metric="certificate_days_left", op="<", threshold=30, severity="info",
                  summary=f"The certificate of {_SERVICE} expires in less than a month"),
    ),
}  # fmt: skip


def rule_file(interval_s: float) -> dict[str, Any]:
    """The rules in the shape of a Prometheus rule file, evaluated every `interval_s` seconds."""
    return {
        "groups": [
            {
                "name": group,
                "rules": [
                    {
                        "alert": rule.name,
                        "expr": rule.expression,
                        "for": duration(rule.ticks * interval_s),
                        "labels": {"severity": rule.severity},
                        "annotations": rule.annotations(),
                    }
                    for rule in rules
                ],
            }
            for group, rules in GROUPS.items()
        ]
    }


def duration(seconds: float) -> str:
    """Prometheus's way to write a duration."""
    return f"{seconds:.0f}s" if seconds == int(seconds) else f"{seconds * 1000:.0f}ms"


def filled(template: str, labels: Mapping[str, str]) -> str:
    """The template with `{{ $labels.NAME }}` filled in."""
    return re.sub(r"\{\{ \$labels\.(\w+) \}\}", lambda m: labels.get(m.group(1), ""), template)
