"""Single sign-on: a login that goes to the provider and comes back, and the user that it makes or finds here.

Between the two everything is kept in the database, found by the state in the address and bound to the browser by a
cookie; it is of use once and for ten minutes.
"""

import hashlib
import hmac
import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import structlog

from daemon.accounts import AccountRefused, give_role, is_service, known_name
from daemon.clock import Clock
from daemon.config.oidc import EMAIL, OidcSettings
from daemon.errors import StoreError
from daemon.oidc.provider import Provider, ProviderFailed, plain_word
from daemon.store.rows import Credentials, Doer, SignOnRow
from daemon.store.store import Store
from rules.access import Role, role_of_groups
from rules.errors import IncidentdError

WITHIN = timedelta(minutes=10)
_BYTES = 32
_VIA = "single sign-on"
_log = structlog.get_logger(__name__)


class SignOnRefused(IncidentdError):
    """A login by single sign-on that does not succeed here; why, in words for who tried it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Begun:
    """Where the browser goes now, and the cookie by which it is known when it comes back."""

    address: str
    cookie: str


@dataclass(frozen=True, slots=True, kw_only=True)
class CameBack:
    """What a browser brings back: the parameters of the address, its cookie, and the address without parameters."""

    state: str
    code: str
    error: str
    issuer: str
    cookie: str
    redirect_uri: str


class SignOn:
    """Single sign-on with one provider, for the users of one database."""

    def __init__(self, settings: OidcSettings, store: Store, clock: Clock) -> None:
        self._settings = settings
        self._store = store
        self._clock = clock
        self._provider = Provider(settings, clock)

    @property
    def name(self) -> str:
        """What the provider is called in front of people."""
        return self._settings.name

    def begin(self, back: str, redirect_uri: str) -> Begun:
        """Begin a login that leads to the page `back` in the end; ProviderFailed where the provider cannot be asked."""
        state, cookie, nonce, verifier = (secrets.token_urlsafe(_BYTES) for _ in range(4))
        address = self._provider.login_address(redirect_uri, state, nonce, verifier)
        self._store.identities.begin(
            SignOnRow(
                state=_digest(state),
                browser=_digest(cookie),
                nonce=nonce,
                verifier=verifier,
                back=back,
                expires_at=self._clock.now() + WITHIN,
            )
        )
        return Begun(address=address, cookie=cookie)

    def finish(self, came: CameBack) -> tuple[Credentials, str]:
        """The user who logged in at the provider, and the page they wanted; SignOnRefused and ProviderFailed where
        that is not sure, or the user may not come in."""
        under_way = self._store.identities.take(_digest(came.state), _digest(came.cookie))
        if under_way is None:
            raise SignOnRefused(
                "that login took too long, was used already, or was begun in another browser; try again"
            )
        if came.error:
            word = plain_word(came.error)
            raise SignOnRefused(f"{self.name} did not let you in" + ("" if word == "access_denied" else f" ({word})"))
        self._check_issuer(came.issuer)
        claims = self._provider.claims(came.code, under_way.verifier, under_way.nonce, came.redirect_uri)
        return self._user(claims), under_way.back

    def _check_issuer(self, issuer: str) -> None:
        """RFC 9207: an answer that another provider gave is none of ours."""
        is_named = bool(issuer) or self._provider.metadata().names_itself
        if is_named and not hmac.compare_digest(issuer.encode(), self._settings.issuer.encode()):
            raise ProviderFailed(f"{self.name} cannot be used now: the answer is from another provider")

    def _user(self, claims: Mapping[str, Any]) -> Credentials:
        """Make or find the user, with the role that their groups give them now."""
        role = role_of_groups(
            _texts(claims.get(self._settings.groups_claim)), self._settings.roles, self._settings.default_role
        )
        subject = claims["sub"]
        name = self._store.identities.user_of(self._settings.issuer, subject)
        if role is None:
            _log.warning("login_refused", user=name or "", why="no group with a role")
            raise SignOnRefused(f"you are known at {self.name}, but in no group that may use incidentd")
        if name is None:
            name = self._add(claims, subject, role)
        known = self._store.users.credentials(name)
        if known is not None and known.user.role is not role:
            self._give_role(name, role)
            known = self._store.users.credentials(name)
        if known is None:
            _log.warning("login_refused", user=name, why="disabled")
            raise SignOnRefused("you are shut out here; an administrator of incidentd can let you in again")
        return known

    def _give_role(self, name: str, role: Role) -> None:
        try:
            give_role(self._store, name, role, by=Doer(name=name, via=_VIA))
        except AccountRefused as error:
            _log.warning("login_refused", user=name, why="role refused")
            raise SignOnRefused(f"you cannot be given your role: {error}") from None

    def _add(self, claims: Mapping[str, Any], subject: str, role: Role) -> str:
        claim = self._settings.user_claim
        said = claims.get(claim)
        if not isinstance(said, str) or not said:
            raise SignOnRefused(f"{self.name} does not say what you are called ({claim})")
        if claim == EMAIL and claims.get("email_verified") not in (True, "true"):
            raise SignOnRefused(f"{self.name} does not say that your mail address is verified")
        try:
            name = known_name(said)
        except AccountRefused as error:
            raise SignOnRefused(f"you cannot be known here by what {self.name} calls you: {error}") from None
        try:
            if is_service(self._store, name):
                raise StoreError("a service has that name")
            self._store.identities.add(self._settings.issuer, subject, name, role, by=Doer(name=name, via=_VIA))
        except StoreError:
            if (known := self._store.identities.user_of(self._settings.issuer, subject)) is not None:
                return known  # the same login, twice at once
            _log.warning("login_refused", user=name, why="name taken")
            raise SignOnRefused(f"somebody else is known as {name} here; ask an administrator of incidentd") from None
        return name


def _texts(value: object) -> tuple[str, ...]:
    """The texts of a claim that is a text or a list of them."""
    return tuple(v for v in (value if isinstance(value, list) else [value]) if isinstance(v, str))


def _digest(secret: str) -> str:
    return hashlib.sha256(secret.encode("utf-8", "replace")).hexdigest()
