"""What `rules.yaml` says about the record of incidents, and every mistake in it."""

from datetime import timedelta
from pathlib import Path

import pytest

from rules.incident import Priority
from rules.policy import CATEGORIES
from rules.resolution import Ask
from tests.unit.test_config import Site

MAIL = """\
rules: rules.yaml
notifiers:
  - {name: mail, type: email, host: mx.example.net, from: a@example.net, to: b@example.net}
  - {name: hook, type: webhook, url: "http://127.0.0.1:9999/hook"}
"""


@pytest.fixture
def site(tmp_path: Path) -> Site:
    return Site(tmp_path)


def problems(site: Site, rules: str) -> list[str]:
    return [p.removeprefix(f"{site.directory}/rules.yaml:") for p in site.problems(MAIL, rules_yaml=rules)]


def test_everything_is_read(site: Site) -> None:
    policy = site.load(
        MAIL,
        rules_yaml="""\
categories: [network, till]
resolution_codes: {mended: it was mended, recovered: by itself}
satisfaction: {ask: contact, via: mail, expires: 7d}
templates:
  - name: till
    when: {alert: TillDown, service: [shop]}
    title: "{ci} is off"
    category: till
    priority: P2
    group: shop
    steps: [Look, Tell]
    steps_required: true
  - {name: plain}
""",
    ).policy
    assert policy.categories == ("network", "till")
    assert list(policy.resolution_codes) == ["mended", "recovered"]
    assert (policy.satisfaction.ask, policy.satisfaction.via) == (Ask.CONTACT, "mail")
    assert policy.satisfaction.lasts == timedelta(days=7)
    till, plain = policy.templates
    assert (till.alerts, till.services, till.ci_types) == (frozenset({"TillDown"}), frozenset({"shop"}), frozenset())
    assert (till.priority, till.steps, till.steps_required) == (Priority.P2, ("Look", "Tell"), True)
    assert not plain.is_by_rule


def test_without_rules_there_are_defaults(site: Site) -> None:
    policy = site.load("log: {level: info}").policy
    assert policy.categories == CATEGORIES
    assert next(iter(policy.resolution_codes)) == "fixed"
    assert policy.templates == ()


@pytest.mark.parametrize(
    ("rules", "expected"),
    [
        ("categories: []", "1: categories"),
        ("resolution_codes: {fixed: mended}", "1: resolution_codes has no recovered"),
        ("satisfaction: {via: hook}", "1: via: hook cannot send mail to a contact; allowed: a notifier of type email"),
        ("satisfaction: {via: mial}", '1: via: there is no notifier "mial"; did you mean "mail"?'),
        ("satisfaction: {expires: 1s}", "1: expires: is out of range; allowed: 1h to 90d"),
        ("templates:\n  - {name: a}\n  - {name: a}", '3: the name "a" is taken; allowed: each name once'),
        ("templates:\n  - {name: a, steps_required: true}", "2: steps_required stands without steps"),
        ("templates:\n  - {name: a, category: netwrk}", '2: category: there is no category "netwrk"; did you mean'),
        ('templates:\n  - {name: a, title: "{cj}"}', "2: title: there is no {cj}; allowed: {number}, {ci}"),
        ("templates:\n  - {name: a, tilte: b}", '2: unknown key "tilte"; did you mean "title"?'),
        ("templates: {name: a}", "1: templates must be a list"),
    ],
)
def test_every_mistake_has_its_line(site: Site, rules: str, expected: str) -> None:
    (found,) = problems(site, rules)
    assert found.startswith(expected)
