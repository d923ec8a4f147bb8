from itertools import pairwise, product

import pytest

from rules.incident import Level, Priority
from rules.policy import ITIL_MATRIX, Policy
from rules.subscriptions import Facts, Subscription, When, miss


@pytest.mark.parametrize(
    ("when", "wanted"),
    [
        (When(), True),
        (When(priority=frozenset({"P1", "P2"})), True),
        (When(priority=frozenset({"P1"})), False),
        (When(event=frozenset({"opened"})), True),
        (When(event=frozenset({"resolved"})), False),
        (When(service=frozenset({"mail", "crm"})), True),
        (When(service=frozenset({"crm"})), False),
        (When(group=frozenset({"dba"})), True),
        (When(group=frozenset({"net"})), False),
        (When(priority=frozenset({"P2"}), group=frozenset({"net"})), False),
    ],
)
def test_every_axis_that_is_set_must_agree(when: When, wanted: bool) -> None:
    facts = Facts(event="opened", priorities=frozenset({"P2"}), services=("shop", "mail"), group="dba")
    assert (miss(when, facts) == "") is wanted


def test_news_of_a_blind_source_reaches_those_who_chose_priorities() -> None:
    assert miss(When(priority=frozenset({"P1"})), Facts(event="source_down")) == ""
    assert miss(When(service=frozenset({"shop"})), Facts(event="source_down")) == "service"


def test_a_subscription_without_conditions_wants_everything() -> None:
    assert Subscription(to="noc").when == When()


def test_the_matrix_never_ranks_less_of_either_higher() -> None:
    assert set(ITIL_MATRIX) == set(product(Level, Level))
    assert Policy().priority(Level.HIGH, Level.HIGH) == Priority.P1
    assert Policy().priority(Level.LOW, Level.LOW) == Priority.P5
    order = [Level.HIGH, Level.MEDIUM, Level.LOW]
    for fixed, (more, less) in product(order, pairwise(order)):
        assert ITIL_MATRIX[more, fixed] <= ITIL_MATRIX[less, fixed]
        assert ITIL_MATRIX[fixed, more] <= ITIL_MATRIX[fixed, less]


def test_policies_are_values() -> None:
    assert Policy() == Policy()
    assert len({Policy(), Policy()}) == 1
