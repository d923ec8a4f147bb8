"""Random histories with people who want to hear of them: the urgent never waits, nothing is lost, nothing doubled."""

from collections import Counter
from dataclasses import replace
from datetime import time, timedelta

import msgspec
from hypothesis import given
from hypothesis import strategies as st

from cmdb.graph import Estate
from rules.decision import Decision, Notice, Verb
from rules.document import NoticeContent
from rules.escalation import EscalationStep
from rules.subscriptions import Digest, Subscription, When
from rules.telling import MANAGER, Manners
from rules.wallclock import Hours
from tests.desk import Desk
from tests.property.histories import Step, estates, kept, play, stories
from tests.rosters import MINUTE, person, policy, roster

SUBSCRIPTIONS = (
    Subscription(to="noc"),
    Subscription(to="room", batches=True, when=When(priority=frozenset({"P1", "P2"}))),
    Subscription(roles=frozenset({"manager"}), name="managers", batches=True),
    Subscription(people=frozenset({"anna"}), name="first word", when=When(event=frozenset({"opened"})), batches=True),
    Subscription(people=frozenset({"zoe"}), digest=Digest(minutes=(8 * 60 + 10, 17 * 60)), batches=True),
)
_orders = st.tuples(
    st.sampled_from([Verb.WATCH, Verb.UNWATCH, Verb.SET_PRIORITY, Verb.ACKNOWLEDGE, Verb.RESOLVE, Verb.REOPEN]),
    st.integers(1, 3),
    st.sampled_from(["ben", "P1", "P4"]),
)


@st.composite
def told(draw: st.DrawFn) -> list[Step]:
    """A story in which people also order who is told, and how urgent it is."""
    return [
        Step(wait=step.wait, says=step.says, orders=(*step.orders, *draw(st.lists(_orders, max_size=2))))
        for step in draw(stories())
    ]


def _desk(estate: Estate) -> Desk:
    quiet = (Hours(begin=time(9, 20), end=time(10, 30)),)
    steps = (EscalationStep(people=("anna",)), EscalationStep(after=2 * MINUTE, people=("ben",)))
    people = roster(*steps).people
    known = {
        **people,
        "olga": replace(people["olga"], audience=MANAGER, quiet=quiet),
        "otto": person("otto", audience=MANAGER),
    }
    manners = Manners(burst=2, limit=4, within=10 * MINUTE, summary_every=2 * MINUTE)
    house = policy(*steps, settle=timedelta(seconds=10))
    desk = Desk(estate, replace(house, roster=replace(house.roster, people=known), manners=manners), told=())
    desk.situation.subscriptions = SUBSCRIPTIONS
    return desk


@given(estates(), told(), st.integers(0, 9))
def test_a_restart_changes_nothing_of_what_people_are_told(estate: Estate, story: list[Step], restart_at: int) -> None:
    through, anew = _desk(estate), _desk(estate)
    expected = play(through, story)
    found = play(anew, story, before=lambda number: anew.restart() if number == restart_at else None)
    assert list(map(kept, found)) == list(map(kept, expected))


@given(estates(), told())
def test_what_is_urgent_never_waits(estate: Estate, story: list[Step]) -> None:
    desk = _desk(estate)

    def check(_: int) -> None:
        for box in desk.situation.mailboxes.values():
            for item in box.waiting:
                incident = desk.situation.incidents.get(item.word.incident)
                assert incident is None or str(incident.priority) != "P1"

    play(desk, story, before=check)
    check(0)


@given(estates(), told())
def test_nothing_waits_for_ever_and_nothing_is_said_twice(estate: Estate, story: list[Step]) -> None:
    desk = _desk(estate)
    decisions = play(desk, story)
    for _ in range(30):
        desk.wait(3600)
        decisions.append(desk.decide())
        for item in (item for box in desk.situation.mailboxes.values() for item in box.waiting):
            assert desk.now < item.due_at <= item.at + timedelta(days=1)
    keys = Counter(n.key for d in decisions for n in d.notices)
    assert not [key for key, count in keys.items() if count > 1]
    for decision in decisions:
        said = Counter((n.person or n.to, n.to, number, event) for n, number, event in _spoken_of(decision))
        assert not [what for what, count in said.items() if count > 1]


def _spoken_of(decision: Decision) -> list[tuple[Notice, str, str]]:
    """Each word about an incident, by itself or in a summary."""
    found = []
    for notice in decision.notices:
        content = msgspec.json.decode(notice.content, type=NoticeContent)
        if content.incident is not None:
            found.append((notice, content.incident.number, content.event))
        found += [(notice, item.number, item.event) for item in (content.summary.items if content.summary else ())]
    return found
