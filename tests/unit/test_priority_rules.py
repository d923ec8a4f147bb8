"""The organisation's own rules for the priority, from their owner's words to the incident."""

from datetime import UTC, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from cmdb.graph import Estate
from cmdb.model import CI, Criticality, State, Users
from rules.calendar import Calendar
from rules.decision import Verb
from rules.incident import Level, Priority
from rules.policy import Policy
from rules.priority_rule import Occasion, Place, PriorityRule
from tests.builders import T0
from tests.desk import Desk, down, needs, service
from tests.unit.test_service_levels import EXAMPLE, load, problems

OFFICE = Calendar(name="office", zone=ZoneInfo("UTC"), hours=(((540, 1020),),) * 5 + ((), ()))
SHOP = Place(ci="shop", is_service=True, state=State.DOWN, users=Users(count=900, kind="customers"))
WIKI = Place(ci="wiki", is_service=True, state=State.AT_RISK, users=Users(count=300, kind="staff"))
SWITCH = Place(ci="tor-1", is_service=False, state=State.DOWN)


def words(*some: str) -> frozenset[str]:
    return frozenset(some)


@pytest.mark.parametrize(
    ("when", "fits"),
    [
        (Occasion(), True),
        (Occasion(ci_type=words("switch")), True),
        (Occasion(ci_type=words("router", "host")), False),
        (Occasion(service=words("shop", "mail")), True),
        (Occasion(service=words("mail")), False),
        (Occasion(service=words("tor-1")), False),
        (Occasion(service=words("wiki"), disruption=words("at risk")), True),
        (Occasion(service=words("wiki"), disruption=words("down")), False),
        (Occasion(disruption=words("degraded")), False),
        (Occasion(user_class=words("customers"), disruption=words("down")), True),
        (Occasion(user_class=words("customers"), disruption=words("at risk")), False),
        (Occasion(users=1200), True),
        (Occasion(users=1201), False),
        (Occasion(user_class=words("staff"), users=301), False),
        (Occasion(calendar=OFFICE), False),
        (Occasion(calendar=OFFICE, is_within=False), True),
    ],
)
def test_a_rule_fits_where_all_of_its_conditions_hold(when: Occasion, fits: bool) -> None:
    assert when.fits("switch", (SHOP, WIKI, SWITCH), T0) is fits


def estate() -> Estate:
    return Estate.of(
        [
            CI(id="host-1", type="host"),
            CI(id="printer", type="printer", users=Users(count=20, kind="staff")),
            service("shop", "Shop", Criticality.LOW, needs("host-1")),
        ]
    )


def desk(*rules: PriorityRule, fired: str = "host-1") -> Desk:
    opened = Desk(estate(), Policy(priority_rules=rules, service_levels=()))
    opened.hear(*down(fired))
    return opened


def test_without_a_rule_the_matrix_says_so() -> None:
    (found,) = desk().open()
    assert (found.priority, found.priority_rule) == (Priority.P3, "matrix: impact low, urgency high")
    assert found.priority_until is None


def test_the_first_rule_that_fits_decides_and_is_named() -> None:
    never = PriorityRule(name="never", when=Occasion(service=words("mail")), priority=Priority.P5)
    shop = PriorityRule(name="the shop", when=Occasion(service=words("shop")), priority=Priority.P1)
    (found,) = desk(never, shop, PriorityRule(name="late", priority=Priority.P4)).open()
    assert (found.priority, found.priority_rule) == (Priority.P1, "rule: the shop")
    assert found.priority_reason == "Shop (low) is down; by the rule the shop"


def test_a_rule_may_set_what_goes_into_the_matrix() -> None:
    (found,) = desk(PriorityRule(name="dear", impact=Level.HIGH)).open()
    assert (found.impact, found.urgency, found.priority) == (Level.HIGH, Level.HIGH, Priority.P1)
    (found,) = desk(PriorityRule(name="later", urgency=Level.LOW)).open()
    assert (found.impact, found.urgency, found.priority) == (Level.LOW, Level.LOW, Priority.P5)


def test_the_users_of_a_ci_without_services_count() -> None:
    rule = PriorityRule(name="many", when=Occasion(users=20, user_class=words("staff")), priority=Priority.P2)
    (found,) = desk(rule, fired="printer").open()
    assert (found.priority, found.users) == (Priority.P2, 20)


def test_a_person_s_word_wins_over_rules() -> None:
    story = desk(PriorityRule(name="all", priority=Priority.P1))
    story.ask(Verb.SET_PRIORITY, 1, "P4")
    story.wait(60)
    story.hear(*down("host-1"), *down("shop"))
    assert (story.incidents[1].priority, story.incidents[1].priority_rule) == (Priority.P4, "set by hand")


def test_the_priority_follows_the_calendar_also_over_a_restart() -> None:
    story = desk(PriorityRule(name="by night", when=Occasion(calendar=OFFICE, is_within=False), priority=Priority.P5))
    assert story.open()[0].priority is Priority.P5, "it is eight o'clock"
    assert story.open()[0].next_at == T0 + timedelta(hours=1)
    story.wait(3600)
    story.restart()
    story.decide()
    assert (story.open()[0].priority, story.open()[0].priority_until) == (Priority.P3, T0 + timedelta(hours=9))
    story.wait(8 * 3600)
    story.decide()
    assert story.open()[0].priority is Priority.P5
    assert "priority is now P5: Shop (low) is down; by the rule by night" in story.history()
    assert story.open()[0].priority_until == datetime(2026, 11, 25, 9, 0, tzinfo=UTC)


def test_the_example_s_rules_load(tmp_path: Path) -> None:
    rules = load(tmp_path, EXAMPLE.read_text(encoding="utf-8")).policy.priority_rules
    assert [(r.name, r.priority, r.impact) for r in rules] == [
        ("customers cannot pay", Priority.P1, None),
        ("many customers", None, Level.HIGH),
        ("printers by night", Priority.P5, None),
    ]
    assert rules[1].when == Occasion(user_class=words("customers"), users=1000, disruption=words("down", "degraded"))
    assert rules[2].when.calendar is not None
    assert (rules[2].when.calendar.name, rules[2].when.is_within) == ("office", False)


@pytest.mark.parametrize(
    ("rule", "problem"),
    [
        ("when: {}", "3: the rule sets nothing; allowed: priority, or impact, urgency or both"),
        ("when: {}, priority: P1, impact: low", "3: priority leaves nothing to impact and urgency; allowed: priority"),
        ("priority: P1", "3: when is missing"),
        ("when: {}, priority: P7", '3: priority: "P7" is not allowed; '),
        ("when: {typ: host}, priority: P1", '3: unknown key "typ"; '),
        ("when: {disruption: broken}, priority: P1", '3: disruption: "broken" is not allowed; allowed: down, degraded'),
        ("when: {users: 0}, priority: P1", "3: users is out of range; allowed: 1 or more"),
        ("when: {within: night}, priority: P1", '3: calendar: there is no calendar "night"; allowed: 24x7'),
        ("when: {within: 24x7, outside: 24x7}, priority: P1", "3: within and outside exclude each other; allowed: one"),
    ],
)
def test_what_is_wrong_with_a_rule(tmp_path: Path, rule: str, problem: str) -> None:
    found = problems(tmp_path, f"priority:\n  rules:\n  - {{name: a, {rule}}}")
    assert any(p.startswith(problem) for p in found), found


def test_names_of_rules_are_given_once(tmp_path: Path) -> None:
    rule = "- {name: a, when: {}, priority: P1}"
    assert problems(tmp_path, f"priority:\n  rules:\n  {rule}\n  {rule}") == [
        '4: the name "a" is taken; allowed: each name once'
    ]
