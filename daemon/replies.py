"""What people answer to a notice, by mail or in a chat: their own words without what they quote, and what they ask for.

The marks of quotes and signatures are those of the usual mail programs; what is not recognised stays in the note,
since a word too many does less harm than one that is lost.
"""

import re
from dataclasses import dataclass
from html.parser import HTMLParser

from rules.decision import Verb
from rules.report import MAX_TEXT, MAX_TITLE

LARGEST = 256 * 1024
"""More characters than this of one answer are not looked at."""

_CUT = " … (cut)"

_QUOTE = re.compile(r"\s*>")
# "On Tue, Nov 24, 2026 at 8:00 AM Anna wrote:" and its likes in other tongues, on one line or broken in two.
_WROTE = re.compile(
    r"(?i)^\s*(?:(?:on|am|le|el|il|op|den)\s.{4,300}\s"
    r"(?:wrote|schrieb.{0,120}|a écrit|escribió|ha scritto|schreef.{0,120}|skrev.{0,120})"
    r"|.{4,300}\s(?:пишет|писала?|написала?|писал\(а\)|написал\(а\)))\s*:\s*$"
)
_ORIGINAL = re.compile(
    r"(?i)^\s*(?:-{2,}\s*(?:original message|forwarded message|исходное сообщение|пересылаемое сообщение"
    r"|пересланное сообщение|ursprüngliche nachricht|weitergeleitete nachricht).{0,20}-{2,}"
    r"|begin forwarded message:|_{10,}|\*{0,2}-{5,}\*{0,2})\s*$"
)
_HEADER = re.compile(
    r"(?i)^\s*\*?(?:from|sent|date|to|cc|subject|от|отправлено|дата|кому|копия|тема|von|gesendet|an|betreff)\s*:"
)
_HEADERS_IN_A_ROW = 3
_SIGNATURE = re.compile(
    r"(?i)^(?:--\s?|—\s?|\s*(?:sent from (?:my|outlook|mail for|yahoo).{0,80}|get outlook for .{0,40}"
    r"|sent via .{0,60}|отправлено (?:с|из) .{0,60}|von meinem .{0,40}gesendet)\s*)$"
)

_TAKING = re.compile(
    r"(?i)^\s*(?:ack(?:nowledged?)?|taking(?: it)?|on it|принял[аи]?|принято|беру)"
    r"(?:\s+(?:inc-)?\d{1,9})?\s*(?:$|[.!,:;–—-]\s*(?P<rest>.*)$)"
)
_RESOLVING = re.compile(r"(?i)^\s*(?:resolved?|реш[её]но|решить)\s*(?:[.!]?\s*$|:\s*(?P<rest>.*)$)")
_OBJECTING = re.compile(
    r"(?i)^\s*(?:re-?open|not (?:solved|resolved|fixed)|не реш[её]но|не работает)\s*"
    r"(?:[.!]?\s*$|[:,–—-]\s*(?P<rest>.*)$)"
)
_ASKED = ((_TAKING, Verb.ACKNOWLEDGE), (_RESOLVING, Verb.RESOLVE), (_OBJECTING, Verb.REOPEN))


_OPENING = re.compile(
    r"(?is)^\s*(?:/(?P<order>report|request)(?:@\w+)?\s+|(?P<word>report|incident|сбой|инцидент|request|заявка)\s*:\s*)"
    r"(?P<title>\S[^\n]*)(?:\n(?P<text>.*))?$"
)
_REQUESTS = frozenset({"request", "заявка"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Opening:
    """Something new that somebody brings up: a failure, or a service that they ask for."""

    is_request: bool
    title: str
    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Said:
    """What somebody asks for: to acknowledge, resolve or reopen, with the reason or resolution as `text`; else a note.

    `text` has at most `MAX_TEXT` characters; it is empty where nothing was said beside the word itself, and in a note
    where nothing was said at all.
    """

    verb: Verb
    text: str


def opening_in(message: str) -> Opening | None:
    """What a message that answers nothing brings up, as in `report: nobody can pay` or `/request a laptop`; None where
    it is only talk."""
    found = _OPENING.match(message[:LARGEST])
    if found is None:
        return None
    word = (found["order"] or found["word"]).lower()
    text = bounded((found["text"] or "").strip(), MAX_TEXT)
    return Opening(is_request=word in _REQUESTS, title=bounded(found["title"].strip(), MAX_TITLE), text=text)


def value_and_reason(verb: Verb, text: str, otherwise: str) -> tuple[str, str]:
    """Where such a text stands in a `Command`: a note and a resolution are its value, of others it is the reason, which
    is `otherwise` where nothing was said."""
    return (text, "") if verb in (Verb.NOTE, Verb.RESOLVE) else ("", text or otherwise)


def said_in(answer: str) -> Said:
    """What a plain-text answer asks for."""
    words = own_words(answer)
    first, _, others = words.partition("\n")
    for pattern, verb in _ASKED:
        if found := pattern.match(first):
            return Said(verb=verb, text=bounded(f"{found['rest'] or ''}\n{others}".strip()))
    return Said(verb=Verb.NOTE, text=bounded(words))


def own_words(answer: str) -> str:
    """What the writer of an answer has written: without quotes, signature and the program's headers."""
    lines = cleaned(answer[:LARGEST]).split("\n")
    kept: list[str] = []
    place = 0
    while place < len(lines):
        header = _header_at(lines, place)
        if header and not _is_quoted(lines, place + header):
            break
        if _ends(lines, place):
            break
        if not header and not _QUOTE.match(lines[place]):
            kept.append(lines[place].rstrip())
        place += header or 1
    return re.sub(r"\n{3,}", "\n\n", "\n".join(kept)).strip()


def bounded(text: str, most: int = MAX_TEXT) -> str:
    """At most so many characters, with a word where some are cut off."""
    return text if len(text) <= most else text[: most - len(_CUT)] + _CUT


def cleaned(text: str) -> str:
    """The text with plain line ends, and without what cannot be printed."""
    text = text.replace("\r\n", "\n").replace("\r", "\n").replace("\N{NO-BREAK SPACE}", " ")
    return "".join(c for c in text if c in "\n\t" or c.isprintable())


def _header_at(lines: list[str], place: int) -> int:
    """How many lines the words before a quote take here, 0 where there are none."""
    if _WROTE.match(lines[place][:400]):
        return 1
    both = " ".join(line.strip() for line in lines[place : place + 2])
    return 2 if lines[place].strip() and _WROTE.match(both[:400]) and _begins(lines[place]) else 0


def _begins(line: str) -> bool:
    """Whether a header that was broken in two could begin so: else a sentence before it would be taken for one."""
    return bool(re.match(r"(?i)\s*(?:on|am|le|el|il|op|den|\d|пн|вт|ср|чт|пт|сб|вс)\b", line))


def _is_quoted(lines: list[str], place: int) -> bool:
    """Whether what follows is marked line by line, so that an answer may stand below it."""
    following = next((line for line in lines[place:] if line.strip()), "")
    return bool(_QUOTE.match(following))


def _ends(lines: list[str], place: int) -> bool:
    line = lines[place]
    if _SIGNATURE.match(line) or _ORIGINAL.match(line):
        return True
    row = lines[place : place + _HEADERS_IN_A_ROW]
    return len(row) == _HEADERS_IN_A_ROW and all(_HEADER.match(text) for text in row)


def text_of_html(page: str) -> str:
    """The visible text of an HTML mail, quotes marked with `>`; nothing of it is carried out or fetched."""
    reader = _Reader()
    reader.feed(page[:LARGEST])
    reader.close()
    return reader.text()


class _Reader(HTMLParser):
    """Keeps the words and leaves out what is not seen."""

    _BLOCKS = frozenset(
        (
            *("p", "div", "br", "tr", "li", "ul", "ol", "table", "h1", "h2", "h3", "h4", "h5", "h6"),
            *("pre", "hr", "section", "article", "blockquote"),
        )
    )
    _UNSEEN = frozenset(("script", "style", "head", "title", "template", "noscript", "object", "svg"))
    _HEADS = frozenset({"divrplyfwdmsg", "appendonsend"})

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self._parts: list[str] = []
        self._unseen = 0
        self._quotes = 0
        self._is_over = False

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Begin a line, a quote, or what is not seen."""
        if tag in self._UNSEEN:
            self._unseen += 1
        if tag == "blockquote":
            self._quotes += 1
        if tag in self._BLOCKS:
            self._break()
        # Where Outlook begins to repeat what was sent to it; nothing of the writer's follows.
        if (dict(attrs).get("id") or "").lower() in self._HEADS:
            self._is_over = True

    def handle_endtag(self, tag: str) -> None:
        """End one."""
        if tag in self._UNSEEN:
            self._unseen = max(self._unseen - 1, 0)
        if tag == "blockquote":
            self._quotes = max(self._quotes - 1, 0)
        if tag in self._BLOCKS and tag != "br":
            self._break()

    def handle_data(self, data: str) -> None:
        """Keep what is seen."""
        if not self._unseen and not self._is_over:
            self._parts.append(re.sub(r"\s+", " ", data))

    def _break(self) -> None:
        if self._is_over:
            return
        mark = "\n> " if self._quotes else "\n"
        if self._parts and self._parts[-1].startswith("\n"):
            self._parts[-1] = mark
        else:
            self._parts.append(mark)

    def text(self) -> str:
        """All lines."""
        return "\n".join(line.strip() for line in "".join(self._parts).split("\n"))
