"""Single sign-on in a real browser: to the provider by the button, and back, logged in."""

import contextlib
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from joserfc.jwk import RSAKey
from playwright.sync_api import expect

from daemon.api.ports import Ports
from tests.browser.world import Console, Visiting, accessibility, console_of, overflow
from tests.provider import Provider, provider_of, sign_on_with


@pytest.fixture
def providers() -> list[Provider]:
    """The one that runs, once the console does."""
    return []


@pytest.fixture
def guarded_console(tmp_path: Path, providers: list[Provider]) -> Iterator[Console]:
    """The console behind a login at a provider."""
    with contextlib.ExitStack() as stack:

        def change(ports: Ports) -> Ports:
            key = RSAKey.generate_key(2048, parameters={"kid": "key-1"})
            providers.append(stack.enter_context(provider_of(ports.clock, key)))
            return replace(ports, sign_on=sign_on_with(providers[0], ports.store, ports.clock))

        yield stack.enter_context(console_of(tmp_path, "login", change=change))


@pytest.mark.parametrize(("width", "dark", "script"), [(360, True, False), (1280, False, True)])
def test_the_button_leads_to_the_provider_and_back_logged_in(
    guarded_console: Console, providers: list[Provider], visit: Visiting, width: int, dark: bool, script: bool
) -> None:
    visitor = visit(width=width, dark=dark, script=script)
    page = visitor.open("/events")
    button = page.get_by_role("link", name="Log in with Example")
    expect(button).to_be_visible()
    if script:
        assert (accessibility(page), overflow(page)) == ([], 0)
    button.click()
    page.get_by_role("link", name="Go on").click()
    page.wait_for_url(f"{visitor.url}/events")
    expect(page.get_by_title("Your account")).to_have_text("anna@example.net")
    page.goto(f"{visitor.url}/account")
    expect(page.locator("main")).to_contain_text("You log in with Example")
    if script:
        assert (accessibility(page), overflow(page)) == ([], 0)
    page.get_by_role("button", name="Log out").click()
    expect(page.get_by_role("link", name="Log in with Example")).to_be_visible()


def test_a_login_that_fails_is_said_on_the_login_page(
    guarded_console: Console, providers: list[Provider], visit: Visiting
) -> None:
    providers[0].who.claims["email_verified"] = False
    visitor = visit()
    visitor.forgive("403")
    page = visitor.open("/login")
    page.get_by_role("link", name="Log in with Example").click()
    page.get_by_role("link", name="Go on").click()
    expect(page.get_by_role("alert")).to_have_text("Example does not say that your mail address is verified.")
    assert accessibility(page) == []
