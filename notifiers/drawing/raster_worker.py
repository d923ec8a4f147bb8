"""A program of its own that draws one picture: what hangs or swells there ends with it.

It reads SVG and writes PNG. Run as `python -I -m notifiers.drawing.raster_worker ZOOM FONTS`, where FONTS is `shipped`,
or `system` to have the fonts of this machine for characters that the shipped ones lack.
"""

import resource
import sys

import resvg_py

from notifiers.drawing.font import BOLD, FAMILY, REGULAR

MOST_BYTES = 2**30
_MOST_CPU_S = 10
_MOST_SVG = 2 * 2**20


def main() -> None:
    """Read, draw, write."""
    resource.setrlimit(resource.RLIMIT_AS, (MOST_BYTES, MOST_BYTES))
    resource.setrlimit(resource.RLIMIT_CPU, (_MOST_CPU_S, _MOST_CPU_S))
    svg = sys.stdin.buffer.read(_MOST_SVG).decode("utf-8")
    sys.stdout.buffer.write(png_of(svg, float(sys.argv[1]), with_system_fonts=sys.argv[2] == "system"))


def png_of(svg: str, zoom: float, *, with_system_fonts: bool) -> bytes:
    """The drawing in the fonts that ship; ValueError where it is no SVG."""
    return resvg_py.svg_to_bytes(
        svg_string=svg,
        zoom=zoom,
        background="#ffffff",
        skip_system_fonts=not with_system_fonts,
        font_files=[str(REGULAR), str(BOLD)],
        font_family=FAMILY,
        sans_serif_family=FAMILY,
    )


if __name__ == "__main__":
    main()
