"""A sketch as SVG that stands by itself."""

from functools import cache
from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from notifiers.drawing.font import FAMILY
from notifiers.drawing.sketch import Sketch

DRAWINGS = Path(__file__).parent
"""Where the templates of drawings lie."""


def svg_of(sketch: Sketch) -> str:
    """The drawing in the font that ships. Every word in it is escaped, and nothing in it leads anywhere."""
    return _templates().get_template("impact.svg").render(sketch=sketch, font_family=FAMILY)


@cache
def _templates() -> Environment:
    return Environment(
        loader=FileSystemLoader(DRAWINGS),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        auto_reload=False,
    )
