"""How business services are, in words for those who use them: nothing of how the house works, and no CI by name."""

from collections.abc import Collection, Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Literal, get_args

from cmdb.graph import Estate
from cmdb.model import BUSINESS_SERVICE, State
from rules.document import rfc3339
from rules.incident import HitService, Incident, Status
from rules.status_shapes import (
    ComponentDocument,
    IndicatorDocument,
    PageDocument,
    StatusIncidentDocument,
    StatusPageDocument,
    UpdateDocument,
)

BACK = timedelta(days=90)
MOST_INCIDENTS = 50
MOST_SERVICES = 1000

_COMPONENT = {State.DOWN: "major_outage", State.DEGRADED: "degraded_performance"}
_WORDS = {State.DOWN: "down", State.DEGRADED: "degraded"}
_PHASE = {
    Status.OPEN: "investigating",
    Status.ACKNOWLEDGED: "investigating",
    Status.IN_PROGRESS: "identified",
    Status.ON_HOLD: "identified",
    Status.RESOLVED: "resolved",
    Status.CLOSED: "resolved",
}
"""What is shown of an incident; one that proved part of another or a request is not."""
_INDICATORS = {
    "none": "All services work",
    "minor": "Some services are degraded",
    "major": "Some services are down",
    "critical": "All services are down",
}

Audience = Literal["off", "login", "public"]
"""Who may see how a service is: nobody, who may read, anybody."""
AUDIENCES: tuple[Audience, ...] = get_args(Audience)
Names = Mapping[str, str]
"""Services that may be shown, by id: what people call them."""


def services_of(estate: Estate) -> Names:
    """The business services, by name; none where the CMDB names none, since anything else would be the inside."""
    cis = (estate.ci(ci) for ci in estate.business_services)
    found = sorted((_printable(ci.title), ci.id) for ci in cis if ci.type == BUSINESS_SERVICE)
    return {ci: name for name, ci in found[:MOST_SERVICES]}


def widest(audiences: Collection[Audience]) -> Audience:
    """The one of them that lets most people in; `off` where there is none."""
    return max(audiences, key=AUDIENCES.index, default="off")


def shown_services(names: Names, audience: Audience, of: Mapping[str, Audience], *, is_reader: bool) -> dict[str, str]:
    """Those of the services that the page shows: the public ones to anybody, others to who may read. `audience` is of
    all services that `of` does not name."""
    least = AUDIENCES.index("login" if is_reader else "public")
    return {ci: name for ci, name in names.items() if AUDIENCES.index(of.get(ci, audience)) >= least}


def status_document(
    names: Names, incidents: Sequence[Incident], *, title: str, url: str, page: str, since: datetime
) -> StatusPageDocument:
    """The page of these services. Of the `incidents`, newest first, those are shown that hit one of them. `since` is
    when the page was last changed where no incident was."""
    shown = [i for i in incidents if i.status in _PHASE and _hit(i, names)]
    shown = sorted(shown, key=lambda i: not i.is_active)[:MOST_INCIDENTS]
    now = worst_states([i for i in shown if i.is_active], names)
    components = _components(names, now)
    return StatusPageDocument(
        page=PageDocument(
            id=page,
            name=title,
            url=url,
            time_zone="Etc/UTC",
            updated_at=rfc3339(max([since, *(i.updated_at for i in shown)])),
        ),
        status=_indicator(now, len(names)),
        components=components,
        incidents=tuple(_incident(i, names) for i in shown),
    )


def worst_states(incidents: Sequence[Incident], names: Names) -> dict[str, State]:
    """The worst state that any of these incidents brings to each service that is hit."""
    found: dict[str, State] = {}
    for incident in incidents:
        for service in _hit(incident, names):
            found[service.ci] = max(found.get(service.ci, State.UP), service.state)
    return found


def _hit(incident: Incident, names: Names) -> list[HitService]:
    """The services that people notice it at; that redundancy is lost they do not."""
    return [s for s in incident.services if s.ci in names and s.state in _COMPONENT]


def _components(names: Names, states: Mapping[str, State]) -> tuple[ComponentDocument, ...]:
    return tuple(
        ComponentDocument(
            id=ci, name=name, status=_COMPONENT.get(states.get(ci, State.UP), "operational"), position=position
        )
        for position, (ci, name) in enumerate(names.items(), start=1)
    )


def _indicator(states: Mapping[str, State], count: int) -> IndicatorDocument:
    down = sum(1 for state in states.values() if state is State.DOWN)
    word = "none" if not states else "minor" if not down else "critical" if down == count else "major"
    return IndicatorDocument(indicator=word, description=_INDICATORS[word])


def _incident(incident: Incident, names: Names) -> StatusIncidentDocument:
    hit = _hit(incident, names)
    updates = tuple(reversed(list(_updates(incident, _sentence(hit, names)))))
    return StatusIncidentDocument(
        id=incident.key,
        name=_sentence(hit, names),
        status=_PHASE[incident.status],
        impact="critical" if any(s.state is State.DOWN for s in hit) else "minor",
        created_at=rfc3339(incident.opened_at),
        updated_at=updates[0].created_at,
        resolved_at=None if incident.resolved_at is None else rfc3339(incident.resolved_at),
        components=_components({s.ci: names[s.ci] for s in hit}, {s.ci: s.state for s in hit}),
        incident_updates=updates,
    )


def _updates(incident: Incident, sentence: str) -> Iterator[UpdateDocument]:
    """What was said of it, in order of time."""
    found = [(incident.opened_at, "investigating", f"{sentence}.")]
    if incident.acknowledged_at is not None:
        found.append((incident.acknowledged_at, "identified", "Somebody is working on it."))
    if incident.resolved_at is not None and not incident.is_active:
        found.append((incident.resolved_at, "resolved", "It works again."))
    for number, (at, status, body) in enumerate(found, start=1):
        yield UpdateDocument(
            id=f"{incident.key}-{number}",
            incident_id=incident.key,
            status=status,
            body=body,
            created_at=rfc3339(at),
        )


def _sentence(hit: Sequence[HitService], names: Names) -> str:
    """As in `Payments and Search are down; Mail is degraded`."""
    parts = []
    for state, word in _WORDS.items():
        called = [names[s.ci] for s in hit if s.state is state]
        if called:
            listed = f"{', '.join(called[:-1])} and {called[-1]}" if len(called) > 1 else called[0]
            parts.append(f"{listed} {'are' if len(called) > 1 else 'is'} {word}")
    return "; ".join(parts)


def _printable(text: str) -> str:
    return "".join(c for c in text if c.isprintable())
