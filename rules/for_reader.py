"""What a notice is told of for its one reader: names for ids, and to customers their own services only."""

from collections.abc import Iterator
from collections.abc import Set as AbstractSet

import msgspec

from rules.document import IncidentDocument, NoticeContent, SummaryDocument
from rules.draft import Draft
from rules.incident_shapes import ServiceDocument
from rules.roster import Person
from rules.telling import CUSTOMER


def for_reader(content: NoticeContent, draft: Draft, person: Person | None) -> NoticeContent:
    """The notice for this person, or for a notifier's own recipients where it is None."""
    own = person.services if person is not None and content.audience == CUSTOMER else frozenset[str]()
    people = draft.situation.policy.roster.people
    return msgspec.structs.replace(
        content,
        names={id_: people[id_].name for id_ in _assignees(content) if id_ in people},
        root_name=_root_name(content, draft),
        incident=_incident_within(content.incident, own),
        summary=_summary_within(content.summary, own),
    )


def _assignees(content: NoticeContent) -> Iterator[str]:
    if content.incident is not None:
        yield content.incident.assignee
    yield from (item.assignee for item in (content.summary.items if content.summary is not None else ()))


def _root_name(content: NoticeContent, draft: Draft) -> str:
    root = content.incident.root_cause.ci if content.incident is not None else None
    ci = draft.situation.estate.get(root) if root is not None else None
    return f"{ci.title}, {ci.type.replace('-', ' ')}" if ci is not None and ci.title != ci.id else ""


def _incident_within(incident: IncidentDocument | None, own: AbstractSet[str]) -> IncidentDocument | None:
    if incident is None or not own:
        return incident
    impacted = tuple(ci for ci in incident.impacted_services if ci in own)
    return msgspec.structs.replace(incident, services=_within(incident.services, own), impacted_services=impacted)


def _summary_within(summary: SummaryDocument | None, own: AbstractSet[str]) -> SummaryDocument | None:
    if summary is None or not own:
        return summary
    items = tuple(msgspec.structs.replace(item, services=_within(item.services, own)) for item in summary.items)
    return msgspec.structs.replace(summary, services=_within(summary.services, own), items=items)


def _within(services: tuple[ServiceDocument, ...], own: AbstractSet[str]) -> tuple[ServiceDocument, ...]:
    return tuple(service for service in services if service.id in own)
