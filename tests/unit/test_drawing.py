"""What pictures of failures look like: words that fit and are really there, and nothing that labels could bring in."""

import string
from xml.etree import ElementTree

import pytest
from PIL import ImageFont

from cmdb.graph import Estate
from cmdb.layout import HEIGHT, WIDTH, lay_out
from cmdb.model import BUSINESS_SERVICE, CI, State
from cmdb.picture import picture_of
from notifiers.catalogue import shipped_languages
from notifiers.drawing import raster_worker
from notifiers.drawing.font import BOLD, REGULAR, fitted, is_covered, squeezed, width_of
from notifiers.drawing.raster import MOST_PIXELS, CannotDraw, Rasteriser, zoom_within
from notifiers.drawing.sketch import Box, Scene, Sketch, sketch_of
from notifiers.drawing.svg import svg_of
from tests.desk import needs
from tests.images import image_of, ink

SVG = "{http://www.w3.org/2000/svg}"
HOSTILE = (
    '"/><image href="file:///etc/passwd"/><script>alert(1)</script>',
    "]]><!ENTITY x SYSTEM 'http://evil.example/'>&x;",
    "\u202egnp.exe\x00\x1b[31m\ud800\ufffe",
    "url(http://evil.example/x.svg#a)",
)
ALPHABETS = {
    "Latin": "Payments Größe łódź",
    "Greek": "Πληρωμές",
    "Cyrillic": "Платежи Щука",
}


def sketch(name: str, language: str = "en") -> Sketch:
    """A switch of that name, and a service on it."""
    shop = CI(id="shop", type=BUSINESS_SERVICE, name="Shop", depends_on=(needs("switch"),))
    estate = Estate.of([CI(id="switch", type="switch", name=name), shop])
    picture = picture_of(estate, {"switch": State.DOWN}, {})
    scene = Scene(estate=estate, alerting={"switch": 2}, root="switch", language=shipped_languages().of(language))
    return sketch_of(picture, lay_out(picture), scene, f"What {name} hits")


def png(name: str) -> bytes:
    return raster_worker.png_of(svg_of(sketch(name)), 2.0, with_system_fonts=False)


@pytest.mark.parametrize("words", ALPHABETS.values(), ids=ALPHABETS)
def test_words_are_really_drawn_where_the_machine_has_no_font(words: str) -> None:
    assert is_covered(words)
    image, empty = image_of(png(words)), image_of(png(" "))
    box = sketch(words).boxes[0]
    name = (box.x + 16, box.y + 6, WIDTH - 24, 18)
    least = 8 * len(words)
    assert ink(image, *name, 2) > least
    assert ink(empty, *name, 2) == 0
    # The letters are letters, not all the same box for what is missing.
    drawn = {
        image_of(png(c * 3)).crop((0, 0, 2 * WIDTH, 2 * HEIGHT)).tobytes() for c in set(words) - set(string.whitespace)
    }
    assert len(drawn) == len(set(words) - set(string.whitespace))


def test_an_image_is_twice_the_size_and_has_the_boxes_where_they_are_meant_to_be() -> None:
    made = sketch("tor-3a")
    image = image_of(Rasteriser(1).png_of(made))
    assert image.size == (2 * made.width, 2 * made.height)
    for box in made.boxes:
        assert image.getpixel((2 * box.x + 6, 2 * box.y + HEIGHT)) == (0xB3, 0x26, 0x1E)
    assert image.getpixel((0, 0)) == (255, 255, 255)


@pytest.mark.parametrize("name", HOSTILE)
def test_a_label_brings_nothing_in(name: str) -> None:
    made = sketch(name)
    drawing = ElementTree.fromstring(svg_of(made))  # noqa: S314  our own
    tags = {"a", "clipPath", "g", "path", "rect", "svg", "text", "title"}
    assert {e.tag.removeprefix(SVG) for e in drawing.iter()} == tags
    allowed = ("/cis/switch", "/cis/shop")
    for element in drawing.iter():
        for key, value in element.attrib.items():
            assert "href" not in key or value in allowed
            assert "url(" not in value or value == "url(#impact-room)" or key == "aria-label"
    assert image_of(Rasteriser(1).png_of(made)).size == (2 * made.width, 2 * made.height)


@pytest.mark.parametrize(("size", "is_bold"), [(13.0, True), (11.5, True), (11.0, False)])
@pytest.mark.parametrize("text", ["W" * 60, "Ш" * 60, "i" * 90, "payments-db-primary-01.dc1", "Ω" * 40, "漢" * 30])
def test_words_fit_by_the_width_of_the_font_itself(text: str, size: float, is_bold: bool) -> None:
    short = fitted(text, 176, size, is_bold=is_bold)
    assert width_of(short, size, is_bold=is_bold) <= 176
    assert short == text or (short.endswith("…") and width_of(short + text[0], size, is_bold=is_bold) > 176)
    if is_covered(text):
        font = ImageFont.truetype(str(BOLD if is_bold else REGULAR), 1000, layout_engine=ImageFont.Layout.BASIC)
        assert width_of(short, 1000, is_bold=is_bold) == pytest.approx(font.getlength(short), rel=0.01)


@pytest.mark.parametrize(
    "text", ["W" * 60, "Ш" * 60, "i" * 90, "Payments database, copy 1", "漢" * 30, "a" + " " * 90 + "b"]
)
def test_of_a_long_name_the_end_is_kept_too(text: str) -> None:
    short = squeezed(text, 176, 13, is_bold=True)
    assert width_of(short, 13, is_bold=True) <= 176
    begin, found, end = short.partition("…")
    assert begin == text[: len(begin)]
    assert not found or text.endswith(end)
    assert squeezed("Payments database, copy 1", 176, 13, is_bold=True).endswith("…, copy 1")


def test_names_that_read_the_same_once_cut_give_way_to_ids() -> None:
    names = [f"Top-of-rack switch {letter} of the rack by the door" for letter in "AB"]
    twins = [CI(id=f"tor-{n}", type="switch", name=name) for n, name in enumerate(names)]
    shop = CI(id="shop", type=BUSINESS_SERVICE, name="Shop", depends_on=(needs("tor-0"), needs("tor-1")))
    estate = Estate.of([*twins, shop])
    picture = picture_of(estate, {"tor-0": State.DOWN, "tor-1": State.DOWN}, {})
    made = sketch_of(picture, lay_out(picture), Scene(estate=estate, alerting={}, root="tor-0"), "")
    assert sorted(box.lines[0] for box in made.boxes) == ["Shop", "tor-0", "tor-1"]
    assert {names[0] in box.title for box in made.boxes if box.node.key == "tor-0"} == {True}


def test_what_fits_is_not_cut() -> None:
    assert fitted("Shop", 176, 13) == "Shop"
    assert fitted("", 10, 13) == ""


@pytest.mark.parametrize("name", ["W" * 80, "Ш" * 80, "Ẁ̷̢" * 50, "﷽" * 40, "👩‍👩‍👧‍👦" * 20])
def test_no_word_leaves_its_box(name: str) -> None:
    made = sketch(name)
    box = made.boxes[0]
    image = image_of(Rasteriser(1).png_of(made))
    assert ink(image, box.x + WIDTH + 2, box.y, made.width - box.x - WIDTH - 2, HEIGHT, 2) == 0
    assert ink(image, 0, 0, made.width, box.y - 2, 2) == 0


def test_a_large_drawing_makes_no_larger_image_than_allowed() -> None:
    one = sketch("x")
    wide = Sketch(label="x", boxes=one.boxes, lines=(), width=4000, height=9000)
    image = image_of(Rasteriser(1).png_of(wide))
    assert image.width * image.height <= MOST_PIXELS * 1.01
    assert zoom_within(one, 2.0) == 2.0


def test_what_cannot_be_drawn_is_said_in_a_line() -> None:
    broken = Sketch(label="\x00", boxes=(), lines=(), width=10, height=10)
    with pytest.raises(CannotDraw, match=r"^the program that draws failed: ValueError: .*non-XML"):
        Rasteriser(1).png_of(broken)


def test_nobody_waits_for_ever_for_others_pictures() -> None:
    with pytest.raises(CannotDraw, match="too many"):
        Rasteriser(0, wait_s=0).png_of(sketch("x"))


def test_boxes_speak_the_language_of_their_reader() -> None:
    boxes: tuple[Box, ...] = sketch("tor-3a", "ru").boxes
    assert boxes[0].lines == ("tor-3a", "сбой · switch · недоступно", "2 оповещения")


def test_of_a_long_type_the_state_is_still_said() -> None:
    estate = Estate.of([CI(id="a", type="kubernetes-horizontal-pod-autoscaler" * 9)])
    picture = picture_of(estate, {"a": State.DEGRADED}, {})
    made = sketch_of(picture, lay_out(picture), Scene(estate=estate, alerting={}, root="a"), "")
    assert made.boxes[0].lines[1].startswith("root · kubern")
    assert made.boxes[0].lines[1].endswith("… · degraded")
