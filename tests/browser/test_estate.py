"""The estate in a real browser."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect

from cmdb.graph import Estate
from cmdb.model import CI
from tests.browser.world import Console, Visiting, accessibility, console_of, overflow, visitors
from tests.builders import sighting
from tests.desk import down, needs, rack_estate

HOSTILE = "<img src=x onerror=alert(1)><script>alert(2)</script>"
PAGES = (
    "/cis",
    "/cis/tor-3a",
    "/cis/what-if?ci=tor-1a&ci=tor-1b",
    "/cis/spof",
    "/cis/doubts",
    "/cis/unmapped",
    "/cis/drift",
    "/cis/map",
    "/cis/map?ci=tor-3a",
    "/cis/map?focus=impact&up=8&fold=none",
)


def lose_the_switch(console: Console) -> None:
    console.hear(
        *down("tor-3a", "host-1", "host-2"), sighting("DiskFull", labels={"instance": "HOST_3.dc1.example:9100"})
    )
    console.settle()


def test_a_ci_is_found_and_walked_from_one_to_the_next(console: Console, visit: Visiting) -> None:
    page = visit().open("/cis")
    page.get_by_label("Find", exact=True).press_sequentially("tor-3")
    expect(page.locator("#found tbody tr")).to_have_count(1)
    page.get_by_role("link", name="tor-3a").click()
    expect(page.get_by_role("heading", name="tor-3a")).to_be_visible()
    page.locator("svg a", has_text="host-2").click()
    expect(page.get_by_role("heading", name="host-2")).to_be_visible()
    expect(page.locator("#needs")).to_contain_text("needs tor-3a")


def test_a_ci_page_changes_while_one_looks_and_keeps_what_is_open(console: Console, visit: Visiting) -> None:
    page = visit().open("/cis/tor-3a")
    expect(page.get_by_text("Nothing is known to be wrong with it")).to_be_visible()
    page.locator(".picture").focus()
    lose_the_switch(console)
    expect(page.get_by_text("It is the root cause of an open incident")).to_be_visible()
    assert page.evaluate("document.activeElement.className") == "picture"


def test_an_unmapped_alert_leads_to_the_lines_that_map_it(console: Console, visit: Visiting) -> None:
    lose_the_switch(console)
    visitor = visit()
    visitor.context.grant_permissions(["clipboard-read", "clipboard-write"])
    page = visitor.open("/cis/unmapped")
    page.get_by_role("link", name="host-3", exact=True).click()
    page.get_by_role("button", name="Copy").click()
    expect(page.get_by_role("status").filter(has_text="Copied.")).to_be_visible()
    assert "{instance: 'HOST_3.dc1.example:9100'}" in page.evaluate("navigator.clipboard.readText()")
    assert accessibility(page) == []


def test_everything_can_be_done_by_keyboard(console: Console, visit: Visiting) -> None:
    page = visit().open("/cis/what-if")
    for name in ("tor-1a", "tor-1b"):
        page.get_by_placeholder("id or alias of a CI").focus()
        page.keyboard.type(name)
        page.keyboard.press("Enter")
        expect(page.locator(".chip", has_text=name)).to_be_visible()
    expect(page.locator("main")).to_contain_text("3 CIs down")
    page.keyboard.press("Tab")
    page.goto(f"{console.url}/cis/tor-1a")
    page.locator("svg a").first.focus()
    page.keyboard.press("Enter")
    expect(page).not_to_have_url(f"{console.url}/cis/tor-1a")


@pytest.mark.parametrize("dark", [False, True])
def test_the_pages_are_accessible_and_fit_a_phone(console: Console, visit: Visiting, dark: bool) -> None:
    lose_the_switch(console)
    visitor = visit(width=360, height=740, dark=dark)
    for path in PAGES:
        page = visitor.open(path)
        assert (path, overflow(page)) == (path, 0)
        assert (path, accessibility(page)) == (path, [])
        page.close()  # a browser has six connections to a server, and each open page holds one


def test_they_can_be_read_without_scripts(console: Console, visit: Visiting) -> None:
    visitor = visit(script=False)
    page = visitor.open("/cis")
    page.get_by_label("Find", exact=True).fill("host-11")
    page.get_by_role("button", name="Show").click()
    expect(page.locator("#found tbody tr")).to_have_count(1)


@pytest.fixture
def hostile(tmp_path: Path, chromium: Browser) -> Iterator[Page]:
    estate = Estate.of(
        [
            *rack_estate(),
            CI(id=f"x/{HOSTILE}", name=HOSTILE, type=HOSTILE, owner=HOSTILE, aliases=("evil",)),
            CI(id="evil-top", type="business-service", name=HOSTILE, depends_on=(needs(f"x/{HOSTILE}"),)),
        ]
    )
    with console_of(tmp_path, estate=estate) as console, visitors(chromium, console.url) as visit:
        console.hear(
            sighting(HOSTILE, labels={"ci": "evil", HOSTILE[:9]: HOSTILE}, annotations={"summary": HOSTILE}),
            sighting(HOSTILE, labels={"instance": HOSTILE}),
        )
        console.settle()
        yield visit().open("/cis/evil")


def test_hostile_names_and_labels_stay_text(hostile: Page) -> None:
    base = hostile.url.partition("/cis")[0]
    expect(hostile.locator("h1")).to_contain_text("<script>")
    for path in ("/cis", "/cis/unmapped", "/cis/what-if?ci=evil", "/cis/spof", "/services", "/services/evil-top"):
        hostile.goto(base + path)
        expect(hostile.locator("main")).to_contain_text("onerror")
        assert hostile.locator("main img, main script").count() == 0
