"""Reading images that were drawn."""

from io import BytesIO

from PIL import Image


def image_of(png: bytes) -> Image.Image:
    """The PNG, decoded."""
    image = Image.open(BytesIO(png))
    assert image.format == "PNG"
    return image.convert("RGB")


def ink(image: Image.Image, x: float, y: float, width: float, height: float, zoom: float) -> int:
    """How many pixels of a part of the drawing are not white; the place is in pixels of the drawing."""
    part = image.crop(tuple(round(zoom * n) for n in (x, y, x + width, y + height))).convert("L")
    return sum(part.histogram()[:200])
