"""Services and the portal in a real browser."""

import pytest
from playwright.sync_api import expect

from rules.access import Role
from rules.decision import Command, Verb
from tests.browser.world import Console, Visiting, accessibility, overflow
from tests.desk import down

HOSTILE = "<img src=x onerror=alert(1)>"


def lose_the_switch(console: Console) -> None:
    console.hear(*down("tor-3a", "host-1", "host-2"))
    console.settle()


def test_a_service_is_seen_to_fail_and_its_days_are_told(console: Console, visit: Visiting) -> None:
    page = visit().open("/services")
    row = page.locator("li", has_text="Checkout")
    expect(row).to_contain_text("works")
    lose_the_switch(console)
    expect(row).to_contain_text("does not work")
    page.get_by_role("link", name="Checkout", exact=True).click()
    expect(page.get_by_role("img", name="Checkout, day by day for 90 days: trouble on 1 day")).to_be_visible()
    page.get_by_text("Day with trouble (1)").click()
    expect(page.get_by_role("cell", name="down for")).to_be_visible()
    page.get_by_role("link", name="Report a problem with it").click()
    expect(page.get_by_label("With which service?")).to_have_value("checkout")


def test_a_user_reports_follows_and_confirms(guarded_console: Console, visit: Visiting) -> None:
    console = guarded_console
    lose_the_switch(console)
    page = visit().log_in(Role.REPORTER)
    page.get_by_role("link", name="Report a problem").click()
    page.get_by_label("In a few words").fill(f"I cannot pay {HOSTILE}")
    page.get_by_label("With which service?").select_option("checkout")
    expect(page.get_by_text("This may be known already")).to_be_visible()
    expect(page.locator("#known")).to_contain_text("tor-3a")
    page.get_by_label("I cannot work with it at all").check()
    page.get_by_label("What happens?").fill("since noon")
    page.get_by_role("button", name="Send").click()
    expect(page.get_by_text("Thank you. We have it")).to_be_visible()
    assert accessibility(page) == []
    number = int(page.url.partition("INC-")[2].partition("?")[0])
    page.get_by_label("What else should we know?").fill("half typed")
    mend(console, number)
    expect(page.get_by_text("We think that it is solved")).to_be_visible()
    assert page.get_by_label("What else should we know?").input_value() == "half typed"
    page.reload()
    page.get_by_role("button", name="It does not work").click()
    expect(page.get_by_text("It is open again.")).to_be_visible()
    mend(console, number)
    page.reload()
    page.get_by_role("button", name="It works: close it").click()
    expect(page.get_by_text("It is solved and closed.")).to_be_visible()
    page.get_by_label("4 content").check()
    page.get_by_role("button", name="Answer").click()
    expect(page.get_by_text("You have answered that you are content")).to_be_visible()
    assert accessibility(page) == []


def mend(console: Console, number: int) -> None:
    now = console.world.clock.now()
    fields = {"number": number, "value": "restarted"}
    reply = console.decide(Command(id=f"mend{now}{number}", at=now, actor="olga", verb=Verb.RESOLVE, **fields))  # type: ignore[arg-type]
    assert reply.done, reply.message
    console.settle()


def test_it_goes_by_keyboard_and_without_scripts(console: Console, visit: Visiting) -> None:
    lose_the_switch(console)
    page = visit(script=False).open("/portal")
    page.get_by_label("In a few words").focus()
    page.keyboard.type("no payment")
    page.keyboard.press("Tab")
    page.keyboard.type("Checkout")
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")  # is it known already?
    expect(page.get_by_text("This may be known already")).to_be_visible()
    expect(page.get_by_label("In a few words")).to_have_value("no payment")
    page.get_by_label("In a few words").focus()
    page.get_by_role("button", name="Send").press("Enter")
    expect(page.get_by_text("Thank you. We have it")).to_be_visible()


def test_a_refused_report_keeps_what_was_typed(console: Console, visit: Visiting) -> None:
    visitor = visit()
    visitor.forgive("400")
    page = visitor.open("/portal")
    page.get_by_label("In a few words").fill("x")
    page.get_by_label("Phone").fill("what?")
    page.get_by_role("button", name="Send").click()
    expect(page.get_by_role("alert")).to_contain_text("is not a phone number")
    expect(page.get_by_label("Phone")).to_have_value("what?")


@pytest.mark.parametrize("dark", [False, True])
def test_the_pages_are_accessible_and_fit_a_phone(console: Console, visit: Visiting, dark: bool) -> None:
    lose_the_switch(console)
    visitor = visit(width=360, height=740, dark=dark)
    for path in ("/services", "/services/checkout", "/services/search", "/portal?service=checkout", "/portal/INC-1"):
        page = visitor.open(path)
        assert (path, overflow(page)) == (path, 0)
        assert (path, accessibility(page)) == (path, [])
