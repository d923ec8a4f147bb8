"""Making and changing service requests, problems and changes from the command line."""

from collections.abc import Callable
from typing import Annotated, Any

import typer

from daemon.cli.moment import moment_about
from daemon.cli.options import with_options
from daemon.cli.orders import By, checked_text, read_number
from daemon.cli.place import AsJson, open_store, read_config
from daemon.cli.records import GROUPS, Key, give, problem, read_key

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
Begin = Annotated[str | None, typer.Option("--begin", metavar="TIME", help="RFC 3339, or as in 2h ahead.")]
End = Annotated[str | None, typer.Option("--end", metavar="TIME", help="RFC 3339, or as in 2h ahead.")]
Url = Annotated[str | None, typer.Option("--url", help="Where more stands.")]
Status = Annotated[
    str | None, typer.Option("--status", help="planned, or of what goes on or is over: in_progress, done, failed.")
]
Cause = Annotated[str | None, typer.Option("--cause", help="The cause, where it is known.")]
Workaround = Annotated[str | None, typer.Option("--workaround", help="What helps: makes it a known error.")]
Categories = Annotated[
    list[str] | None, typer.Option("--category", help="A category of incidents that it matches; may be repeated.")
]
Alerts = Annotated[list[str] | None, typer.Option("--alert", help="An alert's name that it matches; may be repeated.")]
Words = Annotated[list[str] | None, typer.Option("--word", help="A word that it matches; may be repeated.")]


_COMMON = {"description": About, "group": Group, "assignee": Who, "cis": Cis, "services": Services}
FORMS: dict[str, dict[str, Any]] = {
    "request": _COMMON,
    "problem": {
        **_COMMON,
        "cause": Cause,
        "workaround": Workaround,
        "categories": Categories,
        "alerts": Alerts,
        "words": Words,
    },
    "change": {**_COMMON, "starts_at": Begin, "ends_at": End, "url": Url},
}
"""What a record of each kind can say beside its title: fields of `Given`, each with its option."""

_MOMENTS = {"starts_at": "--begin", "ends_at": "--end"}
_HELP = {
    "request": ("Make a service request.", "Change what a service request says."),
    "problem": (
        "Make a problem; with a workaround it is a known error.",
        "Change what a problem says, and what it matches.",
    ),
    "change": (
        "Make a change: plan it, or tell of what was done.",
        "Change what a change says; one whose plan was approved needs approval again.",
    ),
}


def add_forms(kind: str) -> None:
    """Put `create` and `edit` into the group of a kind."""
    more = {"status": Status} if kind == "change" else {}
    make, alter = _HELP[kind]
    GROUPS[kind].command("create", help=make)(with_options(_create_command(kind), {**FORMS[kind], **more}))
    GROUPS[kind].command("edit", help=alter)(with_options(_edit_command(kind), {"title": NewTitle, **FORMS[kind]}))


def _create_command(kind: str) -> Callable[..., None]:
    def create(
        context: typer.Context,
        title: Title = None,
        *,
        from_: From = None,
        by: By = None,
        as_json: AsJson = False,
        **said: Any,
    ) -> None:
        status = said.pop("status", None)
        numbers = tuple(dict.fromkeys(map(read_number, from_ or ())))
        fields = {"given": fields_given(title=title, **said), "incidents": numbers}
        if status and status != "planned":
            fields["status"] = status
        give(context, kind, [("create", fields)], by, as_json)

    return create


def _edit_command(kind: str) -> Callable[..., None]:
    def edit(context: typer.Context, number: Key, *, by: By = None, as_json: AsJson = False, **said: Any) -> None:
        fields = {"number": read_key(kind, number), "given": fields_given(**said)}
        give(context, kind, [("edit", fields)], by, as_json)

    return edit


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
    """What was said; moments as such, lists and texts as they can be stored."""
    from daemon.clock import SystemClock
    from rules.record import Given

    found: dict[str, Any] = {}
    for name, value in fields.items():
        if isinstance(value, str) and name in _MOMENTS:
            found[name] = moment_about(value, SystemClock().now(), _MOMENTS[name])
        elif isinstance(value, str):
            found[name] = checked_text(value.strip(), f"the {name}")
        elif isinstance(value, list):
            found[name] = tuple(checked_text(v.strip(), f"a member of {name}") for v in value) or None
        else:
            found[name] = value
    return Given(**found)
