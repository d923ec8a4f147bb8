"""`incidentd incident list` and `show`; the orders are in `daemon.cli.incident_orders`."""

from typing import TYPE_CHECKING, Annotated, Any

import typer

from daemon.cli import incident_orders, incident_record
from daemon.cli.moment import moment_of
from daemon.cli.options import one_of, with_options
from daemon.cli.orders import Number, read_number
from daemon.cli.place import AsJson, open_store, read_config

if TYPE_CHECKING:
    from datetime import datetime

    from daemon.config.config import Config
    from daemon.store.rows import Search
    from daemon.store.store import Store
    from rules.incident import Incident
    from rules.recurrence import Suggestion

incident = typer.Typer(name="incident", help="Incidents: see them, work on them.", no_args_is_help=True)


_FILTERS: dict[str, Any] = {
    "status": Annotated[
        list[str] | None, typer.Option("--status", help="open, acknowledged, …; `active` is all not yet resolved.")
    ],
    "priority": Annotated[list[str] | None, typer.Option("--priority", help="P1 to P5; may be repeated.")],
    "group": Annotated[list[str] | None, typer.Option("--group", help="The group that has it; may be repeated.")],
    "ci": Annotated[list[str] | None, typer.Option("--ci", help="The CI named as root cause; may be repeated.")],
    "service": Annotated[
        list[str] | None, typer.Option("--service", help="A business service that is hit; may be repeated.")
    ],
    "since": Annotated[
        str | None,
        typer.Option("--since", metavar="TIME", help="Opened then or later: RFC 3339, or as in 2h ago."),
    ],
    "until": Annotated[str | None, typer.Option("--until", metavar="TIME", help="Opened before.")],
    "text": Annotated[
        str | None, typer.Option("--text", help="Words in title, group, assignee, resolution or root cause.")
    ],
}


def _list(
    context: typer.Context,
    *,
    sort: Annotated[
        str, typer.Option("--sort", help="number, opened_at, updated_at, priority or status; a minus turns it round.")
    ] = "-number",
    limit: Annotated[int, typer.Option("--limit", min=1, max=10_000, help="At most so many.")] = 200,
    offset: Annotated[int, typer.Option("--offset", min=0, max=10_000_000, help="After so many.")] = 0,
    as_json: AsJson = False,
    **filters: Any,
) -> None:
    """Incidents, newest first."""
    from daemon.cli.incident_view import incident_table
    from daemon.cli.out import emit, say
    from daemon.clock import SystemClock
    from daemon.store.rows import Search
    from rules.document import incident_document

    now = SystemClock().now()
    search = _search(filters, sort, now)
    with open_store(read_config(context)) as store:
        found = store.incidents(search, limit=limit, offset=offset)
        documents = [incident_document(i, store.alerts_of(i.number)) for i in found] if as_json else []
    if as_json:
        emit({"incidents": documents})
    elif not found:
        say("There are no incidents." if search == Search() else "There is no such incident.")
    else:
        say(incident_table(found, now))


incident.command("list")(with_options(_list, _FILTERS))


def _search(filters: dict[str, Any], sort: str, now: "datetime") -> "Search":
    from daemon.store.rows import SORTS, Search

    since, until = filters["since"], filters["until"]
    return Search(
        statuses=_statuses(filters["status"] or []),
        priorities=_priorities(filters["priority"] or []),
        groups=filters["group"] or (),
        cis=filters["ci"] or (),
        services=filters["service"] or (),
        since=moment_of(since, now, "--since") if since else None,
        until=moment_of(until, now, "--until") if until else None,
        text=filters["text"] or "",
        sort=one_of(sort, [*SORTS, *(f"-{word}" for word in SORTS)], "--sort"),
    )


def _statuses(words: list[str]) -> tuple[str, ...]:
    from rules.incident import ACTIVE, Status

    found: list[str] = []
    for word in words:
        if word == "active":
            found += sorted(ACTIVE)
        else:
            found.append(one_of(word.replace("-", "_"), [*map(str, Status), "active"], "--status"))
    return tuple(found)


def _priorities(words: list[str]) -> tuple[str, ...]:
    from rules.incident import Priority

    return tuple(one_of(word.upper(), list(map(str, Priority)), "--priority") for word in words)


@incident.command()
def show(context: typer.Context, number: Number, *, as_json: AsJson = False) -> None:
    """One incident: what failed, what it hits, why this root, what happens next, and its whole history."""
    from daemon.cli.incident_fields import whole_of
    from daemon.cli.incident_view import show_incident
    from daemon.cli.out import emit
    from daemon.clock import SystemClock
    from rules.record_document import suggestion_document

    wanted = read_number(number)
    config = read_config(context)
    with open_store(config) as store:
        whole = whole_of(store, wanted)
        suggested = _suggested(store, config, whole.incident)
    if as_json:
        problem = None if suggested is None else suggestion_document(suggested)
        emit({**whole.document(), "problem_suggestion": problem})
    else:
        show_incident(*whole, config.policy, SystemClock().now(), suggested)


def _suggested(store: "Store", config: "Config", incident: "Incident") -> "Suggestion | None":
    """The problem that should be made, where the incident is one of many."""
    from daemon.clock import SystemClock

    if incident.root.ci is None:
        return None
    found = store.suggestions(config.policy.suggest, SystemClock().now(), incident.root.ci)
    return next((s for s in found if incident.number in s.incidents), None)


def add_to(app: typer.Typer) -> None:
    """Put the commands of this module into the command line."""
    incident_orders.add_to(incident)
    incident_record.add_to(app, incident)
    app.add_typer(incident)
