"""Overview, reports and administration in a real browser."""

from datetime import timedelta

import pytest
from playwright.sync_api import expect

from rules.access import Role
from tests.apps import App
from tests.browser.world import Console, Visiting, accessibility, overflow
from tests.builders import sighting
from tests.contract.api_world import PASSWORD

PAGES = (
    "/overview",
    "/reports",
    "/reports/definitions",
    "/reports/incidents",
    "/admin",
    "/admin/try",
    "/admin/silences",
    "/admin/oncall",
    "/admin/notices",
    "/admin/users",
    "/admin/tokens",
    "/admin/audit",
    "/account",
)
HOSTILE = '"><img src=x onerror=alert(1)>'


def lose_the_switch(console: Console) -> None:
    down = {"ci": "tor-3a", "severity": "critical", "alertname": HOSTILE}
    console.hear(sighting(HOSTILE, labels=down), *(sighting("HostDown", labels={"ci": f"host-{n}"}) for n in (1, 2)))
    # The opened notice waits for its root to settle.
    console.world.clock.advance(timedelta(seconds=20))
    console.hear()


@pytest.mark.parametrize(("width", "dark"), [(360, True), (1280, False)])
def test_every_page_can_be_read_by_everybody_on_every_screen(
    console: Console, visit: Visiting, width: int, dark: bool
) -> None:
    lose_the_switch(console)
    visitor = visit(width=width, dark=dark)
    for path in PAGES:
        page = visitor.open(path)
        assert (path, accessibility(page)) == (path, [])
        assert (path, overflow(page)) == (path, 0)
        expect(page.get_by_role("heading", level=1)).to_be_visible()
        page.close()


def test_a_manager_sees_what_is_hit_as_it_happens_and_prints_it(console: Console, visit: Visiting) -> None:
    page = visit().open("/overview")
    expect(page.get_by_role("heading", level=1)).to_have_text("All business services work")
    lose_the_switch(console)
    expect(page.get_by_role("heading", level=1)).to_contain_text("hit")
    expect(page.locator("article.trouble")).to_contain_text("Nobody has taken it yet")
    expect(page.locator("main")).not_to_contain_text("tor-3a")
    page.emulate_media(media="print")
    expect(page.locator("header.top")).to_be_hidden()
    expect(page.locator("article.trouble")).to_be_visible()


def test_a_figure_leads_to_its_incidents_and_to_what_it_means_without_a_script(
    console: Console, visit: Visiting
) -> None:
    lose_the_switch(console)
    page = visit(script=False).open("/reports")
    page.get_by_role("combobox", name="Priority").select_option("P1")
    page.get_by_role("button", name="Show").click()
    expect(page.get_by_title("Take this filter away")).to_have_text("priority: P1 ×")
    page.locator(".tile", has_text="Incidents").locator(".big a").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Incidents behind the figure")
    expect(page.locator("main tbody tr")).to_have_count(1)
    page.go_back()
    page.locator(".tile", has_text="Resolved within").get_by_text("What is counted").click()
    expect(page.locator("#time-to-resolve")).to_be_in_viewport()


def test_an_alert_is_tried_and_a_silence_made_by_the_keyboard_alone(console: Console, visit: Visiting) -> None:
    visitor = visit()
    page = visitor.open("/admin/try")
    page.get_by_label("Labels").focus()
    page.keyboard.press("Control+A")
    page.keyboard.type("alertname=SwitchDown ci=tor-3a severity=critical")
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    expect(page.locator("#came")).to_contain_text("An incident would open")
    assert accessibility(page) == []
    page.goto(visitor.url + "/admin/silences")
    page.get_by_label("Alerts that meet all of these").focus()
    page.keyboard.type(f"alertname={HOSTILE!r}")
    page.keyboard.press("Tab")
    page.keyboard.press("Tab")
    page.keyboard.type("known")
    page.keyboard.press("Enter")
    expect(page.locator("main tbody")).to_contain_text("known")
    assert accessibility(page) == []


@pytest.mark.parametrize(("width", "dark", "script"), [(360, True, False), (1280, False, True)])
def test_a_second_factor_is_set_up_and_asked_for(
    guarded_console: Console, visit: Visiting, width: int, dark: bool, script: bool
) -> None:
    visitor = visit(width=width, dark=dark)
    page = visitor.log_in(Role.OPERATOR)
    page.goto(f"{visitor.url}/account")
    assert (accessibility(page), overflow(page)) == ([], 0)
    page.get_by_label("Your password").fill(PASSWORD)
    page.get_by_role("button", name="Set it up").click()
    expect(page.get_by_role("img", name="The secret as a QR code")).to_be_visible()
    assert (accessibility(page), overflow(page)) == ([], 0)
    app = App(page.locator(".secret").inner_text(), guarded_console.world.clock)
    page.get_by_label("The code").fill(app.code())
    page.keyboard.press("Enter")
    expect(page.locator(".codes li")).to_have_count(10)
    assert (accessibility(page), overflow(page)) == ([], 0)

    guarded_console.world.clock.advance(timedelta(seconds=30))
    other = visit(width=width, dark=dark, script=script)
    page = other.open("/login?next=%2Fevents")
    page.get_by_label("Name").fill("operator")
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Log in").click()
    expect(page.get_by_label("The code that your app shows")).to_be_focused()
    if script:
        assert (accessibility(page), overflow(page)) == ([], 0)
        other.forgive("401")
        page.keyboard.type("000000")
        page.keyboard.press("Enter")
        expect(page.get_by_role("alert")).to_contain_text("The code is wrong")
    page.get_by_label("The code that your app shows").fill(app.code())
    page.keyboard.press("Enter")
    page.wait_for_url(f"{other.url}/events")


def test_a_new_user_chooses_a_password_first(guarded_console: Console, visit: Visiting) -> None:
    admin = visit().log_in(Role.ADMIN)
    admin.get_by_role("link", name="Administration").click()
    admin.get_by_role("link", name="Users", exact=True).click()
    admin.get_by_label("Name").fill("carla")
    admin.get_by_role("button", name="Add").click()
    password = admin.locator(".secret").inner_text()
    assert accessibility(admin) == []

    carla = visit().open("/login")
    carla.get_by_label("Name").fill("carla")
    carla.get_by_label("Password").fill(password)
    carla.get_by_role("button", name="Log in").click()
    expect(carla.get_by_role("heading", level=1)).to_have_text("Your account")
    carla.get_by_label("The password you have").fill(password)
    carla.get_by_label("A new one").fill("another long phrase")
    carla.get_by_label("The new one again").fill("another long phrase")
    carla.get_by_role("button", name="Change the password").click()
    expect(carla.get_by_role("heading", level=1)).to_have_text("Board")
