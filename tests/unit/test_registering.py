"""Registering by hand, templates and their steps, changing fields, and how an incident ends."""

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from cmdb.graph import Estate
from cmdb.model import CI, Criticality, State
from rules.decision import Command, Reply, ReportOrder, Resolving, Verb
from rules.incident import Priority, Restoration, Status
from rules.policy import Policy
from rules.report import Channel, Contact, Finding, Report, ReportSource
from rules.resolution import Ask, Satisfaction
from rules.situation import Situation
from rules.template import Template, filled, wrong_pattern
from tests.builders import T0, sighting
from tests.desk import Desk, down, needs, service

RACK = ("host-1", "host-2", "host-3", "host-4")
SWITCH = Template(
    name="switch",
    title="Switch {ci} is off: {service}",
    text="Look at {ci} ({ci_type}), {alert}.",
    category="network",
    priority=Priority.P2,
    group="netops",
    steps=("Look at it", "Tell the site"),
    steps_required=True,
    ci_types=frozenset({"switch"}),
)
POLICY = replace(Policy(), templates=(SWITCH, Template(name="by hand", title="{reporter} says {ci} is broken")))


def register(desk: Desk, title: str = "Nobody can pay", **fields: Any) -> Reply:
    order = ReportOrder(id="r1", at=desk.now, actor="bert", report=Report(title=title, **fields))
    (reply,) = desk.decide(order).replies
    return reply


def give(desk: Desk, verb: Verb, number: int = 1, **fields: Any) -> Reply:
    (reply,) = desk.decide(Command(id="c", at=desk.now, actor="anna", verb=verb, number=number, **fields)).replies
    return reply


def resolve(desk: Desk, value: str = "mended", reason: str = "", **fields: Any) -> Reply:
    return give(desk, Verb.RESOLVE, value=value, reason=reason, resolving=Resolving(**fields))


def test_a_report_is_an_incident_with_all_that_was_said() -> None:
    desk = Desk()
    contact = Contact(name="Carla", organisation="Shop", mail="carla@example.net", phone="+49 30 1234-567")
    reply = register(
        desk,
        ci="TOR-3A",
        service="checkout",
        description="The till says no",
        category="network",
        source=ReportSource.GROUP,
        channel=Channel.PHONE,
        contact=contact,
        observed_at=T0 - timedelta(minutes=20),
        disruption=State.DOWN,
        signs=(Finding(name="error", value="timeout"),),
    )
    assert (reply.done, reply.incident, reply.message) == (True, 1, "INC-1 is open")
    found = desk.incidents[1]
    assert (found.title, found.registered_by, found.contact) == ("Nobody can pay", "bert", contact)
    assert (found.affected_ci, found.affected_service, found.root.ci) == ("tor-3a", "checkout", "tor-3a")
    assert (found.observed_at, found.detected_at, found.opened_at) == (T0 - timedelta(minutes=20), None, T0)
    assert found.priority is Priority.P1
    assert [(e.kind, e.actor, e.actor_kind) for e in desk.timeline] == [
        ("opened", "bert", "person"),
        ("clock_started", "incidentd", "daemon"),
    ]


def test_people_are_told_of_what_was_registered() -> None:
    desk = Desk()
    register(desk, service="checkout")
    assert desk.told() == []
    desk.wait(15)
    desk.decide()
    assert desk.told() == ["opened"]


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({"ci": "tor-3x"}, "ci: the CMDB has no CI called 'tor-3x'; did you mean tor-3a"),
        ({"service": "chekout"}, 'no business service called "chekout"; allowed: checkout'),
        ({"service": "tor-3a"}, 'no business service called "tor-3a"'),
        ({"category": "netwrk"}, 'category: "netwrk" is not known; did you mean "network"?'),
        ({"template": "swich"}, 'template: "swich" is not known; did you mean "switch"?'),
        ({"title": ""}, "title: is missing"),
        ({"title": "two\nlines"}, "title: holds characters that cannot be printed"),
        ({"title": "x" * 201}, "title: is longer than 200"),
        ({"priority": "P7"}, 'priority: "P7" is not known'),
        ({"contact": Contact(mail="carla@@example")}, 'contact.mail: "carla@@example" is not a mail address'),
        ({"contact": Contact(phone="call me")}, 'contact.phone: "call me" is not a phone number'),
        ({"observed_at": T0 + timedelta(hours=1)}, "observed_at: 2026-11-24 09:00:00 UTC lies ahead"),
        ({"signs": (Finding(name="Ä", value="x"),)}, 'signs: "Ä" is not a name'),
    ],
)
def test_a_report_that_makes_no_sense_opens_nothing(fields: dict[str, Any], words: str) -> None:
    desk = Desk(policy=POLICY)
    reply = register(desk, **fields)
    assert not reply.done
    assert words in reply.message
    assert desk.incidents == {}
    assert register(desk).incident == 1


@pytest.mark.parametrize("mail", ["a@b", "anna.b+c@mail.example.net", "o'neil@example.net"])
def test_mail_addresses_that_people_have_are_taken(mail: str) -> None:
    assert register(Desk(), contact=Contact(mail=mail)).done


@pytest.mark.parametrize("phone", ["112", "+49 (0)30/1234-567", "4711 ext 12"])
def test_phone_numbers_that_people_have_are_taken(phone: str) -> None:
    assert register(Desk(), contact=Contact(phone=phone)).done


@pytest.mark.parametrize("seconds", [30, 4000])
def test_alerts_that_a_failure_of_its_ci_explains_join_it(seconds: float) -> None:
    desk = Desk()
    register(desk, ci="tor-3a")
    desk.wait(seconds)
    desk.hear(*down(*RACK))
    (found,) = desk.open()
    assert (found.number, found.root.ci, found.title) == (1, "tor-3a", "Nobody can pay")
    assert {a.incident for a in desk.alerts.values()} == {1}
    assert found.state is State.DOWN


def test_alerts_of_another_failure_open_their_own() -> None:
    desk = Desk()
    register(desk, ci="lonely")
    desk.hear(*down(*RACK))
    assert [(i.number, i.root.ci) for i in desk.open()] == [(1, "lonely"), (2, "tor-3a")]


def test_who_registers_what_is_known_hears_of_it() -> None:
    desk = Desk()
    desk.hear(*down(*RACK))
    assert register(desk, ci="tor-3a").message == (
        "INC-2 is open; INC-1 is open for tor-3a too, merge them if they are the same"
    )


def test_quiet_alerts_do_not_resolve_what_a_person_registered() -> None:
    desk = Desk()
    register(desk, ci="tor-3a")
    desk.hear(*down(*RACK))
    desk.wait(60)
    desk.hear()
    desk.wait(4000)
    desk.hear()
    assert [i.status for i in desk.open()] == [Status.OPEN]
    assert resolve(desk).done
    assert desk.incidents[1].restored_at == T0 + timedelta(seconds=60)


def test_a_template_is_chosen_by_its_rule() -> None:
    desk = Desk(policy=POLICY)
    desk.hear(
        sighting("SwitchDown", labels={"ci": "tor-1a", "severity": "critical"}, starts_at=T0 - timedelta(seconds=9))
    )
    (found,) = desk.open()
    assert (found.template, found.category, found.group) == ("switch", "network", "netops")
    assert found.title == "Switch tor-1a is off: Search"
    assert found.description == "Look at tor-1a (switch), SwitchDown."
    assert (found.priority, found.detected_at) == (Priority.P2, T0 - timedelta(seconds=9))
    assert "at least P2 by template switch; else P3" in found.priority_reason
    assert found.priority_rule == "template: switch"
    assert [s.text for s in found.steps] == ["Look at it", "Tell the site"]
    (line,) = [e for e in desk.timeline if e.kind == "template"]
    assert (line.actor, line.actor_kind) == ("template switch", "rule")


def test_the_services_hit_may_make_it_more_urgent_than_its_template() -> None:
    desk = Desk(policy=POLICY)
    desk.hear(*down(*RACK), *down("checkout"))
    assert [(i.template, i.priority) for i in desk.open()] == [("switch", Priority.P1)]


def test_what_fits_no_rule_gets_no_template() -> None:
    desk = Desk(policy=POLICY)
    desk.hear(*down("lonely"))
    assert [i.template for i in desk.open()] == [""]


def test_a_template_is_chosen_by_hand() -> None:
    desk = Desk(policy=POLICY)
    reply = register(desk, "", ci="lonely", template="by hand", contact=Contact(name="Carla"))
    assert reply.done
    assert desk.incidents[1].title == "Carla says lonely is broken"
    assert give(desk, Verb.SET, field="template", value="switch").done
    assert [s.text for s in desk.incidents[1].steps] == ["Look at it", "Tell the site"]


def test_steps_are_checked_off_by_name_and_demanded_before_the_end() -> None:
    desk = Desk(policy=POLICY)
    register(desk, ci="tor-3a", template="switch")
    assert resolve(desk).message == (
        "INC-1 is not done: step 1 (Look at it), step 2 (Tell the site); "
        "allowed: check them off, or force it with a reason"
    )
    assert give(desk, Verb.STEP, field="1", value="done").message == "step 1 of INC-1 is done"
    step = desk.incidents[1].steps[0]
    assert (step.done_by, step.done_at) == ("anna", T0)
    assert give(desk, Verb.STEP, field="1", value="done").message == "step 1 of INC-1 is done already"
    assert give(desk, Verb.STEP, field="3", value="done").message == 'INC-1 has no step "3"; allowed: 1 to 2'
    assert resolve(desk, force=True).message == "to resolve it although steps are not done needs a reason"
    assert desk.incidents[1].status is Status.OPEN
    assert resolve(desk, force=True, reason="the site is closed").done
    (skipped,) = [e for e in desk.timeline if e.kind == "steps_skipped"]
    assert (skipped.actor, skipped.reason) == ("anna", "the site is closed")
    assert "step 2 (Tell the site)" in skipped.text


def test_an_incident_waits_for_its_steps_before_it_resolves_by_itself() -> None:
    desk = Desk(policy=POLICY)
    desk.hear(*down(*RACK))
    desk.hear()
    for _ in range(3):
        desk.wait(130)
        desk.hear()
    assert [i.is_waiting_for_steps for i in desk.open()] == [True]
    assert [e.text for e in desk.timeline if e.kind == "resolution_waits"] == [
        "all its alerts are quiet; it waits for steps 1, 2"
    ]
    give(desk, Verb.STEP, field="1", value="done")
    assert len(desk.open()) == 1
    give(desk, Verb.STEP, field="2", value="done")
    assert desk.open() == []
    found = desk.incidents[1]
    assert (found.resolved_by, found.resolution_code, found.restoration) == (
        "incidentd",
        "recovered",
        Restoration.ITSELF,
    )
    assert (found.restored_at, found.is_waiting_for_steps) == (T0, False)


@pytest.mark.parametrize(
    ("field", "value", "attribute", "expected"),
    [
        ("title", "Till 4 is off", "title", "Till 4 is off"),
        ("category", "network", "category", "network"),
        ("contact.mail", "carla@example.net", "contact", Contact(mail="carla@example.net")),
        ("channel", "chat", "channel", Channel.CHAT),
        ("sign.error", "timeout", "signs", (Finding(name="error", value="timeout"),)),
        ("finding.log", "no power", "findings", (Finding(name="log", value="no power"),)),
        ("observed_at", "2026-11-24T08:30:00+01:00", "observed_at", T0 - timedelta(minutes=30)),
        ("disruption", "down", "disruption", State.DOWN),
        ("service", "search", "affected_service", "search"),
    ],
)
def test_a_field_is_changed_and_the_timeline_has_both_values(
    field: str, value: str, attribute: str, expected: object
) -> None:
    desk = Desk()
    register(desk, ci="lonely")
    assert give(desk, Verb.SET, field=field, value=value, reason="asked again").done
    assert getattr(desk.incidents[1], attribute) == expected
    (line,) = [e for e in desk.timeline if e.kind == "field_set"]
    assert (line.field.partition(".")[0], line.actor, line.reason) == (attribute, "anna", "asked again")
    assert line.old != line.new
    assert give(desk, Verb.SET, field=field, value=value).message.endswith("is so already")


@pytest.mark.parametrize(
    ("field", "value", "words"),
    [
        ("titel", "x", 'field: "titel" is not known; did you mean "title"?'),
        ("title", "", "title: is empty"),
        ("sign.Ä", "x", '"Ä" is not a name'),
        ("contact.phone", "x", "is not a phone number"),
        ("observed_at", "yesterday", '"yesterday" is no time with its zone'),
        ("restored_at", "2026-11-24T08:00:00Z", "restored_at: INC-1 is not resolved"),
        ("channel", "pigeon", '"pigeon" is not known; allowed: phone'),
        ("ci", "lonly", "did you mean lonely?"),
    ],
)
def test_a_field_is_not_given_what_it_cannot_be(field: str, value: str, words: str) -> None:
    desk = Desk()
    register(desk, ci="lonely")
    before = desk.incidents[1]
    reply = give(desk, Verb.SET, field=field, value=value)
    assert not reply.done
    assert words in reply.message
    assert desk.incidents[1] == before


def test_a_reported_ci_that_is_corrected_takes_the_root_along() -> None:
    desk = Desk()
    register(desk, ci="lonely")
    give(desk, Verb.SET, field="ci", value="tor-3a")
    assert (desk.incidents[1].root.ci, desk.incidents[1].group) == ("tor-3a", "network")


def test_an_end_says_how_by_whom_and_since_when() -> None:
    desk = Desk()
    register(desk, ci="tor-3a")
    desk.wait(600)
    assert resolve(desk, code="fixd").message.startswith('code: "fixd" is not known; did you mean "fixed"?')
    back = T0 + timedelta(minutes=5)
    assert resolve(desk, "rebooted", code="workaround", restored_at=back).done
    found = desk.incidents[1]
    assert (found.resolution, found.resolution_code, found.resolved_by) == ("rebooted", "workaround", "anna")
    assert (found.restored_at, found.restoration) == (back, Restoration.WORKAROUND)
    assert give(desk, Verb.REOPEN, value="it is off again").done
    again = desk.incidents[1]
    assert (again.resolution_code, again.resolved_by, again.restored_at, again.restoration) == ("", "", None, None)
    (line,) = [e for e in desk.timeline if e.kind == "reopened"]
    assert (line.actor, line.reason) == ("anna", "it is off again")


def test_what_is_resolved_waits_for_nothing() -> None:
    desk = Desk()
    register(desk, ci="tor-3a")
    assert give(desk, Verb.HOLD, value="a spare part").done
    assert resolve(desk).done
    assert (desk.incidents[1].status, desk.incidents[1].hold_reason) == (Status.RESOLVED, "")
    assert [e for e in desk.timeline if e.field == "hold_reason"] == []


def test_the_contact_hears_of_the_end_and_is_asked() -> None:
    desk = Desk(policy=replace(Policy(), satisfaction=Satisfaction(via="mail")))
    register(desk, ci="tor-3a", contact=Contact(name="Carla", mail="carla@example.net"))
    desk.wait(15)
    desk.decide()
    resolve(desk)
    ends = {n.to: n.content.decode() for n in desk.notices if n.event == "resolved"}
    assert set(ends) == {"noc", "mail"}
    assert '"address":"carla@example.net"' in ends["mail"]
    assert '"asks_rating":true' in ends["mail"]
    assert '"asks_rating":false' in ends["noc"]


@pytest.mark.parametrize(("ask", "is_asked"), [(Ask.EVERYONE, True), (Ask.CONTACT, False), (Ask.NOBODY, False)])
def test_without_a_contact_those_are_asked_who_were_told(ask: Ask, is_asked: bool) -> None:
    desk = Desk(policy=replace(Policy(), satisfaction=Satisfaction(ask=ask)))
    desk.hear(*down(*RACK))
    desk.wait(15)
    desk.hear(*down(*RACK))
    resolve(desk)
    (end,) = [n for n in desk.notices if n.event == "resolved"]
    assert (b'"asks_rating":true' in end.content) is is_asked


@pytest.mark.parametrize(
    ("pattern", "words"),
    [
        ("{ci}", ""),
        ("{{ci}}", ""),
        ("{c i}", "a lone {"),
        ("100 }", "a lone }"),
        ("{root.ci}", "a lone {"),
        ("{cj}", "there is no {cj}; allowed: {number}, {ci}"),
        ("{ci!r}", "a lone {"),
        ("{}", "there is no {}"),
    ],
)
def test_a_pattern_knows_its_placeholders_only(pattern: str, words: str) -> None:
    assert wrong_pattern(pattern).startswith(words)
    assert bool(wrong_pattern(pattern)) is bool(words)


def test_a_pattern_is_filled_once_whatever_the_values_hold() -> None:
    assert filled("{{{ci}}} {alert} {service}", {"ci": "{alert}", "alert": "Down"}) == "{{alert}} Down unknown"


def test_what_is_known_of_a_failure_stays_when_its_ci_is_taken_out_of_the_cmdb() -> None:
    desk = Desk()
    desk.hear(*down("host-1", "host-2", "host-3", "host-4"))
    (before,) = desk.open()
    assert before.root.ci == "tor-3a"
    left = Estate.of(
        [
            *(CI(id=f"host-{n}", type="host", owner="compute") for n in (1, 2, 3, 4)),
            service("checkout", "Checkout", Criticality.CRITICAL, needs("host-1"), needs("host-2")),
        ]
    )
    desk.situation = Situation(left, desk.situation.policy, desk.situation.subscriptions)
    desk.restart()
    assert give(desk, Verb.SET, field="category", value="network").done
    after = desk.situation.incidents[1]
    assert after.category == "network"
    assert (after.root.ci, after.services, after.priority) == (before.root.ci, before.services, before.priority)
