"""Making and changing service requests, problems and changes from the command line."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from daemon.cli import records
from daemon.cli.orders import By, checked_text, read_number
from daemon.cli.place import AsJson, open_store, read_config
from daemon.cli.records import GROUPS, Key, change, give, problem, read_key, request

if TYPE_CHECKING:
    from datetime import datetime

    from daemon.change_calendar import Event

Title = Annotated[str | None, typer.Argument(metavar="[TITLE]", help="What it is about, in a line.")]
NewTitle = Annotated[str | None, typer.Option("--title", help="What it is about, in a line.")]
About = Annotated[str | None, typer.Option("--description", help="More about it.")]
Group = Annotated[str | None, typer.Option("--group", help="The group that works on it.")]
Who = Annotated[str | None, typer.Option("--assignee", help="The person who works on it.")]
Cis = Annotated[list[str] | None, typer.Option("--ci", help="A CI it is about; may be repeated.")]
Services = Annotated[list[str] | None, typer.Option("--service", help="A service it is about; may be repeated.")]
From = Annotated[
    list[str] | None, typer.Option("--from", metavar="INCIDENT", help="An incident it is made from; may be repeated.")
]
Cause = Annotated[str | None, typer.Option("--cause", help="The cause, where it is known.")]
Workaround = Annotated[str | None, typer.Option("--workaround", help="What helps: makes it a known error.")]
Alerts = Annotated[list[str] | None, typer.Option("--alert", help="An alert's name that it matches; may be repeated.")]
Words = Annotated[list[str] | None, typer.Option("--word", help="A word that it matches; may be repeated.")]
Begin = Annotated[str | None, typer.Option("--begin", metavar="TIME", help="RFC 3339, or as in 2h ahead.")]
End = Annotated[str | None, typer.Option("--end", metavar="TIME", help="RFC 3339, or as in 2h ahead.")]
Url = Annotated[str | None, typer.Option("--url", help="Where more stands.")]


@request.command("create")
def create_request(
    context: typer.Context,
    title: Title = None,
    *,
    description: About = None,
    group: Group = None,
    assignee: Who = None,
    ci: Cis = None,
    service: Services = None,
    from_: From = None,
    by: By = None,
    as_json: AsJson = False,
) -> None:
    """Make a service request."""
    given = _given(title=title, description=description, group=group, assignee=assignee, cis=ci, services=service)
    _create(context, "request", given, from_, by, as_json)


@request.command("edit")
def edit_request(
    context: typer.Context,
    number: Key,
    *,
    title: NewTitle = None,
    description: About = None,
    group: Group = None,
    assignee: Who = None,
    ci: Cis = None,
    service: Services = None,
    by: By = None,
    as_json: AsJson = False,
) -> None:
    """Change what a service request says."""
    given = _given(title=title, description=description, group=group, assignee=assignee, cis=ci, services=service)
    _edit(context, "request", number, given, by, as_json)


@problem.command("create")
def create_problem(
    context: typer.Context,
    title: Title = None,
    *,
    description: About = None,
    cause: Cause = None,
    workaround: Workaround = None,
    group: Group = None,
    assignee: Who = None,
    ci: Cis = None,
    service: Services = None,
    alert: Alerts = None,
    word: Words = None,
    from_: From = None,
    by: By = None,
    as_json: AsJson = False,
) -> None:
    """Make a problem; with a workaround it is a known error."""
    given = _given(
        title=title,
        description=description,
        cause=cause,
        workaround=workaround,
        group=group,
        assignee=assignee,
        cis=ci,
        services=service,
        alerts=alert,
        words=word,
    )
    _create(context, "problem", given, from_, by, as_json)


@problem.command("edit")
def edit_problem(
    context: typer.Context,
    number: Key,
    *,
    title: NewTitle = None,
    description: About = None,
    cause: Cause = None,
    workaround: Workaround = None,
    group: Group = None,
    assignee: Who = None,
    ci: Cis = None,
    service: Services = None,
    alert: Alerts = None,
    word: Words = None,
    by: By = None,
    as_json: AsJson = False,
) -> None:
    """Change what a problem says, and what it matches."""
    given = _given(
        title=title,
        description=description,
        cause=cause,
        workaround=workaround,
        group=group,
        assignee=assignee,
        cis=ci,
        services=service,
        alerts=alert,
        words=word,
    )
    _edit(context, "problem", number, given, by, as_json)


@problem.command()
def suggestions(context: typer.Context, *, as_json: AsJson = False) -> None:
    """CIs that fail again and again, of which a problem should be made."""
    from daemon.cli.out import emit, say
    from daemon.cli.record_view import suggestion_table
    from daemon.clock import SystemClock
    from rules.record_document import suggestion_document

    config = read_config(context)
    with open_store(config) as store:
        found = store.suggestions(config.policy.suggest, SystemClock().now())
    if as_json:
        emit({"suggestions": [suggestion_document(s) for s in found]})
    else:
        say(suggestion_table(found) if found else "Nothing recurs that is in no problem yet.")


@problem.command()
def accept(
    context: typer.Context,
    ci: Annotated[str, typer.Argument(metavar="CI", help="The CI of a suggestion.")],
    *,
    by: By = None,
    as_json: AsJson = False,
) -> None:
    """Make the problem that is suggested for a CI, with all of its incidents."""
    from daemon.cli.refusal import Refusal
    from daemon.clock import SystemClock
    from rules.recurrence import given_of

    config = read_config(context)
    with open_store(config) as store:
        found = store.suggestions(config.policy.suggest, SystemClock().now(), ci)
    if not found:
        raise Refusal(f"no problem is suggested for {ci}; `incidentd problem suggestions` shows which are")
    fields = {"given": given_of(found[0]), "incidents": found[0].incidents}
    give(context, "problem", [("create", fields)], by, as_json)


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
    given = _given(
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
    _create(context, "change", given, from_, by, as_json, status=status)


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
    given = _given(
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
    _edit(context, "change", number, given, by, as_json)


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
    from daemon.cli.refusal import Refusal

    events = read_changes(file.read_bytes())
    if not events:
        raise Refusal(f"{file}: there are no events in it")
    config = read_config(context)
    with open_store(config) as store:
        known = _by_uid(store)
    made = [("create", {"given": _of_event(event, ci or [])}) for event in events if not event.is_cancelled]
    gone = [("step", {"number": known[e.uid], "step": "cancel"}) for e in events if e.is_cancelled and e.uid in known]
    give(context, "change", [*made, *gone], by, as_json)


def _by_uid(store: Any) -> dict[str, int]:
    """Numbers of the changes that may still be cancelled, by what other systems call them."""
    from daemon.store.rows import RecordSearch
    from rules.record import Change, ChangeStatus, Kind

    open_ = (ChangeStatus.PLANNED, ChangeStatus.APPROVED)
    found = store.records(RecordSearch(kind=Kind.CHANGE, statuses=open_), limit=10_000)
    return {c.uid: c.number for c in found if isinstance(c, Change) and c.uid}


def _of_event(event: "Event", cis: list[str]) -> Any:
    return _given(
        title=event.title[:400],
        description=event.description,
        starts_at=event.starts_at,
        ends_at=event.ends_at,
        cis=list(event.cis) or cis,
        url=event.url,
        uid=event.uid,
    )


def _given(**fields: Any) -> Any:
    """What was said; lists and texts as they can be stored."""
    from rules.record import Given

    found: dict[str, Any] = {}
    for name, value in fields.items():
        if isinstance(value, str):
            found[name] = checked_text(value.strip(), f"the {name}")
        elif isinstance(value, list):
            found[name] = tuple(checked_text(v.strip(), f"a member of {name}") for v in value) or None
        else:
            found[name] = value
    return Given(**found)


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


def _create(
    context: typer.Context,
    kind: str,
    given: Any,
    incidents: list[str] | None,
    by: str | None,
    as_json: bool,
    status: str = "",
) -> None:
    numbers = tuple(dict.fromkeys(map(read_number, incidents or ())))
    fields = {"given": given, "incidents": numbers, "status": "" if status == "planned" else status}
    give(context, kind, [("create", fields)], by, as_json)


def _edit(context: typer.Context, kind: str, number: str, given: Any, by: str | None, as_json: bool) -> None:
    give(context, kind, [("edit", {"number": read_key(kind, number), "given": given})], by, as_json)


def add_to(app: typer.Typer) -> None:
    """Put the commands of this module into the command line."""
    for kind, group in GROUPS.items():
        records.add_common(kind)
        app.add_typer(group)
