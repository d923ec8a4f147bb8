"""Users who log in elsewhere, and logins that are under way there, on every database."""

from collections.abc import Callable
from datetime import timedelta

import pytest

from daemon.clock import ManualClock
from daemon.errors import StoreError
from daemon.store.engine import open_database
from daemon.store.identities import Identities
from daemon.store.rows import Doer, SignOnRow
from daemon.store.store import Store
from rules.access import Role
from tests.builders import at
from tests.contract.stores import OpenStore, hash_of, restarted, together

BY = Doer(name="anna", via="single sign-on")
ISSUER = "https://login.example.net/"


def sign_on(state: str, seconds: float = 600) -> SignOnRow:
    return SignOnRow(state=state, browser="b", nonce="n", verifier="v", back="/events", expires_at=at(seconds))


def test_a_user_is_who_they_are_at_the_provider(store: Store, open_store: OpenStore) -> None:
    store.users.add("bob", Role.VIEWER, (), "hash-1")
    store.identities.add(ISSUER, "42", "anna", Role.OPERATOR, by=BY)
    again = restarted(open_store, store)
    assert again.identities.user_of(ISSUER, "42") == "anna"
    assert again.identities.user_of("https://login.example.net", "42") is None
    assert again.identities.user_of(ISSUER, "43") is None
    assert [(u.name, u.is_external) for u in again.users.all()] == [("anna", True), ("bob", False)]
    assert hash_of(again, "anna") == ""
    act = again.audit.latest(1)[0]
    assert (act.by, act.action, act.subject) == (BY, "user added", "anna")


@pytest.mark.parametrize(("subject", "name"), [("43", "anna"), ("43", "bob"), ("42", "carl")])
def test_neither_a_name_nor_an_identity_is_given_twice(store: Store, subject: str, name: str) -> None:
    store.users.add("bob", Role.VIEWER, (), "hash-1")
    store.identities.add(ISSUER, "42", "anna", Role.OPERATOR, by=BY)
    with pytest.raises(StoreError):
        store.identities.add(ISSUER, subject, name, Role.ADMIN, by=BY)
    assert [u.name for u in store.users.all()] == ["anna", "bob"], "nothing is half done"
    assert store.identities.user_of(ISSUER, "43") is None


def test_the_same_login_twice_at_once_makes_one_user(store: Store, open_store: OpenStore) -> None:
    def add(one: Store) -> Callable[[], bool]:
        def attempt() -> bool:
            try:
                one.identities.add(ISSUER, "42", "anna", Role.OPERATOR, by=BY)
            except StoreError:
                return False
            return True

        return attempt

    assert together(*(add(open_store()) for _ in range(4))).count(True) == 1
    assert [u.name for u in store.users.all()] == ["anna"]


def test_a_login_under_way_comes_back_once_in_its_browser_and_in_time(
    store: Store, open_store: OpenStore, clock: ManualClock
) -> None:
    for state in ("s1", "s2"):
        store.identities.begin(sign_on(state))
    assert store.identities.take("s1", "another browser") is None
    others = [open_store() for _ in range(4)]
    taken = together(*(lambda s=s: s.identities.take("s1", "b") for s in others))  # type: ignore[misc]
    assert [t for t in taken if t is not None] == [sign_on("s1")]
    clock.advance(timedelta(seconds=600))
    assert store.identities.take("s2", "b") is None


def test_those_under_way_are_bounded(url: str, store: Store, clock: ManualClock) -> None:
    database = open_database(url)
    identities = Identities(database, clock, most_under_way=20)
    for n in range(21):
        identities.begin(sign_on(f"s{n}", 600 + n))
    known = [store.identities.take(f"s{n}", "b") is not None for n in range(21)]
    database.close()
    assert known == [False, False] + [True] * 19
