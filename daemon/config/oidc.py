"""`http.oidc`: single sign-on, from its section to the settings it is done by."""

from dataclasses import dataclass, field
from datetime import timedelta
from urllib.parse import urlsplit

from daemon.config.context import Context
from daemon.config.document import Loc
from daemon.config.fields import is_loopback
from daemon.config.schema import Oidc
from daemon.config.tls import make_tls
from daemon.sources.settings import TlsSettings
from notifiers.secret import Secret
from rules.access import Role

EMAIL = "email"
"""The claim that counts only where the provider says that it is verified."""
_OPENID = "openid"


@dataclass(frozen=True, slots=True, kw_only=True)
class OidcSettings:
    """A provider of OpenID Connect, and what its word is worth here.

    `issuer` is written exactly as the provider writes it. `name` stands on the button. `user_claim` names users;
    `roles` are roles by group of `groups_claim`, of which the most powerful counts; who is in none gets `default_role`,
    or is refused where that is None.
    """

    issuer: str
    client_id: str
    client_secret: Secret
    name: str = "single sign-on"
    scopes: tuple[str, ...] = (_OPENID, "email", "profile")
    user_claim: str = EMAIL
    groups_claim: str = "groups"
    roles: dict[str, Role] = field(default_factory=dict)
    default_role: Role | None = None
    timeout: timedelta = timedelta(seconds=10)
    tls: TlsSettings = field(default_factory=TlsSettings)


def make_oidc(context: Context, loc: Loc, section: Oidc, host: str, public_url: str | None) -> OidcSettings | None:
    """Single sign-on; problems where it could let nobody in, or where it would not be safe."""
    secret = context.secret(loc, section, "client_secret")
    if not section.roles and section.default_role is None:
        allowed = "allowed: a role by group (roles), a default_role, or both"
        context.problem(loc, "oidc lets nobody in: it gives no role", allowed)
    if _OPENID not in section.scopes:
        context.problem((*loc, "scopes"), "scopes: openid is missing", "allowed: [openid, email, profile, …]")
    parts = urlsplit(section.issuer)
    if parts.scheme != "https" and not is_loopback(parts.hostname or ""):
        context.problem((*loc, "issuer"), "issuer: what comes by http can be forged on the way", "allowed: https://…")
    if parts.query or parts.fragment:
        context.problem((*loc, "issuer"), "issuer has a query or fragment", "allowed: https://host/path")
    if public_url is None and not is_loopback(host):
        allowed = "allowed: http.public_url, as in https://incidents.example.net"
        context.problem(loc, "oidc needs to know by which address people come back here", allowed)
    if secret is None:
        return None
    return OidcSettings(
        issuer=section.issuer,
        client_id=section.client_id,
        client_secret=secret,
        roles={group: Role(word) for group, word in section.roles.items()},
        default_role=None if section.default_role is None else Role(section.default_role),
        scopes=tuple(section.scopes),
        tls=make_tls(context, (*loc, "tls"), section.tls),
        name=section.name,
        user_claim=section.user_claim,
        groups_claim=section.groups_claim,
        timeout=section.timeout,
    )
