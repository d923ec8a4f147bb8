"""Filters that live in a page's address: a view can be kept and sent."""

from collections.abc import Mapping, Sequence
from urllib.parse import urlencode


def address_of(
    path: str, chosen: Mapping[str, Sequence[str]], once: Mapping[str, str], changed: Mapping[str, str]
) -> str:
    """The page with one value of `chosen` put in, or taken out where it was in; `once` are fields that have one value,
    where it is not empty."""
    kept = {name: list(values) for name, values in chosen.items()}
    for name, value in changed.items():
        values = kept[name]
        values.remove(value) if value in values else values.append(value)
    pairs = [(name, value) for name, values in kept.items() for value in values]
    query = urlencode([*pairs, *((name, value) for name, value in once.items() if value)])
    return f"{path}?{query}" if query else path
