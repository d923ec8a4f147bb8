"""Many incidents in one notice, for people."""

from dataclasses import dataclass

from notifiers.language import marked
from notifiers.reader import Reader
from notifiers.views.impact import priority_words, services_title
from notifiers.views.incident import OVER, incident_link, status_words
from notifiers.views.services import ServiceGroup, more_words, service_groups, service_sentence
from notifiers.wording import one_line
from rules.document import NoticeContent, SummaryDocument, SummaryItem

MAX_ITEMS = 25

_KICKERS = {
    "burst": marked("Many incidents at once"),
    "quiet": marked("What happened in your quiet hours"),
    "digest": marked("Digest"),
    "limit": marked("Several notices in one"),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class ItemLine:
    """One incident of a summary. `title` is for operators, `plain_title` is made of services only."""

    number: str
    priority: str
    priority_word: str
    title: str
    plain_title: str
    status: str
    is_over: bool
    root: str
    since: str
    work: str
    link: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Count:
    """How many open incidents have a priority."""

    priority: str
    word: str
    count: str


@dataclass(frozen=True, slots=True, kw_only=True)
class SummaryView:
    """A summary. `headline` says how many and how bad, `impact` which services are hit by what is still open."""

    kind: str
    kicker: str
    headline: str
    plain_headline: str
    total: str
    open: str
    worst: str
    counts: tuple[Count, ...]
    services: tuple[ServiceGroup, ...]
    impact: str
    since: str
    since_day: str
    items: tuple[ItemLine, ...]
    more: str


def summary_view(content: NoticeContent, reader: Reader, link_base: str) -> SummaryView | None:
    """What people are shown of a summary; None where the notice is none."""
    summary = content.summary
    if summary is None:
        return None
    groups = service_groups(summary.services, reader)
    shown = sorted(summary.items, key=lambda item: item.status in OVER)[:MAX_ITEMS]
    priorities = sorted(priority for priority, count in summary.priorities.items() if count > 0)
    counts = tuple(_count(priority, summary.priorities[priority], reader) for priority in priorities)
    return SummaryView(
        kind=one_line(summary.kind, 20),
        kicker=reader.gettext(_KICKERS[summary.kind]) if summary.kind in _KICKERS else one_line(summary.kind, 40),
        headline=" – ".join(filter(None, (_total(summary, reader), _priorities(counts)))),
        plain_headline=services_title(summary.services, reader) if groups else _total(summary, reader),
        total=_total(summary, reader),
        open=reader.language.number(summary.open),
        worst=one_line(priorities[0], 10) if priorities else "",
        counts=counts,
        services=groups,
        impact=service_sentence(groups) or reader.gettext("No business service is hit"),
        since=reader.moment(summary.since),
        since_day=reader.day_and_time(summary.since),
        items=tuple(_item(content, item, reader, link_base) for item in shown),
        more=more_words(summary.total - len(shown), reader),
    )


def _total(summary: SummaryDocument, reader: Reader) -> str:
    if not summary.open:
        return reader.ngettext("%(num)s incident, over", "%(num)s incidents, all over", summary.total)
    if summary.open == summary.total:
        return reader.ngettext("%(num)s open incident", "%(num)s open incidents", summary.total)
    count = reader.language.number(summary.open)
    return reader.ngettext(
        "%(num)s incident, %(open)s still open", "%(num)s incidents, %(open)s still open", summary.total, open=count
    )


def _priorities(counts: tuple[Count, ...]) -> str:
    return ", ".join(f"{c.count} {c.priority}" for c in counts)


def _count(priority: str, number: int, reader: Reader) -> Count:
    return Count(
        priority=one_line(priority, 10),
        word=priority_words(priority, reader),
        count=reader.language.number(number),
    )


def _item(content: NoticeContent, item: SummaryItem, reader: Reader, link_base: str) -> ItemLine:
    return ItemLine(
        number=one_line(item.number, 30),
        priority=one_line(item.priority, 10),
        priority_word=priority_words(item.priority, reader),
        title=one_line(item.title, 160),
        plain_title=services_title(item.services, reader, is_solved=item.status in ("resolved", "closed")),
        status=status_words(item.status, reader),
        is_over=item.status in OVER,
        root=one_line(item.root or "", 120),
        since=reader.time(item.opened_at),
        work=one_line(content.called(item.assignee) or item.group, 80) or reader.gettext("nobody yet"),
        link=incident_link(link_base, item.number),
    )
