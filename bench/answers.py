"""What a replay said, reduced to rankings that can be judged."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, NamedTuple


class Ranked(NamedTuple):
    """A CI held for the root cause, and how sure the diagnosis was of it; 0 where it did not say."""

    ci: str
    confidence: float = 0.0


def ranking(incident: Mapping[str, Any]) -> list[Ranked]:
    """The named root first, then the candidates in their order, each CI once."""
    root = incident["root_cause"]
    named = [Ranked(root["ci"], root["confidence"])] if root["ci"] else []
    candidates = [Ranked(c["ci"], c["confidence"]) for c in root["candidates"]]
    return list({ranked.ci: ranked for ranked in reversed([*named, *candidates])}.values())[::-1]


def place(ranked: Sequence[str], right: Iterable[str]) -> int | None:
    """The place, from 1, of the first CI that is right; None where none is."""
    wanted = frozenset(right)
    return next((number for number, ci in enumerate(ranked, 1) if ci in wanted), None)


def merged(incidents: Iterable[Mapping[str, Any]]) -> dict[str, list[Mapping[str, Any]]]:
    """The incidents that stand, by number, each with those merged into it; the standing one comes first."""
    by_number = {incident["number"]: incident for incident in incidents}
    found: dict[str, list[Mapping[str, Any]]] = {n: [i] for n, i in by_number.items() if i["merged_into"] is None}
    for number in by_number:
        target, seen = number, set[str]()
        while (into := by_number[target]["merged_into"]) is not None and target not in seen:
            seen.add(target)
            target = into
        if target != number:
            found.setdefault(target, [by_number[target]]).append(by_number[number])
    return found


def share_within(places: Sequence[int | None], best: int) -> float:
    """The share of the places that are `best` or better; 0 where there are none."""
    return sum(p is not None and p <= best for p in places) / len(places) if places else 0.0
