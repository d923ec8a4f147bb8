"""Making users and tokens: what the command line and the console do alike, each act with its line in the audit."""

import hashlib
import secrets
from collections.abc import Collection, Iterable
from datetime import datetime

from cmdb.graph import Estate
from daemon.passwords import generated_password, hash_password
from daemon.store.rows import Doer
from daemon.store.store import Store
from rules.access import Role, Scope, user_name, wrong_password
from rules.errors import IncidentdError
from rules.near import unknown_ci

PREFIX = "inc_"
"""How every token begins, so that it can be found where it should not be."""
FIRST_USER = "admin"
MOST_SERVICES = 100
"""So many services a user can be limited to."""
_BYTES = 32


class AccountRefused(IncidentdError):
    """A user or token that cannot be made or changed as was asked; the text says why, for people."""


def known_name(text: str) -> str:
    """The name as it is kept; AccountRefused where it cannot be one."""
    try:
        return user_name(text)
    except ValueError as error:
        raise AccountRefused(str(error)) from None


def known_groups(words: Iterable[str]) -> tuple[str, ...]:
    """Groups are named as users are, so that rules and files can name both."""
    return tuple(sorted({known_name(word) for word in words}))


def add_user(
    store: Store,
    name: str,
    role: Role,
    groups: Iterable[str],
    *,
    password: str = "",
    is_temporary: bool = False,
    services: tuple[str, ...] = (),
    by: Doer,
) -> str:
    """Let a person in; the password, one made up where none is given. It must be changed first where `is_temporary`."""
    known = known_name(name)
    _must_see_all(known, role, services)
    if is_service(store, known):
        raise AccountRefused(f"a service's token is named {known}; a timeline could not tell the two apart")
    if password and (wrong := wrong_password(password, known)):
        raise AccountRefused(wrong)
    given = password or generated_password()
    hashed = hash_password(given)
    named = known_groups(groups)
    store.users.add(known, role, named, hashed, is_temporary=is_temporary, services=services, by=by)
    return given


def is_service(store: Store, name: str) -> bool:
    """Whether a service's token has that name; a timeline could not tell the two apart."""
    return any(token.name == name and not token.owner for token in store.tokens())


def give_role(store: Store, name: str, role: Role, groups: Iterable[str] | None = None, *, by: Doer) -> None:
    """Give a user another role, and other groups where they are given; every session of theirs ends."""
    known = known_name(name)
    user = store.users.user(known)
    _must_see_all(known, role, () if user is None else user.services)
    named = None if groups is None else known_groups(groups)
    must_exist(known, store.users.set_role(known, role, named, by=by))


def limit_user(store: Store, name: str, services: tuple[str, ...], *, by: Doer) -> None:
    """Limit a user to these business services, or let them see everything where there are none; every session of theirs
    ends."""
    known = known_name(name)
    user = store.users.user(known)
    if user is not None:
        _must_see_all(known, user.role, services)
    must_exist(known, store.users.set_services(known, services, by=by))


def known_services(estate: Estate, names: Iterable[str]) -> tuple[str, ...]:
    """The ids of the business services of these names; AccountRefused where the CMDB has no such service."""
    found = set()
    for name in names:
        ci = estate.find(name)
        if ci is None:
            raise AccountRefused(unknown_ci(estate, name))
        if ci not in estate.business_services:
            raise AccountRefused(f"{ci} is no business service; allowed: one of those that `/services` lists")
        found.add(ci)
    if len(found) > MOST_SERVICES:
        raise AccountRefused(f"{len(found)} services; allowed are {MOST_SERVICES}, or all of them by naming none")
    return tuple(sorted(found))


def _must_see_all(name: str, role: Role, services: tuple[str, ...]) -> None:
    """Whoever makes users and tokens could lift every limit: one that says otherwise would deceive."""
    if role is Role.ADMIN and services:
        raise AccountRefused(
            f"{name} is limited to {', '.join(services)}, but an admin sees everything; "
            "allowed: another role, or no limit"
        )


def give_password(store: Store, name: str, password: str = "", *, is_temporary: bool = False, by: Doer) -> str:
    """Give a user another password, one made up where none is given; every session of theirs ends."""
    known = known_name(name)
    if password and (wrong := wrong_password(password, known)):
        raise AccountRefused(wrong)
    if (user := store.users.user(known)) is not None and user.is_external:
        raise AccountRefused(f"{known} logs in by single sign-on and has no password here")
    given = password or generated_password()
    must_exist(known, store.users.set_password(known, hash_password(given), is_temporary=is_temporary, by=by))
    return given


def reset_second_factor(store: Store, name: str, *, by: Doer) -> None:
    """Forget the second factor of somebody who has lost it; every session of theirs ends. AccountRefused where there is
    none."""
    known = known_name(name)
    must_exist(known, store.users.user(known) is not None)
    if not store.second_factors.remove(known, by=by):
        raise AccountRefused(f"{known} has no second factor")


def must_exist(name: str, found: bool) -> None:
    """AccountRefused where there was no such user."""
    if not found:
        raise AccountRefused(f"there is no user named {name}; `incidentd user list` shows them")


def make_token(
    store: Store, name: str, scopes: Collection[Scope], *, owner: str = "", expires_at: datetime | None = None, by: Doer
) -> tuple[str, str]:
    """The token's name, made up for a user's where none is given, and the token: only a digest of it is kept."""
    owner = owner.strip().lower()
    named = name or (f"{owner}-{secrets.token_hex(3)}" if owner else "")
    if not (0 < len(named) <= 100 and named.isprintable()):
        raise AccountRefused("the name of a token is 1 to 100 printable characters")
    if owner and store.users.user(owner) is None:
        must_exist(owner, False)
    if not owner and store.users.user(named) is not None:
        raise AccountRefused(
            f"{named} is a user: make it a token of theirs with --user {named}, or choose another name"
        )
    text = PREFIX + secrets.token_urlsafe(_BYTES)
    digest = hashlib.sha256(text.encode()).hexdigest()
    store.add_token(named, digest, frozenset(map(str, scopes)), owner, expires_at, by=by)
    return named, text


def make_first_user(store: Store) -> str:
    """Where nobody could log in yet, make the administrator; their password, empty where there are users already."""
    if store.users.all():
        return ""
    return add_user(store, FIRST_USER, Role.ADMIN, (), is_temporary=True, by=Doer(name="incidentd", via="first start"))
