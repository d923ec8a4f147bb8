"""Service requests, problems and changes beside incidents, told as stories."""

from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from rules.decision import Recalled, RecordOrder, RecordVerb, Verb
from rules.incident import Status
from rules.lesson import Lesson
from rules.matchers import parse_matchers
from rules.policy import Policy
from rules.record import Given, Kind, Problem, ServiceRequest, parse_key
from rules.record_lifecycles import LIFECYCLES
from rules.request_rule import RequestRule
from tests.builders import T0, at, incident, sighting
from tests.clerk import Clerk
from tests.desk import Desk, down

FAR = timedelta(days=3, seconds=1).total_seconds()


def test_records_made_from_an_incident_are_linked_both_ways(clerk: Clerk) -> None:
    clerk.desk.hear(*down("tor-3a"))
    made = [clerk.create(kind, 1) for kind in (Kind.REQUEST, Kind.PROBLEM)]
    made.append(clerk.change("tor-3a", end=60))
    clerk.order(Kind.CHANGE, RecordVerb.LINK, number=1, to="INC-1")
    assert made == ["REQ-1", "PRB-1", "CHG-1"]
    assert clerk.links("INC-1") == [("led to", "REQ-1"), ("caused by", "PRB-1"), ("led to", "CHG-1")]
    assert clerk.links("PRB-1") == [("cause of", "INC-1")]
    assert clerk.links("CHG-1") == [("comes from", "INC-1")]
    assert clerk.record("PRB-1").cis == ("tor-3a",)
    assert clerk.record("PRB-1").title == clerk.desk.incidents[1].title
    reply = clerk.order(Kind.PROBLEM, RecordVerb.UNLINK, number=1, to="INC-1")
    assert reply.done
    assert clerk.links("PRB-1") == []
    assert ("caused by", "PRB-1") not in clerk.links("INC-1")
    assert not clerk.order(Kind.PROBLEM, RecordVerb.UNLINK, number=1, to="INC-1").done


@pytest.mark.parametrize(
    ("kind", "fields", "why"),
    [
        (Kind.PROBLEM, {"given": Given()}, "needs a title"),
        (Kind.PROBLEM, {"given": Given(title="x"), "incidents": (9,)}, "INC-9 is not known"),
        (Kind.PROBLEM, {"given": Given(title="x", url="y")}, "a problem has no url"),
        (Kind.REQUEST, {"given": Given(title="x", cis=("moon",))}, "no CI called 'moon'"),
        (Kind.CHANGE, {"given": Given(title="x")}, "a beginning and an end"),
        (Kind.CHANGE, {"given": Given(title="x", starts_at=at(9), ends_at=at(9))}, "cannot end before it begins"),
        (
            Kind.CHANGE,
            {"given": Given(title="x", starts_at=T0, ends_at=at(9)), "status": "approved"},
            "begin as approved",
        ),
        (Kind.PROBLEM, {"given": Given(title="x"), "status": "known_error"}, "needs a workaround"),
        (Kind.PROBLEM, {"given": Given(title="x"), "incidents": (1,), "relation": "child of"}, "is no relation"),
    ],
)
def test_a_record_that_makes_no_sense_is_refused_whole(
    clerk: Clerk, kind: Kind, fields: dict[str, Any], why: str
) -> None:
    clerk.desk.hear(*down("tor-3a"))
    reply = clerk.order(kind, RecordVerb.CREATE, **fields)
    assert not reply.done
    assert why in reply.message
    assert clerk.desk.situation.records == {}
    assert clerk.desk.incidents[1].links == ()


def test_an_edit_is_on_the_history_with_old_and_new_value(clerk: Clerk) -> None:
    clerk.create(Kind.REQUEST, title="a laptop")
    edit = {"number": 1, "given": Given(title="two laptops")}
    assert clerk.order(Kind.REQUEST, RecordVerb.EDIT, **edit).done
    entry = clerk.desk.timeline[-1]
    assert (entry.key, entry.kind, entry.old, entry.new) == ("REQ-1", "changed", "a laptop", "two laptops")
    stale = clerk.order(Kind.REQUEST, RecordVerb.EDIT, number=1, given=Given(title="x"), expects=1)
    assert (stale.done, stale.stale) == (False, True)
    assert "so already" in clerk.order(Kind.REQUEST, RecordVerb.EDIT, **edit).message


def test_a_step_that_the_table_has_not_is_refused_with_what_is_allowed(clerk: Clerk) -> None:
    clerk.create(Kind.PROBLEM, title="the switch reboots")
    assert clerk.step("PRB-1", "withdraw").endswith("allowed now: start, document, resolve, close")
    assert "is no step of a problem" in clerk.step("PRB-1", "approve")
    assert "a workaround; none is given" in clerk.step("PRB-1", "document")
    assert clerk.step("PRB-2", "start") == "there is no problem PRB-2"
    clerk.step("PRB-1", "resolve", "new firmware")
    clerk.step("PRB-1", "close")
    assert clerk.record("PRB-1").outcome == "new firmware"
    assert not clerk.order(Kind.PROBLEM, RecordVerb.EDIT, number=1, given=Given(cause="dust")).done


def test_what_nobody_objected_to_is_put_away(clerk: Clerk) -> None:
    clerk.create(Kind.REQUEST, title="a laptop")
    clerk.step("REQ-1", "fulfil")
    clerk.desk.wait(FAR)
    clerk.desk.decide()
    assert clerk.record("REQ-1").status == "closed"
    assert clerk.history("REQ-1")[-1] == "closed: nobody objected to its outcome"
    clerk.desk.wait(FAR)
    clerk.create(Kind.REQUEST, title="another")
    assert list(clerk.desk.situation.records) == ["REQ-2"]


def test_what_is_no_longer_in_mind_is_recalled_for_an_order(clerk: Clerk) -> None:
    old = incident(
        7, status=Status.CLOSED, closed_at=T0, version=4, taught=(Lesson("alert", "HostDown", "episodes", 1),)
    )
    order = RecordOrder(
        id="r", at=T0, actor="anna", kind=Kind.PROBLEM, verb=RecordVerb.CREATE, given=Given(title="x"), incidents=(7,)
    )
    decision = clerk.desk.decide(Recalled(incidents=(old,)), order)
    assert decision.replies[0].done
    assert [(i.number, i.version, i.links[0].key) for i in decision.incidents] == [(7, 5, "PRB-1")]
    assert decision.lessons == ()
    assert clerk.desk.situation.incidents == {}


# -- incident or service request


def test_an_incident_becomes_a_service_request_and_back_with_its_history(clerk: Clerk) -> None:
    clerk.desk.hear(*down("tor-3a"))
    assert clerk.desk.ask(Verb.CONVERT, 1, "planned by the tenant") == "INC-1 is now the service request REQ-1"
    ended = clerk.desk.incidents[1]
    assert ended.status is Status.CONVERTED
    assert clerk.links("INC-1") == [("converted to", "REQ-1")]
    assert clerk.links("REQ-1") == [("converted from", "INC-1")]
    assert "converted to REQ-1: planned by the tenant" in clerk.history("INC-1")
    assert clerk.record("REQ-1").title == ended.title
    assert clerk.desk.open() == []
    assert clerk.desk.ask(Verb.REOPEN, 1).endswith("allowed now: nothing more")
    assert clerk.step("REQ-1", "convert", "it did fail") == "REQ-1 is now INC-2"
    again = clerk.desk.incidents[2]
    assert (again.title, again.root.ci, again.status) == (ended.title, "tor-3a", Status.OPEN)
    assert clerk.links("INC-2") == [("converted from", "REQ-1")]
    assert clerk.record("REQ-1").status == "converted"


def test_a_group_that_had_the_request_has_the_incident_where_no_rule_knows_one() -> None:
    clerk = Clerk(Desk())
    clerk.create(Kind.REQUEST, title="the printer", group="desk", cis=("lonely",))
    clerk.step("REQ-1", "convert", "it did fail")
    clerk.desk.hear(*down("lonely"))
    incident = clerk.desk.incidents[1]
    assert (incident.group, incident.group_reason) == ("desk", "REQ-1 was with it")
    clerk.desk.ask(Verb.SET_ROOT, 1, "host-11")
    assert clerk.desk.incidents[1].group == "desk"


def ruled() -> Clerk:
    rule = RequestRule(name="resets", matchers=parse_matchers(['alertname="Reset"']), group="desk")
    return Clerk(Desk(policy=Policy(requests=(rule,))))


def test_alerts_that_ask_for_something_open_a_service_request_by_rule() -> None:
    clerk = ruled()
    ask = sighting("Reset", labels={"ci": "host-1"}, annotations={"summary": "reset the password of bert"})
    clerk.desk.hear(ask, *down("tor-3a", "host-1", "host-2", "host-3"))
    request = clerk.record("REQ-1")
    assert isinstance(request, ServiceRequest)
    assert (request.title, request.group, request.cis) == ("reset the password of bert", "desk", ("host-1",))
    assert [i.root.ci for i in clerk.desk.open()] == ["tor-3a"]
    assert clerk.desk.reasons() == {"it asks for something: REQ-1 by the rule resets"}
    clerk.desk.wait(1000)
    clerk.desk.hear(*down("tor-3a", "host-1", "host-2", "host-3"))
    clerk.desk.hear(sighting("Reset", labels={"ci": "host-1"}, starts_at=clerk.desk.now))
    assert clerk.history("REQ-1")[-1] == "Reset fires again"
    assert list(clerk.desk.situation.records) == ["REQ-1"]


def test_a_request_by_rule_that_proves_an_incident_brings_its_alerts() -> None:
    clerk = ruled()
    clerk.desk.hear(sighting("Reset", labels={"ci": "host-1"}))
    clerk.step("REQ-1", "convert")
    (alert,) = clerk.desk.situation.alerts.values()
    assert (alert.incident, alert.request, alert.reason) == (1, None, "")
    clerk.desk.wait(60)
    clerk.desk.hear()
    clerk.desk.wait(121)
    clerk.desk.hear()
    assert clerk.desk.incidents[1].status is Status.RESOLVED


def test_a_silenced_request_waits_until_the_silence_ends() -> None:
    clerk = ruled()
    clerk.desk.silence('alertname="Reset"', seconds=60)
    clerk.desk.hear(sighting("Reset", labels={"ci": "host-1"}))
    assert clerk.desk.situation.records == {}
    clerk.desk.wait(61)
    clerk.desk.decide()
    assert list(clerk.desk.situation.records) == ["REQ-1"]


# -- duplicates and major incidents


def two_incidents(clerk: Clerk) -> None:
    clerk.desk.hear(*down("tor-3a", "lonely"))
    assert len(clerk.desk.open()) == 2


def test_duplicates_and_children_follow_the_resolution(clerk: Clerk) -> None:
    two_incidents(clerk)
    assert clerk.desk.ask(Verb.CHILD, 2, "INC-1") == "INC-2 is a child of INC-1"
    assert clerk.links("INC-1") == [("parent of", "INC-2")]
    clerk.desk.hear(*down("lonely"))
    clerk.desk.ask(Verb.RESOLVE, 1, "new switch")
    assert clerk.desk.incidents[2].status is Status.RESOLVED
    assert "resolved: INC-1 is resolved: new switch" in clerk.history("INC-2")


def test_a_duplicate_whose_alerts_still_fire_is_not_resolved_with_the_other(clerk: Clerk) -> None:
    two_incidents(clerk)
    clerk.desk.ask(Verb.DUPLICATE, 2, "1")
    clerk.desk.ask(Verb.RESOLVE, 1, "new switch")
    assert clerk.desk.incidents[2].status is Status.OPEN
    assert "INC-1 is resolved, but alerts of this one still fire" in clerk.history("INC-2")


def test_nobody_follows_two_or_in_a_circle(clerk: Clerk) -> None:
    two_incidents(clerk)
    assert "another incident" in clerk.desk.ask(Verb.CHILD, 2, "INC-2")
    assert "another incident" in clerk.desk.ask(Verb.DUPLICATE, 2, "PRB-1")
    assert "is not the number of a record" in clerk.desk.ask(Verb.DUPLICATE, 2, "that one")
    clerk.desk.ask(Verb.CHILD, 2, "INC-1")
    assert "a circle" in clerk.desk.ask(Verb.CHILD, 1, "INC-2")
    clerk.desk.hear(*down("tor-3a", "lonely", "tor-1a"))
    assert "is child of INC-1 already" in clerk.desk.ask(Verb.DUPLICATE, 2, "INC-3")
    assert clerk.desk.ask(Verb.UNLINK, 2, "INC-1") == "INC-2 and INC-1 are no longer linked"
    assert clerk.links("INC-1") == clerk.links("INC-2") == []


# -- known errors


def test_a_relapse_is_named_by_what_it_relapses_from(clerk: Clerk) -> None:
    clerk.desk.hear(*down("tor-3a"))
    clerk.desk.ask(Verb.RESOLVE, 1, "new switch")
    clerk.desk.wait(30 * 60 + 1)
    clerk.desk.hear()
    clerk.desk.hear(*down("tor-3a", starts_at=clerk.desk.now))
    assert clerk.links("INC-2") == [("relapse of", "INC-1")]
    assert clerk.links("INC-1") == [("has relapse", "INC-2")]
    assert clerk.history("INC-1")[-1] == "has relapse INC-2"


def test_what_was_merged_or_split_names_the_other(clerk: Clerk) -> None:
    two_incidents(clerk)
    clerk.desk.ask(Verb.MERGE, 2, "INC-1")
    assert clerk.links("INC-2") == [("merged into", "INC-1")]
    assert clerk.links("INC-1") == [("merged from", "INC-2")]
    clerk.desk.ask(Verb.SPLIT, 1, "lonely")
    assert clerk.links("INC-1")[1:] == [("split into", "INC-3")]
    assert clerk.links("INC-3") == [("split from", "INC-1")]


@pytest.mark.parametrize("kind", Kind)
def test_the_documented_diagrams_are_the_tables(kind: Kind) -> None:
    page = Path(__file__).parents[2] / "docs" / "records.md"
    assert f"```mermaid\n{LIFECYCLES[kind].diagram()}\n```" in page.read_text(encoding="utf-8")


@pytest.mark.parametrize("kind", Kind)
def test_every_state_is_reached_and_every_end_is_one(kind: Kind) -> None:
    lifecycle = LIFECYCLES[kind]
    reached = {*lifecycle.starts, *lifecycle.table.values()}
    assert reached == set(type(lifecycle.starts[0]))
    stuck = {s for s in reached if not lifecycle.allowed_steps(s)}
    assert stuck <= set(lifecycle.ends)


def test_a_problem_is_one_of_the_family() -> None:
    assert Problem(number=3, title="x", opened_at=T0, opened_by="a", updated_at=T0).key == "PRB-3"
    with pytest.raises(ValueError, match="is not the number of a record"):
        parse_key("PRB-0")
