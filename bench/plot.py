"""The calibration plot: how sure against how often right, as a small SVG."""

from collections.abc import Mapping, Sequence

from bench.figures import Bin

_SIDE, _MARGIN = 360, 48
_COLOURS = ("#1f5fa8", "#c0582b", "#3b8553", "#7d4aa0")


def calibration_svg(series: Mapping[str, Sequence[Bin]]) -> str:
    """A square plot with the diagonal of perfect calibration; a dot's area tells how many answers it stands for."""
    size = _SIDE + 2 * _MARGIN
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {size} {size}" width="{size}" height="{size}"'
        ' font-family="sans-serif" font-size="12">',
        f'<rect width="{size}" height="{size}" fill="white"/>',
        *_axes(),
    ]
    for number, (name, bins) in enumerate(series.items()):
        parts += _series(name, bins, _COLOURS[number % len(_COLOURS)], number)
    return "\n".join([*parts, "</svg>"]) + "\n"


def _axes() -> list[str]:
    middle, bottom = _MARGIN + _SIDE / 2, _SIDE + 2 * _MARGIN - 8
    parts = [
        f'<rect x="{_MARGIN}" y="{_MARGIN}" width="{_SIDE}" height="{_SIDE}" fill="none" stroke="#888"/>',
        f'<line x1="{_x(0)}" y1="{_y(0)}" x2="{_x(1)}" y2="{_y(1)}" stroke="#888" stroke-dasharray="4 4"/>',
        f'<text x="{middle}" y="{bottom}" text-anchor="middle">confidence</text>',
        f'<text transform="translate(14 {middle}) rotate(-90)" text-anchor="middle">share that was right</text>',
    ]
    for tenth in range(0, 11, 2):
        value = tenth / 10
        parts.append(f'<text x="{_x(value)}" y="{_y(0) + 16}" text-anchor="middle">{value:.1f}</text>')
        parts.append(f'<text x="{_x(0) - 6}" y="{_y(value) + 4}" text-anchor="end">{value:.1f}</text>')
    return parts


def _series(name: str, bins: Sequence[Bin], colour: str, number: int) -> list[str]:
    line = " ".join(f"{_x(b.confidence)},{_y(b.accuracy)}" for b in bins)
    parts = [f'<polyline points="{line}" fill="none" stroke="{colour}"/>']
    parts += [
        f'<circle cx="{_x(b.confidence)}" cy="{_y(b.accuracy)}" r="{3 + min(b.size, 400) ** 0.5 / 2:.1f}"'
        f' fill="{colour}" fill-opacity="0.6"><title>{b.size} answers</title></circle>'
        for b in bins
    ]
    total = sum(b.size for b in bins)
    label = f"{name} ({total} answers)".replace("&", "&amp;").replace("<", "&lt;")
    return [*parts, f'<text x="{_MARGIN + 10}" y="{_MARGIN + 20 + 16 * number}" fill="{colour}">{label}</text>']


def _x(value: float) -> float:
    return round(_MARGIN + value * _SIDE, 1)


def _y(value: float) -> float:
    return round(_MARGIN + (1 - value) * _SIDE, 1)
