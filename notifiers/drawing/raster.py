"""From SVG to PNG, in a program of its own.

The library that draws holds Python's lock while it does, so within this process everything would wait for it. Out there
time and memory have a bound, too.
"""

import subprocess
import sys
import threading
from functools import lru_cache

from notifiers.drawing.font import is_covered
from notifiers.drawing.sketch import Sketch
from notifiers.drawing.svg import svg_of

ZOOM = 2.0
"""Pixels of the PNG for one of the drawing: sharp on screens that have two."""
MOST_PIXELS = 8_000_000
WITHIN_S = 15.0
"""So long may one drawing take."""
_REMEMBERED = 12


class CannotDraw(Exception):
    """There is no PNG; the words say why."""


class Rasteriser:
    """Makes PNGs, `at_once` of them at a time; who comes then waits for `wait_s` at most. The last ones are remembered,
    since many people get the same."""

    def __init__(self, at_once: int, *, wait_s: float = 5.0) -> None:
        self._room = threading.BoundedSemaphore(at_once)
        self._wait_s = wait_s

    def png_of(self, sketch: Sketch, zoom: float = ZOOM) -> bytes:
        """The sketch, `zoom` times its size or as large as the bounds allow; CannotDraw."""
        svg = svg_of(sketch)
        if not self._room.acquire(timeout=self._wait_s):
            raise CannotDraw("too many pictures are being drawn")
        try:
            return _drawn(svg, zoom_within(sketch, zoom))
        finally:
            self._room.release()


def zoom_within(sketch: Sketch, zoom: float) -> float:
    """The zoom at which the PNG has at most `MOST_PIXELS`."""
    return float(min(zoom, (MOST_PIXELS / (sketch.width * sketch.height)) ** 0.5))


@lru_cache(maxsize=_REMEMBERED)
def _drawn(svg: str, zoom: float) -> bytes:
    fonts = "shipped" if is_covered(svg) else "system"
    try:
        done = subprocess.run(  # noqa: S603  our own program, and numbers
            [sys.executable, "-I", "-m", "notifiers.drawing.raster_worker", str(zoom), fonts],
            input=svg.encode("utf-8", "replace"),
            capture_output=True,
            env={"PATH": "/usr/bin:/bin", "HOME": "/nonexistent", "LANG": "C.UTF-8"},
            cwd="/",
            timeout=WITHIN_S,
            check=False,
        )
    except subprocess.TimeoutExpired:
        raise CannotDraw(f"it was not drawn within {WITHIN_S:g} s") from None
    except OSError as error:
        raise CannotDraw(f"the program that draws cannot be started ({error.strerror})") from None
    if done.returncode or not done.stdout.startswith(b"\x89PNG"):
        lines = done.stderr.decode("utf-8", "replace").strip().splitlines() or ["it ended without a word"]
        raise CannotDraw(f"the program that draws failed: {lines[-1][:200]}")
    return done.stdout
