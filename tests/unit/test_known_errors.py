"""Known errors: which incidents they are of, and that people hear of it once."""

from typing import Any

import msgspec
import pytest

from notifiers.render import Renderer
from rules.decision import Command, RecordVerb, ReportOrder, Verb
from rules.document import NoticeContent
from rules.policy import Policy
from rules.record import Given, Kind
from rules.report import Contact, Report
from rules.resolution import Satisfaction
from tests.builders import T0, sighting
from tests.clerk import Clerk
from tests.desk import Desk, down


def known(clerk: Clerk, **given: Any) -> str:
    return clerk.create(Kind.PROBLEM, title="the switch reboots", workaround="power cycle it", **given)


@pytest.mark.parametrize(
    ("given", "why"),
    [
        ({"cis": ("tor-3a",)}, "root tor-3a"),
        ({"services": ("checkout",)}, "service checkout"),
        ({"alerts": ("HostDown", "Other")}, "alert HostDown"),
        ({"words": ("Checkout", "FAILED")}, "it says Checkout, FAILED"),
        ({"cis": ("tor-3a",), "alerts": ("HostDown",)}, "root tor-3a; alert HostDown"),
        ({"cis": ("tor-1a",)}, ""),
        ({"cis": ("tor-3a",), "alerts": ("Other",)}, ""),
        ({"words": ("checkout", "rain")}, ""),
        ({}, ""),
    ],
)
def test_known_errors_are_matched_by_all_that_is_given(clerk: Clerk, given: dict[str, Any], why: str) -> None:
    known(clerk, **given)
    clerk.desk.hear(*down("tor-3a", "host-1", "host-2"))
    assert [e.why for e in clerk.desk.incidents[1].known_errors] == ([why] if why else [])


def test_known_errors_are_matched_by_category(clerk: Clerk) -> None:
    known(clerk, categories=("network",))
    clerk.desk.hear(*down("tor-3a"))
    assert clerk.desk.incidents[1].known_errors == ()
    clerk.desk.decide(
        Command(id="s", at=clerk.desk.now, actor="anna", verb=Verb.SET, number=1, field="category", value="network")
    )
    assert [e.why for e in clerk.desk.incidents[1].known_errors] == ["category network"]
    labels = {"ci": "lonely", "category": "network", "severity": "critical"}
    clerk.desk.hear(*down("tor-3a"), sighting("HostDown", labels=labels))
    assert [e.why for e in clerk.desk.incidents[2].known_errors] == ["category network"]
    reply = clerk.order(Kind.PROBLEM, RecordVerb.EDIT, number=1, given=Given(categories=("netwrok",)))
    assert reply.message.startswith('category: "netwrok" is not known; did you mean "network"? allowed: ')


def test_whoever_reported_it_is_told_once_that_the_error_is_known() -> None:
    clerk = Clerk(Desk(policy=Policy(satisfaction=Satisfaction(via="mail")), told=()))
    report = Report(title="Nobody can pay", ci="tor-3a", contact=Contact(name="Carla", mail="carla@example.net"))
    clerk.desk.decide(ReportOrder(id="o", at=clerk.desk.now, actor="bert", report=report))
    known(clerk, cis=("tor-3a",))
    assert clerk.desk.told("mail") == []
    for _ in range(3):
        clerk.desk.wait(15)
        clerk.desk.decide()
    assert clerk.desk.told("mail") == ["known_error"]
    assert clerk.desk.notices[0].person == "contact"
    message = Renderer().render(msgspec.json.decode(clerk.desk.notices[0].content, type=NoticeContent), sent_at=T0)
    assert message.fault == ""
    assert message.text.startswith("Your report INC-1: The fault is known\nNobody can pay\n")
    assert "What helps:   power cycle it\n" in message.text
    assert "PRB-1" not in message.text + message.html
    clerk.desk.ask(Verb.RESOLVE, 1, "new switch")
    assert clerk.desk.told("mail") == ["known_error", "resolved"]


def test_people_are_told_once_that_the_error_is_known(clerk: Clerk) -> None:
    clerk.desk.hear(*down("tor-3a"))
    clerk.desk.wait(15)
    clerk.desk.decide()
    assert clerk.desk.told() == ["opened"]
    clerk.create(Kind.PROBLEM, 1, title="the switch reboots")
    assert clerk.desk.incidents[1].known_errors == ()
    assert clerk.step("PRB-1", "document", "power cycle it") == "PRB-1 is known error"
    (error,) = clerk.desk.incidents[1].known_errors
    assert (error.key, error.workaround, error.why) == ("PRB-1", "power cycle it", "linked to it")
    assert clerk.desk.told() == ["opened", "known_error"]
    assert "known error PRB-1 (linked to it); workaround: power cycle it" in clerk.history("INC-1")
    clerk.step("PRB-1", "document", "unplug it")
    assert clerk.desk.incidents[1].known_errors[0].workaround == "unplug it"
    clerk.step("PRB-1", "withdraw")
    assert clerk.desk.incidents[1].known_errors == ()
    clerk.step("PRB-1", "document")
    assert clerk.desk.told() == ["opened", "known_error"]


def test_a_first_notice_says_that_the_error_is_known(clerk: Clerk) -> None:
    known(clerk, cis=("tor-3a",))
    clerk.desk.hear(*down("tor-3a"))
    clerk.desk.wait(15)
    clerk.desk.decide()
    clerk.desk.wait(15)
    clerk.desk.decide()
    assert clerk.desk.told() == ["opened"]
    assert b"power cycle it" in clerk.desk.notices[0].content


# -- links that the daemon makes


def test_a_known_error_names_the_incidents_that_it_matches(clerk: Clerk) -> None:
    known(clerk, cis=("tor-3a",))
    clerk.desk.hear(*down("tor-3a"))
    assert clerk.links("INC-1") == [("of known error", "PRB-1")]
    assert clerk.links("PRB-1") == [("known error of", "INC-1")]
    assert clerk.desk.ask(Verb.UNLINK, 1, "PRB-1") == "INC-1 has no link to PRB-1 that can be undone"
    clerk.step("PRB-1", "withdraw")
    assert clerk.links("INC-1") == clerk.links("PRB-1") == []
    assert clerk.history("PRB-1")[-1] == "no longer known error of INC-1"
