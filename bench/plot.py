"""The calibration plot: how sure against how often right, as a small SVG."""

from collections.abc import Mapping, Sequence

from bench.figures import Bin

_SIDE, _MARGIN, _LEGEND = 360, 48, 150
_COLOURS = ("#1f5fa8", "#c0582b", "#3b8553", "#7d4aa0")
_FEW = 5
"""Fewer answers than this say little: their dot stays empty and no line leads to it."""
_SIZES = (5, 25, 100)
"""Numbers of answers whose dots the legend shows."""


def calibration_svg(series: Mapping[str, Sequence[Bin]]) -> str:
    """A square plot with the diagonal of perfect calibration; a dot's area tells how many answers it stands for."""
    width, height = _SIDE + 2 * _MARGIN + _LEGEND, _SIDE + 2 * _MARGIN
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" width="{width}" height="{height}"'
        ' font-family="sans-serif" font-size="12">',
        f'<rect width="{width}" height="{height}" fill="white"/>',
        *_axes(),
    ]
    for number, (name, bins) in enumerate(series.items()):
        parts += _series(name, bins, _COLOURS[number % len(_COLOURS)], number)
    return "\n".join([*parts, *_legend(len(series)), "</svg>"]) + "\n"


def _axes() -> list[str]:
    middle, bottom = _MARGIN + _SIDE / 2, _SIDE + 2 * _MARGIN - 8
    parts = [
        f'<rect x="{_MARGIN}" y="{_MARGIN}" width="{_SIDE}" height="{_SIDE}" fill="none" stroke="#888"/>',
        f'<line x1="{_x(0)}" y1="{_y(0)}" x2="{_x(1)}" y2="{_y(1)}" stroke="#888" stroke-dasharray="4 4"/>',
        f'<text x="{middle}" y="{bottom}" text-anchor="middle">how sure the diagnosis is</text>',
        f'<text transform="translate(14 {middle}) rotate(-90)" text-anchor="middle">share that was right</text>',
    ]
    for tenth in range(0, 11, 2):
        value = tenth / 10
        parts.append(f'<text x="{_x(value)}" y="{_y(0) + 16}" text-anchor="middle">{value:.1f}</text>')
        parts.append(f'<text x="{_x(0) - 6}" y="{_y(value) + 4}" text-anchor="end">{value:.1f}</text>')
    return parts


def _series(name: str, bins: Sequence[Bin], colour: str, number: int) -> list[str]:
    line = " ".join(f"{_x(b.confidence)},{_y(b.accuracy)}" for b in bins if b.size >= _FEW)
    parts = [f'<polyline points="{line}" fill="none" stroke="{colour}"/>']
    parts += [
        _dot(_x(b.confidence), _y(b.accuracy), b.size, colour, f"{name}: {b.accuracy:.2f} of {b.size} right")
        for b in bins
    ]
    total = sum(b.size for b in bins)
    x, y = _key_at(number)
    return [
        *parts,
        f'<line x1="{x - 8}" y1="{y - 4}" x2="{x + 8}" y2="{y - 4}" stroke="{colour}" stroke-width="3"/>',
        f'<text x="{x + 16}" y="{y}">{_escaped(name)} ({total})</text>',
    ]


def _legend(series: int) -> list[str]:
    """Below the names, which have the number of answers in brackets: what the diagonal and the dots mean."""
    x, y = _key_at(series)
    parts = [
        f'<line x1="{x - 8}" y1="{y - 4}" x2="{x + 8}" y2="{y - 4}" stroke="#888" stroke-dasharray="4 4"/>',
        f'<text x="{x + 16}" y="{y}">as sure as right</text>',
    ]
    for place, size in enumerate((_FEW - 1, *_SIZES), start=series + 1):
        x, y = _key_at(place)
        words = f"under {_FEW} answers" if size < _FEW else f"{size} answers"
        parts += [_dot(x, y - 4, size, "#666", words), f'<text x="{x + 16}" y="{y}">{words}</text>']
    return parts


def _key_at(place: int) -> tuple[int, int]:
    """Where the mark of one line of the legend is, right of the plot."""
    return _MARGIN + _SIDE + 28, _MARGIN + 12 + 24 * place


def _dot(x: float, y: float, size: int, colour: str, words: str) -> str:
    radius = round(max(2.0, size**0.5), 1)
    fill = f'fill="{colour}" fill-opacity="0.6"' if size >= _FEW else f'fill="white" stroke="{colour}"'
    return f'<circle cx="{x}" cy="{y}" r="{radius}" {fill}><title>{_escaped(words)}</title></circle>'


def _escaped(text: str) -> str:
    return text.replace("&", "&amp;").replace("<", "&lt;")


def _x(value: float) -> float:
    return round(_MARGIN + value * _SIDE, 1)


def _y(value: float) -> float:
    return round(_MARGIN + (1 - value) * _SIDE, 1)
