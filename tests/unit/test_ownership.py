"""Whose an incident is, and what those may do with it who only report."""

from dataclasses import replace
from datetime import timedelta

import pytest

from rules.decision import Asker, Command, Recalled, Reply, ReportOrder, Verb
from rules.incident import Status
from rules.ownership import OWN_VERBS, is_own
from rules.policy import Policy
from rules.report import Contact, Report
from rules.roster import Roster
from tests.builders import incident
from tests.desk import Desk
from tests.rosters import person

ROSTER = Roster(people={"carla": person("carla")})  # her address is carla@x.net


@pytest.mark.parametrize(
    ("registered_by", "mail", "who", "own"),
    [
        ("carla", "", "carla", True),
        ("carla", "", "Carla ", True),
        ("anna", "carla@X.net", "carla", True),
        ("anna", "dora@x.net", "Dora@x.net", True),
        ("", "carla@x.net", "carla", True),
        ("anna", "dora@x.net", "carla", False),
        ("anna", "", "carla", False),
        ("anna", "dora@x.net", "dora", False),
        ("anna", "carla", "carla", False),
        ("", "", "", False),
        ("carlaa", "", "carla", False),
    ],
)
def test_an_incident_is_of_who_registered_it_or_is_its_contact(
    registered_by: str, mail: str, who: str, own: bool
) -> None:
    record = incident(1, registered_by=registered_by, contact=Contact(mail=mail, name="carla"))
    assert is_own(record, who, ROSTER) is own


@pytest.fixture
def desk() -> Desk:
    """Carla has reported one incident, which is resolved, anna another."""
    there = Desk(policy=replace(Policy(), close_after=timedelta(hours=3)))
    for number, who in ((1, "carla"), (2, "anna")):
        there.decide(ReportOrder(id=f"r{number}", at=there.now, actor=who, report=Report(title="Nobody can pay")))
        there.ask(Verb.RESOLVE, number, "mended")
    return there


def give(desk: Desk, verb: Verb, number: int = 1, asker: Asker = Asker.REPORTER, who: str = "carla") -> Reply:
    order = Command(id="c", at=desk.now, actor=who, verb=verb, number=number, value="x", asker=asker)
    # As the daemon does where it was settled long ago.
    (reply,) = desk.decide(Recalled(incidents=(desk.incidents[number],)), order).replies
    return reply


@pytest.mark.parametrize("verb", sorted(OWN_VERBS))
def test_a_reporter_may_do_it_to_their_own_incident_only(desk: Desk, verb: Verb) -> None:
    before = desk.incidents[2]
    refused = give(desk, verb, 2)
    assert (refused.done, refused.forbidden) == (False, True)
    assert "INC-2 is not carla's" in refused.message
    assert desk.incidents[2] == before
    assert give(desk, verb, 1).done


@pytest.mark.parametrize("asker", [Asker.REPORTER, Asker.CONTACT])
@pytest.mark.parametrize("verb", sorted(set(Verb) - OWN_VERBS))
def test_nothing_else_is_theirs_to_do(desk: Desk, verb: Verb, asker: Asker) -> None:
    reply = give(desk, verb, asker=asker)
    assert (reply.done, reply.forbidden) == (False, True)


def test_what_a_reporter_may_do_still_goes_by_the_lifecycle(desk: Desk) -> None:
    assert give(desk, Verb.REOPEN).done
    refused = give(desk, Verb.CLOSE)
    assert (refused.done, refused.forbidden) == (False, False)
    assert "cannot close" in refused.message


@pytest.mark.parametrize("closed", [False, True])
def test_a_resolution_may_be_objected_to_until_it_would_close_by_itself(desk: Desk, closed: bool) -> None:
    if closed:
        desk.ask(Verb.CLOSE, 1)
    desk.wait(3 * 3600 - 1)
    assert give(desk, Verb.REOPEN).done
    desk.ask(Verb.RESOLVE, 1, "mended again")
    desk.ask(Verb.CLOSE, 1)
    desk.wait(3 * 3600)
    late = give(desk, Verb.REOPEN)
    assert (late.done, late.forbidden) == (False, False)
    assert "was resolved more than 3 h ago" in late.message
    assert give(desk, Verb.REOPEN, asker=Asker.STAFF, who="anna").done


def test_what_nobody_objects_to_closes_by_itself_and_says_so(desk: Desk) -> None:
    desk.wait(3 * 3600 - 1)
    desk.decide()
    assert desk.incidents[1].status is Status.RESOLVED
    desk.restart()
    desk.wait(1)
    desk.decide()
    assert desk.incidents[1].status is Status.CLOSED
    assert desk.history()[-1] == "closed: nobody objected to its resolution"
