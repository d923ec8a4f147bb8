"""Alertmanager's matchers: `name="value"`, `!=`, `=~`, `!~`, as amtool and Grafana send them."""

import json
import re
from collections.abc import Callable, Iterable, Mapping

MAX_MATCHERS = 32
_MAX_TEXT = 1024
_MATCHER = re.compile(r'\s*([a-zA-Z_][\w.:-]*|"(?:[^"\\]|\\.)*")\s*(=~|!~|!=|=)\s*(.*?)\s*', re.DOTALL | re.ASCII)
# Python's engine backtracks where Alertmanager's does not: a repeated group, a reference, or too many groups and
# repetitions could keep the process busy for hours.
_DANGEROUS = re.compile(r"\)[*+?{]|\(\?[^:]|\\[1-9]")
_REPETITION = re.compile(r"(?<!\\)(?<!\()[*+?{]")
_MAX_REPETITIONS = 2
_MAX_GROUPS = 3
_MAX_PATTERN = 512

Matches = Callable[[Mapping[str, str]], bool]


def parse_matchers(texts: Iterable[str]) -> Matches:
    """A predicate over labels that all these matchers must hold for. ValueError says which one cannot be used."""
    parsed = [_parse(text) for text in texts]
    if len(parsed) > MAX_MATCHERS:
        raise ValueError(f"at most {MAX_MATCHERS} matchers are taken")
    return lambda labels: all(matches(labels) for matches in parsed)


def _parse(text: str) -> Matches:
    found = _MATCHER.fullmatch(text.strip().removeprefix("{").removesuffix("}")) if len(text) <= _MAX_TEXT else None
    if found is None:
        raise ValueError(f'{text[:80]!r} is no matcher such as alertname="DiskFull"')
    name, operator, value = _unquoted(found[1]), found[2], _unquoted(found[3])
    if operator == "=":
        return lambda labels: labels.get(name, "") == value
    if operator == "!=":
        return lambda labels: labels.get(name, "") != value
    pattern = _pattern(value)
    wanted = operator == "=~"
    return lambda labels: (pattern.fullmatch(labels.get(name, "")) is not None) is wanted


def _unquoted(text: str) -> str:
    if len(text) >= 2 and text[0] == text[-1] == '"':
        try:
            return str(json.loads(text))
        except ValueError:
            return text[1:-1]
    return text


def _pattern(text: str) -> re.Pattern[str]:
    is_plain = len(_REPETITION.findall(text)) <= _MAX_REPETITIONS and text.count("(") <= _MAX_GROUPS
    if len(text) > _MAX_PATTERN or _DANGEROUS.search(text) or not is_plain:
        raise ValueError(f"the expression {text[:80]!r} is too involved")
    try:
        return re.compile(text, re.DOTALL)
    except re.error as error:
        raise ValueError(f"{text[:80]!r} is no regular expression: {error}") from None
