"""Many incidents in one notice: how many, how bad, which services, then the worst of them."""

from collections import Counter
from collections.abc import Iterable, Sequence

from cmdb.model import State
from rules.document import SummaryDocument, SummaryItem, rfc3339
from rules.incident import Incident
from rules.incident_shapes import ServiceDocument
from rules.telling import Waiting

MOST_ITEMS = 50
"""More than anybody reads; the counts are of all."""


def summary_of(kind: str, items: Sequence[tuple[Waiting, Incident]]) -> SummaryDocument:
    """The summary of what one recipient is told of these incidents together, each once."""
    open_ones = [incident for _, incident in items if incident.is_active]
    worst = sorted(items, key=lambda pair: (not pair[1].is_active, str(pair[1].priority), pair[1].number))
    return SummaryDocument(
        kind=kind,
        since=rfc3339(min(waiting.at for waiting, _ in items)),
        total=len(items),
        open=len(open_ones),
        priorities=dict(sorted(Counter(str(i.priority) for i in open_ones).items())),
        services=_services(open_ones),
        items=tuple(_item(waiting, incident) for waiting, incident in worst[:MOST_ITEMS]),
    )


def _item(waiting: Waiting, incident: Incident) -> SummaryItem:
    return SummaryItem(
        number=incident.key,
        event=waiting.word.event,
        reason=waiting.word.reason,
        title=incident.title,
        status=str(incident.status),
        priority=str(incident.priority),
        opened_at=rfc3339(incident.opened_at),
        resolved_at=None if incident.resolved_at is None else rfc3339(incident.resolved_at),
        root=incident.root.ci,
        services=_services([incident]),
        group=incident.group,
        assignee=incident.assignee,
    )


def _services(incidents: Iterable[Incident]) -> tuple[ServiceDocument, ...]:
    """The business services that are hit, each in its worst state, the worst first."""
    worst: dict[str, tuple[State, str]] = {}
    for incident in incidents:
        for service in incident.services:
            if service.state > worst.get(service.ci, (State.UP, ""))[0]:
                worst[service.ci] = (service.state, service.name)
    ordered = sorted(worst, key=lambda ci: (-worst[ci][0], worst[ci][1], ci))
    return tuple(ServiceDocument(id=ci, name=worst[ci][1], state=worst[ci][0].word) for ci in ordered)
