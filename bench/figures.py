"""Figures over judged storms and cases, as plain numbers."""

import statistics
from collections.abc import Iterator, Mapping, Sequence
from typing import NamedTuple

from bench.answers import share_within
from bench.baselines import ONLINE, OURS
from bench.cases import METHODS, Judged
from bench.runs import Asked
from bench.score import Score, Verdict

Figures = dict[str, float]


def storm_figures(scores: Sequence[Score]) -> Figures:
    """The figures of the storms taken together; what each one means is said in `bench.score`.

    Shares and counts are over all visible failures, `mixed` over the incidents that belong to a failure, precision
    and recall over all business services said and true.
    """
    verdicts = [v for s in scores for v in s.verdicts]
    failures = len(verdicts) or 1
    delays = [v.delay_s for v in verdicts if v.delay_s is not None]
    said, true, right = (sum(counts) for counts in zip(*((s.said, s.true, s.right) for s in scores), strict=True))
    incidents = sum(s.incidents for s in scores)
    return {
        "storms": len(scores),
        "failures": len(verdicts),
        "silent": sum(v.is_silent for v in verdicts) / failures,
        "top1": share_within([v.places[OURS] for v in verdicts], 1),
        "top3": share_within([v.places[OURS] for v in verdicts], 3),
        "incidents_per_failure": incidents / failures,
        "mixed": sum(s.mixed for s in scores) / (incidents or 1),
        "noise_only_per_failure": sum(s.noise_only for s in scores) / failures,
        "missed": sum(v.is_missed for v in verdicts),
        "delay_s": statistics.median(delays) if delays else 0.0,
        "precision": right / said if said else 1.0,
        "recall": right / true if true else 1.0,
    }


def shares(places: Sequence[Mapping[str, int | None]]) -> dict[str, tuple[float, float]]:
    """Top-1 and top-3 by method, ours first."""
    return {
        method: (share_within([p[method] for p in places], 1), share_within([p[method] for p in places], 3))
        for method in (*METHODS, ONLINE)
        if all(method in p for p in places)
    }


def grouped(scores: Mapping[Asked, Score]) -> dict[tuple[str, str], list[Score]]:
    """The storms of each dialect and shape, then of each dialect and "all" shapes, then of "all" and "all"."""
    found: dict[tuple[str, str], list[Score]] = {}
    for asked, judged in scores.items():
        found.setdefault((asked.dialect, asked.shape), []).append(judged)
    for asked, judged in scores.items():
        found.setdefault((asked.dialect, "all"), []).append(judged)
    return found | {("all", "all"): list(scores.values())}


def halves(judged: Sequence[Judged]) -> Iterator[tuple[str, str, list[Judged]]]:
    """Data set, half and its cases, the tuning half of each first, halves without a case left out."""
    for dataset in sorted({j.dataset for j in judged}):
        for half, is_tuning in (("tuning", True), ("reporting", False)):
            found = [j for j in judged if j.dataset == dataset and j.is_tuning is is_tuning]
            if found:
                yield dataset, half, found


class Bin(NamedTuple):
    """Answers whose confidence was alike: how many, how sure on average, and how many of them were right."""

    size: int
    confidence: float
    accuracy: float


def calibration(answers: Sequence[tuple[float, bool]], bins: int = 10) -> list[Bin]:
    """Equal bins over the confidence, the empty ones left out. An answer is its confidence and whether it was right."""
    sorted_in: dict[int, list[tuple[float, bool]]] = {}
    for confidence, is_right in answers:
        sorted_in.setdefault(min(int(confidence * bins), bins - 1), []).append((confidence, is_right))
    return [
        Bin(
            len(found),
            statistics.fmean(confidence for confidence, _ in found),
            statistics.fmean(is_right for _, is_right in found),
        )
        for _, found in sorted(sorted_in.items())
    ]


def answers(found: Sequence[Verdict | Judged]) -> list[tuple[float, bool]]:
    """How sure we were and whether we were right, where we named a root at all."""
    return [(v.confidence, v.places[OURS] == 1) for v in found if v.named is not None]
