"""From a notice's content to a message that people understand at three in the morning."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, tzinfo
from pathlib import Path

import msgspec
from jinja2 import StrictUndefined, TemplateSyntaxError

from notifiers.base import NO_EXTRAS, Extras, Message, incident_thread
from notifiers.catalogue import Languages, read_languages
from notifiers.drawing.illustration import Illustration, NoPicture, illustration
from notifiers.drawing.raster import Rasteriser
from notifiers.language import SOURCE, Language
from notifiers.page import AUDIENCES, Page, Style, audience_of, in_words, page_of
from notifiers.plain import bare_html, plain_subject, plain_text
from notifiers.samples import samples
from notifiers.sandbox import Sandbox, first_template, rendered
from notifiers.views.links import LinkTemplate
from notifiers.wording import one_line
from rules.document import NoticeContent

SHIPPED = Path(__file__).parent / "templates"
MAX_SUBJECT_CHARS = 180
_DRAWING = 2
MAX_BRIEF_LINES = 3
MAX_BRIEF_LINE_CHARS = 200


@dataclass(frozen=True, slots=True, kw_only=True)
class _Tried:
    """What a template said, or what is wrong with it; `text` is None where there is no such template."""

    name: str
    text: str | None = None
    fault: str = ""


class Renderer:
    """Makes messages. It is built once and used from any thread.

    `templates_dir` may hold the owner's templates, named as docs/notices.md says, and catalogues; what is missing there
    is taken from those that ship. `language` is the usual one. `link_base` is the public address of the console, for
    links, `links` are the owner's. `zone` is the reader's time zone. `shipped` is where the shipped templates lie.
    """

    def __init__(
        self,
        *,
        templates_dir: Path | None = None,
        link_base: str = "",
        zone: tzinfo = UTC,
        language: str = SOURCE,
        links: tuple[LinkTemplate, ...] = (),
        managers_see_cis: bool = False,
        shipped: Path = SHIPPED,
    ) -> None:
        self._style = Style(zone=zone, link_base=link_base, links=links, managers_see_cis=managers_see_cis)
        self._templates_dir = templates_dir
        self._usual = language
        self._rasteriser = Rasteriser(_DRAWING)
        self._languages = read_languages(templates_dir)
        self._folders = (templates_dir, shipped) if templates_dir else (shipped,)
        self._sandboxes = {
            (code, is_html): self._choices(each, html=is_html)
            for code, each in self._languages.by_code.items()
            for is_html in (False, True)
        }

    @property
    def languages(self) -> Languages:
        """The languages that a reader may have."""
        return self._languages

    def render(self, content: NoticeContent, *, sent_at: datetime, extras: Extras = NO_EXTRAS, to: str = "") -> Message:
        """The message for `content`, to be sent through the notifier `to`. It never fails: where a template does, the
        next best text goes out.

        The owner's template comes first, then the shipped one, then words that need no template; `Message.fault`
        says what was wrong.
        """
        faults: list[str] = []
        language = self._languages.of(content.language, self._usual)
        actions = in_words(extras.actions, language)
        picture, picture_fault = self._picture(content, language, extras)
        page = page_of(content, language, self._style, actions, picture)
        text = self._first(page, to, "", "txt", faults) or plain_text(page)
        html = self._first(page, to, "", "html", faults) or bare_html(text)
        subject = self._first(page, to, "subject", "txt", faults) or plain_subject(page)
        brief = self._first(page, to, "brief", "txt", faults) or plain_subject(page)
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
            actions=actions,
            reply_to=extras.reply_to,
            picture=picture if picture is not None and f"cid:{picture.id}" in html else None,
            picture_fault=picture_fault,
        )

    def _picture(self, content: NoticeContent, language: Language, extras: Extras) -> tuple[Illustration | None, str]:
        """The picture where one is wanted, and why there is none where that is so against all wishes."""
        if extras.estate is None:
            return None, ""
        # Whoever reported it, and whoever reads what is unknown here, as templates have it.
        content, sees = msgspec.structs.replace(content, audience=audience_of(content)), self._style.managers_see_cis
        try:
            return illustration(content, extras.estate, language, self._rasteriser, sees_component=sees), ""
        except NoPicture as error:
            return None, str(error)
        except Exception as error:  # noqa: BLE001  whatever drawing does, people are told
            return None, f"{type(error).__name__}: {one_line(str(error), 150)}"

    def faults(self) -> tuple[str, ...]:
        """What is wrong with the owner's templates and catalogues, found by rendering every event for every kind of
        reader; undefined names count too."""
        found = dict.fromkeys(self._languages.faults)
        language = self._languages.of(self._usual)
        strict = {
            is_html: Sandbox(self._folders, html=is_html, language=language, undefined=StrictUndefined)
            for is_html in (False, True)
        }
        for page in self._pages(language):
            for part, kind in (("subject", "txt"), ("brief", "txt"), ("", "txt"), ("", "html")):
                for to in self._notifiers():
                    tried = _tried(strict[kind == "html"], _names(page, to, part, kind), page)
                    found |= {tried.fault: None} if tried.fault else {}
        return tuple(found)

    def _pages(self, language: Language) -> Iterator[Page]:
        for content in samples():
            for audience in AUDIENCES:
                yield page_of(msgspec.structs.replace(content, audience=audience), language, self._style, ())

    def _notifiers(self) -> tuple[str, ...]:
        """The names of notifiers that have templates of their own, and none."""
        if self._templates_dir is None:
            return ("",)
        own = (folder.name for folder in sorted(self._templates_dir.iterdir()) if folder.is_dir())
        return ("", *(name for name in own if name != "locale"))

    def _choices(self, language: Language, *, html: bool) -> tuple[Sandbox, ...]:
        """The owner's templates over those that ship, and those that ship alone."""
        choices = (self._folders, self._folders[-1:]) if len(self._folders) > 1 else (self._folders,)
        return tuple(Sandbox(folders, html=html, language=language) for folders in choices)

    def _first(self, page: Page, to: str, part: str, kind: str, faults: list[str]) -> str:
        names = _names(page, to, part, kind)
        for sandbox in self._sandboxes[page.language, kind == "html"]:
            tried = _tried(sandbox, names, page)
            if tried.text and tried.text.strip():
                return tried.text
            if tried.fault or tried.text is not None:
                faults.append(tried.fault or f"template {tried.name}: it renders to nothing")
        return ""


def _names(page: Page, to: str, part: str, kind: str) -> tuple[str, ...]:
    """The templates that may say this, the most special first: those of one notifier before those of all, those of one
    event before those of all. An operator's have no audience in their name."""
    is_operator = page.audience == "operator"
    prefix = "" if is_operator else f"{page.audience}_"
    if part:
        own: tuple[str, ...] = (f"{prefix}{part}.{kind}",)
    else:
        general = "message" if is_operator else page.audience
        is_word = page.event.isascii() and page.event.replace("_", "").isalpha()
        special = (f"{prefix}{page.event}.{kind}",) if is_word else ()
        own = (*special, f"{general}.{kind}")
    return (*(f"{to}/{name}" for name in own), *own) if to else own


def _tried(sandbox: Sandbox, names: tuple[str, ...], page: Page) -> _Tried:
    """What the first of these templates says."""
    name = names[-1]
    try:
        template = first_template(sandbox, names)
        if template is None:
            return _Tried(name=name)
        name = template.name or name
        return _Tried(name=name, text=rendered(template, page.values()))
    except Exception as error:  # noqa: BLE001  whatever a template does, people are told
        return _Tried(name=name, fault=_fault(name, error))


def _fault(name: str, error: Exception) -> str:
    name = (isinstance(error, TemplateSyntaxError) and error.name) or name
    return f"template {name}: {type(error).__name__}: {one_line(str(error), 150)}"


def _thread(content: NoticeContent) -> str:
    if content.incident is not None:
        return incident_thread(content.incident.number, content.incident.opened_at)
    if content.change is not None:
        return f"change {content.change.number} {content.change.opened_at}"
    if content.source is not None:
        return f"source {content.source.name}"
    return f"{content.event} {content.idempotency_key}" if content.summary is not None else content.event


def _short(text: str) -> str:
    lines = [one_line(line, MAX_BRIEF_LINE_CHARS) for line in text.splitlines() if line.strip()]
    return "\n".join(lines[:MAX_BRIEF_LINES])
