"""What each event is called in front of operators, and what happens next."""

from notifiers.language import marked
from notifiers.reader import Reader
from notifiers.views.change import ChangeView
from notifiers.views.headline import Headline, humane
from notifiers.views.incident import IncidentView
from notifiers.views.source import SourceView
from notifiers.views.summary import SummaryView
from notifiers.wording import one_line
from rules.document import NoticeContent

_MARKS = {
    "opened": "",
    "changed": marked("update"),
    "update": marked("still open"),
    "acknowledged": marked("acknowledged"),
    "assigned": marked("assigned"),
    "resolved": marked("resolved"),
    "reopened": marked("again"),
    "closed": marked("closed"),
    "merged": marked("merged"),
    "split": marked("split"),
    "converted": marked("service request"),
    "known_error": marked("known error"),
    "escalated": marked("escalated"),
    "nobody_reached": marked("nobody reached"),
    "response_warning": marked("response due"),
    "response_breached": marked("response overdue"),
    "resolution_warning": marked("resolution due"),
    "resolution_breached": marked("resolution overdue"),
    "change_scheduled": marked("change"),
    "change_moved": marked("change moved"),
    "change_started": marked("change begins"),
    "change_ended": marked("change over"),
    "change_cancelled": marked("change off"),
}

_KICKERS = {
    "opened": marked("New incident"),
    "changed": marked("The picture has changed"),
    "update": marked("Still open"),
    "acknowledged": marked("Somebody has taken it"),
    "assigned": marked("Assigned"),
    "resolved": marked("Resolved"),
    "reopened": marked("It is back"),
    "closed": marked("Closed"),
    "merged": marked("Merged"),
    "split": marked("Split"),
    "converted": marked("It is a service request"),
    "known_error": marked("The error is known"),
    "escalated": marked("Escalated"),
    "nobody_reached": marked("Nobody who was called could be reached"),
    "response_warning": marked("The time to respond is running out"),
    "response_breached": marked("Nobody has responded in time"),
    "resolution_warning": marked("The time to resolve it is running out"),
    "resolution_breached": marked("It is not resolved in time"),
    "change_scheduled": marked("A change is scheduled"),
    "change_moved": marked("A change is planned anew"),
    "change_started": marked("A change begins"),
    "change_ended": marked("A change is over"),
    "change_cancelled": marked("A change is called off"),
}

_NEXT_OF_CHANGE = {
    "change_scheduled": marked(
        "Speak up before it begins if the time does not suit. What it causes in its time is expected and calls nobody."
    ),
    "change_moved": marked("Speak up before it begins if the time does not suit."),
    "change_started": marked(
        "What it causes until its end is expected and calls nobody. You are told when it is over."
    ),
    "change_ended": marked("Nothing to do. What fails from now on calls people again."),
    "change_cancelled": marked("Nothing to do: nothing is worked on."),
}


def mark_of(event: str, reader: Reader) -> str:
    """The event in a word or two."""
    mark = _MARKS.get(event)
    return humane(event) if mark is None else reader.gettext(mark) if mark else ""


def kicker_of(event: str, reader: Reader) -> str:
    """The event in a line."""
    kicker = _KICKERS.get(event)
    return humane(event).capitalize() if kicker is None else reader.gettext(kicker)


def test_headline(reader: Reader) -> Headline:
    """The words of a message that only tries whether somebody can be reached."""
    return Headline(
        mark=reader.gettext("test"),
        kicker=reader.gettext("Test"),
        title=reader.gettext("incidentd can reach you here"),
        next_step=reader.gettext("Nothing: this is only a test."),
        tone="plain",
    )


def plain_headline(content: NoticeContent) -> Headline:
    """The words of a notice of which nothing is known here."""
    event = humane(content.event)
    title = one_line(content.reason, 160) or event
    return Headline(mark=event, kicker=event.capitalize(), title=title, next_step="", tone="plain")


def incident_headline(event: str, incident: IncidentView, reader: Reader) -> Headline:
    """The words of an event in the life of an incident."""
    return Headline(
        mark=mark_of(event, reader),
        kicker=_kicker(event, incident, reader),
        title=incident.title,
        next_step=_next_step(event, incident, reader),
        tone="good" if incident.is_over else incident.priority,
    )


def source_headline(source: SourceView, reader: Reader) -> Headline:
    """The words of a source that is lost or heard again."""
    if source.is_up:
        return Headline(
            mark=reader.gettext("sees again"),
            kicker=reader.gettext("Monitoring sees again"),
            title=reader.gettext("Source %(name)s is heard again", name=source.name),
            next_step=reader.gettext("Nothing to do: what it reports counts again."),
            tone="good",
        )
    return Headline(
        mark=reader.gettext("blind"),
        kicker=reader.gettext("Monitoring is blind"),
        title=reader.gettext("Source %(name)s cannot be read", name=source.name),
        next_step=reader.gettext(
            "Mend the source or the way to it. New failures that only it would report are not seen until then; "
            "open incidents stay as they are and do not resolve because of the silence."
        ),
        tone="bad",
    )


def change_headline(event: str, change: ChangeView, reader: Reader) -> Headline:
    """The words of an event in the life of a change."""
    following = _NEXT_OF_CHANGE.get(event)
    return Headline(
        mark=mark_of(event, reader),
        kicker=kicker_of(event, reader),
        title=f"{change.number} {change.title}",
        next_step=reader.gettext(following) if following else "",
        tone="plain" if change.is_over else "plan",
    )


def summary_headline(summary: SummaryView, reader: Reader) -> Headline:
    """The words of many incidents at once."""
    return Headline(
        mark=reader.gettext("summary"),
        kicker=summary.kicker,
        title=summary.headline,
        next_step=reader.gettext("Begin with the first of the list; each incident goes on in its own thread.")
        if summary.worst
        else reader.gettext("Nothing to do: all of it is over."),
        tone=summary.worst or "good",
    )


def _kicker(event: str, incident: IncidentView, reader: Reader) -> str:
    if event == "resolved" and incident.lasted:
        return reader.gettext("Resolved after %(time)s", time=incident.lasted)
    if event == "update" and incident.lasted:
        return reader.gettext("Still open after %(time)s", time=incident.lasted)
    if event == "merged" and incident.merged_into:
        return reader.gettext("Merged into %(number)s", number=incident.merged_into)
    if event == "acknowledged" and incident.assignee:
        return reader.gettext("Taken by %(who)s", who=incident.assignee)
    if event == "assigned" and (incident.assignee or incident.group):
        return reader.gettext("Assigned to %(who)s", who=incident.assignee or incident.group)
    return kicker_of(event, reader)


def _next_step(event: str, incident: IncidentView, reader: Reader) -> str:
    ended = _after_the_end(incident, reader)
    if ended:
        return ended
    if event == "nobody_reached":
        return reader.gettext("Reach somebody by other means, or take it yourself: nobody else is called any more.")
    if incident.acknowledged or incident.assignee:
        who = incident.assignee or incident.group or reader.gettext("Somebody")
        return reader.gettext("%(who)s is on it. You are told when the picture changes and when it is over.", who=who)
    rest = reader.gettext("It resolves by itself once all its alerts have ended and stayed quiet.")
    if incident.group:
        taken = reader.gettext(
            "To be acknowledged by %(group)s, so that others know it is taken.", group=incident.group
        )
    else:
        taken = reader.gettext("To be acknowledged, so that others know it is taken.")
    return f"{taken} {rest}"


def _after_the_end(incident: IncidentView, reader: Reader) -> str:
    """What there is to do once nobody works on it any more; empty while somebody does. A status is never translated
    before it is compared."""
    match incident.state:
        case "merged":
            other = incident.merged_into or reader.gettext("the other incident")
            return reader.gettext(
                "Follow %(other)s from now on; nothing more is sent about %(number)s.",
                other=other,
                number=incident.number,
            )
        case "converted":
            return reader.gettext(
                "It goes on as a service request; nothing more is sent about %(number)s.", number=incident.number
            )
        case "closed":
            return reader.gettext("Nothing: the record is closed.")
        case "resolved":
            return reader.gettext("Nothing to do. If it comes back soon, this incident opens again and you are told.")
    return ""
