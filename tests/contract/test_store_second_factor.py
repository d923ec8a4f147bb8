"""Second factors, recovery codes and logins that wait for a code, on every database."""

from collections.abc import Callable
from datetime import timedelta

import pytest

from daemon.clock import ManualClock
from daemon.store.rows import Doer, FactorRow
from daemon.store.store import Store
from rules.access import Role
from tests.builders import at
from tests.contract.stores import OpenStore, restarted, together

BY = Doer(name="anna", via="console")
OWN, OTHER = "ab" * 32, "cd" * 32
CODES = ("1" * 64, "2" * 64)


@pytest.fixture
def peopled(store: Store) -> Store:
    """Anna and Bob are known; Anna is logged in twice."""
    for name in ("anna", "bob"):
        store.users.add(name, Role.OPERATOR, (), "hash-1")
    for session in (OWN, OTHER):
        store.users.open_session("anna", session, at(3600))
    return store


@pytest.fixture
def armed(peopled: Store) -> Store:
    """Anna has a second factor, confirmed by the code of step 7."""
    assert peopled.second_factors.begin("anna", b"sealed")
    assert peopled.second_factors.confirm("anna", b"sealed", 7, CODES, keep=OWN, by=BY)
    return peopled


def test_a_factor_counts_once_it_is_confirmed(peopled: Store, open_store: OpenStore) -> None:
    factors = peopled.second_factors
    assert factors.begin("anna", b"first")
    assert factors.begin("anna", b"second"), "what never counted is replaced"
    assert peopled.users.user("anna") == peopled.users.all()[0]
    assert not peopled.users.all()[0].has_second_factor
    assert not factors.take_step("anna", 9, b"second")
    assert not factors.confirm("anna", b"first", 7, CODES, keep=OWN, by=BY), "another one was begun meanwhile"
    assert factors.confirm("anna", b"second", 7, CODES, keep=OWN, by=BY)
    assert not factors.confirm("anna", b"second", 8, CODES, keep=OWN, by=BY)
    assert not factors.begin("anna", b"third")
    again = restarted(open_store, peopled)
    assert again.second_factors.of("anna") == FactorRow(sealed=b"second", is_confirmed=True, codes_left=2)
    assert [u.has_second_factor for u in again.users.all()] == [True, False]
    checked = again.users.credentials("anna")
    assert checked is not None
    assert checked.user.has_second_factor
    assert again.second_factors.of("bob") is None


def test_setting_one_up_ends_every_other_session(armed: Store) -> None:
    assert armed.users.session_bearer(OWN) is not None
    assert armed.users.session_bearer(OTHER) is None


@pytest.mark.parametrize(
    "change",
    [
        lambda s: (
            s.second_factors.begin("bob", b"x") and s.second_factors.confirm("bob", b"x", 1, CODES, keep="", by=BY)
        ),
        lambda s: s.second_factors.remove("anna", by=BY),
    ],
)
def test_a_login_under_way_meanwhile_opens_nothing(armed: Store, change: Callable[[Store], bool]) -> None:
    checked = [armed.users.credentials(name) for name in ("anna", "bob")]
    armed.second_factors.begin_login(OTHER, "anna", at(300))
    armed.second_factors.begin_login("ef" * 32, "bob", at(300))
    assert change(armed)
    opened = [armed.users.open_session(c.user.name, "99" * 32, at(60), c) for c in checked if c is not None]
    assert sorted(opened) == [False, True]
    assert sorted([armed.second_factors.waiting(d) is None for d in (OTHER, "ef" * 32)]) == [False, True]


def test_a_code_is_accepted_once_and_no_older_one_after_it(armed: Store, open_store: OpenStore) -> None:
    factors = armed.second_factors
    assert not factors.take_step("anna", 7, b"sealed"), "the code that confirmed it"
    assert factors.take_step("anna", 9, b"sealed anew")
    assert not factors.take_step("anna", 8, b"sealed")
    assert not factors.take_step("anna", 9, b"sealed")
    found = factors.of("anna")
    assert found is not None
    assert found.sealed == b"sealed anew"
    others = [open_store() for _ in range(6)]
    taken = together(*(lambda s=s: s.second_factors.take_step("anna", 10, b"x") for s in others))  # type: ignore[misc]
    assert taken.count(True) == 1


def test_a_recovery_code_works_once_for_its_user_only(armed: Store, open_store: OpenStore) -> None:
    assert not armed.second_factors.take_code("bob", CODES[0])
    others = [open_store() for _ in range(6)]
    taken = together(*(lambda s=s: s.second_factors.take_code("anna", CODES[0]) for s in others))  # type: ignore[misc]
    assert taken.count(True) == 1
    assert armed.second_factors.renew_codes("anna", ["3" * 64], by=BY)
    assert not armed.second_factors.take_code("anna", CODES[1])
    assert armed.second_factors.take_code("anna", "3" * 64)
    assert not armed.second_factors.renew_codes("bob", ["4" * 64], by=BY)


def test_one_that_is_removed_leaves_nothing_and_says_who_did_it(armed: Store) -> None:
    admin = Doer(name="olga", via="command line on box")
    assert armed.second_factors.take_code("anna", CODES[0])
    assert armed.second_factors.remove("anna", by=admin)
    assert not armed.second_factors.remove("anna", by=admin)
    assert armed.second_factors.of("anna") is None
    assert not armed.second_factors.take_code("anna", CODES[1])
    assert armed.users.session_bearer(OWN) is None
    acts = [(a.by.name, a.action, a.details) for a in armed.audit.latest(3)]
    assert acts == [
        ("olga", "second factor reset", ""),
        ("anna", "recovery code used", "1 left"),
        ("anna", "second factor set up", ""),
    ]


def test_a_login_waits_for_its_code_for_a_time_only(armed: Store, clock: ManualClock) -> None:
    factors = armed.second_factors
    factors.begin_login(OTHER, "anna", at(300))
    assert (factors.waiting(OTHER), factors.waiting(OWN)) == ("anna", None)
    clock.advance(timedelta(seconds=300))
    assert factors.waiting(OTHER) is None
    factors.begin_login(OWN, "anna", at(600))
    assert not factors.end_login(OTHER), "those that have expired are forgotten at the next login"
    assert factors.end_login(OWN)
    assert not factors.end_login(OWN)


@pytest.mark.parametrize(
    "change",
    [
        lambda s: s.users.set_password("anna", "hash-2"),
        lambda s: s.users.set_role("anna", Role.ADMIN),
        lambda s: s.users.set_disabled("anna", disabled=True),
    ],
)
def test_a_login_that_waits_ends_where_sessions_do(armed: Store, change: Callable[[Store], bool]) -> None:
    armed.second_factors.begin_login(OTHER, "anna", at(300))
    assert change(armed)
    assert armed.second_factors.waiting(OTHER) is None


def test_the_key_is_made_once(peopled: Store, open_store: OpenStore) -> None:
    keys = together(*(open_store().second_factors.key for _ in range(4)))
    assert len(set(keys)) == 1
    assert len(keys[0]) == 32
    assert keys[0] != peopled.links.key()
