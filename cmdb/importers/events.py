"""A YAML or JSON text as a stream of events with line numbers, small enough in memory for the largest estates.

Scalars are never interpreted: `yes`, `08` and `12:30:45` stay the text their owner wrote.
"""

import enum
import json
import re
from collections.abc import Iterator
from typing import Any, NamedTuple

import yaml
from yaml.reader import ReaderError

from cmdb.importers.remarks import Remarks, shown

_LOADER: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
_TEXT_TAGS = frozenset({"!", "tag:yaml.org,2002:str"})
_PLAIN_TAGS = frozenset({None, "tag:yaml.org,2002:seq", "tag:yaml.org,2002:map"})
_JSON_TOKEN = re.compile(
    r"""[ \t\r\n]*(?: ([{}\[\],:]) | ("(?:[^"\\]|\\.)*") | ([^\s,\]}:]+) )""", re.VERBOSE | re.DOTALL
)


class Kind(enum.Enum):
    """What begins or stands at a place of the text."""

    SCALAR = enum.auto()
    SEQUENCE = enum.auto()
    MAPPING = enum.auto()
    END = enum.auto()
    ALIAS = enum.auto()
    DOCUMENT = enum.auto()


class Event(NamedTuple):
    """One step through the text. `text` is a scalar's value as written or an alias's anchor; `plain` is unquoted."""

    kind: Kind
    line: int
    text: str = ""
    plain: bool = False
    anchor: str | None = None


def yaml_events(raw: bytes, remarks: Remarks) -> Iterator[Event]:
    """The events of a YAML text. Raises `Malformed` where it is not YAML."""
    try:
        for event in yaml.parse(raw, Loader=_LOADER):
            found = _event(event, remarks)
            if found is not None:
                yield found
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        line = mark.line + 1 if mark else 0
        raise remarks.fatal(line, f"this is not YAML: {error.problem or error.context}") from None
    except ReaderError as error:
        line = raw.count(b"\n", 0, error.position) + 1
        raise remarks.fatal(line, f"this is not YAML: {error.reason}") from None


def _event(event: Any, remarks: Remarks) -> Event | None:
    kind = type(event)
    line = event.start_mark.line + 1
    if kind is yaml.ScalarEvent:
        plain = not event.style
        if event.tag is not None:
            plain = False
            _check_tag(event, line, _TEXT_TAGS, remarks)
        return Event(Kind.SCALAR, line, event.value, plain, event.anchor)
    if kind is yaml.MappingStartEvent or kind is yaml.SequenceStartEvent:
        _check_tag(event, line, _PLAIN_TAGS, remarks)
        return Event(Kind.MAPPING if kind is yaml.MappingStartEvent else Kind.SEQUENCE, line, anchor=event.anchor)
    if kind is yaml.MappingEndEvent or kind is yaml.SequenceEndEvent:
        return Event(Kind.END, line)
    if kind is yaml.AliasEvent:
        return Event(Kind.ALIAS, line, event.anchor)
    return Event(Kind.DOCUMENT, line) if kind is yaml.DocumentStartEvent else None


def _check_tag(event: Any, line: int, tags: frozenset[str | None] | frozenset[str], remarks: Remarks) -> None:
    if event.tag not in tags:
        remarks.add(line, f"the tag {shown(event.tag)} is not understood", "allowed: plain YAML without tags")


def json_events(text: str) -> Iterator[Event]:
    """The events of a text that is known to be JSON. YAML readers refuse some of it, such as tabs and surrogates."""
    line, last = 1, 0
    yield Event(Kind.DOCUMENT, line)
    for token in _JSON_TOKEN.finditer(text):
        start = token.end() - len(token[token.lastindex or 0])
        line += text.count("\n", last, start)
        last = start
        mark, quoted, bare = token.groups()
        if quoted is not None:
            yield Event(Kind.SCALAR, line, _json_string(quoted))
        elif bare is not None:
            yield Event(Kind.SCALAR, line, bare, plain=True)
        elif mark == "{":
            yield Event(Kind.MAPPING, line)
        elif mark == "[":
            yield Event(Kind.SEQUENCE, line)
        elif mark in "}]":
            yield Event(Kind.END, line)


def _json_string(quoted: str) -> str:
    """The text of a JSON string, with a mark in place of half a surrogate pair, which is no character."""
    text = str(json.loads(quoted, strict=False))
    return text if text.isprintable() else text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
