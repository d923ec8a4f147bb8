"""Making and changing service requests and problems from the command line, and what changes need for it too."""

from typing import Annotated, Any

import typer

from daemon.cli.orders import By, checked_text, read_number
from daemon.cli.place import AsJson, open_store, read_config
from daemon.cli.records import Key, give, problem, read_key, request

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
Categories = Annotated[
    list[str] | None, typer.Option("--category", help="A category of incidents that it matches; may be repeated.")
]
Alerts = Annotated[list[str] | None, typer.Option("--alert", help="An alert's name that it matches; may be repeated.")]
Words = Annotated[list[str] | None, typer.Option("--word", help="A word that it matches; may be repeated.")]


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
    given = fields_given(title=title, description=description, group=group, assignee=assignee, cis=ci, services=service)
    make(context, "request", given, from_, by, as_json)


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
    given = fields_given(title=title, description=description, group=group, assignee=assignee, cis=ci, services=service)
    alter(context, "request", number, given, by, as_json)


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
    category: Categories = None,
    alert: Alerts = None,
    word: Words = None,
    from_: From = None,
    by: By = None,
    as_json: AsJson = False,
) -> None:
    """Make a problem; with a workaround it is a known error."""
    given = fields_given(
        title=title,
        description=description,
        cause=cause,
        workaround=workaround,
        group=group,
        assignee=assignee,
        cis=ci,
        services=service,
        categories=category,
        alerts=alert,
        words=word,
    )
    make(context, "problem", given, from_, by, as_json)


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
    category: Categories = None,
    alert: Alerts = None,
    word: Words = None,
    by: By = None,
    as_json: AsJson = False,
) -> None:
    """Change what a problem says, and what it matches."""
    given = fields_given(
        title=title,
        description=description,
        cause=cause,
        workaround=workaround,
        group=group,
        assignee=assignee,
        cis=ci,
        services=service,
        categories=category,
        alerts=alert,
        words=word,
    )
    alter(context, "problem", number, given, by, as_json)


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


def fields_given(**fields: Any) -> Any:
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


def make(
    context: typer.Context,
    kind: str,
    given: Any,
    incidents: list[str] | None,
    by: str | None,
    as_json: bool,
    status: str = "",
) -> None:
    """Order a new record of the kind, made from these incidents."""
    numbers = tuple(dict.fromkeys(map(read_number, incidents or ())))
    fields = {"given": given, "incidents": numbers, "status": "" if status == "planned" else status}
    give(context, kind, [("create", fields)], by, as_json)


def alter(context: typer.Context, kind: str, number: str, given: Any, by: str | None, as_json: bool) -> None:
    """Order a change of what the record says."""
    give(context, kind, [("edit", {"number": read_key(kind, number), "given": given})], by, as_json)
