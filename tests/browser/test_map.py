"""The map in a real browser: walked, dragged, zoomed, moved by keys, on a phone and without scripts."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Locator, Page, expect

from cmdb.graph import Estate
from cmdb.importers.yaml_file import load_cmdb
from cmdb.model import CI
from tests.browser.world import Console, Visiting, accessibility, console_of, lose_the_switch, overflow, visitors
from tests.desk import needs

HOSTILE = "<img src=x onerror=alert(1)><script>alert(2)</script>"
AROUND = "/cis/map?ci=tor-3a"
HERE = "document.querySelector('[data-here]').getBoundingClientRect()"


def box(page: Page, name: str) -> Locator:
    """The box of that title."""
    return page.locator("svg[data-map] a.box", has=page.locator(".name", has_text=name))


def place(page: Page, name: str) -> tuple[float, float, float]:
    """Where a box is seen, and how wide."""
    found = box(page, name).bounding_box()
    assert found is not None
    return found["x"], found["y"], found["width"]


def grown(page: Page, wide: float) -> None:
    """Wait until the box in the middle is larger than it was."""
    page.wait_for_function(f"w => {HERE}.width > w * 1.2", arg=wide)


def test_one_walks_from_box_to_box(console: Console, visit: Visiting) -> None:
    page = visit().open("/cis/tor-3a")
    page.get_by_role("link", name="Walk on the map").click()
    box(page, "4 × host").click()
    expect(box(page, "host-2")).to_be_visible()
    box(page, "host-2").click()
    expect(page.get_by_role("heading", name="Map around host-2")).to_be_visible()
    box(page, "host-2").click()
    expect(page.get_by_role("heading", name="host-2", exact=True)).to_be_visible()
    page.goto(f"{console.url}/services/checkout")
    page.get_by_role("link", name="Map", exact=True).click()
    expect(box(page, "Checkout")).to_be_visible()
    page.get_by_label("Fold by").select_option("owner")
    page.get_by_label("Also around").fill("tor-1a")
    page.get_by_role("button", name="Show").click()
    expect(page.locator(".chips .chip")).to_have_count(2)
    assert "fold=owner" in page.url


def test_it_is_dragged_and_zoomed_and_a_drag_is_no_click(console: Console, visit: Visiting) -> None:
    page = visit().open(AROUND)
    x, y, wide = place(page, "tor-3a")
    page.mouse.move(x + 20, y + 10)
    page.mouse.down()
    page.mouse.move(x + 60, y + 40, steps=4)
    page.mouse.move(x + 140, y + 50, steps=4)
    page.mouse.up()
    page.wait_for_function(f"x => {HERE}.x > x + 90", arg=x)
    assert page.url.endswith(AROUND)
    page.get_by_role("button", name="Larger").click()
    page.wait_for_function(
        "w => document.querySelector('[data-here]').getBoundingClientRect().width > w * 1.2", arg=wide
    )
    page.get_by_role("button", name="All of it").click()
    page.wait_for_function(
        "w => document.querySelector('[data-here]').getBoundingClientRect().width < w * 1.1", arg=wide
    )
    middle = place(page, "tor-3a")
    page.mouse.move(middle[0] + 10, middle[1] + 10)
    page.keyboard.down("Control")
    page.mouse.wheel(0, -240)
    page.keyboard.up("Control")
    page.wait_for_function(
        "w => document.querySelector('[data-here]').getBoundingClientRect().width > w * 1.2", arg=wide
    )
    box(page, "tor-3a").click()
    expect(page.get_by_role("heading", name="tor-3a", exact=True)).to_be_visible()


def test_a_box_that_is_partly_seen_can_be_clicked(console: Console, visit: Visiting) -> None:
    page = visit().open(AROUND + "&fold=none")
    page.get_by_role("button", name="Larger").click()
    frame = page.locator("#map").bounding_box()
    assert frame is not None
    seen = max(frame["y"], 0) + 5  # the page has been scrolled to the button
    page.mouse.move(frame["x"] + 1000, seen)
    page.mouse.down()
    page.mouse.move(frame["x"] + 5, seen, steps=6)
    page.mouse.up()
    cut_off = """() => [...document.querySelectorAll("a.box")].map(a => ({
        name: a.querySelector(".name").textContent, edge: map.getBoundingClientRect().x,
        ...a.getBoundingClientRect().toJSON()})).find(a => a.left < a.edge - 5 && a.right > a.edge + 20)"""
    found = page.wait_for_function(cut_off).json_value()
    page.mouse.move(found["edge"] + 10, (found["top"] + found["bottom"]) / 2)
    page.mouse.down()
    page.evaluate("() => new Promise(done => requestAnimationFrame(() => requestAnimationFrame(done)))")
    page.mouse.up()
    expect(page.get_by_role("heading", name=f"Map around {found['name']}")).to_be_visible()


def test_the_wheel_scrolls_the_page_until_the_map_is_taken(console: Console, visit: Visiting) -> None:
    page = visit(height=500).open(AROUND)
    wide = place(page, "tor-3a")[2]
    page.locator("#map").hover(position={"x": 5, "y": 5})
    page.mouse.wheel(0, 200)
    page.wait_for_function("() => scrollY > 100")
    assert place(page, "tor-3a")[2] == wide
    page.locator("#map").click(position={"x": 5, "y": 120})
    page.mouse.wheel(0, -240)
    page.wait_for_function(
        "w => document.querySelector('[data-here]').getBoundingClientRect().width > w * 1.2", arg=wide
    )


def test_it_is_moved_by_keys_and_what_has_the_focus_is_seen(console: Console, visit: Visiting) -> None:
    page = visit().open(AROUND + "&fold=none")
    page.locator("#map").focus()
    x, _, wide = place(page, "tor-3a")
    page.keyboard.press("ArrowRight")
    page.wait_for_function(f"x => {HERE}.x < x - 50", arg=x)
    page.keyboard.press("+")
    page.wait_for_function(
        "w => document.querySelector('[data-here]').getBoundingClientRect().width > w * 1.2", arg=wide
    )
    for _ in range(12):
        page.keyboard.press("ArrowRight")
    page.keyboard.press("Tab")
    seen = """() => { const a = document.activeElement.getBoundingClientRect(), m = map.getBoundingClientRect();
      return document.activeElement.matches("a.box") && a.left >= m.left && a.right <= m.right; }"""
    page.wait_for_function(seen)
    assert page.locator(".line.lit").count() > 0
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", level=1)).to_be_visible()


def test_it_follows_what_happens_and_stays_where_it_was_moved(console: Console, visit: Visiting) -> None:
    page = visit().open(AROUND + "&up=3&fold=none")
    page.get_by_role("button", name="Larger").click()
    style = "document.querySelector('svg[data-map]').style.transform"
    page.wait_for_function(f"() => {style}.includes('scale(1)')")
    before = page.evaluate(style)
    lose_the_switch(console)
    console.settle()
    expect(page.locator("svg[data-map] a.box.down").first).to_be_visible()
    page.wait_for_function("() => document.getElementById('map').classList.contains('moves')")
    assert page.evaluate(style) == before
    expect(page.get_by_role("button", name="Larger")).to_be_visible()


def test_on_a_phone_the_list_comes_first_and_says_the_same(console: Console, visit: Visiting) -> None:
    lose_the_switch(console)
    page = visit(width=360, height=740, dark=True).open(AROUND)
    heading, picture = page.get_by_role("heading", name="The same as a list").bounding_box(), page.locator("#map")
    at = picture.bounding_box()
    assert heading is not None
    assert at is not None
    assert heading["y"] < at["y"]
    assert overflow(page) == 0
    rows = page.locator(".map-list tbody tr")
    expect(rows).to_have_count(page.locator("svg[data-map] a.box").count())
    rows.filter(has_text="2 × host").or_(rows.filter(has_text="4 × host")).first.get_by_role("link").first.click()
    assert "open=" in page.url


def test_two_fingers_pinch_it_and_one_moves_it(console: Console, chromium: Browser) -> None:
    context = chromium.new_context(viewport={"width": 390, "height": 844}, has_touch=True)
    page = context.new_page()
    page.goto(console.url + AROUND)
    page.locator("#map").scroll_into_view_if_needed()
    x, y, wide = place(page, "tor-3a")
    touch = context.new_cdp_session(page)

    def fingers(kind: str, *at: tuple[float, float]) -> None:
        points = [{"x": left, "y": top, "id": n} for n, (left, top) in enumerate(at)]
        touch.send("Input.dispatchTouchEvent", {"type": kind, "touchPoints": points})

    page.locator("#map").focus()  # as a tap into it does: from then on all gestures are the map's
    fingers("touchStart", (x + 40, y + 10), (x + 90, y + 10))
    for n in range(1, 8):
        fingers("touchMove", (x + 40 - 6 * n, y + 10), (x + 90 + 6 * n, y + 10))
    fingers("touchEnd")
    grown(page, wide)
    before = place(page, "tor-3a")
    fingers("touchStart", (before[0] + 30, before[1] + 10))
    for n in range(1, 8):
        fingers("touchMove", (before[0] + 30, before[1] + 10 - 12 * n))
    fingers("touchEnd")
    page.wait_for_function(f"y => {HERE}.y < y - 40", arg=before[1])
    assert page.url.endswith(AROUND)
    context.close()


def test_without_scripts_it_is_a_picture_that_scrolls(visit: Visiting, console: Console) -> None:
    page = visit(script=False).open(AROUND)
    box(page, "4 × host").click()
    expect(box(page, "host-4")).to_be_visible()
    expect(page.get_by_role("button", name="Larger")).to_be_hidden()


@pytest.fixture
def hostile(tmp_path: Path, chromium: Browser) -> Iterator[Page]:
    many = [
        CI(id=f"{HOSTILE}{n}", name=HOSTILE, type=HOSTILE, owner=HOSTILE, depends_on=(needs("sw"),)) for n in range(6)
    ]
    file = tmp_path / "cmdb.yaml"
    file.write_text(f"cis:\n  - {{id: sw, name: '{HOSTILE}'}}\n")
    estate = Estate.of([CI(id="sw", name=HOSTILE), *many])
    with console_of(tmp_path, estate=estate, files=(file,)) as console, visitors(chromium, console.url) as visit:
        yield visit().open("/cis/map?ci=sw")


def test_hostile_names_stay_text(hostile: Page) -> None:
    expect(hostile.locator("h1")).to_contain_text("<script>")
    box(hostile, "6 × <img").click()
    expect(hostile.locator("svg[data-map] a.box")).to_have_count(7)
    assert hostile.locator("main img, main script").count() == 0
    hostile.goto(hostile.url.partition("/cis")[0] + "/cis/drift")
    expect(hostile.get_by_text("goes").first).to_be_visible()
    expect(hostile.locator("main")).to_contain_text("onerror")
    assert hostile.locator("main img, main script").count() == 0


def test_drift_is_read_by_everybody(tmp_path: Path, chromium: Browser) -> None:
    file = tmp_path / "cmdb.yaml"
    file.write_text("cis:\n  - {id: a, type: host}\n  - {id: top, type: business-service, depends_on: [a]}\n")
    with (
        console_of(tmp_path, estate=load_cmdb(file), files=(file,)) as console,
        visitors(chromium, console.url) as visit,
    ):
        file.write_text(
            "cis:\n  - {id: b, type: host}\n  - {id: top, type: business-service, depends_on: [b]}\n# new\n"
        )
        for dark in (False, True):
            page = visit(width=360, height=740, dark=dark).open("/cis/drift")
            expect(page.get_by_role("heading", name="CI by CI")).to_be_visible()
            assert (overflow(page), accessibility(page)) == (0, [])
        file.write_text("cis:\n  - {id: b, type: host, kind: none}\n")
        page.reload()
        expect(page.get_by_role("alert")).to_contain_text("One mistake stands")
        expect(page.locator("main")).to_contain_text(f"{file}:2")
        assert (overflow(page), accessibility(page)) == (0, [])
