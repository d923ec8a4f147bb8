"""The fast way to read a CMDB that is JSON. It keeps no lines: whatever it doubts is left to the thorough way."""

import json
import re
from collections.abc import Callable
from typing import Annotated, Any, Literal

import msgspec

from cmdb.importers.entry import CRITICALITIES, STRENGTHS, is_legal_id
from cmdb.importers.file_entries import FileEntries
from cmdb.model import CI, Dependency, Strength, Users

_START = re.compile(r'[ \t\r\n]*\{[ \t\r\n]*"cis"[ \t\r\n]*:[ \t\r\n]*\[[ \t\r\n]*')
_BETWEEN = re.compile(r"[ \t\r\n]*(,|\])[ \t\r\n]*")
_REST = re.compile(r"[ \t\r\n]*\}[ \t\r\n]*\Z")
_LONGEST_TEXT = 4096
# Escapes that may stand for no character at all (half a surrogate pair) or for one no database takes (NUL).
_ODD_ESCAPE = re.compile(r"\\u(?:[dD][89a-fA-F]|0000)")


class Doubt(Exception):
    """The text is not certainly right: read it the thorough way."""


class _Link(msgspec.Struct, forbid_unknown_fields=True):
    ci: str | None = None
    any_of: list[str] | None = None
    need: int | None = None
    strength: Literal["hard", "soft"] = "hard"


class _Users(msgspec.Struct, forbid_unknown_fields=True):
    count: Annotated[int, msgspec.Meta(ge=0, le=999_999_999)]
    kind: Annotated[str, msgspec.Meta(max_length=_LONGEST_TEXT)] = msgspec.field(default="", name="class")


class _Entry(msgspec.Struct, forbid_unknown_fields=True):
    id: str
    type: str = "unknown"
    name: str = ""
    criticality: Literal["low", "medium", "high", "critical"] | None = None
    owner: str = ""
    aliases: list[str] = []
    match: list[dict[str, str]] = []
    depends_on: list[str | _Link] = []
    users: _Users | None = None


def read_plain_json(text: str, file: str) -> FileEntries:
    """The CIs of a JSON text that has nothing wrong in itself; one is decoded at a time. Raises `Doubt`."""
    start = _START.match(text)
    if start is None or _ODD_ESCAPE.search(text):
        raise Doubt
    entries = FileEntries(file=file)
    add = _Converter().ci
    try:
        end = _read_items(text, start.end(), lambda item: entries.cis.append(add(item)))
    except (ValueError, RecursionError, msgspec.ValidationError):
        raise Doubt from None
    if not _REST.match(text, end):
        raise Doubt
    return entries


def _read_items(text: str, position: int, take: Callable[[Any], None]) -> int:
    """Decode the items of the list that `position` is in; returns where it has ended."""
    decode = json.JSONDecoder(object_pairs_hook=_without_duplicates).raw_decode
    if text.startswith("]", position):
        return position + 1
    while True:
        item, position = decode(text, position)
        take(item)
        mark = _BETWEEN.match(text, position)
        if mark is None:
            raise Doubt
        position = mark.end()
        if mark[1] == "]":
            return position


def _without_duplicates(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise Doubt
    return found


class _Converter:
    def __init__(self) -> None:
        self._texts: dict[str, str] = {}
        self._ids: dict[str, str] = {}
        self._plain: dict[tuple[str, Strength], Dependency] = {}

    def ci(self, item: Any) -> CI:
        entry = msgspec.convert(item, _Entry)
        if max(len(entry.type), len(entry.name), len(entry.owner)) > _LONGEST_TEXT:
            raise Doubt
        return CI(
            id=self._id(entry.id),
            type=self._text(entry.type or "unknown"),
            name=entry.name,
            criticality=None if entry.criticality is None else CRITICALITIES[entry.criticality],
            owner=self._text(entry.owner),
            aliases=tuple([self._id(alias) for alias in entry.aliases]),
            match=tuple([self._labels(labels) for labels in entry.match]),
            depends_on=tuple([self._dependency(entry.id, link) for link in entry.depends_on]),
            users=self._users(entry.users),
        )

    def _users(self, users: _Users | None) -> Users | None:
        return None if users is None else Users(count=users.count, kind=self._text(users.kind))

    def _text(self, text: str) -> str:
        return self._texts.setdefault(text, text)

    def _id(self, text: str) -> str:
        known = self._ids.get(text)
        if known is not None:
            return known
        if not is_legal_id(text):
            raise Doubt
        return self._ids.setdefault(text, text)

    def _labels(self, labels: dict[str, str]) -> tuple[tuple[str, str], ...]:
        if not labels or "" in labels or any(len(part) > _LONGEST_TEXT for pair in labels.items() for part in pair):
            raise Doubt
        return tuple([(self._text(name), self._text(value)) for name, value in labels.items()])

    def _dependency(self, ci_id: str, link: str | _Link) -> Dependency:
        if isinstance(link, str):
            return self._plain_dependency(ci_id, link, Strength.HARD)
        strength = STRENGTHS[link.strength]
        if link.any_of is None and link.need is None and link.ci is not None:
            return self._plain_dependency(ci_id, link.ci, strength)
        members, need = link.any_of or [], 1 if link.need is None else link.need
        if link.ci is not None or ci_id in members or len(set(members)) < len(members) or not 1 <= need <= len(members):
            raise Doubt
        return Dependency(providers=tuple([self._id(member) for member in members]), need=need, strength=strength)

    def _plain_dependency(self, ci_id: str, provider: str, strength: Strength) -> Dependency:
        known = self._plain.get((provider, strength))
        if known is None:
            known = Dependency(providers=(self._id(provider),), strength=strength)
            self._plain[provider, strength] = known
        if provider == ci_id:
            raise Doubt
        return known
