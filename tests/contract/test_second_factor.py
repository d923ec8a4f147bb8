"""Logging in with a second factor: set up at one's account, asked for by pages and the API, reset by administrators."""

import re
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
import requests
from structlog.testing import capture_logs

from daemon.api.ports import COOKIE, Ports
from daemon.console.login import CODE_WITHIN
from daemon.console.routes import console_routes
from daemon.second_factor import FactorRefused, SecondFactor
from daemon.store.rows import ITSELF
from notifiers.secret import Secret
from rules.access import Role
from rules.throttle import MOST_PER_NAME, WINDOW
from tests.apps import App
from tests.contract.api_world import PASSWORD, Session, World, problem, serve

STEP = timedelta(seconds=30)
DEMANDED = (Role.ADMIN, Role.MANAGER)


def served(directory: Path, password_hash: str, demanded: tuple[Role, ...]) -> Iterator[World]:
    def demanding(ports: Ports) -> Ports:
        return replace(ports, second_factor_for=demanded)

    for world in serve(directory, "login", demanding, console_routes):
        for role in Role:
            world.store.users.add(role, role, (), password_hash)
        yield world


@pytest.fixture
def console(tmp_path: Path, password_hash: str) -> Iterator[World]:
    yield from served(tmp_path, password_hash, ())


@pytest.fixture
def demanding(tmp_path: Path, password_hash: str) -> Iterator[World]:
    """Where administrators and managers need one."""
    yield from served(tmp_path, password_hash, DEMANDED)


def browser(console: World) -> Session:
    session = requests.Session()
    session.trust_env = False
    session.headers["Origin"] = console.url
    return session


def post(console: World, who: Session, path: str, **form: str) -> requests.Response:
    return who.post(console.url + path, data=form, allow_redirects=False)


def log_in(console: World, name: str, code: str = "") -> Session:
    """By the pages, as far as it goes."""
    who = browser(console)
    answer = post(console, who, "/login", name=name, password=PASSWORD, next="/events")
    if code:
        assert answer.headers["Location"] == "/login/code?next=%2Fevents"
        answer = post(console, who, "/login/code", code=code, next="/events")
    assert (answer.status_code, answer.headers.get("Location")) == (303, "/events"), answer.text
    return who


def secret_of(page: requests.Response) -> str:
    found = re.search(r'<code class="secret">([A-Z2-7 ]+)</code>', page.text)
    assert found is not None, page.text
    assert page.headers["Cache-Control"] == "no-store"
    return found[1]


def codes_of(page: requests.Response) -> list[str]:
    return re.findall(r'<code class="secret">([a-z2-7-]+)</code>', page.text)


def armed(console: World, name: str, who: Session | None = None) -> tuple[App, list[str]]:
    """The user sets one up by the page; their app and recovery codes. The code that confirmed it is used up."""
    who = who or log_in(console, name)
    app = App(secret_of(post(console, who, "/account", do="begin", password=PASSWORD)), console.clock)
    done = post(console, who, "/account", do="confirm", code=app.code())
    assert done.status_code == 200, done.text
    console.clock.advance(STEP)
    return app, codes_of(done)


def by_api(console: World, name: str, **more: str) -> requests.Response:
    body = {"name": name, "password": PASSWORD, **more}
    return requests.post(f"{console.url}/api/v1/session", json=body, timeout=10)


def test_it_is_set_up_by_a_code_and_asked_for_from_then_on(console: World) -> None:
    who, elsewhere = log_in(console, "operator"), log_in(console, "operator")
    begun = post(console, who, "/account", do="begin", password=PASSWORD)
    app = App(secret_of(begun), console.clock)
    assert "<svg" in begun.text
    assert not re.search(r"\sstyle=|<script(?![^>]*src=)", begun.text)
    wrong = post(console, who, "/account", do="confirm", code="000000")
    assert wrong.status_code == 400
    assert secret_of(wrong) == secret_of(begun), "the same one is shown again"
    log_in(console, "operator")
    done = post(console, who, "/account", do="confirm", code=app.code())
    codes = codes_of(done)
    assert len(set(codes)) == 10
    assert codes[0] not in who.get(f"{console.url}/account").text
    assert "You have 10 recovery codes left" in who.get(f"{console.url}/account").text
    assert elsewhere.get(f"{console.url}/events", allow_redirects=False).status_code == 303
    answer = post(console, browser(console), "/login", name="operator", password=PASSWORD, next="/events")
    assert COOKIE not in answer.cookies
    console.clock.advance(STEP)
    log_in(console, "operator", app.code())
    acts = [(a.by.name, a.by.via, a.action) for a in console.store.audit.latest(1, 0, "operator")]
    assert acts == [("operator", "console", "second factor set up")]


def test_beginning_needs_the_password(console: World) -> None:
    who = log_in(console, "operator")
    wrong = post(console, who, "/account", do="begin", password="not it at all")
    assert (wrong.status_code, "The password is wrong" in wrong.text) == (401, True)
    assert console.store.second_factors.of("operator") is None
    for _ in range(MOST_PER_NAME + 1):
        assert post(console, who, "/account", do="begin", password=PASSWORD).status_code == 200


def test_a_code_of_the_step_before_or_after_is_right_and_works_once(console: World) -> None:
    app, _ = armed(console, "operator")
    console.clock.advance(5 * STEP)
    for step, status in ((-2, 401), (2, 401), (-1, 200), (-1, 401), (0, 200), (1, 200), (0, 401), (1, 401)):
        code = app.code(step)
        assert (step, by_api(console, "operator", code=code).status_code) == (step, status)
    console.clock.advance(2 * STEP)
    assert by_api(console, "operator", code=f" {app.code()[:3]} {app.code()[3:]} ").status_code == 200


def test_the_api_says_that_a_code_is_needed(console: World) -> None:
    app, codes = armed(console, "operator")
    needed = problem(by_api(console, "operator"), 401)
    assert needed["needs"] == "code"
    assert "send it as `code`" in needed["detail"]
    wrong = problem(by_api(console, "operator", code="000000"), 401)
    assert "needs" not in wrong
    assert "the code is wrong" in wrong["detail"]
    body = {"name": "operator", "password": "not it at all", "code": app.code()}
    refused = problem(requests.post(f"{console.url}/api/v1/session", json=body, timeout=10), 401)
    assert refused["detail"] == "the name or the password is wrong"
    assert by_api(console, "operator", code=app.code()).json()["name"] == "operator"
    assert by_api(console, "operator", code=codes[3].upper().replace("-", " ")).status_code == 200
    assert by_api(console, "operator", code=codes[3]).status_code == 401
    assert by_api(console, "viewer", code="whatever").status_code == 200, "nobody asked for it"


def test_a_recovery_code_lets_in_once_and_is_gone(console: World) -> None:
    _, codes = armed(console, "operator")
    who = log_in(console, "operator", codes[0])
    assert "You have 9 recovery codes left" in who.get(f"{console.url}/account").text
    again = browser(console)
    post(console, again, "/login", name="operator", password=PASSWORD)
    assert post(console, again, "/login/code", code=codes[0]).status_code == 401
    assert console.store.audit.latest(1)[0].details == "9 left"


def test_wrong_codes_count_as_wrong_passwords_do(console: World) -> None:
    app, _ = armed(console, "operator")
    who = browser(console)
    assert post(console, who, "/login", name="operator", password=PASSWORD).status_code == 303
    for n in range(MOST_PER_NAME - 1):
        assert post(console, who, "/login/code", code=f"{n:06}").status_code == 401
    refused = post(console, who, "/login/code", code=app.code())
    assert (refused.status_code, "too many wrong passwords or codes" in refused.text.lower()) == (429, True)
    assert by_api(console, "operator", code=app.code()).status_code == 429
    assert by_api(console, "viewer").status_code == 200
    console.clock.advance(WINDOW)
    assert by_api(console, "operator", code=app.code()).status_code == 200


def test_half_a_login_is_no_session_and_belongs_to_one_browser_for_a_while(console: World) -> None:
    app, _ = armed(console, "operator")
    who = browser(console)
    answer = post(console, who, "/login", name="operator", password=PASSWORD, next="//evil.example")
    assert answer.headers["Location"] == "/login/code?next=%2F"
    cookie = answer.headers["Set-Cookie"]
    assert "HttpOnly" in cookie
    assert "samesite=lax" in cookie.lower()
    for path in ("/", "/account", "/api/v1/me"):
        assert who.get(console.url + path, allow_redirects=False).status_code in (303, 401)
    (half,) = who.cookies.values()
    as_session = {"Cookie": f"{COOKIE}={half}"}
    assert requests.get(f"{console.url}/api/v1/me", headers=as_session, timeout=10).status_code == 401
    stranger = browser(console)
    assert stranger.get(f"{console.url}/login/code", allow_redirects=False).headers["Location"] == "/login?next=%2F"
    assert post(console, stranger, "/login/code", code=app.code()).status_code == 401
    assert who.get(f"{console.url}/login/code").status_code == 200
    console.clock.advance(CODE_WITHIN)
    late = post(console, who, "/login/code", code=app.code())
    assert (late.status_code, "that took too long" in late.text) == (401, True)
    assert who.get(f"{console.url}/login/code", allow_redirects=False).status_code == 303


def test_a_code_sends_nobody_to_another_site_and_comes_from_none(console: World) -> None:
    app, _ = armed(console, "operator")
    who = browser(console)
    post(console, who, "/login", name="operator", password=PASSWORD)
    who.headers["Origin"] = "https://evil.example"
    assert post(console, who, "/login/code", code=app.code()).status_code == 403
    who.headers["Origin"] = console.url
    done = post(console, who, "/login/code", code=app.code(), next="https://evil.example/")
    assert (done.status_code, done.headers["Location"]) == (303, "/")
    assert post(console, who, "/login/code", code=app.code(1)).status_code == 401, "it waits no more"


def test_a_login_that_waits_ends_when_its_user_is_changed(console: World, password_hash: str) -> None:
    app, _ = armed(console, "operator")
    who = browser(console)
    post(console, who, "/login", name="operator", password=PASSWORD)
    console.store.users.set_password("operator", password_hash)
    late = post(console, who, "/login/code", code=app.code())
    assert (late.status_code, "that took too long" in late.text) == (401, True)
    assert COOKIE not in late.cookies


def test_it_is_switched_off_by_password_and_code(console: World) -> None:
    who = log_in(console, "operator")
    app, codes = armed(console, "operator", who)
    for form, status in (
        ({"password": PASSWORD, "code": "000000"}, 401),
        ({"password": "not it at all", "code": app.code()}, 401),
        ({"password": PASSWORD}, 401),
        ({"password": PASSWORD, "code": app.code()}, 303),
    ):
        assert post(console, who, "/account", do="off", **form).status_code == status
    assert who.get(f"{console.url}/account").status_code == 200
    assert by_api(console, "operator").status_code == 200
    assert not console.store.second_factors.take_code("operator", codes[0])
    assert console.store.audit.latest(1)[0].action == "second factor switched off"


def test_other_recovery_codes_replace_those_there_were(console: World) -> None:
    who = log_in(console, "operator")
    app, old = armed(console, "operator", who)
    new = codes_of(post(console, who, "/account", do="codes", password=PASSWORD, code=app.code()))
    assert len(new) == 10
    assert by_api(console, "operator", code=old[0]).status_code == 401
    assert by_api(console, "operator", code=new[0]).status_code == 200


def test_a_password_is_changed_with_one_on_and_it_stays_on(console: World) -> None:
    who = log_in(console, "operator")
    armed(console, "operator", who)
    new = "another long phrase"
    done = post(console, who, "/account", old=PASSWORD, new=new, again=new)
    assert (done.status_code, done.headers["Location"]) == (303, "/")
    assert who.get(f"{console.url}/events", allow_redirects=False).status_code == 200
    body = {"name": "operator", "password": new}
    needed = requests.post(f"{console.url}/api/v1/session", json=body, timeout=10)
    assert problem(needed, 401)["needs"] == "code"


def test_an_administrator_resets_somebodys_but_not_their_own(console: World) -> None:
    admin = log_in(console, "admin")
    armed(console, "operator")
    armed(console, "admin", admin)
    page = admin.get(f"{console.url}/admin/users").text
    assert page.count("with a second factor") == 2
    own = post(console, admin, "/admin/users", do="factor", name="admin")
    assert (own.status_code, "another administrator can" in own.text) == (400, True)
    assert post(console, admin, "/admin/users", do="factor", name="operator").status_code == 303
    assert by_api(console, "operator").status_code == 200
    none = post(console, admin, "/admin/users", do="factor", name="viewer")
    assert (none.status_code, "Viewer has no second factor" in none.text) == (400, True)
    act = console.store.audit.latest(1)[0]
    assert (act.by.name, act.by.via, act.action, act.subject) == (
        "admin",
        "console",
        "second factor reset",
        "operator",
    )


def test_who_needs_one_is_led_to_their_account_until_they_have_it(demanding: World) -> None:
    who = log_in(demanding, "manager")
    for path in ("/", "/events", "/reports"):
        answer = who.get(demanding.url + path, allow_redirects=False)
        assert (answer.status_code, answer.headers["Location"]) == (303, "/account")
    refused = problem(who.get(f"{demanding.url}/api/v1/incidents"), 403)
    assert refused["detail"] == "manager must set up a second factor first: /account"
    page = who.get(f"{demanding.url}/account").text
    assert "Your role needs one" in page
    assert "data-live" not in page
    app, _ = armed(demanding, "manager", who)
    assert who.get(f"{demanding.url}/events", allow_redirects=False).status_code == 200
    assert log_in(demanding, "operator").get(f"{demanding.url}/events").status_code == 200
    post(demanding, who, "/account", do="off", password=PASSWORD, code=app.code())
    assert who.get(f"{demanding.url}/events", allow_redirects=False).headers["Location"] == "/account"


def test_no_secret_is_in_the_database_or_the_log_as_it_is(console: World, tmp_path: Path) -> None:
    who = log_in(console, "operator")
    with capture_logs() as lines:
        begun = post(console, who, "/account", do="begin", password=PASSWORD)
        secret = secret_of(begun).replace(" ", "")
        app = App(secret, console.clock)
        codes = codes_of(post(console, who, "/account", do="confirm", code=app.code()))
        assert by_api(console, "operator", code="000000").status_code == 401
        assert by_api(console, "operator", code=codes[0]).status_code == 200
    console.store.close()
    kept = b"".join(file.read_bytes() for file in tmp_path.iterdir() if file.is_file())
    assert b"operator" in kept
    for text in (secret, codes[0], codes[1], codes[1].replace("-", "")):
        assert text.encode() not in kept
        assert text not in str(lines)
    assert [line["event"] for line in lines if line["event"].startswith("login")] == ["login_refused", "login"]


def test_a_key_that_is_given_later_takes_over_and_one_that_is_lost_is_said(console: World) -> None:
    app, codes = armed(console, "operator")
    given = SecondFactor(console.store, console.clock, key=Secret("k" * 32))
    own = SecondFactor(console.store, console.clock)
    lost = SecondFactor(console.store, console.clock, key=Secret("another key, of 32 characters or so"))
    assert given.accepts("operator", app.code())
    console.clock.advance(STEP)
    for without in (own, lost):
        with pytest.raises(FactorRefused, match="the key of second factors has changed"):
            without.accepts("operator", app.code())
    assert lost.accepts("operator", codes[0])
    assert given.accepts("operator", app.code())
    assert console.store.second_factors.remove("operator", by=ITSELF)
    assert not own.accepts("operator", codes[1])
