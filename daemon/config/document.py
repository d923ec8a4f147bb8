"""A YAML file as plain values that remember where they stand and where they came from.

Stricter than PyYAML: a key given twice is an error, words are read as YAML 1.2 does (`yes` and `12:30:45` are
text), tags are refused, and `${NAME}` in a string is filled in from the environment.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, ClassVar

import yaml

from cmdb.problems import Problem
from daemon.errors import ConfigError

Loc = tuple[str | int, ...]
LARGEST_FILE = 4 * 2**20
MOST_VALUES = 200_000
_DEEPEST = 50
_PLAIN_TAGS = frozenset(f"tag:yaml.org,2002:{kind}" for kind in ("str", "map", "seq"))

_INT = re.compile(r"[-+]?[0-9]{1,18}", re.ASCII)
_FLOAT = re.compile(r"[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?", re.ASCII)
_VARIABLE = re.compile(r"\$\$\{|\$\{([^}]*)\}|\$\{", re.ASCII)
_NAME = re.compile(r"([A-Za-z_][A-Za-z0-9_]*)(?::-(.*))?", re.ASCII | re.DOTALL)
_WORDS: dict[str, object] = {
    **dict.fromkeys(("", "~", "null", "Null", "NULL")),
    **dict.fromkeys(("true", "True", "TRUE"), True),
    **dict.fromkeys(("false", "False", "FALSE"), False),
}


class Filled(str):
    """A string that holds values of the environment, which may be secret: `written` is what stands in the file."""

    __slots__ = ("written",)
    written: str


@dataclass(slots=True)
class Document:
    """What a file says: `value`, and the line of every key and list item in it by its place."""

    file: str
    value: Any = None
    lines: dict[Loc, int] = field(default_factory=dict)
    problems: list[Problem] = field(default_factory=list)
    _faulty: set[Loc] = field(default_factory=set)

    def line(self, loc: Loc) -> int:
        """Line of the value at `loc`, or of the nearest that encloses it."""
        while loc and loc not in self.lines:
            loc = loc[:-1]
        return self.lines.get(loc, 1)

    def problem(self, loc: Loc, what: str, allowed: str = "") -> None:
        """Note a mistake at `loc`; only the first of a place, for what follows from it is not another."""
        if loc in self._faulty:
            return
        self._faulty.add(loc)
        self.problems.append(Problem(file=self.file, line=self.line(loc), what=what, allowed=allowed))


# Untagged scalars keep the tag of text: no word is read before this file's own rules read it.
class _Loader(getattr(yaml, "CSafeLoader", yaml.SafeLoader)):  # type: ignore[misc]
    yaml_implicit_resolvers: ClassVar[dict[str, Any]] = {}


def read_document(path: Path, *, environ: Mapping[str, str], shown: str = "") -> Document:
    """The file at `path`; mistakes inside it are in `problems`.

    Raises ConfigError where it cannot be read at all: missing, unreadable, too large, not UTF-8, not YAML.
    """
    file = shown or str(path)
    document = Document(file=file)
    try:
        loader = _Loader(_read_text(path, file))
        try:
            node = loader.get_single_node()
        finally:
            loader.dispose()
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        raise _refusal(
            file, f"this is not YAML: {error.problem or error.context}", line=mark.line + 1 if mark else 0
        ) from None
    except (yaml.YAMLError, RecursionError) as error:
        raise _refusal(file, f"this is not YAML: {str(error).splitlines()[0]}") from None
    if node is not None:
        document.value = _Reader(document, environ).value(node, ())
    return document


def _read_text(path: Path, file: str) -> str:
    try:
        with path.open("rb") as stream:
            raw = stream.read(LARGEST_FILE + 1)
    except OSError as error:
        raise _refusal(file, f"the file cannot be read: {error.strerror or error}") from None
    if len(raw) > LARGEST_FILE:
        raise _refusal(file, f"the file is larger than {LARGEST_FILE >> 20} MiB")
    try:
        return raw.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise _refusal(file, "the file is not UTF-8 text", line=raw.count(b"\n", 0, error.start) + 1) from None


def _refusal(file: str, what: str, *, line: int = 0) -> ConfigError:
    return ConfigError([Problem(file=file, line=line, what=what)])


class _Reader:
    """Walks the nodes once, noting lines and mistakes."""

    def __init__(self, document: Document, environ: Mapping[str, str]) -> None:
        self._document = document
        self._environ = environ
        self._count = 0

    def value(self, node: yaml.Node, loc: Loc) -> Any:
        self._document.lines.setdefault(loc, node.start_mark.line + 1)
        self._count += 1
        if self._count > MOST_VALUES or len(loc) > _DEEPEST:
            raise _refusal(
                self._document.file,
                "the file holds too many or too deeply nested values",
                line=node.start_mark.line + 1,
            )
        if node.tag not in _PLAIN_TAGS:
            self._document.problem(loc, f"the tag {node.tag} is not allowed", "allowed: plain YAML without tags")
        if isinstance(node, yaml.MappingNode):
            return self._mapping(node, loc)
        if isinstance(node, yaml.SequenceNode):
            return [self.value(item, (*loc, index)) for index, item in enumerate(node.value)]
        return self._scalar(node, loc)

    def _mapping(self, node: yaml.MappingNode, loc: Loc) -> dict[str, Any]:
        result: dict[str, Any] = {}
        for key_node, value_node in node.value:
            line = key_node.start_mark.line + 1
            if not isinstance(key_node, yaml.ScalarNode):
                self._add(line, "a key must be a word")
                continue
            key = str(key_node.value)
            place = (*loc, key)
            if key in result:
                self._add(line, f'the key "{key}" stands here twice', f"first on line {self._document.lines[place]}")
                continue
            self._document.lines[place] = line
            result[key] = self.value(value_node, place)
        return result

    def _add(self, line: int, what: str, allowed: str = "") -> None:
        self._document.problems.append(Problem(file=self._document.file, line=line, what=what, allowed=allowed))

    def _scalar(self, node: Any, loc: Loc) -> Any:
        text = str(node.value)
        if not node.style:  # plain: neither quoted nor a block
            if text in _WORDS:
                return _WORDS[text]
            if _INT.fullmatch(text):
                return int(text)
            if _FLOAT.fullmatch(text):
                return float(text)
        return self._filled(text, loc) if "${" in text else text

    def _filled(self, text: str, loc: Loc) -> str:
        def fill(found: re.Match[str]) -> str:
            if found[0] == "$${":
                return "${"
            name = _NAME.fullmatch(found[1]) if found[1] is not None else None
            if name is None:
                self._document.problem(
                    loc,
                    f"{found[0]} is not the name of a variable",
                    "allowed: ${NAME}, ${NAME:-default}, or $${ for the characters ${",
                )
                return ""
            value = self._environ.get(name[1], name[2])
            if value is None:
                self._document.problem(
                    loc,
                    f"the environment has no variable {name[1]}",
                    f"allowed: set it, or write ${{{name[1]}:-default}}",
                )
            return value or ""

        result = Filled(_VARIABLE.sub(fill, text))
        result.written = text
        return result
