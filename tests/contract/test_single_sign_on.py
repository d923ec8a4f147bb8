"""Logging in at a provider of OpenID Connect: there and back, and who one is then."""

from pathlib import Path
from typing import Any

import pytest
import requests
from joserfc.jwk import RSAKey

from daemon.accounts import AccountRefused, give_password
from daemon.api.access import digest
from daemon.store.rows import ITSELF
from rules.access import Role, Scope
from tests.contract.api_world import PASSWORD, problem
from tests.contract.sign_on_world import Estate, browser, estate, key, log_in, other_key, refusal, wired
from tests.provider import Identity

__all__ = ["estate", "key", "other_key"]


def test_who_logs_in_there_is_known_here_and_comes_to_the_page_they_wanted(estate: Estate) -> None:
    who = browser(estate)
    assert 'href="/login/oidc?next=/events"' in who.get(f"{estate.url}/events").text
    estate.provider.who.claims["groups"] = ["sre"]
    answer = log_in(estate, who)
    assert (answer.status_code, answer.headers["Location"]) == (303, "/events")
    assert who.get(f"{estate.url}/events", allow_redirects=False).status_code == 200
    me = who.get(f"{estate.url}/api/v1/me").json()
    assert (me["name"], me["role"]) == ("anna@example.net", "operator")
    assert estate.user().is_external
    page = who.get(f"{estate.url}/account").text
    assert "You log in with Example" in page
    assert 'type="password"' not in page
    (act,) = estate.console.store.audit.latest(9)
    assert (act.by.name, act.by.via, act.action, act.details) == (
        "anna@example.net",
        "single sign-on",
        "user added",
        "role operator, groups none",
    )
    assert who.post(f"{estate.url}/logout", allow_redirects=False).status_code == 303
    assert who.get(f"{estate.url}/events", allow_redirects=False).status_code == 303


def test_the_role_follows_the_groups_at_each_login(estate: Estate) -> None:
    said: dict[str, Any] = estate.provider.who.claims
    for groups, role in (
        (["sre"], "operator"),
        (["x", "heads", "sre"], "manager"),
        ("sre", "operator"),
        ([], "viewer"),
    ):
        said["groups"] = groups
        assert log_in(estate).status_code == 303
        assert estate.user().role == role
    del said["groups"]
    assert log_in(estate).status_code == 303
    acts = [(a.action, a.details) for a in estate.console.store.audit.latest(9)]
    assert acts == [
        ("role changed", "role viewer"),
        ("role changed", "role operator"),
        ("role changed", "role manager"),
        ("user added", "role operator, groups none"),
    ]


def test_a_user_of_the_provider_needs_no_second_factor_here_and_has_no_password(estate: Estate) -> None:
    who = browser(estate)
    log_in(estate, who)
    assert estate.user().role is Role.VIEWER, "of whom one is asked for"
    assert who.get(f"{estate.url}/events", allow_redirects=False).status_code == 200
    for password in ("", PASSWORD):
        body = {"name": "anna@example.net", "password": password or " "}
        refused = requests.post(f"{estate.url}/api/v1/session", json=body, timeout=10)
        assert problem(refused, 401)["detail"] == "the name or the password is wrong"
    with pytest.raises(AccountRefused, match="logs in by single sign-on"):
        give_password(estate.console.store, "anna@example.net", by=ITSELF)
    change = who.post(f"{estate.url}/account", data={"old": "", "new": "x" * 12, "again": "x" * 12})
    assert change.status_code in (400, 401)


def test_who_is_shut_out_stays_out(estate: Estate) -> None:
    log_in(estate)
    estate.console.store.users.set_disabled("anna@example.net", disabled=True)
    estate.provider.who.claims["groups"] = ["heads"]
    assert "You are shut out here" in refusal(log_in(estate), 403)
    assert estate.user().role is Role.VIEWER


def test_who_is_limited_to_services_is_not_made_an_administrator(tmp_path: Path, key: RSAKey) -> None:
    with wired(tmp_path, key, roles={"heads": Role.ADMIN}) as estate:
        log_in(estate)
        estate.console.store.users.set_services("anna@example.net", ("shop",), by=ITSELF)
        assert log_in(estate).status_code == 303
        estate.provider.who.claims["groups"] = ["heads"]
        assert "an admin sees everything" in refusal(log_in(estate), 403)
        assert estate.user().role is Role.VIEWER


def test_who_is_in_no_group_with_a_role_is_refused_where_there_is_no_default(tmp_path: Path, key: RSAKey) -> None:
    with wired(tmp_path, key, default_role=None) as estate:
        estate.provider.who.claims["groups"] = ["staff"]
        assert "in no group that may use incidentd" in refusal(log_in(estate), 403)
        assert estate.console.store.users.all() == []


@pytest.mark.parametrize("taken", ["user", "identity", "service"])
def test_nobody_becomes_somebody_else_by_having_their_name(estate: Estate, taken: str, password_hash: str) -> None:
    if taken == "user":
        estate.console.store.users.add("anna@example.net", Role.ADMIN, (), password_hash)
    elif taken == "service":
        estate.console.store.add_token("anna@example.net", digest("x"), frozenset({Scope.READ}))
    else:
        log_in(estate)
        estate.provider.who.sub = "somebody else with a mail address that was hers"
    assert "Somebody else is known as anna@example.net here" in refusal(log_in(estate), 403)


def test_people_stay_who_they_are_when_their_mail_address_changes(estate: Estate) -> None:
    log_in(estate)
    estate.provider.who.claims["email"] = "anna.married@example.net"
    who = browser(estate)
    assert log_in(estate, who).status_code == 303
    assert who.get(f"{estate.url}/api/v1/me").json()["name"] == "anna@example.net"


NO_NAMES: tuple[tuple[dict[str, Any], str], ...] = (
    ({"email_verified": False}, "does not say that your mail address is verified"),
    ({"email_verified": None}, "does not say that your mail address is verified"),
    ({"email_verified": "false"}, "does not say that your mail address is verified"),
    ({"email": None}, "does not say what you are called (email)"),
    ({"email": ["a@b", "c@d"]}, "does not say what you are called (email)"),
    ({"email": "anna<script>"}, "a name is 1 to 64"),
)


def test_a_name_that_is_none_is_refused(estate: Estate) -> None:
    verified = dict(estate.provider.who.claims)
    for claims, says in NO_NAMES:
        estate.provider.who.claims = {**verified, **claims}
        assert says in refusal(log_in(estate), 403)
    assert estate.console.store.users.all() == []


def test_another_claim_may_name_people(tmp_path: Path, key: RSAKey) -> None:
    with wired(tmp_path, key, user_claim="preferred_username") as estate:
        estate.provider.who = Identity(claims={"preferred_username": "Anna"})
        assert log_in(estate).status_code == 303
        assert estate.user("anna") is not None


def test_what_the_token_does_not_say_is_asked_for(estate: Estate) -> None:
    said = {"email": "anna@example.net", "email_verified": True, "groups": ["heads"], "iss": "x", "aud": "y"}
    estate.provider.who = Identity(claims={}, userinfo=said)
    assert log_in(estate).status_code == 303
    assert estate.user().role is Role.MANAGER
    estate.provider.who.userinfo["sub"] = "somebody else"
    assert "two different people" in refusal(log_in(estate), 502)
