"""What holds for every page that the manual names: how heavy it is, where it asks, and that it says something without
scripts."""

import re
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import Request

from rules.record import Kind
from tests.browser.world import Console, Visiting, accessibility, lose_the_switch, overflow
from tests.consoles import make_record

MANUAL = Path(__file__).parents[2] / "docs" / "access.md"
HEAVIEST_KB = 300
"""Compressed, with all that the page loads; what a slow phone takes in about two seconds."""
FILLED = {"number": "INC-1", "key": "INC-1", "ci": "tor-3a", "service": "checkout"}
"""What is put into addresses, by the name of the place."""
REFUSED = {
    "/status": "404",
    "/status/checkout": "404",
    "/cis/unmapped/match": "400",
    "/login/oidc": "404",
    "/login/oidc/back": "404",
}
"""Pages that say in words why they are not there: the configuration has no status page and no single sign-on, no alert
is named."""
NOT_A_PAGE = ("/live", "/static/", ".csv", ".svg", ".png")


def pages() -> Iterator[str]:
    """The address of every page that the manual names, with something that is there."""
    text = MANUAL.read_text(encoding="utf-8").partition("## Pages")[2]
    for path in re.findall(r"^\| `GET (/[^`]*)` \|", text, re.MULTILINE):
        if not any(word in path for word in NOT_A_PAGE):
            own = {"number": next((f"{k.series}-1" for k in Kind if path.startswith(f"/{k}s/")), FILLED["number"])}
            yield re.sub(r"\{(\w+)[^}]*\}", lambda place: {**FILLED, **own}[place[1]], path)  # noqa: B023


def fill(console: Console) -> None:
    """An incident, and one record of each kind."""
    lose_the_switch(console)
    for kind in Kind:
        make_record(console, kind, cis=("tor-3a",))


def test_the_manual_is_read(console: Console) -> None:
    found = list(pages())
    assert {"/", "/incidents/INC-1", "/cis/tor-3a", "/services/checkout", "/admin/try"} <= set(found)
    assert len(found) > 25


@pytest.mark.parametrize("path", list(pages()))
def test_a_page_is_light_asks_nobody_else_and_works_without_scripts(
    console: Console, visit: Visiting, path: str
) -> None:
    fill(console)
    visitor, asked = visit(), list[Request]()
    visitor.context.on("requestfinished", lambda request: asked.append(request))
    visitor.forgive(REFUSED.get(path, "nothing"))
    page = visitor.open(path)
    page.wait_for_load_state("load")
    hosts = {urlsplit(request.url).netloc for request in asked}
    assert hosts == {urlsplit(console.url).netloc}
    weight = sum(r.sizes()["responseBodySize"] for r in asked if not r.url.endswith("/live"))
    assert 1_000 < weight < HEAVIEST_KB * 1_000

    plain = visit(script=False)
    plain.forgive(REFUSED.get(path, "nothing"))
    bare = plain.open(path)
    assert len(bare.locator("main, body").first.inner_text().split()) > 5
    assert bare.get_by_role("heading", level=1).is_visible()


@pytest.mark.parametrize(("width", "dark"), [(360, True), (1280, False)])
def test_everybody_can_read_it_on_every_screen(console: Console, visit: Visiting, width: int, dark: bool) -> None:
    fill(console)
    visitor = visit(width=width, dark=dark)
    for path in pages():
        visitor.forgive(REFUSED.get(path, "nothing"))
        page = visitor.open(path)
        assert (path, accessibility(page), overflow(page)) == (path, [], 0)
        page.close()
