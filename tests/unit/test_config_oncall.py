"""People, groups, routes, schedules and escalations of `rules.yaml`: what they mean, each mistake with its line."""

import re
from datetime import timedelta
from pathlib import Path

import pytest

from daemon.config.load import load_config
from daemon.errors import ConfigError
from rules.policy import Policy
from rules.roster import Contact, Kind, Roster
from rules.rotation import on_call
from rules.wallclock import Hours
from tests.builders import T0

ROOT = Path(__file__).parents[2]
CONFIG = """\
rules: rules.yaml
notifiers:
  - {name: mail, type: email, host: mail.x.net, from: i@x.net, to: [noc@x.net]}
  - {name: pager, type: webhook, url: "http://127.0.0.1:9/hook"}
"""


def manual() -> str:
    """The example of the manual."""
    text = (ROOT / "docs" / "oncall.md").read_text(encoding="utf-8")
    found = re.search(r"```yaml\n(.*?)```", text, re.DOTALL)
    assert found is not None
    return found[1]


def load(directory: Path, rules: str) -> Roster:
    return load_policy(directory, rules).roster


def load_policy(directory: Path, rules: str) -> Policy:
    (directory / "incidentd.yaml").write_text(CONFIG, encoding="utf-8")
    (directory / "rules.yaml").write_text(rules, encoding="utf-8")
    return load_config(directory / "incidentd.yaml", environ={}).policy


def problems(directory: Path, rules: str) -> list[str]:
    with pytest.raises(ConfigError) as caught:
        load(directory, rules)
    return [str(p).removeprefix(f"{directory}/rules.yaml:") for p in caught.value.problems]


def test_the_example_of_the_manual_means_what_it_says(tmp_path: Path) -> None:
    roster = load(tmp_path, manual())
    anna, ben = roster.people["anna"], roster.people["ben"]
    assert anna.contacts == (
        Contact(via="mail", address="anna@example.net"),
        Contact(via="pager", address="+49 30 1234"),
    )
    assert (anna.zone.key, anna.manager, anna.department) == ("Europe/Berlin", "olga", "IT operations")
    assert (ben.kind, ben.organisation) == (Kind.CONTRACTOR, "Roth GmbH")
    assert roster.groups["dba"].members == ("anna", "ben")
    assert on_call(roster.schedules["dba"], (), T0) == ("ben",)
    assert [r.group for r in roster.routes] == ["dba"]
    first, second, third, warned, broken = roster.escalations["default"].steps
    assert (warned.on, warned.share, warned.lead) == ("resolution_warning", 0.8, True)
    assert (broken.on, broken.share, broken.manager) == ("resolution_breached", 0, True)
    assert (first.on_call, first.after) == (True, timedelta())
    assert (second.groups, second.after) == (("dba",), timedelta(minutes=10))
    assert second.hours[0].words == "every day from 08:00 to 20:00"
    assert (third.manager, third.priorities) == (True, frozenset({"P1", "P2"}))


def test_without_rules_there_is_nobody(tmp_path: Path) -> None:
    (tmp_path / "incidentd.yaml").write_text("{}", encoding="utf-8")
    assert not load_config(tmp_path / "incidentd.yaml", environ={}).policy.roster


LAYER = "schedules:\n  - name: s\n    layers:\n      - {name: a, people: [[p, q], p], from: 2026-11-02, %s}\n"
PEOPLE = "people: [{id: p}, {id: q}]\n"
ON = PEOPLE + "escalation: [{name: e, steps: [{person: p, %s}]}]\n"


@pytest.mark.parametrize(
    ("turn", "length"),
    [("turn: daily", 24), ("turn: weekly", 168), ("turn: 12h", 12), ("turn: 3d", 72), ("hand_over: 9:30", 168)],
)
def test_turns_have_words_and_lengths(tmp_path: Path, turn: str, length: int) -> None:
    (layer,) = load(tmp_path, PEOPLE + LAYER % turn).schedules["s"].layers
    assert layer.turn == timedelta(hours=length)
    assert layer.teams == (("p", "q"), ("p",))


def test_a_step_on_a_breach_may_hand_over_at_once(tmp_path: Path) -> None:
    rules = "groups: [{name: g}]\nescalation: [{name: e, steps: [{hand_to: g, on: response_breached}]}]"
    (step,) = load(tmp_path, rules).escalations["e"].steps
    assert (step.hand_to, step.on, step.after) == ("g", "response_breached", timedelta())


def test_days_may_be_a_word_for_several(tmp_path: Path) -> None:
    text = LAYER % "hours: [{days: weekdays, from: 8:00, to: 24:00}, {days: [weekend, fri]}]"
    (layer,) = load(tmp_path, PEOPLE + text).schedules["s"].layers
    assert [h.words for h in layer.hours] == ["mon to fri from 08:00 to 00:00", "fri to sun"]
    assert layer.hours[1] == Hours(days=frozenset({4, 5, 6}))


@pytest.mark.parametrize(
    ("by_weekday", "spans"),
    [
        ("{mon-fri: 08:00-18:00}", "[{days: weekdays, from: 08:00, to: 18:00}]"),
        ("{weekend: 22:00-06:00}", "[{days: [Saturday, sun], from: 22:00, to: 06:00}]"),
        ("{fri-mon: 0:00-24:00}", "[{days: fri-mon}]"),
        (
            '{mon: ["08:00-12:00", "13:00-17:00"]}',
            "[{days: mon, from: 8:00, to: 12:00}, {days: mon, from: 13:00, to: 17:00}]",
        ),
    ],
)
def test_hours_mean_the_same_in_both_notations_wherever_they_stand(tmp_path: Path, by_weekday: str, spans: str) -> None:
    found = []
    for hours in (by_weekday, spans):
        rules = f"""
calendars: [{{name: c, hours: {hours}}}]
people: [{{id: p}}]
groups: [{{name: g}}]
routing: [{{group: g, when: {{hours: {hours}}}}}]
schedules: [{{name: s, layers: [{{name: a, people: [p], from: 2026-11-02, hours: {hours}}}]}}]
escalation: [{{name: e, steps: [{{person: p, when: {{hours: {hours}}}}}]}}]
"""
        policy = load_policy(tmp_path, rules)
        roster = policy.roster
        (step,), (layer,), (route,) = roster.escalations["e"].steps, roster.schedules["s"].layers, roster.routes
        assert step.hours == layer.hours == route.hours
        found.append((step.hours, policy.calendars[0].hours))
    assert found[0] == found[1]
    assert found[0][0]


@pytest.mark.parametrize(
    ("rules", "says"),
    [
        ("people: [{id: p, nmae: x}]", '1: unknown key "nmae"; did you mean "name"?'),
        ("people:\n  - {id: p}\n  - {id: p}", '3: the id "p" is taken; it stands first on line 2'),
        ("people: [{id: contact}]", "1: id: contact means whoever reported an incident; allowed: another short name"),
        ("people: [{id: p, time_zone: Berlin}]", '1: time_zone: "Berlin" is not a time zone'),
        ("people: [{id: p, manager: q}]", '1: there is no person "q"'),
        ("people: [{id: p, contact: [{via: mial}]}]", '1: there is no notifier "mial"; did you mean "mail"?'),
        ("people: [{id: p, contact: [{via: mail, to: nowhere}]}]", '1: to: "nowhere" is not a mail address'),
        ("groups: [{name: g, members: [p]}]", '1: there is no person "p"; rules.yaml has no persons'),
        ("groups: [{name: g, schedule: s}]", '1: there is no schedule "s"'),
        ("groups: [{name: g, escalation: e}]", '1: there is no escalation "e"'),
        ("routing: [{group: g}]", '1: there is no group "g"'),
        ("routing: [{group: g, when: {prio: P1}}]\ngroups: [{name: g}]", '1: unknown key "prio"'),
        (LAYER % "turn: 30m", "4: turn: is out of range; allowed: daily, weekly, or whole hours and days"),
        (LAYER % "hand_over: 8", '4: hand_over: "8" is no time of day; allowed: 00:00 to 24:00'),
        (
            LAYER % "hours: [{days: [mo]}]",
            '4: days: "mo" is no day of the week; allowed: mon to sun, several as in mon-fri',
        ),
        (LAYER % "hours: {mo: 08:00-17:00}", '4: "mo" is no day of the week; allowed: mon to sun'),
        (LAYER % "hours: {mon: 8-17}", '4: "8-17" is not working hours; allowed: as in 08:00-17:00'),
        (LAYER % "hours: {mon: {}}", '4: "{}" is not working hours'),
        (LAYER % "hours: always", "4: hours must be a list"),
        ("schedules: [{name: s, layers: [{name: a, people: [p], from: soon}]}]", '1: from: "soon" is no day'),
        (PEOPLE + "escalation: [{name: e, steps: []}]", "2: steps is empty"),
        (
            PEOPLE + "escalation: [{name: e, steps: [{after: 1m}]}]",
            "2: the step reaches nobody; allowed: person, group",
        ),
        (PEOPLE + "escalation: [{name: e, steps: [{person: x}]}]", '2: there is no person "x"'),
        (
            "groups: [{name: g}]\nescalation: [{name: e, steps: [{hand_to: g}]}]",
            "2: after is out of range beside hand_to",
        ),
        (
            "groups: [{name: g}]\nescalation: [{name: e, steps: [{hand_to: g, lead: true, after: 5m}]}]",
            "2: a step either calls people or hands the incident over",
        ),
        (
            PEOPLE + "escalation: [{name: e, repeat: 1, repeat_after: 1s, steps: [{person: p}]}]",
            "2: repeat_after is out of range; allowed: 1m to 7d",
        ),
        (
            ON % "on: resolution_breach",
            '2: on: "resolution_breach" is not allowed; did you mean "resolution_breached"?',
        ),
        (ON % "share: 50", "2: share means a warning; allowed: beside on: response_warning or resolution_warning"),
        (ON % "on: response_breached, share: 50", "2: share means a warning"),
        (ON % "on: response_warning, share: 70", "2: share: nobody is warned at 70 %; allowed: 50, 80"),
        (ON % "on: response_warning" + "service_levels: []", "2: on: nothing is promised, so it never happens"),
        ("people: {id: p}", "1: people must be a list"),
    ],
)
def test_a_mistake_is_named_with_its_line(tmp_path: Path, rules: str, says: str) -> None:
    assert any(line.startswith(says) for line in problems(tmp_path, rules))
