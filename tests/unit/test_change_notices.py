"""Who hears of a change, when, and in which words, told as stories."""

from datetime import timedelta

import msgspec
import pytest

from notifiers.render import Renderer
from rules.decision import Notice, RecordVerb
from rules.document import NoticeContent
from rules.policy import Policy
from rules.record import Change, Given, Kind
from rules.subscriptions import Subscription, When
from tests import rosters
from tests.builders import T0, at
from tests.clerk import Clerk
from tests.desk import Desk


def scheduled(clerk: Clerk, *, begin: float = 600, end: float = 1200) -> str:
    key = clerk.change("tor-3a", begin=begin, end=end)
    clerk.step(key, "approve")
    return key


def wait(clerk: Clerk, seconds: float) -> None:
    """Let time pass, with a cycle every minute and a restart in the middle."""
    for _ in range(int(seconds // 60)):
        clerk.desk.wait(60)
        clerk.desk.decide()
        clerk.desk.restart()


def reasons(clerk: Clerk) -> list[str]:
    return [n.reason for n in clerk.desk.notices]


def text_of(notice: Notice) -> str:
    message = Renderer().render(msgspec.json.decode(notice.content, type=NoticeContent), sent_at=T0)
    assert message.fault == ""
    return f"{message.subject}\n{message.text}"


def test_each_step_of_a_change_is_told_once(clerk: Clerk) -> None:
    clerk.change("tor-3a", begin=600, end=1200)
    assert clerk.desk.told() == []
    clerk.step("CHG-1", "approve")
    wait(clerk, 1800)
    assert clerk.desk.told() == ["change_scheduled", "change_started", "change_ended"]
    assert reasons(clerk) == [
        "anna has approved it",
        "its time has begun",
        "its time is over; nobody has said how it went",
    ]
    change = clerk.record("CHG-1")
    assert isinstance(change, Change)
    assert [(t.event, t.key) for t in change.told] == [(n.event, n.key) for n in clerk.desk.notices]
    assert {(n.incident, n.subject, n.about) for n in clerk.desk.notices} == {(None, "CHG-1", "CHG-1")}
    assert len({n.key for n in clerk.desk.notices}) == 3
    clerk.step("CHG-1", "complete")
    assert len(clerk.desk.notices) == 3
    assert "telling noc: change_started, its time has begun" in clerk.history("CHG-1")


def test_a_notice_says_what_when_what_is_hit_and_how_sure(clerk: Clerk) -> None:
    clerk.change("tor-1b", begin=0, end=9000)
    scheduled(clerk)
    change = clerk.order(Kind.CHANGE, RecordVerb.EDIT, number=2, given=Given(cis=("tor-1a",)))
    assert change.done
    clerk.step("CHG-2", "approve")
    text = text_of(clerk.desk.notices[-1])
    assert text.startswith("[change] CHG-2 switch firmware\nA change is scheduled: CHG-2 switch firmware\n")
    assert "When:   2026-11-24 08:10:00 UTC to 2026-11-24 08:20:00 UTC (10 min)\nOn:     tor-1a\n" in text
    assert "Hit:    Down: Search.\nRisk:   high: Search, which is critical, would be down\n" in text
    assert (
        "Sure:   as sure as the CMDB: worked out from its dependencies, with what CHG-1 takes away at that time" in text
    )
    assert "- host-11 would be down: without tor-1b (CHG-1) it has no redundancy left" in text


def test_a_move_is_told_at_once_and_the_new_approval_too(clerk: Clerk) -> None:
    scheduled(clerk)
    clerk.order(Kind.CHANGE, RecordVerb.EDIT, number=1, given=Given(starts_at=at(900)))
    clerk.step("CHG-1", "approve")
    wait(clerk, 900)
    clerk.step("CHG-1", "start")
    clerk.order(Kind.CHANGE, RecordVerb.EDIT, number=1, given=Given(ends_at=at(2400)))
    clerk.step("CHG-1", "complete", "all well")
    assert clerk.desk.told() == [
        "change_scheduled",
        "change_moved",
        "change_scheduled",
        "change_started",
        "change_moved",
        "change_ended",
    ]
    was = "it was to be from 2026-11-24 08:10 to 2026-11-24 08:20 UTC"
    assert reasons(clerk)[1] == f"it is planned anew and needs approval again; {was}"
    assert reasons(clerk)[-1] == "it is done: all well"
    assert "Hit:" not in text_of(clerk.desk.notices[-1])


@pytest.mark.parametrize(
    ("steps", "told"),
    [
        (("approve", "cancel"), ["change_scheduled", "change_cancelled"]),
        (("approve", "start", "fail"), ["change_scheduled", "change_started", "change_ended"]),
        (("cancel",), []),
        (("reject",), []),
    ],
)
def test_who_heard_of_it_hears_how_it_ends_and_nobody_else(
    clerk: Clerk, steps: tuple[str, ...], told: list[str]
) -> None:
    clerk.change("tor-3a", begin=600, end=1200)
    for step in steps:
        clerk.step("CHG-1", step, "the parts are late")
    assert clerk.desk.told() == told
    if told:
        assert reasons(clerk)[-1].endswith(": the parts are late")


def test_a_failure_after_the_window_is_news(clerk: Clerk) -> None:
    scheduled(clerk)
    wait(clerk, 1800)
    clerk.step("CHG-1", "fail", "rolled back")
    assert reasons(clerk)[-2:] == ["its time is over; nobody has said how it went", "it has failed: rolled back"]


def test_a_deployment_that_nobody_approved_is_told_to_nobody(clerk: Clerk) -> None:
    clerk.change("tor-3a", begin=-60, end=0, status="in_progress")
    clerk.step("CHG-1", "complete")
    assert clerk.desk.notices == []


@pytest.mark.parametrize(
    ("when", "told"),
    [
        (When(), ["change_scheduled", "change_started", "change_ended"]),
        (When(priority=frozenset({"P1"})), []),
        (When(priority=frozenset({"P1"}), event=frozenset({"change_started"})), ["change_started", "change_ended"]),
        (When(event=frozenset({"opened"})), []),
        (When(group=frozenset({"compute"})), ["change_scheduled", "change_started", "change_ended"]),
        (When(group=frozenset({"network"})), []),
        (When(service=frozenset({"checkout"})), ["change_scheduled", "change_started", "change_ended"]),
        (When(service=frozenset({"search"})), []),
    ],
)
def test_who_is_told_follows_from_what_is_hit(when: When, told: list[str]) -> None:
    clerk = Clerk(Desk(told=()))
    clerk.desk.situation.subscriptions = (Subscription(to="noc", when=when),)
    clerk.change("host-1", begin=600, end=1200)
    clerk.step("CHG-1", "approve")
    wait(clerk, 1800)
    assert clerk.desk.told() == told


def test_the_lead_of_the_group_that_is_hit_is_told_in_person() -> None:
    clerk = Clerk(Desk(policy=rosters.policy(), told=()))
    clerk.change("host-1", begin=600, end=1200)
    clerk.step("CHG-1", "approve")
    wait(clerk, 1800)
    assert [(n.to, n.person, n.event) for n in clerk.desk.notices] == [
        ("mail", "zoe", event) for event in ("change_scheduled", "change_started", "change_ended")
    ]
    assert b'"address":"zoe@x.net"' in clerk.desk.notices[0].content


def test_a_group_that_nobody_is_told_for_is_on_the_history() -> None:
    clerk = Clerk(Desk(policy=Policy(), told=()))
    clerk.change("host-1", begin=600, end=1200)
    clerk.step("CHG-1", "approve")
    why = "no entry of `notify` wants it, and the group has nobody with a contact"
    assert clerk.history("CHG-1")[-1] == f"nobody is told for compute: {why}"


def test_what_was_approved_too_late_is_not_told_as_ahead(clerk: Clerk) -> None:
    clerk.change("tor-3a", begin=-1200, end=-600)
    clerk.step("CHG-1", "approve")
    clerk.change("tor-3a", begin=-60, end=600)
    clerk.step("CHG-2", "approve")
    assert [(n.subject, n.event) for n in clerk.desk.notices] == [("CHG-2", "change_started")]
    assert clerk.desk.now + timedelta(seconds=600) == at(600)
