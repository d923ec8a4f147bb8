"""What templates are given for one notice, in the words of its reader."""

from dataclasses import dataclass, fields, replace
from datetime import tzinfo
from typing import Any

from notifiers.base import Action
from notifiers.drawing.illustration import Illustration
from notifiers.language import Language, marked
from notifiers.reader import Reader
from notifiers.views.change import ChangeView, change_view
from notifiers.views.headline import Headline
from notifiers.views.impact import ImpactView, impact_view
from notifiers.views.incident import IncidentView, incident_view
from notifiers.views.links import Link, LinkTemplate
from notifiers.views.manager_words import (
    impact_headline,
    plain_change_headline,
    plain_source_headline,
    plain_summary_headline,
)
from notifiers.views.operator_words import (
    change_headline,
    incident_headline,
    plain_headline,
    source_headline,
    summary_headline,
    test_headline,
)
from notifiers.views.source import SourceView, source_view
from notifiers.views.summary import SummaryView, summary_view
from notifiers.views.why import why_lines
from notifiers.wording import one_line, web_link
from rules.document import CONTACT, NoticeContent

AUDIENCES = ("operator", "manager", "customer")
"""The kinds of readers; whoever reported an incident, the contact, is one more."""

LABELS = (marked("Acknowledge"),)
"""What buttons say that come from elsewhere."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PictureView:
    """The picture of a mail: where it is, the same in words, what it leaves out, and how wide it is, in pixels."""

    address: str
    alt: str
    note: str
    width: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Page:
    """What a template is given.

    `impact` is the incident in business words, `incident` the same for operators. `shows_cis` says that managers want
    to see components. `actions` are buttons. `picture` is there in some mails only.
    """

    language: str
    audience: str
    event: str
    head: Headline
    incident: IncidentView | None
    impact: ImpactView | None
    summary: SummaryView | None
    source: SourceView | None
    change: ChangeView | None
    reason: str
    why: tuple[str, ...]
    actions: tuple[Link, ...]
    rating_link: str
    shows_cis: bool
    picture: PictureView | None

    def values(self) -> dict[str, Any]:
        """The same by name."""
        return {field.name: getattr(self, field.name) for field in fields(self)}


@dataclass(frozen=True, slots=True, kw_only=True)
class Style:
    """How an organisation words its notices. `link_base` is the public address of the console, empty where nobody can
    open it; `links` are the owner's for operators; `managers_see_cis` shows managers components, too."""

    zone: tzinfo
    link_base: str = ""
    links: tuple[LinkTemplate, ...] = ()
    managers_see_cis: bool = False


def page_of(
    content: NoticeContent,
    language: Language,
    style: Style,
    actions: tuple[Action, ...],
    picture: Illustration | None = None,
) -> Page:
    """What this notice says to its reader."""
    reader = Reader(language=language, zone=style.zone, at=content.at)
    record, audience = content.incident, audience_of(content)
    incident = impact = None
    if record is not None:
        incident = incident_view(content, record, reader, style.link_base, style.links)
        impact = impact_view(content, record, reader, style.link_base)
    source, change = source_view(content, reader), change_view(content, reader, style.link_base)
    summary = summary_view(content, reader, style.link_base)
    return Page(
        language=language.code,
        audience=audience,
        event=one_line(content.event, 40),
        head=_headline(content, audience, reader, incident, impact, summary, source, change),
        incident=incident,
        impact=impact,
        summary=summary,
        source=source,
        change=change,
        reason=one_line(content.reason, 400),
        why=why_lines(content, reader, audience),
        actions=tuple(Link(name=a.label, url=url) for a in actions if (url := web_link(a.url))),
        rating_link=web_link(content.rating_url),
        shows_cis=style.managers_see_cis and audience == "manager",
        picture=None if picture is None else _picture_view(picture),
    )


def _picture_view(picture: Illustration) -> PictureView:
    return PictureView(address=f"cid:{picture.id}", alt=picture.alt, note=picture.note, width=picture.width)


def in_words(actions: tuple[Action, ...], language: Language) -> tuple[Action, ...]:
    """The same with labels in the reader's language, as far as it has words for them."""
    return tuple(replace(action, label=one_line(language.gettext(action.label), 40)) for action in actions)


def audience_of(content: NoticeContent) -> str:
    """For whom a notice is worded: an audience, or `contact` for whoever reported it; operators where it is unknown."""
    if content.recipient is not None and content.recipient.id == CONTACT:
        return CONTACT
    return content.audience if content.audience in AUDIENCES else "operator"


def _headline(
    content: NoticeContent,
    audience: str,
    reader: Reader,
    incident: IncidentView | None,
    impact: ImpactView | None,
    summary: SummaryView | None,
    source: SourceView | None,
    change: ChangeView | None,
) -> Headline:
    is_plain = audience != "operator"
    if incident is not None and impact is not None:
        if is_plain:
            return impact_headline(content.event, impact, reader, with_names=audience == "manager")
        return incident_headline(content.event, incident, reader)
    if summary is not None:
        return plain_summary_headline(summary, reader) if is_plain else summary_headline(summary, reader)
    if source is not None:
        return plain_source_headline(source, reader) if is_plain else source_headline(source, reader)
    if change is not None:
        words = plain_change_headline if is_plain else change_headline
        return words(content.event, change, reader)
    return test_headline(reader) if content.event == "test" else plain_headline(content)
