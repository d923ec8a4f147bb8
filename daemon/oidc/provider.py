"""The provider of OpenID Connect: what it says of itself, and what it says of people, of which nothing is believed
unchecked (OpenID Connect Core 1.0 section 3.1, RFC 7636, RFC 9207).

Authlib and joserfc are loaded at the first login. Every request is bounded in time and size, and follows no redirect.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import requests
from requests.adapters import BaseAdapter

from daemon.clock import Clock
from daemon.config.fields import url_problem
from daemon.config.oidc import OidcSettings
from daemon.errors import SourceDown
from daemon.sources.http_session import BoundedSession, SourceRefused
from daemon.sources.settings import Peer
from rules.errors import IncidentdError

if TYPE_CHECKING:
    from authlib.integrations.requests_client import OAuth2Session
    from joserfc.jwk import Key

LARGEST_ANSWER = 1024 * 1024
KEPT = timedelta(hours=1)
"""What a provider says of itself, and its keys, are asked for anew after this."""
_AGAIN = timedelta(minutes=1)
"""Keys that are not known are not asked for more often."""
_LEEWAY_S = 60
ALGORITHMS = ("RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512")
"""Signatures by a key that only the provider has: neither none, nor a secret that both sides know."""
_MOST_KEYS = 50
_WORD = re.compile(r"[A-Za-z0-9_.-]{1,60}")


class ProviderFailed(IncidentdError):
    """The provider cannot be asked, or says what cannot be believed; in words, without secrets."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Metadata:
    """What a provider says of itself: its addresses, how a client shows who it is, and whether it names itself in
    answers."""

    authorization: str
    token: str
    keys: str
    userinfo: str
    auth_method: str
    names_itself: bool


class Provider:
    """One provider. May be used by several threads at once."""

    def __init__(self, settings: OidcSettings, clock: Clock) -> None:
        self._settings = settings
        self._clock = clock
        self._metadata: tuple[datetime, Metadata] | None = None
        self._keys: tuple[datetime, list[Key]] | None = None

    def login_address(self, redirect_uri: str, state: str, nonce: str, verifier: str) -> str:
        """Where the browser is sent to log in; ProviderFailed."""
        with self._session(redirect_uri) as session:
            address: str = session.create_authorization_url(
                self.metadata().authorization, state=state, nonce=nonce, code_verifier=verifier
            )[0]
            return address

    def claims(self, code: str, verifier: str, nonce: str, redirect_uri: str) -> dict[str, Any]:
        """What the provider says, believably, of who logged in there and came back with this code; ProviderFailed."""
        with self._session(redirect_uri) as session:
            token = self._token(session, code, verifier)
            claims = self._believed(token, nonce)
            if self._is_enough(claims) or not self.metadata().userinfo:
                return claims
            more = self._asked(lambda: session.get(self.metadata().userinfo))
        if more.get("sub") != claims["sub"]:
            raise self._failed("it speaks of two different people")
        return {**more, **claims}

    def metadata(self) -> Metadata:
        """What the provider says of itself, asked for when it is first needed; ProviderFailed."""
        now, kept = self._clock.now(), self._metadata
        if kept is None or now - kept[0] >= KEPT:
            address = f"{self._settings.issuer.rstrip('/')}/.well-known/openid-configuration"
            self._metadata = kept = (now, self._read(self._get(address)))
        return kept[1]

    def _read(self, said: Mapping[str, Any]) -> Metadata:
        issuer = said.get("issuer")
        if issuer != self._settings.issuer:
            shown = str(issuer)[:200]
            raise self._failed(f"it calls itself {shown!r}, and http.oidc.issuer says {self._settings.issuer!r}")
        methods = said.get("token_endpoint_auth_methods_supported")
        has_basic = not isinstance(methods, list) or "client_secret_basic" in methods
        return Metadata(
            authorization=self._address(said, "authorization_endpoint"),
            token=self._address(said, "token_endpoint"),
            keys=self._address(said, "jwks_uri"),
            userinfo=self._address(said, "userinfo_endpoint") if "userinfo_endpoint" in said else "",
            auth_method="client_secret_basic" if has_basic else "client_secret_post",
            names_itself=said.get("authorization_response_iss_parameter_supported") is True,
        )

    def _address(self, said: Mapping[str, Any], name: str) -> str:
        address = said.get(name)
        schemes = {"https"} if self._settings.issuer.startswith("https://") else {"http", "https"}
        if not isinstance(address, str) or url_problem(address, schemes):
            raise self._failed(f"its {name} is no address that can be used")
        return address

    def _token(self, session: "OAuth2Session", code: str, verifier: str) -> Mapping[str, Any]:
        address, method = self.metadata().token, self.metadata().auth_method
        session.token_endpoint_auth_method = method
        return self._asked(
            lambda: session.fetch_token(address, grant_type="authorization_code", code=code, code_verifier=verifier)
        )

    def _believed(self, token: Mapping[str, Any], nonce: str) -> dict[str, Any]:
        """The claims of the ID token, once its signature, issuer, audience, times and nonce are right."""
        from authlib.oidc.core import CodeIDToken
        from joserfc.errors import JoseError

        text = token.get("id_token")
        if not isinstance(text, str):
            raise self._failed("it gave no ID token")
        try:
            signed = self._signed(text)
            wanted = {"iss": {"value": self._settings.issuer}, "aud": {"value": self._settings.client_id}}
            params = {"nonce": nonce, "client_id": self._settings.client_id, "access_token": token.get("access_token")}
            options = {name: {"essential": True, **value} for name, value in wanted.items()}
            claims = CodeIDToken(signed.claims, signed.header, options, params)
            claims.validate(now=int(self._clock.now().timestamp()), leeway=_LEEWAY_S)
        except (JoseError, ValueError, TypeError) as error:
            raise self._failed(f"its ID token is not to be believed ({_short(error)})") from None
        if not isinstance(claims["sub"], str) or not 0 < len(claims["sub"]) <= 255:
            raise self._failed("its ID token names nobody")
        return dict(claims)

    def _signed(self, text: str) -> Any:
        """The token, decoded with the key that it names. Keys that are not known yet are asked for, not too often."""
        from joserfc.errors import InvalidKeyIdError

        try:
            return self._verified(text, self._known_keys())
        except InvalidKeyIdError:
            kept = self._keys
            if kept is not None and self._clock.now() - kept[0] < _AGAIN:
                raise
            self._keys = None
            return self._verified(text, self._known_keys())

    def _verified(self, text: str, keys: "list[Key]") -> Any:
        from joserfc import jws, jwt
        from joserfc.errors import BadSignatureError, InvalidKeyIdError, InvalidKeyTypeError

        kid = jws.extract_compact(text.encode()).headers().get("kid")
        fitting = [key for key in keys if kid is None or key.kid == kid]
        for key in fitting:
            try:
                return jwt.decode(text, key, algorithms=ALGORITHMS)
            except (BadSignatureError, InvalidKeyTypeError):
                if key is fitting[-1]:
                    raise
        raise InvalidKeyIdError("no key is known by that name")

    def _known_keys(self) -> "list[Key]":
        now, kept = self._clock.now(), self._keys
        if kept is None or now - kept[0] >= KEPT:
            self._keys = kept = (now, _keys_of(self._get(self.metadata().keys)))
        return kept[1]

    def _is_enough(self, claims: Mapping[str, Any]) -> bool:
        """Whether the ID token alone says who it is, and in which groups where that matters."""
        wanted = [self._settings.user_claim, *([self._settings.groups_claim] if self._settings.roles else [])]
        return all(name in claims for name in wanted)

    def _session(self, redirect_uri: str) -> "OAuth2Session":
        from authlib.integrations.requests_client import OAuth2Session

        session = OAuth2Session(
            client_id=self._settings.client_id,
            client_secret=self._settings.client_secret.reveal(),
            scope=" ".join(self._settings.scopes),
            redirect_uri=redirect_uri,
            code_challenge_method="S256",
            trust_env=False,
            leeway=0,  # a token may last for less than the minute that is usual there
        )
        for scheme in ("https://", "http://"):
            session.mount(scheme, _Bounded(self._settings))
        return session

    def _get(self, address: str) -> Mapping[str, Any]:
        with requests.Session() as session:
            session.trust_env = False
            for scheme in ("https://", "http://"):
                session.mount(scheme, _Bounded(self._settings))
            return self._asked(lambda: session.get(address))

    def _asked(self, ask: Any) -> Mapping[str, Any]:
        """The JSON mapping that was answered; ProviderFailed where there is none."""
        from authlib.common.errors import AuthlibBaseError

        try:
            answer = ask()
            said = answer.json() if isinstance(answer, requests.Response) else answer
        except SourceRefused as error:
            why = _error_word(error.body)
            raise self._failed(f"{error}{f' and says {why}' if why else ''}") from None
        except (SourceDown, AuthlibBaseError) as error:
            raise self._failed(_short(error)) from None
        except (ValueError, RecursionError):
            raise self._failed("its answer is no JSON") from None
        if not isinstance(said, dict):
            raise self._failed("its answer is not what it should be")
        return said

    def _failed(self, why: str) -> ProviderFailed:
        return ProviderFailed(f"{self._settings.name} cannot be used now: {why}")


class _Bounded(BaseAdapter):
    """Sends requests as sources are asked: bounded in time and size, without redirects, proxies or cookies."""

    def __init__(self, settings: OidcSettings) -> None:
        super().__init__()
        self._settings = settings

    def send(self, request: requests.PreparedRequest, *_: Any, **__: Any) -> requests.Response:
        """Send one request to whichever server its address names; SourceDown."""
        parts = urlsplit(request.url or "")
        where = f"{parts.scheme!s}://{parts.netloc!s}"
        peer = Peer(url=where, timeout=self._settings.timeout, tls=self._settings.tls)
        with BoundedSession(peer, most_bytes=LARGEST_ANSWER) as session:
            return session.send(request)

    def close(self) -> None:
        """Nothing is kept open."""


def _keys_of(said: Mapping[str, Any]) -> "list[Key]":
    """The provider's public keys for signatures, without those of other kinds or uses."""
    from joserfc.errors import JoseError
    from joserfc.jwk import JWKRegistry

    listed, found = said.get("keys"), []
    for data in listed[:_MOST_KEYS] if isinstance(listed, list) else []:
        if isinstance(data, dict) and data.get("kty") in ("RSA", "EC", "OKP") and data.get("use") != "enc":
            try:
                found.append(JWKRegistry.import_key(data))
            except (JoseError, ValueError, TypeError, KeyError):
                continue
    return found


def _error_word(body: bytes) -> str:
    """The error code of OAuth in a refusal, as in `invalid_grant`; empty where there is none."""
    found = re.search(rb'"error"\s*:\s*"([A-Za-z0-9_.-]{1,60})"', body[:4096])
    return "" if found is None else found[1].decode()


def _short(error: Exception) -> str:
    return " ".join(str(error).split())[:200] or type(error).__name__


def plain_word(text: str) -> str:
    """An error code that came by the browser, where it is no more than that; else nothing of it."""
    return text if _WORD.fullmatch(text) else "an error"
