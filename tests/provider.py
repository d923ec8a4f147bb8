"""A provider of OpenID Connect on the loopback: it does what the specifications ask, over real HTTP, until a test makes
it do otherwise."""

import base64
import contextlib
import hashlib
import json
import secrets
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler
from typing import Any
from urllib.parse import parse_qs, urlencode, urlsplit

from joserfc import jwt
from joserfc.jwk import RSAKey

from daemon.clock import Clock
from daemon.config.oidc import OidcSettings
from daemon.oidc.sign_on import SignOn
from daemon.store.store import Store
from notifiers.secret import Secret
from rules.access import Role
from tests.fakes import QuietServer

CLIENT, SECRET = "incidentd", "client s3cret & more"
WELL_KNOWN = "/.well-known/openid-configuration"
Claims = dict[str, Any]


@dataclass
class Identity:
    """Who logs in at the provider."""

    sub: str = "248289761001"
    claims: Claims = field(default_factory=lambda: {"email": "Anna@Example.net", "email_verified": True})
    userinfo: Claims = field(default_factory=dict)


@dataclass
class Provider:
    """What a test may set: who logs in, what is done to claims, header and key before a token is signed, and
    whole answers by path. `asked` has every request's method and path."""

    clock: Clock
    key: RSAKey
    url: str = ""
    who: Identity = field(default_factory=Identity)
    twist: Callable[[Claims], Claims] = lambda claims: claims
    header: dict[str, Any] = field(default_factory=dict)
    metadata: Claims = field(default_factory=dict)
    sign: Callable[[dict[str, Any], Claims], str] | None = None
    published: list[RSAKey] | None = None
    answers: dict[str, Callable[[BaseHTTPRequestHandler], None]] = field(default_factory=dict)
    asked: list[str] = field(default_factory=list)
    grants: dict[str, dict[str, str]] = field(default_factory=dict)
    over: threading.Event = field(default_factory=threading.Event)

    def discovery(self) -> Claims:
        return {
            "issuer": self.url,
            "authorization_endpoint": f"{self.url}/authorize",
            "token_endpoint": f"{self.url}/token",
            "userinfo_endpoint": f"{self.url}/userinfo",
            "jwks_uri": f"{self.url}/jwks",
            "token_endpoint_auth_methods_supported": ["client_secret_basic"],
            "authorization_response_iss_parameter_supported": True,
            **self.metadata,
        }

    def jwks(self) -> Claims:
        keys = self.published if self.published is not None else [self.key]
        return {"keys": [{"kty": "nonsense"}, *(key.as_dict(private=False, use="sig") for key in keys)]}

    def authorize(self, query: dict[str, str]) -> str:
        """Where the browser goes once its user has logged in and agreed."""
        assert (query["response_type"], query["client_id"]) == ("code", CLIENT)
        assert query["code_challenge_method"] == "S256"
        assert "openid" in query["scope"].split()
        code = secrets.token_urlsafe(16)
        self.grants[code] = query
        return f"{query['redirect_uri']}?{urlencode({'code': code, 'state': query['state'], 'iss': self.url})}"

    def token(self, form: dict[str, str], authorization: str) -> tuple[int, Claims]:
        """RFC 6749 section 4.1.3 and RFC 7636 section 4.6: each code once, for its client, address and verifier."""
        expected = base64.b64encode(f"{CLIENT}:{SECRET}".encode()).decode()
        if authorization != f"Basic {expected}":
            return 401, {"error": "invalid_client"}
        asked = self.grants.pop(form.get("code", ""), None)
        proof = hashlib.sha256(form.get("code_verifier", "").encode()).digest()
        challenge = base64.urlsafe_b64encode(proof).rstrip(b"=").decode()
        if asked is None or asked["redirect_uri"] != form["redirect_uri"] or asked["code_challenge"] != challenge:
            return 400, {"error": "invalid_grant"}
        token = {"access_token": "at-1", "token_type": "Bearer", "expires_in": 60}
        return 200, {**token, "id_token": self.id_token(asked["nonce"])}

    def id_token(self, nonce: str) -> str:
        now = int(self.clock.now().timestamp())
        claims = {"iss": self.url, "aud": CLIENT, "exp": now + 300, "iat": now, "nonce": nonce, "sub": self.who.sub}
        header = {"alg": "RS256", "kid": self.key.kid, **self.header}
        said = self.twist({**claims, **self.who.claims})
        return (self.sign or self._signed)(header, said)

    def _signed(self, header: dict[str, Any], claims: Claims) -> str:
        return jwt.encode(header, claims, self.key)


def sign_on_with(provider: Provider, store: Store, clock: Clock, **settings: Any) -> SignOn:
    """Single sign-on there, under the name Example; operators are in the group `sre`, managers in `heads`."""
    usual = {"default_role": Role.VIEWER, "roles": {"sre": Role.OPERATOR, "heads": Role.MANAGER}}
    known = OidcSettings(
        issuer=provider.url, client_id=CLIENT, client_secret=Secret(SECRET), name="Example", **{**usual, **settings}
    )
    return SignOn(known, store, clock)


class _Handler(BaseHTTPRequestHandler):
    """Speaks HTTP for the provider."""

    provider: Provider

    def do_GET(self) -> None:
        parts = urlsplit(self.path)
        self.provider.asked.append(f"GET {parts.path}")
        if parts.path in self.provider.answers:
            self.provider.answers[parts.path](self)
        elif parts.path == "/authorize":
            query = {name: values[-1] for name, values in parse_qs(parts.query).items()}
            self._consent(self.provider.authorize(query))
        elif parts.path == "/userinfo":
            assert self.headers["Authorization"] == "Bearer at-1"
            self._json(200, {"sub": self.provider.who.sub, **self.provider.who.userinfo})
        else:
            found = {WELL_KNOWN: self.provider.discovery, "/jwks": self.provider.jwks}.get(parts.path)
            self._json(200, found()) if found else self._json(404, {})

    def do_POST(self) -> None:
        path = urlsplit(self.path).path
        self.provider.asked.append(f"POST {path}")
        body = self.rfile.read(int(self.headers["Content-Length"])).decode()
        if path in self.provider.answers:
            self.provider.answers[path](self)
            return
        form = {name: values[-1] for name, values in parse_qs(body).items()}
        self._json(*self.provider.token(form, self.headers.get("Authorization", "")))

    def _consent(self, address: str) -> None:
        """A page of the provider's own, with a link back: people click it, tests follow it."""
        head = '<!doctype html><html lang="en"><title>Provider</title><link rel="icon" href="data:,">'
        page = f'{head}<a id="go" href="{address}">Go on</a>'
        page = page.replace("&", "&amp;")
        self._send(200, "text/html", page.encode(), {"X-Back": address})

    def _json(self, status: int, document: Claims) -> None:
        self._send(status, "application/json", json.dumps(document).encode(), {})

    def _send(self, status: int, kind: str, data: bytes, headers: dict[str, str]) -> None:
        self.send_response(status)
        for name, value in {"Content-Type": kind, "Content-Length": str(len(data)), **headers}.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(data)

    def log_message(self, *_: Any) -> None:
        pass


@contextlib.contextmanager
def provider_of(clock: Clock, key: RSAKey) -> Iterator[Provider]:
    """Serve one until the block ends."""
    provider = Provider(clock, key)
    listener = QuietServer(("127.0.0.1", 0), type("Handler", (_Handler,), {"provider": provider}))
    provider.url = f"http://127.0.0.1:{listener.server_address[1]}"
    thread = threading.Thread(target=listener.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
    thread.start()
    try:
        yield provider
    finally:
        provider.over.set()
        listener.shutdown()
        listener.server_close()
        thread.join()
