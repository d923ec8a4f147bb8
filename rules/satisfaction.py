"""How content people are with the handling of incidents: their answers, and the figures made of them."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

SCORES = (1, 2, 3, 4, 5)
CONTENT = 4
"""From here on somebody counts as content: the usual reading of a five-step scale ("top two boxes")."""
MAX_REMARK = 1000


@dataclass(frozen=True, slots=True, kw_only=True)
class Rating:
    """One answer: `score` is 1 (not at all) to 5 (very). `link` is the key of the notice that asked, `by` who it went
    to."""

    link: str
    incident: int
    by: str
    score: int
    remark: str
    at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Figures:
    """What the answers say together; mean and share are None where there are none."""

    answers: int
    mean: float | None
    content_share: float | None
    scores: tuple[tuple[int, int], ...]


def figures(ratings: Sequence[Rating]) -> Figures:
    """Count the answers."""
    counts = Counter(r.score for r in ratings)
    total = len(ratings)
    content = sum(counts[score] for score in SCORES if score >= CONTENT)
    return Figures(
        answers=total,
        mean=sum(r.score for r in ratings) / total if total else None,
        content_share=content / total if total else None,
        scores=tuple((score, counts[score]) for score in SCORES),
    )
