"""Calendars and service levels as their owner writes them."""

from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest

from daemon.config.config import Config
from daemon.config.load import load_config
from daemon.errors import ConfigError
from rules.calendar import ALWAYS, due, is_working
from rules.clock import Agreement
from rules.incident import Priority
from rules.service_level import STANDARD

EXAMPLE = Path(__file__).parents[2] / "examples" / "rules.yaml"
TARGETS = "targets: {P1: {response: 15m}}"


def load(directory: Path, rules: str) -> Config:
    (directory / "rules.yaml").write_text(rules, encoding="utf-8")
    path = directory / "incidentd.yaml"
    path.write_text("rules: rules.yaml\n", encoding="utf-8")
    return load_config(path, environ={})


def problems(directory: Path, rules: str) -> list[str]:
    with pytest.raises(ConfigError) as caught:
        load(directory, rules)
    return [f"{p.line}: {p.what}; {p.allowed}" for p in caught.value.problems]


def test_the_example_loads(tmp_path: Path) -> None:
    policy = load(tmp_path, EXAMPLE.read_text(encoding="utf-8")).policy
    office = policy.calendar("office")
    assert [level.name for level in policy.service_levels] == ["payments", "usual", "network-team"]
    assert policy.service_levels[1].targets[Priority.P1].calendar is ALWAYS
    assert policy.service_levels[1].targets[Priority.P3].calendar == office
    assert policy.service_levels[2].agreement is Agreement.OLA
    assert not is_working(office, datetime(2026, 1, 6, 10, 0, tzinfo=UTC)), "Epiphany is kept in Bavaria"
    assert is_working(office, datetime(2026, 1, 7, 10, 0, tzinfo=UTC))
    assert not is_working(office, datetime(2026, 1, 7, 11, 30, tzinfo=UTC)), "half past twelve in Berlin: lunch"


def test_a_due_time_leaps_over_christmas(tmp_path: Path) -> None:
    office = load(tmp_path, EXAMPLE.read_text(encoding="utf-8")).policy.calendar("office")
    assert {date(2026, 12, day) for day in (24, 25, 26, 31)} <= office.closed
    before = datetime(2026, 12, 23, 15, 0, tzinfo=UTC)  # Wednesday, an hour before the end
    assert due(office, before, timedelta(hours=2)) == datetime(2026, 12, 28, 8, 0, tzinfo=UTC)


def test_without_service_levels_the_standard_one_holds(tmp_path: Path) -> None:
    assert load(tmp_path, "mapping: {labels: [ci]}").policy.service_levels == (STANDARD,)
    assert load(tmp_path, "service_levels:\n").policy.service_levels == (STANDARD,)
    assert load(tmp_path, "service_levels: []").policy.service_levels == ()


@pytest.mark.parametrize(
    ("words", "days"),
    [
        ("mon", {0}),
        ("Sunday", {6}),
        ("mon-fri", {0, 1, 2, 3, 4}),
        ("sat-mon", {5, 6, 0}),
        ("tuesday-wed", {1, 2}),
    ],
)
def test_hours_are_given_by_weekday(tmp_path: Path, words: str, days: set[int]) -> None:
    text = f'calendars: [{{name: a, hours: {{{words}: ["08:00-12:00", "22:00-06:00", "00:00-24:00"]}}}}]'
    hours = load(tmp_path, text).policy.calendars[0].hours
    assert {day for day, spans in enumerate(hours) if spans} == days
    assert hours[min(days)] == ((480, 720), (1320, 1800), (0, 1440))


@pytest.mark.parametrize(
    ("calendar", "problem"),
    [
        ("hours: {mon: 8-17}", '1: "8-17" is not working hours; allowed: as in 08:00-17:00'),
        ("hours: {mon: 24:00-24:00}", '1: "24:00-24:00" leaves the day; allowed: 00:00 to 24:00'),
        ("hours: {mon: []}", "1: hours holds no working time; allowed: as in 08:00-17:00"),
        ("hours: {mo: 08:00-17:00}", '1: "mo" is no day of the week; allowed: mon to sun'),
        ("hours: {mon-fri-sun: 08:00-17:00}", '1: "mon-fri-sun" is no day of the week; allowed: mon to sun'),
        ("hours: {}", "1: hours is empty; allowed: one or more"),
        (
            "houres: {}",
            '1: unknown key "houres"; did you mean "hours"?; allowed: name, time_zone, hours, holidays, closed',
        ),
        (
            "hours: {mon: 08:00-17:00}, time_zone: Berlin",
            '1: time_zone: "Berlin" is not a time zone that is known here',
        ),
        ("hours: {mon: 08:00-17:00}, holidays: [GX]", '1: holidays: no country "GX" is known; '),
        ("hours: {mon: 08:00-17:00}, holidays: DE-XX", '1: holidays: DE has no part "XX"; allowed: BB, BE'),
        ("hours: {mon: 08:00-17:00}, closed: [24.12.]", '1: closed: "24.12." is no date; allowed: as in 2026-12-24'),
    ],
)
def test_what_is_wrong_with_a_calendar(tmp_path: Path, calendar: str, problem: str) -> None:
    found = problems(tmp_path, f"calendars: [{{name: a, {calendar}}}]")
    assert any(p.startswith(problem) for p in found), found


@pytest.mark.parametrize(
    ("level", "problem"),
    [
        ("targets: {P9: {response: 1h}}", '1: targets: "P9" is no priority; allowed: P1, P2, P3, P4, P5'),
        ("targets: {P1: {answer: 1h}}", '1: unknown key "answer"; allowed: response, resolution, calendar'),
        ("targets: {P1: {response: 1 hour}}", '1: response: "1 hour" is not a length of time; allowed: a whole number'),
        ("targets: {P1: {response: 0s}}", "1: response is no time at all; allowed: more than 0s"),
        ("targets: {P1: {response: 15m, calendar: ofice}}", '1: calendar: there is no calendar "ofice"; did you mean'),
        (f"calendar: ofice, {TARGETS}", '1: calendar: there is no calendar "ofice"; did you mean "office"?'),
        (f"when: {{services: [x]}}, {TARGETS}", '1: unknown key "services"; did you mean "service"?'),
        (f"agreement: slo, {TARGETS}", '1: agreement: "slo" is not allowed; '),
        (f"warn_at: [0, 50], {TARGETS}", "1: warn_at is out of range; allowed: 1 or more"),
        (f"on_reopen: reset, {TARGETS}", '1: on_reopen: "reset" is not allowed; did you mean "restart"?'),
        ("targets: {P1: {resolution: 60d, calendar: office}}", "1: resolution takes more than ten years of calendar"),
        ("targets: {}", "1: targets is empty; allowed: one or more"),
    ],
)
def test_what_is_wrong_with_a_service_level(tmp_path: Path, level: str, problem: str) -> None:
    text = f"service_levels: [{{name: a, {level}}}]\ncalendars: [{{name: office, hours: {{mon: 08:00-10:00}}}}]"
    found = problems(tmp_path, text)
    assert any(p.startswith(problem) for p in found), found


def test_names_are_given_once(tmp_path: Path) -> None:
    hours = "hours: {mon: 08:00-09:00}"
    twice = f"calendars:\n- {{name: a, {hours}}}\n- {{name: a, {hours}}}\n- {{name: 24x7, {hours}}}\n"
    levels = f"service_levels:\n- {{name: b, {TARGETS}}}\n- {{name: b, {TARGETS}}}"
    assert problems(tmp_path, twice + levels) == [
        '3: the name "a" is taken; allowed: each name once, not 24x7',
        '4: the name "24x7" is taken; allowed: each name once, not 24x7',
        '7: the name "b" is taken; allowed: each name once',
    ]
