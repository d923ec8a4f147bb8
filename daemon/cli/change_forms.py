"""Importing changes from a calendar, and the command line of all records put together."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from daemon.cli import records
from daemon.cli.orders import By
from daemon.cli.place import AsJson, open_store, read_config
from daemon.cli.record_forms import add_forms, fields_given
from daemon.cli.records import GROUPS, change, give

if TYPE_CHECKING:
    from datetime import datetime

    from daemon.change_calendar import ChangeCalendar, Event
    from daemon.store.store import Store
    from rules.record import Change

CALLED_OFF = "called off in the calendar"
"""The outcome of a change that an import has cancelled."""


@change.command("import")
def import_(
    context: typer.Context,
    file: Annotated[Path, typer.Argument(metavar="FILE", help="A calendar (.ics).")],
    *,
    ci: Annotated[list[str] | None, typer.Option("--ci", help="For events that name none; may be repeated.")] = None,
    by: By = None,
    as_json: AsJson = False,
) -> None:
    """Make a change of each event of a calendar; what was imported before is changed, or cancelled."""
    from daemon.change_calendar import read_changes
    from daemon.cli.out import say
    from daemon.cli.refusal import Refusal
    from daemon.clock import SystemClock

    now = SystemClock().now()
    calendar = read_changes(file.read_bytes(), now)
    if not calendar.uids:
        raise Refusal(f"{file}: there are no events in it")
    config = read_config(context)
    with open_store(config) as store:
        known = _by_uid(store)
    made = [("create", {"given": _of_event(event, ci or [])}) for event in calendar.events if _is_news(event, known)]
    gone = [("step", {"number": n, "step": "cancel", "text": CALLED_OFF}) for n in _called_off(calendar, known, now)]
    if made or gone or as_json:
        give(context, "change", [*made, *gone], by, as_json)
    else:
        say("There is nothing new in it.")


def _by_uid(store: "Store") -> "dict[str, Change]":
    """The newest change of each name that another system has for one."""
    from daemon.store.rows import RecordSearch
    from rules.record import Change, Kind

    found = store.records(RecordSearch(kind=Kind.CHANGE), limit=10_000)
    return {c.uid: c for c in reversed(found) if isinstance(c, Change) and c.uid}


def _is_news(event: "Event", known: "dict[str, Change]") -> bool:
    """Whether a change is to be made or changed. One that is over, or that people called off, is not made again unless
    its time is another; one that the calendar called off is."""
    before = known.get(event.uid)
    if event.is_cancelled:
        return False
    if before is None or before.settled_at is None or before.outcome == CALLED_OFF:
        return True
    return (before.starts_at, before.ends_at) != (event.starts_at, event.ends_at)


def _called_off(calendar: "ChangeCalendar", known: "dict[str, Change]", now: "datetime") -> list[int]:
    """Numbers of the changes that may still be cancelled and are: the calendar says so, or it has an event that repeats
    but no longer at that time."""
    from daemon.change_calendar import series_of
    from rules.record import ChangeStatus

    there = {e.uid: e.is_cancelled for e in calendar.events}
    return sorted(
        change.number
        for uid, change in known.items()
        if change.status in (ChangeStatus.PLANNED, ChangeStatus.APPROVED)
        and there.get(uid, change.starts_at > now and not calendar.uids.isdisjoint((uid, series_of(uid))))
    )


def _of_event(event: "Event", cis: list[str]) -> Any:
    return fields_given(
        title=event.title[:400],
        description=event.description,
        starts_at=event.starts_at,
        ends_at=event.ends_at,
        cis=list(event.cis) or cis,
        url=event.url,
        uid=event.uid,
    )


def add_to(app: typer.Typer) -> None:
    """Put the commands of all records into the command line; importing this module has made those of each kind."""
    for kind, group in GROUPS.items():
        add_forms(kind)
        records.add_common(kind)
        app.add_typer(group)
