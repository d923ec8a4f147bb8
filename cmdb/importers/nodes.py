"""The entries of a CMDB file as small trees with line numbers, one at a time."""

from collections.abc import Iterator
from typing import TypeAlias

import msgspec

from cmdb.importers.events import Event, Kind
from cmdb.importers.remarks import Remarks, allowed_words, shown

_DEEPEST = 20
# How much anchors may multiply a file: a handful of nested ones could otherwise stand for billions of values.
_MOST_BY_ALIASES = 1_000_000
_NULLS = frozenset({"", "~", "null", "Null", "NULL"})


class Scalar(msgspec.Struct, gc=False):
    """A single value, as the text its owner wrote; None in place of the text where nothing or `null` was written."""

    line: int
    text: str | None


class Sequence(msgspec.Struct):
    """A list."""

    line: int
    items: "list[Node]"


class Mapping(msgspec.Struct):
    """Keys and values in the order written, keys given twice included."""

    line: int
    pairs: "list[tuple[Node, Node]]"


Node: TypeAlias = Scalar | Sequence | Mapping


def entries(events: Iterator[Event], remarks: Remarks) -> Iterator[Node]:
    """The items of the list `cis` of a file, one by one. Raises `Malformed` where nothing further can be read."""
    return _Composer(events, remarks).entries()


class _Composer:
    def __init__(self, events: Iterator[Event], remarks: Remarks) -> None:
        self._events = events
        self._remarks = remarks
        self._count = 0
        self._by_aliases = 0
        self._anchors: dict[str, tuple[Node, int]] = {}

    def entries(self) -> Iterator[Node]:
        document = next(self._events, None)
        root = next(self._events, None) if document is not None else None
        if root is None or root.kind is not Kind.MAPPING:
            line = 0 if root is None else root.line
            raise self._remarks.fatal(line, "the file must be a mapping with the key cis", "allowed: cis: and a list")
        seen: dict[str, int] = {}
        while (key := next(self._events)).kind is not Kind.END:
            if self._is_cis(key, seen):
                yield from self._items(next(self._events))
            else:
                self._node(next(self._events), 1)
        if "cis" not in seen:
            self._remarks.add(root.line, "the key cis is missing", "allowed: cis: and the list of all CIs")
        for event in self._events:
            if event.kind is Kind.DOCUMENT:
                raise self._remarks.fatal(event.line, "a second document begins here", "allowed: one document")

    def _is_cis(self, key: Event, seen: dict[str, int]) -> bool:
        """Whether the entries come next; a key that is not allowed is noted."""
        if key.kind is not Kind.SCALAR:
            raise self._remarks.fatal(key.line, "a key must be a word", "allowed: cis")
        if key.text != "cis":
            self._remarks.add(key.line, f"unknown key {shown(key.text)}", allowed_words(key.text, ("cis",)))
        elif "cis" in seen:
            self._remarks.add(key.line, 'the key "cis" stands here twice', f"it first stands on line {seen['cis']}")
        first = key.text == "cis" and "cis" not in seen
        seen.setdefault(key.text, key.line)
        return first

    def _items(self, start: Event) -> Iterator[Node]:
        if start.kind is Kind.SEQUENCE:
            while (event := next(self._events)).kind is not Kind.END:
                yield self._node(event, 2)
            return
        node = self._node(start, 1)
        if not isinstance(node, Scalar) or node.text is not None:
            self._remarks.add(start.line, "cis must be a list", 'allowed: one "- id: …" for every CI')

    def _node(self, event: Event, depth: int) -> Node:
        if depth > _DEEPEST:
            raise self._remarks.fatal(event.line, "values are nested too deeply", f"allowed: {_DEEPEST} levels")
        before = self._count
        self._count += 1
        node: Node
        if event.kind is Kind.SCALAR:
            node = Scalar(event.line, None if event.plain and event.text in _NULLS else event.text)
        elif event.kind is Kind.ALIAS:
            return self._anchored(event)
        elif event.kind is Kind.SEQUENCE:
            node = Sequence(event.line, [])
            while (item := next(self._events)).kind is not Kind.END:
                node.items.append(self._node(item, depth + 1))
        else:
            node = Mapping(event.line, [])
            while (key := next(self._events)).kind is not Kind.END:
                key_node = self._node(key, depth + 1)
                node.pairs.append((key_node, self._node(next(self._events), depth + 1)))
        if event.anchor is not None:
            self._anchors[event.anchor] = (node, self._count - before)
        return node

    def _anchored(self, event: Event) -> Node:
        if event.text not in self._anchors:
            raise self._remarks.fatal(event.line, f"no anchor &{event.text} stands before this alias of it")
        node, size = self._anchors[event.text]
        self._count += size
        self._by_aliases += size
        if self._by_aliases > _MOST_BY_ALIASES:
            raise self._remarks.fatal(
                event.line,
                "the aliases of this file stand for too many values",
                f"allowed: {_MOST_BY_ALIASES} values by aliases",
            )
        return node
