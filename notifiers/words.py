"""What each event is called in front of people, and what happens next."""

from dataclasses import dataclass

from notifiers.view import ChangeView, IncidentView, SourceView
from notifiers.wording import one_line
from rules.document import NoticeContent


@dataclass(frozen=True, slots=True, kw_only=True)
class Headline:
    """The words of one event.

    `mark` goes into the subject's bracket and is empty for a new incident; `kicker` is the line above the title.
    """

    mark: str
    kicker: str
    title: str
    next_step: str


_MARKS = {
    "opened": "",
    "changed": "update",
    "acknowledged": "acknowledged",
    "assigned": "assigned",
    "resolved": "resolved",
    "reopened": "again",
    "closed": "closed",
    "merged": "merged",
    "split": "split",
    "converted": "service request",
    "known_error": "known error",
    "escalated": "escalated",
    "response_warning": "response due",
    "response_breached": "response overdue",
    "resolution_warning": "resolution due",
    "resolution_breached": "resolution overdue",
    "change_scheduled": "change",
    "change_moved": "change moved",
    "change_started": "change begins",
    "change_ended": "change over",
    "change_cancelled": "change off",
}

_KICKERS = {
    "opened": "New incident",
    "changed": "The picture has changed",
    "acknowledged": "Somebody has taken it",
    "assigned": "Assigned",
    "reopened": "It is back",
    "closed": "Closed",
    "split": "Split",
    "converted": "It is a service request",
    "known_error": "The error is known",
    "escalated": "Escalated",
    "response_warning": "The time to respond is running out",
    "response_breached": "Nobody has responded in time",
    "resolution_warning": "The time to resolve it is running out",
    "resolution_breached": "It is not resolved in time",
    "change_scheduled": "A change is scheduled",
    "change_moved": "A change is planned anew",
    "change_started": "A change begins",
    "change_ended": "A change is over",
    "change_cancelled": "A change is called off",
}

_NEXT_OF_CHANGE = {
    "change_scheduled": "Speak up before it begins if the time does not suit. What it causes in its time is expected "
    "and calls nobody.",
    "change_moved": "Speak up before it begins if the time does not suit.",
    "change_started": "What it causes until its end is expected and calls nobody. You are told when it is over.",
    "change_ended": "Nothing to do. What fails from now on calls people again.",
    "change_cancelled": "Nothing to do: nothing is worked on.",
}


def headline(
    content: NoticeContent, incident: IncidentView | None, source: SourceView | None, change: ChangeView | None
) -> Headline:
    """The words for this notice; an event that is unknown here is shown by its own name."""
    if incident is not None:
        return _incident_headline(content.event, incident)
    if source is not None:
        return _source_headline(source)
    if change is not None:
        return _change_headline(content.event, change)
    event = _humane(content.event)
    if content.event == "test":
        return Headline(
            mark="test",
            kicker="Test",
            title="incidentd can reach you here",
            next_step="Nothing: this is only a test.",
        )
    return Headline(mark=event, kicker=event.capitalize(), title=one_line(content.reason, 160) or event, next_step="")


def _incident_headline(event: str, incident: IncidentView) -> Headline:
    return Headline(
        mark=_MARKS.get(event, _humane(event)),
        kicker=_kicker(event, incident),
        title=incident.title,
        next_step=_next_step(event, incident),
    )


def _kicker(event: str, incident: IncidentView) -> str:
    if event == "resolved":
        return f"Resolved after {incident.lasted}" if incident.lasted else "Resolved"
    if event == "merged":
        return f"Merged into {incident.merged_into}" if incident.merged_into else "Merged"
    if event == "acknowledged" and incident.assignee:
        return f"Taken by {incident.assignee}"
    if event == "assigned" and (incident.assignee or incident.group):
        return f"Assigned to {incident.assignee or incident.group}"
    return _KICKERS.get(event, _humane(event).capitalize())


def _next_step(event: str, incident: IncidentView) -> str:
    if incident.status == "merged":
        other = incident.merged_into or "the other incident"
        return f"Follow {other} from now on; nothing more is sent about {incident.number}."
    if incident.status == "converted":
        return f"It goes on as a service request; nothing more is sent about {incident.number}."
    if incident.status == "closed":
        return "Nothing: the record is closed."
    if incident.status == "resolved":
        return "Nothing to do. If it comes back soon, this incident opens again and you are told."
    if incident.acknowledged or incident.assignee:
        who = incident.assignee or incident.group or "Somebody"
        return f"{who} is on it. You are told when the picture changes and when it is over."
    by = f" by {incident.group}" if incident.group else ""
    return (
        f"To be acknowledged{by}, so that others know it is taken. "
        "It resolves by itself once all its alerts have ended and stayed quiet."
    )


def _source_headline(source: SourceView) -> Headline:
    if source.is_up:
        return Headline(
            mark="sees again",
            kicker="Monitoring sees again",
            title=f"Source {source.name} is heard again",
            next_step="Nothing to do: what it reports counts again.",
        )
    return Headline(
        mark="blind",
        kicker="Monitoring is blind",
        title=f"Source {source.name} cannot be read",
        next_step=(
            "Mend the source or the way to it. New failures that only it would report are not seen until then; "
            "open incidents stay as they are and do not resolve because of the silence."
        ),
    )


def _change_headline(event: str, change: ChangeView) -> Headline:
    return Headline(
        mark=_MARKS.get(event, _humane(event)),
        kicker=_KICKERS.get(event, _humane(event).capitalize()),
        title=f"{change.number} {change.title}",
        next_step=_NEXT_OF_CHANGE.get(event, ""),
    )


def _humane(event: str) -> str:
    return one_line(event.replace("_", " "), 40) or "notice"
