"""Single sign-on as tests have it: a console whose users log in at a provider, and browsers that do."""

import contextlib
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest
import requests
from joserfc.jwk import RSAKey

from daemon.api.ports import COOKIE, Ports
from daemon.console.routes import console_routes
from rules.access import Role
from tests.contract.api_world import Session, World, serve
from tests.provider import Provider, provider_of, sign_on_with


@pytest.fixture(scope="module")
def key() -> RSAKey:
    return RSAKey.generate_key(2048, parameters={"kid": "key-1"})


@pytest.fixture(scope="module")
def other_key() -> RSAKey:
    return RSAKey.generate_key(2048, parameters={"kid": "key-2"})


@dataclass
class Estate:
    """A console whose users log in at a provider."""

    console: World
    provider: Provider

    @property
    def url(self) -> str:
        return self.console.url

    def user(self, name: str = "anna@example.net") -> Any:
        return self.console.store.users.user(name)


@contextlib.contextmanager
def wired(directory: Path, key: RSAKey, **settings: Any) -> Iterator[Estate]:
    """Both, for a provider of those settings."""
    made: list[Provider] = []
    with contextlib.ExitStack() as stack:

        def change(ports: Ports) -> Ports:
            provider = stack.enter_context(provider_of(ports.clock, key))
            made.append(provider)
            sign_on = sign_on_with(provider, ports.store, ports.clock, **settings)
            return replace(ports, sign_on=sign_on, second_factor_for=(Role.VIEWER,))

        for console in serve(directory, "login", change, console_routes):
            yield Estate(console, made[0])


@pytest.fixture
def estate(tmp_path: Path, key: RSAKey) -> Iterator[Estate]:
    with wired(tmp_path, key) as estate:
        yield estate


def browser(estate: Estate) -> Session:
    session = requests.Session()
    session.trust_env = False
    session.headers["Origin"] = estate.url
    return session


def way_back(estate: Estate, who: Session, page: str = "/events") -> str:
    """Click the button and log in at the provider: the address that leads back."""
    there = who.get(f"{estate.url}/login/oidc", params={"next": page}, allow_redirects=False)
    assert there.status_code == 303, there.text
    return who.get(there.headers["Location"]).headers["X-Back"]


def log_in(estate: Estate, who: Session | None = None, page: str = "/events") -> requests.Response:
    who = who or browser(estate)
    return who.get(way_back(estate, who, page), allow_redirects=False)


def refusal(answer: requests.Response, status: int) -> str:
    """What the login page says."""
    assert answer.status_code == status, answer.text
    assert COOKIE not in answer.cookies
    found = answer.text.partition('<p role="alert" class="alert">')[2].partition("</p>")[0]
    assert found
    return found.replace("&#39;", "'")
