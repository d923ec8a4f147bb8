"""A source of alerts, for people."""

from dataclasses import dataclass

from notifiers.reader import Reader
from notifiers.wording import one_line
from rules.document import NoticeContent


@dataclass(frozen=True, slots=True, kw_only=True)
class SourceView:
    """A source of alerts; `since_day` is `since` for those who do not count seconds."""

    name: str
    is_up: bool
    since: str
    since_day: str
    error: str


def source_view(content: NoticeContent, reader: Reader) -> SourceView | None:
    """What people are shown of a source; None where the notice is about none."""
    source = content.source
    if source is None:
        return None
    return SourceView(
        name=one_line(source.name, 80),
        is_up=source.is_up,
        since=reader.moment(source.since),
        since_day=reader.day_and_time(source.since),
        error=one_line(source.error, 300),
    )
