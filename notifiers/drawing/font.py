"""How wide words are in the font that ships, so that what is drawn fits.

Of a TrueType font only the widths are read: `head` has the units of an em, `hmtx` the advance of each glyph, `cmap` in
format 4 the glyph of each character (OpenType 1.9). The fonts hold Latin, Greek and Cyrillic.
"""

import struct
import unicodedata
from functools import cache
from pathlib import Path

FAMILY = "DejaVu Sans"
REGULAR = Path(__file__).parent / "fonts" / "DejaVuSans.ttf"
BOLD = REGULAR.with_name("DejaVuSans-Bold.ttf")

_UNKNOWN_EM = 1.0
"""A character of another script is as wide as the widest that are usual, those of Chinese and Japanese."""


def width_of(text: str, size: float, *, is_bold: bool = False) -> float:
    """How wide a line of text is in a font of that size, in the same unit."""
    widths = _widths(BOLD if is_bold else REGULAR)
    return size * sum(widths[c] if c in widths else _unknown(c) for c in text)


def fitted(text: str, width: float, size: float, *, is_bold: bool = False) -> str:
    """The text where it is no wider than that, else its beginning and an ellipsis."""
    if width_of(text, size, is_bold=is_bold) <= width:
        return text
    left, kept = width - width_of("…", size, is_bold=is_bold), 0
    for char in text:
        left -= width_of(char, size, is_bold=is_bold)
        if left < 0:
            break
        kept += 1
    return text[:kept].rstrip() + "…"


def squeezed(text: str, width: float, size: float, *, is_bold: bool = False) -> str:
    """The text where it is no wider than that, else its beginning and its end: names that are alike differ there."""
    if width_of(text, size, is_bold=is_bold) <= width:
        return text
    end, left = len(text), width / 3
    while (left := left - width_of(text[end - 1], size, is_bold=is_bold)) >= 0:
        end -= 1
    tail = text[end:].lstrip()
    return fitted(text, width - width_of(tail, size, is_bold=is_bold), size, is_bold=is_bold) + tail


def is_covered(text: str) -> bool:
    """Whether the fonts that ship have every character of it."""
    return all(c in _widths(REGULAR) or c in "\n\r\t" for c in text)


def _unknown(char: str) -> float:
    return 0.0 if unicodedata.category(char) in ("Mn", "Me", "Cf") else _UNKNOWN_EM


@cache
def _widths(path: Path) -> dict[str, float]:
    """The advance of every character of the font, in em."""
    data = path.read_bytes()
    tables = _tables(data)
    (units,) = struct.unpack_from(">H", data, tables["head"] + 18)
    (count,) = struct.unpack_from(">H", data, tables["hhea"] + 34)
    advances = struct.unpack_from(">" + "Hh" * count, data, tables["hmtx"])[::2]
    return {chr(code): advances[min(glyph, count - 1)] / units for code, glyph in _glyphs(data, tables["cmap"]).items()}


def _tables(data: bytes) -> dict[str, int]:
    """Where each table begins."""
    (count,) = struct.unpack_from(">H", data, 4)
    entries = (struct.unpack_from(">4sLLL", data, 12 + 16 * n) for n in range(count))
    return {tag.decode("ascii"): offset for tag, _, offset, _ in entries}


def _glyphs(data: bytes, cmap: int) -> dict[int, int]:
    """The number of the glyph of each character, by its code; the fonts have one table, of format 4."""
    (offset,) = struct.unpack_from(">L", data, cmap + 8)
    start = cmap + offset
    kind, _, _, doubled = struct.unpack_from(">HHHH", data, start)
    if kind != 4:
        raise ValueError(f"the font's characters are listed in format {kind}; only 4 is read")
    count = doubled // 2
    ends = struct.unpack_from(f">{count}H", data, start + 14)
    begins = struct.unpack_from(f">{count}H", data, start + 16 + doubled)
    deltas = struct.unpack_from(f">{count}H", data, start + 16 + 2 * doubled)
    shifts_at = start + 16 + 3 * doubled
    shifts = struct.unpack_from(f">{count}H", data, shifts_at)
    found: dict[int, int] = {}
    for n in range(count):
        for code in range(begins[n], min(ends[n], 0xFFFE) + 1):
            glyph = code
            if shifts[n]:
                (glyph,) = struct.unpack_from(">H", data, shifts_at + 2 * n + shifts[n] + 2 * (code - begins[n]))
            if glyph:
                found[code] = (glyph + deltas[n]) % 0x10000
    return found
