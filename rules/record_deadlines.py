"""What happens to records because time has passed: what nobody objected to is put away, as with incidents."""

from dataclasses import replace
from typing import Any

from rules.draft import DAEMON, Draft
from rules.record import Record
from rules.record_lifecycles import LIFECYCLES, OVER, STEPS


def put_away(draft: Draft) -> None:
    """Close the records of which the work was over long enough ago."""
    for record in draft.all_records():
        if record.status not in OVER or record.ended_at is None:
            continue
        if draft.now - max(record.ended_at, record.opened_at) >= draft.situation.policy.close_after:
            step_on(draft, record, "close", "closed: nobody objected to its outcome")


def step_on(draft: Draft, record: Record, step: str, words: str, *, actor: str = DAEMON, **fields: Any) -> Record:
    """Move a record on by its lifecycle, with a line of its history; IllegalTransition where that has no such step."""
    lifecycle = LIFECYCLES[record.kind]
    status = lifecycle.next_status(record.status, STEPS[record.kind](step))
    is_settled = status in lifecycle.ends
    # The fields go with the kind, which the types of a union cannot say.
    changed: Record = replace(record, **{**fields, "status": status, "settled_at": draft.now if is_settled else None})
    draft.note_on(record.key, step, words, actor=actor, old=str(record.status), new=str(status))
    return draft.put_record(changed)
