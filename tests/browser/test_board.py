"""The board in a real browser."""

from playwright.sync_api import expect

from tests.browser.world import Console, Visiting, accessibility, lose_the_switch, overflow


def test_what_opens_is_seen_without_a_reload(console: Console, visit: Visiting) -> None:
    page = visit().open()
    expect(page.get_by_text("Nothing is broken")).to_be_visible()
    lose_the_switch(console)
    expect(page.locator("#INC-1")).to_contain_text("Checkout")
    assert accessibility(page) == []


def test_the_board_fits_a_phone_and_the_dark(console: Console, visit: Visiting) -> None:
    lose_the_switch(console)
    page = visit(width=360, height=740, dark=True).open()
    assert overflow(page) == 0
    assert accessibility(page) == []
