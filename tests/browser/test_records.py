"""Service requests, problems and changes in a real browser."""

import uuid
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from rules.access import Role
from rules.decision import Decision, RecordOrder, RecordVerb
from rules.incident import RootCause, Status
from rules.record import Given, Kind
from tests.browser.world import Console, Visiting, accessibility, lose_the_switch, overflow
from tests.builders import T0, at, incident

HOSTILE = "<img src=x onerror=alert(1)><script>alert(2)</script>"
PAGES = (
    "/requests",
    "/requests?status=any&text=laptop&group=desk",
    "/requests/new",
    "/requests/REQ-1",
    "/problems",
    "/problems/new",
    "/problems/PRB-1",
    "/changes",
    "/changes?view=list",
    "/changes/new",
    "/changes/CHG-1",
)


def order(console: Console, kind: Kind, verb: RecordVerb = RecordVerb.CREATE, **fields: Any) -> None:
    """Somebody orders it by another way."""
    given = {name: fields.pop(name) for name in tuple(fields) if name in Given.__dataclass_fields__}
    made = RecordOrder(
        id=uuid.uuid4().hex,
        at=console.world.clock.now(),
        actor="ben",
        kind=kind,
        verb=verb,
        given=Given(**given),
        **fields,
    )
    reply = console.decide(made)
    assert reply.done, reply.message


def work(console: Console) -> None:
    """Some of each, with an incident, something that recurs, and two changes that meet."""
    past = [
        incident(
            900 + n,
            root=RootCause(ci="tor-1b"),
            status=Status.CLOSED,
            opened_at=at(-n * 86_400),
            closed_at=at(-n * 80_000),
        )
        for n in (3, 2, 1)
    ]
    console.world.store.commit(Decision(at=T0, incidents=tuple(past)), epoch=console.epoch)
    lose_the_switch(console)
    order(console, Kind.REQUEST, title="a laptop", group="desk", services=("checkout",))
    order(console, Kind.PROBLEM, title="it reboots", cis=("tor-3a",), workaround="pull the plug")
    for title, begin in (("new firmware", 600), ("rewire it", 1200)):
        order(console, Kind.CHANGE, title=title, cis=("tor-3a",), starts_at=at(begin), ends_at=at(begin + 3600))
    order(console, Kind.CHANGE, RecordVerb.LINK, number=1, to="PRB-1", relation="related to")
    order(console, Kind.CHANGE, RecordVerb.STEP, number=1, step="approve")
    order(console, Kind.CHANGE, RecordVerb.STEP, number=1, step="start")


@pytest.mark.parametrize(("width", "dark"), [(360, True), (390, False), (1280, False), (1280, True)])
def test_every_page_can_be_read_by_everybody_on_every_screen(
    console: Console, visit: Visiting, width: int, dark: bool
) -> None:
    work(console)
    visitor = visit(width=width, dark=dark)
    for path in PAGES:
        page = visitor.open(path)
        for summary in page.locator("main summary").all():
            summary.click()
        assert (path, overflow(page)) == (path, 0)
        assert (path, accessibility(page)) == (path, [])
        expect(page.get_by_role("heading", level=1)).to_be_visible()
        page.close()


def test_what_recurs_becomes_a_problem_that_is_seen_by_others_at_once(console: Console, visit: Visiting) -> None:
    work(console)
    other = visit().open("/problems")
    page = visit().open()
    page.get_by_role("link", name="Records").click()
    page.get_by_role("link", name="Problems").click()
    page.get_by_role("button", name="Make a problem of it: tor-1b").click()
    expect(page.get_by_role("status").filter(has_text="PRB-2 is open")).to_be_visible()
    expect(page.locator(".linked li")).to_have_count(3)
    expect(other.locator("#PRB-2")).to_contain_text("3")
    expect(other.get_by_text("What recurs")).to_be_hidden()
    page.get_by_role("button", name="Start work").click()
    expect(page.locator("header.lead")).to_contain_text("investigating")
    expect(other.locator("#PRB-2")).to_contain_text("investigating")


def test_a_change_goes_from_plan_to_done_by_the_keyboard_alone(console: Console, visit: Visiting) -> None:
    page = visit(script=False).open("/changes/new")
    page.get_by_label("Title").focus()
    page.keyboard.type("new disks")
    page.get_by_label("Begins, in UTC").fill("2026-11-24T09:00")
    page.get_by_label("Ends, in UTC").fill("2026-11-24T10:00")
    page.get_by_label("Configuration items").focus()
    page.keyboard.type("tor-1a")
    page.get_by_role("button", name="Make it").press("Enter")
    expect(page.get_by_text("CHG-1 is planned.")).to_be_visible()
    page.get_by_role("button", name="Approve").press("Enter")
    expect(page.get_by_text("CHG-1 is approved.")).to_be_visible()
    page.get_by_role("button", name="Start work").press("Enter")
    page.get_by_text("Complete…").focus()
    page.keyboard.press("Enter")
    page.keyboard.press("Tab")
    page.keyboard.type("all went well")
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    expect(page.get_by_text("CHG-1 is done.")).to_be_visible()
    expect(page.get_by_text("Outcome: all went well")).to_be_visible()
    page.get_by_role("link", name="tor-1a").first.click()
    expect(page.get_by_role("heading", level=1)).to_contain_text("tor-1a")


def opened_to_edit(page: Page) -> Page:
    page.get_by_text("Edit…").click()
    return page


def test_two_people_at_once_overwrite_nothing_unseen(console: Console, visit: Visiting) -> None:
    work(console)
    anna, ben = visit(), visit()
    mine, yours = opened_to_edit(anna.open("/problems/PRB-1")), opened_to_edit(ben.open("/problems/PRB-1"))
    mine.locator("#edit-description").fill("since May")
    yours.locator("#edit-cause").fill("bad memory")
    yours.get_by_role("button", name="Save").click()
    expect(yours.get_by_text("PRB-1 is changed.")).to_be_visible()
    expect(mine.locator("ol.history")).to_contain_text("cause is now bad memory")
    expect(mine.locator("#edit-description")).to_have_value("since May")
    anna.forgive("412")
    mine.get_by_role("button", name="Save").click()
    expect(mine.get_by_role("alert").filter(has_text="cause is now bad memory")).to_be_visible()
    expect(mine.locator("#edit-description")).to_have_value("since May")
    expect(mine.locator("#edit-cause")).to_have_value("bad memory")
    assert accessibility(mine) == []
    mine.get_by_role("button", name="Save").click()
    expect(mine.get_by_text("PRB-1 is changed.")).to_be_visible()
    about = mine.locator("section", has=mine.locator("#about"))
    expect(about).to_contain_text("bad memory")
    expect(about).to_contain_text("since May")


def test_the_calendar_follows_what_others_do(console: Console, visit: Visiting) -> None:
    work(console)
    page = visit().open("/changes")
    expect(page.locator("section", has=page.locator("#now")).get_by_text("new firmware")).to_be_visible()
    expect(page.locator(".day.today")).to_contain_text("also on tor-3a")
    order(console, Kind.CHANGE, title="paint the room", starts_at=at(7200), ends_at=at(9000))
    expect(page.locator(".day.today").get_by_text("paint the room")).to_be_visible()
    page.keyboard.press("j")
    page.keyboard.press("o")
    page.wait_for_url("**/changes/CHG-1")
    page.get_by_role("link", name="Changes", exact=True).click()
    page.get_by_role("link", name="Later").click()
    expect(page.get_by_text("Nothing is planned for these days.")).to_be_visible()


def test_a_reporter_asks_and_adds_but_is_offered_no_more(guarded_console: Console, visit: Visiting) -> None:
    work(guarded_console)
    page = visit().log_in(Role.REPORTER)
    page.get_by_role("link", name="Records").click()
    page.get_by_role("link", name="New service request").click()
    page.get_by_label("Title").fill("a second screen")
    page.get_by_role("button", name="Make it").click()
    expect(page.get_by_text("REQ-2 is submitted.")).to_be_visible()
    expect(page.locator(".actions summary")).to_have_text(["Note…"])
    page.get_by_text("Note…").click()
    page.get_by_label("What is to be remembered").fill("27 inches")
    page.get_by_role("button", name="Add the note").click()
    expect(page.locator("ol.history")).to_contain_text("27 inches")


def test_hostile_texts_do_nothing_in_a_browser(console: Console, visit: Visiting) -> None:
    order(console, Kind.REQUEST, title=HOSTILE, description=HOSTILE, group=HOSTILE, assignee=HOSTILE)
    order(console, Kind.PROBLEM, title=HOSTILE, workaround=HOSTILE, cause=HOSTILE, words=(HOSTILE,), cis=("tor-3a",))
    order(console, Kind.CHANGE, title=HOSTILE, uid=HOSTILE, url="javascript:alert(3)", starts_at=at(60), ends_at=at(90))
    visitor = visit()
    for path in ("/requests", "/problems", "/changes", "/requests/REQ-1", "/problems/PRB-1", "/changes/CHG-1"):
        page = visitor.open(path)
        expect(page.locator("main")).to_contain_text("onerror")
        assert page.locator("main img, main script").count() == 0
        assert page.locator("a[href^=javascript]").count() == 0
