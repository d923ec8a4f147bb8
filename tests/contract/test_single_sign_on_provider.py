"""What of a provider of OpenID Connect is believed, and what comes of one that says odd things or nothing."""

import base64
import contextlib
import hashlib
import hmac
import json
from collections.abc import Callable
from datetime import timedelta
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
import requests
from joserfc import jwt
from joserfc.jwk import RSAKey
from structlog.testing import capture_logs

from daemon.api.ports import COOKIE
from daemon.console.routes import console_routes
from daemon.oidc.provider import LARGEST_ANSWER
from daemon.oidc.sign_on import WITHIN
from rules.access import Role
from tests.builders import T0
from tests.contract.api_world import PASSWORD, serve
from tests.contract.sign_on_world import Estate, browser, estate, key, log_in, other_key, refusal, way_back, wired
from tests.provider import CLIENT, SECRET, WELL_KNOWN

__all__ = ["estate", "key", "other_key"]
PATIENCE = timedelta(seconds=2)


def _past(claims: dict[str, Any]) -> dict[str, Any]:
    return {**claims, "exp": claims["iat"] - 61, "iat": claims["iat"] - 600}


WRONG_CLAIMS: tuple[tuple[Callable[[dict[str, Any]], dict[str, Any]], str], ...] = (
    (lambda c: {**c, "nonce": "another"}, "nonce"),
    (lambda c: {k: v for k, v in c.items() if k != "nonce"}, "nonce"),
    (lambda c: {**c, "aud": "another-client"}, "aud"),
    (lambda c: {**c, "aud": []}, "aud"),
    (lambda c: {**c, "aud": [CLIENT, "another-client"]}, "azp"),
    (lambda c: {**c, "azp": "another-client"}, "azp"),
    (lambda c: {**c, "iss": "https://evil.example"}, "iss"),
    (lambda c: {**c, "iss": [c["iss"]]}, "iss"),
    (lambda c: {**c, "at_hash": "wrong"}, "at_hash"),
    (lambda c: {**c, "exp": "tomorrow"}, "exp"),
    (lambda c: {**c, "iat": c["iat"] + 3600}, "in the future"),
    (lambda c: {k: v for k, v in c.items() if k != "exp"}, "exp"),
    (lambda c: {**c, "sub": ""}, "names nobody"),
    (lambda c: {**c, "sub": 5}, "sub"),
    (lambda c: {**c, "sub": "x" * 256}, "names nobody"),
    (_past, "expired"),
)


def test_a_token_with_a_wrong_claim_lets_nobody_in(estate: Estate) -> None:
    for twist, says in WRONG_CLAIMS:
        estate.provider.twist = twist
        words = refusal(log_in(estate), 502)
        assert words.startswith("Example cannot be used now: its ID token")
        assert says in words
    assert estate.console.store.users.all() == []


def test_a_clock_that_is_a_little_off_does_no_harm(estate: Estate) -> None:
    estate.provider.twist = lambda c: {**c, "exp": c["iat"] - 30, "iat": c["iat"] + 30}
    assert log_in(estate).status_code == 303


def _text_of(*parts: dict[str, Any]) -> str:
    return ".".join(base64.urlsafe_b64encode(json.dumps(p).encode()).rstrip(b"=").decode() for p in parts)


def _unsigned(header: dict[str, Any], claims: dict[str, Any]) -> str:
    return _text_of({**header, "alg": "none"}, claims) + "."


def _by_secret(secret: bytes) -> Callable[[dict[str, Any], dict[str, Any]], str]:
    """Signed with what both sides, or everybody, knows."""

    def sign(header: dict[str, Any], claims: dict[str, Any]) -> str:
        text = _text_of({**header, "alg": "HS256"}, claims)
        mac = hmac.new(secret, text.encode(), hashlib.sha256).digest()
        return f"{text}.{base64.urlsafe_b64encode(mac).rstrip(b'=').decode()}"

    return sign


def test_a_token_without_a_signature_by_the_providers_key_lets_nobody_in(
    estate: Estate, key: RSAKey, other_key: RSAKey
) -> None:
    forgers: tuple[Any, ...] = (
        _unsigned,
        _by_secret(SECRET.encode()),
        _by_secret(key.as_pem(private=False)),
        lambda h, c: jwt.encode(h, c, other_key),
        lambda h, c: jwt.encode({**h, "kid": "key-2"}, c, other_key),
        lambda h, c: jwt.encode({"alg": "RS256"}, c, other_key),
        lambda h, c: jwt.encode({"alg": "RS256", "jwk": other_key.as_dict(private=False)}, c, other_key),
        lambda h, c: "no.token.at all",
        lambda h, c: "x" * 100_000,
    )
    for forge in forgers:
        estate.provider.sign = forge
        assert "its ID token is not to be believed" in refusal(log_in(estate), 502)
    assert estate.console.store.users.all() == []
    estate.provider.sign = lambda h, c: jwt.encode({"alg": "RS256"}, c, key)
    assert log_in(estate).status_code == 303, "a key without a name, of which there is one"


def test_keys_are_kept_and_a_new_one_is_asked_for_but_not_at_every_stranger(
    estate: Estate, key: RSAKey, other_key: RSAKey
) -> None:
    provider, clock = estate.provider, estate.console.clock
    for _ in range(3):
        assert log_in(estate).status_code == 303
    assert (provider.asked.count("GET /jwks"), provider.asked.count(f"GET {WELL_KNOWN}")) == (1, 1)
    provider.key, provider.published = other_key, [key, other_key]
    assert log_in(estate).status_code == 502, "asked for a moment ago"
    clock.advance(timedelta(minutes=2))
    assert log_in(estate).status_code == 303
    assert log_in(estate).status_code == 303
    assert provider.asked.count("GET /jwks") == 2
    clock.advance(timedelta(hours=1))
    assert log_in(estate).status_code == 303
    assert (provider.asked.count("GET /jwks"), provider.asked.count(f"GET {WELL_KNOWN}")) == (3, 2)
    provider.key, provider.published = key, [other_key]
    clock.advance(timedelta(hours=1))
    assert log_in(estate).status_code == 502, "a key that was withdrawn"


def test_a_login_comes_back_once_in_its_own_browser_and_in_time(estate: Estate) -> None:
    who = browser(estate)
    back = way_back(estate, who)
    words = "took too long, was used already, or was begun in another browser"
    assert words in refusal(browser(estate).get(back, allow_redirects=False), 403)
    assert who.get(back, allow_redirects=False).status_code == 303
    assert words in refusal(who.get(back, allow_redirects=False), 403)
    late = way_back(estate, who)
    estate.console.clock.advance(WITHIN)
    assert words in refusal(who.get(late, allow_redirects=False), 403)
    made_up = f"{estate.url}/login/oidc/back?code=x&state=y"
    assert words in refusal(who.get(made_up, allow_redirects=False), 403)
    assert words in refusal(who.get(f"{estate.url}/login/oidc/back", allow_redirects=False), 403)


def test_a_code_of_another_login_is_refused_by_the_provider(estate: Estate) -> None:
    victim, thief = browser(estate), browser(estate)
    stolen = parse_qs(urlsplit(way_back(estate, victim)).query)["code"][0]
    back = way_back(estate, thief)
    own = parse_qs(urlsplit(back).query)["code"][0]
    answer = thief.get(back.replace(own, stolen), allow_redirects=False)
    assert "invalid_grant" in refusal(answer, 502)


def test_another_providers_answer_is_not_taken(estate: Estate) -> None:
    for change in (lambda q: q.partition("&iss=")[0], lambda q: q.partition("&iss=")[0] + "&iss=https://evil.example"):
        who = browser(estate)
        answer = who.get(change(way_back(estate, who)), allow_redirects=False)
        assert "the answer is from another provider" in refusal(answer, 502)


@pytest.mark.parametrize(
    ("error", "says"),
    [
        ("access_denied", "Example did not let you in."),
        ("server_error", "Example did not let you in (server_error)."),
        ("<b>call 555 now</b>", "Example did not let you in (an error)."),
    ],
)
def test_a_refusal_of_the_provider_is_said_in_words(estate: Estate, error: str, says: str) -> None:
    who = browser(estate)
    state = parse_qs(urlsplit(way_back(estate, who)).query)["state"][0]
    there = {"state": state, "error": error, "error_description": "call 555 now"}
    answer = who.get(f"{estate.url}/login/oidc/back", params=there, allow_redirects=False)
    assert refusal(answer, 403) == says
    assert "555" not in answer.text


@pytest.mark.parametrize("away", ["https://evil.example/", "//evil.example", "/\\evil.example"])
def test_it_leads_to_our_own_pages_only(estate: Estate, away: str) -> None:
    assert log_in(estate, page=away).headers["Location"] == "/"


@pytest.mark.parametrize(
    ("said", "says"),
    [
        ({"issuer": "https://evil.example"}, "it calls itself 'https://evil.example'"),
        ({"issuer": None}, "it calls itself"),
        ({"authorization_endpoint": "javascript:alert(1)"}, "its authorization_endpoint is no address"),
        ({"token_endpoint": 5}, "its token_endpoint is no address"),
        ({"jwks_uri": "file:///etc/passwd"}, "its jwks_uri is no address"),
    ],
)
def test_a_provider_that_says_odd_things_of_itself_is_not_used(estate: Estate, said: dict[str, Any], says: str) -> None:
    estate.provider.metadata = said
    answer = browser(estate).get(f"{estate.url}/login/oidc", allow_redirects=False)
    assert says in refusal(answer, 502)


def _huge(handler: BaseHTTPRequestHandler) -> None:
    handler.send_response(200)
    handler.end_headers()
    with contextlib.suppress(OSError):
        for _ in range(64):
            handler.wfile.write(b" " * (LARGEST_ANSWER // 16))


def _elsewhere(handler: BaseHTTPRequestHandler) -> None:
    handler.send_response(302)
    handler.send_header("Location", "http://127.0.0.1:1/")
    handler.end_headers()


def _text(handler: BaseHTTPRequestHandler) -> None:
    handler.send_response(200)
    handler.end_headers()
    handler.wfile.write(b"[1]" if handler.path == "/jwks" else b"<html>")


ODD_ANSWERS: tuple[tuple[Callable[[BaseHTTPRequestHandler], None], str], ...] = (
    (_huge, "answered with more than 1 MiB"),
    (_elsewhere, "redirects are not followed"),
    (_text, "its answer is"),
)
PATHS = (WELL_KNOWN, "/jwks", "/token", "/userinfo")


def failed(estate: Estate, path: str) -> str:
    """What is said where the provider does not do what it should at that path."""
    who = browser(estate)
    if path == WELL_KNOWN:
        return refusal(who.get(f"{estate.url}/login/oidc", allow_redirects=False), 502)
    return refusal(log_in(estate, who), 502)


@pytest.mark.parametrize("path", PATHS)
def test_a_provider_that_says_nothing_holds_nobody_up(tmp_path: Path, key: RSAKey, path: str) -> None:
    with wired(tmp_path, key, timeout=PATIENCE) as estate:
        estate.provider.answers[path] = lambda _: estate.provider.over.wait() and None
        assert "did not answer within 2 s" in failed(estate, path)
        assert estate.console.store.users.all() == []


@pytest.mark.parametrize("path", PATHS)
def test_an_answer_that_is_none_is_said_and_not_kept(estate: Estate, path: str) -> None:
    for answer, says in ODD_ANSWERS:
        estate.provider.answers[path] = answer
        words = failed(estate, path)
        assert words.startswith("Example cannot be used now: ")
        assert says in words
        del estate.provider.answers[path]
        assert log_in(estate).status_code == 303
        estate.console.clock.advance(timedelta(hours=1))


def test_a_provider_that_is_gone_is_said_and_passwords_still_work(estate: Estate, password_hash: str) -> None:
    estate.console.store.users.add("root", Role.ADMIN, (), password_hash)
    estate.provider.metadata = {"token_endpoint": "http://127.0.0.1:1/token"}
    assert "127.0.0.1:1 cannot be read: " in refusal(log_in(estate), 502)
    body = {"name": "root", "password": PASSWORD}
    assert requests.post(f"{estate.url}/api/v1/session", json=body, timeout=10).status_code == 200


def test_no_secret_of_a_login_is_in_the_log_or_the_database_as_it_is(estate: Estate, tmp_path: Path) -> None:
    who = browser(estate)
    with capture_logs() as lines:
        back = way_back(estate, who)
        state = parse_qs(urlsplit(back).query)["state"][0]
        cookie = who.cookies["incidentd_login"]
        assert who.get(back, allow_redirects=False).status_code == 303
        assert refusal(who.get(back, allow_redirects=False), 403)
    session = who.cookies[COOKIE]
    assert [line["event"] for line in lines if line["event"] == "login"] == ["login"]
    estate.console.store.close()
    kept = b"".join(file.read_bytes() for file in tmp_path.iterdir() if file.is_file())
    for text in (state, cookie, session, SECRET, "at-1"):
        assert text.encode() not in kept
        assert text not in str(lines)


def test_without_a_provider_there_is_no_button_and_nothing_behind_it(tmp_path: Path) -> None:
    for world in serve(tmp_path, "login", lambda ports: ports, console_routes):
        assert "/login/oidc" not in requests.get(f"{world.url}/login", timeout=10).text
        for path in ("/login/oidc", "/login/oidc/back?state=x"):
            assert requests.get(world.url + path, timeout=10).status_code == 404
        assert world.clock.now() == T0
