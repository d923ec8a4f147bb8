"""The page of an incident in a real browser."""

import pytest
from playwright.sync_api import Page, expect

from tests.browser.world import Console, Visiting, accessibility, lose_the_switch, overflow
from tests.builders import sighting

INCIDENT = "/incidents/INC-1"
HOSTILE = "<img src=x onerror=alert(1)><script>alert(2)</script>"


def more_joins(console: Console, page: Page) -> None:
    """Another alert, and the page has heard of it."""
    console.hear(sighting("HostDown", labels={"ci": "host-3"}))
    expect(page.get_by_text("4 of 4 fire")).to_be_visible()


def test_the_picture_says_what_is_hit_in_words_and_leads_to_the_cis(console: Console, visit: Visiting) -> None:
    lose_the_switch(console)
    page = visit().open(INCIDENT)
    picture = page.locator("svg.impact")
    expect(picture.get_by_text("root · switch · down")).to_be_visible()
    expect(picture.locator("text", has_text="Checkout")).to_be_visible()
    assert picture.locator("a").first.get_attribute("href") == "/cis/tor-3a"
    page.get_by_text("The same as a table").click()
    expect(page.locator("#reach").get_by_role("row").filter(has_text="Checkout")).to_contain_text("down")
    assert accessibility(page) == []


@pytest.mark.parametrize(("width", "dark"), [(360, False), (360, True), (1280, True), (1920, False)])
def test_the_page_fits_every_screen_light_and_dark(console: Console, visit: Visiting, width: int, dark: bool) -> None:
    lose_the_switch(console)
    page = visit(width=width, dark=dark).open(INCIDENT)
    page.get_by_text("More…").click()
    page.get_by_text("Resolve…").click()
    assert overflow(page) == 0
    assert accessibility(page) == []


def test_lost_redundancy_is_drawn_with_what_still_carries(console: Console, visit: Visiting) -> None:
    console.hear(sighting("SwitchDown", labels={"ci": "tor-1a", "severity": "critical"}))
    picture = visit().open(INCIDENT).locator("svg.impact")
    expect(picture.locator("text", has_text="switch · carries")).to_be_visible()
    expect(picture.locator("text", has_text="1 of 2 left, 1 needed").first).to_be_visible()


def test_a_change_is_shown_without_losing_what_is_typed_open_or_focused(console: Console, visit: Visiting) -> None:
    lose_the_switch(console)
    page = visit(height=500).open(INCIDENT)
    page.get_by_text("The same as a table").click()
    page.get_by_text("Note…").click()
    text = page.get_by_label("What is to be remembered")
    text.fill("I am on my w")
    text.evaluate("box => box.setSelectionRange(5, 5)")
    page.evaluate("window.scrollTo(0, 300)")
    more_joins(console, page)
    expect(text).to_have_value("I am on my w")
    expect(text).to_be_focused()
    assert text.evaluate("box => box.selectionStart") == 5
    expect(page.locator("#reach")).to_have_attribute("open", "")
    assert page.evaluate("window.scrollY") == 300


def test_two_people_at_once_overwrite_nothing_unseen(console: Console, visit: Visiting) -> None:
    lose_the_switch(console)
    anna, ben = visit(), visit()
    mine, yours = anna.open(INCIDENT), ben.open(INCIDENT)
    for page, reason in ((mine, "the till is closed"), (yours, "only a test")):
        page.get_by_text("More…").click()
        page.get_by_text("Set the priority…").click()
        page.locator("#priority-reason").fill(reason)
        page.locator("#priority-priority").select_option("P2" if page is mine else "P4")
    yours.get_by_role("button", name="Set it").click()
    expect(yours.get_by_text("INC-1 is P4.")).to_be_visible()
    expect(mine.locator("h1")).to_contain_text("P4")
    anna.forgive("412")
    mine.get_by_role("button", name="Set it").click()
    expect(mine.get_by_role("alert").filter(has_text="only a test")).to_be_visible()
    expect(mine.locator("#priority-reason")).to_have_value("the till is closed")
    expect(mine.locator("#priority-priority")).to_have_value("P2")
    mine.get_by_role("button", name="Set it").click()
    expect(mine.get_by_text("INC-1 is P2.")).to_be_visible()


def lose_it_in_two_steps(console: Console) -> None:
    lose_the_switch(console)
    console.settle(30)
    console.hear(sighting("HostDown", labels={"ci": "host-4"}, starts_at=console.world.clock.now()))


def test_the_storm_is_replayed_by_moving_along(console: Console, visit: Visiting) -> None:
    lose_it_in_two_steps(console)
    page = visit().open(INCIDENT)
    page.get_by_label("Replay the storm").focus()
    page.keyboard.press("ArrowLeft")
    expect(page.locator("#storm-picture")).to_contain_text("step 1 of 2: 3 alerts began")
    expect(page.get_by_label("Replay the storm")).to_be_focused()
    console.hear(sighting("HostDown", labels={"ci": "host-3"}, starts_at=console.world.clock.now()))
    expect(page.get_by_text("5 of 5 fire")).to_be_visible()
    expect(page.locator("#storm-picture")).to_contain_text("step 1 of")
    page.get_by_role("link", name="As it is now").click()
    expect(page.locator("#storm-picture")).not_to_contain_text("step 1 of")
    assert accessibility(page) == []


def test_all_of_it_works_without_scripts(console: Console, visit: Visiting) -> None:
    lose_it_in_two_steps(console)
    page = visit(script=False).open(INCIDENT)
    page.get_by_role("button", name="Acknowledge").click()
    expect(page.get_by_text("INC-1 is acknowledged.")).to_be_visible()
    page.get_by_text("Hold…").click()
    page.get_by_label("What is waited for").fill("a spare switch")
    page.get_by_role("button", name="Put it on hold").click()
    page.get_by_role("button", name="Undo").click()
    expect(page.get_by_text("INC-1 is in progress.")).to_be_visible()
    page.locator("#storm").get_by_role("button", name="Show").click()
    expect(page.locator("#storm-picture")).to_contain_text("step 2 of 2")
    page.get_by_role("link", name="Back", exact=True).click()
    expect(page.locator("#storm-picture")).to_contain_text("step 1 of 2")


def test_the_keyboard_alone_resolves_it(console: Console, visit: Visiting) -> None:
    lose_the_switch(console)
    page = visit().open(INCIDENT)
    page.locator("#act-resolve > summary").focus()
    page.keyboard.press("Enter")
    page.keyboard.press("Tab")
    page.keyboard.type("a new power supply")
    for _ in range(5):
        page.keyboard.press("Tab")
    while page.evaluate("document.activeElement.tagName") != "BUTTON":
        page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    expect(page.get_by_text("INC-1 is resolved")).to_be_visible()
    expect(page.get_by_text("a new power supply").first).to_be_visible()


def test_hostile_texts_do_nothing_in_a_browser(console: Console, visit: Visiting) -> None:
    labels = {"ci": "host-11", "severity": "critical", "team": HOSTILE}
    console.hear(
        sighting(HOSTILE, labels=labels, annotations={"summary": HOSTILE, "runbook_url": "javascript:alert(3)"})
    )
    page = visit().open(INCIDENT)
    page.get_by_text("Note…").click()
    page.get_by_label("What is to be remembered").fill(HOSTILE)
    page.get_by_role("button", name="Add the note").click()
    expect(page.locator("ol.history").get_by_text(HOSTILE).first).to_be_visible()
    assert page.locator("main img, main script").count() == 0
    assert page.locator("a[href^=javascript]").count() == 0
