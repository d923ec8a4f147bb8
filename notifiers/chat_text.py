"""Notices as chats show them: one line that can stand alone, a few facts, and nobody called or deceived."""

import re
from collections.abc import Iterator

from notifiers.base import Message
from notifiers.wording import one_line, web_link

# Twice both, as UTF-16 or with every character escaped, still fits into the smallest limit: Telegram's 4096.
MAX_HEADLINE_CHARS = 300
MAX_FACTS_CHARS = 1600
MAX_FACTS = 12
MAX_FACT_CHARS = 400
MAX_LABEL_CHARS = 60

_URL = re.compile(r"https?://[^\s<>\"'`\\{}|]+")
_CALLING_AT = re.compile(r"(?<![^\W_])@")


def headline_of(message: Message) -> str:
    """One line that can stand alone, with the number by which people speak of it."""
    incident = message.content.incident
    line = message.brief.partition("\n")[0] or message.subject
    # Answers are matched by it, so it is always the first word.
    if incident is not None and not line.startswith(incident.number):
        line = f"{incident.number} · {line}"
    return one_line(line, MAX_HEADLINE_CHARS)


def facts_of(message: Message) -> str:
    """The first paragraph of the text, of a summary also the list, without the line that the headline repeats; cut
    where it gets too long."""
    paragraphs = message.text.strip().split("\n\n")[: 1 if message.content.summary is None else 2]
    lines = [one_line(line, MAX_FACT_CHARS) for paragraph in paragraphs for line in paragraph.splitlines()]
    if lines and lines[0] == one_line(message.brief.partition("\n")[0], MAX_FACT_CHARS):
        lines = lines[1:]
    facts = "\n".join(line for line in lines[:MAX_FACTS] if line)
    return facts if len(facts) <= MAX_FACTS_CHARS else facts[: MAX_FACTS_CHARS - 1] + "…"


def pieces(text: str) -> Iterator[tuple[str, bool]]:
    """The text in order, each piece with whether it is an ordinary web address; none is empty."""
    end = 0
    for found in _URL.finditer(text):
        url = found.group().rstrip(".,;:!?)]")
        if not web_link(url):
            continue
        if found.start() > end:
            yield text[end : found.start()], False
        yield url, True
        end = found.start() + len(url)
    if end < len(text):
        yield text[end:], False


def calling_nobody(text: str) -> str:
    """The same to look at, but an @ that could call a person or a whole channel has an invisible space after it."""
    return _CALLING_AT.sub("@\u200b", text)
