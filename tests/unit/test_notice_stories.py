"""The stories of docs/notices.md, as the daemon decides them over the lab's data centre."""

import re
from pathlib import Path

import pytest

from bench.notice_pictures import PICTURES, SHOTS, message_of
from bench.notice_stories import Story, lab_config, stories, told
from daemon.config.config import Config
from daemon.lab.estate import lab_cis

ROOT = Path(__file__).parents[2]
INNER = [ci.id for ci in lab_cis() if ci.type != "business-service"] + [a for ci in lab_cis() for a in ci.aliases]


@pytest.fixture(scope="module")
def config(tmp_path_factory: pytest.TempPathFactory) -> Config:
    """The lab's, with readers of every kind."""
    return lab_config(tmp_path_factory.mktemp("lab"))


@pytest.fixture(scope="module")
def played(config: Config, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Story]:
    """The three stories."""
    return stories(config, lab_config(tmp_path_factory.mktemp("calm"), is_calm=True))


def test_every_picture_shows_a_notice_that_was_really_sent(config: Config, played: dict[str, Story]) -> None:
    text = (ROOT / "docs" / "notices.md").read_text(encoding="utf-8")
    for shot in SHOTS:
        message = message_of(config, told(played[shot.story], shot.to, shot.event))
        assert message.fault == ""
        assert (PICTURES / f"notice-{shot.name}.png").stat().st_size < 150_000
        assert f"(img/notice-{shot.name}.png)" in text


def test_people_of_the_business_read_no_name_of_the_machine_room(config: Config, played: dict[str, Story]) -> None:
    contents = [c for story in played.values() for _, c in story.notices if c.audience != "operator"]
    assert {c.event for c in contents} >= {"opened", "acknowledged", "resolution_breached", "resolved", "summary"}
    inner = re.compile(r"(?<![\w-])(" + "|".join(map(re.escape, INNER)) + r")(?![\w-])")
    for content in contents:
        message = message_of(config, content)
        shown = "\n".join((message.subject, message.brief, message.text, re.sub(r"<[^>]*>", "", message.html)))
        assert inner.findall(shown) == []


def test_a_manager_is_told_of_two_services_that_are_down(config: Config, played: dict[str, Story]) -> None:
    message = message_of(config, told(played["switch"], "ruth", "acknowledged"))
    assert message.subject == "[In work] Checkout and Payments are down (INC-1)"
    assert "What is done: Nadia Brandt (network) is working on it.\n" in message.text
    assert "Promised:     solved by 08:30 UTC, 28 min left\n" in message.text
    assert "Next word:    By 08:32 UTC at the latest, and at once when it is solved.\n" in message.text


def test_lost_redundancy_is_told_as_a_risk(config: Config, played: dict[str, Story]) -> None:
    message = message_of(config, told(played["database"], "ruth", "opened"))
    assert message.text.startswith("Medium. New risk: nothing is down yet: Checkout and Payments are at risk\n")


def test_a_storm_is_one_notice(config: Config, played: dict[str, Story]) -> None:
    said = told(played["storm"], "ruth", "summary")
    assert said.summary is not None
    assert said.summary.total >= 5
    assert message_of(config, said).subject.startswith("[Summary] Checkout, ")
