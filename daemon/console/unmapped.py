"""Alerts that map to no CI: which CI each may mean, and the lines that say so in the CMDB's file."""

import re
from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

import yaml
from rapidfuzz import fuzz, process

from cmdb.graph import Estate
from cmdb.model import CI
from rules.alert import Alert
from rules.policy import MAPPING_LABELS
from rules.resolve import UNKNOWN_PREFIX, subject_of, without_port

ALIKE = 75.0
"""From this likeness on (0 to 100, `rapidfuzz.fuzz.ratio`) a CI is suggested. It is a hint, never a mapping: of two
names that differ in one digit either may be meant."""
MOST_SUGGESTED = 3
MOST_COMPARED = 4_000
_EDGE = 3
_LARGEST_FILE = 64 * 2**20
_PASSING = frozenset({"alertname", "severity", "alertgroup", "prometheus", "monitor"})
"""Labels that say what is wrong, or who says it, not about what."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Suggestion:
    """A CI that may be meant: by which of its names, and how alike that is, in percent."""

    ci: CI
    name: str
    likeness: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Group:
    """Alerts about the same unknown thing: the newest of them, and how many there are."""

    subject: str
    alert: Alert
    count: int
    suggestions: tuple[Suggestion, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Lines:
    """What to write where: `file` and `line` of the CI's entry, empty and 0 where it was not found.

    `is_added` says that the text goes below the `match` that the entry has; `is_flow` that the entry stands in braces.
    """

    file: str
    line: int
    text: str
    is_added: bool
    is_flow: bool


class Suggester:
    """Suggests CIs of one estate. Names are compared in lower case, without domain and punctuation."""

    def __init__(self, estate: Estate) -> None:
        self._estate = estate
        self._exact: dict[str, list[tuple[str, str]]] = {}
        self._edges: defaultdict[tuple[bool, str], list[str]] = defaultdict(list)
        self._known: dict[str, tuple[Suggestion, ...]] = {}
        for ci in estate:
            for name in (ci.id, *ci.aliases):
                key = bare(name)
                if key and key not in self._exact:
                    self._edges[False, key[:_EDGE]].append(key)
                    self._edges[True, key[-_EDGE:]].append(key)
                self._exact.setdefault(key, []).append((ci.id, name))

    def suggest(self, subject: str) -> tuple[Suggestion, ...]:
        """The CIs that are called nearly so, the most alike first; those whose bare name is the same before all."""
        key = bare(subject)
        if key not in self._known:
            self._known[key] = tuple(islice(self._found(key), MOST_SUGGESTED)) if key else ()
        return self._known[key]

    def _found(self, key: str) -> Iterator[Suggestion]:
        seen: set[str] = set()
        for name, score in [(key, 100.0)] if key in self._exact else self._alike(key):
            for ci, spelt in self._exact[name]:
                if ci not in seen:
                    seen.add(ci)
                    yield Suggestion(ci=self._estate.ci(ci), name=spelt, likeness=int(score))

    def _alike(self, key: str) -> list[tuple[str, float]]:
        """Names that begin or end alike; the others are not compared."""
        edges = (True, key[-_EDGE:]), (False, key[:_EDGE])
        near = dict.fromkeys(name for edge in edges for name in self._edges.get(edge, ())[:MOST_COMPARED])
        found = process.extract(key, list(near), scorer=fuzz.ratio, score_cutoff=ALIKE, limit=MOST_SUGGESTED)
        return [(name, score) for name, score, _ in found]


def bare(name: str) -> str:
    """The name in lower case, without its domain, port and punctuation."""
    host = without_port(name.strip().casefold())
    is_address = ":" in host or (host[:1].isdigit() and host.replace(".", "").isdigit())
    return "".join(filter(str.isalnum, host if is_address else host.partition(".")[0]))


def groups_of(
    alerts: Sequence[Alert], suggester: Suggester | None, order: Sequence[str], page: slice
) -> tuple[int, list[Group]]:
    """How many unknown things the alerts are about, and some of them, in the order given, with what may be meant."""
    by_subject: dict[str, list[Alert]] = {}
    for alert in alerts:
        by_subject.setdefault(subject_of(alert.labels, order), []).append(alert)
    groups = []
    for subject, found in list(by_subject.items())[page]:
        name, newest = subject.removeprefix(UNKNOWN_PREFIX), found[0]
        is_named = any(newest.labels.get(label) for label in order)
        meant = suggester.suggest(name) if suggester is not None and is_named else ()
        groups.append(Group(subject=name, alert=newest, count=len(found), suggestions=meant))
    return len(by_subject), groups


def match_of(alert: Alert, order: Sequence[str] = MAPPING_LABELS) -> dict[str, str]:
    """The labels by which the CI's `match` knows such alerts: the first that should name a CI, else all that are not
    about the fault itself."""
    for label in order:
        if value := alert.labels.get(label):
            return {label: value}
    named = {name: value for name, value in sorted(alert.labels.items()) if name not in _PASSING}
    return named or {"alertname": alert.name}


def lines_for(ci: CI, match: dict[str, str], files: Sequence[Path]) -> Lines:
    """The lines to write at the CI's entry. Its file is looked through for the entry; nothing is written."""
    pair = yaml.safe_dump(match, default_flow_style=True, allow_unicode=True, width=10**6).strip()
    file, line, before = _place_of(ci.id, files)
    if "{" in before:
        text = pair if ci.match else f"match: [{pair}]"
    else:
        indent = " " * len(before)
        text = f"{indent}  - {pair}" if ci.match else f"{indent}match:\n{indent}  - {pair}"
    return Lines(file=file, line=line, text=text, is_added=bool(ci.match), is_flow="{" in before)


def _place_of(ci: str, files: Sequence[Path]) -> tuple[str, int, str]:
    """The file and line of the entry, and what stands before its key; the only file and 0 where it is not found."""
    entry = re.compile(rf"""^([-{{,\s]*)["']?id["']?\s*:\s*(["']?){re.escape(ci)}\2\s*(?:[,}}#].*)?$""")
    for file in files:
        try:
            if file.stat().st_size > _LARGEST_FILE:
                continue
            with file.open(encoding="utf-8", errors="replace") as lines:
                for number, line in enumerate(lines, start=1):
                    if ci in line and (found := entry.match(line)):
                        return str(file), number, found[1]
        except OSError:
            continue
    return (str(files[0]) if len(files) == 1 else "", 0, "    ")
