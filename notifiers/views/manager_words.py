"""What each event is called in front of managers and customers: services, times and people, nothing of the inside."""

from notifiers.language import marked
from notifiers.reader import Reader
from notifiers.views.change import ChangeView
from notifiers.views.headline import Headline
from notifiers.views.impact import ImpactView
from notifiers.views.source import SourceView
from notifiers.views.summary import SummaryView
from rules.subscriptions import CLOCK_EVENTS

_TONES = {"down": "P1", "degraded": "P2", "at risk": "P4"}

_MARKS = {
    "changed": marked("Update"),
    "update": marked("Update"),
    "acknowledged": marked("In work"),
    "assigned": marked("In work"),
    "escalated": marked("More people called"),
    "resolved": marked("Solved"),
    "closed": marked("Closed"),
    "reopened": marked("Again"),
    "merged": marked("Goes on elsewhere"),
    "split": marked("Update"),
    "converted": marked("Request"),
    "known_error": marked("Fault known"),
    "nobody_reached": marked("Nobody reached"),
    "response_warning": marked("Promise at risk"),
    "response_breached": marked("Promise broken"),
    "resolution_warning": marked("Promise at risk"),
    "resolution_breached": marked("Promise broken"),
    "change_scheduled": marked("Planned work"),
    "change_moved": marked("Planned work moved"),
    "change_started": marked("Planned work begins"),
    "change_ended": marked("Planned work over"),
    "change_cancelled": marked("Planned work called off"),
}

_KICKERS = {
    "changed": marked("The extent has changed"),
    "update": marked("It is still being worked on"),
    "acknowledged": marked("Somebody is working on it"),
    "assigned": marked("Somebody is working on it"),
    "escalated": marked("More people have been called"),
    "resolved": marked("Solved"),
    "closed": marked("Solved, and the record is closed"),
    "reopened": marked("It is back"),
    "merged": marked("It belongs to another disruption"),
    "split": marked("These are separate faults"),
    "converted": marked("It is handled as a request"),
    "known_error": marked("The fault is known"),
    "nobody_reached": marked("Nobody who was called could be reached"),
    "response_warning": marked("The promised time to take it is running out"),
    "response_breached": marked("Nobody has taken it within the promised time"),
    "resolution_warning": marked("The promised time to solve it is running out"),
    "resolution_breached": marked("It was not solved within the promised time"),
    "change_scheduled": marked("Work is planned"),
    "change_moved": marked("Work is planned anew"),
    "change_started": marked("Planned work begins"),
    "change_ended": marked("Planned work is over"),
    "change_cancelled": marked("Planned work is called off"),
}

_OPENED = {
    "down": marked("New disruption"),
    "degraded": marked("New disruption"),
    "at risk": marked("New risk: nothing is down yet"),
}

_UNNOTICED = marked("New fault")
_PLANNED = marked("Planned work")

_INSIDE = frozenset(("escalated", "nobody_reached", "split", *CLOCK_EVENTS))
"""Events of which customers are only told that there is news."""

_NEXT_OF_CHANGE = {
    "change_scheduled": marked("Speak up before it begins if the time does not suit."),
    "change_moved": marked("Speak up before it begins if the time does not suit."),
    "change_started": marked("You hear when it is over."),
    "change_ended": marked("Nothing more to expect from it."),
    "change_cancelled": marked("Everything stays as it is."),
}


def impact_headline(event: str, impact: ImpactView, reader: Reader, *, with_names: bool) -> Headline:
    """The words of an event in the life of an incident; customers are told no names of people."""
    event = event if with_names or event not in _INSIDE else "update"
    mark = _MARKS.get(event)
    urgency = impact.priority if with_names else reader.gettext("Disruption")
    return Headline(
        mark=reader.gettext(mark) if mark else urgency,
        kicker=_kicker(event, impact, reader, with_names=with_names),
        title=impact.title,
        next_step=impact.next_word,
        tone="good" if impact.is_over else _TONES.get(impact.worst, "P5"),
    )


def plain_source_headline(source: SourceView, reader: Reader) -> Headline:
    """The words of a source of alerts that is lost or heard again."""
    if source.is_up:
        return Headline(
            mark=reader.gettext("Monitoring"),
            kicker=reader.gettext("Monitoring works again"),
            title=reader.gettext("Monitoring sees all systems again"),
            next_step="",
            tone="good",
        )
    return Headline(
        mark=reader.gettext("Monitoring"),
        kicker=reader.gettext("Monitoring is disturbed"),
        title=reader.gettext("Monitoring does not see all systems"),
        next_step=reader.gettext("New faults may be noticed late until it is mended. You hear when it is."),
        tone="P3",
    )


def plain_change_headline(event: str, change: ChangeView, reader: Reader) -> Headline:
    """The words of an event in the life of a change."""
    mark, kicker, following = _MARKS.get(event), _KICKERS.get(event), _NEXT_OF_CHANGE.get(event)
    return Headline(
        mark=reader.gettext(mark or _PLANNED),
        kicker=reader.gettext(kicker or _PLANNED),
        title=change.plain_title or reader.gettext("Work on the technical base of services"),
        next_step=reader.gettext(following) if following else "",
        tone="plain" if change.is_over else "plan",
    )


def plain_summary_headline(summary: SummaryView, reader: Reader) -> Headline:
    """The words of many disruptions at once."""
    worst = summary.services[0].state if summary.services else ""
    return Headline(
        mark=reader.gettext("Summary"),
        kicker=summary.kicker,
        title=summary.plain_headline,
        next_step=reader.gettext("You hear of each of them when something changes, and when it is solved.")
        if summary.worst
        else reader.gettext("All of it is over."),
        tone=_TONES.get(worst, "P5") if summary.worst else "good",
    )


def _kicker(event: str, impact: ImpactView, reader: Reader, *, with_names: bool) -> str:
    if event == "opened":
        return reader.gettext(_OPENED.get(impact.worst, _UNNOTICED))
    if event == "resolved" and impact.lasted:
        return reader.gettext("Solved after %(time)s", time=impact.lasted)
    if event in ("acknowledged", "assigned") and impact.assignee and with_names:
        return reader.gettext("%(who)s is working on it", who=impact.assignee)
    if event == "merged" and impact.merged_into:
        return reader.gettext("It goes on as %(number)s", number=impact.merged_into)
    return reader.gettext(_KICKERS[event]) if event in _KICKERS else reader.gettext("News")
