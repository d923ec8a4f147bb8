"""Who hears of what, as `notify`, `people` and `telling` say it, and what is wrong with it."""

import re
from datetime import timedelta
from pathlib import Path

import pytest

from daemon.config.config import Config
from daemon.config.load import load_config
from daemon.errors import ConfigError
from rules.subscriptions import Digest
from rules.telling import Manners
from tests.unit.test_config_oncall import CONFIG, ROOT

PEOPLE = """
people:
  - {id: mia, audience: manager, language: ru, services: [checkout], quiet: {mon-sun: "22:00-06:00"},
     contact: [{via: mail, to: mia@x.net}],
     notify: [{when: {ci: db}, via: mail, digest: ["17:00", "08:00"]}]}
  - {id: niko, contact: [{via: pager, to: niko}, {via: mail, to: niko@x.net}]}
groups: [{name: network, members: [niko]}]
"""


def load(directory: Path, rules: str) -> Config:
    (directory / "incidentd.yaml").write_text(CONFIG, encoding="utf-8")
    (directory / "rules.yaml").write_text(rules, encoding="utf-8")
    return load_config(directory / "incidentd.yaml", environ={})


def test_people_and_entries_become_subscriptions(tmp_path: Path) -> None:
    entries = """
notify:
  - {to: [mail, pager]}
  - {name: managers, role: manager, audience: customer, when: {priority: P1, event: [opened, root_changed], under: sw}}
  - {person: niko, group: network, via: [mail, pager], when: {hours: {mon-fri: "08:00-18:00"}, category: network}}
  - {to: pager, batch: true}
"""
    config = load(tmp_path, PEOPLE + entries)
    mail, pager, managers, niko, summed, own = config.notify
    assert (mail.to, mail.batches, pager.to, pager.batches, summed.batches) == ("mail", True, "pager", False, True)
    assert (managers.name, managers.roles, managers.audience) == ("managers", frozenset({"manager"}), "customer")
    assert (managers.when.event, managers.when.under) == (frozenset({"opened", "root_changed"}), frozenset({"sw"}))
    assert (niko.name, niko.people, niko.groups) == ("entry 3 of notify", frozenset({"niko"}), frozenset({"network"}))
    assert (niko.via, niko.when.category) == (("mail", "pager"), frozenset({"network"}))
    assert niko.when.hours[0].words == "mon to fri from 08:00 to 18:00"
    assert (own.name, own.people, own.when.ci) == ("your own", frozenset({"mia"}), frozenset({"db"}))
    assert own.digest == Digest(minutes=(480, 1020))
    mia = config.policy.roster.people["mia"]
    assert (mia.audience, mia.language, mia.services) == ("manager", "ru", frozenset({"checkout"}))
    assert mia.quiet[0].words == "every day from 22:00 to 06:00"


def test_the_example_of_the_manual_loads(tmp_path: Path) -> None:
    text = (ROOT / "docs" / "configuration.md").read_text(encoding="utf-8")
    found = re.search(r"```yaml\n(notify:\n  - \{to: noc\}.*?)```", text, re.DOTALL)
    assert found is not None
    people = "people: [{id: niko, contact: [{via: pager}]}]\n"
    example = found[1].replace("noc", "pager").replace("chat", "pager")
    assert len(load(tmp_path, people + example).notify) == 4


def test_manners_keep_what_is_left_out(tmp_path: Path) -> None:
    rules = """
telling:
  {urgent: [P1, P2], gather: {operator: 5s}, burst: 9, summary_every: 1m, call_again: 2m,
   limit: {messages: 3, within: 1h}, updates: {P2: 1h}}
"""
    minute = timedelta(minutes=1)
    manners = load(tmp_path, rules).policy.manners
    assert (manners.urgent, manners.burst) == (frozenset({"P1", "P2"}), 9)
    assert (manners.summary_every, manners.call_again) == (minute, 2 * minute)
    assert (manners.limit, manners.within) == (3, 60 * minute)
    assert dict(manners.gather) == {"operator": timedelta(seconds=5), "manager": minute, "customer": minute}
    assert dict(manners.updates) == {"P2": 60 * minute}
    assert load(tmp_path, "{}").policy.manners == Manners()


@pytest.mark.parametrize(
    ("entry", "problem"),
    [
        ("{}", "1: the entry tells nobody; allowed: to (notifiers), or person, group, role (people)"),
        (
            "{to: mail, role: manager}",
            "1: to and role exclude each other; allowed: to for a notifier's own recipients, via for people",
        ),
        ("{to: mail, via: pager}", "1: via is for people; allowed: beside person, group or role"),
        ("{person: mia, batch: true}", "1: batch is for notifiers; allowed: beside to; people always get summaries"),
        ("{person: mina}", '1: there is no person "mina"; did you mean "mia"?; allowed: mia, niko'),
        ("{role: boss}", '1: role: "boss" is not allowed; allowed: '),
        ("{to: mail, audience: boss}", '1: audience: "boss" is not allowed; allowed: '),
        ("{to: mail, digest: 25:00}", '1: digest: "25:00" is no time of day; allowed: 00:00 to 24:00, as in 08:30'),
        ("{to: mail, when: {event: exploded}}", '1: event: "exploded" is not allowed; allowed: '),
    ],
)
def test_what_is_wrong_is_said_with_its_line(tmp_path: Path, entry: str, problem: str) -> None:
    with pytest.raises(ConfigError) as caught:
        load(tmp_path, f"notify: [{entry}]" + PEOPLE)
    (found,) = [str(p).removeprefix(f"{tmp_path}/rules.yaml:") for p in caught.value.problems]
    assert found.startswith(problem)


def test_a_person_is_told_only_by_notifiers_that_there_are(tmp_path: Path) -> None:
    with pytest.raises(ConfigError) as caught:
        load(tmp_path, PEOPLE.replace("via: mail, digest", "via: male, digest"))
    assert 'there is no notifier "male"; did you mean "mail"?' in str(caught.value.problems[0])
