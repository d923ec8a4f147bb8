"""What the counters answer, and that nothing is claimed without history."""

from datetime import timedelta
from math import exp

import pytest

from cmdb.graph import Estate
from cmdb.model import CI
from rules.experience import PRIOR_STRENGTH, Experience
from rules.lesson import (
    LONGEST,
    LONGEST_KEY,
    Lesson,
    delayed,
    ended,
    ended_alone,
    heard,
    root_confirmed,
    root_refuted,
    summed,
    taken_back,
)
from tests.desk import rack_estate


def minutes(*numbers: float) -> list[timedelta]:
    return [timedelta(minutes=n) for n in numbers]


def experience(*lessons: Lesson) -> Experience:
    found = Experience(rack_estate())
    found.take(lessons)
    return found


def test_without_history_every_answer_is_neutral() -> None:
    fresh = experience()
    assert (fresh.episodes("Down"), fresh.lone("Down"), fresh.noise("Down"), fresh.delays("Down")) == (0, 0, 0.5, 0)
    assert (fresh.lone_for("Down"), fresh.delay("Down")) == (None, None)
    assert (fresh.is_heard("host-1"), fresh.heard_of_type("host")) == (False, 0)
    assert (fresh.confirmed("host"), fresh.refuted("host"), fresh.prior("host"), fresh.prior("unheard of")) == (0,) * 4
    assert (fresh.names(), fresh.roots(), fresh.corrections(), fresh.lessons()) == ([], [], [], ())


def test_noise_is_the_share_of_lone_episodes_smoothed() -> None:
    lone = [lesson for _ in range(9) for lesson in (ended("Flap"), ended_alone("Flap", timedelta(seconds=30)))]
    found = experience(*lone, ended("Flap"), ended("Real"), ended("Real"))
    assert (found.episodes("Flap"), found.lone("Flap")) == (10, 9)
    assert found.noise("Flap") == pytest.approx(9.5 / 11)
    assert found.noise("Real") == pytest.approx(0.5 / 3)


def test_numbers_in_a_name_do_not_matter() -> None:
    found = experience(ended("cpu_core_7"), ended("cpu_core_13"))
    assert (found.names(), found.episodes("cpu_core_99")) == (["cpu_core_#"], 2)


def test_lengths_are_kept_by_upper_bounds() -> None:
    found = experience(*(ended_alone("Flap", m) for m in minutes(0.5, 1, 1.5, 4, 29, 31)))
    wanted = [(0.0, 1), (0.3, 1), (0.5, 2), (0.6, 5), (0.8, 30)]
    assert [found.lone_for("Flap", share) for share, _ in wanted] == minutes(*(m for _, m in wanted))
    assert found.lone_for("Flap", 1.0) == LONGEST
    late = experience(*(delayed("Slow", timedelta(seconds=s)) for s in (0, 15, 16, 61)))
    assert [late.delay("Slow", q) for q in (0.5, 0.75, 1.0)] == minutes(0.25, 0.5, 2)
    assert late.delays("Slow") == 4


def test_a_ci_is_heard_once_and_counts_for_the_type_it_has_now() -> None:
    found = experience(heard("host-1"), heard("host-1"), heard("host-2"), heard("gone"))
    assert [found.is_heard(ci) for ci in ("host-1", "gone", "host-3")] == [True, True, False]
    assert (found.heard_of_type("host"), found.of_type("host")) == (2, 6)
    changed = Experience(Estate.of([CI(id="host-1", type="vm")]))
    changed.take(found.lessons())
    assert (changed.heard_of_type("vm"), changed.heard_of_type("host")) == (1, 0)


def test_a_prior_grows_with_confirmed_roots_and_falls_with_wrong_namings() -> None:
    once = experience(*root_confirmed("tor-3a", "switch"))
    assert 0 < once.prior("switch") < 0.2
    assert -0.2 < once.prior("host") < 0
    right = [lesson for _ in range(20) for lesson in root_confirmed("tor-3a", "switch")]
    wrong = [lesson for _ in range(20) for lesson in root_refuted("lonely", "printer", "switch")]
    found = experience(*right, *wrong)
    share = 3 / len(rack_estate())
    assert exp(found.prior("switch")) == pytest.approx((20 + PRIOR_STRENGTH) / (20 * share + PRIOR_STRENGTH))
    assert found.prior("printer") < -1
    assert (found.confirmed("switch"), found.confirmed_ci("tor-3a")) == (20, 20)
    assert (found.refuted("printer"), found.refuted_ci("lonely")) == (20, 20)
    assert found.corrections() == [("printer", "switch", 20)]
    assert found.roots() == ["lonely", "tor-3a"]


def test_a_type_that_is_not_known_is_not_counted() -> None:
    found = experience(*root_confirmed("gone", ""), *root_refuted("gone", "", "host"), *root_refuted("x", "host", ""))
    assert (found.confirmed_ci("gone"), found.refuted_ci("gone"), found.refuted("host")) == (1, 1, 1)
    assert (found.confirmed(""), found.refuted(""), found.corrections()) == (0, 0, [])


def test_names_of_any_length_make_keys_that_fit() -> None:
    name = "ü" * 5000
    found = experience(ended(name), heard(name), *root_refuted(name, name, name))
    assert (found.episodes(name), found.is_heard(name), found.refuted(name)) == (1, True, 1)
    assert ended("a\0b\ud800").key == "ab?"
    assert max(len(part) for one in found.lessons() for part in (one.key, one.field)) == LONGEST_KEY


def test_what_is_taken_back_after_the_table_was_emptied_claims_nothing() -> None:
    lessons = [
        ended("A"),
        ended_alone("A", timedelta(0)),
        *root_confirmed("a", "host"),
        *root_refuted("b", "host", "x"),
    ]
    found = experience(*(one for _ in range(9) for one in taken_back(lessons)))
    assert (found.episodes("A"), found.lone("A"), found.noise("A"), found.lone_for("A")) == (0, 0, 0.5, None)
    assert (found.confirmed("host"), found.refuted("host"), found.prior("host")) == (0, 0, 0.0)
    assert not found.is_heard("a")


def test_lessons_of_one_counter_are_summed_and_can_be_taken_back() -> None:
    lessons = [ended("B"), ended("A"), ended("B")]
    assert summed(lessons) == (Lesson("alert", "A", "episodes", 1), Lesson("alert", "B", "episodes", 2))
    assert summed([*lessons, *taken_back(lessons)]) == ()
    found = experience(*lessons, *taken_back(lessons))
    assert found.lessons() == ()
