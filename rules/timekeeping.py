"""Keeps the clocks of incidents in line with what happens to them, and says when a promise is about to be broken.

Clocks follow from the record: open means that a response is owed, on hold that the resolution waits, and so on. So it
is enough to look at the incidents that this cycle has touched and at those whose next instant has come.
"""

from collections.abc import Collection, Iterator
from datetime import datetime

from rules import clock as clocks
from rules.calendar import Calendar
from rules.clock import Agreement, Clock, Goal, Terms
from rules.document import rfc3339
from rules.draft import Draft
from rules.escalation import ClockEvent
from rules.incident import Incident, Status
from rules.promise_words import (
    breach_words,
    end_words,
    hold_words,
    resume_words,
    start_words,
    stop_words,
    terms_words,
    warning_words,
)
from rules.service_level import ServiceLevel, level_for

KINDS = frozenset(
    {
        *(f"clock_{what}" for what in ("started", "paused", "resumed", "stopped")),
        *(f"{goal}_{what}" for goal in Goal for what in ("warning", "breached", "met")),
        "targets_changed",
    }
)
"""Every kind of line that clocks write onto the timeline."""


def keep_clocks(draft: Draft, only: Collection[int] | None = None) -> None:
    """Bring every clock up to date whose incident was touched in this cycle, or whose next instant has come; of `only`
    those incidents, where it is given."""
    numbers = {*(i.number for i in draft.touched()), *draft.situation.agenda.due(draft.now)} if only is None else only
    for incident in map(draft.incident, sorted(numbers)):
        if incident is not None and (incident.is_active or incident.clocks):
            _Keeper(draft, incident).keep()


class _Keeper:
    """One incident's clocks while they are brought up to date, with what is to be said of it."""

    def __init__(self, draft: Draft, incident: Incident) -> None:
        self._draft = draft
        self._incident = incident
        self._begun: list[Clock] = []
        self._news: dict[str, list[str]] = {}

    def keep(self) -> None:
        last = {(c.agreement, c.goal): c for c in self._incident.clocks}
        kept = [c for c in self._incident.clocks if c is not last[c.agreement, c.goal]]
        for agreement in Agreement:
            level = self._level(agreement)
            for goal in Goal:
                kept += self._kept(level, agreement, goal, last.get((agreement, goal)))
            if self._begun:
                self._note("clock_started", start_words(self._begun), new=level.name if level else "")
                self._begun.clear()
        in_order = tuple(sorted(kept, key=lambda c: c.started_at))
        if in_order != self._incident.clocks:
            self._draft.change_incident(self._incident, clocks=in_order)
        # First, since time had passed before anything of this cycle was done.
        self._draft.news[:0] = [(self._incident.number, event, "; ".join(said)) for event, said in self._news.items()]

    def _level(self, agreement: Agreement) -> ServiceLevel | None:
        situation, root = self._draft.situation, self._incident.root.ci
        ci = situation.estate.get(root) if root is not None else None
        hit = [s.ci for s in self._incident.services]
        levels = situation.policy.service_levels
        return level_for(levels, agreement, hit, ci.type if ci is not None else "", self._incident.group)

    def _kept(
        self, level: ServiceLevel | None, agreement: Agreement, goal: Goal, clock: Clock | None
    ) -> Iterator[Clock]:
        """What one clock has become; also the one that takes its place, where the old one stays as history."""
        terms = self._terms(level, agreement, goal)
        if clock is None:
            if terms is not None and self._incident.is_active:
                yield self._start(agreement, goal, terms, level, self._first_start(agreement, terms))
        elif not self._incident.is_active:
            yield self._ended(self._passed(clock)) if clock.ended_at is None else clock
        elif clock.ended_at is not None:
            yield from self._again(clock, terms, level)
        elif terms is None:
            yield self._stopped(self._passed(clock), "nothing is promised any more")
        elif terms.party != clock.terms.party:
            yield from self._handed_on(self._passed(clock), terms, level)
        else:
            yield self._stepped(self._retargeted(self._passed(clock), terms), level)

    def _terms(self, level: ServiceLevel | None, agreement: Agreement, goal: Goal) -> Terms | None:
        target = level.targets.get(self._incident.priority) if level is not None else None
        length = target.of(goal) if target is not None else None
        if level is None or target is None or length is None:
            return None
        return Terms(
            level=level.name,
            priority=str(self._incident.priority),
            target=length,
            calendar=target.calendar.name,
            shares=level.warn_at,
            party=self._incident.group if agreement is Agreement.OLA else "",
        )

    def _calendar(self, terms: Terms) -> Calendar:
        return self._draft.situation.policy.calendar(terms.calendar)

    def _first_start(self, agreement: Agreement, terms: Terms) -> datetime:
        """From when the first clock of its kind counts: the opening, or when the group got the incident."""
        mine = [c for c in self._incident.clocks if c.agreement is agreement]
        beside = [c.started_at for c in mine if c.terms.party == terms.party]
        return beside[-1] if beside else self._draft.now if mine else self._incident.opened_at

    def _start(self, agreement: Agreement, goal: Goal, terms: Terms, level: ServiceLevel | None, at: datetime) -> Clock:
        clock = clocks.start(agreement, goal, terms, self._calendar(terms), at)
        self._begun.append(clock)
        return self._stepped(self._passed(clock), level)

    def _again(self, clock: Clock, terms: Terms | None, level: ServiceLevel | None) -> Iterator[Clock]:
        """A clock that has ended: it starts anew or goes on where its incident was reopened, by the level's policy."""
        if self._is_met(clock.goal) or terms is None or level is None:
            yield clock
        elif clock.is_stopped:
            yield self._stepped(self._promised_again(clock, terms), level)
        elif level.restarts_on_reopen:
            yield clock
            yield self._start(clock.agreement, clock.goal, terms, level, self._draft.now)
        elif clock.goal is Goal.RESPONSE and self._incident.acknowledged_at is not None:
            yield clock  # somebody had responded to it before
        else:
            again = clocks.go_on(clock, self._calendar(clock.terms), self._draft.now, "it was resolved")
            self._note("clock_resumed", resume_words(again))
            yield self._stepped(self._retargeted(again, terms), level)

    def _handed_on(self, clock: Clock, terms: Terms, level: ServiceLevel | None) -> Iterator[Clock]:
        """Another group has it now, and its own time begins. A clock that nobody heard of is not worth keeping."""
        if clock.told or clock.breached_at is not None:
            yield self._stopped(clock, f"handed on to {terms.party or 'no group'}")
        yield self._start(clock.agreement, clock.goal, terms, level, self._draft.now)

    def _promised_again(self, clock: Clock, terms: Terms) -> Clock:
        """Nothing was promised for a while: from the same start on it is again."""
        after = clocks.retarget(clocks.unstop(clock), terms, self._calendar(terms), self._draft.now)
        self._note("clock_resumed", resume_words(after), new=_due(after))
        return self._passed(after)

    def _retargeted(self, clock: Clock, terms: Terms) -> Clock:
        """Other terms where priority or level have changed; a level that was edited counts from the next start on."""
        if (terms.level, terms.priority) == (clock.terms.level, clock.terms.priority):
            return clock
        after = clocks.retarget(clock, terms, self._calendar(terms), self._draft.now)
        if terms.target != clock.terms.target or terms.level != clock.terms.level or after.due_at != clock.due_at:
            self._note("targets_changed", terms_words(clock, after), old=_due(clock), new=_due(after))
        return self._passed(after)

    def _passed(self, clock: Clock) -> Clock:
        """The clock as it stands now; breaches are told, and warnings where there is still something to be done."""
        after, mark = clocks.pass_time(clock, self._draft.now)
        if mark is not None and not self._is_met(clock.goal):
            self._tell(f"{clock.goal}_warning", warning_words(after, mark.share, self._draft.now), share=mark.share)
        if after.breached_at is not None and clock.breached_at is None:
            self._tell(f"{clock.goal}_breached", breach_words(after, self._draft.now), new=_due(after))
        return after

    def _stepped(self, clock: Clock, level: ServiceLevel | None) -> Clock:
        """The clock after what people did: it is met, held or goes on."""
        if self._is_met(clock.goal):
            return self._ended(clock)
        is_held = self._incident.status is Status.ON_HOLD and (level is None or level.pauses_on_hold)
        if is_held and clock.pause is None:
            reason = self._incident.hold_reason
            held = clocks.pause(clock, self._calendar(clock.terms), self._draft.now, reason)
            self._note("clock_paused", hold_words(held, reason), old=_due(clock))
            return held
        if not is_held and clock.pause is not None:
            again = clocks.resume(clock, self._calendar(clock.terms), self._draft.now)
            self._note("clock_resumed", resume_words(again), new=_due(again))
            return self._passed(again)
        return clock

    def _is_met(self, goal: Goal) -> bool:
        """Whether what was promised has happened: any step that a person takes is a response."""
        if goal is Goal.RESPONSE:
            return self._incident.status is not Status.OPEN
        return not self._incident.is_active

    def _ended(self, clock: Clock) -> Clock:
        if self._incident.status is Status.MERGED:
            return self._stopped(clock, "the incident is part of another")
        if self._incident.status is Status.CONVERTED:
            return self._stopped(clock, "it is a service request, which nothing is promised for")
        after = clocks.meet(clock, self._calendar(clock.terms), self._draft.now)
        self._note(f"{clock.goal}_met", end_words(after))
        return after

    def _stopped(self, clock: Clock, reason: str) -> Clock:
        self._note("clock_stopped", stop_words(clock, reason))
        return clocks.stop(clock, self._draft.now)

    def _tell(self, event: str, words: str, new: str = "", share: float = 0.0) -> None:
        self._note(event, words, new=new)
        self._draft.clock_events.append(ClockEvent(incident=self._incident.number, event=event, share=share))
        self._news.setdefault(event, []).append(words)

    def _note(self, kind: str, words: str, *, old: str = "", new: str = "") -> None:
        self._draft.note(self._incident.number, kind, words, old=old, new=new)


def _due(clock: Clock) -> str:
    return rfc3339(clock.due_at) if clock.due_at is not None else ""
