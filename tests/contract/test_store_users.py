"""Users, sessions, attempts at logging in, and kept answers, on every database."""

from collections.abc import Callable
from datetime import timedelta

import pytest
from sqlalchemy import create_engine, text
from sqlalchemy.exc import DBAPIError

from daemon.clock import ManualClock
from daemon.errors import StoreError
from daemon.store.answers import KEPT
from daemon.store.rows import AnswerRow, Bearer, Doer, UserRow
from daemon.store.store import Store
from rules.access import Role
from rules.throttle import MOST_PER_ADDRESS, MOST_PER_NAME, WINDOW
from tests.builders import T0, at
from tests.contract.stores import OpenStore, hash_of, restarted, together

ANNA = UserRow(name="anna", role=Role.OPERATOR, groups=("dba", "network"), created_at=T0)


@pytest.fixture
def peopled(store: Store) -> Store:
    """Anna is known."""
    store.users.add("anna", Role.OPERATOR, ("dba", "network"), "hash-1")
    return store


def test_users_are_kept(peopled: Store, open_store: OpenStore) -> None:
    peopled.users.add("bob", Role.VIEWER, (), "hash-2")
    with pytest.raises(StoreError, match="a user named 'anna' already"):
        peopled.users.add("anna", Role.ADMIN, (), "hash-3")
    again = restarted(open_store, peopled)
    assert again.users.all() == [ANNA, UserRow(name="bob", role=Role.VIEWER, groups=(), created_at=T0)]
    assert hash_of(again, "anna") == "hash-1"
    assert hash_of(again, "carl") is None
    assert again.users.user("carl") is None


def test_roles_groups_and_passwords_change(peopled: Store) -> None:
    assert peopled.users.set_role("anna", Role.MANAGER)
    assert peopled.users.user("anna") == UserRow(**{**_fields(ANNA), "role": Role.MANAGER})
    assert peopled.users.set_role("anna", Role.VIEWER, ())
    assert peopled.users.user("anna") == UserRow(**{**_fields(ANNA), "role": Role.VIEWER, "groups": ()})
    assert peopled.users.set_password("anna", "hash-9")
    assert hash_of(peopled, "anna") == "hash-9"
    services = ("a shop, with a comma", "pay")
    assert peopled.users.set_services("anna", services)
    assert peopled.users.user("anna") == UserRow(
        **{**_fields(ANNA), "role": Role.VIEWER, "groups": (), "services": services}
    )
    assert peopled.users.set_services("anna", ())
    assert not peopled.users.set_services("carl", services)
    assert not peopled.users.set_role("carl", Role.ADMIN)
    assert not peopled.users.set_password("carl", "x")
    assert not peopled.users.set_disabled("carl", disabled=True)


def test_a_login_under_way_while_the_user_is_changed_opens_nothing(peopled: Store) -> None:
    users = peopled.users
    for change in (
        lambda: users.set_password("anna", "hash-9"),
        lambda: users.set_role("anna", Role.VIEWER),
        lambda: users.set_services("anna", ("pay",)),
        lambda: users.set_disabled("anna", disabled=True),
    ):
        checked = users.credentials("anna")
        assert checked is not None
        assert change()
        assert not users.open_session("anna", "ab" * 32, at(60), checked)
        assert users.session_bearer("ab" * 32) is None
    assert users.credentials("anna") is None
    users.set_disabled("anna", disabled=False)
    assert users.open_session("anna", "ab" * 32, at(60), users.credentials("anna"))


def test_every_act_of_administration_is_kept_with_who_did_it(
    peopled: Store, open_store: OpenStore, clock: ManualClock
) -> None:
    by = Doer(name="olga", via="command line on box")
    peopled.users.add("bob", Role.VIEWER, ("dba",), "secret-hash", by=by)
    clock.advance(timedelta(seconds=60))
    peopled.users.set_role("bob", Role.ADMIN, by=by)
    peopled.users.set_services("bob", ("pay", "shop"), by=by)
    peopled.users.set_password("bob", "secret-hash-2", by=by)
    peopled.users.set_disabled("bob", disabled=True, by=by)
    peopled.users.set_disabled("bob", disabled=False, by=by)
    peopled.add_token("ci", "secret-digest", frozenset({"read", "push"}), "bob", at(86400), by=by)
    peopled.revoke_token("ci", by=by)
    # What finds nobody has changed nothing, and says nothing.
    peopled.users.set_role("carl", Role.ADMIN, by=by)
    peopled.revoke_token("ci", by=by)
    acts = restarted(open_store, peopled).audit.latest(8)
    assert {act.by for act in acts} == {by}
    assert [(act.action, act.subject, act.details) for act in reversed(acts)] == [
        ("user added", "bob", "role viewer, groups dba"),
        ("role changed", "bob", "role admin"),
        ("limit changed", "bob", "sees only pay, shop"),
        ("password changed", "bob", ""),
        ("user disabled", "bob", ""),
        ("user enabled", "bob", ""),
        ("token created", "ci", "scopes push read, of bob, until 2026-11-25T08:00:00Z"),
        ("token revoked", "ci", ""),
    ]
    assert (acts[-1].at, acts[0].at) == (T0, at(60))
    assert [a.action for a in open_store().audit.latest(9, offset=1, subject="ci")] == ["token created"]


@pytest.mark.parametrize("statement", ["UPDATE audit SET actor = 'x'", "DELETE FROM audit"])
def test_no_statement_rewrites_the_audit(url: str, peopled: Store, statement: str) -> None:
    before = peopled.audit.latest(9)
    engine = create_engine(url)
    with pytest.raises(DBAPIError, match="only ever added to"), engine.begin() as connection:
        connection.execute(text(statement))
    engine.dispose()
    assert [act.action for act in before] == ["user added"]
    assert peopled.audit.latest(9) == before


def _fields(user: UserRow) -> dict[str, object]:
    return {name: getattr(user, name) for name in ("name", "role", "groups", "created_at", "disabled_at")}


def test_a_session_stands_for_its_user(peopled: Store, clock: ManualClock) -> None:
    peopled.users.open_session("anna", "ab" * 32, at(60))
    assert peopled.users.session_bearer("ab" * 32) == Bearer(user=ANNA, expires_at=at(60))
    assert peopled.users.session_bearer("cd" * 32) is None
    clock.advance(timedelta(seconds=60))
    peopled.users.open_session("anna", "cd" * 32, at(120))
    assert peopled.users.session_bearer("ab" * 32) is None, "those that have expired are forgotten at the next login"
    peopled.users.close_session("cd" * 32)
    assert peopled.users.session_bearer("cd" * 32) is None


@pytest.mark.parametrize(
    "change",
    [
        lambda s: s.users.set_password("anna", "hash-2"),
        lambda s: s.users.set_disabled("anna", disabled=True),
    ],
)
def test_a_new_password_and_disabling_end_every_session(peopled: Store, change: Callable[[Store], bool]) -> None:
    for session in ("ab", "cd"):
        peopled.users.open_session("anna", session * 32, at(60))
    assert change(peopled)
    assert [peopled.users.session_bearer(s * 32) for s in ("ab", "cd")] == [None, None]


def test_a_disabled_user_has_no_password(peopled: Store) -> None:
    peopled.users.set_disabled("anna", disabled=True)
    assert hash_of(peopled, "anna") is None
    peopled.users.set_disabled("anna", disabled=False)
    assert hash_of(peopled, "anna") == "hash-1"


def test_a_token_stands_for_its_user_until_that_is_gone(peopled: Store) -> None:
    peopled.add_token("laptop", "ab" * 32, frozenset({"write"}), "anna", at(60))
    found = peopled.token_bearer("ab" * 32)
    assert found == Bearer(user=ANNA, token=peopled.tokens()[0], expires_at=at(60))
    peopled.add_token("lost", "cd" * 32, frozenset({"write"}), "carl")
    lost = peopled.token_bearer("cd" * 32)
    assert lost is not None
    assert (lost.user, lost.token and lost.token.owner) == (None, "carl")


def test_attempts_are_counted_by_name_and_by_address(peopled: Store, clock: ManualClock) -> None:
    for n in range(MOST_PER_NAME):
        assert peopled.users.begin_login("anna", f"10.0.0.{n}") is None
    assert peopled.users.begin_login("anna", "10.0.0.99") == T0 + WINDOW
    assert peopled.users.begin_login("bob", "10.0.0.1") is None
    for n in range(MOST_PER_ADDRESS):
        assert peopled.users.begin_login(f"guess-{n}", "10.9.9.9") is None
    assert peopled.users.begin_login("bob", "10.9.9.9") == T0 + WINDOW
    clock.advance(WINDOW)
    assert peopled.users.begin_login("anna", "10.9.9.9") is None


def test_a_login_that_succeeds_forgets_the_failures(peopled: Store) -> None:
    for _ in range(MOST_PER_NAME):
        peopled.users.begin_login("anna", "10.0.0.1")
    peopled.users.open_session("anna", "ab" * 32, at(60))
    assert peopled.users.begin_login("anna", "10.0.0.1") is None


def test_attempts_at_the_same_time_do_not_slip_through(peopled: Store, open_store: OpenStore) -> None:
    others = [open_store() for _ in range(8)]
    answers = together(*(lambda s=s: s.users.begin_login("anna", "10.0.0.1") for s in others))  # type: ignore[misc]
    assert answers.count(None) == MOST_PER_NAME


# Answers


def test_an_answer_is_kept_for_a_day_and_over_a_restart(
    store: Store, open_store: OpenStore, clock: ManualClock
) -> None:
    assert store.answers.begin("key", "request") is None
    assert store.answers.begin("key", "request") == AnswerRow(request="request")
    store.answers.finish("key", 200, "application/json", b'{"done": true}')
    again = restarted(open_store, store)
    kept = AnswerRow(request="request", status=200, media_type="application/json", body=b'{"done": true}')
    assert again.answers.begin("key", "another") == kept
    clock.advance(KEPT)
    assert again.answers.begin("key", "another") is None


def test_a_forgotten_key_can_be_used_again(store: Store) -> None:
    assert store.answers.begin("key", "request") is None
    store.answers.forget("key")
    assert store.answers.begin("key", "another") is None


def test_one_of_many_at_the_same_time_gets_the_key(store: Store, open_store: OpenStore) -> None:
    others = [open_store() for _ in range(6)]
    found = together(*(lambda s=s: s.answers.begin("key", "request") for s in others))  # type: ignore[misc]
    assert found.count(None) == 1
