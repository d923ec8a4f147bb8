"""A served console, and browsers to look at it with. Chromium is Debian's; the tests are skipped without it."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, sync_playwright

from rules.access import Role
from tests.browser.world import Console, Visiting, console_of, visitors
from tests.contract.api_world import password_hash
from tests.servers import program

__all__ = ["password_hash"]


@pytest.fixture(scope="module")
def chromium() -> Iterator[Browser]:
    # Of a module: while it is there Playwright holds this thread's event loop, which other tests want for their own.
    path = program("chromium", "chromium-browser")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=["--no-sandbox", "--disable-gpu"])
        yield browser
        browser.close()


@pytest.fixture
def console(tmp_path: Path) -> Iterator[Console]:
    """The console over the rack estate, where everybody may do everything."""
    with console_of(tmp_path) as console:
        yield console


@pytest.fixture
def guarded_console(tmp_path: Path, password_hash: str) -> Iterator[Console]:
    """The same behind a login, with a user for each role, named after it."""
    with console_of(tmp_path, "login") as console:
        for role in Role:
            console.world.store.users.add(role, role, (), password_hash)
        yield console


@pytest.fixture
def visit(chromium: Browser, request: pytest.FixtureRequest) -> Iterator[Visiting]:
    """Makes visitors of the console that the test asks for; no page of theirs may complain of anything."""
    name = "guarded_console" if "guarded_console" in request.fixturenames else "console"
    console: Console = request.getfixturevalue(name)
    with visitors(chromium, console.url) as visiting:
        yield visiting
