"""How numbers are put in front of people, the same everywhere."""

import difflib
from collections.abc import Sequence
from datetime import timedelta

WORTH_NAMING = 0.01
"""Candidates less likely than this are not named to people."""

TELL_APART = "to tell them apart: "
"""How the line of evidence begins that says which look would decide between candidates."""


def percent(confidence: float) -> str:
    """A probability as people read it; neither certainty nor impossibility is ever claimed."""
    if confidence >= 0.99:
        return "over 99 %"
    return "under 1 %" if confidence < WORTH_NAMING else f"{confidence * 100:.0f} %"


def span_parts(length: timedelta) -> list[tuple[int, str]]:
    """Its greatest unit and the one below, each with how many: units are d, h, min and s; what is none is left out."""
    seconds = max(0, int(length.total_seconds()))
    parts = []
    for unit, size in (("d", 86_400), ("h", 3_600), ("min", 60), ("s", 1)):
        count, seconds = divmod(seconds, size)
        parts.append((count, unit))
    first = next((i for i, (count, _) in enumerate(parts) if count), len(parts) - 1)
    return [(count, unit) for count, unit in parts[first : first + 2] if count] or [(0, "s")]


def span(length: timedelta) -> str:
    """About how long, as in `3 d 4 h`; `0 s` where it is less than a second."""
    return " ".join(f"{count} {unit}" for count, unit in span_parts(length))


def one_of(word: str, words: Sequence[str]) -> str:
    """That a word is none of those allowed, and which may have been meant."""
    near = difflib.get_close_matches(word.casefold(), words, n=1)
    meant = f'did you mean "{near[0]}"? ' if near else ""
    return f'"{word[:60]}" is not known; {meant}allowed: {", ".join(words)}'
