"""Every figure, counted a second time: slowly, from the incidents themselves, in another way."""

import random
from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime, timedelta
from fractions import Fraction
from itertools import pairwise
from pathlib import Path

import pytest

from cmdb.model import State
from daemon.clock import ManualClock
from daemon.reports.report import MOST_RULES, counted, make_report
from daemon.store.store import Store
from rules.alert import Alert, alert_id
from rules.clock import Agreement, Clock, Goal
from rules.decision import TimelineEntry
from rules.escalation import Call, Escalation
from rules.figures import WHICH, Asked
from rules.figures_shapes import PartFigures, ReportDocument, TimesFigures
from rules.incident import ACTIVE, Candidate, HitService, Incident, Priority, RootCause, Status
from rules.recurrence import SuggestAfter
from rules.satisfaction import Rating
from rules.trace import in_words
from tests.builders import T0, alert, at, clock, decision, entry, incident

SERVICES = {"pay": "Payments", "shop": "Shop, the new one", "mail": "Mail"}
NOW = at(40 * 3600)
AFTER = SuggestAfter(times=3)
States = list[tuple[datetime, tuple[HitService, ...]]]


class History:
    """Random incidents, with what happened to each; everything is at whole minutes, so the slow way can count them."""

    def __init__(self, seed: int) -> None:
        self.chance = random.Random(seed)
        self.incidents: list[Incident] = []
        self.states: dict[int, States] = {}
        self.alerts: list[Alert] = []
        self.ratings: list[Rating] = []
        for number in range(1, self.chance.randint(2, 60)):
            self._happen(number)

    def minute(self, least: int, most: int) -> datetime:
        return at(60 * self.chance.randint(least, most))

    def _happen(self, number: int) -> None:
        pick = self.chance.choice
        opened = self.minute(0, 2000)
        status = pick(list(Status))
        later = [opened + timedelta(minutes=m) for m in sorted(self.chance.sample(range(300), 4))]
        is_over = status not in ACTIVE
        self.states[number] = self._states(opened, later[:3])
        ci = pick(["a", "b", "c", None])
        named = pick(["a", "b", "c"])
        candidates = tuple(Candidate(ci=c, confidence=0.3) for c in [named, *self.chance.sample("abcdefg", 4)])
        self.incidents.append(
            incident(
                number,
                status=status,
                priority=pick(list(Priority)),
                opened_at=opened,
                updated_at=later[3],
                closed_at=later[3] if status is Status.CLOSED else None,
                resolved_at=later[2] if is_over else None,
                restored_at=pick([None, later[1]]) if is_over else None,
                acknowledged_at=pick([None, later[0]]),
                group=pick(["dba", "net", ""]),
                assignee=pick(["anna", "bert", ""]),
                root=RootCause(ci=ci, candidates=pick([candidates, ()])),
                confirmed_root=pick([None, "a", "b"]),
                services=self.states[number][-1][1],
                clocks=tuple(self._clock() for _ in range(self.chance.randint(0, 4))),
                escalation=Escalation(calls=tuple(self._call() for _ in range(self.chance.randint(0, 2)))),
            )
        )
        self._be_heard(number, later[3])

    def _be_heard(self, number: int, end: datetime) -> None:
        for name in self.chance.sample(["Down", "Slow", "Full"], self.chance.randint(0, 2)):
            begins = self.minute(0, 2000)
            one = alert("a", name=name, starts_at=begins, incident=self.chance.choice([number, None]))
            self.alerts.append(replace_alert(one, f"{number}-{name}"))
        if self.chance.random() < 0.4:
            score = self.chance.randint(1, 5)
            self.ratings.append(Rating(link=f"l{number}", incident=number, by="carla", score=score, remark="", at=end))

    def _states(self, opened: datetime, moments: list[datetime]) -> States:
        changes = self.chance.sample(moments, self.chance.randint(0, 2))
        return [(moment, self._hit()) for moment in [opened, *sorted(m for m in changes if m > opened)]]

    def _hit(self) -> tuple[HitService, ...]:
        chosen = self.chance.sample(sorted(SERVICES), self.chance.randint(0, 3))
        states = [State.AT_RISK, State.REDUCED, State.DEGRADED, State.DOWN]
        return tuple(HitService(ci=c, name=SERVICES[c], state=self.chance.choice(states)) for c in chosen)

    def _clock(self) -> Clock:
        pick = self.chance.choice
        made = clock(
            pick(list(Goal)),
            breached_at=pick([None, at(9)]),
            ended_at=pick([None, at(10)]),
            is_stopped=pick([False, False, True]),
            agreement=pick(list(Agreement)),
        )
        made = replace(made, is_stopped=made.is_stopped and made.ended_at is not None)
        return replace(made, terms=replace(made.terms, party=pick(["dba", "net"]) if made.agreement == "OLA" else ""))

    def _call(self) -> Call:
        return Call(person=self.chance.choice(["anna", "dora"]), at=T0, policy="p", step=1, why="", via=())

    def lines(self) -> Iterator[TimelineEntry]:
        for number, states in self.states.items():
            for (_, old), (moment, new) in pairwise(states):
                yield entry(
                    number, "x", at=moment, kind="field_changed", field="services", old=in_words(old), new=in_words(new)
                )


def replace_alert(one: Alert, mark: str) -> Alert:
    import msgspec

    return msgspec.structs.replace(one, id=alert_id(mark, one.starts_at), fingerprint=mark)


def asked(chance: random.Random) -> Asked:
    begin = chance.randint(0, 1200)
    some = chance.random() < 0.4
    return Asked(
        since=at(60 * begin),
        until=at(60 * (begin + chance.randint(1, 1500))),
        services=chance.sample(sorted(SERVICES), 1) if some else (),
        priorities=chance.sample(list(Priority), 3) if some else (),
        groups=["dba", ""] if some and chance.random() < 0.5 else (),
        cis=["a", "b"] if some and chance.random() < 0.5 else (),
    )


def passing(history: History, question: Asked) -> list[Incident]:
    return [
        i
        for i in history.incidents
        if question.since <= i.opened_at
        and i.opened_at < question.until
        and (not question.priorities or i.priority in question.priorities)
        and (not question.groups or i.group in question.groups)
        and (not question.cis or i.root.ci in question.cis)
        and (not question.services or {s.ci for s in i.services} & set(question.services))
    ]


def reported(history: History, question: Asked, directory: Path) -> tuple[ReportDocument, dict[str, list[int]]]:
    with Store.open(f"sqlite:///{directory / 'incidentd.db'}", ManualClock(NOW)) as store:
        store.upgrade()
        epoch = store.acquire("test", timedelta(minutes=1))
        store.commit(
            decision(incidents=tuple(history.incidents), alerts=tuple(history.alerts), timeline=tuple(history.lines())),
            epoch=epoch,
        )
        for rating in history.ratings:
            store.ratings.add(rating)
        lists = {which: [line.number for line in counted(store, question, which)] for which in WHICH}
        return make_report(store, question, SERVICES, AFTER, NOW), lists


def same_times(found: TimesFigures, lengths: list[timedelta]) -> None:
    seconds = sorted(length.total_seconds() for length in lengths)
    assert found.count == len(seconds)
    if not seconds:
        assert (found.mean_s, found.median_s, found.p90_s) == (None, None, None)
        return
    middle = seconds[(len(seconds) - 1) // 2], seconds[len(seconds) // 2]
    ninth = next(s for s in seconds if sum(other <= s for other in seconds) >= Fraction(9, 10) * len(seconds))
    assert found.mean_s == pytest.approx(sum(seconds) / len(seconds), abs=0.001)
    assert (found.median_s, found.p90_s) == (sum(middle) / 2, ninth)


def back(one: Incident) -> datetime | None:
    return one.restored_at if one.restored_at is not None else one.resolved_at


def same_part(found: PartFigures, those: list[Incident]) -> None:
    assert found.incidents == len(those)
    assert found.open == len([i for i in those if i.is_active])
    same_times(found.acknowledge, [i.acknowledged_at - i.opened_at for i in those if i.acknowledged_at is not None])
    same_times(found.resolve, [end - i.opened_at for i in those if (end := back(i)) is not None])
    judged = [v for i in those for (agreement, _), v in promises(i) if agreement == "SLA"]
    assert (found.sla_met, found.sla_breached) == (judged.count("met"), judged.count("breached"))


def promises(one: Incident) -> list[tuple[tuple[str, str], str]]:
    """The verdict on the last clock of each promise, where it has one."""
    found = []
    for agreement in Agreement:
        for goal in Goal:
            for party in ("", "dba", "net"):
                same = [c for c in one.clocks if (c.agreement, c.goal, c.terms.party) == (agreement, goal, party)]
                state = str(same[-1].state) if same else "stopped"
                if state != "stopped":
                    found.append(((agreement, goal), state if state in ("met", "breached") else "open"))
    return found


def state_of(service: str, moment: datetime, history: History) -> State:
    """The worst state that any incident gives the service in the minute that begins then."""
    worst = State.UP
    for one in history.incidents:
        end = back(one) or NOW
        if one.status in (Status.MERGED, Status.CONVERTED) or not one.opened_at <= moment < end:
            continue
        hit = [services for since, services in history.states[one.number] if since <= moment][-1]
        worst = max([worst, *(s.state for s in hit if s.ci == service)])
    return worst


@pytest.mark.parametrize("seed", range(15))
def test_every_figure_is_what_a_slow_count_says(seed: int, tmp_path: Path) -> None:
    history = History(seed)
    question = asked(history.chance)
    report, lists = reported(history, question, tmp_path)
    every = passing(history, question)
    those = [i for i in every if i.status not in (Status.MERGED, Status.CONVERTED)]
    assert (report.incidents, report.merged, report.converted) == (
        len(those),
        len([i for i in every if i.status is Status.MERGED]),
        len([i for i in every if i.status is Status.CONVERTED]),
    )
    same_times(report.acknowledge, [i.acknowledged_at - i.opened_at for i in those if i.acknowledged_at is not None])
    same_times(report.resolve, [end - i.opened_at for i in those if (end := back(i)) is not None])
    check_parts(report, those, question)
    check_promises(report, those, lists)
    check_availability(report, history, question)
    check_the_rest(report, those, history, question, lists)


def check_parts(report: ReportDocument, those: list[Incident], question: Asked) -> None:
    for part in report.by["service"]:
        same_part(part, [i for i in those if part.key in {s.ci for s in i.services}])
    for part in report.by["ci"]:
        same_part(part, [i for i in those if (i.root.ci or "") == part.key])
    for part in report.by["priority"]:
        same_part(part, [i for i in those if i.priority == part.key])
    for part in report.by["group"]:
        same_part(part, [i for i in those if i.group == part.key])
    for part in report.by["person"]:
        same_part(part, [i for i in those if i.assignee == part.key])
        assert part.calls == sum(call.person == part.key for i in those for call in i.escalation.calls)
    for part in report.by["day"]:
        same_part(part, [i for i in those if i.opened_at.date().isoformat() == part.key])
    for dimension in ("ci", "priority", "group", "day"):
        assert sum(part.incidents for part in report.by[dimension]) == report.incidents
    last = (question.until - timedelta(microseconds=1)).date()
    assert len(report.by["day"]) == (last - question.since.date()).days + 1


def check_promises(report: ReportDocument, those: list[Incident], lists: dict[str, list[int]]) -> None:
    verdicts = [(i.number, key, verdict) for i in those for key, verdict in promises(i)]
    for found in report.promises:
        key = (found.agreement, found.goal)
        for word in ("met", "breached", "open"):
            numbers = [n for n, k, v in verdicts if (k, v) == (key, word)]
            assert getattr(found, word) == len(numbers)
            assert lists["-".join((*key, word)).lower()] == sorted(set(numbers))
    assert {(f.agreement, f.goal) for f in report.promises} == {key for _, key, _ in verdicts}


def check_availability(report: ReportDocument, history: History, question: Asked) -> None:
    assert {a.service for a in report.availability} == set(question.services or SERVICES)
    minutes = int((question.until - question.since).total_seconds() // 60)
    for found in report.availability:
        states = [state_of(found.service, question.since + timedelta(minutes=m), history) for m in range(minutes)]
        down = states.count(State.DOWN)
        degraded = states.count(State.DEGRADED) + states.count(State.REDUCED)
        assert (found.down_s, found.degraded_s) == (60.0 * down, 60.0 * degraded)
        assert found.availability == pytest.approx(1 - down / minutes)


def check_the_rest(
    report: ReportDocument, those: list[Incident], history: History, question: Asked, lists: dict[str, list[int]]
) -> None:
    numbers = {i.number for i in those}
    judged = [i for i in those if i.confirmed_root is not None]
    right = [i for i in judged if i.diagnosed_root == i.confirmed_root]
    found = report.diagnosis
    assert (found.judged, found.right, found.corrected) == (len(judged), len(right), len(judged) - len(right))
    assert found.in_first_five == len([i for i in judged if i.confirmed_root in [c.ci for c in i.root.candidates[:5]]])
    assert lists["right"] == [i.number for i in right]
    assert lists["all"] == sorted(numbers)
    assert lists["resolved"] == [i.number for i in those if i.resolved_at or i.restored_at]
    scores = [r.score for r in history.ratings if r.incident in numbers and r.at >= question.since]
    assert report.satisfaction.answers == len(scores)
    assert report.satisfaction.mean == (pytest.approx(sum(scores) / len(scores)) if scores else None)
    roots = [i.root.ci for i in those if i.root.ci]
    often = {ci: roots.count(ci) for ci in set(roots) if roots.count(ci) >= AFTER.times}
    assert {r.ci: r.incidents for r in report.recurring} == often
    check_alert_rules(report, history, question, numbers)


def check_alert_rules(report: ReportDocument, history: History, question: Asked, numbers: set[int]) -> None:
    seen = [a for a in history.alerts if question.since <= a.starts_at < question.until]
    if question.has_filters:
        seen = [a for a in seen if a.incident in numbers]
    assert len(report.alert_rules) == len({a.name for a in seen}) <= MOST_RULES
    for rule in report.alert_rules:
        same = [a for a in seen if a.name == rule.alert]
        assert rule.episodes == len(same)
        assert rule.without_incident == sum(a.incident is None for a in same)
        assert rule.incidents == len({a.incident for a in same} - {None})
