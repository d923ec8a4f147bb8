"""What must hold of records whatever people order, whatever fires meanwhile, and whenever the daemon dies."""

from dataclasses import dataclass
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from cmdb.graph import Estate
from rules.change_risk import at_once, overlapping
from rules.decision import Change, Command, Decision, RecordOrder, RecordVerb, Verb
from rules.incident import Incident
from rules.linking import BY_HAND, INVERSE
from rules.matchers import parse_matchers
from rules.policy import Policy
from rules.record import Change as ChangeRecord
from rules.record import ChangeStatus, Given, Kind, Record
from rules.record_lifecycles import LIFECYCLES, STATES, STEPS
from rules.request_rule import RequestRule
from tests.builders import T0, at
from tests.desk import Desk
from tests.property.histories import NAMES, Step, estates, stories

_RULE = RequestRule(name="slow", matchers=parse_matchers(["alertname=Slow", "severity=warning"]))
_POLICY = Policy(requests=(_RULE,))
_NUMBERS = st.integers(1, 4)


@dataclass(frozen=True, slots=True, kw_only=True)
class Turn:
    """A step of a story with what people ask about records in it."""

    step: Step
    orders: tuple[dict[str, Any], ...]
    links: tuple[tuple[Verb, int, str], ...]

    def changes(self, desk: Desk) -> list[Change]:
        """What comes in."""
        made = [RecordOrder(id=f"r{n}", at=desk.now, actor="anna", **fields) for n, fields in enumerate(self.orders)]
        linked = [
            Command(id=f"l{n}", at=desk.now, actor="bert", verb=verb, number=number, value=value)
            for n, (verb, number, value) in enumerate(self.links)
        ]
        return [*self.step.changes(desk.now), *made, *linked]


def _keys() -> st.SearchStrategy[str]:
    return st.builds(
        lambda series, number: f"{series}-{number}", st.sampled_from(["INC", "REQ", "PRB", "CHG"]), _NUMBERS
    )


def _given(kind: Kind) -> st.SearchStrategy[Given]:
    fields: dict[str, Any] = {
        "title": st.sampled_from(["it reboots", "another", None]),
        "cis": st.lists(st.sampled_from(NAMES), max_size=2).map(tuple),
    }
    if kind is Kind.PROBLEM:
        fields["workaround"] = st.sampled_from(["turn it off and on", None])
    if kind is Kind.CHANGE:
        fields["starts_at"] = st.sampled_from([at(-600), at(0), at(100)])
        fields["ends_at"] = st.sampled_from([at(50), at(900), at(9000)])
    return st.builds(Given, **fields)


def _orders(kind: Kind) -> st.SearchStrategy[dict[str, Any]]:
    base = {"kind": st.just(kind), "number": _NUMBERS}
    starts = ["", *(str(s) for s in ChangeStatus)] if kind is Kind.CHANGE else [""]
    create = st.fixed_dictionaries(
        {
            "kind": st.just(kind),
            "verb": st.just(RecordVerb.CREATE),
            "given": _given(kind),
            "status": st.sampled_from(starts),
            "incidents": st.lists(_NUMBERS, max_size=2).map(tuple),
        }
    )
    step = st.fixed_dictionaries(
        {**base, "verb": st.just(RecordVerb.STEP), "step": st.sampled_from([str(s) for s in STEPS[kind]])}
    )
    edit = st.fixed_dictionaries({**base, "verb": st.just(RecordVerb.EDIT), "given": _given(kind)})
    link = st.fixed_dictionaries(
        {
            **base,
            "verb": st.sampled_from([RecordVerb.LINK, RecordVerb.UNLINK]),
            "to": _keys(),
            "relation": st.sampled_from(["", *BY_HAND]),
        }
    )
    return st.one_of(create, create, step, step, edit, link)


def turns() -> st.SearchStrategy[list[Turn]]:
    """A story in which people make, change and link records."""
    orders = st.lists(st.sampled_from(list(Kind)).flatmap(_orders), max_size=4).map(tuple)
    verbs = st.sampled_from([Verb.DUPLICATE, Verb.CHILD, Verb.UNLINK, Verb.CONVERT, Verb.RESOLVE])
    links = st.lists(st.tuples(verbs, _NUMBERS, _keys()), max_size=2).map(tuple)
    asked = st.tuples(orders, links)
    return stories().flatmap(
        lambda story: st.lists(asked, min_size=len(story), max_size=len(story)).map(
            lambda every: [Turn(step=s, orders=o, links=k) for s, (o, k) in zip(story, every, strict=True)]
        )
    )


def _play(desk: Desk, told: list[Turn], restart_at: int = -1) -> list[Decision]:
    decisions = []
    for number, turn in enumerate(told):
        if number == restart_at:
            desk.restart()
        desk.wait(turn.step.wait)
        decisions.append(desk.decide(*turn.changes(desk)))
    return decisions


@given(estates(), turns())
def test_histories_of_records_stay_inside_their_tables(estate: Estate, told: list[Turn]) -> None:
    desk = Desk(estate, _POLICY)
    states: dict[str, Any] = {}
    for decision in _play(desk, told):
        for entry in (e for e in decision.timeline if e.subject):
            kind = next(k for k in Kind if entry.key.startswith(k.series))
            if entry.kind == "opened":
                assert entry.key not in states
                states[entry.key] = STATES[kind](entry.new)
                assert states[entry.key] in LIFECYCLES[kind].starts
            elif entry.kind in list(STEPS[kind]):
                assert entry.old == states[entry.key]
                states[entry.key] = LIFECYCLES[kind].next_status(states[entry.key], STEPS[kind](entry.kind))
                assert entry.new == states[entry.key]
        assert all(states[r.key] is r.status for r in decision.records)
        assert all((r.settled_at is not None) == (r.status in LIFECYCLES[r.kind].ends) for r in decision.records)


@given(estates(), turns())
def test_links_are_always_both_ways(estate: Estate, told: list[Turn]) -> None:
    desk = Desk(estate, _POLICY)
    records: dict[str, Incident | Record] = {}
    for decision in _play(desk, told):
        records |= {i.key: i for i in decision.incidents} | {r.key: r for r in decision.records}
    there = {(key, k.kind, k.key) for key, thing in records.items() for k in thing.links}
    assert there == {(far, INVERSE[kind], key) for key, kind, far in there}
    linked = {(key, far) for key, _, far in there}
    for incident in (i for i in records.values() if isinstance(i, Incident)):
        named = {e.key for e in incident.known_errors} | {s.change for s in incident.suspects}
        assert {(incident.key, other) for other in named} <= linked
    leaders: dict[str, str] = {}
    for key, kind, far in sorted(there):
        if kind in ("child of", "duplicate of"):
            assert key not in leaders
            leaders[key] = far
    for key in leaders:
        seen = {key}
        while (key := leaders.get(key, "")) and key:
            assert key not in seen
            seen.add(key)


@given(estates(), turns(), st.integers(0, 9))
def test_a_restart_changes_nothing_for_records(estate: Estate, told: list[Turn], restart_at: int) -> None:
    through, anew = Desk(estate, _POLICY), Desk(estate, _POLICY)
    for one, other in zip(_play(through, told), _play(anew, told, restart_at), strict=True):
        assert (one.records, one.incidents, one.alerts) == (other.records, other.incidents, other.alerts)
        assert (one.timeline, one.replies, one.notices) == (other.timeline, other.replies, other.notices)


@given(estates(), turns())
def test_an_order_is_carried_out_whole_or_not_at_all(estate: Estate, told: list[Turn]) -> None:
    desk = Desk(estate, _POLICY)
    for turn in told:
        desk.wait(turn.step.wait)
        desk.decide(*turn.step.changes(desk.now))
        for order in turn.orders:
            desk.decide()
            decision = desk.decide(RecordOrder(id="r", at=desk.now, actor="anna", **order))
            (reply,) = decision.replies
            if not reply.done:
                assert (decision.records, decision.incidents, decision.timeline) == ((), (), ())
            elif order["verb"] is RecordVerb.CREATE:
                assert reply.subject in {r.key for r in decision.records}


@given(
    st.lists(
        st.tuples(
            st.integers(0, 20), st.integers(1, 10), st.none() | st.integers(1, 12), st.sampled_from(ChangeStatus)
        ),
        max_size=12,
    )
)
def test_changes_that_meet_are_found_in_one_go_as_one_by_one(plans: list[tuple[int, int, int | None, Any]]) -> None:
    changes = [
        ChangeRecord(
            number=number,
            title="x",
            status=status,
            opened_at=T0,
            opened_by="anna",
            updated_at=T0,
            starts_at=at(begin),
            ends_at=at(begin + length),
            ended_at=None if took is None else at(begin + took),
        )
        for number, (begin, length, took, status) in enumerate(plans, 1)
    ]
    found = at_once(changes)
    assert {c.number: found.get(c.number, []) for c in changes} == {c.number: overlapping(c, changes) for c in changes}
