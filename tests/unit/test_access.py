"""Roles, scopes and permissions, names and passwords, and how long one waits after wrong ones."""

import re
from datetime import timedelta
from itertools import pairwise, product
from pathlib import Path

import pytest

from daemon.passwords import generated_password, hash_password, is_right
from rules.access import (
    PERMISSIONS,
    ROLES,
    SCOPES,
    Role,
    Scope,
    granted,
    holders,
    role_of_groups,
    user_name,
    wrong_password,
)
from rules.throttle import MOST_PER_NAME, WINDOW, retry_at
from tests.builders import T0, at

PAGE = Path(__file__).parents[2] / "docs" / "access.md"


def documented(word: str) -> dict[str, dict[str, bool]]:
    """The table of the manual whose first heading is `word`: row to column to whether there is a mark."""
    lines = iter(PAGE.read_text(encoding="utf-8").splitlines())
    heading = next(line for line in lines if line.startswith(f"| {word} |"))
    columns = [cell.strip(" `") for cell in heading.strip("|").split("|")][1:]
    next(lines)
    table = {}
    for line in lines:
        if not line.startswith("|"):
            return table
        name, *cells = (cell.strip(" `") for cell in line.strip("|").split("|"))
        table[name] = {column: bool(cell) for column, cell in zip(columns, cells, strict=True)}
    raise AssertionError("the table has no end")


def test_the_manual_has_the_table_of_roles_and_permissions() -> None:
    table = documented("permission")
    assert set(table) == set(PERMISSIONS)
    for permission, role in product(PERMISSIONS, Role):
        assert table[permission][role] == (permission in ROLES[role]), (permission, role)


def test_the_manual_has_the_table_of_scopes_and_permissions() -> None:
    table = documented("scope")
    assert set(table) == set(Scope)
    for scope, permission in product(Scope, PERMISSIONS):
        assert table[scope][permission] == (permission in SCOPES[scope]), (scope, permission)


def test_each_role_has_all_that_the_one_before_it_has() -> None:
    ladder = list(Role)
    for lower, higher in pairwise(ladder):
        assert ROLES[lower] < ROLES[higher]
    assert holders("manage") == (Role.MANAGER, Role.ADMIN)


@pytest.mark.parametrize("role", Role)
def test_a_token_can_never_do_more_than_its_user(role: Role) -> None:
    assert granted(role, set(Scope)) == ROLES[role]
    for scope in Scope:
        assert granted(role, {scope}) == ROLES[role] & SCOPES[scope]


def test_a_services_token_has_its_scopes_and_nothing_is_nothing() -> None:
    assert granted(None, {"push", "read"}) == SCOPES[Scope.PUSH] | SCOPES[Scope.READ]
    assert granted(None, {"of a newer version"}) == frozenset()
    assert granted(Role.ADMIN, set()) == frozenset()
    assert granted(None, None) == frozenset()


@pytest.mark.parametrize(
    ("text", "name"), [("anna", "anna"), (" Anna ", "anna"), ("a.b@example.net", "a.b@example.net")]
)
def test_names_are_kept_without_case(text: str, name: str) -> None:
    assert user_name(text) == name


@pytest.mark.parametrize("text", ["", " ", "-anna", "an na", "anna\n.", "ännchen", "a" * 65, "a/b"])
def test_what_cannot_be_a_name_is_refused_in_words(text: str) -> None:
    with pytest.raises(ValueError, match="a name is 1 to 64 of a-z"):
        user_name(text)


@pytest.mark.parametrize("password", ["short", "x" * 257, "aaaaaaaaaaaaaa", "i-am-anna-2026!"])
def test_poor_passwords_are_refused(password: str) -> None:
    assert re.match("a password (has|must not)", wrong_password(password, "anna"))
    assert wrong_password("correct horse battery", "anna") == ""


def test_a_made_up_password_can_be_used() -> None:
    assert wrong_password(generated_password(), "admin") == ""
    assert generated_password() != generated_password()


def test_a_hash_knows_its_password_only() -> None:
    hashed = hash_password("correct horse battery")
    assert hashed.startswith("$argon2id$")
    assert "horse" not in hashed
    assert is_right(hashed, "correct horse battery")
    assert not is_right(hashed, "correct horse")
    assert not is_right(None, "correct horse battery")
    assert not is_right("not a hash", "correct horse battery")


def test_too_many_failures_ask_for_patience_until_the_oldest_is_forgotten() -> None:
    failures = [at(n) for n in range(MOST_PER_NAME)]
    assert retry_at(failures[1:], MOST_PER_NAME, at(10)) is None
    assert retry_at(failures[::-1], MOST_PER_NAME, at(10)) == T0 + WINDOW
    assert retry_at([*failures, at(20)], MOST_PER_NAME, at(30)) == at(1) + WINDOW
    assert retry_at(failures, MOST_PER_NAME, T0 + WINDOW) is None
    assert retry_at(failures, MOST_PER_NAME, T0 + WINDOW + timedelta(seconds=9)) is None


@pytest.mark.parametrize(
    ("groups", "default", "role"),
    [
        (("sre",), None, Role.OPERATOR),
        (("heads", "sre"), None, Role.MANAGER),
        (("sre", "heads"), Role.ADMIN, Role.MANAGER),
        (("nobody",), Role.VIEWER, Role.VIEWER),
        ((), Role.VIEWER, Role.VIEWER),
        (("nobody",), None, None),
    ],
)
def test_of_the_roles_of_ones_groups_the_most_powerful_counts(
    groups: tuple[str, ...], default: Role | None, role: Role | None
) -> None:
    assert role_of_groups(groups, {"sre": Role.OPERATOR, "heads": Role.MANAGER}, default) is role
