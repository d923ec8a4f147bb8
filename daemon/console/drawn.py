"""Drawings made here, of numbers: bars that need no script. Every drawing stands beside a table that says the same."""

from collections.abc import Sequence
from dataclasses import dataclass

WIDTH = 600
HEIGHT = 120
_GAP = 0.2


@dataclass(frozen=True, slots=True, kw_only=True)
class Bar:
    """One bar: where it stands and how tall it is, in the drawing's units; `words` say what it shows."""

    x: float
    y: float
    width: float
    height: float
    words: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Chart:
    """Bars side by side, and the greatest value, which is the full height."""

    bars: tuple[Bar, ...]
    most: float
    width: int = WIDTH
    height: int = HEIGHT


def chart_of(values: Sequence[tuple[str, float]]) -> Chart:
    """One bar for each value, named by its words; a value of none has no bar."""
    most = max((value for _, value in values), default=0.0)
    step = WIDTH / len(values) if values else WIDTH
    bars = []
    for place, (words, value) in enumerate(values):
        height = HEIGHT * value / most if most else 0.0
        bars.append(
            Bar(
                x=round(step * (place + _GAP / 2), 2),
                y=round(HEIGHT - height, 2),
                width=round(max(step * (1 - _GAP), 0.5), 2),
                height=round(height, 2),
                words=words,
            )
        )
    return Chart(bars=tuple(bars), most=most)
