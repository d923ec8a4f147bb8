"""Who may do what: roles of people, scopes of tokens, and the permissions that both are made of.

The one table. Every route of the HTTP interface names one `Permission`; whoever lacks it is refused. The roles are
those of ITIL's incident management practice (user, first-line and technical staff, incident manager) and an
administrator of incidentd itself; each has the least that its work needs (NIST SP 800-53 AC-6, least privilege).
"""

import enum
import re
from collections.abc import Collection, Mapping
from typing import Literal, get_args

Permission = Literal["account", "read", "report", "own", "write", "manage", "push", "administer"]
"""`account` one's own account and session · `read` see incidents, alerts and what was learnt · `report` register, and
add notes to other records · `own` add notes to incidents, close and reopen them; without `write` one's own only
(`rules.ownership`) · `write` work on incidents and silences · `manage` overrule, as a priority by hand does · `push`
send alerts · `administer` users and tokens."""

PERMISSIONS: tuple[Permission, ...] = get_args(Permission)


class Role(enum.StrEnum):
    """What a person is to the service desk."""

    VIEWER = "viewer"
    REPORTER = "reporter"
    OPERATOR = "operator"
    MANAGER = "manager"
    ADMIN = "admin"


class Scope(enum.StrEnum):
    """What a token is for."""

    PUSH = "push"
    READ = "read"
    REPORT = "report"
    WRITE = "write"
    ADMIN = "admin"


ROLES: dict[Role, frozenset[Permission]] = {
    Role.VIEWER: frozenset({"account", "read"}),
    Role.REPORTER: frozenset({"account", "read", "report", "own"}),
    Role.OPERATOR: frozenset({"account", "read", "report", "own", "write"}),
    Role.MANAGER: frozenset({"account", "read", "report", "own", "write", "manage"}),
    Role.ADMIN: frozenset(PERMISSIONS),
}
"""Role × permission."""

SCOPES: dict[Scope, frozenset[Permission]] = {
    Scope.PUSH: frozenset({"account", "push"}),
    Scope.READ: frozenset({"account", "read"}),
    Scope.REPORT: frozenset({"account", "read", "report", "own"}),
    Scope.WRITE: frozenset({"account", "read", "report", "own", "write", "manage"}),
    Scope.ADMIN: frozenset(PERMISSIONS),
}
"""Scope × permission. A token of a user has of these only what the user's role has."""

LONGEST_NAME = 64
_NAME = re.compile(rf"[a-z0-9][a-z0-9._@-]{{0,{LONGEST_NAME - 1}}}")
NAME_RULE = f"a name is 1 to {LONGEST_NAME} of a-z, 0-9, . _ @ and -, and begins with a letter or digit"

SHORTEST_PASSWORD = 12
"""NIST SP 800-63B asks for at least 8 characters, and 15 where the password is all there is; 12 is common between."""
LONGEST_PASSWORD = 256


def granted(role: Role | None, scopes: Collection[str] | None) -> frozenset[Permission]:
    """What somebody may do by a role, by the scopes of a token, or by a user's token (both: what they have in common).

    None stands for what there is not: a service's token has no role, a session no scopes. Neither grants nothing. A
    scope that is not known (of a newer version) grants nothing.
    """
    by_scopes = frozenset[Permission]().union(*(SCOPES[s] for s in Scope if scopes is not None and s in scopes))
    if role is None:
        return by_scopes
    return ROLES[role] if scopes is None else ROLES[role] & by_scopes


def role_of_groups(groups: Collection[str], roles: Mapping[str, Role], default: Role | None) -> Role | None:
    """The most powerful of the roles that somebody's groups have, `default` where they have none; None for nobody who
    may come in."""
    order = list(Role)
    return max((roles[group] for group in groups if group in roles), key=order.index, default=default)


def holders(permission: Permission) -> tuple[Role, ...]:
    """The roles that have a permission, the least first."""
    return tuple(role for role in Role if permission in ROLES[role])


def user_name(text: str) -> str:
    """A name as it is kept: without case and blanks around it; ValueError in words where it cannot be one."""
    name = text.strip().lower()
    if not _NAME.fullmatch(name):
        raise ValueError(NAME_RULE)
    return name


def wrong_password(password: str, name: str) -> str:
    """Why this cannot be the password of that user; empty where it can."""
    if not SHORTEST_PASSWORD <= len(password) <= LONGEST_PASSWORD:
        return f"a password has {SHORTEST_PASSWORD} to {LONGEST_PASSWORD} characters"
    if len(set(password)) < SHORTEST_PASSWORD // 2 or name in password.lower():
        return "a password must not repeat a few characters or hold the user's name"
    return ""
