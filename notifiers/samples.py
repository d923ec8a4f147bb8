"""One made-up notice for every event, to try templates and channels with."""

from collections.abc import Iterator

import msgspec

from rules.document import AlertDocument, IncidentDocument, NoticeContent, RecipientDocument, SourceDocument
from rules.incident_shapes import CandidateDocument, RootDocument, ServiceDocument
from rules.record_shapes import ChangeDocument, RiskDocument
from rules.subscriptions import CHANGE_EVENTS, EVENTS

_STATUS = {word: word for word in ("acknowledged", "resolved", "closed", "merged", "converted")}
_AT = "2026-11-24T08:12:30.000Z"


def samples() -> Iterator[NoticeContent]:
    """A notice for every event that people can be told of, and one for a test."""
    contact = RecipientDocument(id="contact", name="Anna Smith", address="anna@example.net")
    told = _notice("resolved", incident=_incident("resolved"))
    url = "https://incidents.example.net/rate/sample"
    yield msgspec.structs.replace(told, recipient=contact, asks_rating=True, rating_url=url)
    for event in EVENTS:
        if event.startswith("source_"):
            is_up = event != "source_down"
            error = "" if is_up else "http://prometheus.example.net:9090 did not answer within 10 s"
            source = SourceDocument(name="main", is_up=is_up, since="2026-11-24T08:00:00.000Z", error=error)
            yield _notice(event, source=source)
        elif event in CHANGE_EVENTS:
            yield _notice(event, change=_change(event))
        else:
            yield _notice(event, incident=_incident(event))
    yield _notice("test")


def _notice(
    event: str,
    *,
    incident: IncidentDocument | None = None,
    source: SourceDocument | None = None,
    change: ChangeDocument | None = None,
) -> NoticeContent:
    return NoticeContent(
        event=event,
        reason="a sample",
        at=_AT,
        idempotency_key=f"sample:{event}",
        incident=incident,
        source=source,
        change=change,
    )


def _change(event: str) -> ChangeDocument:
    statuses = {"change_started": "in_progress", "change_ended": "done", "change_cancelled": "cancelled"}
    risk = RiskDocument(
        level="high",
        reason="Payments, which is critical, would be down",
        services=_services(),
        reached=5,
        owners=("network", "payments"),
        together=("pay-db would be down: without pay-db-2 (INC-40) it has no redundancy left",),
        basis="as sure as the CMDB: worked out from its dependencies, with what INC-40 takes away at that time",
    )
    return ChangeDocument(
        number="CHG-7",
        title="switch firmware of tor-3a",
        description="The switch restarts twice.",
        status=statuses.get(event, "approved"),
        starts_at="2026-11-25T22:00:00.000Z",
        ends_at="2026-11-25T23:30:00.000Z",
        opened_at=_AT,
        cis=("tor-3a",),
        group="network",
        assignee="Maria Okafor",
        outcome="",
        url="https://changes.example.net/7",
        risk=risk,
    )


def _services() -> tuple[ServiceDocument, ...]:
    return (
        ServiceDocument(id="payments", name="Payments", state="down"),
        ServiceDocument(id="shop", name="Online shop", state="down"),
        ServiceDocument(id="reporting", name="Reporting", state="degraded"),
    )


def _incident(event: str) -> IncidentDocument:
    status = _STATUS.get(event, "open")
    is_over = status in ("resolved", "closed", "merged", "converted")
    return IncidentDocument(
        number="INC-42",
        title="tor-3a is down: Payments and Online shop are down",
        status=status,
        priority="P1",
        impact="high",
        urgency="high",
        priority_reason="impact high (critical service Payments is down), urgency high",
        opened_at="2026-11-24T08:00:12.000Z",
        resolved_at=_AT if is_over else None,
        merged_into="INC-40" if status == "merged" else None,
        root_cause=_root(),
        impacted=("tor-3a", "pay-db-1", "pay-db", "payments", "shop", "reporting"),
        impacted_services=("payments", "shop", "reporting"),
        services=_services(),
        group="network",
        assignee="Maria Okafor" if event in ("acknowledged", "assigned") else "",
        acknowledged_at=_AT if event == "acknowledged" else None,
        closed_at=_AT if event == "closed" else None,
        resolution="The switch was replaced." if is_over else "",
        links=(),
        alerts=_alerts(is_over),
    )


def _root() -> RootDocument:
    evidence = (
        "tor-3a itself reports that it is down (SwitchDown, 08:00:12)",
        "all 3 alerts are about CIs that need tor-3a, and nothing else explains them all",
        "pay-db-1 answers from other racks up to 08:00:05, not since",
    )
    candidates = (
        CandidateDocument(ci="tor-3a", confidence=0.87, evidence=evidence),
        CandidateDocument(ci="pdu-3", confidence=0.08),
        CandidateDocument(ci="core-1", confidence=0.03),
    )
    return RootDocument(ci="tor-3a", confidence=0.87, evidence=evidence, candidates=candidates)


def _alerts(is_over: bool) -> tuple[AlertDocument, ...]:
    named = (
        ("SwitchDown", "tor-3a", "Switch does not answer"),
        ("NodeDown", "pay-db-1", "Node has been unreachable for more than a minute"),
        ("ProbeFailed", "payments", "The Payments login page does not load"),
    )
    return tuple(
        AlertDocument(
            labels={"alertname": name, "ci": ci, "severity": "critical"},
            startsAt=f"2026-11-24T08:00:{12 + number}.000Z",
            ci=ci,
            annotations={"summary": summary, "runbook_url": f"https://wiki.example.net/runbooks/{name}"},
            cleared_at=_AT if is_over else None,
            generatorURL="http://prometheus.example.net:9090/graph?g0.expr=up",
        )
        for number, (name, ci, summary) in enumerate(named)
    )
