"""Making, changing and importing changes from the command line."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from daemon.cli import records
from daemon.cli.orders import By
from daemon.cli.place import AsJson, open_store, read_config
from daemon.cli.record_forms import About, Cis, From, Group, NewTitle, Services, Title, Who, alter, fields_given, make
from daemon.cli.records import GROUPS, Key, change, give

if TYPE_CHECKING:
    from datetime import datetime

    from daemon.change_calendar import ChangeCalendar, Event
    from daemon.store.store import Store
    from rules.record import Change

CALLED_OFF = "called off in the calendar"
"""The outcome of a change that an import has cancelled."""

Begin = Annotated[str | None, typer.Option("--begin", metavar="TIME", help="RFC 3339, or as in 2h ahead.")]
End = Annotated[str | None, typer.Option("--end", metavar="TIME", help="RFC 3339, or as in 2h ahead.")]
Url = Annotated[str | None, typer.Option("--url", help="Where more stands.")]


@change.command("create")
def create_change(
    context: typer.Context,
    title: Title = None,
    *,
    begin: Begin = None,
    end: End = None,
    status: Annotated[
        str, typer.Option("--status", help="planned, or of what goes on or is over: in_progress, done, failed.")
    ] = "",
    description: About = None,
    group: Group = None,
    assignee: Who = None,
    ci: Cis = None,
    service: Services = None,
    url: Url = None,
    from_: From = None,
    by: By = None,
    as_json: AsJson = False,
) -> None:
    """Make a change: plan it, or tell of what was done."""
    given = fields_given(
        title=title,
        description=description,
        starts_at=_moment(begin, "--begin"),
        ends_at=_moment(end, "--end"),
        group=group,
        assignee=assignee,
        cis=ci,
        services=service,
        url=url,
    )
    make(context, "change", given, from_, by, as_json, status=status)


@change.command("edit")
def edit_change(
    context: typer.Context,
    number: Key,
    *,
    title: NewTitle = None,
    description: About = None,
    begin: Begin = None,
    end: End = None,
    group: Group = None,
    assignee: Who = None,
    ci: Cis = None,
    service: Services = None,
    url: Url = None,
    by: By = None,
    as_json: AsJson = False,
) -> None:
    """Change what a change says; one whose plan was approved needs approval again."""
    given = fields_given(
        title=title,
        description=description,
        starts_at=_moment(begin, "--begin"),
        ends_at=_moment(end, "--end"),
        group=group,
        assignee=assignee,
        cis=ci,
        services=service,
        url=url,
    )
    alter(context, "change", number, given, by, as_json)


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


def _moment(text: str | None, option: str) -> "datetime | None":
    """The moment that was given: RFC 3339, or a length of time ahead."""
    from daemon.cli.moment import moment_of
    from daemon.clock import SystemClock
    from daemon.config.durations import parse_duration

    if text is None:
        return None
    now = SystemClock().now()
    try:
        return now + parse_duration(text)
    except (ValueError, OverflowError):
        return moment_of(text, now, option)


def add_to(app: typer.Typer) -> None:
    """Put the commands of all records into the command line; importing this module has made those of each kind."""
    for kind, group in GROUPS.items():
        records.add_common(kind)
        app.add_typer(group)
