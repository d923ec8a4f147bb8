"""From a notice's content to a message that people understand at three in the morning."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, tzinfo
from html import escape
from pathlib import Path
from typing import Any

from jinja2 import StrictUndefined

from notifiers.base import NO_EXTRAS, Extras, Message
from notifiers.samples import samples
from notifiers.sandbox import Sandbox, rendered
from notifiers.view import ChangeView, IncidentView, SourceView, change_view, incident_view, source_view
from notifiers.wording import one_line, web_link
from notifiers.words import Headline, headline
from rules.document import CONTACT, NoticeContent

SHIPPED = Path(__file__).parent / "templates"
MAX_SUBJECT_CHARS = 180
MAX_BRIEF_LINES = 3
MAX_BRIEF_LINE_CHARS = 200


@dataclass(frozen=True, slots=True, kw_only=True)
class _Page:
    """What a template is given."""

    head: Headline
    incident: IncidentView | None
    source: SourceView | None
    change: ChangeView | None
    event: str
    reason: str
    rating_link: str

    def values(self) -> dict[str, Any]:
        return {
            "head": self.head,
            "incident": self.incident,
            "source": self.source,
            "change": self.change,
            "event": self.event,
            "reason": self.reason,
            "rating_link": self.rating_link,
        }


class Renderer:
    """Makes messages. It is built once and used from any thread.

    `templates_dir` may hold the owner's `subject.txt`, `brief.txt`, `message.txt` and `message.html`, or one for a
    single event such as `opened.txt`; what is missing there is taken from those that ship. `link_base` is the public
    address of the console, for links. `zone` is the reader's time zone. `shipped` is where the shipped templates lie.
    """

    def __init__(
        self,
        *,
        templates_dir: Path | None = None,
        link_base: str = "",
        zone: tzinfo = UTC,
        shipped: Path = SHIPPED,
    ) -> None:
        self._link_base = link_base
        self._zone = zone
        self._folders = (templates_dir, shipped) if templates_dir else (shipped,)
        self._texts = tuple(Sandbox(folder, html=False) for folder in self._folders)
        self._pages = tuple(Sandbox(folder, html=True) for folder in self._folders)

    def render(self, content: NoticeContent, *, sent_at: datetime, extras: Extras = NO_EXTRAS) -> Message:
        """The message for `content`. It never fails: where a template does, the next best text goes out.

        The owner's template comes first, then the shipped one, then words that need no template; `Message.fault`
        says what was wrong.
        """
        faults: list[str] = []
        page = self._page(content)
        text = self._first(self._texts, _names(content, "txt"), page, faults) or _plain(page)
        html = self._first(self._pages, _names(content, "html"), page, faults) or _bare_html(text)
        subject = self._first(self._texts, ("subject.txt",), page, faults) or _plain_subject(page)
        brief = self._first(self._texts, ("brief.txt",), page, faults) or _plain_subject(page)
        return Message(
            content=content,
            subject=one_line(subject, MAX_SUBJECT_CHARS),
            text=text,
            html=html,
            thread=_thread(content),
            starts_thread=content.event == "opened" and content.incident is not None,
            sent_at=sent_at,
            fault="; ".join(faults),
            brief=_short(brief),
            anchor=extras.anchor,
            actions=extras.actions,
            reply_to=extras.reply_to,
        )

    def faults(self) -> tuple[str, ...]:
        """What is wrong with the owner's templates, found by rendering every event; undefined names count too."""
        found: dict[str, None] = {}
        for content in samples():
            page = self._page(content)
            for name in ("subject.txt", "brief.txt", "message.txt", "message.html"):
                strict = Sandbox(self._folders[0], html=name.endswith(".html"), undefined=StrictUndefined)
                names = _names(content, name.rpartition(".")[2]) if name.startswith("message") else (name,)
                try:
                    rendered(strict, names, page.values())
                except Exception as error:  # noqa: BLE001  a template can fail in any way
                    found[_fault(name, error)] = None
        return tuple(found)

    def _page(self, content: NoticeContent) -> _Page:
        record = content.incident
        incident = None if record is None else incident_view(content, record, self._zone, self._link_base)
        source, change = source_view(content, self._zone), change_view(content, self._zone)
        return _Page(
            head=headline(content, incident, source, change),
            incident=incident,
            source=source,
            change=change,
            event=one_line(content.event, 40),
            reason=one_line(content.reason, 400),
            rating_link=web_link(content.rating_url),
        )

    def _first(self, choices: tuple[Sandbox, ...], names: tuple[str, ...], page: _Page, faults: list[str]) -> str:
        for environment in choices:
            try:
                text = rendered(environment, names, page.values())
            except Exception as error:  # noqa: BLE001  whatever a template does, people are told
                faults.append(_fault(names[-1], error))
                continue
            if text and text.strip():
                return text
            if text is not None:
                faults.append(f"template {names[-1]}: it renders to nothing")
        return ""


def _names(content: NoticeContent, kind: str) -> tuple[str, ...]:
    if content.recipient is not None and content.recipient.id == CONTACT:
        # Whoever reported it is told what helps and that it is over, and none of how the house works.
        return (f"contact.{kind}",) if content.event == "resolved" else (f"contact_{content.event}.{kind}",)
    event = content.event
    own = (f"{event}.{kind}",) if event.isascii() and event.replace("_", "").isalpha() else ()
    return (*own, f"message.{kind}")


def _fault(name: str, error: Exception) -> str:
    return f"template {name}: {type(error).__name__}: {one_line(str(error), 150)}"


def _thread(content: NoticeContent) -> str:
    if content.incident is not None:
        return f"incident {content.incident.number} {content.incident.opened_at}"
    if content.change is not None:
        return f"change {content.change.number} {content.change.opened_at}"
    return f"source {content.source.name}" if content.source is not None else content.event


def _plain_subject(page: _Page) -> str:
    if page.incident is None:
        return f"[{page.head.mark}] {page.head.title}"
    mark = f" {page.head.mark}" if page.head.mark else ""
    return f"[{page.incident.priority}{mark}] {page.incident.number} {page.incident.title}"


def _plain(page: _Page) -> str:
    return "\n".join(_plain_lines(page)) + "\n"


def _plain_lines(page: _Page) -> Iterator[str]:
    incident = page.incident
    yield f"{page.head.kicker}: {page.head.title}"
    if incident is not None:
        yield f"{incident.priority} {incident.number}, since {incident.opened}"
        yield incident.impact
        yield f"Failed: {incident.root or 'not known'} ({incident.sureness})"
        yield f"Works on it: {incident.work}"
        yield incident.link
    if page.rating_link:
        yield f"How was it handled? {page.rating_link}"
    if page.change is not None:
        yield f"{page.change.when}. {page.change.hit}"
    if page.source is not None:
        yield f"Since {page.source.since}. {page.source.error}"
    yield page.head.next_step
    yield page.reason


def _short(text: str) -> str:
    lines = [one_line(line, MAX_BRIEF_LINE_CHARS) for line in text.splitlines() if line.strip()]
    return "\n".join(lines[:MAX_BRIEF_LINES])


def _bare_html(text: str) -> str:
    return f'<!doctype html><meta charset="utf-8"><pre style="white-space:pre-wrap">{escape(text)}</pre>'
