"""Words that need no template, for when none works."""

from collections.abc import Iterator
from html import escape

from notifiers.page import Page


def plain_subject(page: Page) -> str:
    """The subject."""
    incident = page.incident
    if page.audience != "operator" or incident is None:
        return f"[{page.head.mark}] {page.head.title}"
    mark = f" {page.head.mark}" if page.head.mark else ""
    return f"[{incident.priority}{mark}] {incident.number} {incident.title}"


def plain_text(page: Page) -> str:
    """The text, a line for each thing that is known."""
    lines = _operator_lines(page) if page.audience == "operator" else _business_lines(page)
    return "\n".join(line for line in (f"{page.head.kicker}: {page.head.title}", *lines) if line) + "\n"


def bare_html(text: str) -> str:
    """The same text as a page."""
    return f'<!doctype html><meta charset="utf-8"><pre style="white-space:pre-wrap">{escape(text)}</pre>'


def _operator_lines(page: Page) -> Iterator[str]:
    incident = page.incident
    if incident is not None:
        yield f"{incident.priority} {incident.number}, since {incident.opened}"
        yield incident.impact
        yield f"Failed: {incident.root or 'not known'} ({incident.sureness})"
        yield f"Works on it: {incident.work}"
        yield incident.link
    if page.rating_link:
        yield f"How was it handled? {page.rating_link}"
    if page.summary is not None:
        yield page.summary.impact
        yield from (f"{i.priority} {i.number} {i.title}" for i in page.summary.items)
    if page.change is not None:
        yield f"{page.change.when}. {page.change.hit}"
        yield page.change.page
    if page.source is not None:
        yield f"Since {page.source.since}. {page.source.error}"
    yield page.head.next_step
    yield page.reason


def _business_lines(page: Page) -> Iterator[str]:
    if page.impact is not None:
        for group in page.impact.services:
            yield f"{group.word}: {', '.join(group.names)} {group.more}".rstrip()
        yield page.impact.since
        yield page.impact.work if page.audience == "manager" else page.impact.public_work
    if page.rating_link:
        yield page.rating_link
    if page.summary is not None:
        yield page.summary.impact
    if page.change is not None:
        yield f"{page.change.plain_when}. {page.change.hit}"
    yield page.head.next_step
