"""The board in a real browser."""

from playwright.sync_api import Page, expect

from tests.browser.world import Console, Visiting, accessibility, lose_the_switch, overflow
from tests.builders import sighting

HOSTILE = "<img src=x onerror=alert(1)>"


def lose_more(console: Console) -> None:
    """INC-2, which hits nothing that anybody sells."""
    console.hear(sighting("PaperOut", labels={"ci": "lonely", "severity": "critical"}))


def counted_views(page: Page) -> list[str]:
    return page.locator("#view-list a").all_inner_texts()


def test_what_opens_is_seen_without_a_reload(console: Console, visit: Visiting) -> None:
    page = visit().open()
    expect(page.get_by_text("Nothing is broken")).to_be_visible()
    lose_the_switch(console)
    expect(page.locator("#INC-1")).to_contain_text("Checkout")
    expect(page.locator("#count")).to_contain_text("1 incident")
    assert accessibility(page) == []


def test_the_board_fits_a_phone_and_the_dark(console: Console, visit: Visiting) -> None:
    lose_the_switch(console)
    page = visit(width=360, height=740, dark=True).open()
    assert overflow(page) == 0
    assert accessibility(page) == []


def test_from_the_first_look_to_acknowledged_is_one_click(console: Console, visit: Visiting) -> None:
    lose_the_switch(console)
    page = visit(script=False).open()
    page.get_by_role("button", name="Acknowledge INC-1").click()
    expect(page.get_by_role("status").filter(has_text="INC-1 is acknowledged")).to_be_visible()
    expect(page.locator("#INC-1")).to_contain_text("acknowledged")


def test_what_is_checked_stays_checked_while_the_board_changes(console: Console, visit: Visiting) -> None:
    lose_the_switch(console)
    page = visit().open()
    page.get_by_label("Check INC-1").check()
    page.get_by_placeholder("To whom").fill("ben")
    lose_more(console)
    expect(page.locator("#INC-2")).to_be_visible()
    expect(page.get_by_label("Check INC-1")).to_be_checked()
    expect(page.get_by_placeholder("To whom")).to_have_value("ben")
    page.get_by_label("Check INC-2").check()
    expect(page.locator("#picked")).to_have_text("2 checked:")
    page.locator("#bulk").get_by_role("button", name="Assign", exact=True).click()
    expect(page.get_by_role("heading", name="2 of 2 done")).to_be_visible()
    assert accessibility(page) == []


def test_the_keyboard_is_enough(console: Console, visit: Visiting) -> None:
    lose_the_switch(console)
    lose_more(console)
    page = visit().open()
    page.keyboard.press("j")
    page.keyboard.press("j")
    expect(page.locator("#INC-2 a.title")).to_be_focused()
    page.keyboard.press("x")
    expect(page.get_by_label("Check INC-2")).to_be_checked()
    page.keyboard.press("k")
    page.keyboard.press("o")
    page.wait_for_url("**/incidents/INC-1")
    page.keyboard.press("a")
    expect(page.get_by_text("INC-1 is acknowledged.")).to_be_visible()
    page.keyboard.press("/")
    page.keyboard.type("INC-2")
    page.keyboard.press("Enter")
    page.wait_for_url("**/incidents/INC-2")


def test_single_keys_are_explained_and_can_be_switched_off(console: Console, visit: Visiting) -> None:
    lose_the_switch(console)
    page = visit().open()
    page.keyboard.press("?")
    expect(page.get_by_role("dialog")).to_be_visible()
    assert accessibility(page) == []
    page.get_by_label("Single keys do something").uncheck()
    page.get_by_role("button", name="Close").click()
    page.reload()
    page.keyboard.press("?")
    page.keyboard.press("j")
    expect(page.get_by_role("dialog")).to_be_hidden()
    expect(page.locator("#INC-1 a.title")).not_to_be_focused()


def test_views_are_kept_by_the_browser(console: Console, visit: Visiting) -> None:
    lose_the_switch(console)
    page = visit().open("/?priority=P1&status=open")
    page.get_by_text("Save this view").click()
    page.get_by_label("Name of this view").fill(HOSTILE)
    page.get_by_role("button", name="Save", exact=True).click()
    page.goto(console.url)
    assert counted_views(page) == [HOSTILE]
    page.locator("#view-list a").click()
    page.wait_for_url("**/?priority=P1&status=open")
    page.get_by_role("button", name="Forget the view").click()
    assert counted_views(page) == []


def test_a_new_p1_is_told_where_that_is_wished_for(console: Console, visit: Visiting) -> None:
    page = visit().open()
    expect(page.get_by_label("Sound and notice")).not_to_be_checked()
    page.get_by_label("Sound and notice").check()
    lose_more(console)
    expect(page.locator("#INC-1")).to_be_visible()
    assert page.evaluate("document.body.dataset.told") is None
    lose_the_switch(console)
    expect(page.locator("body[data-told=INC-2]")).to_have_count(1)


def test_promised_times_are_counted_down_without_a_word_moving(console: Console, visit: Visiting) -> None:
    lose_the_switch(console)
    page = visit().open()
    due = page.locator("#INC-1 .due")
    before, box = due.inner_text(), due.bounding_box()
    assert before.startswith("in 14 min") or before == "in 15 min"
    expect(due).not_to_have_text(before)
    after = due.bounding_box()
    assert box is not None
    assert after is not None
    assert (box["x"], box["y"], box["height"]) == (after["x"], after["y"], after["height"])


def test_events_that_opened_nothing_are_one_click_away(console: Console, visit: Visiting) -> None:
    console.hear(sighting("Stray", labels={"x": HOSTILE}, annotations={"summary": HOSTILE}))
    page = visit(width=360).open()
    page.get_by_role("link", name="Events", exact=True).click()
    expect(page.get_by_text("Stray").first).to_be_visible()
    assert overflow(page) == 0
    assert accessibility(page) == []
