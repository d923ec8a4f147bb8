"""Random histories with people to call: a restart changes nothing, nothing is said twice, acknowledging ends it."""

from datetime import timedelta

import msgspec
from hypothesis import given
from hypothesis import strategies as st

from cmdb.graph import Estate
from rules.decision import Decision, Notice, Verb
from rules.document import NoticeContent, incident_document
from rules.escalation import EscalationStep, Progress
from rules.incident import Status
from tests.builders import at
from tests.desk import Desk
from tests.property.histories import Step, estates, kept, play, stories
from tests.rosters import MINUTE, STEPS, policy

_ENDS = [at(900).isoformat(), at(5000).isoformat()]
_orders = st.tuples(
    st.sampled_from([Verb.SNOOZE, Verb.UNSNOOZE, Verb.ESCALATE, Verb.ROUTE, Verb.ACKNOWLEDGE, Verb.REOPEN]),
    st.integers(1, 3),
    st.sampled_from([*_ENDS, "network", "compute"]),
)


@st.composite
def called(draw: st.DrawFn) -> list[Step]:
    """A story in which people also order what an escalation does."""
    return [
        Step(wait=step.wait, says=step.says, orders=(*step.orders, *draw(st.lists(_orders, max_size=2))))
        for step in draw(stories())
    ]


def _desk(estate: Estate) -> Desk:
    steps = (
        EscalationStep(people=("anna",)),
        EscalationStep(after=MINUTE, hand_to="compute"),
        EscalationStep(on="response_warning", after=MINUTE, people=("olga",)),
        EscalationStep(on="response_breached", hand_to="compute"),
        *STEPS[1:],
    )
    return Desk(estate, policy(*steps, repeat=1, settle=timedelta(seconds=10)))


def _calls(decisions: list[Decision]) -> list[Notice]:
    return [n for d in decisions for n in d.notices if n.person]


@given(estates(), called(), st.integers(0, 9))
def test_a_restart_in_mid_escalation_changes_nothing(estate: Estate, story: list[Step], restart_at: int) -> None:
    through, anew = _desk(estate), _desk(estate)
    expected = play(through, story)
    found = play(anew, story, before=lambda number: anew.restart() if number == restart_at else None)
    assert list(map(kept, found)) == list(map(kept, expected))


@given(estates(), called())
def test_no_notice_has_the_key_of_another(estate: Estate, story: list[Step]) -> None:
    keys = [n.key for n in _calls(play(_desk(estate), story))]
    assert len(keys) == len(set(keys))


@given(estates(), called())
def test_every_notice_shows_the_incident_as_its_cycle_has_left_it(estate: Estate, story: list[Step]) -> None:
    for decision in play(_desk(estate), story):
        left = {i.number: incident_document(i, ()) for i in decision.incidents}
        for notice in decision.notices:
            shown = msgspec.json.decode(notice.content, type=NoticeContent).incident
            if notice.incident in left and shown is not None:
                assert shown.clocks == left[notice.incident].clocks
                assert (shown.priority, shown.status, shown.group) == (
                    left[notice.incident].priority,
                    left[notice.incident].status,
                    left[notice.incident].group,
                )


@given(estates(), called())
def test_a_further_cycle_at_the_same_time_says_nothing(estate: Estate, story: list[Step]) -> None:
    desk = _desk(estate)
    for step in story:
        desk.wait(step.wait)
        desk.decide(*step.changes(desk.now))
        # It may look again at the root of what a person has opened again in the same cycle.
        again = desk.decide()
        assert (again.timeline, again.notices, again.replies) == ((), (), ())


@given(estates(), called())
def test_only_open_incidents_have_a_step_that_is_due(estate: Estate, story: list[Step]) -> None:
    desk = _desk(estate)
    play(desk, story)
    for incident in desk.incidents.values():
        state = incident.escalation
        if incident.status is not Status.OPEN:
            assert state.next_at is None
        elif state.progress is Progress.RUNNING:
            assert (state.next_at is None) != (state.left is None)
        assert state.next_at is None or state.snooze is None
        assert state.wakes_at is None or incident.number in desk.situation.agenda.due(state.wakes_at)
