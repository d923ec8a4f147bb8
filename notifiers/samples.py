"""One made-up notice for every event, to try templates and channels with."""

from collections.abc import Iterator
from typing import Any

import msgspec

from rules.document import (
    AlertDocument,
    IncidentDocument,
    NoticeContent,
    RecipientDocument,
    SourceDocument,
    SummaryDocument,
    SummaryItem,
)
from rules.incident_shapes import CandidateDocument, ClockDocument, KnownErrorDocument, RootDocument, ServiceDocument
from rules.record_shapes import ChangeDocument, RiskDocument, StepDocument
from rules.subscriptions import CHANGE_EVENTS, EVENTS

_STATUS = {word: word for word in ("acknowledged", "resolved", "closed", "merged", "converted")}
_DUE = "2026-11-24T12:00:12.000Z"
_AT = "2026-11-24T08:12:30.000Z"

SAMPLED = tuple(dict.fromkeys((*EVENTS, "update", "nobody_reached", "summary")))
"""Every event of which there is a sample, without the test."""


def samples() -> Iterator[NoticeContent]:
    """A notice for every event that people can be told of, and one for a test."""
    contact = RecipientDocument(id="contact", name="Anna Smith", address="anna@example.net")
    told = _notice("resolved", incident=_incident("resolved"))
    url = "https://incidents.example.net/rate/sample"
    yield msgspec.structs.replace(told, recipient=contact, asks_rating=True, rating_url=url)
    for event in SAMPLED:
        if event == "summary":
            yield _notice(event, summary=_summary())
        elif event.startswith("source_"):
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
    summary: SummaryDocument | None = None,
) -> NoticeContent:
    return NoticeContent(
        event=event,
        reason="a sample",
        at=_AT,
        idempotency_key=f"sample:{event}",
        incident=incident,
        source=source,
        change=change,
        summary=summary,
        why=("the subscription “P1 and P2” asks for it",),
        next_word_at="2026-11-24T08:42:30.000Z" if event == "update" else "",
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
        **(_further(event) if event not in ("opened", "resolved") else {}),
    )


def _further(event: str) -> dict[str, Any]:
    """What not every incident has: people who are hit, promises, a workaround and steps."""
    workaround = "Pay by invoice: the order form has a box for it."
    known = KnownErrorDocument(problem="PRB-3", title="Old firmware", workaround=workaround, why="named by its root")
    return {
        "users": 250,
        "clocks": (_clock("response", "2026-11-24T08:15:12.000Z", event), _clock("resolution", _DUE, event)),
        "known_errors": (known,),
        "steps": (
            StepDocument(number=1, text="Look at the switch's serial console", done_by="maria", done_at=_AT),
            StepDocument(number=2, text="Switch it off and on", done_by="", done_at=None),
        ),
        "steps_required": True,
    }


def _clock(goal: str, due_at: str, event: str) -> ClockDocument:
    is_broken = event == f"{goal}_breached"
    return ClockDocument(
        agreement="SLA",
        goal=goal,
        level="standard",
        priority="P1",
        group="",
        state="breached" if is_broken else "running",
        target_s=14_400.0,
        calendar="always",
        started_at="2026-11-24T08:00:12.000Z",
        due_at=None if is_broken else due_at,
        next_at=None,
        paused_at=None,
        pause_reason="",
        left_s=None,
        warned=0,
        breached_at="2026-11-24T08:10:12.000Z" if is_broken else None,
        ended_at=None,
        late_s=None,
    )


def _summary() -> SummaryDocument:
    items = tuple(_item(number, event, status) for number, (event, status) in enumerate(_STANDING))
    is_open = sum(item.resolved_at is None for item in items)
    return SummaryDocument(
        kind="burst",
        since="2026-11-24T08:00:12.000Z",
        total=14,
        open=11 + is_open,
        priorities={"P1": 1, "P2": 1, "P3": 11},
        services=_services(),
        items=items,
    )


_STANDING = (("opened", "open"), ("acknowledged", "acknowledged"), ("resolved", "resolved"))


def _item(number: int, event: str, status: str) -> SummaryItem:
    roots = ("tor-3a", "san-2", "lb-1")
    return SummaryItem(
        number=f"INC-{42 + number}",
        event=event,
        reason="a sample",
        title=f"{roots[number]} failed: {('Payments and Online shop', 'Reporting', 'Search')[number]} down",
        status=status,
        priority=f"P{number + 1}",
        opened_at="2026-11-24T08:00:12.000Z",
        resolved_at=_AT if status == "resolved" else None,
        root=roots[number],
        services=(_services()[:2], _services()[2:], ())[number],
        group="network",
        assignee="Maria Okafor" if status == "acknowledged" else "",
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
