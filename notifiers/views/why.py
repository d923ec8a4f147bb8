"""Why somebody gets a notice, in their own words."""

import re
from collections.abc import Iterator

from notifiers.language import marked
from notifiers.reader import Reader
from notifiers.wording import one_line
from rules.document import NoticeContent

MAX_WHY = 5

_SUBSCRIBED = re.compile(r"the subscription (?P<name>.+) asks for it")
_KNOWN = {
    "you watch it": marked("you watch it"),
    "you have reported it": marked("you have reported it"),
}


def why_lines(content: NoticeContent, reader: Reader, audience: str) -> tuple[str, ...]:
    """The reasons, each once. Those of calls speak of the inside, so only operators are told them as they are."""
    return tuple(dict.fromkeys(_lines(content, reader, is_operator=audience == "operator")))[:MAX_WHY]


def _lines(content: NoticeContent, reader: Reader, *, is_operator: bool) -> Iterator[str]:
    for line in content.why:
        subscribed = _SUBSCRIBED.fullmatch(line)
        if line in _KNOWN:
            yield reader.gettext(_KNOWN[line])
        elif subscribed is not None:
            yield reader.gettext("the subscription %(name)s asks for it", name=one_line(subscribed["name"], 200))
        elif is_operator:
            yield one_line(line, 300)
        else:
            yield reader.gettext("you are one of those who are called for it")
