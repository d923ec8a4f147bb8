"""Nothing about an incident changes without a line of history that says so."""

from dataclasses import fields, replace
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from cmdb.graph import Estate
from rules.decision import Decision, TimelineEntry
from rules.incident import Incident, Priority
from rules.policy import Policy
from rules.template import Template
from rules.trace import BOOKKEEPING, SAID_BY
from tests.desk import Desk
from tests.property.histories import Step, estates, play, stories
from tests.rosters import roster

POLICY = replace(
    Policy(),
    templates=(
        Template(
            name="switch",
            title="{ci} is off",
            text="Look at {ci}",
            category="network",
            priority=Priority.P2,
            group="network",
            steps=("Look",),
            steps_required=True,
            ci_types=frozenset({"switch"}),
        ),
    ),
)
CALLING = replace(POLICY, roster=roster())
SILENT = {"version", "updated_at", "told", "taught", "pinned", "refired", "quiet_since", "escalation", "responders"} | {
    "clocks",
    "known_told",
    "group_reason",
    "priority_until",
}


def _differences(before: Incident, after: Incident) -> set[str]:
    found = {f.name for f in fields(Incident) if getattr(before, f.name) != getattr(after, f.name)}
    # Of the root cause the record keeps how sure it is and why as it goes; what counts is which CI it names.
    return found - SILENT - ({"root"} if before.root.ci == after.root.ci else set())


def _told(entries: list[TimelineEntry]) -> set[str]:
    by_kind = {name for name, kinds in SAID_BY.items() for e in entries if e.kind in kinds}
    return by_kind | {e.field.partition(".")[0] for e in entries}


def _lines_of(decision: Decision, number: int) -> list[TimelineEntry]:
    return [e for e in decision.timeline if e.incident == number]


@given(estates(), stories(most=14), st.sampled_from([None, POLICY, CALLING]))
def test_every_change_of_an_incident_has_its_line(estate: Estate, story: list[Step], policy: Policy | None) -> None:
    desk = Desk(estate, policy)
    before: dict[int, Incident] = {}
    for step in story:
        (decision,) = play(desk, [step])
        for incident in decision.incidents:
            lines = _lines_of(decision, incident.number)
            if incident.number not in before:
                assert [e.kind for e in lines][:1] == ["opened"]
                continue
            missing = _differences(before[incident.number], incident) - _told(lines)
            assert not missing, (missing, lines)
        before.update((i.number, i) for i in decision.incidents)


@given(estates(), stories(most=14), st.sampled_from([POLICY, CALLING]))
def test_what_a_line_says_of_a_field_is_so(estate: Estate, story: list[Step], policy: Policy) -> None:
    desk = Desk(estate, policy)
    for step in story:
        (decision,) = play(desk, [step])
        last: dict[tuple[int, str], TimelineEntry] = {
            (e.incident, e.field): e for e in decision.timeline if e.field in ("status", "priority", "title", "group")
        }
        for (number, field), entry in last.items():
            value: Any = getattr(desk.incidents[number], field)
            assert entry.new == str(value)


@given(estates(), stories(most=14))
def test_every_line_says_who_acted(estate: Estate, story: list[Step]) -> None:
    desk = Desk(estate, POLICY)
    play(desk, story)
    for entry in desk.timeline:
        people = entry.actor in ("anna", "bert")
        expected = "person" if people else "rule" if entry.actor.startswith("template ") else "daemon"
        assert (entry.actor_kind, entry.actor == "incidentd") == (expected, expected == "daemon")


def test_what_is_bookkeeping_is_listed_once() -> None:
    assert BOOKKEEPING == SILENT
    names = {f.name for f in fields(Incident)}
    assert names >= BOOKKEEPING
    assert set(SAID_BY) <= names - BOOKKEEPING
