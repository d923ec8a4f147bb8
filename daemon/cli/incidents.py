"""`incidentd incident list` and `show`; the orders are in `daemon.cli.incident_orders`."""

from typing import TYPE_CHECKING, Annotated

import typer

from daemon.cli import incident_orders, incident_record
from daemon.cli.moment import moment_of
from daemon.cli.orders import entry_fields, read_number
from daemon.cli.place import AsJson, open_store, read_config

if TYPE_CHECKING:
    from daemon.config.config import Config
    from daemon.store.store import Store
    from rules.incident import Incident
    from rules.recurrence import Suggestion

incident = typer.Typer(name="incident", help="Incidents: see them, work on them.", no_args_is_help=True)

Number = Annotated[str, typer.Argument(metavar="NUMBER", help="As in INC-42, or 42.")]


@incident.command("list")
def list_(
    context: typer.Context,
    *,
    status: Annotated[
        list[str] | None, typer.Option("--status", help="open, acknowledged, …; `active` is all not yet resolved.")
    ] = None,
    priority: Annotated[list[str] | None, typer.Option("--priority", help="P1 to P5; may be repeated.")] = None,
    group: Annotated[list[str] | None, typer.Option("--group", help="The group that has it; may be repeated.")] = None,
    ci: Annotated[list[str] | None, typer.Option("--ci", help="The CI named as root cause; may be repeated.")] = None,
    service: Annotated[
        list[str] | None, typer.Option("--service", help="A business service that is hit; may be repeated.")
    ] = None,
    since: Annotated[
        str, typer.Option("--since", metavar="TIME", help="Opened then or later: RFC 3339, or as in 2h or 3d ago.")
    ] = "",
    until: Annotated[str, typer.Option("--until", metavar="TIME", help="Opened before.")] = "",
    text: Annotated[
        str, typer.Option("--text", help="Words in title, group, assignee, resolution or root cause.")
    ] = "",
    sort: Annotated[
        str, typer.Option("--sort", help="number, opened_at, updated_at, priority or status; a minus turns it round.")
    ] = "-number",
    limit: Annotated[int, typer.Option("--limit", min=1, max=10_000, help="At most so many.")] = 200,
    offset: Annotated[int, typer.Option("--offset", min=0, max=10_000_000, help="After so many.")] = 0,
    as_json: AsJson = False,
) -> None:
    """Incidents, newest first."""
    from daemon.cli.incident_view import incident_table
    from daemon.cli.out import emit, say
    from daemon.clock import SystemClock
    from daemon.store.rows import SORTS, Search
    from rules.document import incident_document

    now = SystemClock().now()
    search = Search(
        statuses=_statuses(status or []),
        priorities=_priorities(priority or []),
        groups=group or (),
        cis=ci or (),
        services=service or (),
        since=moment_of(since, now, "--since") if since else None,
        until=moment_of(until, now, "--until") if until else None,
        text=text,
        sort=_one_of(sort, [*SORTS, *(f"-{word}" for word in SORTS)], "--sort"),
    )
    with open_store(read_config(context)) as store:
        found = store.incidents(search, limit=limit, offset=offset)
        documents = [incident_document(i, store.alerts_of(i.number)) for i in found] if as_json else []
    if as_json:
        emit({"incidents": documents})
    elif not found:
        say("There are no incidents." if search == Search() else "There is no such incident.")
    else:
        say(incident_table(found, now))


def _statuses(words: list[str]) -> tuple[str, ...]:
    from rules.incident import ACTIVE, Status

    found: list[str] = []
    for word in words:
        if word == "active":
            found += sorted(ACTIVE)
        else:
            found.append(_one_of(word.replace("-", "_"), [*map(str, Status), "active"], "--status"))
    return tuple(found)


def _priorities(words: list[str]) -> tuple[str, ...]:
    from rules.incident import Priority

    return tuple(_one_of(word.upper(), list(map(str, Priority)), "--priority") for word in words)


def _one_of(word: str, words: list[str], option: str) -> str:
    from daemon.config.fields import suggestion

    if word not in words:
        raise typer.BadParameter(f'"{word}" is not known; {suggestion(word, words)}', param_hint=option)
    return word


@incident.command()
def show(context: typer.Context, number: Number, *, as_json: AsJson = False) -> None:
    """One incident: what failed, what it hits, why this root, what happens next, and its whole history."""
    import msgspec

    from daemon.cli.incident_view import show_incident
    from daemon.cli.notices import notice_fields
    from daemon.cli.out import emit
    from daemon.cli.refusal import Refusal
    from daemon.clock import SystemClock
    from rules.document import incident_document
    from rules.incident import incident_key
    from rules.record_document import suggestion_document
    from rules.satisfaction_document import contact_document, rating_document

    wanted = read_number(number)
    config = read_config(context)
    with open_store(config) as store:
        found = store.incident(wanted)
        if found is None:
            raise Refusal(f"there is no incident {incident_key(wanted)}; `incidentd incident list` shows them")
        alerts, timeline = store.alerts_of(wanted), store.timeline(wanted)
        notices, ratings = store.notices(incident=wanted), store.ratings.of_incident(wanted)
        suggested = _suggested(store, config, found)
    if as_json:
        document = msgspec.to_builtins(incident_document(found, alerts))
        entries = [entry_fields(e) for e in timeline]
        emit(
            {
                "incident": document,
                "contact": msgspec.to_builtins(contact_document(found.contact)),
                "timeline": entries,
                "notices": [notice_fields(n) for n in notices],
                "ratings": [msgspec.to_builtins(rating_document(r)) for r in ratings],
                "problem_suggestion": None if suggested is None else suggestion_document(suggested),
            }
        )
    else:
        show_incident(found, alerts, timeline, notices, ratings, config.policy, SystemClock().now(), suggested)


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
