"""Alertmanager's matchers over labels: `name="value"`, `!=`, `=~`, `!~`. A label that is absent counts as empty.

Expressions are RE2's, as in Alertmanager, and must match the whole value. RE2 takes time linear in the value whatever
the expression, so that nobody can keep the process busy with one.
"""

import json
import re
from collections.abc import Callable, Iterable, Mapping
from functools import lru_cache
from typing import Any

import msgspec
import re2

MAX_MATCHERS = 32
MAX_NAME = 256
MAX_VALUE = 4096
_MAX_TEXT = 8192
_MATCHER = re.compile(r'\s*([a-zA-Z_][\w.:-]*|"(?:[^"\\]|\\.)*")\s*(=~|!~|!=|=)\s*(.*?)\s*', re.DOTALL | re.ASCII)
_OPERATORS = {"=": (False, True), "!=": (False, False), "=~": (True, True), "!~": (True, False)}
_WORDS = {kind: operator for operator, kind in _OPERATORS.items()}
# Memory that one expression may take; a larger one is refused.
_MOST_BYTES = 1 << 20

Matches = Callable[[Mapping[str, str]], bool]


class Matcher(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """One condition on one label. `value` is an expression for the whole value where `is_regex` is set."""

    name: str
    value: str
    is_regex: bool = False
    is_equal: bool = True

    @property
    def text(self) -> str:
        """As people write it."""
        return f"{self.name}{_WORDS[self.is_regex, self.is_equal]}{json.dumps(self.value, ensure_ascii=False)}"


def parse_matchers(texts: Iterable[str]) -> tuple[Matcher, ...]:
    """Matchers as people write them. ValueError says which one cannot be used."""
    parsed = tuple(parse_matcher(text) for text in texts)
    if len(parsed) > MAX_MATCHERS:
        raise ValueError(f"at most {MAX_MATCHERS} matchers are taken")
    return parsed


def parse_matcher(text: str) -> Matcher:
    """The matcher that `text` means; ValueError where it means none or its expression cannot be used."""
    found = _MATCHER.fullmatch(text.strip().removeprefix("{").removesuffix("}")) if len(text) <= _MAX_TEXT else None
    if found is None:
        raise ValueError(f'{text[:80]!r} is no matcher such as alertname="DiskFull"')
    is_regex, is_equal = _OPERATORS[found[2]]
    matcher = Matcher(name=_unquoted(found[1]), value=_unquoted(found[3]), is_regex=is_regex, is_equal=is_equal)
    if wrong := fault_of(matcher):
        raise ValueError(wrong[1])
    return matcher


def fault_of(matcher: Matcher) -> tuple[str, str] | None:
    """The field that is wrong with a matcher, `name` or `value`, and how; None where it can be used."""
    if not matcher.name.strip() or len(matcher.name) > MAX_NAME:
        return "name", f"a label's name must have 1 to {MAX_NAME} characters"
    if len(matcher.value) > MAX_VALUE:
        return "value", f"is longer than {MAX_VALUE} characters"
    if matcher.is_regex:
        try:
            _compiled(matcher.value)
        except ValueError as error:
            return "value", str(error)
    return None


def matches_empty(matcher: Matcher) -> bool:
    """Whether it holds for alerts that lack the label."""
    return all_of((matcher,))({})


def all_of(matchers: Iterable[Matcher]) -> Matches:
    """Whether labels meet all of these. ValueError where an expression cannot be used."""
    tests = [_test(matcher) for matcher in matchers]
    return lambda labels: all(test(labels) for test in tests)


def _test(matcher: Matcher) -> Matches:
    name, value, wanted = matcher.name, matcher.value, matcher.is_equal
    if not matcher.is_regex:
        return lambda labels: (labels.get(name, "") == value) is wanted
    pattern = _compiled(value)
    return lambda labels: (pattern.fullmatch(labels.get(name, "")) is not None) is wanted


@lru_cache(maxsize=4096)
def _compiled(text: str) -> Any:
    options = re2.Options()
    options.log_errors = False
    options.max_mem = _MOST_BYTES
    try:
        return re2.compile(text, options)
    except re2.error as error:
        reason = error.args[0] if error.args else error
        words = reason.decode("utf-8", "replace") if isinstance(reason, bytes) else str(reason)
        raise ValueError(f"{text[:80]!r} is no regular expression of RE2's: {words[:200]}") from None


def _unquoted(text: str) -> str:
    if len(text) >= 2 and text[0] == text[-1] == '"':
        try:
            return str(json.loads(text))
        except ValueError:
            return text[1:-1]
    return text
