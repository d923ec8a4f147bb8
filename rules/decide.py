"""The one function that decides. Pure: the situation, what has changed and the time go in, a `Decision` comes out."""

from collections.abc import Sequence
from datetime import datetime

from rules.assess import review_priorities
from rules.change_notices import tell_of_changes
from rules.clock_steps import take_clock_steps
from rules.deadlines import meet_deadlines, note_quiet
from rules.decision import (
    Change,
    Command,
    Decision,
    Listing,
    OverrideOrder,
    Push,
    Recalled,
    RecordOrder,
    ReportOrder,
    SilenceOrder,
    SourceFailed,
    Undelivered,
)
from rules.draft import Draft
from rules.escalate import escalate
from rules.grouping import regroup
from rules.intake import end_expired, take_failure, take_listing, take_push
from rules.known_errors import note_known_errors
from rules.learn import learn
from rules.linking import complete_links
from rules.notices import tell, tell_sources
from rules.orders import carry_out
from rules.overrides import take_override
from rules.post import post
from rules.record_orders import carry_out_record
from rules.registering import complete, take_report
from rules.situation import Situation
from rules.sorting import sort_out
from rules.suppression import note_expected, review, take_silence, tie_evidence
from rules.suspects import note_suspects
from rules.timekeeping import keep_clocks
from rules.trace import trace
from rules.unreachable import take_undelivered


def decide(situation: Situation, changes: Sequence[Change], now: datetime) -> Decision:
    """What follows from `changes`, in the order they came, and from the time that has passed.

    The situation is only read; hand the decision to `Situation.apply` once it is stored. Given the same changes again
    it decides nothing more.
    """
    draft = Draft(situation, now)
    for change in changes:
        _take(draft, change)
    end_expired(draft)
    review(draft)
    note_expected(draft)
    sort_out(draft)
    regroup(draft)
    note_quiet(draft)
    review_priorities(draft)
    for change in changes:
        if isinstance(change, Command):
            carry_out(draft, change)
        elif isinstance(change, RecordOrder):
            carry_out_record(draft, change)
    complete(draft)
    meet_deadlines(draft)
    note_known_errors(draft)
    note_suspects(draft)
    tie_evidence(draft)
    keep_clocks(draft)
    for change in changes:
        if isinstance(change, Undelivered):
            take_undelivered(draft, change)
    escalate(draft)
    take_clock_steps(draft)
    keep_clocks(draft, draft.handed_over)
    learn(draft)
    complete_links(draft)
    trace(draft)
    tell(draft)
    post(draft)
    tell_of_changes(draft)
    tell_sources(draft)
    return draft.decision()


def _take(draft: Draft, change: Change) -> None:
    if isinstance(change, Listing):
        take_listing(draft, change)
    elif isinstance(change, Push):
        take_push(draft, change)
    elif isinstance(change, SourceFailed):
        take_failure(draft, change)
    elif isinstance(change, SilenceOrder):
        take_silence(draft, change)
    elif isinstance(change, Recalled):
        draft.recall(change)
    elif isinstance(change, OverrideOrder):
        take_override(draft, change)
    elif isinstance(change, ReportOrder):
        take_report(draft, change)
